"""A receipt while promotions are applied to it: what is left of every unit, how much may still be
taken off, and what took part in what.

Units of a line that are alike stand together in a portion. A deal that concerns some of them parts
the portion, so it makes no difference whether two things stand on one line or on two."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ledger.money import WHOLE
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.goods import Goods, keys_of
from ledger.promotions.terms import Ceilings, PromotionTerms

# Of units that share a fate: the line, which portion of it, and what tells them from its others.
TakePlace = tuple[int, int, int]
Limit = Literal["floor", "line_ceiling", "receipt_ceiling"]


class Portion(NamedTuple):
    """Units of one line that nothing has told apart so far. `amount`: what all of them cost now.
    `kept`: a promotion has them to itself."""

    units: int
    amount: int
    kept: bool = False


class UnitRun(NamedTuple):
    """So many units that each cost `each` now, all of one portion."""

    line: int
    portion: int
    each: int
    units: int


class Take(NamedTuple):
    """Units of a portion that take part in a deal, what they cost, and how much is taken off."""

    units: int
    worth: int
    off: int


Takes = dict[TakePlace, Take]


@dataclass(slots=True)
class Deal:
    """What is taken off each line, and which units take part. `parts`: by line, in the order of the
    receipt. `limited_by`: why it is less than it would be. `share`: finds what is taken off which
    units of a line. Of the many deals that are weighed only those that win are looked at so
    closely. `deviations`: by line, how much more is taken off than an exact percent of all would,
    where a percent is rounded for each line or unit."""

    parts: dict[int, int] = field(default_factory=dict)
    limited_by: Limit | None = None
    share: Callable[[int], Takes] | None = None
    partners: Takes = field(default_factory=dict)
    deviations: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How much is taken off."""
        return sum(self.parts.values())

    def by_line(self) -> dict[int, int]:
        """How much is taken off each line, of those that become cheaper."""
        return {line: off for line, off in self.parts.items() if off}

    def of_lines(self, lines: Collection[int]) -> "Deal":
        """Only what is taken off these lines, and who takes part in them."""
        parts = {line: off for line, off in self.parts.items() if line in lines}
        partners = {place: take for place, take in self.partners.items() if place[0] in lines}
        odd = {line: more for line, more in self.deviations.items() if line in lines}
        return Deal(parts, self.limited_by, self.share, partners, odd)

    def takes(self) -> Takes:
        """What is taken off which units, and who takes part though nothing is taken off them."""
        found: Takes = {}
        if self.share is not None:
            for line in self.parts:
                found |= self.share(line)
        return found | self.partners


