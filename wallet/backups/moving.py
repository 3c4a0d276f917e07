"""From SQLite to PostgreSQL: every row of a copy, table by table, into an empty database."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    bindparam,
    cast,
    func,
    insert,
    inspect,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, IntegrityError

from ledger.database.engine import Database
from wallet import migrations
from wallet.backups.manifest import BackupRefused
from wallet.configuration.keyring import KeyRing
from wallet.migrations import drafting

ROWS_AT_ONCE = 1000
LARGE_ROWS_AT_ONCE = 20  # of a table with pictures and parts of files: bytes without a bound
OF_ALEMBIC = "alembic_version"


def move(source: Database, target: Database, keys: KeyRing) -> None:
    """Copy all rows of `source`, which is SQLite, into `target`, an empty database on PostgreSQL.
    Both are brought to this release's schema first. Raises `BackupRefused`; then the target is
    empty again."""
    migrations.upgrade(source.engine, keys=keys)
    migrations.upgrade(target.engine, keys=keys)
    tables = drafting.every_table()
    _require_all_known(source, tables)
    try:
        with source.reading() as reading, target.transaction() as writing:
            _copy_all(tables, reading.connection(), writing.connection())
    except BackupRefused:
        migrations.downgrade(target.engine, "base")
        with target.transaction() as session:
            session.execute(text(f"DROP TABLE {OF_ALEMBIC}"))
        raise


def _require_all_known(source: Database, tables: Sequence[Table]) -> None:
    """A table that was forgotten here would be lost without a word."""
    found = {*inspect(source.engine).get_table_names()} - {OF_ALEMBIC}
    strange = found ^ {table.name for table in tables}
    if strange:
        raise BackupRefused("not_moved", f"Tables that are unknown here: {', '.join(strange)}.")


def _copy_all(tables: Sequence[Table], source: Connection, target: Connection) -> None:
    # It adds up the entries of one statement, and a posting may begin in one and end in the next.
    # Whether all are balanced is asked of the whole book afterwards.
    target.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_balanced"))
    for table in tables:
        try:
            _copy(table, source, target)
        except (DataError, IntegrityError) as error:
            # What it says in detail may quote a row.
            reason = str(error.orig).partition("\n")[0]
            raise BackupRefused(
                "not_moved",
                f"PostgreSQL does not take the rows of {table.name}: {reason}",
            ) from error
    target.execute(text("ALTER TABLE ledger_entry ENABLE TRIGGER ledger_entry_balanced"))


def _copy(table: Table, source: Connection, target: Connection) -> None:
    target.execute(table.delete())  # what a migration begins with comes from the source as well
    adding = insert(table).values({one.name: _as_it_comes(one) for one in table.columns})
    for rows in _rows(table, source):
        target.execute(adding, rows)
    _go_on_counting(table, target)


def _rows(table: Table, source: Connection) -> Iterator[list[dict[str, Any]]]:
    wanted = select(*(_as_it_is(one) for one in table.columns)).order_by(*table.primary_key)
    is_large = any(
        isinstance(one.type, LargeBinary) and one.type.length is None for one in table.columns
    )
    at_once = LARGE_ROWS_AT_ONCE if is_large else ROWS_AT_ONCE
    found = source.execution_options(yield_per=at_once).execute(wanted)
    for part in found.mappings().partitions():
        yield [dict(row) for row in part]


def _as_it_is(column: Column[Any]) -> Any:
    """A document is read as text: nothing, and the word null, are two things."""
    if isinstance(column.type, JSON):
        return type_coerce(column, String).label(column.name)
    return column


def _as_it_comes(column: Column[Any]) -> Any:
    if isinstance(column.type, JSON):
        return cast(bindparam(column.name, type_=String), JSONB)
    return bindparam(column.name, type_=column.type)


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
