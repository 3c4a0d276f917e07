"""The kind `set_total`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, extras, spread, worth
from ledger.promotions.goods import Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class SetTotal(Body):
    """These goods cost so much together, if they cost more.

    {"kind": "set_total", "total": {"amount": "5000", "currency": "RUB"},
     "goods": {"categories": ["repair"]}}"""

    WORDS: ClassVar = KindWords(
        N_("One price for all"), N_("These goods cost so much together, if they cost more.")
    )

    kind: Literal["set_total"]
    total: Annotated[PromotionMoney, FieldWords("All together for", "money")]
    goods: GoodsMeant

    @cached_property
    def _total(self) -> int:
        return in_pieces(self.total)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """What is above, in proportion."""
        runs = reach.runs(self.goods)
        total = self._total + extras(reach.sheet, runs)
        return spread(reach.sheet, runs, max(0, worth(runs) - total), elsewhere=True)

    def told(self, say: Voice) -> str:
        """The sum, and of which goods."""
        return say(
            "all together for {money}: {goods}",
            money=say.money(self.total),
            goods=say.part(self.goods),
        )
