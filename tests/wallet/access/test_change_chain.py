"""The chain of the record of changes, on both databases: whatever is done to a line is found."""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from clocks import StoppedClock
from sealing import KEYS
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.programmes import programmes, units
from ledger.seals import inspection
from wallet.access import change_chain, changes
from wallet.access.change_chain import ChangeChain, ChangeWalk
from wallet.access.changes import Author, ChangedThing, PersonalChange, RecordedChange
from wallet.configuration.keyring import KeyRing
from wallet.migrations import append_only

LINES = 30
TAMPERINGS = 200
KEY = Author("key", "crm")
SHOP = ChangedThing("programme", "demo", 1)
UNIT = ChangedThing("unit", "points", 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def anna(database: Database, clock: StoppedClock) -> int:
    """A member of whom the record tells something."""
    with database.transaction() as session:
        member = Member(
            public_id="01a20f22-e854-7493-982b-a92daf507b36",
            programme_id=programmes.by_code(session, "demo").id,
            created_at=clock(),
        )
        session.add(member)
        session.flush()
        return member.id


@pytest.fixture
def record(database: Database, clock: StoppedClock, anna: int) -> Iterator[None]:
    """Lines of every shape, chained."""
    for number in range(LINES):
        clock.advance(seconds=1)
        with database.transaction() as session:
            if number % 3 == 0:
                of = ChangedThing("member", "anna", 1, anna)
                name = {"name": f"Анна {number}"}
                changes.note(session, KEY, "member.changed", of, clock(), {"name": None}, name)
            else:
                before, after = {"grace_days": number}, {"grace_days": number + 1, "name": "Кот"}
                changes.note(session, KEY, "programme.changed", SHOP, clock(), before, after)
    chain(database)
    yield


def chain(database: Database, limit: int = 7) -> None:
    while database.run(lambda session: change_chain.turn(session, KEYS, limit)):
        pass


def fault(database: Database) -> str | None:
    walk = ChangeWalk(KEYS)
    inspection.go(database, walk)
    return walk.fault


def test_what_was_noted_is_whole(database: Database, record: None) -> None:
    walk = ChangeWalk(KEYS)
    inspection.go(database, walk)
    assert (walk.fault, walk.lines) == (None, LINES)
    assert not database.run(lambda session: change_chain.turn(session, KEYS))


def test_an_empty_record_is_whole(database: Database) -> None:
    assert fault(database) is None


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE wallet_change SET author_name = 'nobody' WHERE number = 3",
        "UPDATE wallet_change SET number = 99 WHERE number = 3",
        "UPDATE wallet_change SET number = NULL, hash = NULL WHERE number = 3",
        "DELETE FROM wallet_change_personal",
        "DELETE FROM wallet_change WHERE number = 3",
        "UPDATE wallet_change_personal SET member_id = 7",
    ],
)
def test_the_database_refuses_to_change_it(database: Database, record: None, deed: str) -> None:
    with (
        pytest.raises(DBAPIError, match="append-only"),
        database.transaction() as session,
    ):
        session.execute(text(deed))
    assert fault(database) is None


