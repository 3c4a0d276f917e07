"""The kind `points_for_units`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body, Points
from ledger.promotions.goods import Goods, GoodsMeant
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class PointsForUnits(Body):
    """So many points for each unit of these goods.

    {"kind": "points_for_units", "points": 10, "goods": {"brands": ["Lelia"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Points for each unit"), N_("So many points for each unit of these goods.")
    )

    kind: Literal["points_for_units"]
    points_: Annotated[Points, Field(alias="points"), FieldWords("Points", "points")]
    goods: GoodsMeant

    def touches(self) -> Goods:
        """The goods that earn them."""
        return self.goods

    def points(self, earnings: Earnings) -> int:
        """What is weighed or measured counts as one."""
        lines = earnings.situation.worksheet.lines
        units = sum(lines[n].units for n in earnings.lines(self.goods))
        return units * self.points_ * earnings.pieces

    def told(self, say: Voice) -> str:
        """How many points, for which goods."""
        points, goods = say.points(self.points_), say.part(self.goods)
        return say("{points} for each unit: {goods}", points=points, goods=goods)
