"""The kind `bundle`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.arithmetic import shared
from ledger.promotions.deals import (
    PromotionReach,
    by_line,
    dearest_first,
    each_its_part,
    extras,
    number,
    off_each,
    worth,
)
from ledger.promotions.goods import Goods, GoodsMeant, PromotionMoney, UnitCount, in_pieces
from ledger.promotions.rewards.picks import TimesAtMost
from ledger.promotions.rewards.registry import changed
from ledger.promotions.situations import Unmet, too_few
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal, UnitRun
from ledger.words import N_

MOST_SLOTS = 10

UnitKey = tuple[int, int, int]  # a run of units without how many it is


class BundleSlot(Body):
    """A place in a bundle: so many units of these goods."""

    WORDS: ClassVar = KindWords(N_("Place in the set"), N_("So many units of these goods."))

    goods: GoodsMeant
    units: Annotated[UnitCount, FieldWords("How many", "units")] = 1

    def told(self, say: Voice) -> str:
        """How many, and of which goods."""
        return f"{say.units(self.units)} ({say.part(self.goods)})"


class Bundle(Body):
    """So many units of goods for one price: "any three for 999", "a main and a drink for 399". The
    dearest are taken first. `times`: so often on one receipt at most.

    {"kind": "bundle", "price": {"amount": "399", "currency": "RUB"},
     "slots": [{"goods": {"categories": ["mains"]}}, {"goods": {"categories": ["drinks"]}}]}"""

    WORDS: ClassVar = KindWords(
        N_("Set for one price"), N_("Any three for one price, or a main dish with a drink.")
    )

    kind: Literal["bundle"]
    price: Annotated[PromotionMoney, FieldWords("Price of the set", "money")]
    slots: Annotated[
        list[BundleSlot],
        Field(min_length=1, max_length=MOST_SLOTS),
        FieldWords("What belongs to the set"),
    ]
    times: TimesAtMost = None

    @cached_property
    def _price(self) -> int:
        return in_pieces(self.price)

    def touches(self) -> Goods:
        """The goods of the first place: without them there is no bundle."""
        return self.slots[0].goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Bundle after bundle, as long as one becomes cheaper by it."""
        offs: list[tuple[UnitRun, int]] = []
        for bundle in self._bundles(reach):
            off = worth(bundle) - self._price - extras(reach.sheet, bundle)
            if off <= 0:
                break
            paid = by_line(bundle)
            for line, part in zip(paid, shared(off, list(paid.values())), strict=True):
                offs += each_its_part(part, [run for run in bundle if run.line == line])
        return off_each(reach.sheet, offs)

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """Units of all places that are not filled."""
        found = [min(slot.units, number(reach.counted_runs(slot.goods))) for slot in self.slots]
        needed = sum(slot.units for slot in self.slots)
        return None if sum(found) >= needed else too_few(sum(found), needed)

    def repeated(self, times: int) -> Self | None:
        """So many groups more; all that there are, where nobody says how many."""
        return None if self.times is None else changed(self, times=self.times * times)

    def told(self, say: Voice) -> str:
        """The price, what belongs to it, and how often."""
        slots = " + ".join(say.part(slot) for slot in self.slots)
        goods = say.joined([slots, say.times(self.times)])
        return say("set for {money}: {goods}", money=say.money(self.price), goods=goods)

    def _bundles(self, reach: PromotionReach) -> Iterator[list[UnitRun]]:
        """The units of each bundle, those of the first places first."""
        shelves = [dearest_first(reach.counted_runs(slot.goods)) for slot in self.slots]
        stock = BundleStock(shelves, [slot.units for slot in self.slots])
        made = 0
        while stock.is_enough() and (self.times is None or made < self.times):
            yield [run for place in range(len(shelves)) for run in stock.take(place)]
            made += 1


@dataclass(slots=True)
class SomePlaces:
    """Some places of a bundle. `first`: of these. `fitting`: units for any of them. `spare`: how
    many of these units are more than the places want."""

    first: int
    fitting: frozenset[UnitKey]
    spare: int


class BundleStock:
    """Units that bundles are made of. Where a unit fits several places, none takes what another
    cannot do without: any places can be filled if those that they could be filled with are as
    many (Hall's theorem)."""

    def __init__(self, shelves: Sequence[Sequence[UnitRun]], wanted: Sequence[int]) -> None:
        self._shelves, self._wanted = shelves, wanted
        self._free = {run[:3]: run.units for shelf in shelves for run in shelf}
        fitting = [frozenset(run[:3] for run in shelf) for shelf in shelves]
        overlap = sum(map(len, fitting)) > len(self._free)
        most = len(shelves) if overlap else 1
        self._some = [
            self._places(places, frozenset().union(*(fitting[place] for place in places)))
            for size in range(1, most + 1)
            for places in combinations(range(len(shelves)), size)
        ]

    def _places(self, places: Sequence[int], fitting: frozenset[UnitKey]) -> SomePlaces:
        wanted = sum(self._wanted[place] for place in places)
        return SomePlaces(places[0], fitting, sum(self._free[key] for key in fitting) - wanted)

    def is_enough(self) -> bool:
        """Whether there is one more bundle."""
        return all(some.spare >= 0 for some in self._some)

    def take(self, place: int) -> Iterator[UnitRun]:
        """The dearest units for this place, of those that the places after it can do without."""
        missing = self._wanted[place]
        for run in self._shelves[place]:
            key = run[:3]
            units = min(missing, self._free[key])
            for some in self._some:
                if some.first > place and key in some.fitting:
                    units = min(units, some.spare)
            if units:
                self._free[key] -= units
                for some in self._some:
                    if key in some.fitting:
                        some.spare -= units
                missing -= units
                yield run._replace(units=units)
            if not missing:
                return
