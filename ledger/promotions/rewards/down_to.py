"""What kinds with prices have in common: lines become as cheap as a price says. What modifies
them comes on top."""

from collections.abc import Mapping

from ledger.promotions.arithmetic import price_of
from ledger.promotions.deals import PromotionReach, extra_of_one, off_each
from ledger.promotions.worksheet import Deal, UnitRun


def down_to(reach: PromotionReach, prices: Mapping[int, int]) -> Deal:
    """Each line down to its price for one."""
    runs = reach.sheet.runs(prices)
    return off_each(reach.sheet, [(run, _above(reach, run, prices[run.line])) for run in runs])


def _above(reach: PromotionReach, run: UnitRun, price: int) -> int:
    line = reach.sheet.lines[run.line]
    wanted = price if line.units > 1 else price_of(price, line.quantity)
    return max(0, run.each - wanted - extra_of_one(reach.sheet, run.line))
