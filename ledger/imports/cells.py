"""What a cell of a table may hold, and how large a table may be. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.errors import FileRefused

MOST_ROWS = 1_048_576  # what a sheet can have
MOST_COLUMNS = 512  # exports of a CRM have some hundreds, most of which nobody needs here
MOST_CELL = 32_767  # characters, as in a spreadsheet


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell with a formula. It would have to be evaluated, so its value is not known."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell with an error, or with a kind of value that no column can have."""


@dataclass(frozen=True, slots=True)
class StrayQuote:
    """The only cell of a row that cannot be divided into cells, for the sake of a quotation
    mark."""


Cell = str | bool | int | float | date | datetime | Formula | Unreadable | StrayQuote | None
FORMULA = Formula()
UNREADABLE = Unreadable()
STRAY_QUOTE = StrayQuote()

# What spreadsheets show where a value was looked up and not found. It means nothing; what else they
# show in place of a value is a mistake in the table.
NOT_FOUND_IN_SHEET = frozenset({"#N/A", "#Н/Д"})


def harmless(text: str) -> str:
    """Text for a cell that a spreadsheet may open: an apostrophe keeps what begins like a formula
    from being one. Who imports such a file loses it again."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def too_many_columns() -> FileRefused:
    """The refusal of a table that is too wide."""
    return FileRefused("too_many_columns", "A table has at most {most} columns.", most=MOST_COLUMNS)
