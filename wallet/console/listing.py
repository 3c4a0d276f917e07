"""Pages of lists: where one begins, and the address of the next. Filters stand in the address
beside it, so the place alone says enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from markupsafe import Markup, escape

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


def table_rows(columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Markup:
    """The rows of the macro `table`, which says what columns and rows are. Drawn here, since a list
    has hundreds of cells, and a template takes several times as long for them."""
    opened = [f'<td role="cell" class="{_look(*one)}">' for one in enumerate(columns)]
    drawn = "\n".join(_row(opened, row.get("url"), row["cells"]) for row in rows)
    return Markup(drawn)  # noqa: S704 - all that it is made of is escaped


def _look(place: int, column: Mapping[str, Any]) -> str:
    on_phone = "first" if place == 0 else column.get("phone") or "none"
    number = "k-number " if column.get("number") else ""
    wide = "k-roomy " if column.get("wide") else ""
    return f"{number}{wide}k-phone-{on_phone}"


def _row(opened: Sequence[str], url: str | None, cells: Sequence[object]) -> str:
    drawn = _escaped([*cells, url or ""])
    if url:
        drawn[0] = f'<a class="k-row-link" href="{drawn[-1]}">{drawn[0]}</a>'
    inside = "".join(f"{tag}{cell}</td>" for tag, cell in zip(opened, drawn, strict=False))
    return f'<tr role="row">{inside}</tr>'


def _escaped(cells: Sequence[object]) -> list[str]:
    """Each cell as a part of a page. Plain texts are made harmless together: a call for each would
    be most of what a row costs."""
    plain = [cell if type(cell) is str else "" for cell in cells]
    together = str(escape(_BETWEEN.join(plain))).split(_BETWEEN)
    if len(together) != len(plain):  # the sign stands in one of them
        return [str(escape(cell)) for cell in cells]
    return [
        made if type(cell) is str else str(escape(cell))
        for cell, made in zip(cells, together, strict=True)
    ]


_BETWEEN = "\x1f"  # between the cells of a row; texts of people have no control characters


def this_url(**changes: Any) -> str:
    """The address of this page with other values of its query; None takes one away."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in changes]
    added = [(name, value) for name, value in changes.items() if value is not None]
    query = urlencode([*kept, *added])
    return f"{request.path}?{query}" if query else request.path
