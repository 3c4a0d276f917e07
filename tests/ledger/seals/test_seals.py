"""Seals: every committed posting gets one, once, in a chain that nothing fits into."""

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sealing import KEYS, Sealer
from sqlalchemy import func, select, text

from ledger.book import reversals
from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.database.engine import Database
from ledger.errors import DayNotClosed, SealBroken
from ledger.programmes import programmes
from ledger.seals import hashes, proofs, sealing
from ledger.seals.sealing import Rollup, Seal
from ledger.settings import LedgerSettings
from wallet.migrations import append_only


@pytest.fixture
def sealer(database, clock) -> Sealer:
    return Sealer(database, clock)


def test_every_posting_is_sealed_once_and_in_batches(club, anna, boris, sealer) -> None:
    for points in range(1, 8):
        club.grant(anna, points, reason=f"cake {points}")
    club.transfer(anna, boris, 5)
    assert sealer.turn(limit=3)
    sealer.run(limit=3)
    found = sealer.seals()
    assert [seal.number for seal in found] == list(range(1, 9))
    assert sealer.unsealed() == 0
    head = hashes.NOTHING
    for seal in found:
        head = hashlib.sha256(b"\x02" + head + seal.leaf).digest()
        assert seal.chain == head
    assert sealer.chain().head == head
    assert sealer.fault() is None


def test_programmes_have_chains_of_their_own(database, make_club, sealer) -> None:
    clubs = make_club(database)
    for club, postings in zip(clubs, (2, 3), strict=False):
        club.open()
        member = club.join()
        for _ in range(postings):
            club.grant(member, 10)
    sealer.run()
    with database.reading() as session:
        numbers = session.execute(select(Seal.programme_id, Seal.number).order_by(Seal.posting_id))
        assert [tuple(row) for row in numbers] == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]


def test_the_search_goes_on_where_it_found_everything(club, anna, sealer) -> None:
    for _ in range(6):
        club.grant(anna, 1)
    for _ in range(9):
        sealer.turn(limit=2)
    sealing = sealer.sealing()
    last = sealer.seals()[-1].posting_id
    assert (sealing.mark, sealing.horizon, sealing.seen) == (last, last, last)


def test_a_turn_that_dies_leaves_nothing_and_is_repeated(club, anna, sealer, database) -> None:
    club.grant(anna, 1)
    with pytest.raises(RuntimeError), database.transaction() as session:
        sealing.turn(session, sealer.keys, sealer.clock())
        raise RuntimeError("kill -9")
    assert sealer.seals() == []
    sealer.run()
    assert sealer.unsealed() == 0
    assert sealer.fault() is None


def test_many_writers_and_two_sealers_at_once(club, sealer, database_url) -> None:
    members = [club.join(f"{number}") for number in range(4)]
    done = threading.Event()
    errors: list[BaseException] = []

    def post(member) -> None:
        for number in range(25):
            club.grant(member, 10, reason=str(number))
            club.redeem(member, 4)

    def seal() -> None:
        database = Database(LedgerSettings(database_url))
        try:
            while not done.is_set():
                Sealer(database, sealer.clock).run(limit=7)
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    writers = [threading.Thread(target=post, args=(member,)) for member in members]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    sealer.run()
    assert errors == []
    assert [seal.number for seal in sealer.seals()] == list(range(1, 201))
    assert sealer.unsealed() == 0
    assert sealer.fault() is None


