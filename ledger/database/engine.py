"""The database under everything: column types, connections, who begins and who commits.

SQLite and PostgreSQL from the same code. An edge opens `transaction()` for anything that writes and
`reading()` for the rest, `ask()` where one question is all; operations take the session and never
commit."""

import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session

from ledger.database.compiled import Compiled, DriverConnection
from ledger.settings import LedgerSettings

SQLITE_BUSY_TIMEOUT_MS = 15_000
MOST_ATTEMPTS = 5
PART_SECONDS = 0.02
RECONNECT_SECONDS = 0.1
TRUSTED_IDLE_SECONDS = 1.0
BEGIN = "BEGIN"
READING = {"sqlite": BEGIN, "postgresql": "BEGIN READ ONLY"}
WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": BEGIN}
TRY_AGAIN = frozenset({"40001", "40P01"})  # serialization failure, deadlock detected


Wake = Callable[[frozenset[str]], None]
T = TypeVar("T")


def wake_after_commit(session: Session, pump: str) -> None:
    """Ask for `pump` to be woken once this session's transaction is committed, and only then."""
    session.info.setdefault("wake", set()).add(pump)


def writing(engine: Engine) -> Engine:
    """Its transactions are begun by somebody who is going to write: on SQLite there is one."""
    return engine.execution_options(begin=WRITING[engine.name])


class Database:
    """One connected database. `wake` is called after each commit that asked for a pump."""

    def __init__(self, settings: LedgerSettings, wake: Wake | None = None) -> None:
        self._wake = wake
        url = make_url(settings.database_url)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = create_engine(
                url, pool_size=settings.pool_size, max_overflow=50, hide_parameters=True
            )
            _prepare_sqlite(self.engine, settings.sqlite_synchronous)
        else:
            self.engine = create_engine(
                url,
                pool_size=settings.pool_size,
                max_overflow=20,
                hide_parameters=True,  # they hold names and phone numbers, and errors are logged
                json_deserializer=orjson.loads,
                connect_args={"options": "-c timezone=utc"},
            )
            _prepare_postgres(self.engine)
            _look_after_idle(self.engine)
        self._reading = self.engine.execution_options(begin=READING[self.engine.name])
        self._writing = writing(self.engine)
        # SQLite has one writer at a time. Threads of this process queue here, fairly and without
        # polling; other processes meet at the file's own lock.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session
            # Not rolled back: the driver would forget what the server has prepared for it.
            session.commit()

    def fetch(self, query: Compiled, **values: object) -> list[Any]:
        """What one statement reads. It sees one state by itself: no transaction is around it, which
        on PostgreSQL spares two of three ways to the server."""
        connection = self.engine.raw_connection()
        try:
            return query.execute_on(DriverConnection(connection, self.engine.dialect), **values)
        finally:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back by an exception. READ COMMITTED on
        PostgreSQL, BEGIN IMMEDIATE on SQLite."""
        with self._turn, Session(self._writing, expire_on_commit=False) as session:
            yield session
            session.commit()
            wanted = session.info.get("wake")
        if wanted and self._wake is not None:
            self._wake(frozenset(wanted))

    def run(self, work: Callable[[Session], T], *, idempotent: bool = False) -> T:
        """`work` in a transaction of its own, begun anew where nothing can have come of it: where
        PostgreSQL ended one of two transactions that waited for each other, and where the server
        was lost, or not there, before the commit. For as long as a restart of it takes, about.

        What came of a commit that was never answered nobody knows. Only `idempotent` work is then
        done once more: such as looks first whether it was done before."""
        is_done = False

        def once() -> T:
            nonlocal is_done
            is_done = False
            with self.transaction() as session:
                result = work(session)
                is_done = True
            return result

        return self._persist(once, lambda: idempotent or not is_done)

    def run_one(self, statement: Compiled, **values: object) -> list[Any]:
        """What one idempotent statement changes: a transaction by itself, begun anew as in `run`.
        Its rows, if it returns any."""

        def once() -> list[Any]:
            with self._turn:
                return self.fetch(statement, **values)

        return self._persist(once, lambda: True)

    def _persist(self, once: Callable[[], T], may_repeat: Callable[[], bool]) -> T:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return once()
            except DBAPIError as error:
                asked = _asks_for_another_try(error)
                lost = self._server_is_lost(error) and may_repeat()
                if attempt == MOST_ATTEMPTS or not (asked or lost):
                    raise
            longest_s = 2**attempt * (RECONNECT_SECONDS if lost else PART_SECONDS)
            time.sleep(longest_s * random.uniform(0.5, 1))  # noqa: S311 - only to part them
        raise AssertionError("unreachable")

    def _server_is_lost(self, error: DBAPIError) -> bool:
        """The connection broke, or could not be made: then there was no statement yet."""
        if self.is_sqlite or not isinstance(error, OperationalError):
            return False
        return error.connection_invalidated or error.statement is None

    def wipe(self) -> bool:
        """Deleted bytes leave the disk as far as that is in our hands. On SQLite what is left of
        them is in the journal beside the file (in the file they are written over at once, see
        below); PostgreSQL clears up by itself in time. False if a reader stood in the way; then the
        next one does it."""
        if not self.is_sqlite:
            return True
        with self._turn, self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - it is connected
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        self.engine.dispose()


def _asks_for_another_try(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in TRY_AGAIN


def _look_after_idle(engine: Any) -> None:
    """A connection in the pool may lead to a server that is gone. One that lay idle is asked before
    it is used again; to ask every time would cost each transaction a round trip. One that was used
    just now is listened to, which costs nothing: a server that goes closes its connections, and
    there is something to read where nothing was asked."""
    dialect = engine.dialect

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: DBAPIConnection, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: DBAPIConnection, record: Any, _proxy: object) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None:  # made this moment
            return
        if time.monotonic() - idle_since < TRUSTED_IDLE_SECONDS and _is_silent(connection):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if dialect.is_disconnect(error, connection, None):
                raise InvalidatePoolError from error
            raise


def _is_silent(connection: Any) -> bool:
    ear = select.poll()
    ear.register(connection.fileno(), select.POLLIN)
    return not ear.poll(0)


def _prepare_postgres(engine: Any) -> None:
    """A statement by itself needs no transaction around it, so the driver begins none."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: object) -> None:
        connection.autocommit = True

    _begin_in_words(engine)

    @event.listens_for(engine, "before_cursor_execute")
    def _on_statement(connection: Connection, *_: object) -> None:
        """One that SQLAlchemy carries out itself."""
        _driver_connection(connection).begin_now()

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def _on_end(connection: Connection) -> None:
        if not connection.invalidated:
            _driver_connection(connection).never_begin()


def _driver_connection(connection: Connection) -> DriverConnection:
    return DriverConnection(connection.connection, connection.dialect)


def _begin_in_words(engine: Any) -> None:
    """BEGIN as the execution option `begin` has it; none where that is empty (VACUUM)."""

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("begin", BEGIN)
        if begin:
            _driver_connection(connection).begin(begin)


def _prepare_sqlite(engine: Any, synchronous: str) -> None:
    """The driver's own transaction handling is switched off: with it, a savepoint leaks out of a
    rolled-back transaction, and a reader that becomes a writer fails at once with SQLITE_BUSY."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Whoever is erased is so from the file as well: what is freed is written over with zeros.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    _begin_in_words(engine)
