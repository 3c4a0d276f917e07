"""From SQLite to PostgreSQL: every row of a copy, table by table, into an empty database.

All of it is one transaction, the schema included: a move that is killed at any point leaves the
database as empty as it was, and is begun again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from sqlalchemy import JSON, Connection, Dialect, LargeBinary, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wallet import migrations
from wallet.backups.manifest import BackupRefused
from wallet.configuration.keyring import KeyRing
from wallet.migrations import drafting

ROWS_AT_ONCE = 1000
LARGE_ROWS_AT_ONCE = 20  # of a table with pictures and parts of files: bytes without a bound
OF_ALEMBIC = "alembic_version"

Processor = Callable[[Any], Any]


def move(source: Session, target: Session, keys: KeyRing) -> None:
    """Copy all rows of `source`, which is SQLite with this release's schema, into the empty
    database on PostgreSQL in which `target` writes. Raises `BackupRefused`; the caller rolls
    back."""
    tables = drafting.every_table()
    reading, writing = source.connection(), target.connection()
    _require_all_known(reading, tables)
    migrations.create(writing, keys)
    _copy_all(tables, reading, writing)


def _require_all_known(source: Connection, tables: Sequence[Table]) -> None:
    """A table that was forgotten here would be lost without a word."""
    found = {*inspect(source).get_table_names()} - {OF_ALEMBIC}
    strange = found ^ {table.name for table in tables}
    if strange:
        raise BackupRefused("not_moved", f"Tables that are unknown here: {', '.join(strange)}.")


def _copy_all(tables: Sequence[Table], source: Connection, target: Connection) -> None:
    # It adds up the entries of one statement, which here are all that there are. Whether all are
    # balanced is asked of the whole book afterwards.
    target.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_balanced"))
    for table in tables:
        target.execute(table.delete())  # what a migration begins with comes from the source as well
        try:
            _copy(table, source, target)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            # What it says in detail may quote a row.
            reason = error.diag.message_primary or str(error).partition("\n")[0]
            raise BackupRefused(
                "not_moved",
                f"PostgreSQL does not take the rows of {table.name}: {reason}",
            ) from error
        except psycopg.Error as error:
            raise DBAPIError.instance(
                f"COPY {table.name}",
                None,
                error,
                psycopg.Error,
                hide_parameters=True,
                dialect=target.dialect,
            ) from error
        _go_on_counting(table, target)
    target.execute(text("ALTER TABLE ledger_entry ENABLE TRIGGER ledger_entry_balanced"))
    # What is asked next should not have to guess how large they are.
    target.execute(text("ANALYZE"))


def _copy(table: Table, source: Connection, target: Connection) -> None:
    """By the drivers themselves: for each row the database has more to do than we have."""
    quoted = target.dialect.identifier_preparer.quote
    names = ", ".join(quoted(one.name) for one in table.columns)
    raw: psycopg.Connection[Any] = target.connection.driver_connection  # type: ignore[assignment]
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {quoted(table.name)} ({names}) FROM STDIN") as copy,
    ):
        for row in _rows(table, source):
            copy.write_row(row)


def _rows(table: Table, source: Connection) -> Iterator[Sequence[Any]]:
    """Every row as PostgreSQL takes it, in the order of the key."""
    quoted = source.dialect.identifier_preparer.quote
    names, key = (
        ", ".join(quoted(one.name) for one in columns)
        for columns in (table.columns, table.primary_key.columns)
    )
    processors = [
        (place, processor)
        for place, column in enumerate(table.columns)
        if (processor := _processor(column.type, source.dialect)) is not None
    ]
    is_large = any(
        isinstance(one.type, LargeBinary) and one.type.length is None for one in table.columns
    )
    at_once = LARGE_ROWS_AT_ONCE if is_large else ROWS_AT_ONCE
    cursor = source.connection.cursor()
    try:
        cursor.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {key}")  # noqa: S608
        while found := cursor.fetchmany(at_once):
            for row in found:
                values = list(row)
                for place, processor in processors:
                    values[place] = processor(values[place])
                yield values
    finally:
        cursor.close()


def _processor(kind: Any, dialect: Dialect) -> Processor | None:
    """What makes a value of it as SQLite keeps it. Documents come as the text that they are:
    nothing, and the word null, are two things."""
    kept = kind.dialect_impl(dialect)
    if isinstance(kept, JSON):
        return None
    found: Processor | None = kept.result_processor(dialect, None)
    return found


def _go_on_counting(table: Table, target: Connection) -> None:
    """What PostgreSQL numbers by itself goes on after the largest number."""
    sequence = target.scalar(
        text(
            "SELECT pg_get_serial_sequence(:table, 'id') FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = :table"
            " AND column_name = 'id'"
        ),
        {"table": table.name},
    )
    if sequence is not None:
        largest = target.scalar(select(func.max(table.c.id))) or 0
        target.execute(
            text("SELECT setval(:sequence, :next, false)"),
            {"sequence": sequence, "next": largest + 1},
        )