class TestDays:
    def test_a_day_of_the_programmes_zone_is_closed_when_it_is_over(
        self, club, anna, sealer, clock
    ) -> None:
        club.grant(anna, 1)
        sealer.run()
        assert sealer.chain().closes_at == datetime(2026, 5, 20, 21, tzinfo=UTC)  # Moscow
        clock.now = datetime(2026, 5, 20, 20, 59, 59, tzinfo=UTC)
        sealer.run()
        assert sealer.roots() == []
        clock.advance(seconds=1)
        club.grant(anna, 2)
        sealer.run()
        (root,) = sealer.roots()
        assert (root.day, root.first, root.last) == (date(2026, 5, 20), 1, 1)
        assert sealer.chain().day == date(2026, 5, 21)
        sealer.close_the_day()
        first, second = sealer.roots()
        assert (second.day, second.first, second.last) == (date(2026, 5, 21), 2, 2)
        assert (first.previous, second.previous) == (hashes.NOTHING, first.root)

    def test_quiet_days_have_no_root(self, club, anna, sealer, clock) -> None:
        club.grant(anna, 1)
        sealer.close_the_day()
        clock.advance(days=5)
        sealer.turn()
        assert len(sealer.roots()) == 1
        club.grant(anna, 1)
        sealer.close_the_day()
        assert [root.day.day for root in sealer.roots()] == [20, 26]
        assert sealer.fault() is None

    def test_a_clock_that_is_put_back_opens_no_closed_day(self, club, anna, sealer, clock) -> None:
        club.grant(anna, 1)
        sealer.close_the_day()
        clock.advance(days=-1)
        club.grant(anna, 1)
        sealer.run()
        assert sealer.chain().day == date(2026, 5, 21)

    @pytest.mark.parametrize("postings", [1, 2, 3, 6, 7, 8])
    def test_the_tree_is_that_of_rfc_6962(self, club, anna, sealer, postings: int) -> None:
        for _ in range(postings):
            club.grant(anna, 1)
        sealer.run(limit=2)
        sealer.close_the_day()
        (root,) = sealer.roots()
        assert root.merkle == merkle_tree_hash([seal.leaf for seal in sealer.seals()])


def merkle_tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it stands there; leaves are hashed already."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = merkle_tree_hash(leaves[:k]), merkle_tree_hash(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


class TestOwnAccounts:
    def test_what_is_summed_up_and_what_waits_make_the_balance(
        self, club, anna, boris, sealer, database, clock
    ) -> None:
        def compare() -> None:
            with database.reading() as session:
                for account_id in session.scalars(select(Account.id).where(Account.member_id == 0)):
                    plain = session.scalar(
                        select(func.sum(Entry.amount)).where(Entry.account_id == account_id)
                    )
                    assert sealing.own_balance(session, account_id) == plain

        club.grant(anna, 100, expires=2)
        club.grant(boris, 50)
        compare()
        sealer.turn(limit=1)
        compare()
        club.redeem(boris, 20)
        sealer.run()
        compare()
        club.turn(days=3)
        club.reverse(club.redeem(boris, 10), 4)
        compare()
        sealer.run(limit=2)
        sealer.run()
        compare()
        with database.reading() as session:
            days = session.execute(
                select(Account.kind, Rollup.day, Rollup.amount, Rollup.count)
                .join(Account, Account.id == Rollup.account_id)
                .order_by(Rollup.day, Account.kind)
            )
            assert [tuple(row) for row in days] == [
                ("issued", date(2026, 5, 20), -150, 2),
                ("redeemed", date(2026, 5, 20), 20, 1),
                ("expired", date(2026, 5, 23), 100, 1),
                ("redeemed", date(2026, 5, 23), 6, 2),
            ]


class TestWords:
    def test_words_that_are_taken_off_take_their_salt_along(
        self, club, anna, sealer, database
    ) -> None:
        posting = club.grant(anna, 10, reason="Анна Каренина")
        club.grant(anna, 5, reason="cake")
        sealer.close_the_day()
        seal = sealer.seals()[0]
        assert (
            seal.note_hash
            == hashlib.sha256(b"\x04" + seal.note_salt + "Анна Каренина".encode()).digest()
        )
        with database.transaction() as session:
            session.execute(
                text("UPDATE ledger_posting SET reason = NULL WHERE public_id = :id"),
                {"id": posting},
            )
        seal, other = sealer.seals()
        assert seal.note_salt is None
        assert seal.note_hash is not None
        assert other.note_salt is not None
        assert sealer.fault() is None
        with database.reading() as session:
            proof = proofs.proof(session, reversals.find(session, posting))
        assert proof.words is None


