"""The kind `set_total`."""

from functools import cached_property
from typing import Literal

from ledger.fields import Body, MoneyIn
from ledger.promotions.deals import PromotionReach, spread, worth
from ledger.promotions.goods import Goods, in_pieces
from ledger.promotions.worksheet import Deal


class SetTotal(Body):
    """These goods cost so much together, if they cost more.

    {"kind": "set_total", "total": {"amount": "5000", "currency": "RUB"},
     "goods": {"categories": ["repair"]}}"""

    kind: Literal["set_total"]
    total: MoneyIn
    goods: Goods

    @cached_property
    def _total(self) -> int:
        return in_pieces(self.total)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """What is above, in proportion."""
        runs = reach.runs(self.goods)
        return spread(reach.sheet, runs, max(0, worth(runs) - self._total), elsewhere=True)
