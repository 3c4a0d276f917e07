"""CSV: text with delimiters, in the encodings and forms in which programs write it."""

import codecs
import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, TextIO

from ledger.errors import FileRefused
from ledger.imports.cells import (
    MOST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    STRAY_QUOTE,
    Cell,
    too_many_columns,
)

CHUNK = 1 << 20  # bytes read at a time
DELIMITERS = ";,\t|"
MOST_LINE = 4 << 20  # characters
# Each row with a stray quotation mark is read twice, and a mark that is never closed takes in what
# comes after it, as far as a cell may reach.
MOST_STRAY = 1_000

# Bytes that are Russian letters in one of two code pages, and hardly anything in the other.
WINDOWS_LETTERS = bytes([*range(0xC0, 0xE0), *range(0xF0, 0x100)])
DOS_LETTERS = bytes(range(0x80, 0xB0))
# A cell that is quoted as it should be, without quotation marks in it.
QUOTED = re.compile(r'"([^"]*)"')


class Delimited:
    """A CSV file. Its encoding and delimiter are found at once; rows can be read several times."""

    def __init__(self, file: BinaryIO, is_column: Callable[[str], bool]) -> None:
        """`is_column` recognises names of columns: the delimiter is the one with which the first
        row has the most of them. Raises `FileRefused`."""
        self._file = file
        file.seek(0)
        self.encoding = _encoding(file)
        with self._text() as text:
            try:
                line, _ = _first_line(text)
            except UnicodeError as error:
                raise _wrong_encoding() from error
        self.delimiter = _delimiter(line, is_column)

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """All rows with their numbers, from 1. Raises `FileRefused`."""
        number = 0
        try:
            with self._text() as text:
                beginning, number = _first_line(text)
                records = _records(itertools.chain([beginning], _lines(text)), self.delimiter)
                for number, cells in enumerate(records, start=number):  # noqa: B020 - it goes on
                    if number > 2 * MOST_ROWS:
                        raise FileRefused(
                            "too_many_rows", "A file has at most {most} rows.", most=2 * MOST_ROWS
                        )
                    if len(cells) > MOST_COLUMNS:
                        raise too_many_columns()
                    yield number, cells
        except csv.Error as error:
            raise FileRefused(
                "broken",
                "Row {row} cannot be read: look for a quotation mark too many.",
                row=number + 1,
            ) from error
        except UnicodeError as error:
            raise _wrong_encoding() from error

    def _text(self) -> TextIO:
        self._file.seek(0)
        return io.TextIOWrapper(
            io.BufferedReader(_Borrowed(self._file)),
            encoding=self.encoding,
            errors="strict",
            newline="",
        )


class _Borrowed(io.RawIOBase):
    """A file for a text reader that must not close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Lines:
    """Lines for a reader, which can be put back. `taken` are those of the row in work."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        self._again.extendleft(reversed(lines))


def _records(lines: Iterator[str], delimiter: str) -> Iterator[Sequence[Cell]]:
    """The rows as cells. A row with a quotation mark that the format does not allow is read as
    people mean it, or is one cell that says so; the next row begins on the next line. Raises
    `csv.Error` for too many of them."""
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    width: int | None = None
    stray = 0
    while True:
        source.taken.clear()
        cells: Sequence[Cell]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            stray += 1
            if stray > MOST_STRAY or not source.taken:
                raise
            line, *others = source.taken
            source.put_back(others)
            cells = _as_meant(line, delimiter, width)
        width = len(cells) if width is None else width
        yield cells


def _as_meant(line: str, delimiter: str, width: int | None) -> Sequence[Cell]:
    """A line in which quotation marks belong to the text, such as those of a name in quotes: its
    cells, if they are as many as there are columns."""
    cells = line.rstrip("\r\n").split(delimiter)
    if line.count('"') % 2 or width not in (None, len(cells)):
        return [STRAY_QUOTE]
    return [found[1] if (found := QUOTED.fullmatch(cell)) else cell for cell in cells]


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            raise csv.Error("a line without an end")
        yield line


def _first_line(text: TextIO) -> tuple[str, int]:
    """The first line that is not empty, and its number."""
    for number in itertools.count(1):
        line = text.readline(MOST_CELL)
        if len(line) == MOST_CELL:
            raise FileRefused("broken", "The first row is too long to name columns.")
        # Some programs hint at the delimiter for a spreadsheet.
        if not line or (line.strip() and not re.fullmatch(r"sep=.\s*", line)):
            return line, number
    raise AssertionError("unreachable")


def _encoding(file: BinaryIO) -> str:
    """UTF-8, or for a file that cannot be UTF-8 the code page whose letters it has: Windows-1251,
    or that of DOS, in which tills and old 1C write. A file that is UTF-8 but for some broken bytes
    is refused: it could be read in both, but as nonsense."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    wide = broken = windows = dos = 0
    has_nul = False
    for data in iter(lambda: file.read(CHUNK), b""):
        text = decoder.decode(data)
        broken += text.count("\ufffd")
        wide += sum(len(found) for found in re.findall(r"[^\x00-\x7f\ufffd]+", text))
        has_nul = has_nul or b"\0" in data
        windows += len(data) - len(data.translate(None, WINDOWS_LETTERS))
        dos += len(data) - len(data.translate(None, DOS_LETTERS))
    if has_nul:
        raise _wrong_encoding()
    if decoder.decode(b"", final=True):
        broken += 1
    if not broken:
        return "utf-8-sig"
    if wide * 2 > broken:
        raise _wrong_encoding()
    return "cp866" if dos > windows else "cp1251"


def _wrong_encoding() -> FileRefused:
    return FileRefused(
        "encoding", "The text is in no encoding that we know: UTF-8, Windows-1251 or that of DOS."
    )


def _delimiter(line: str, is_column: Callable[[str], bool]) -> str:
    """The delimiter with which the first row has the most columns that we know."""

    def known(delimiter: str) -> tuple[int, int]:
        try:
            names = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            names = []
        return sum(is_column(name) for name in names), len(names)

    return max(DELIMITERS, key=known)
