"""What stands where on a poster, in millimetres. The same is drawn as PDF and as SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import segno

from wallet.outreach.posters import letters
from wallet.outreach.posters.letters import CAPITAL, LEADING, Weight
from wallet.passes import contrast
from wallet.passes.barcodes import QUIET_ZONE

PosterFormat = Literal["a4", "a6", "tent"]
FORMATS: tuple[PosterFormat, ...] = get_args(PosterFormat)

A4, A6 = (210.0, 297.0), (105.0, 148.0)
PAPER, INK, QUIET, LINE = "#ffffff", "#17202b", "#586474", "#d5dbe3"
# Office printers leave about 4 mm of each edge white.
LEAST_MARGIN = 5.0
# A quarter of the code may be scratched, or lie under a reflection.
CORRECTION = "q"
# What is paler than this beside white paper gets a line around it.
LEAST_EDGE = 1.3


@dataclass(frozen=True, slots=True)
class PosterText:
    """What a poster says. `logo`: a PNG with its width and height. `address` is what the code
    holds, `shown_address` how people type it. `place` tells those who hang it where it belongs.
    Empty texts are left out."""

    name: str
    headline: str
    call: str
    sentence: str
    address: str
    shown_address: str
    place: str
    background: str
    foreground: str
    logo: tuple[bytes, int, int] | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle with round corners; `edge` is the colour of a thin line around it."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    colour: str
    edge: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; its baseline begins at `x`, `y`."""

    x: float
    y: float
    text: str
    size: float
    weight: Weight
    colour: str


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A PNG."""

    x: float
    y: float
    width: float
    height: float
    png: bytes


@dataclass(frozen=True, slots=True)
class PlacedCode:
    """The dark modules of a QR code as rows of (column, row, length), with the side of one. The
    white around it is paper."""

    x: float
    y: float
    module: float
    runs: Sequence[tuple[int, int, int]]


Drawing = Panel | Words | PlacedPicture | PlacedCode


@dataclass(frozen=True, slots=True)
class SheetSide:
    """A part of the sheet that is looked at by itself. `turned`: the point about which all of it is
    turned upside down."""

    drawings: Sequence[Drawing]
    turned: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class PosterSheet:
    """One sheet of paper. `fold`: where it is folded across, if it is."""

    width: float
    height: float
    sides: Sequence[SheetSide]
    fold: float | None = None


def laid_out(poster: PosterText, form: PosterFormat) -> PosterSheet:
    """The poster on a sheet of this format. A tent has it twice, so that it can be read from both
    sides."""
    said = _printable(poster)
    if form == "tent":
        width, height = A4
        half = height / 2
        lower = list(_across(said, half))
        return PosterSheet(
            width, height, [SheetSide(lower), SheetSide(lower, (width / 2, half))], fold=half
        )
    width, height = A4 if form == "a4" else A6
    return PosterSheet(width, height, [SheetSide(list(_upright(said, width, height)))])


def _printable(poster: PosterText) -> PosterText:
    return replace(
        poster,
        name=letters.printable(poster.name),
        headline=letters.printable(poster.headline),
        call=letters.printable(poster.call),
        sentence=letters.printable(poster.sentence),
        shown_address=letters.printable(poster.shown_address),
        place=letters.printable(poster.place),
    )


def _upright(poster: PosterText, width: float, height: float) -> Iterator[Drawing]:
    """The panel above, the code in the middle, what one gets beneath."""
    unit = width / A4[0]
    margin = max(LEAST_MARGIN, 10 * unit)
    inner, centre = width - 2 * margin, width / 2
    top = 96 * unit
    yield _panel(poster, margin, margin, inner, top, 8 * unit)
    room = (inner - 20 * unit, top - 14 * unit)
    yield from _heading(poster, centre, margin + top / 2, room, unit)
    side = 112 * unit
    y = margin + top + unit
    yield _code(poster.address, centre - side / 2, y, side)
    y += side
    beneath = [
        _Said(poster.call, "bold", 8.5 * unit, 5.5 * unit, 12 * unit, _accent(poster)),
        _Said(poster.sentence, "regular", 6.6 * unit, 4.2 * unit, 34 * unit, INK),
        _Said(poster.shown_address, "regular", 4.6 * unit, 2.6 * unit, 8 * unit, QUIET),
    ]
    foot = height - margin
    if poster.place:
        yield from _centred(_place(poster, unit), centre, foot - 5 * unit, inner)
        foot -= 6 * unit
    yield from _stacked(beneath, centre, (y, foot), inner - 12 * unit, 4 * unit)


def _across(poster: PosterText, top: float) -> Iterator[Drawing]:
    """The lower half of a folded A4: the panel at the left, the code at the right."""
    width, height = A4[0], A4[1] - top
    margin, panel = 8.0, 108.0
    yield _panel(poster, margin, top + margin, panel, height - 2 * margin, 7)
    inner = panel - 16
    centre = margin + panel / 2
    has_sentence = bool(poster.sentence)
    above = height - 2 * margin - 16 - (36 if has_sentence else 0)
    yield from _heading(poster, centre, top + margin + 8 + above / 2, (inner, above), 0.86)
    if has_sentence:
        said = _Said(poster.sentence, "regular", 5.4, 3.4, 34, poster.foreground)
        bottom = top + height - margin - 8
        yield from _stacked([said], centre, (bottom - 34, bottom), inner, 0)
    left = margin + panel
    right_centre, room = left + (width - left) / 2 - 1, width - left - 12
    side = 84.0
    yield _code(poster.address, right_centre - side / 2, top + 10, side)
    beneath = [
        _Said(poster.call, "bold", 6, 4, 18, _accent(poster)),
        _Said(poster.shown_address, "regular", 3.6, 2.6, 12, QUIET),
    ]
    foot = top + height - margin
    if poster.place:
        yield from _centred(_place(poster, 0.9), right_centre, foot - 4, room)
        foot -= 6
    yield from _stacked(beneath, right_centre, (top + 10 + side, foot), room, 3)


@dataclass(frozen=True, slots=True)
class _Said:
    """A text that gets lines of its own, no larger and no smaller than this, and no higher in
    all."""

    text: str
    weight: Weight
    largest: float
    smallest: float
    height: float
    colour: str


def _place(poster: PosterText, unit: float) -> _Said:
    return _Said(poster.place, "regular", 3.4 * unit, 2.2 * unit, 5 * unit, QUIET)


def _panel(
    poster: PosterText, x: float, y: float, width: float, height: float, radius: float
) -> Panel:
    is_pale = contrast.ratio(poster.background, PAPER) < LEAST_EDGE
    return Panel(x, y, width, height, radius, poster.background, LINE if is_pale else None)


def _accent(poster: PosterText) -> str:
    """The colour of the panel, where it can be read on white."""
    is_good = contrast.ratio(poster.background, PAPER) >= contrast.GOOD
    return poster.background if is_good else INK


def _heading(
    poster: PosterText, centre: float, middle: float, room: tuple[float, float], unit: float
) -> Iterator[Drawing]:
    """Logo, name and headline, one beneath the other, about the middle of the panel."""
    across, down = room
    picture = _logo(poster, across, unit)
    gap, used = 5 * unit, 0.0 if picture is None else picture.height + 5 * unit
    name = _Said(poster.name, "bold", 8 * unit, 4.4 * unit, 18 * unit, poster.foreground)
    named = _lines(name, across)
    left = down - used - _height(named) - gap
    headline = _Said(poster.headline, "bold", 17 * unit, 7 * unit, left, poster.foreground)
    said = _lines(headline, across)
    y = middle - (used + _height(named) + (gap + _height(said) if said[0] else 0)) / 2
    if picture is not None:
        yield replace(picture, x=centre - picture.width / 2, y=y)
        y += used
    yield from _set(name, named, centre, y)
    yield from _set(headline, said, centre, y + _height(named) + gap)


def _logo(poster: PosterText, across: float, unit: float) -> PlacedPicture | None:
    if poster.logo is None:
        return None
    png, width, height = poster.logo
    scale = min(20 * unit / height, min(90 * unit, across) / width)
    return PlacedPicture(0, 0, width * scale, height * scale, png)


_Lines = tuple[Sequence[str], float]


def _lines(part: _Said, across: float) -> _Lines:
    if not part.text:
        return [], part.largest
    return letters.fitted(
        part.text, part.weight, (across, part.height), part.largest, part.smallest
    )


def _height(lines: _Lines) -> float:
    return len(lines[0]) * lines[1] * LEADING


def _centred(part: _Said, centre: float, y: float, across: float) -> Iterator[Words]:
    yield from _set(part, _lines(part, across), centre, y)


def _set(part: _Said, lines: _Lines, centre: float, y: float) -> Iterator[Words]:
    """The lines beneath `y`, each in the middle."""
    texts, size = lines
    for number, text in enumerate(texts):
        x = centre - letters.width(text, part.weight, size) / 2
        baseline = y + number * size * LEADING + size * (LEADING + CAPITAL) / 2
        yield Words(x, baseline, text, size, part.weight, part.colour)


def _stacked(
    parts: Sequence[_Said],
    centre: float,
    between: tuple[float, float],
    across: float,
    gap: float,
) -> Iterator[Words]:
    """The parts that say anything, one beneath the other, about the middle of the room."""
    said = [(part, _lines(part, across)) for part in parts if part.text]
    whole = sum(_height(lines) for _part, lines in said) + gap * max(0, len(said) - 1)
    y = max(between[0], sum(between) / 2 - whole / 2)
    for part, lines in said:
        yield from _set(part, lines, centre, y)
        y += _height(lines) + gap


def _code(address: str, x: float, y: float, side: float) -> PlacedCode:
    """The code in a square of this side; the quiet zone is within it."""
    drawn = segno.make_qr(address, error=CORRECTION)
    rows = [list(map(bool, row)) for row in drawn.matrix]
    zone = QUIET_ZONE["qr"]
    module = side / (len(rows) + 2 * zone)
    runs = [run for at, row in enumerate(rows) for run in _runs(at, row)]
    return PlacedCode(x + zone * module, y + zone * module, module, runs)


def _runs(at: int, row: Sequence[bool]) -> Iterator[tuple[int, int, int]]:
    column = 0
    while column < len(row):
        end = column
        while end < len(row) and row[end]:
            end += 1
        if end > column:
            yield column, at, end - column
        column = end + 1
