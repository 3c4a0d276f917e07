"""Work that breaks in the middle: before a given statement, as if its process had ended there."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database


class Broken(Exception):
    """What breaks in the middle of the work."""


@contextmanager
def broken_before(database: Database, place: int) -> Iterator[Callable[[], bool]]:
    """Break the work before its statement of this number. What is yielded says whether it was."""
    passed = itertools.count(1)
    broke = False

    def take(*_: object) -> None:
        nonlocal broke
        if next(passed) == place:
            broke = True
            raise Broken

    by_driver = DriverConnection.execute

    def execute(wire: DriverConnection, *given: object, **options: object) -> object:
        take()
        return by_driver(wire, *given, **options)  # type: ignore[arg-type]

    DriverConnection.execute = execute  # type: ignore[method-assign,assignment]
    event.listen(database.engine, "before_cursor_execute", take)
    try:
        yield lambda: broke
    finally:
        DriverConnection.execute = by_driver  # type: ignore[method-assign]
        event.remove(database.engine, "before_cursor_execute", take)
