"""The kind `nth_unit`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from ledger.fields import Body, PercentText
from ledger.money import WHOLE, hundredths
from ledger.promotions.deals import (
    PromotionReach,
    dearest_first,
    every_nth,
    first_units,
    in_groups,
    number,
    percent_off,
    spread,
    with_partners,
    without,
    worth,
)
from ledger.promotions.goods import Goods, GoodsMeant, UnitCount
from ledger.promotions.rewards.picks import AlikeBy, TimesAtMost, alike, alike_told, group_missing
from ledger.promotions.rewards.registry import changed
from ledger.promotions.situations import Unmet
from ledger.promotions.telling import FieldWords, KindWords, Ordinal, Voice
from ledger.promotions.worksheet import Deal, UnitRun
from ledger.words import N_


class NthUnit(Body):
    """Every so-manieth unit of these goods for less: the second at half price, three for the price
    of two (`every` 3, `percent` 100). The units are put in order, the dearest first, so it is the
    cheapest of each group. `identical`: only units that are alike make a group. `times`: so many
    groups on one receipt at most.

    {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {"categories": ["shoes"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Every second or third unit cheaper"),
        N_("The second at half price, three for the price of two: the cheapest of each group."),
    )

    kind: Literal["nth_unit"]
    every: Annotated[UnitCount, Field(ge=2), FieldWords("Every so many units", "units")]
    percent: Annotated[PercentText, FieldWords("Percent off that unit", "percent")] = "100"
    goods: GoodsMeant
    identical: AlikeBy = None
    times: TimesAtMost = None

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """A unit that is free would stand on the receipt as nothing, so its discount is shared with
        the units that were bought with it."""
        taken = self._taken(reach)
        cheap = [run for runs in taken for run in every_nth(runs, self.every)]
        if self._size < WHOLE:
            partners = without((run for runs in taken for run in runs), cheap)
            return with_partners(percent_off(reach.sheet, cheap, self._size, None), partners)
        whole = [run for runs in taken for run in runs]
        return spread(reach.sheet, whole, worth(cheap), elsewhere=True)

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """Units of the group that is nearest to be full."""
        return group_missing(reach, self.goods, self.identical, self.every)

    def repeated(self, times: int) -> Self | None:
        """So many groups more; all that there are, where nobody says how many."""
        return None if self.times is None else changed(self, times=self.times * times)

    def told(self, say: Voice) -> str:
        """Which unit, how much off, of which goods, and how often."""
        goods = say.joined(
            [say.part(self.goods), alike_told(self.identical, say), say.times(self.times)]
        )
        facts = {"number": self.every, "place": Ordinal(self.every), "goods": goods}
        if self._size == WHOLE:
            return say("every {place} unit free: {goods}", **facts)
        percent = say.percent(self.percent)
        return say("every {place} unit at {percent} off: {goods}", percent=percent, **facts)

    def _taken(self, reach: PromotionReach) -> list[list[UnitRun]]:
        """The units that make groups, group after group."""
        kinds = map(dearest_first, alike(reach, self.identical, reach.counted_runs(self.goods)))
        if self.times is None:
            return [first_units(runs, number(runs) // self.every * self.every) for runs in kinds]
        # Those that bring most, wherever they stand on the receipt.
        groups = [group for runs in kinds for group in in_groups(runs, self.every)]
        return sorted(groups, key=lambda group: -group[-1].each)[: self.times]
