"""The kind `first_and_further`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body, PercentText
from ledger.money import hundredths
from ledger.promotions.arithmetic import percent_of
from ledger.promotions.deals import PromotionReach, between, dearest_first, number, off_each
from ledger.promotions.goods import Goods, GoodsMeant
from ledger.promotions.rewards.picks import AlikeBy, alike, alike_told
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal, UnitRun
from ledger.words import N_


class FirstAndFurther(Body):
    """So many percent off the first unit of these goods, and so many off each further one; the
    dearest is the first. `identical`: for each group of units that are alike.

    {"kind": "first_and_further", "first": "0", "further": "20", "goods": {"brands": ["Lelia"]}}"""

    WORDS: ClassVar = KindWords(
        N_("First unit and further ones"),
        N_("One percent off the first unit, another off each further one."),
    )

    kind: Literal["first_and_further"]
    first: Annotated[PercentText, FieldWords("Percent off the first", "percent")]
    further: Annotated[PercentText, FieldWords("Percent off each further", "percent")]
    goods: GoodsMeant
    identical: AlikeBy = None

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
        offs: list[tuple[UnitRun, int]] = []
        for group in alike(reach, self.identical, runs):
            ordered = dearest_first(group)
            for size, some in (
                (first, between(ordered, 0, 1)),
                (further, between(ordered, 1, number(ordered))),
            ):
                offs += [(run, percent_of(run.each, size)) for run in some]
        return off_each(reach.sheet, offs)

    def told(self, say: Voice) -> str:
        """How much off the first, and off the others."""
        return say(
            "the first unit {first} off, each further one {further} off: {goods}",
            first=say.percent(self.first),
            further=say.percent(self.further),
            goods=say.joined([say.part(self.goods), alike_told(self.identical, say)]),
        )
