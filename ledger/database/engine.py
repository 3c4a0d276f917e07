"""The database under everything: connections, who begins and who commits.

SQLite and PostgreSQL work with the same code. An edge opens `transaction()` for anything that
writes and `reading()` for the rest, or `fetch()` if one statement is all. Operations take the
session and never commit."""

import random
import select
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import orjson
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from ledger.database.compiled import Compiled, DriverConnection, Question, ask_all
from ledger.settings import LedgerSettings

SQLITE_BUSY_TIMEOUT_MS = 15_000  # how long one process waits for another's transaction
MOST_ATTEMPTS = 5  # of one piece of work, the first included
# The first wait before another attempt; it doubles with each. After a deadlock it only has to part
# the two transactions; a server that restarts needs longer.
PART_SECONDS = 0.02
RECONNECT_SECONDS = 0.1
TRUSTED_IDLE_SECONDS = 1.0  # a connection that was idle for longer is tested before its use
TRUSTED_WRITE_SECONDS = 1.0
BEGIN = "BEGIN"
READING = {"sqlite": BEGIN, "postgresql": "BEGIN READ ONLY"}
SNAPSHOT = {"sqlite": BEGIN, "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": BEGIN}
TRY_AGAIN = frozenset({"40001", "40P01"})  # serialization failure, deadlock detected


Wake = Callable[[frozenset[str]], None]
T = TypeVar("T")


def wake_after_commit(session: Session, pump: str) -> None:
    """Wake this `pump` once the session's transaction is committed, and only then."""
    session.info.setdefault("wake", set()).add(pump)


def writing(engine: Engine) -> Engine:
    """The engine with transactions that are begun for writing. On SQLite only one of them runs at a
    time."""
    return engine.execution_options(begin=WRITING[engine.name])


