"""The kind `points_fixed`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body, Points
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class PointsFixed(Body):
    """So many points for the purchase.

    {"kind": "points_fixed", "points": 200}"""

    WORDS: ClassVar = KindWords(
        N_("Points for the purchase"), N_("So many points, whatever is bought.")
    )

    kind: Literal["points_fixed"]
    points_: Annotated[Points, Field(alias="points"), FieldWords("Points", "points")]

    def points(self, earnings: Earnings) -> int:
        """Whatever is bought."""
        return self.points_ * earnings.pieces

    def told(self, say: Voice) -> str:
        """How many points."""
        return say("{points} for the purchase", points=say.points(self.points_))
