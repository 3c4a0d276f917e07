"""Lists, page by page. `next_cursor` of one page is `cursor` of the next; clients hand it back
without reading it. A cursor says in which list it was made, and with which filters: in any other it
would leave rows out, and nobody would notice."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

from flask import request

from ledger.database.tables import EPOCH, MICROSECOND
from wallet.api.bodies.paging import PageIn
from wallet.problems import refuse

AnyRow = TypeVar("AnyRow")

# Which page it is, and in which language it is said.
NO_FILTERS = {"cursor", "limit", "lang"}
BINDING_BYTES = 6  # so many tell lists and filters apart; nobody gains by making one that fits


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyRow]):
    """The rows of a page, and the cursor of the next one; None on the last page."""

    rows: Sequence[AnyRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PagePlace:
    """Which page of a list is meant. `after` is where the last row of the page before stands, in
    numbers by which the list is ordered; None on the first page. `binding` says which list, with
    which filters."""

    after: tuple[int, ...] | None
    limit: int
    binding: str

    @property
    def position(self) -> int | None:
        """The same, in a list that is ordered by one number."""
        return None if self.after is None else self.after[0]

    @property
    def most(self) -> int:
        """How many rows to read: one more than the page has, to know whether there is a next."""
        return self.limit + 1

    def page(
        self, rows: Iterable[AnyRow], position: Callable[[AnyRow], Any] = attrgetter("id")
    ) -> Page[AnyRow]:
        """The page, made of up to `most` rows that follow `self.after`. The argument `position`
        reads from a row the number that the list is ordered by, or all of them; no two rows have
        the same."""
        read = list(rows)
        kept = read[: self.limit]
        if len(read) == len(kept):
            return Page(kept, None)
        last = position(kept[-1])
        return Page(kept, to_cursor(self.binding, last if isinstance(last, tuple) else (last,)))


def place(asked: PageIn, numbers: int = 1) -> PagePlace:
    """The page that a query asks for, of a list that is ordered by so many numbers. 422
    `cursor_invalid` for a cursor that we did not make, `cursor_of_another_list` for one of another
    list, or of this one with other filters."""
    binding = _binding(asked)
    return PagePlace(from_cursor(asked.cursor, binding, numbers), asked.limit, binding)


def _binding(asked: PageIn) -> str:
    """Which list is asked for, and with which filters. Filters that a later release adds change
    nothing where they are not used."""
    filters = asked.model_dump_json(exclude=NO_FILTERS, exclude_none=True)
    named = f"{request.endpoint} {sorted((request.view_args or {}).items())} {filters}"
    digest = hashlib.blake2b(named.encode(), digest_size=BINDING_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode()


def at_moment(moment: datetime, id_: int) -> tuple[int, int]:
    """Where a row stands in a list that is ordered by moments, and by ids where they are alike."""
    return (moment - EPOCH) // MICROSECOND, id_


def moment(place: PagePlace) -> tuple[datetime, int] | None:
    """After which moment and id a page of such a list begins; None for the first page."""
    if place.after is None:
        return None
    microseconds, id_ = place.after
    return EPOCH + microseconds * MICROSECOND, id_


def to_cursor(binding: str, numbers: Sequence[int]) -> str:
    """A place in a list as clients get it."""
    written = f"{binding} {' '.join(map(str, numbers))}"
    return base64.urlsafe_b64encode(written.encode()).rstrip(b"=").decode()


def from_cursor(cursor: str | None, binding: str, numbers: int) -> tuple[int, ...] | None:
    """The place, or None for the first page. Refuses as `place` does."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        bound_to, *written = base64.urlsafe_b64decode(padded).decode("ascii").split(" ")
        found = tuple(map(int, written))
    except (binascii.Error, ValueError):
        refuse(422, "cursor_invalid")
    if not found or not all(0 <= number < 2**63 for number in found):
        refuse(422, "cursor_invalid")
    if bound_to != binding or len(found) != numbers:
        refuse(422, "cursor_of_another_list")
    return found