class Database:
    """One connected database. After a commit `wake` is called with the names of the pumps that the
    transaction asked for, if there were any."""

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
                pool_reset_on_return=None,  # `_prepare_postgres` does it, where it is needed
            )
            _prepare_postgres(self.engine)
            _look_after_idle(self.engine)
        self._reading = self.engine.execution_options(begin=READING[self.engine.name])
        self._glancing = self.engine.execution_options(begin="")
        self._snapshot = self.engine.execution_options(begin=SNAPSHOT[self.engine.name])
        self._writing = writing(self.engine)
        # SQLite has one writer at a time. Threads of this process queue here, fairly and without
        # polling; other processes meet at the file's own lock.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()
        self._wrote_at = -TRUSTED_WRITE_SECONDS

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing. On PostgreSQL its transaction is READ ONLY."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session
            # Not rolled back: after a rollback the driver forgets its prepared statements.
            session.commit()

    @contextmanager
    def glancing(self) -> Iterator[Session]:
        """A session that only reads, and whose statements each see a moment of their own, for what
        need not agree to the last row: nothing is begun and nothing ended, so there is a round trip
        less."""
        with Session(self._glancing, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """As `reading`, and all that is read is of one moment, that of the first statement. For as
        long as it is open, what was deleted since stays on the disk."""
        with Session(self._snapshot, expire_on_commit=False) as session:
            yield session
            session.commit()

    def fetch(self, query: Compiled, **values: object) -> list[Any]:
        """The rows of one statement that reads. One statement sees one state of the database by
        itself, so no transaction is put around it; on PostgreSQL that saves two of three round
        trips. Raises `DBAPIError`."""
        connection = self._connected()
        try:
            return query.execute_on(DriverConnection(connection, self.engine.dialect), **values)
        finally:
            connection.close()

    def answers(self, *questions: Question[Any]) -> list[Any]:
        """The answers to questions that need nothing of each other, as `fetch` asks them; of
        PostgreSQL in one round trip. Each is of a moment of its own. Raises `DBAPIError`."""
        connection = self._connected()
        try:
            return ask_all(DriverConnection(connection, self.engine.dialect), questions)
        finally:
            connection.close()

    def _connected(self) -> PoolProxiedConnection:
        """A connection of the pool; that there is none is an error like any other."""
        errors = self.engine.dialect.loaded_dbapi.Error
        try:
            return self.engine.raw_connection()
        except errors as error:
            raise DBAPIError.instance(
                None, None, error, errors, hide_parameters=True, dialect=self.engine.dialect
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back by an exception. READ COMMITTED on
        PostgreSQL, BEGIN IMMEDIATE on SQLite. Pumps are woken after the commit."""
        with self._turn, Session(self._writing, expire_on_commit=False) as session:
            yield session
            session.commit()
            wanted = session.info.get("wake")
        if wanted and self._wake is not None:
            self._wake(frozenset(wanted))

    def run(self, work: Callable[[Session], T], *, idempotent: bool = False) -> T:
        """Do `work` in a transaction of its own, and repeat it if the first attempt cannot have had
        an effect: PostgreSQL ended one of two transactions that waited for each other, or the
        server was lost or not reachable before the commit. It is repeated for about as long as a
        restart of the server takes.

        If the connection is lost during the commit, it is unknown whether the commit happened. Then
        only `idempotent` work is repeated: work that does no harm when it is done twice, for
        example because it checks first whether it was done already."""
        is_done = False

        def once() -> T:
            nonlocal is_done
            is_done = False
            with self.transaction() as session:
                result = work(session)
                is_done = True
            return result

        return self._persist(once, lambda: idempotent or not is_done)

    def damage(self) -> str | None:
        """What SQLite finds wrong in its file, in its own words; None if all is well. PostgreSQL
        looks after its files by itself."""
        if not self.is_sqlite:
            return None
        try:
            with self.reading() as session:
                found = session.scalars(text("PRAGMA quick_check(1)")).first()
        except DatabaseError as error:
            return str(error.orig)
        return None if found == "ok" else found

    def try_writing(self) -> None:
        """Write, and change nothing: SQLite a number of its file that is not used, PostgreSQL the
        end of a transaction. Neither grows by it. Raises `DBAPIError` if no writes are taken now.
        Anybody may cause it by asking whether we are ready, so what went well is not tried again
        within a second."""
        if time.monotonic() - self._wrote_at < TRUSTED_WRITE_SECONDS:
            return
        with self.transaction() as session:
            session.execute(
                text("PRAGMA user_version = 0" if self.is_sqlite else "SELECT txid_current()")
            )
        self._wrote_at = time.monotonic()

    def free_bytes(self) -> int | None:
        """How much room is left on the disk of the SQLite file; None if that is not ours to see, as
        with PostgreSQL."""
        file = self.engine.url.database
        if not self.is_sqlite or not file or not Path(file).exists():
            return None
        return shutil.disk_usage(file).free

    def run_one(self, statement: Compiled, **values: object) -> list[Any]:
        """Execute one idempotent statement that writes, as a transaction by itself. It is repeated
        if PostgreSQL asks for that or the server was lost, also during the commit. Returns its
        rows, if it has any."""

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
        """The connection broke, or could not be made. In the second case no statement was sent
        yet."""
        if self.is_sqlite or not isinstance(error, OperationalError):
            return False
        return error.connection_invalidated or error.statement is None

    def wipe(self) -> bool:
        """Remove deleted bytes from the disk, as far as that is in our hands. On SQLite, deleted
        rows are overwritten in the file at once (`secure_delete`), and this empties the journal
        beside it, which may still have them. PostgreSQL removes them by itself in time. False if a
        reader kept the journal from being emptied; then the next call does it."""
        if not self.is_sqlite:
            return True
        with self._turn, self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - it is connected
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Close the connections of the pool. The object must not be used afterwards."""
        self.engine.dispose()


def _asks_for_another_try(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in TRY_AGAIN


def _look_after_idle(engine: Any) -> None:
    """A connection in the pool may lead to a server that is gone. A connection that was idle is
    tested with a statement before it is used again; to test it every time would cost each
    transaction a round trip. For a connection that was used a moment ago it is enough to look at
    its socket, which costs nothing: a server that stops closes its connections, and then there is
    something to read although nothing was asked."""
    dialect = engine.dialect

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: DBAPIConnection, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: DBAPIConnection, record: Any, _proxy: object) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None:  # it was opened just now
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
    """A single statement needs no transaction around it, so the driver begins none by itself."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: object) -> None:
        connection.autocommit = True

    @event.listens_for(engine, "reset")
    def _on_reset(connection: Any, _record: object, _state: object) -> None:
        """A connection goes back to the pool without a transaction. Nearly always it has none, and
        to see that is cheaper than to end it."""
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.rollback()

    _begin_in_words(engine)

    @event.listens_for(engine, "before_cursor_execute")
    def _on_statement(connection: Connection, *_: object) -> None:
        """A statement that SQLAlchemy carries out itself needs the BEGIN before it."""
        _driver_connection(connection).send_ahead()

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def _on_end(connection: Connection) -> None:
        if not connection.invalidated:
            _driver_connection(connection).drop_ahead()


def _driver_connection(connection: Connection) -> DriverConnection:
    return DriverConnection(connection.connection, connection.dialect)


def _begin_in_words(engine: Any) -> None:
    """Begin transactions with the text in the execution option `begin`; with none if it is empty,
    as VACUUM needs it."""

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("begin", BEGIN)
        if begin:
            _driver_connection(connection).begin(begin)


def _prepare_sqlite(engine: Any, synchronous: str) -> None:
    """The driver's own transaction handling is switched off. With it, a savepoint would survive the
    rollback of its transaction, and a reader that becomes a writer would fail at once with
    SQLITE_BUSY."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # An erased person must be gone from the file as well: freed bytes are overwritten by zeros.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    _begin_in_words(engine)
