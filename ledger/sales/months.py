"""Months of receipts. On PostgreSQL each month is a partition of its own, opened before it begins,
so what is read or deleted of a month touches no other. Receipts of a month that was not opened are
in the partition of all others. SQLite has one table."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import column, func, literal, select, text
from sqlalchemy import table as table_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ledger.database.tables import dialect_of

TABLES = ("ledger_receipt", "ledger_receipt_line")
PARTITION = re.compile(rf"({'|'.join(TABLES)})_(other|\d{{4}}_\d{{2}})")
AHEAD = 2  # months that are open before they begin
# Who opens a month waits for tills that write, and tills that come then wait behind it.
LOCK_TIMEOUT = "2s"
ONE_AT_A_TIME = 8_205_417_203


def open_ahead(session: Session, now: datetime) -> bool:
    """Open this month and those to come, where they are not open yet. Returns whether any was."""
    if dialect_of(session) != "postgresql":
        return False
    closed = [
        (table, month)
        for month in _months(now)
        for table in TABLES
        if session.scalar(select(func.to_regclass(name_of(table, month)))) is None
    ]
    if not closed or not session.scalar(select(func.pg_try_advisory_xact_lock(ONE_AT_A_TIME))):
        return False
    try:
        with session.begin_nested():
            session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            opened = [_open(session, table, month) for table, month in closed]
    except OperationalError:  # a backup reads the table for long: another time
        return False
    return any(opened)


def name_of(table: str, month: date) -> str:
    """What the partition of a month is called."""
    return f"{table}_{month:%Y_%m}"


def is_one(table: str) -> bool:
    """Whether the table of this name is a partition: of a month, or of all others."""
    return PARTITION.fullmatch(table) is not None


def _months(now: datetime) -> Iterator[date]:
    month = now.date().replace(day=1)
    for _ in range(AHEAD + 1):
        yield month
        month = _next(month)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _open(session: Session, table: str, month: date) -> bool:
    """Open a month, unless receipts of it stand among all others already: they stay there. That is
    asked before tills are kept waiting, and again when none can write."""
    if _has_begun(session, table, month):
        return False
    session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    if _has_begun(session, table, month):
        return False
    until = _next(month)
    session.execute(
        text(
            f"CREATE TABLE IF NOT EXISTS {name_of(table, month)} PARTITION OF {table} "
            f"FOR VALUES FROM ('{month}') TO ('{until}')"
        )
    )
    return True


def _has_begun(session: Session, table: str, month: date) -> bool:
    others = table_(f"{table}_other")
    found = select(literal(1)).select_from(others).where(column("month") == month).limit(1)
    return session.scalar(found) is not None
