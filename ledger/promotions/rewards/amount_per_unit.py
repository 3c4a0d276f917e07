"""The kind `amount_per_unit`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, off_each
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.rewards.picks import UnitsPicked, picked_told
from ledger.promotions.rewards.registry import changed
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class AmountOffEach(Body):
    """So much off each unit of these goods. Of what is weighed or measured, all of a line is one
    unit.

    {"kind": "amount_per_unit", "amount": {"amount": "50", "currency": "RUB"},
     "goods": {"brands": ["Lelia"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Amount off each unit"), N_("So much off each unit of these goods.")
    )

    kind: Literal["amount_per_unit"]
    amount: Annotated[PromotionMoney, FieldWords("Amount off each unit", "money")]
    goods: GoodsMeant = ALL
    pick: UnitsPicked = None

    @cached_property
    def _size(self) -> int:
        return in_pieces(self.amount)

    def touches(self) -> Goods:
        """The goods it is off."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Off each by itself: a unit that costs less gives nothing to the others."""
        runs = reach.runs(self.goods)
        if self.pick is not None:
            runs = self.pick.of(reach, runs)
        return off_each(reach.sheet, [(run, min(self._size, run.each)) for run in runs])

    def repeated(self, times: int) -> Self | None:
        """Off more of the cheapest or dearest units."""
        pick = None if self.pick is None else self.pick.repeated(times)
        return None if pick is None else changed(self, pick=pick)

    def told(self, say: Voice) -> str:
        """How much, and of which goods."""
        goods = picked_told(self.goods, self.pick, say)
        return say("{money} off each unit: {goods}", money=say.money(self.amount), goods=goods)
