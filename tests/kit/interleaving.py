"""Two operations at once, in every order that matters, and not by chance: the first stops before
its n-th statement until the second is done or waits for a lock that the first holds; then the first
goes on. Its commit counts as its last statement.

For PostgreSQL only: SQLite has one writer, so there is no "at once"."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database

# Whether every place is tried, as `make proofs` does, or some of them.
EVERYWHERE = os.environ.get("LEDGER_PAIRS") == "all"
PATIENCE_S = 60  # only a machine on which nothing moves makes a test wait so long
LOOK_S = 0.001
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@dataclass
class Stop:
    """Where a thread stops: before its statement number `at`, or before its commit if it has
    fewer."""

    at: int
    passed: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def arrive(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.reached.set()
            assert self.go_on.wait(PATIENCE_S), "nobody let it go on"


class Stage:
    """Where two operations meet. Every statement of a thread that has a stop arrives there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stops = threading.local()

    def meet(self, first: Callable[[], Any], second: Callable[[], Any], at: int) -> "Met":
        """`first` stops before its statement `at`, and `second` runs meanwhile. An exception of
        either is its result. `at` must not be greater than the number of statements."""
        stop = Stop(at)
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(self._run, first, stop)
            _wait(lambda: stop.reached.is_set() or one.done())
            assert stop.reached.is_set(), f"it had {stop.passed} statements only"
            other = pool.submit(self._run, second, None)
            _wait(lambda: other.done() or self._somebody_waits())
            waited = not other.done()
            stop.go_on.set()
            return Met(_result(one), _result(other), waited)

    def statements_of(self, operation: Callable[[], Any]) -> int:
        """How many statements the operation has if no other runs meanwhile."""
        stop = Stop(0)
        with ThreadPoolExecutor(1) as pool:
            _result(pool.submit(self._run, operation, stop))
        return stop.passed

    def _somebody_waits(self) -> bool:
        connection = self._database.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(WAITING)  # by itself: within a transaction it would be the same for ever
            [[waiting]] = cursor.fetchall()
            return bool(waiting)
        finally:
            connection.close()

    def _run(self, operation: Callable[[], Any], stop: Stop | None) -> Any:
        self._stops.mine = stop
        return operation()

    def arrive(self, *_: object) -> None:
        stop = getattr(self._stops, "mine", None)
        if stop is not None:
            stop.arrive()


@dataclass(frozen=True)
class Met:
    """The results of both, and whether the second had to wait for the first."""

    first: Any
    second: Any
    waited: bool


@contextmanager
def stage(database: Database) -> Iterator[Stage]:
    """Statements go to PostgreSQL in two ways: by SQLAlchemy, and by the driver itself."""
    there = Stage(database)
    by_driver = DriverConnection.execute

    def execute(wire: DriverConnection, words: str, *values: Any, **how: Any) -> Any:
        there.arrive()
        return by_driver(wire, words, *values, **how)

    def on_commit(_connection: Connection) -> None:
        there.arrive()

    DriverConnection.execute = execute
    event.listen(database.engine, "before_cursor_execute", there.arrive)
    event.listen(database.engine, "commit", on_commit)
    try:
        yield there
    finally:
        DriverConnection.execute = by_driver
        event.remove(database.engine, "before_cursor_execute", there.arrive)
        event.remove(database.engine, "commit", on_commit)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "nothing moves"
        time.sleep(LOOK_S)


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result(PATIENCE_S)
    except Exception as error:
        return error


def meetings(
    database: Database, pair: Callable[[int], tuple[Callable[[], Any], Callable[[], Any]]]
) -> Iterator[tuple[int, Met]]:
    """Places where the first of a pair may stop, and what came of both: every second one, or each
    where every place is tried."""
    for at in range(1, 40, 1 if EVERYWHERE else 2):
        first, second = pair(at)
        with stage(database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        yield at, met
    assert at > 3
