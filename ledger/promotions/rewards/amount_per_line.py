"""The kind `amount_per_line`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, by_line, settle
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class AmountOffLine(Body):
    """So much off each line of these goods.

    {"kind": "amount_per_line", "amount": {"amount": "100", "currency": "RUB"}}"""

    WORDS: ClassVar = KindWords(
        N_("Amount off each item"),
        N_("So much off each item of the receipt, however many units it has."),
    )

    kind: Literal["amount_per_line"]
    amount: Annotated[PromotionMoney, FieldWords("Amount off each item", "money")]
    goods: GoodsMeant = ALL

    @cached_property
    def _size(self) -> int:
        return in_pieces(self.amount)

    def touches(self) -> Goods:
        """The goods it is off."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Off each line by itself."""
        runs = reach.runs(self.goods)
        parts = {line: min(self._size, paid) for line, paid in by_line(runs).items()}
        return settle(reach.sheet, runs, parts)

    def told(self, say: Voice) -> str:
        """How much, and of which goods."""
        goods = say.part(self.goods)
        return say("{money} off each item: {goods}", money=say.money(self.amount), goods=goods)