class TestProofs:
    def test_there_is_none_before_the_day_is_over(self, club, anna, sealer, database) -> None:
        posting = club.grant(anna, 10)
        for closes_at in (None, datetime(2026, 5, 20, 21, tzinfo=UTC)):
            with database.reading() as session, pytest.raises(DayNotClosed) as refused:
                proofs.proof(session, reversals.find(session, posting))
            assert refused.value.closes_at == closes_at
            sealer.run()

    @pytest.mark.parametrize("size", [8, 23])
    def test_each_posting_of_a_large_day_has_a_short_one(
        self, database, make_club, sealer, monkeypatch, size: int
    ) -> None:
        """On two chains side by side, and neither on the first day nor on the last one."""
        monkeypatch.setattr(hashes, "BLOCK", 4)
        clubs = [club for club, _ in zip(make_club(database), range(2), strict=False)]
        for club in clubs:
            club.open()
            club.clock = sealer.clock
        first, second = [(club, club.join()) for club in clubs]
        for count in (5, size, 9):
            postings = []
            for number in range(count):
                for club, member in (second, first):
                    posting = club.grant(member, number + 1, reason="cake")
                postings.append(posting)
            sealer.run(limit=5)
            sealer.close_the_day()
            if count == size:
                wanted = postings
        root = sealer.roots(first[0].code)[1]
        with database.reading() as session:
            for index, posting in enumerate(wanted):
                proof = proofs.proof(session, reversals.find(session, posting))
                leaf = hashlib.sha256(b"\x00" + hashes.canonical(proof.facts)).digest()
                steps = [bytes.fromhex(step) for step in proof.path]
                assert proof.index == index
                assert len(steps) <= 5
                assert hashes.climbed(leaf, index, size, steps) == root.merkle
                for wrong in (index ^ 1, size):
                    assert hashes.climbed(leaf, wrong, size, steps) != root.merkle

    def test_a_proof_looks_at_few_leaves(self) -> None:
        block = hashes.BLOCK
        assert hashes.leaves_for(7, 900) == [range(900)]
        assert hashes.leaves_for(block + 7, 3 * block) == [range(block, 2 * block)]
        assert hashes.leaves_for(block + 7, 3 * block + 9) == [
            range(block, 2 * block),
            range(3 * block, 3 * block + 9),
        ]
        assert hashes.leaves_for(3 * block + 8, 3 * block + 9) == [range(3 * block, 3 * block + 9)]

    def test_a_path_of_another_length_leads_nowhere(self) -> None:
        leaves = [hashes.leaf({"number": number}) for number in range(6)]
        tree = hashes.MerkleTree()
        for leaf in leaves:
            tree.add(leaf)
        for index, leaf in enumerate(leaves):
            path = hashes.path(index, 6, dict(enumerate(leaves)), {})
            assert hashes.climbed(leaf, index, 6, path) == tree.root()
            for wrong in (path[:-1], [*path, tree.root()], []):
                assert hashes.climbed(leaf, index, 6, wrong) is None
        assert hashes.climbed(leaves[0], -1, 6, []) is None
        assert hashes.climbed(leaves[0], 6, 6, []) is None
        assert hashes.climbed(leaves[0], 0, 0, []) is None
        assert hashes.climbed(leaves[0], 0, 1, []) == leaves[0]

    def test_it_says_all_that_it_takes_to_judge_it(self, club, anna, sealer, database) -> None:
        club.grant(anna, 5)
        sealer.close_the_day()
        club.grant(anna, 7)
        posting = club.grant(anna, 10, reason="cake")
        sealer.close_the_day()
        before, root = sealer.roots()
        seal = sealer.seals()[2]
        with database.reading() as session:
            found = proofs.proof(session, reversals.find(session, posting))
            programme = programmes.by_code(session, "club")
            published = proofs.published(programme, root)
        document = found.document()
        assert document == {
            "form": 1,
            "facts": found.facts,
            "words": {"reason": "cake", "salt": seal.note_salt.hex()},
            "index": 1,
            "path": [sealer.seals()[1].leaf.hex()],
            "root": {
                "programme": "club",
                "day": "2026-05-21",
                "first": 2,
                "last": 3,
                "head": seal.chain.hex(),
                "merkle": root.merkle.hex(),
                "previous": before.root.hex(),
                "root": root.root.hex(),
                "key": KEYS.key,
                "signature": root.signature.hex(),
            },
        }
        assert found.facts["id"] == posting
        assert published == {
            name: document["root"][name]
            for name in ("programme", "day", "previous", "root", "key", "signature")
        }
        assert KEYS.is_good(root.key, b"kopilka ledger root\n" + root.root, root.signature)
        assert (
            root.root
            == hashlib.sha256(
                b"\x03"
                + hashes.canonical(
                    {
                        **{name: document["root"][name] for name in ("programme", "day", "first")},
                        **{name: document["root"][name] for name in ("last", "head", "merkle")},
                        "form": 1,
                        "previous": before.root.hex(),
                    }
                )
            ).digest()
        )

    @pytest.mark.parametrize(
        "deed",
        [
            "UPDATE ledger_entry SET amount = amount * 2",
            "UPDATE ledger_posting SET reason = 'tea'",
            "UPDATE ledger_seal SET note_salt = NULL",
            "DELETE FROM ledger_seal WHERE number = 1",
            "UPDATE ledger_root SET merkle = root",
        ],
    )
    def test_there_is_none_of_what_was_changed(self, club, anna, sealer, database, deed) -> None:
        for _ in range(2):
            posting = club.grant(anna, 10, reason="cake")
        sealer.close_the_day()
        with database.transaction() as session:
            append_only.lift_seals(session.connection())
            append_only.lift(session.connection())
            session.execute(text(deed))
            with pytest.raises(SealBroken):
                proofs.proof(session, reversals.find(session, posting))
            session.rollback()

    def test_roots_are_read_from_a_day_on(self, database, make_club, sealer) -> None:
        for club, _ in zip(make_club(database), range(2), strict=False):
            club.clock = sealer.clock
            club.open()
            member = club.join()
            for _ in range(3):
                club.grant(member, 1)
                sealer.close_the_day()
        days = [root.day for root in sealer.roots("club-0")]
        assert days == [date(2026, 5, 20), date(2026, 5, 21), date(2026, 5, 22)]
        assert [root.day for root in sealer.roots("club-0", days[1])] == days[1:]


def test_a_posting_waits_for_its_seal_since_it_was_made(club, anna, sealer, database) -> None:
    def since() -> datetime | None:
        with database.reading() as session:
            return sealing.oldest_unsealed(session)

    assert since() is None
    made_at = club.clock()
    club.grant(anna, 1)
    club.clock.now += timedelta(minutes=5)
    club.grant(anna, 1)
    assert since() == made_at
    sealer.run()
    assert since() is None


def test_the_database_refuses_to_change_a_seal(club, anna, sealer, database) -> None:
    club.grant(anna, 1, reason="cake")
    sealer.close_the_day()
    for deed in (
        "UPDATE ledger_seal SET number = 7",
        "UPDATE ledger_seal SET note_salt = note_hash",
        "DELETE FROM ledger_seal",
        "UPDATE ledger_root SET last = 7",
        "DELETE FROM ledger_root",
    ):
        with pytest.raises(Exception, match="append-only"), database.transaction() as session:
            session.execute(text(deed))
    assert isinstance(sealer.seals()[0].note_salt, bytes)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Posting)) == 1
