"""Whatever is changed behind the book's back is named. Changed here with a raw connection, and with
every guard of the database taken down first."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clocks import StoppedClock
from clubs import Club
from sealing import KEYS, Sealer
from servers import Postgres
from sqlalchemy import select, text

from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.seals import inspection, verification
from ledger.seals.verification import Walk
from ledger.settings import LedgerSettings
from wallet.configuration.keyring import KeyRing
from wallet.migrations import append_only

Tamper = Callable[..., None]


# The sealed club is made once, and each test breaks a copy of it.


def _seal(url: str) -> None:
    """Two closed days of four postings each and an open one of two; numbers 1 to 10."""
    database, clock = Database(LedgerSettings(url)), StoppedClock()
    club, sealer = Club(database, clock), Sealer(database, clock)
    club.open()
    anna, boris = club.join("Анна"), club.join("Борис")
    for day in range(3):
        posting = club.grant(anna, 100, reason=f"cake {day}", receipt=f"{day}")
        club.redeem(anna, 30, reason="tea")
        if day < 2:
            club.transfer(anna, boris, 20)
            club.reverse(posting, 10)
            sealer.close_the_day()
    for _ in range(3):
        sealer.run()
    database.close()


@pytest.fixture(scope="module")
def sqlite_template(empty_sqlite: Path) -> Path:
    path = shutil.copy(empty_sqlite, empty_sqlite.with_name("sealed.db"))
    _seal(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def postgres_template(postgres: Postgres) -> Iterator[str]:
    name = f"template_{uuid.uuid4().hex}"  # the server may outlive the module, see tests/mutants
    postgres.copy("template_empty", name)
    _seal(postgres.url(name))
    yield name
    postgres.execute(f"DROP DATABASE {name}")


@pytest.fixture
def database(database_url: str):
    """Without the check of the books at the end: they are broken on purpose."""
    database = Database(LedgerSettings(database_url))
    yield database
    database.close()


@pytest.fixture
def clock(clock: StoppedClock) -> StoppedClock:
    clock.advance(days=2)
    return clock


@pytest.fixture
def club(database: Database, clock: StoppedClock) -> Club:
    return Club(database, clock)


@pytest.fixture
def anna(database: Database) -> Member:
    with database.reading() as session:
        return session.scalars(select(Member).order_by(Member.id)).first()


@pytest.fixture
def sealer(database: Database, clock: StoppedClock) -> Sealer:
    sealer = Sealer(database, clock)
    assert len(sealer.seals()) == 10
    assert len(sealer.roots()) == 2
    assert sealer.fault() is None
    return sealer


@pytest.fixture
def tamper(database) -> Tamper:
    def tamper(*deeds: str, **values: object) -> None:
        with database.transaction() as session:
            connection = session.connection()
            append_only.lift_seals(connection)
            append_only.lift(connection)
            for deed in deeds:
                session.execute(text(deed), values)

    return tamper


def at(sealer: Sealer, number: int) -> tuple[int, str]:
    seal = sealer.seals()[number - 1]
    assert seal.number == number
    return seal.posting_id, seal.public_id


CHANGES = {
    "amount": (
        "UPDATE ledger_entry SET amount = amount + 1 WHERE posting_id = :id AND line = 0",
        "an entry was changed",
    ),
    "both amounts": (
        "UPDATE ledger_entry SET amount = amount * 2 WHERE posting_id = :id",
        "was changed",
    ),
    "balance after": (
        "UPDATE ledger_entry SET balance_after = balance_after + 1 WHERE posting_id = :id",
        "was changed",
    ),
    "account": (
        "UPDATE ledger_entry SET account_id = account_id + 1 WHERE posting_id = :id AND line = 0",
        "was changed",
    ),
    "deleted entry": (
        "DELETE FROM ledger_entry WHERE posting_id = :id AND line = 1",
        "an entry was changed",
    ),
    "all entries deleted": ("DELETE FROM ledger_entry WHERE posting_id = :id", "was changed"),
    "extra entry": (
        "INSERT INTO ledger_entry (posting_id, line, account_id, amount) VALUES (:id, 9, 1, 5)",
        "an entry was changed",
    ),
    "date": (
        "UPDATE ledger_posting SET occurred_at = (SELECT created_at FROM ledger_programme)"
        " WHERE id = :id",
        "was changed",
    ),
    "receipt": ("UPDATE ledger_posting SET receipt = 'other' WHERE id = :id", "was changed"),
    "kind": ("UPDATE ledger_posting SET kind = 'opening' WHERE id = :id", "was changed"),
    "other words": (
        "UPDATE ledger_posting SET reason = 'bread' WHERE id = :id",
        "other words than it was sealed with",
    ),
    "words gone": (
        "UPDATE ledger_posting SET reason = NULL WHERE id = :id",
        "not as words are taken off",
    ),
    "words without a salt": (
        "UPDATE ledger_seal SET note_salt = NULL WHERE posting_id = :id",
        "words that it was not sealed with",
    ),
    "hash of the words": (
        "UPDATE ledger_seal SET note_hash = leaf WHERE posting_id = :id",
        "has a changed seal",
    ),
    "leaf": ("UPDATE ledger_seal SET leaf = chain WHERE posting_id = :id", "has a changed seal"),
    "name in the seal": (
        "UPDATE ledger_seal SET public_id = 'x' WHERE posting_id = :id",
        "has a changed seal",
    ),
    "chain": (
        "UPDATE ledger_seal SET chain = leaf WHERE posting_id = :id",
        "does not follow number",
    ),
}


@pytest.mark.parametrize(
    ("change", "number"), [*((change, 6) for change in CHANGES), ("amount", 1), ("amount", 10)]
)
def test_a_change_is_named(sealer, tamper, change: str, number: int) -> None:
    posting_id, public_id = at(sealer, number)
    deed, words = CHANGES[change]
    tamper(deed, id=posting_id)
    fault = sealer.fault()
    assert fault is not None
    assert (fault.programme, fault.number) == ("club", number)
    assert words in fault.sentence
    if change != "name in the seal":
        assert fault.posting == public_id
        assert f"Posting {public_id}, number {number}," in fault.sentence


def test_a_deleted_posting_is_named(sealer, tamper) -> None:
    posting_id, public_id = at(sealer, 6)
    tamper(
        "DELETE FROM ledger_entry WHERE posting_id = :id",
        "DELETE FROM ledger_posting WHERE id = :id",
        id=posting_id,
    )
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (6, public_id)
    assert "was removed" in fault.sentence


@pytest.mark.parametrize("number", [6, 10])
def test_a_deleted_seal_is_named_and_its_posting_too(sealer, tamper, number: int) -> None:
    posting_id, public_id = at(sealer, number)
    tamper("DELETE FROM ledger_seal WHERE posting_id = :id", id=posting_id)
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (number, public_id)
    assert "without a seal" in fault.sentence


def test_of_many_without_a_seal_the_first_of_this_chain_is_named(sealer, tamper) -> None:
    (one, name), (other, _) = at(sealer, 6), at(sealer, 7)
    tamper(
        "INSERT INTO ledger_posting (id, public_id, programme_id, kind, occurred_at, posted_at)"
        " SELECT 0, 'of another', programme_id + 1, kind, occurred_at, posted_at"
        " FROM ledger_posting WHERE id = 1",
        "DELETE FROM ledger_seal WHERE posting_id IN (:one, :other)",
        one=one,
        other=other,
    )
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (6, name)


def test_a_posting_deleted_with_its_seal_leaves_a_gap(sealer, tamper, club, anna) -> None:
    posting_id, _ = at(sealer, 9)
    tamper(
        "DELETE FROM ledger_seal WHERE posting_id = :id",
        "DELETE FROM ledger_entry WHERE posting_id = :id",
        "DELETE FROM ledger_posting WHERE id = :id",
        id=posting_id,
    )
    club.grant(anna, 1)  # has no seal yet, and nothing to do with it
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (9, None)
    assert fault.sentence == "Number 9 was removed from the chain."


def test_two_swapped_numbers_are_named(sealer, tamper) -> None:
    (one, name), (other, _) = at(sealer, 3), at(sealer, 2)
    tamper(
        "UPDATE ledger_seal SET number = 77 WHERE posting_id = :one",
        "UPDATE ledger_seal SET number = 3 WHERE posting_id = :other",
        "UPDATE ledger_seal SET number = 2 WHERE posting_id = :one",
        one=one,
        other=other,
    )
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (2, name)
    assert "the order was changed" in fault.sentence


@pytest.mark.parametrize("posting_id", [0, -5])
def test_a_posting_added_behind_the_chains_back_is_named(sealer, tamper, posting_id: int) -> None:
    tamper(
        "INSERT INTO ledger_posting (id, public_id, programme_id, kind, occurred_at, posted_at)"
        " SELECT :id, 'by hand', programme_id, kind, occurred_at, posted_at FROM ledger_posting"
        " WHERE id = 1",
        id=posting_id,
    )
    for _ in range(3):
        sealer.run()
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (None, "by hand")
    assert "behind the chain's back" in fault.sentence


def test_a_posting_in_the_place_of_another_is_named(sealer, tamper) -> None:
    posting_id, public_id = at(sealer, 4)
    tamper(
        "DELETE FROM ledger_entry WHERE posting_id = :id",
        "DELETE FROM ledger_posting WHERE id = :id",
        "INSERT INTO ledger_posting (id, public_id, programme_id, kind, occurred_at, posted_at)"
        " SELECT :id, 'by hand', programme_id, kind, occurred_at, posted_at FROM ledger_posting"
        " WHERE id = 1",
        id=posting_id,
    )
    fault = sealer.fault()
    assert (fault.number, fault.posting) == (4, public_id)


@pytest.mark.parametrize(
    ("deed", "words", "number"),
    [
        ("UPDATE ledger_root SET merkle = root WHERE last = 4", "root of 2026-05-20", 4),
        ("UPDATE ledger_root SET root = merkle WHERE last = 8", "root of 2026-05-21", 8),
        ("UPDATE ledger_root SET head = root WHERE last = 8", "root of 2026-05-21", 8),
        ("UPDATE ledger_root SET previous = root WHERE last = 8", "root of 2026-05-21", 8),
        ("UPDATE ledger_root SET first = 4 WHERE last = 8", "root of 2026-05-21", 8),
        ("UPDATE ledger_root SET day = '2026-05-22' WHERE last = 8", "root of 2026-05-22", 8),
        ("UPDATE ledger_root SET key = 'x' WHERE last = 8", "signature", 8),
        ("DELETE FROM ledger_root WHERE last = 4", "one before it was removed", 8),
        ("DELETE FROM ledger_root WHERE last = 8", "root of a day from number 5", 5),
        ("UPDATE ledger_chain SET head = :zero", "head of the chain", 10),
        ("UPDATE ledger_chain SET peaks = :zero", "tree of the open day", 10),
        ("UPDATE ledger_chain SET number = 9", "behind the end", 10),
        ("UPDATE ledger_chain SET number = 11", "was removed", 11),
        ("DELETE FROM ledger_chain", "behind the end", 1),
    ],
)
def test_a_changed_root_or_head_is_named(sealer, tamper, deed, words, number) -> None:
    tamper(deed, **({"zero": bytes(32)} if ":zero" in deed else {}))
    fault = sealer.fault()
    assert fault.number == number
    assert words in fault.sentence


def test_a_forged_day_lacks_the_signature(sealer, tamper, database, club, anna, clock) -> None:
    """Whoever holds the database and not the keys can make all of it anew, but not sign it."""
    tamper(
        "DELETE FROM ledger_seal",
        "DELETE FROM ledger_root",
        "DELETE FROM ledger_chain",
        "DELETE FROM ledger_rollup",
        "UPDATE ledger_sealing SET mark = 0, horizon = 0, horizon_xid = 0, seen = 0",
        "UPDATE ledger_entry SET amount = amount * 2 WHERE posting_id = 1",
    )
    forger = Sealer(database, clock, KeyRing(("a-secret-of-the-forger",)).roots)
    forger.close_the_day()
    assert forger.fault() is None
    fault = Sealer(database, clock, KEYS).fault()
    assert "signature" in fault.sentence


def test_a_key_that_was_replaced_still_vouches_for_its_days(sealer) -> None:
    ring = KeyRing(("a-newer-secret-for-roots", "a-secret-for-the-roots-of-tests"))
    assert Sealer(sealer.database, sealer.clock, ring.roots).fault() is None


class TestFromANumberOn:
    def test_what_lies_before_is_not_read(self, sealer, tamper) -> None:
        tamper("UPDATE ledger_entry SET amount = amount + 1 WHERE posting_id = 1 AND line = 0")
        assert sealer.fault().number == 1
        assert sealer.fault(since=5) is None
        assert sealer.fault(since=9) is None
        assert sealer.fault(since=11) is None

    def test_the_day_of_the_number_is_read_from_its_first_one(self, sealer, tamper) -> None:
        posting_id, _ = at(sealer, 5)
        tamper(
            "UPDATE ledger_entry SET amount = amount + 1 WHERE posting_id = :id AND line = 0",
            id=posting_id,
        )
        assert sealer.fault(since=7).number == 5
        assert sealer.fault(since=9) is None

    def test_the_root_before_must_fit(self, sealer, tamper) -> None:
        tamper("UPDATE ledger_root SET head = merkle WHERE last = 4")
        assert sealer.fault(since=6) is not None

    def test_steps_are_bounded_and_add_up(self, sealer, monkeypatch, database) -> None:
        monkeypatch.setattr("ledger.seals.verification.STEP", 3)
        with database.reading() as session:
            walk = Walk(programmes.by_code(session, "club"), KEYS)
        steps = 1
        while True:
            with database.reading() as session:
                if not walk.step(session):
                    break
            steps += 1
        assert walk.fault is None
        assert (walk.postings, walk.days, walk.whole) == (10, 2, 8)
        assert steps == 5


class TestHowFar:
    """What the nights remember, so that the next one begins there."""

    def test_whole_days_are_remembered_for_their_own_chain(
        self, sealer, database, make_club
    ) -> None:
        other = next(make_club(database))
        other.open()
        assert inspection.carry_out(database, KEYS) == []
        with database.reading() as session:
            programmes_ = {one.code: one for one in programmes.every(session)}
            assert verification.verified(session, programmes_["club"]) == 8
            assert verification.verified(session, programmes_["club-0"]) == 0
        other.grant(other.join(), 1)
        sealer.run()
        walk = Walk(programmes_["club"], KEYS)
        inspection.go(database, walk)
        with database.transaction() as session:
            verification.remember(session, walk)
            assert verification.verified(session, programmes_["club-0"]) == 0

    def test_what_was_found_whole_is_not_forgotten(self, sealer, database) -> None:
        assert inspection.carry_out(database, KEYS) == []
        with database.transaction() as session:
            club = programmes.by_code(session, "club")
            verification.remember(session, Walk(club, KEYS))  # one that came nowhere
            assert verification.verified(session, club) == 8
