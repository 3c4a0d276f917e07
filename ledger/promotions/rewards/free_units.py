"""The kind `free_units`."""

from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body
from ledger.promotions.deals import (
    PromotionReach,
    between,
    cheapest_first,
    dearest_first,
    first_units,
    number,
    spread,
    without,
    worth,
)
from ledger.promotions.goods import Goods, UnitCount
from ledger.promotions.rewards.picks import TimesAtMost
from ledger.promotions.rewards.registry import changed
from ledger.promotions.situations import Unmet, too_few
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal, UnitRun
from ledger.words import N_


class FreeUnits(Body):
    """Whoever buys so many units of these goods gets so many of others for nothing, if they are on
    the receipt: the cheapest of them. `get_goods`: which; without them, of the same. What is meant
    by both may be bought or free, but not both at once. `times`: so often on one receipt at most.

    {"kind": "free_units", "buy": 2, "goods": {"categories": ["shoes"]},
     "get": 1, "get_goods": {"categories": ["socks"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Buy some, get some free"), N_("So many units free with so many that are bought.")
    )

    kind: Literal["free_units"]
    buy: Annotated[UnitCount, FieldWords("Buy", "units")]
    goods: Annotated[Goods, FieldWords("What is bought")]
    get: Annotated[UnitCount, FieldWords("Get free", "units")] = 1
    get_goods: Annotated[Goods | None, FieldWords("What is free")] = None
    times: TimesAtMost = None

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
        # What cannot be free is bought first, so that something is left to be free.
        may_be_free = {run.line for run in free}
        bought.sort(key=lambda run: run.line in may_be_free)
        sets = number(bought) // self.buy
        sets = sets if self.times is None else min(sets, self.times)
        while sets:
            taken = first_units(bought, sets * self.buy)
            left = without(free, taken)
            if number(left) > (sets - 1) * self.get:
                gone = first_units(left, sets * self.get)
                return spread(reach.sheet, taken + gone, worth(gone), elsewhere=True)
            sets -= 1
        return Deal()

    def _of_the_same(self, reach: PromotionReach, runs: list[UnitRun]) -> Deal:
        """The last set may lack some of those that would be free."""
        size = self.buy + self.get
        sets = -(-(number(runs) - self.buy) // size)
        sets = sets if self.times is None else min(sets, self.times)
        taken = first_units(runs, sets * size)
        gone = [
            run
            for place in range(sets)
            for run in between(taken, place * size + self.buy, (place + 1) * size)
        ]
        return spread(reach.sheet, taken, worth(gone), elsewhere=True)

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """Units that are to be bought, and one that would be free."""
        bought = number(reach.counted_runs(self.goods))
        if self.get_goods is None:
            enough = self.buy + 1
            return None if bought >= enough else too_few(bought, enough)
        may_be_free = min(1, number(reach.counted_runs(self.get_goods)))
        found = min(bought, self.buy) + may_be_free
        return None if found > self.buy else too_few(found, self.buy + 1)

    def repeated(self, times: int) -> Self | None:
        """So many groups more; all that there are, where nobody says how many."""
        return None if self.times is None else changed(self, times=self.times * times)

    def told(self, say: Voice) -> str:
        """How many of which goods are bought, and how many of which are free."""
        free = (
            say("of the same goods") if self.get_goods is None else f"({say.part(self.get_goods)})"
        )
        said = say(
            "with {bought} ({goods}) {units} free {free}",
            bought=say.units(self.buy),
            goods=say.part(self.goods),
            units=say.units(self.get),
            free=free,
        )
        return say.joined([said, say.times(self.times)])
