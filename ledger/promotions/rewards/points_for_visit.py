"""The kind `points_for_visit`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body, Points
from ledger.promotions.facts import FactAsked, PurchasesToday
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class PointsForVisit(Body):
    """So many points for a visit: once for a member, a store and a business day.

    {"kind": "points_for_visit", "points": 5}"""

    WORDS: ClassVar = KindWords(
        N_("Points for a visit"), N_("So many points once a day in each store.")
    )

    kind: Literal["points_for_visit"]
    points_: Annotated[Points, Field(alias="points"), FieldWords("Points", "points")]

    def asks(self) -> FactAsked:
        """Whether they were there today."""
        return PurchasesToday()

    def points(self, earnings: Earnings) -> int:
        """None for the second purchase of a day."""
        if earnings.situation.facts.get(self.asks().key):
            return 0
        return self.points_ * earnings.pieces

    def told(self, say: Voice) -> str:
        """How many points."""
        points = say.points(self.points_)
        return say("{points} for a visit, once a day in each store", points=points)
