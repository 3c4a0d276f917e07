"""How deals are put together: which units take part, and how what is taken off them is shared."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ledger.promotions.arithmetic import percent_of, shared, shared_by_units, shared_within
from ledger.promotions.goods import Goods
from ledger.promotions.situations import Situation
from ledger.promotions.worksheet import Deal, Limit, Take, TakePlace, Takes, UnitRun, Worksheet

EACH = attrgetter("each")
PARTNERS = -1  # in the place of a take: of units that nothing is taken off


@dataclass(frozen=True, slots=True)
class PromotionReach:
    """What one promotion may touch: `open_lines` of the receipt as it stands now."""

    situation: Situation
    sheet: Worksheet
    open_lines: frozenset[int]

    def lines(self, goods: Goods) -> list[int]:
        """The lines that these goods are, of those that it may touch."""
        return [n for n in self.sheet.meant(goods) if n in self.open_lines]

    def runs(self, goods: Goods) -> list[UnitRun]:
        """The units of these goods that it may touch."""
        return self.sheet.runs(self.lines(goods))

    def counted_runs(self, goods: Goods) -> list[UnitRun]:
        """Those of them that count as bought."""
        lines = self.sheet.lines
        return self.sheet.runs(n for n in self.lines(goods) if lines[n].treatment.counts)


def worth(runs: Iterable[UnitRun]) -> int:
    """What these units cost now."""
    return sum([run.each * run.units for run in runs])


def number(runs: Iterable[UnitRun]) -> int:
    """How many units these are."""
    return sum([run.units for run in runs])


def dearest_first(runs: Iterable[UnitRun]) -> list[UnitRun]:
    """The units by what they cost now, those of an earlier line first where that is the same: they
    come in the order of the receipt."""
    return sorted(runs, key=EACH, reverse=True)


def cheapest_first(runs: Iterable[UnitRun]) -> list[UnitRun]:
    """The same, the cheapest first."""
    return sorted(runs, key=EACH)


def first_units(runs: Sequence[UnitRun], most: int) -> list[UnitRun]:
    """The first so many units of these."""
    return list(between(runs, 0, most))


def between(runs: Sequence[UnitRun], begin: int, end: int) -> Iterator[UnitRun]:
    """The units from place `begin` to before place `end`."""
    place = 0
    for run in runs:
        after = place + run.units
        if place >= begin and after <= end:
            yield run
        elif (units := min(end, after) - max(begin, place)) > 0:
            yield UnitRun(run.line, run.portion, run.each, units)
        place = after
        if place >= end:
            return


def in_groups(runs: Sequence[UnitRun], size: int) -> Iterator[list[UnitRun]]:
    """The units in groups of so many, in their order; what does not make a group is left out."""
    group: list[UnitRun] = []
    missing = size
    for run in runs:
        left = run.units
        while left >= missing:
            group.append(UnitRun(run.line, run.portion, run.each, missing))
            yield group
            left -= missing
            group, missing = [], size
        if left:
            group.append(UnitRun(run.line, run.portion, run.each, left))
            missing -= left


def every_nth(runs: Iterable[UnitRun], size: int) -> Iterator[UnitRun]:
    """The last unit of each group of so many, in their order."""
    place = 0
    for line, portion, each, units in runs:
        place += units
        if last := place // size - (place - units) // size:
            yield UnitRun(line, portion, each, last)


def without(runs: Iterable[UnitRun], used: Iterable[UnitRun]) -> list[UnitRun]:
    """The units of these that are not among the used ones."""
    gone: dict[tuple[int, int, int], int] = {}
    for run in used:
        gone[run[:3]] = gone.get(run[:3], 0) + run.units
    found = []
    for run in runs:
        left = run.units - gone.get(run[:3], 0)
        if left == run.units:
            found.append(run)
        elif left:
            found.append(UnitRun(run.line, run.portion, run.each, left))
    return found


def percent_off(sheet: Worksheet, runs: Sequence[UnitRun], percent: int, most: int | None) -> Deal:
    """So many hundredths of a percent off these units, `most` at most. It is rounded where the
    programme says; a line that has no room for its part does not give it to others."""
    match sheet.terms.rounding:
        case "total":
            deal = spread(sheet, runs, percent_of(worth(runs), percent))
        case "line":
            parts = {line: percent_of(paid, percent) for line, paid in by_line(runs).items()}
            deal = _deviating(settle(sheet, runs, parts), runs, percent)
        case "unit":
            offs = [(run, percent_of(run.each, percent)) for run in runs]
            deal = _deviating(off_each(sheet, offs), runs, percent)
    if most is None or deal.total <= most:
        return deal
    return spread(sheet, runs, most, elsewhere=True)


def _deviating(deal: Deal, runs: Sequence[UnitRun], percent: int) -> Deal:
    """The deal, and how far it is from the exact percent. Where there was no room for all of it,
    that is no matter of rounding."""
    if deal.limited_by is None:
        paid = by_line(runs)
        exact = shared(percent_of(worth(runs), percent), list(paid.values()))
        more = {line: deal.parts[line] - part for line, part in zip(paid, exact, strict=True)}
        deal.deviations = {line: off for line, off in more.items() if off}
    return deal


def spread(
    sheet: Worksheet, runs: Sequence[UnitRun], total: int, *, elsewhere: bool = False
) -> Deal:
    """This total off these units, in proportion to what they cost now. `elsewhere`: what a line has
    no room for is taken off the others."""
    paid = by_line(runs)
    if not elsewhere:
        return settle(sheet, runs, dict(zip(paid, shared(total, list(paid.values())), strict=True)))
    weights = list(paid.values())
    rooms = [min(sheet.rooms[line], weight) for line, weight in paid.items()]
    wanted = at_most(total, sheet.room_of_all())
    parts = shared_within(wanted, weights, rooms)
    deal = settle(sheet, runs, dict(zip(paid, parts, strict=True)))
    if deal.total < total:
        deal.limited_by = "receipt_ceiling" if wanted < total else _tightest(sheet, paid)
    return deal


def off_each(sheet: Worksheet, offs: Sequence[tuple[UnitRun, int]]) -> Deal:
    """So much off each unit of these, as far as their lines have room. It stays where it is: units
    of one line then cost what they would on lines of their own."""
    parts: dict[int, int] = {}
    for run, off in offs:
        parts[run.line] = parts.get(run.line, 0) + off * run.units
    parts = dict(sorted(parts.items()))
    return settle(sheet, [run for run, _ in offs], parts, [off for _, off in offs])


def settle(
    sheet: Worksheet,
    runs: Sequence[UnitRun],
    parts: dict[int, int],
    weights: Sequence[int] | None = None,
) -> Deal:
    """So much off each line, as far as there is room, in proportion to what the units of the line
    cost now, or to these weights of each."""
    limited_by: Limit | None = None
    rooms = sheet.rooms
    if full := [line for line, part in parts.items() if part > rooms[line]]:
        limited_by = _tightest(sheet, full)
        parts = {line: min(part, rooms[line]) for line, part in parts.items()}
    most = sheet.room_of_all()
    if most is not None and sum(parts.values()) > most:
        limited_by = "receipt_ceiling"
        parts = dict(zip(parts, shared(most, list(parts.values())), strict=True))
    told, lines = parts, dict[int, list[tuple[UnitRun, int]]]()

    def share(line: int) -> Takes:
        if not lines:
            for run, weight in zip(runs, weights or [run.each for run in runs], strict=True):
                lines.setdefault(run.line, []).append((run, weight))
        if weights is None:
            return _in_proportion(told[line], [run for run, _ in lines[line]])
        return _by_weight(told[line], lines[line])

    return Deal(parts, limited_by, share)


def _in_proportion(part: int, runs: Sequence[UnitRun]) -> Takes:
    """What is taken off which units of a line, in proportion to what they cost."""
    first = runs[0]
    if all(run.portion == first.portion for run in runs):
        return {(first.line, first.portion, 0): Take(number(runs), worth(runs), part)}
    shares = shared_by_units(part, [run.each for run in runs], [run.units for run in runs])
    takes: Takes = {}
    for run, (least, more) in zip(runs, shares, strict=True):
        _add(takes, (run.line, run.portion, 0), run, least * run.units + more)
    return takes


def _by_weight(part: int, told: Sequence[tuple[UnitRun, int]]) -> Takes:
    """The same in proportion to these weights of each unit; units of different weights part."""
    shares = shared_by_units(part, [weight for _, weight in told], [run.units for run, _ in told])
    takes: Takes = {}
    for (run, weight), (least, more) in zip(told, shares, strict=True):
        _add(takes, (run.line, run.portion, weight), run, least * run.units + more)
    return takes


def _add(takes: Takes, place: TakePlace, run: UnitRun, off: int) -> None:
    units, paid, before = takes.get(place, (0, 0, 0))
    takes[place] = Take(units + run.units, paid + run.each * run.units, before + off)


def each_its_part(total: int, runs: Sequence[UnitRun]) -> Iterator[tuple[UnitRun, int]]:
    """A total in proportion to what these units cost: runs of units, and what is off each unit."""
    shares = shared_by_units(total, [run.each for run in runs], [run.units for run in runs])
    for run, (least, more) in zip(runs, shares, strict=True):
        for units, off in ((more, least + 1), (run.units - more, least)):
            if units:
                yield run._replace(units=units), off


def with_partners(deal: Deal, partners: Iterable[UnitRun]) -> Deal:
    """The deal, and units that take part in it though nothing is taken off them."""
    for run in partners:
        _add(deal.partners, (run.line, run.portion, PARTNERS), run, 0)
    return deal


def extras(sheet: Worksheet, runs: Iterable[UnitRun]) -> int:
    """What that which modifies these units costs on the shelf: it comes on top of a price."""
    return sum(extra_of_one(sheet, run.line) * run.units for run in runs)


def extra_of_one(sheet: Worksheet, line: int) -> int:
    """What that which modifies one unit of a line costs on the shelf, rounded up."""
    told = sheet.lines[line]
    return -(-told.extra // told.units)


def by_line(runs: Iterable[UnitRun]) -> dict[int, int]:
    """What these units cost now, by line, in the order of the receipt."""
    found: dict[int, int] = {}
    for line, _, each, units in runs:
        found[line] = found.get(line, 0) + each * units
    lines = sorted(found)
    return found if lines == list(found) else {line: found[line] for line in lines}


def at_most(wanted: int, most: int | None) -> int:
    """What is wanted, but no more than there may be; None where there is no bound."""
    return wanted if most is None else min(wanted, most)


def _tightest(sheet: Worksheet, lines: Iterable[int]) -> Limit:
    """What leaves these lines no more room."""
    if any(sheet.is_under_ceiling(line) for line in lines):
        return "line_ceiling"
    return "floor"
