"""The kind `percent`."""

from functools import cached_property
from typing import Literal

from ledger.fields import Body, MoneyIn, PercentText
from ledger.money import hundredths
from ledger.promotions.deals import PromotionReach, percent_off
from ledger.promotions.goods import ALL, Goods, in_pieces
from ledger.promotions.rewards.picks import Pick
from ledger.promotions.worksheet import Deal


class PercentOff(Body):
    """So many percent off these goods, or off some units of them. `most`: no more than so much off
    the receipt.

    {"kind": "percent", "percent": "10", "goods": {"categories": ["shoes"]}}"""

    kind: Literal["percent"]
    percent: PercentText
    goods: Goods = ALL
    pick: Pick | None = None
    most: MoneyIn | None = None

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    @cached_property
    def _most(self) -> int | None:
        return None if self.most is None else in_pieces(self.most)

    def touches(self) -> Goods:
        """The goods it is off."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Exactly this percent of all of them together."""
        runs = reach.runs(self.goods)
        if self.pick is not None:
            runs = self.pick.of(reach, runs)
        return percent_off(reach.sheet, runs, self._size, self._most)
