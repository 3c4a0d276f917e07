"""The kind `amount`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, spread
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, in_pieces, multiplied
from ledger.promotions.rewards.picks import UnitsPicked, picked_told
from ledger.promotions.rewards.registry import changed
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class AmountOff(Body):
    """So much off these goods together, shared in proportion to what they cost.

    {"kind": "amount", "amount": {"amount": "500", "currency": "RUB"}}"""

    WORDS: ClassVar = KindWords(N_("Amount off"), N_("So much off these goods together."))

    kind: Literal["amount"]
    amount: Annotated[PromotionMoney, FieldWords("Amount off", "money")]
    goods: GoodsMeant = ALL
    pick: UnitsPicked = None

    @cached_property
    def _size(self) -> int:
        return in_pieces(self.amount)

    def touches(self) -> Goods:
        """The goods it is off."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """What a line has no room for is taken off the others."""
        runs = reach.runs(self.goods)
        if self.pick is not None:
            runs = self.pick.of(reach, runs)
        return spread(reach.sheet, runs, self._size, elsewhere=True)

    def repeated(self, times: int) -> Self | None:
        """So much more off."""
        return changed(self, amount=multiplied(self.amount, times))

    def told(self, say: Voice) -> str:
        """How much, and of which goods."""
        goods = picked_told(self.goods, self.pick, say)
        return say("{money} off the sum: {goods}", money=say.money(self.amount), goods=goods)
