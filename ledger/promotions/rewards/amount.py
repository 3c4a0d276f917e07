"""The kinds `amount`, `amount_per_unit` and `amount_per_line`."""

from functools import cached_property
from typing import Literal

from ledger.fields import Body, MoneyIn
from ledger.promotions.deals import PromotionReach, by_line, settle, spread
from ledger.promotions.goods import ALL, Goods, in_pieces
from ledger.promotions.rewards.picks import Pick
from ledger.promotions.worksheet import Deal


class AmountOff(Body):
    """So much off these goods together, shared in proportion to what they cost.

    {"kind": "amount", "amount": {"amount": "500", "currency": "RUB"}}"""

    kind: Literal["amount"]
    amount: MoneyIn
    goods: Goods = ALL
    pick: Pick | None = None

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


class AmountOffEach(Body):
    """So much off each unit of these goods. Of what is weighed or measured, all of a line is one
    unit.

    {"kind": "amount_per_unit", "amount": {"amount": "50", "currency": "RUB"},
     "goods": {"brands": ["Lelia"]}}"""

    kind: Literal["amount_per_unit"]
    amount: MoneyIn
    goods: Goods = ALL
    pick: Pick | None = None

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
        parts: dict[int, int] = {}
        for run in runs:
            off = min(self._size, run.each) * run.units
            parts[run.line] = parts.get(run.line, 0) + off
        return settle(reach.sheet, runs, parts)


class AmountOffLine(Body):
    """So much off each line of these goods.

    {"kind": "amount_per_line", "amount": {"amount": "100", "currency": "RUB"}}"""

    kind: Literal["amount_per_line"]
    amount: MoneyIn
    goods: Goods = ALL

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
