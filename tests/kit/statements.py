"""The SQL statements that a piece of work sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database


@contextmanager
def recorded(database: Database) -> Iterator[list[str]]:
    """Every statement of this block, in order, except BEGIN. Statements go two ways, by SQLAlchemy
    and by the driver itself. A statement that is carried out for many rows at once counts as
    one."""
    statements: list[str] = []
    by_driver = DriverConnection.execute

    def execute(wire: DriverConnection, words: str, *values: Any, **how: Any) -> Any:
        if not words.startswith("BEGIN"):
            statements.append(words)
        return by_driver(wire, words, *values, **how)

    def on_statement(_connection: object, _cursor: object, words: str, *_: object) -> None:
        statements.append(words)

    DriverConnection.execute = execute
    event.listen(database.engine, "before_cursor_execute", on_statement)
    try:
        yield statements
    finally:
        DriverConnection.execute = by_driver
        event.remove(database.engine, "before_cursor_execute", on_statement)
