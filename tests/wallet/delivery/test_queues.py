"""Queues that PostgreSQL counted while they were empty. Nothing is timed: what a batch costs is how
many rows are read, and pages of table and indexes looked at, for each of its own."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.database import outbox
from ledger.database.engine import Database
from ledger.database.index_only import by_index
from ledger.settings import LedgerSettings
from wallet.apple import devices
from wallet.google import mirror

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)

ROWS = 100_000
# Who looks a row up reads three pages of an index and one of the table, a few times over: 10 to 25,
# and 45 where whatever runs beside holds up the clearing away of dead rows. Who goes through the
# whole queue for each batch, or for each row, reads hundreds.
MOST = 100

# Whoever looked at pages says so at the end of the transaction, and not when it suits.
TELL = text("SELECT pg_stat_force_next_flush()")

FILL = {
    "apple_push": "INSERT INTO apple_push"
    " (device_id, pass_id, due_at, lease_until, generation, attempts)"
    " SELECT n, n, :now, 'epoch', 1, 0 FROM generate_series(1, :rows) n",
    "google_due": "INSERT INTO google_due (pass_id, due_at, lease_until, generation, attempts)"
    " SELECT n, :now, 'epoch', 1, 0 FROM generate_series(1, :rows) n",
    "ledger_outbox": "INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)"
    """ SELECT 'CardOutdated', '{"member_id": 1}', :now, :now, 0 FROM generate_series(1, :rows)""",
}


def _pushes(session: Session) -> int:
    pushes = sorted(devices.claim(session, (), NOW, 80, LEASE))
    with by_index(session):
        devices.PUSHES.finish(session, pushes)
    return len(pushes)


def _pushes_beside_paused_ones(session: Session) -> int:
    pushes = devices.claim(session, ["pass.of.nobody"], NOW, 80, LEASE)
    return len(pushes)


def _writes(session: Session) -> int:
    writes = mirror.WRITES.claim(session, NOW, 20, LEASE)
    mirror.WRITES.finish(session, writes)
    return len(writes)


def _news(session: Session) -> int:
    waiting = outbox.claim(session, NOW, 100)
    outbox.forget(session, [one.id for one in waiting])
    return len(waiting)


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(LedgerSettings(postgres_url))
    yield database
    database.close()


def _outside(database: Database, *statements: str) -> None:
    with database.engine.connect().execution_options(begin="") as connection:
        for statement in statements:
            connection.execute(text(statement))


def _fill(database: Database, table: str) -> None:
    with database.transaction() as session:
        if table == "apple_push":
            session.execute(
                text(
                    "INSERT INTO apple_device"
                    " (id, library_id, pass_type, push_token, refreshed_at)"
                    " SELECT n, n::text::bytea, 'pass.a', n::text::bytea, :now"
                    " FROM generate_series(1, :rows) n"
                    " ON CONFLICT DO NOTHING"
                ),
                {"now": NOW, "rows": ROWS},
            )
        session.execute(text(FILL[table]), {"now": NOW, "rows": ROWS})
        session.execute(TELL)


def _read(database: Database, table: str) -> int:
    """Rows and pages, until now."""
    with database.reading() as session:
        return int(
            session.scalar(
                text(
                    "SELECT seq_tup_read + idx_tup_fetch + heap_blks_read + heap_blks_hit"
                    " + idx_blks_read + idx_blks_hit"
                    " FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relid)"
                    " WHERE pg_stat_user_tables.relname = :table"
                ),
                {"table": table},
            )
            or 0
        )


@pytest.mark.parametrize("keeps_plans", [True, False], ids=["old plans", "new plans"])
@pytest.mark.parametrize(
    ("table", "work"),
    [
        ("apple_push", _pushes),
        ("apple_push", _pushes_beside_paused_ones),
        ("google_due", _writes),
        ("ledger_outbox", _news),
    ],
)
def test_a_queue_that_was_counted_while_it_was_empty_costs_no_more_for_it(
    database: Database, table: str, work: Callable[[Session], int], *, keeps_plans: bool
) -> None:
    # Rows of a moment ago that are dead and not cleared away: pages, and no row on any of them.
    _fill(database, table)
    _outside(database, f"DELETE FROM {table}", f"ANALYZE {table}")  # noqa: S608 - ours, see above
    if keeps_plans:
        for _ in range(12):
            with database.transaction() as session:
                assert work(session) == 0
    else:
        database.engine.dispose()
    _fill(database, table)
    before = _read(database, table)
    done = 0
    for _ in range(12):
        with database.transaction() as session:
            done += work(session)
            session.execute(TELL)
    assert done >= 12 * 20
    assert (_read(database, table) - before) / done < MOST


def test_what_comes_after_is_planned_as_usual(database: Database) -> None:
    with database.transaction() as session:
        settings = text(
            "SELECT name || '=' || setting FROM pg_settings WHERE name ~ '^(enable|jit)'"
        )
        before = set(session.scalars(settings))
        with by_index(session):
            assert "enable_seqscan=off" in set(session.scalars(settings))
        assert set(session.scalars(settings)) == before


def test_rows_that_another_holds_are_passed_over(database: Database) -> None:
    """By claims of each queue, without waiting."""
    for table in FILL:
        _fill(database, table)
    with database.transaction() as session:
        first = [work(session) for work in (_pushes_beside_paused_ones, _writes, _news)]
        others: list[int] = []

        def work_as_well() -> None:
            with database.transaction() as other:
                others.extend(work(other) for work in (_pushes_beside_paused_ones, _writes, _news))

        hand = threading.Thread(target=work_as_well)
        hand.start()
        hand.join(30)
        assert not hand.is_alive()
    assert first == others == [100, 20, 100]
