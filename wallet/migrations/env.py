"""What Alembic runs: the connection is handed in by `wallet.migrations`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, BigInteger, Connection, text

from ledger.database import Instant
from wallet.migrations import ADVISORY_LOCK, METADATA


def named_type(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """In drafts, the column types of `ledger.database` by their names."""
    if kind == "type":
        for of, name in (
            (Instant, "Instant()"),
            (JSON, "JsonDocument"),
            (BigInteger, "Identifier"),
        ):
            if isinstance(item, of):
                autogenerate.imports.add(f"from ledger.database import {name.removesuffix('()')}")
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
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Rather give up and be asked again than queue every reader behind us.
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        context.run_migrations()


run(context.config.attributes["connection"])
