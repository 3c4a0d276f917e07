"""Files as rows of cells: CSV in the usual encodings, and XLSX.

A file is not to be trusted. Formulas are recognised and never evaluated; macros and passwords are
refused. Before a workbook is opened its parts are measured, so that memory stays bounded whatever
the archive claims about itself."""

import codecs
import csv
import io
import itertools
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, BinaryIO, Literal, TextIO

import openpyxl
from openpyxl import DEFUSEDXML
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.workbook.workbook import Workbook

from ledger.errors import FileRefused

Format = Literal["csv", "xlsx"]

MOST_ROWS = 1_048_576  # what a sheet can have
MOST_COLUMNS = 64
MOST_CELL = 32_767  # characters, as in a spreadsheet
CHUNK = 1 << 20  # bytes read at a time

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # .xls, and a workbook with a password
DELIMITERS = ";,\t"

# Of a workbook. Sizes are in bytes, unpacked.
MOST_ENTRIES = 1_000  # files in the archive
MOST_SHEET = 512 << 20
MOST_STRINGS = 128 << 20  # the table of texts that cells share
MOST_STRING_COUNT = 4 * MOST_ROWS
MOST_PART = 8 << 20  # any other XML file
MOST_ELEMENT = 4 << 20  # one row, or one shared text
LONGEST_TAG_NAME = 40  # characters

# Bytes that are Russian letters in one of two code pages, and hardly anything in the other.
WINDOWS_LETTERS = bytes([*range(0xC0, 0xE0), *range(0xF0, 0x100)])
DOS_LETTERS = bytes(range(0x80, 0xB0))
# A number format that shows zeros in front: codes of 1C, EAN-13.
ZEROS = re.compile(r"0{2,}")
ROW_BEGINS = re.compile(rb"<(?:\w+:)?row[\s>/]")
STRING_BEGINS = re.compile(rb"<(?:\w+:)?si[\s>/]")
# The begin of comments, declarations and instructions. No spreadsheet program writes them, and
# elements within them would not be counted.
HIDING_PLACE = re.compile(rb"<[!?]")
DECLARATION = re.compile(rb"\A(\xef\xbb\xbf)?\s*<\?xml [^<>]*\?>")


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell with a formula. It would have to be evaluated, so its value is not known."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell with an error, or with a kind of value that no column can have."""


Cell = str | int | float | date | datetime | Formula | Unreadable | None
FORMULA = Formula()
UNREADABLE = Unreadable()


@dataclass(frozen=True, slots=True)
class Table:
    """The first row as names of columns, and the other rows with their numbers in the file, from 1.
    Empty rows are left out."""

    format: Format
    header: list[str]
    rows: Iterator[tuple[int, Sequence[Cell]]]


def read(file: BinaryIO, is_column: Callable[[str], bool]) -> Table:
    """The table in a file, which is read from its beginning. `is_column` recognises names of
    columns; the delimiter of a CSV is guessed by it. Raises `FileRefused`, also later, while the
    rows are read."""
    file.seek(0)
    beginning = file.read(8)
    file.seek(0)
    if not beginning:
        raise FileRefused("empty", "The file is empty.")
    if beginning.startswith(OLD_OFFICE):
        raise FileRefused(
            "old_or_encrypted",
            "This is an .xls file or a workbook with a password. Save it as .xlsx without a"
            " password.",
        )
    if beginning.startswith(ZIP):
        return _table("xlsx", _xlsx_rows(file))
    return _table("csv", _csv_rows(file, is_column))


def _table(format_: Format, rows: Iterator[tuple[int, Sequence[Cell]]]) -> Table:
    filled = ((number, cells) for number, cells in rows if any(_holds(cell) for cell in cells))
    first = next(filled, None)
    if first is None:
        raise FileRefused("empty", "The file has no rows.")
    header = [str(cell).strip() if isinstance(cell, str | int) else "" for cell in first[1]]
    return Table(format_, header, filled)


def _holds(cell: Cell) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


# --- CSV -------------------------------------------------------------------------------------


def _csv_rows(
    file: BinaryIO, is_column: Callable[[str], bool]
) -> Iterator[tuple[int, Sequence[Cell]]]:
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(
        io.BufferedReader(_Borrowed(file)), encoding=encoding, errors="strict", newline=""
    )
    number = 0
    try:
        beginning, number = _first_line(text)
        reader = csv.reader(
            itertools.chain([beginning], text),
            delimiter=_delimiter(beginning, is_column),
            strict=True,
        )
        for number, cells in enumerate(reader, start=number):  # noqa: B020 - it goes on counting
            if number > 2 * MOST_ROWS:
                raise FileRefused(
                    "too_many_rows", "A file has at most {most} rows.", most=2 * MOST_ROWS
                )
            if len(cells) > MOST_COLUMNS:
                raise _too_many_columns()
            yield number, cells
    except csv.Error as error:
        raise FileRefused(
            "broken",
            "Row {row} cannot be read: look for a quotation mark too many.",
            row=number + 1,
        ) from error
    except UnicodeError as error:
        raise _wrong_encoding() from error


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


