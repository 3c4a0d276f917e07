"""The kinds `nth_unit` and `free_units`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body, PercentText
from ledger.money import WHOLE, hundredths
from ledger.promotions.deals import (
    PromotionReach,
    between,
    cheapest_first,
    dearest_first,
    first_units,
    number,
    percent_off,
    spread,
    worth,
)
from ledger.promotions.goods import Goods
from ledger.promotions.rewards.picks import Identical, UnitCount, alike
from ledger.promotions.worksheet import Deal, UnitRun


class NthUnit(Body):
    """Every so-manieth unit of these goods for less: the second at half price, three for the price
    of two (`every` 3, `percent` 100). The units are put in order, the dearest first, so it is the
    cheapest of each group. `identical`: only units that are alike make a group. `times`: so many
    groups on one receipt at most.

    {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {"categories": ["shoes"]}}"""

    kind: Literal["nth_unit"]
    every: Annotated[UnitCount, Field(ge=2)]
    percent: PercentText = "100"
    goods: Goods
    identical: Identical | None = None
    times: UnitCount | None = None

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """A unit that is free would stand on the receipt as nothing, so its discount is shared with
        the units that were bought with it."""
        groups = list(self._groups(reach))[: self.times]
        cheap = [run for group in groups for run in between(group, self.every - 1, self.every)]
        if self._size < WHOLE:
            return percent_off(reach.sheet, cheap, self._size, None)
        taken = [run for group in groups for run in group]
        return spread(reach.sheet, taken, worth(cheap), elsewhere=True)

    def _groups(self, reach: PromotionReach) -> Iterator[list[UnitRun]]:
        for runs in alike(reach, self.identical, reach.counted_runs(self.goods)):
            ordered = dearest_first(runs)
            for place in range(number(ordered) // self.every):
                begin = place * self.every
                yield list(between(ordered, begin, begin + self.every))


class FreeUnits(Body):
    """Whoever buys so many units of these goods gets so many of others for nothing, if they are on
    the receipt: the cheapest of them. `get_goods`: which; without them, of the same. `times`: so
    often on one receipt at most.

    {"kind": "free_units", "buy": 2, "goods": {"categories": ["shoes"]},
     "get": 1, "get_goods": {"categories": ["socks"]}}"""

    kind: Literal["free_units"]
    buy: UnitCount
    goods: Goods
    get: UnitCount = 1
    get_goods: Goods | None = None
    times: UnitCount | None = None

    def touches(self) -> Goods:
        """The goods that are bought."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """The discount is shared by what is bought and what is free, in proportion, so no line
        costs nothing."""
        bought = dearest_first(reach.counted_runs(self.goods))
        if self.get_goods is None:
            return self._of_the_same(reach, bought)
        free = cheapest_first(reach.counted_runs(self.get_goods))
        # What is meant by both is bought first.
        both = {(run.line, run.portion) for run in bought}
        free = [run for run in free if (run.line, run.portion) not in both]
        sets = min(number(bought) // self.buy, -(-number(free) // self.get))
        sets = sets if self.times is None else min(sets, self.times)
        gone = first_units(free, sets * self.get)
        taken = first_units(bought, sets * self.buy) + gone
        return spread(reach.sheet, taken, worth(gone), elsewhere=True)

    def _of_the_same(self, reach: PromotionReach, runs: list[UnitRun]) -> Deal:
        size = self.buy + self.get
        sets = number(runs) // size
        sets = sets if self.times is None else min(sets, self.times)
        taken = first_units(runs, sets * size)
        gone = [
            run
            for place in range(sets)
            for run in between(taken, place * size + self.buy, (place + 1) * size)
        ]
        return spread(reach.sheet, taken, worth(gone), elsewhere=True)
