"""Lists, page by page. `next_cursor` of one page is `cursor` of the next; clients hand it back
without reading it."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from wallet.api.bodies.paging import PageIn
from wallet.problems import refuse

AnyRow = TypeVar("AnyRow")


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyRow]):
    """The rows of a page, and the cursor of the next one; None on the last page."""

    rows: Sequence[AnyRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PagePlace:
    """Which page of a list is meant. `position` is that of the last row of the page before; None on
    the first page."""

    position: int | None
    limit: int

    @property
    def most(self) -> int:
        """How many rows to read: one more than the page has, to know whether there is a next."""
        return self.limit + 1

    def page(
        self, rows: Iterable[AnyRow], position: Callable[[AnyRow], Any] = attrgetter("id")
    ) -> Page[AnyRow]:
        """The page, made of up to `most` rows that follow `self.position`. The argument `position`
        reads from a row the number that the list is ordered by; no two rows have the same."""
        read = list(rows)
        kept = read[: self.limit]
        more = len(read) > len(kept)
        return Page(kept, to_cursor(position(kept[-1])) if more else None)


def place(asked: PageIn) -> PagePlace:
    """The page that a query asks for. 422 `cursor_invalid` for a cursor that we did not make."""
    return PagePlace(from_cursor(asked.cursor), asked.limit)


def to_cursor(position: int) -> str:
    """A position as clients get it."""
    return base64.urlsafe_b64encode(str(position).encode()).rstrip(b"=").decode()


def from_cursor(cursor: str | None) -> int | None:
    """The position, or None for the first page. 422 `cursor_invalid` for a cursor that we did not
    make."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = int(base64.urlsafe_b64decode(padded).decode("ascii"))
    except (binascii.Error, ValueError):
        position = -1
    if not 0 <= position < 2**63:
        refuse(422, "cursor_invalid")
    return position
