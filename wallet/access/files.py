"""Rows as files: CSV for spreadsheets, NDJSON for programs. Rows are read a page at a time and
written as they are read, so that a file of any size takes the memory of one page. All of a file is
of one moment."""

import csv
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.orm import Session

from ledger import words
from ledger.database.engine import Database
from ledger.imports import cells
from ledger.money import Money
from wallet.access import exports
from wallet.access.exports import ExportFormat, ExportOrder
from wallet.configuration.clock import Clock

AT_ONCE = 500  # rows read and written together
DELIMITER = ";"  # as in other CSVs of ours: what spreadsheets of most of Europe expect
MARK = "\ufeff"  # by which spreadsheets know UTF-8
AS_ELSEWHERE = orjson.OPT_UTC_Z  # moments as models write them

ListItem = dict[str, Any]
TableRow = Sequence[Any]
# Pages of items, as the API has them, in a session that sees one moment.
Pages = Callable[[Session], Generator[list[ListItem], None, None]]
# The rows of a table that an item makes: one, or one for each of its entries.
RowsOf = Callable[[ListItem], Iterator[TableRow]]


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What a file is made of: its items, and for a table their columns and rows."""

    pages: Pages
    columns: Sequence[str]
    rows: RowsOf


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


def number(money: Money | None, points: int) -> Decimal | int:
    """An amount in a cell that spreadsheets can sum: of money with its decimals, else of points."""
    return points if money is None else Decimal(money.amount)


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
