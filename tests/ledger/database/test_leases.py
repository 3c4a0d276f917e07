"""A queue of leased work on PostgreSQL, where the same work is asked for at the same moment."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import literal, select, text

from ledger.database.engine import Database
from ledger.database.tables import Identifier
from ledger.settings import LedgerSettings
from wallet.google.mirror import WRITES, Due, DueRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
LEASE = timedelta(minutes=2)
LONG_S = 60


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(LedgerSettings(postgres_url))
    yield database
    database.close()


def make_due(database: Database, *keys: int) -> None:
    with database.transaction() as session:
        for key in keys:
            WRITES.make_due(session, select(literal(key, Identifier)), NOW)


def claim(database: Database, now: datetime = NOW) -> list[Due]:
    with database.transaction() as session:
        return sorted(WRITES.claim(session, now, 10, LEASE), key=lambda due: due.pass_id)


def while_asked_for(database: Database, key: int, work: Callable[[Any], Any]) -> Any:
    """What `work` answers that has to wait for a request of this key to be committed."""
    outcome: list[Any] = []

    def run() -> None:
        with database.transaction() as session:
            outcome.append(work(session))

    worker = threading.Thread(target=run)
    with database.transaction() as session:
        WRITES.make_due(session, select(literal(key, Identifier)), LATER)
        worker.start()
        _until_somebody_waits(database)
    worker.join(LONG_S)
    return outcome[0]


def _until_somebody_waits(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(LONG_S * 100):
        with database.reading() as session:
            if session.scalar(waiting):
                return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


def test_what_is_let_go_while_it_is_asked_for_is_due_at_once(database: Database) -> None:
    make_due(database, 7)
    claimed = claim(database)
    assert while_asked_for(database, 7, lambda session: WRITES.let_go(session, claimed)) == 1
    assert [due.pass_id for due in claim(database, LATER)] == [7]


@pytest.mark.parametrize("asked_before", [(), (2,)], ids=["once", "twice"])
def test_what_is_finished_while_it_is_asked_for_is_due_again(
    database: Database, asked_before: tuple[int, ...]
) -> None:
    make_due(database, 1, 2)
    claimed = claim(database)
    make_due(database, *asked_before)
    assert while_asked_for(database, 2, lambda session: WRITES.finish(session, claimed)) is True
    assert [due.pass_id for due in claim(database, LATER)] == [2]


def test_who_comes_back_too_late_changes_nothing_of_another(database: Database) -> None:
    make_due(database, 7)
    first = claim(database)
    second = claim(database, NOW + LEASE)
    with database.transaction() as session:
        assert WRITES.finish(session, first) is False
        assert WRITES.let_go(session, first) == 0
        WRITES.defer(session, first[0], LATER, "late", 9)
    with database.reading() as session:
        row = session.get_one(DueRow, 7)
        assert (row.lease_until, row.attempts) == (NOW + 2 * LEASE, 0)
    with database.transaction() as session:
        assert WRITES.finish(session, second) is False
        assert session.get(DueRow, 7) is None


def test_of_nothing_nothing_is_changed(database: Database) -> None:
    with database.transaction() as session:
        assert WRITES.finish(session, []) is False
        assert WRITES.let_go(session, []) == 0
