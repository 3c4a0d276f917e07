"""What Alembic runs: the connection is handed in by `wallet.migrations`."""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, BigInteger, Connection, text

from ledger.database.tables import Instant
from wallet.migrations import ADVISORY_LOCK, METADATA


def named_type(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """In drafts, the column types of `ledger.database.tables` by their names."""
    if kind == "type":
        for of, name in (
            (Instant, "Instant()"),
            (JSON, "JsonDocument"),
            (BigInteger, "Identifier"),
        ):
            if isinstance(item, of):
                autogenerate.imports.add(
                    f"from ledger.database.tables import {name.removesuffix('()')}"
                )
                return name
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        render_item=named_type,
        transactional_ddl=True,
    )
    with _free_to_rebuild(connection), context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Rather give up and be asked again than queue every reader behind us.
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            lost = connection.execute(text("PRAGMA foreign_key_check")).all()
            if lost:
                raise RuntimeError(f"rows would refer to nothing: {lost[:5]}")


@contextlib.contextmanager
def _free_to_rebuild(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by writing it anew, and would not let go of the old one while others
    refer to it (sqlite.org, "Making Other Kinds Of Table Schema Changes"). Said to the driver
    itself: within a transaction it would have no effect."""
    raw = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite" or raw is None:
        yield
        return
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


run(context.config.attributes["connection"])
