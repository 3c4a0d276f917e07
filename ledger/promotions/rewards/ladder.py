"""The kinds `ladder`, `first_and_further` and `per_group`."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, MoneyIn, PercentText
from ledger.money import hundredths
from ledger.promotions.arithmetic import percent_of
from ledger.promotions.deals import (
    PromotionReach,
    between,
    dearest_first,
    first_units,
    number,
    percent_off,
    settle,
    spread,
    worth,
)
from ledger.promotions.goods import ALL, Goods, in_pieces
from ledger.promotions.rewards.picks import Identical, UnitCount, alike
from ledger.promotions.worksheet import Deal

MOST_STEPS = 20


class LadderStep(Body):
    """From so many units, or from so much money, so many percent or so much off."""

    units: UnitCount | None = None
    amount: MoneyIn | None = None
    percent: PercentText | None = None
    off: MoneyIn | None = None

    @model_validator(mode="after")
    def says_from_where_and_what(self) -> Self:
        """Refuses a step without one begin and one size."""
        if (self.units is None) == (self.amount is None):
            raise PydanticCustomError("units_or_amount", "give either units or amount")
        if (self.percent is None) == (self.off is None):
            raise PydanticCustomError("percent_or_off", "give either percent or off")
        return self


class Ladder(Body):
    """The more of these goods, the more off all of them: the highest step counts that is reached.

    {"kind": "ladder", "steps": [
      {"amount": {"amount": "3000", "currency": "RUB"}, "percent": "5"},
      {"amount": {"amount": "10000", "currency": "RUB"}, "percent": "10"}]}"""

    kind: Literal["ladder"]
    goods: Goods = ALL
    steps: Annotated[list[LadderStep], Field(min_length=1, max_length=MOST_STEPS)]

    @model_validator(mode="after")
    def climbs(self) -> Self:
        """Refuses steps by units and by money together, and steps that do not climb."""
        begins = [step.units for step in self.steps if step.units is not None]
        sums = [in_pieces(step.amount) for step in self.steps if step.amount is not None]
        if begins and sums:
            raise PydanticCustomError("mixed_steps", "must count units or money, not both")
        told = begins or sums
        if told != sorted(set(told)):
            raise PydanticCustomError("steps_out_of_order", "must climb from step to step")
        return self

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """By what the goods cost now, or how many there are."""
        runs = reach.counted_runs(self.goods)
        paid, units = worth(runs), number(runs)
        reached = [step for step in self.steps if _is_reached(step, paid, units)]
        if not reached:
            return Deal()
        step = reached[-1]
        if step.percent is not None:
            return percent_off(reach.sheet, runs, hundredths(step.percent), None)
        off = 0 if step.off is None else in_pieces(step.off)
        return spread(reach.sheet, runs, off, elsewhere=True)


def _is_reached(step: LadderStep, paid: int, units: int) -> bool:
    if step.units is not None:
        return units >= step.units
    return step.amount is not None and paid >= in_pieces(step.amount)


class FirstAndFurther(Body):
    """So many percent off the first unit of these goods, and so many off each further one; the
    dearest is the first. `identical`: for each group of units that are alike.

    {"kind": "first_and_further", "first": "0", "further": "20", "goods": {"brands": ["Lelia"]}}"""

    kind: Literal["first_and_further"]
    first: PercentText
    further: PercentText
    goods: Goods
    identical: Identical | None = None

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        return hundredths(self.first), hundredths(self.further)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Each unit by itself, so that it is the same on one line and on many."""
        first, further = self._sizes
        runs = reach.counted_runs(self.goods)
        parts: dict[int, int] = {}
        for group in alike(reach, self.identical, runs):
            ordered = dearest_first(group)
            for size, some in (
                (first, between(ordered, 0, 1)),
                (further, between(ordered, 1, number(ordered))),
            ):
                for run in some:
                    off = percent_of(run.each, size) * run.units
                    parts[run.line] = parts.get(run.line, 0) + off
        return settle(reach.sheet, runs, parts)


class PerGroup(Body):
    """So much off for each complete group of so many units of these goods.

    {"kind": "per_group", "units": 3, "amount": {"amount": "100", "currency": "RUB"},
     "goods": {"categories": ["socks"]}}"""

    kind: Literal["per_group"]
    units: UnitCount
    amount: MoneyIn
    goods: Goods
    identical: Identical | None = None
    times: UnitCount | None = None

    @cached_property
    def _amount(self) -> int:
        return in_pieces(self.amount)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Shared by the units that make groups, the dearest first."""
        taken, groups = [], 0
        for runs in alike(reach, self.identical, reach.counted_runs(self.goods)):
            more = number(runs) // self.units
            if self.times is not None:
                more = min(more, self.times - groups)
            taken += first_units(dearest_first(runs), more * self.units)
            groups += more
        return spread(reach.sheet, taken, min(groups * self._amount, worth(taken)), elsewhere=True)