class TestTampering:
    """Whoever can write in the database takes the guards down first."""

    @pytest.fixture
    def free(self, database: Database, record: None) -> None:
        with database.transaction() as session:
            append_only.lift_changes(session.connection())

    def test_any_line_that_was_changed_removed_or_moved_is_named(
        self, database: Database, free: None
    ) -> None:
        dice = random.Random(22)  # noqa: S311 - the same dice each time
        found = 0
        for _ in range(TAMPERINGS):
            number = dice.randint(1, LINES)
            deed = dice.choice((self.change, self.remove, self.swap, self.cut))
            walk = ChangeWalk(KEYS)
            with database.transaction() as session:
                named = deed(session, dice, number)
                session.flush()
                session.expire_all()
                while walk.step(session):
                    pass
                session.rollback()
            assert walk.fault is not None, (deed.__name__, number)
            assert f"number {named}" in walk.fault, (deed.__name__, number, walk.fault)
            found += 1
        assert found == TAMPERINGS
        assert fault(database) is None  # all of it was rolled back

    def change(self, session, dice: random.Random, number: int) -> int:
        """One column of a line gets another value."""
        column, value = dice.choice(
            (
                (RecordedChange.at, RecordedChange.at + timedelta(microseconds=1)),
                (RecordedChange.author_kind, "source"),
                (RecordedChange.author_name, "nobody"),
                (RecordedChange.programme_id, None),
                (RecordedChange.code, "member.erased"),
                (RecordedChange.of_kind, "key"),
                (RecordedChange.of_id, "boris"),
                (RecordedChange.member_id, RecordedChange.id + 1000),
                (RecordedChange.fields, {"grace_days": [0, 0]}),
                (RecordedChange.personal_hash, b"\1" * 32),
                (RecordedChange.hash, b"\1" * 32),
            )
        )
        if column is RecordedChange.at:
            line = session.scalars(
                select(RecordedChange).where(RecordedChange.number == number)
            ).one()
            value = line.at + timedelta(microseconds=1)
        self.do(
            session,
            update(RecordedChange).where(RecordedChange.number == number).values({column: value}),
        )
        return number

    def remove(self, session, dice: random.Random, number: int) -> int:
        session.execute(
            text(
                "DELETE FROM wallet_change_personal WHERE change_id ="
                " (SELECT id FROM wallet_change WHERE number = :number)"
            ),
            {"number": number},
        )
        session.execute(
            text("DELETE FROM wallet_change WHERE number = :number"), {"number": number}
        )
        return number

    def swap(self, session, dice: random.Random, number: int) -> int:
        """Two lines change places, and each takes the hash that stood there."""
        other = dice.choice([one for one in range(1, LINES + 1) if one != number])
        hashes = dict(session.execute(select(RecordedChange.number, RecordedChange.hash)).all())
        for at, to in ((number, -1), (other, number), (-1, other)):
            values = {"number": to, "hash": hashes.get(to, b"")}
            self.do(
                session, update(RecordedChange).where(RecordedChange.number == at).values(values)
            )
        return min(number, other)

    def cut(self, session, dice: random.Random, number: int) -> int:
        """The end is cut off, and the head is set back, which nobody can sign."""
        last = number - 1
        behind = "(SELECT id FROM wallet_change WHERE number > :last)"
        session.execute(
            text(f"DELETE FROM wallet_change_personal WHERE change_id IN {behind}"),  # noqa: S608
            {"last": last},
        )
        session.execute(text("DELETE FROM wallet_change WHERE number > :last"), {"last": last})
        head = session.scalar(select(RecordedChange.hash).where(RecordedChange.number == last))
        self.do(session, update(ChangeChain).values(number=last, head=head or bytes(32)))
        return last

    def do(self, session, statement) -> None:
        session.execute(statement.execution_options(synchronize_session=False))

    def test_a_chain_made_anew_lacks_the_signature(self, database: Database, free: None) -> None:
        with database.transaction() as session:
            self.do(
                session, update(RecordedChange).where(RecordedChange.number == 2).values(code="x")
            )
            head = bytes(32)
            for line in session.scalars(select(RecordedChange).order_by(RecordedChange.number)):
                line.hash = head = change_chain.linked(head, line)
            session.get_one(ChangeChain, 1).head = head
        assert "does not bear the signature" in (fault(database) or "")

    def test_a_personal_part_goes_with_an_erased_person_alone(
        self, database: Database, free: None, anna: int, clock: StoppedClock
    ) -> None:
        with database.transaction() as session:
            session.execute(text("DELETE FROM wallet_change_personal"))
        assert "lost its personal part" in (fault(database) or "")
        with database.transaction() as session:
            session.execute(update(Member).values(erased_at=clock()))
        assert fault(database) is None

    def test_another_personal_part_is_found(self, database: Database, free: None) -> None:
        with database.transaction() as session:
            self.do(session, update(PersonalChange).values(fields={"name": [None, "Boris"]}))
        assert "another personal part" in (fault(database) or "")