class Worksheet:
    """The state of a receipt. `remaining`: what each line costs now. `rooms`: how much may still be
    taken off each."""

    __slots__ = (
        "_lines_by",
        "_meant",
        "_most_off",
        "_runs_of",
        "basket",
        "ceilings",
        "discounts",
        "lines",
        "lowest",
        "portions",
        "remaining",
        "rooms",
        "terms",
    )

    def __init__(self, basket: Basket, terms: PromotionTerms) -> None:
        self.basket = basket
        self.lines: Sequence[BasketLine] = basket.lines
        self.terms = terms
        self.ceilings: Ceilings = terms.ceilings
        self.remaining = [line.full - line.given for line in self.lines]
        self.lowest = [line.lowest(terms.lowest_line) for line in self.lines]
        self.discounts = [0] * len(self.lines)
        self.portions = [
            [Portion(line.units, left)]
            for line, left in zip(self.lines, self.remaining, strict=True)
        ]
        self._meant: dict[int, tuple[Goods, tuple[int, ...]]] = {}
        self._lines_by: dict[tuple[str, str], list[int]] = {}
        for number, line in enumerate(self.lines):
            for key in keys_of(line):
                self._lines_by.setdefault(key, []).append(number)
        self._runs_of: list[tuple[UnitRun, ...] | None] = [None] * len(self.lines)
        self.rooms = [self._room(number) for number in range(len(self.lines))]
        self._most_off = self._most_of_all()

    def fork(self) -> "Worksheet":
        """A copy to try something on."""
        other = object.__new__(Worksheet)
        other.basket, other.lines, other.terms = self.basket, self.lines, self.terms
        other.ceilings, other.lowest, other._meant = self.ceilings, self.lowest, self._meant
        other.remaining, other.discounts = self.remaining.copy(), self.discounts.copy()
        other.portions = [portions.copy() for portions in self.portions]
        other._lines_by, other._runs_of = self._lines_by, self._runs_of.copy()
        other.rooms, other._most_off = self.rooms.copy(), self._most_off
        return other

    def meant(self, goods: Goods) -> Sequence[int]:
        """The lines that these goods are, whatever was taken off them."""
        known = self._meant.get(id(goods))
        if known is None:
            found = tuple(self._possible(goods))
            if not goods.is_named_alone:
                found = tuple([n for n in found if goods.means(self.lines[n])])
            # The goods are kept too, so that their id stays theirs.
            known = self._meant[id(goods)] = (goods, found)
        lines: Sequence[int] = known[1]
        if goods.full_price:
            lines = [n for n in lines if not self.discounts[n] and not self.lines[n].given]
        if goods.but is not None and goods.but.full_price:
            without = self.meant(goods.but)
            lines = [n for n in lines if n not in without]
        return lines

    def _possible(self, goods: Goods) -> Iterable[int]:
        """Lines that these goods can be, in the order of the receipt."""
        keys = goods.key_set
        if keys is None:
            return range(len(self.lines))
        found = [self._lines_by[key] for key in keys & self._lines_by.keys()]
        if len(found) == 1:
            return found[0]
        return sorted({line for lines in found for line in lines})

    def runs(self, lines: Iterable[int]) -> list[UnitRun]:
        """Units of these lines that no promotion has to itself, those of one price together."""
        found: list[UnitRun] = []
        for line in lines:
            runs = self._runs_of[line]
            if runs is None:
                runs = self._runs_of[line] = self._line_runs(line)
            found += runs
        return found

    def _line_runs(self, line: int) -> tuple[UnitRun, ...]:
        found = []
        for place, portion in enumerate(self.portions[line]):
            if portion.kept or not portion.units:
                continue
            each, odd = divmod(portion.amount, portion.units)
            if odd:
                found.append(UnitRun(line, place, each + 1, odd))
            found.append(UnitRun(line, place, each, portion.units - odd))
        return tuple(found)

    def _room(self, line: int) -> int:
        if not self.lines[line].treatment.discounted:
            return 0
        return max(0, min(self.remaining[line] - self.lowest[line], self._under_ceiling(line)))

    def is_under_ceiling(self, line: int) -> bool:
        """Whether the ceiling of lines leaves it less room than its lowest price does."""
        return self._under_ceiling(line) < self.remaining[line] - self.lowest[line]

    def _under_ceiling(self, line: int) -> int:
        most = self.ceilings.of_line
        if most is None:
            return self.remaining[line]
        told = self.lines[line]
        taken = self.discounts[line] + (told.given if self.ceilings.with_given else 0)
        return told.full * most // WHOLE - taken

    def room_of_all(self) -> int | None:
        """How much may still be taken off the receipt by its ceiling; None where there is none."""
        if self._most_off is None:
            return None
        return max(0, self._most_off - sum(self.discounts))

    def _most_of_all(self) -> int | None:
        """How much promotions may take off the receipt by its ceiling."""
        most = self.ceilings.of_receipt
        if most is None:
            return None
        given = sum(line.given for line in self.lines) if self.ceilings.with_given else 0
        return sum(line.full for line in self.lines) * most // WHOLE - given

    def apply(self, deal: Deal, *, keeps: bool = False, is_one_of_many: bool = False) -> None:
        """Take off what the deal says. `keeps`: its units are for no other promotion then.
        `is_one_of_many`: others were reckoned after it, so its units are told apart in any case."""
        rests: dict[tuple[int, int], int] = {}  # where the rest of a portion is by now
        parts = keeps or is_one_of_many
        for (line, number, _), take in deal.takes().items():
            if not take.off and not parts:
                continue
            portions = self.portions[line]
            place = rests.get((line, number), number)
            portion = portions[place]
            if portion.units > take.units:
                rests[line, number] = len(portions)
                rest = (portion.units - take.units, portion.amount - take.worth, portion.kept)
                portions.append(Portion(*rest))
            portions[place] = Portion(take.units, take.worth - take.off, keeps)
            self._runs_of[line] = None
            self.remaining[line] -= take.off
            self.discounts[line] += take.off
            self.rooms[line] = self._room(line)

    def total(self, lines: Iterable[int]) -> int:
        """What these lines cost now."""
        return sum(self.remaining[line] for line in lines)

    def full(self, lines: Iterable[int]) -> int:
        """What these lines cost on the shelf."""
        return sum(self.lines[line].full for line in lines)
