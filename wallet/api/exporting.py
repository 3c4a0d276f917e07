"""Members and postings as files: CSV for spreadsheets, NDJSON for programs. Rows are read a page
at a time and written as they are read, so that a file of any size takes the memory of one page.
All of a file is of one moment."""

import csv
import io
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.orm import Session

from ledger import words
from ledger.book import daybook, roster
from ledger.book.daybook import DaybookPlace, DaybookPosting
from ledger.book.roster import RosterFilter, RosterPlace
from ledger.book.statements import Filter
from ledger.database.compiled import within
from ledger.database.engine import Database
from ledger.imports import cells
from ledger.programmes.units import Unit
from wallet.access import exports
from wallet.access.exports import ExportFormat, ExportOrder
from wallet.api import listing
from wallet.api.daybook import posting_out
from wallet.api.listing import AS_ELSEWHERE, ListItem
from wallet.configuration.clock import Clock

AT_ONCE = 500  # rows read and written together
DELIMITER = ";"  # as in other CSVs of ours: what spreadsheets of most of Europe expect
MARK = "\ufeff"  # by which spreadsheets know UTF-8

TableRow = Sequence[Any]
# Pages of items, as the API has them, in a session that sees one moment.
Pages = Callable[[Session], Generator[list[ListItem], None, None]]
# The rows of a table that an item makes: one, or one for each of its entries.
RowsOf = Callable[[ListItem], Iterator[TableRow]]

PERSON = ("name", "phone", "email", "birthday", "locale", "external_id")
MEMBER_COLUMNS = (
    "id",
    "programme",
    "state",
    "created_at",
    "merged_into",
    "household",
    "card",
    "card_state",
    "available",
    "pending",
    "held",
    "debt",
)
PURPOSES = ("personal_data", "marketing")
POSTING_COLUMNS = (
    "id",
    "programme",
    "kind",
    "reason",
    "receipt",
    "store",
    "promotion",
    "card",
    "reverses",
    "undoes",
    "occurred_at",
    "posted_at",
)
PURCHASE_COLUMNS = ("purchase", "purchase_currency")
ENTRY_COLUMNS = ("member", "unit", "account", "points", "balance_after")


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What a file is made of: its items, and for a table their columns and rows."""

    pages: Pages
    columns: Sequence[str]
    rows: RowsOf


def members(wanted: RosterFilter, unit: Unit, now: datetime, *, people: bool) -> ExportSource:
    """The members that fit, oldest first; with `people`, what is known of them. `unit` is the main
    one of their programme."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        fetch = within(session)
        after: RosterPlace | None = None
        while rows := roster.page(fetch, wanted, after, AT_ONCE, now, people=people).members:
            yield listing.items(rows, wanted.programme, unit)
            after = rows[-1].place

    money = tuple(f"{name}_money" for name in ("available", "pending", "held", "debt"))
    counted = () if unit.currency is None else (*money, "currency")
    known = (*PERSON, *PURPOSES) if people else ()

    def row(item: ListItem) -> Iterator[TableRow]:
        balance = item["balance"]
        flat = {**item, **balance, "card": item["card"]["number"]}
        flat["card_state"] = item["card"]["state"]
        flat |= {name: balance[name]["amount"] for name in money if counted}
        flat |= {one["purpose"]: one["given"] for one in item.get("consents", ())}
        flat["currency"] = unit.currency
        yield [flat.get(name) for name in (*MEMBER_COLUMNS, *counted, *known)]

    return ExportSource(pages, (*MEMBER_COLUMNS, *counted, *known), row)


def postings(
    programme: str,
    programme_id: int,
    counted: Mapping[int, Unit],
    wanted: Filter,
    unit_id: int | None,
) -> ExportSource:
    """The postings of a programme that fit, oldest first by when they happened. In a table a
    posting has a row for each member whose points, or debt, it changed; what was paid stands in the
    first of them alone, so that the column can be summed."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        behind: DaybookPlace | None = None
        while rows := _page(session, behind):
            yield [posting_out(row, programme, counted).model_dump() for row in rows]
            behind = rows[-1].occurred_at, rows[-1].posting_id

    def _page(session: Session, behind: DaybookPlace | None) -> list[DaybookPosting]:
        return daybook.page(
            session, programme_id, wanted, unit_id, behind, AT_ONCE, oldest_first=True
        )

    has_money = any(unit.currency is not None for unit in counted.values())
    money = ("money", "balance_after_money", "currency") if has_money else ()

    def rows(item: ListItem) -> Iterator[TableRow]:
        facts = [item[name] for name in POSTING_COLUMNS]
        paid = item["purchase"]
        for entry in item["entries"]:
            amounts = {name: _number(entry.get(name)) for name in money}
            if has_money:
                amounts["currency"] = (entry.get("money") or {}).get("currency")
            bought = (_number(paid), (paid or {}).get("currency"))
            yield [*facts, *(entry[name] for name in ENTRY_COLUMNS), *amounts.values(), *bought]
            paid = None

    return ExportSource(pages, (*POSTING_COLUMNS, *ENTRY_COLUMNS, *money, *PURCHASE_COLUMNS), rows)


def _number(money: Mapping[str, str] | None) -> Decimal | None:
    return None if money is None else Decimal(money["amount"])


class ExportRun:
    """One export on its way: noted when it begins, and when it ends, however it does."""

    def __init__(
        self, database: Database, clock: Clock, order: ExportOrder, source: ExportSource
    ) -> None:
        self._database, self._clock = database, clock
        self._source = source
        self._format: ExportFormat = order.format
        with database.transaction() as session:
            begun = exports.begin(session, order, clock())
            self.id, self._key = begun.public_id, begun.id
        self.rows = 0
        self.complete = False

    def pieces(self) -> Iterator[bytes]:
        """The file, piece by piece."""
        write = _table if self._format == "csv" else _lines
        with (
            self._database.snapshot() as session,
            closing(self._source.pages(session)) as pages,
        ):
            for piece, rows in write(self._source, pages):
                yield piece
                self.rows += rows
        self.complete = True

    def end(self) -> None:
        """Note how it ended. To be called once nobody takes pieces any more."""
        with self._database.transaction() as session:
            exports.end(session, self._key, self.rows, self._clock(), complete=self.complete)


def _lines(_source: ExportSource, pages: Iterator[list[ListItem]]) -> Iterator[tuple[bytes, int]]:
    options = AS_ELSEWHERE | orjson.OPT_APPEND_NEWLINE
    for items in pages:
        yield b"".join(orjson.dumps(item, option=options) for item in items), len(items)


def _table(source: ExportSource, pages: Iterator[list[ListItem]]) -> Iterator[tuple[bytes, int]]:
    yield _written([source.columns], MARK), 0
    for items in pages:
        rows = [row for item in items for row in source.rows(item)]
        yield _written(rows), len(rows)


def _written(rows: Sequence[TableRow], before: str = "") -> bytes:
    target = io.StringIO(before)
    target.seek(0, io.SEEK_END)
    writer = csv.writer(target, delimiter=DELIMITER)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return target.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f" if isinstance(value, Decimal) else "d")  # below zero: no formula
    if isinstance(value, datetime):
        return words.timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return cells.harmless(str(value))