class TestNights:
    """Each night what is new is walked, and all of it once a week."""

    def night(self, database: Database, clock: StoppedClock) -> ChangeWalk:
        clock.advance(days=1)
        with database.reading() as session:
            since = change_chain.begin_after(session, clock())
        walk = ChangeWalk(KEYS, since)
        inspection.go(database, walk)
        database.run(lambda session: change_chain.remember(session, walk, clock()))
        return walk

    def add(self, database: Database, clock: StoppedClock) -> None:
        with database.transaction() as session:
            changes.note(session, KEY, "programme.changed", SHOP, clock(), {}, {"name": "Tea"})
        chain(database)

    def test_only_what_came_since_is_walked_and_all_of_it_once_a_week(
        self, database: Database, record: None, clock: StoppedClock
    ) -> None:
        walked = []
        for _ in range(8):
            walked.append(self.night(database, clock).lines)
            self.add(database, clock)
        assert walked == [LINES, 1, 1, 1, 1, 1, 1, LINES + 7]
        with database.reading() as session:
            state = change_chain.state(session)
        assert (state.checked, state.fault) == (LINES + 7, None)
        assert state.checked_at == state.walked_at == clock()

    def test_a_fault_is_found_each_night_until_it_is_mended(
        self, database: Database, record: None, clock: StoppedClock
    ) -> None:
        self.night(database, clock)
        with database.transaction() as session:
            append_only.lift_changes(session.connection())
            session.execute(text("UPDATE wallet_change SET author_name = 'x' WHERE number = 3"))
        faults = [self.night(database, clock).fault for _ in range(9)]
        assert [fault is not None for fault in faults] == [False] * 6 + [True] * 3
        with database.reading() as session:
            state = change_chain.state(session)
        assert "number 3" in state.fault and state.walked_at is None
        with database.transaction() as session:
            session.execute(text("UPDATE wallet_change SET author_name = 'crm' WHERE number = 3"))
        assert self.night(database, clock).fault is None

    def test_a_hash_that_was_changed_where_a_walk_begins_is_found(
        self, database: Database, record: None, clock: StoppedClock
    ) -> None:
        self.night(database, clock)
        self.add(database, clock)
        with database.transaction() as session:
            append_only.lift_changes(session.connection())
            session.execute(
                update(RecordedChange)
                .where(RecordedChange.number == LINES)
                .values(hash=b"\1" * 32)
                .execution_options(synchronize_session=False)
            )
        assert f"number {LINES + 1}" in (self.night(database, clock).fault or "")

    def test_a_mark_behind_the_end_is_no_excuse(
        self, database: Database, record: None, clock: StoppedClock
    ) -> None:
        self.night(database, clock)
        with database.transaction() as session:
            session.execute(text("UPDATE wallet_change_chain SET checked = 999"))
        assert "number 999 was removed" in (self.night(database, clock).fault or "")

    def test_an_empty_record_is_nothing_to_remember(
        self, database: Database, clock: StoppedClock
    ) -> None:
        assert self.night(database, clock).fault is None


def test_erasing_leaves_the_chain_whole(
    database: Database, record: None, anna: int, clock: StoppedClock
) -> None:
    with database.transaction() as session:
        session.execute(update(Member).values(erased_at=clock()))
        changes.forget(session, [anna])
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(PersonalChange)) == 0
    assert fault(database) is None


def test_another_key_ring_does_not_know_the_head(database: Database, record: None) -> None:
    walk = ChangeWalk(KeyRing(("another-secret-for-the-roots",)).roots)
    inspection.go(database, walk)
    assert "does not bear the signature" in (walk.fault or "")


def test_many_writers_and_two_chainers_at_once(
    database: Database, anna: int, clock: StoppedClock
) -> None:
    """Every line gets one number, and none is left out, in whatever order they were committed."""
    writers, each = 4, 15
    done = threading.Event()

    def write(name: str) -> None:
        for number in range(each):
            with database.transaction() as session:
                of = ChangedThing("member", name, 1, anna)
                changes.note(session, KEY, "member.changed", of, clock(), {}, {"name": str(number)})

    def turn() -> None:
        while not done.is_set():
            database.run(lambda session: change_chain.turn(session, KEYS, 3))

    chainers = [threading.Thread(target=turn) for _ in range(2)]
    threads = [threading.Thread(target=write, args=(str(name),)) for name in range(writers)]
    for thread in (*chainers, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in chainers:
        thread.join()
    chain(database)
    walk = ChangeWalk(KEYS)
    inspection.go(database, walk)
    assert (walk.fault, walk.lines) == (None, writers * each)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_line_that_is_committed_late_gets_a_later_number(
    database: Database, clock: StoppedClock
) -> None:
    with database.transaction() as slow:
        changes.note(slow, KEY, "programme.changed", SHOP, clock(), {}, {"name": "first"})
        with database.transaction() as quick:
            changes.note(quick, KEY, "programme.changed", SHOP, clock(), {}, {"name": "second"})
        chain(database)  # waits for nobody
    chain(database)
    with database.reading() as session:
        found = session.execute(
            select(RecordedChange.number, RecordedChange.id).order_by(RecordedChange.number)
        ).all()
    assert [row.id for row in found] == sorted((row.id for row in found), reverse=True)
    assert fault(database) is None


def test_what_was_before_is_what_the_change_before_left(
    database: Database, clock: StoppedClock
) -> None:
    """Of changes at the same moment each begins where another ended: none is told from what
    somebody else has changed meanwhile."""
    writers, each = 4, 8

    def write(writer: int) -> None:
        for number in range(each):
            with database.transaction() as session:
                before = changes.held(session, units.named(session, 1, "points"))
                lives = 100 + writer * each + number
                changed = units.change_terms(session, 1, "points", lives)
                after = changes.facts(changed)
                changes.note(session, KEY, "unit.changed", UNIT, clock(), before, after)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        steps = dict(one["live_days"] for one in session.scalars(select(RecordedChange.fields)))
    assert len(steps) == writers * each  # no two changes began from the same
    at: int | None = next(iter(steps.keys() - steps.values()))
    for _ in range(writers * each):
        at = steps[at]
    assert at not in steps
