"""The kind `bundle`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.arithmetic import shared
from ledger.promotions.deals import PromotionReach, by_line, dearest_first, number, settle, worth
from ledger.promotions.goods import Goods, GoodsMeant, PromotionMoney, UnitCount, in_pieces
from ledger.promotions.rewards.picks import TimesAtMost
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal, UnitRun
from ledger.words import N_

MOST_SLOTS = 10


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
        taken: list[UnitRun] = []
        parts: dict[int, int] = {}
        for bundle in self._bundles(reach):
            off = worth(bundle) - self._price
            if off <= 0:
                break
            paid = by_line(bundle)
            for line, part in zip(paid, shared(off, list(paid.values())), strict=True):
                parts[line] = parts.get(line, 0) + part
            taken += bundle
        return settle(reach.sheet, taken, parts)

    def told(self, say: Voice) -> str:
        """The price, what belongs to it, and how often."""
        slots = " + ".join(say.part(slot) for slot in self.slots)
        goods = say.joined([slots, say.times(self.times)])
        return say("set for {money}: {goods}", money=say.money(self.price), goods=goods)

    def _bundles(self, reach: PromotionReach) -> Iterator[list[UnitRun]]:
        """The units of each bundle, those of the first places first."""
        shelves = [dearest_first(reach.counted_runs(slot.goods)) for slot in self.slots]
        used: dict[tuple[int, int, int], int] = {}
        made = 0
        while self.times is None or made < self.times:
            bundle: list[UnitRun] = []
            for slot, shelf in zip(self.slots, shelves, strict=True):
                bundle += _take(shelf, slot.units, used)
            if number(bundle) < sum(slot.units for slot in self.slots):
                return
            yield bundle
            made += 1


def _take(
    shelf: list[UnitRun], units: int, used: dict[tuple[int, int, int], int]
) -> Iterator[UnitRun]:
    """The first so many units of a shelf that are not used yet."""
    for run in shelf:
        if not units:
            return
        key = (run.line, run.portion, run.each)
        free = min(units, run.units - used.get(key, 0))
        if free:
            used[key] = used.get(key, 0) + free
            units -= free
            yield run._replace(units=free)