# --- XLSX ------------------------------------------------------------------------------------


def _xlsx_rows(file: BinaryIO) -> Iterator[tuple[int, Sequence[Cell]]]:
    if not DEFUSEDXML:
        raise AssertionError("workbooks are read by way of defusedxml")
    _measure(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and dates, which we do not need
            book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
            yield from _first_sheet(book)
    except FileRefused:
        raise
    except Exception as error:  # on broken files the library raises all kinds of exceptions
        raise FileRefused("broken", "The workbook cannot be read; save it anew.") from error


def _first_sheet(book: Workbook) -> Iterator[tuple[int, Sequence[Cell]]]:
    if not book.worksheets:
        raise FileRefused("empty", "The workbook has no sheet.")
    sheet = book.worksheets[0]
    # The size that the sheet claims for itself is not used: rows are read as they come, up to our
    # own limits.
    rows = sheet.iter_rows(min_row=1, max_row=MOST_ROWS, min_col=1, max_col=MOST_COLUMNS + 1)
    empty: object = EMPTY_CELL
    gap: object = None  # the library returns one and the same object for all missing rows
    for number, row in enumerate(rows, start=1):
        if row is gap:
            continue
        end = len(row)
        while end and row[end - 1] is empty:
            end -= 1
        if not end:
            gap = row
        if end > MOST_COLUMNS:
            raise _too_many_columns()
        yield number, [_cell(one) for one in row[:end]]


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return FORMULA
    if value is None:
        return None
    if kind == "e" or isinstance(value, bool):
        return UNREADABLE
    if isinstance(value, int) and value >= 0 and ZEROS.fullmatch(form := cell.number_format or ""):
        return str(value).rjust(len(form), "0")  # as it is shown, which is as it is printed
    if isinstance(value, str | int | float | date):
        return value
    return UNREADABLE


def _measure(file: BinaryIO) -> None:
    """Raises `FileRefused` for an archive that would need more memory than a table does. It is
    enough to check the size that each part claims: the reader never unpacks more than that."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                raise _too_large()
            for entry in entries:
                if entry.filename.casefold().endswith("vbaproject.bin"):
                    raise FileRefused(
                        "macros", "The workbook has macros. Save it as .xlsx, without them."
                    )
                if entry.flag_bits & 1:
                    raise FileRefused("old_or_encrypted", "The file has a password; remove it.")
                _measure_part(archive, entry)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise FileRefused("broken", "The workbook cannot be read; save it anew.") from error
    file.seek(0)


def _measure_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    name = entry.filename.casefold()
    if not name.endswith((".xml", ".rels")):
        return  # pictures and the like: never opened
    if "sharedstrings" in name:
        limit, begins, most = MOST_STRINGS, STRING_BEGINS, MOST_STRING_COUNT
    elif "/worksheets/" in f"/{name}":
        limit, begins, most = MOST_SHEET, ROW_BEGINS, MOST_ROWS
    elif entry.file_size > MOST_PART:
        raise _too_large()
    else:
        return
    if entry.file_size > limit:
        raise _too_large()
    if entry.file_size <= MOST_ELEMENT:
        return
    with archive.open(entry) as part:
        _measure_elements(part, begins, most)


def _measure_elements(part: IO[bytes], begins: re.Pattern[bytes], most: int) -> None:
    """Raises `FileRefused` for too many or too large elements: the parser keeps each element in
    memory as a whole before it can be dropped, and a little of it afterwards."""
    count = since = 0
    rest = DECLARATION.sub(b"", part.read(CHUNK), count=1)
    while data := part.read(CHUNK):
        data, known = rest + data, len(rest) if count or since else 0
        # A tag may be cut by the end of the chunk: it is examined together with the next chunk.
        cut = data.rfind(b"<", max(len(data) - LONGEST_TAG_NAME, 0))
        seen, rest = (data, b"") if cut < 0 else (data[:cut], data[cut:])
        if HIDING_PLACE.search(seen):
            raise _too_large()
        places = [one.start() for one in begins.finditer(seen)]
        count += len(places)
        since = len(data) - places[-1] if places else since + len(data) - known
        if count > most or since > MOST_ELEMENT:
            raise _too_large()


def _too_large() -> FileRefused:
    return FileRefused(
        "too_large_inside", "Unpacked, the workbook is too large. Save the table as CSV."
    )


def _too_many_columns() -> FileRefused:
    return FileRefused("too_many_columns", "A table has at most {most} columns.", most=MOST_COLUMNS)
