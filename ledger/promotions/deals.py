"""How deals are put together: which units take part, and how what is taken off them is shared."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger.promotions.arithmetic import percent_of, shared, shared_within
from ledger.promotions.goods import Goods
from ledger.promotions.situations import Situation
from ledger.promotions.worksheet import Deal, Limit, PortionPlace, Take, UnitRun, Worksheet


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
    return sum(run.each * run.units for run in runs)


def number(runs: Iterable[UnitRun]) -> int:
    """How many units these are."""
    return sum(run.units for run in runs)


def dearest_first(runs: Iterable[UnitRun]) -> list[UnitRun]:
    """The units by what they cost now, those of an earlier line first where that is the same."""
    return sorted(runs, key=lambda run: (-run.each, run.line, run.portion))


def cheapest_first(runs: Iterable[UnitRun]) -> list[UnitRun]:
    """The same, the cheapest first."""
    return sorted(runs, key=lambda run: (run.each, run.line, run.portion))


def first_units(runs: Sequence[UnitRun], most: int) -> list[UnitRun]:
    """The first so many units of these."""
    return list(between(runs, 0, most))


def between(runs: Sequence[UnitRun], begin: int, end: int) -> Iterator[UnitRun]:
    """The units from place `begin` to before place `end`."""
    place = 0
    for run in runs:
        low, high = max(begin, place), min(end, place + run.units)
        if low < high:
            yield run._replace(units=high - low)
        place += run.units
        if place >= end:
            return


def percent_off(sheet: Worksheet, runs: Sequence[UnitRun], percent: int, most: int | None) -> Deal:
    """So many hundredths of a percent off these units, `most` at most. It is rounded where the
    programme says; a line that has no room for its part does not give it to others."""
    match sheet.terms.rounding:
        case "total":
            return spread(sheet, runs, at_most(percent_of(worth(runs), percent), most))
        case "line":
            parts = {line: percent_of(paid, percent) for line, paid in by_line(runs).items()}
        case "unit":
            parts = {}
            for run in runs:
                part = percent_of(run.each, percent) * run.units
                parts[run.line] = parts.get(run.line, 0) + part
    if most is not None and sum(parts.values()) > most:
        return spread(sheet, runs, most)
    return settle(sheet, runs, parts)


def spread(
    sheet: Worksheet, runs: Sequence[UnitRun], total: int, *, elsewhere: bool = False
) -> Deal:
    """This total off these units, in proportion to what they cost now. `elsewhere`: what a line has
    no room for is taken off the others."""
    paid = by_line(runs)
    if not elsewhere:
        return settle(sheet, runs, dict(zip(paid, shared(total, list(paid.values())), strict=True)))
    weights = list(paid.values())
    rooms = [min(sheet.room(line), weight) for line, weight in paid.items()]
    wanted = at_most(total, sheet.room_of_all())
    parts = shared_within(wanted, weights, rooms)
    deal = settle(sheet, runs, dict(zip(paid, parts, strict=True)))
    if deal.total < total:
        deal.limited_by = "receipt_ceiling" if wanted < total else _tightest(sheet, paid)
    return deal


def settle(sheet: Worksheet, runs: Sequence[UnitRun], parts: dict[int, int]) -> Deal:
    """So much off each line, as far as there is room, in proportion to what the units of the line
    cost now."""
    limited_by: Limit | None = None
    if any(part > sheet.room(line) for line, part in parts.items()):
        limited_by = _tightest(
            sheet, [line for line, part in parts.items() if part > sheet.room(line)]
        )
        parts = {line: min(part, sheet.room(line)) for line, part in parts.items()}
    most = sheet.room_of_all()
    if most is not None and sum(parts.values()) > most:
        limited_by = "receipt_ceiling"
        parts = dict(zip(parts, shared(most, list(parts.values())), strict=True))
    takes: dict[PortionPlace, Take] = {}
    lines: dict[int, list[UnitRun]] = {}
    for run in runs:
        lines.setdefault(run.line, []).append(run)
    for line, part in parts.items():
        of_line = lines[line]
        shares = shared(part, [run.each * run.units for run in of_line])
        for run, off in zip(of_line, shares, strict=True):
            place = (line, run.portion)
            units, paid, before = takes.get(place, (0, 0, 0))
            takes[place] = Take(units + run.units, paid + run.each * run.units, before + off)
    return Deal(takes, limited_by)


def by_line(runs: Iterable[UnitRun]) -> dict[int, int]:
    """What these units cost now, by line, in the order of the receipt."""
    found: dict[int, int] = {}
    for run in runs:
        found[run.line] = found.get(run.line, 0) + run.each * run.units
    return dict(sorted(found.items()))


def at_most(wanted: int, most: int | None) -> int:
    """What is wanted, but no more than there may be; None where there is no bound."""
    return wanted if most is None else min(wanted, most)


def _tightest(sheet: Worksheet, lines: Iterable[int]) -> Limit:
    """What leaves these lines no more room."""
    if any(sheet.is_under_ceiling(line) for line in lines):
        return "line_ceiling"
    return "floor"
