"""Files as rows of cells: CSV in the usual forms (`delimited`), and XLSX (`workbooks`).

A file is not to be trusted. Formulas are recognised and never evaluated; macros and passwords are
refused. Memory stays bounded whatever the file claims about itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO, Literal

from ledger.errors import FileRefused
from ledger.imports.cells import Cell
from ledger.imports.delimited import Delimited
from ledger.imports.workbooks import WorkbookSheet

Format = Literal["csv", "xlsx"]

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # .xls, and a workbook with a password


@dataclass(frozen=True, slots=True)
class Table:
    """The first row that holds anything, as names of columns, and the rows after it.

    `facts` say how the file was understood: its encoding and delimiter, or its sheet and the rows
    that are hidden in it. `day_zero` is the day that the numbers of a workbook count from."""

    format: Format
    header: list[str]
    facts: dict[str, Any]
    day_zero: date | None
    _read: Callable[[], Iterator[tuple[int, Sequence[Cell]]]]

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """The other rows, from the beginning, with their numbers in the file, from 1. Empty rows
        are left out. Raises `FileRefused`."""
        filled = _filled(self._read())
        next(filled, None)
        return filled


def format_of(file: BinaryIO) -> Format:
    """What the file is, by its first bytes. Raises `FileRefused` for an empty file and for one that
    cannot be read, whatever comes after them."""
    file.seek(0)
    beginning = file.read(8)
    if not beginning:
        raise FileRefused("empty", "The file is empty.")
    if beginning.startswith(OLD_OFFICE):
        raise FileRefused(
            "old_or_encrypted",
            "This is an .xls file or a workbook with a password. Save it as .xlsx without a"
            " password.",
        )
    return "xlsx" if beginning.startswith(ZIP) else "csv"


def read(file: BinaryIO, is_column: Callable[[str], bool]) -> Table:
    """The table in a file. `is_column` recognises names of columns; the delimiter of a CSV is
    guessed by it. Raises `FileRefused`."""
    if format_of(file) == "xlsx":
        sheet = WorkbookSheet(file)
        facts = {
            "sheet": sheet.name,
            "other_sheets": sheet.others,
            "hidden_rows": sheet.hidden_rows,
        }
        return _table("xlsx", sheet.rows, facts, sheet.day_zero)
    text = Delimited(file, is_column)
    facts = {"encoding": text.encoding.removesuffix("-sig"), "delimiter": text.delimiter}
    return _table("csv", text.rows, facts, None)


def _table(
    format_: Format,
    rows: Callable[[], Iterator[tuple[int, Sequence[Cell]]]],
    facts: dict[str, Any],
    day_zero: date | None,
) -> Table:
    first = next(_filled(rows()), None)
    if first is None:
        raise FileRefused("empty", "The file has no rows.")
    header = [str(cell).strip() if isinstance(cell, str | int) else "" for cell in first[1]]
    return Table(format_, header, facts, day_zero, rows)


def _filled(
    rows: Iterator[tuple[int, Sequence[Cell]]],
) -> Iterator[tuple[int, Sequence[Cell]]]:
    return ((number, cells) for number, cells in rows if any(map(_holds, cells)))


def _holds(cell: Cell) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())
