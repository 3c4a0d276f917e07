"""Questions without a transaction; a database server that goes away and comes back, at the worst of
moments."""

import threading
from collections.abc import Callable, Iterator

import pytest
import servers
from servers import Postgres
from sqlalchemy import Boolean, Integer, column, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.settings import LedgerSettings


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One of our own: others would miss theirs."""
    with servers.postgres() as server:
        server.execute("CREATE DATABASE kopilka")
        yield server


@pytest.fixture
def database(server: Postgres) -> Iterator[Database]:
    database = Database(LedgerSettings(server.url("kopilka")))
    with database.transaction() as session:
        session.execute(text("DROP TABLE IF EXISTS coin"))
        session.execute(text("CREATE TABLE coin (id serial)"))
    yield database
    database.close()


@pytest.fixture
def commit_unanswered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next commit is done, and the connection breaks before anybody is told."""
    commit = database.engine.dialect.do_commit

    def do_commit(connection) -> None:
        monkeypatch.undo()
        commit(connection)
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(database.engine.dialect, "do_commit", do_commit)


def coins(database: Database) -> int:
    with database.reading() as session:
        return session.execute(text("SELECT count(*) FROM coin")).scalar_one()


class Work:
    """Puts one coin in, and counts how often it was asked to. `then` happens the first time."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.times = 0
        self._then = then

    def __call__(self, session: Session) -> int:
        self.times += 1
        session.execute(text("INSERT INTO coin DEFAULT VALUES"))
        if self.times == 1:
            self._then()
        return session.execute(text("SELECT 1")).scalar_one()


def test_the_first_to_read_after_a_restart_notices_nothing(server, database) -> None:
    assert coins(database) == 0
    server.restart()
    assert coins(database) == 0


def test_nor_does_the_first_to_write(server, database) -> None:
    server.restart()
    work = Work()
    assert database.run(work) == 1
    assert (work.times, coins(database)) == (1, 1)


def test_work_that_was_cut_off_is_begun_anew(server, database) -> None:
    work = Work(server.restart)
    assert database.run(work) == 1
    assert (work.times, coins(database)) == (2, 1)


def test_a_server_that_is_slow_to_come_back_is_waited_for(server, database) -> None:
    server.stop()
    back = threading.Timer(0.2, server.start)
    back.start()
    work = Work()
    assert database.run(work) == 1
    back.join()
    assert coins(database) == 1


def test_one_that_stays_away_is_not_waited_for_without_end(server, database) -> None:
    waited: list[float] = []
    server.stop()
    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(DBAPIError):
            patch.setattr("ledger.database.engine.time.sleep", waited.append)
            database.run(Work())
    finally:
        server.start()
    assert 1 < sum(waited) < 4


def test_a_commit_that_nobody_answered_is_not_asked_for_again(database, commit_unanswered) -> None:
    work = Work()
    with pytest.raises(DBAPIError):
        database.run(work)
    assert (work.times, coins(database)) == (1, 1)


def test_but_by_work_that_knows_whether_it_was_done(database, commit_unanswered) -> None:
    times = 0

    def work(session: Session) -> int:
        nonlocal times
        times += 1
        session.execute(
            text("INSERT INTO coin SELECT 1 WHERE NOT EXISTS (SELECT FROM coin WHERE id = 1)")
        )
        return times

    assert database.run(work, idempotent=True) == 2
    assert coins(database) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_question_leaves_no_trace_on_the_connection(kind, request, tmp_path) -> None:
    """It goes back to others, whose work must not be committed piece by piece."""
    if kind == "postgresql":
        database = request.getfixturevalue("database")
    else:
        database = Database(LedgerSettings(f"sqlite:///{tmp_path / 'coins.db'}"))
        with database.transaction() as session:
            session.execute(text("CREATE TABLE coin (id integer PRIMARY KEY)"))
    above = text("SELECT count(*) AS number FROM coin WHERE id > :above")
    question = Compiled(above.columns(column("number", Integer)))
    assert database.fetch(question, above=0)[0][0] == 0
    database.run(put)
    assert database.fetch(question, above=0)[0][0] == 1
    for _ in range(database.engine.pool.checkedin()):  # whichever of them was asked through
        with pytest.raises(ZeroDivisionError), database.transaction() as session:
            put(session)
            raise ZeroDivisionError
    assert database.fetch(question, above=0)[0][0] == 1
    database.close()


def test_a_question_that_loses_its_connection_says_so_and_the_next_one_has_another(
    database,
) -> None:
    end = text("SELECT pg_terminate_backend(pg_backend_pid()) AS ended")
    with pytest.raises(DBAPIError) as lost:
        database.fetch(Compiled(end.columns(column("ended", Boolean))))
    assert lost.value.connection_invalidated
    assert database.fetch(Compiled(text("SELECT 1 AS one").columns(column("one", Integer)))) == [
        (1,)
    ]


def test_who_reads_cannot_change_anything(database) -> None:
    with pytest.raises(DBAPIError, match="read-only"), database.reading() as session:
        put(session)
    assert coins(database) == 0


def put(session: Session) -> None:
    session.execute(text("INSERT INTO coin DEFAULT VALUES"))
