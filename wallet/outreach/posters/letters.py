"""The letters of posters: Golos Text, the font of our pages. PDF takes the files as they are; SVG
gets outlines, since whoever opens it need not have the font."""

import functools
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

Weight = Literal["regular", "bold"]
_FOLDER = Path(__file__).parent / "fonts"
FILES: dict[Weight, Path] = {
    "regular": _FOLDER / "GolosText-Regular.ttf",
    "bold": _FOLDER / "GolosText-Bold.ttf",
}
LEADING = 1.22  # from line to line, of the size
CAPITAL = 0.7  # how high a capital letter is, of the size
CUT = "…"
# Shrinking goes on until a text fits; balancing, until one more line would be needed.
_STEP = 0.95
# Of what else is missing, such as emoji, nobody misses anything.
_LETTERS = {"Lu", "Ll", "Lt", "Lo", "Nd"}


class _Font:
    def __init__(self, file: Path) -> None:
        self._font: Any = TTFont(file)
        self._names: dict[int, str] = self._font.getBestCmap()
        self._glyphs: Any = self._font.getGlyphSet()
        self._em: int = self._font["head"].unitsPerEm

    def has(self, letter: str) -> bool:
        return ord(letter) in self._names

    @functools.lru_cache(4096)  # noqa: B019 - there are two fonts, for as long as the process lives
    def width(self, letter: str) -> float:
        return float(self._glyphs[self._names[ord(letter)]].width) / self._em

    def outline(self, text: str, x: float, y: float, size: float) -> str:
        scale, pen = size / self._em, SVGPathPen(self._glyphs, lambda one: f"{one:.3f}")
        for letter in text:
            placed = TransformPen(pen, (scale, 0, 0, -scale, x, y))
            self._glyphs[self._names[ord(letter)]].draw(placed)
            x += self.width(letter) * size
        return str(pen.getCommands())


@functools.cache
def _font(weight: Weight) -> _Font:
    return _Font(FILES[weight])


def missing(text: str) -> str:
    """The letters and digits of this text that the font does not have."""
    lacking = dict.fromkeys(one for one in _composed(text) if not _font("bold").has(one))
    return "".join(one for one in lacking if unicodedata.category(one) in _LETTERS)


def printable(text: str) -> str:
    """The text without what the font cannot draw, such as emoji."""
    kept = "".join(one for one in _composed(text) if _font("bold").has(one))
    return " ".join(filter(None, kept.split(" ")))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def width(text: str, weight: Weight, size: float) -> float:
    """How wide a line of this text is, in the unit of `size`."""
    return sum(map(_font(weight).width, text)) * size


def outline(text: str, weight: Weight, x: float, y: float, size: float) -> str:
    """A line of text as the path of an SVG; its baseline begins at `x`, `y`."""
    return _font(weight).outline(text, x, y, size)


def fitted(
    text: str,
    weight: Weight,
    room: tuple[float, float],
    largest: float,
    smallest: float,
) -> tuple[Sequence[str], float]:
    """The text in lines that fit into this room (width, height), and its size: as large as may be.
    What does not fit in the smallest size either is cut."""
    across, down = room
    size = largest
    while True:
        lines, is_whole = _wrapped(text, weight, across / size)
        if is_whole and len(lines) * size * LEADING <= down:
            return _balanced(text, weight, across / size, lines), size
        if size <= smallest:
            break
        size = max(smallest, size * _STEP)
    most = max(1, int(down / (size * LEADING)))
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], weight, across / size)]
    return lines, size


def _wrapped(text: str, weight: Weight, across: float) -> tuple[list[str], bool]:
    """The lines of a text of size 1, and whether every word stayed whole."""
    lines, line, is_whole = list[str](), "", True
    for word in filter(None, text.split(" ")):
        longer = f"{line} {word}" if line else word
        if width(longer, weight, 1) <= across:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while width(line, weight, 1) > across and len(line) > 1:
            is_whole = False
            most = next(
                count
                for count in range(len(line) - 1, 0, -1)
                if count == 1 or width(line[:count], weight, 1) <= across
            )
            lines.append(line[:most])
            line = line[most:]
    return [*lines, line] if line else lines, is_whole


def _balanced(text: str, weight: Weight, across: float, lines: list[str]) -> list[str]:
    """As many lines, as nearly of one width as can be: no word stands alone in the last."""
    while len(lines) > 1:
        across *= _STEP
        narrower, is_whole = _wrapped(text, weight, across)
        if not is_whole or len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _cut(line: str, weight: Weight, across: float) -> str:
    while line and width(line + CUT, weight, 1) > across:
        line = line[:-1]
    return f"{line.rstrip()}{CUT}"
