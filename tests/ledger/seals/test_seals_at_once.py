"""Seals while others write: where writers do not wait for each other, on PostgreSQL."""

import threading
import time
from contextlib import ExitStack

import pytest
from sealing import Sealer
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.seals import sealing


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def sealer(database, clock) -> Sealer:
    return Sealer(database, clock)


def grant_in(session: Session, club, member, points: int) -> str:
    """In a transaction that the caller ends."""
    again = session.get_one(Member, member.id)
    return accruals.grant(session, again, Grant(points), club.clock()).posting_id


def test_an_early_id_that_is_committed_late_is_not_missed(
    database, club, anna, boris, sealer
) -> None:
    club.grant(boris, 1)
    for _ in range(3):
        sealer.run()
    mark = sealer.sealing().mark
    with database.transaction() as late:
        posting = grant_in(late, club, anna, 7)
        others = [club.grant(boris, 1) for _ in range(5)]
        for _ in range(4):  # however often it looks
            sealer.run(limit=2)
        assert set(sealer.numbers()) >= set(others)
        assert sealer.sealing().mark == mark
        others.append(club.grant(boris, 1))
        sealer.run()
        assert posting not in sealer.numbers()
    for _ in range(3):
        sealer.run(limit=2)
    assert set(sealer.numbers()) >= {posting, *others}
    assert sealer.numbers()[posting] == len(sealer.seals())
    assert sealer.sealing().mark == sealer.sealing().seen > mark
    assert sealer.fault() is None


def test_the_transaction_of_a_late_one_may_be_younger_than_all_that_ended(
    database, club, anna, boris, sealer
) -> None:
    """The end of a snapshot, which counts from what has ended, does not know of it."""
    club.grant(boris, 1)
    for _ in range(3):
        sealer.run()
    with ExitStack() as late_end:
        with database.transaction() as older:
            older.execute(text("SELECT pg_current_xact_id()"))
            late = late_end.enter_context(database.transaction())
            posting = grant_in(late, club, anna, 7)
            other = grant_in(older, club, boris, 1)
        for _ in range(4):
            sealer.run()
        assert other in sealer.numbers()
    for _ in range(3):
        sealer.run()
    assert posting in sealer.numbers()
    assert sealer.fault() is None


def test_whoever_waits_for_a_turn_has_no_transaction_id_yet(database, sealer, club, anna) -> None:
    """What the mark rests on: the id of a turn is younger than everything the turn before saw."""
    club.grant(anna, 1)
    with database.transaction() as session:
        sealing.turn(session, sealer.keys, sealer.clock())
        second = threading.Thread(target=sealer.turn)
        second.start()
        waiting = "SELECT backend_xid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        deadline = time.monotonic() + 10
        with database.reading() as onlooker:
            while not (found := onlooker.execute(text(waiting)).all()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
                onlooker.rollback()
        assert [row[0] for row in found] == [None]
    second.join(10)
    assert len(sealer.seals()) == 1


def test_a_database_restored_into_another_cluster_goes_on(database, club, anna, sealer) -> None:
    club.grant(anna, 1)
    sealer.run()
    with database.transaction() as session:  # as from a cluster that had counted much further
        session.execute(text("UPDATE ledger_sealing SET horizon_xid = 1000000000000"))
    club.grant(anna, 2)
    for _ in range(4):
        sealer.run()
    assert sealer.unsealed() == 0
    assert sealer.sealing().mark == sealer.sealing().seen


def test_words_taken_off_while_a_turn_is_on_leave_no_salt(database, club, anna, sealer) -> None:
    posting = club.grant(anna, 10, reason="Анна Каренина")
    with database.transaction() as turn:
        sealing.turn(turn, sealer.keys, sealer.clock())
        eraser = threading.Thread(target=take_off, args=(database, posting))
        eraser.start()
        time.sleep(0.3)
    eraser.join(10)
    assert sealer.seals()[0].note_salt is None
    assert sealer.fault() is None


def take_off(database: Database, posting: str) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE ledger_posting SET reason = NULL WHERE public_id = :id"), {"id": posting}
        )
