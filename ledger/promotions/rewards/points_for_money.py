"""The kind `points_for_money`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body, Points
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class PointsForMoney(Body):
    """So many points for each full amount that is paid for these goods. `parts`: for a part of it
    too, in proportion, rounded down.

    {"kind": "points_for_money", "points": 1, "each": {"amount": "100", "currency": "RUB"}}"""

    WORDS: ClassVar = KindWords(
        N_("Points for each full amount"), N_("So many points for each 100 ₽ that are paid.")
    )

    kind: Literal["points_for_money"]
    points_: Annotated[Points, Field(alias="points"), FieldWords("Points", "points")]
    each: Annotated[PromotionMoney, FieldWords("For each", "money")]
    goods: GoodsMeant = ALL
    parts: Annotated[bool, FieldWords("For a part of it too, in proportion")] = False

    @cached_property
    def _each(self) -> int:
        return in_pieces(self.each)

    def touches(self) -> Goods:
        """The goods that earn them."""
        return self.goods

    def points(self, earnings: Earnings) -> int:
        """Counted once for the receipt, not for each line."""
        paid = earnings.amount(self.goods)
        if self.parts:
            return paid * self.points_ * earnings.pieces // self._each
        return paid // self._each * self.points_ * earnings.pieces

    def told(self, say: Voice) -> str:
        """How many points for how much, of which goods."""
        facts = {
            "points": say.points(self.points_),
            "money": say.money(self.each),
            "goods": say.part(self.goods),
        }
        if self.parts:
            return say("{points} for each {money} paid, for a part in proportion: {goods}", **facts)
        return say("{points} for each {money} paid: {goods}", **facts)
