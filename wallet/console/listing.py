"""Pages of lists: where one begins, and the address of the next. Filters stand in the address
beside it, so the place alone says enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request

ROWS = 50  # of a page
AFTER = "after"  # in addresses

ListedRow = TypeVar("ListedRow")
RowPlace = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ListPage(Generic[ListedRow]):
    """The rows of a page; the address of the next one, None on the last; the address of the first
    one, None if this is it."""

    rows: Sequence[ListedRow]
    next_url: str | None
    first_url: str | None


def after(numbers: int = 1) -> RowPlace | None:
    """Behind which place this page begins, in the numbers that the list is ordered by; None for the
    first page, and for an address that somebody has changed."""
    written = request.args.get(AFTER, "").split("-")
    if len(written) != numbers or not all(one.isascii() and one.isdigit() for one in written):
        return None
    place = tuple(map(int, written))
    return place if all(number < 2**63 for number in place) else None


def page(
    read: Sequence[ListedRow], place: Callable[[ListedRow], RowPlace], most: int = ROWS
) -> ListPage[ListedRow]:
    """The page made of up to `most` + 1 rows that were read from behind `after`. `place` says where
    a row stands; no two rows stand at the same."""
    rows = read[:most]
    last = place(rows[-1]) if len(read) > most else None
    return ListPage(
        rows,
        None if last is None else this_url(**{AFTER: "-".join(map(str, last))}),
        this_url(**{AFTER: None}) if AFTER in request.args else None,
    )


def cell_looks(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The classes of the cells below each column, as the macro `table` describes columns. A list
    has hundreds of cells: what all of a column have is made once."""
    return [
        " ".join(
            [
                f"k-phone-{'first' if place == 0 else column.get('phone', 'none')}",
                *(["k-number"] if column.get("number") else []),
                *(["k-roomy"] if column.get("wide") else []),
            ]
        )
        for place, column in enumerate(columns)
    ]


def this_url(**changes: Any) -> str:
    """The address of this page with other values of its query; None takes one away."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in changes]
    added = [(name, value) for name, value in changes.items() if value is not None]
    query = urlencode([*kept, *added])
    return f"{request.path}?{query}" if query else request.path
