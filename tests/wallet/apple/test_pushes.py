"""The queue of pushes: who is told, in which order, and what becomes of the rows. On both
databases, and against the stand-in where pushes really go out."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import device_rows
import pytest
from processes import wait_until
from sqlalchemy import delete, insert, select, update

from ledger.database.engine import Database
from ledger.database.index_only import by_index
from ledger.database.leases import LeasedQueue
from ledger.database.tables import EPOCH
from ledger.settings import LedgerSettings
from wallet.apple import devices, provider
from wallet.apple.device_secrets import DeviceSecrets
from wallet.apple.devices import Device, DuePush, PushRow
from wallet.apple.provider import BATCH, AppleProvider
from wallet.apple.push import Apns, Credential
from wallet.configuration.keyring import KeyRing
from wallet.sandbox import apns
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
OTHER_TYPE = "pass.sandbox.other"
LONG_S = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


KEYS = KeyRing(("a-key-for-the-tests-of-pushes",))


def token(number: int) -> str:
    return f"{number:064x}"


@dataclass
class Queue:
    """Devices 1, 2, 3 … each with one pass, and hands at the rows that wait for them."""

    database: Database

    def fill(self, number: int, pass_type: str = SANDBOX_PASS_TYPE, first: int = 1) -> None:
        """They have waited a second longer each; the first has waited longest."""
        numbers = range(first, first + number)
        with self.database.transaction() as session:
            session.execute(
                insert(Device),
                [
                    {
                        "id": n,
                        **device_rows.row(
                            KEYS, f"phone-{n}", token(n), pass_type, NOW - timedelta(days=9)
                        ),
                    }
                    for n in numbers
                ],
            )
            session.execute(
                insert(PushRow),
                [
                    {
                        "device_id": n,
                        "pass_id": n,
                        "due_at": NOW - timedelta(days=1) + timedelta(seconds=n),
                        "lease_until": EPOCH,
                        "generation": 1,
                        "attempts": 0,
                    }
                    for n in numbers
                ],
            )

    def claim(
        self, limit: int = 100, now: datetime = NOW, paused: Sequence[str] = ()
    ) -> list[DuePush]:
        return self.database.run(
            lambda session: sorted(devices.claim(session, paused, now, limit, LEASE))
        )

    def settle(self, pushes: Sequence[DuePush]) -> bool:
        with self.database.transaction() as session, by_index(session):
            return devices.PUSHES.finish(session, pushes)

    def change(self, device_id: int) -> None:
        """As a change does that finds the row waiting."""
        with self.database.transaction() as session:
            session.execute(_changed(device_id))

    def left(self) -> list[int]:
        with self.database.reading() as session:
            return list(session.scalars(select(PushRow.device_id).order_by(PushRow.device_id)))


def _changed(device_id: int):  # type: ignore[no-untyped-def]
    row = update(PushRow).where(PushRow.device_id == device_id)
    return row.values(generation=PushRow.generation + 1)


def numbers(pushes: Sequence[DuePush]) -> list[int]:
    return [push.device_id for push in pushes]


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    database = Database(LedgerSettings(database_url))
    yield Queue(database)
    database.close()


# Claims


def test_those_that_waited_longest_come_first_and_some_of_the_newest_along(queue: Queue) -> None:
    queue.fill(30)
    assert numbers(queue.claim(8)) == [*range(1, 9), 29, 30]
    assert numbers(queue.claim(8)) == [*range(9, 17), 27, 28]
    assert numbers(queue.claim(100)) == [*range(17, 27)]
    assert queue.claim(100) == []


def test_a_claim_says_where_the_push_goes(queue: Queue) -> None:
    queue.fill(1)
    encrypted = DeviceSecrets(KEYS).encrypted("phone-1", token(1), SANDBOX_PASS_TYPE)
    assert queue.claim() == [DuePush(1, 1, 1, 0, *encrypted, SANDBOX_PASS_TYPE, 0, 0, NOW + LEASE)]


def test_a_lease_that_ran_out_is_anybodys(queue: Queue) -> None:
    queue.fill(3)
    assert numbers(queue.claim()) == [1, 2, 3]
    assert queue.claim(now=NOW + LEASE / 2) == []
    assert numbers(queue.claim(now=NOW + LEASE)) == [1, 2, 3]


def test_what_is_not_due_yet_is_not_claimed(queue: Queue) -> None:
    queue.fill(3)
    (first, *_) = queue.claim()
    with queue.database.transaction() as session:
        devices.PUSHES.defer(session, first, NOW + 2 * LEASE, "TooManyRequests", 1)
    assert numbers(queue.claim(now=NOW + LEASE)) == [2, 3]
    # The leases of the others end when the first is due: until then there is nothing to claim.
    assert queue.claim(now=NOW + 2 * LEASE - timedelta(seconds=1)) == []
    later = queue.claim(now=NOW + 2 * LEASE)
    assert (numbers(later), [push.attempts for push in later]) == ([1, 2, 3], [1, 0, 0])


def test_paused_pass_types_wait_and_others_do_not(queue: Queue) -> None:
    queue.fill(20)
    queue.fill(3, OTHER_TYPE, first=21)
    assert numbers(queue.claim(limit=10, paused=[SANDBOX_PASS_TYPE])) == [21, 22, 23]
    assert queue.claim(paused=[SANDBOX_PASS_TYPE, OTHER_TYPE]) == []
    assert numbers(queue.claim()) == list(range(1, 21))


def test_a_push_whose_device_is_gone_goes_with_it(queue: Queue) -> None:
    queue.fill(3)
    with queue.database.transaction() as session:
        session.execute(delete(Device).where(Device.id == 2))
    assert numbers(queue.claim()) == [1, 3]
    assert queue.left() == [1, 3]


def test_many_who_claim_at_once_share_the_rows(queue: Queue) -> None:
    queue.fill(400)
    claimed: list[int] = []

    def work() -> None:
        while pushes := queue.claim(20):
            claimed.extend(numbers(pushes))
            queue.settle(pushes)

    hands = [threading.Thread(target=work) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(LONG_S)
    # One that found nothing may have gone while others still held some; nobody's are left out.
    work()
    assert sorted(claimed) == list(range(1, 401))
    assert queue.left() == []


# Settling


def test_a_change_that_came_meanwhile_is_followed_by_another_push(queue: Queue) -> None:
    queue.fill(3)
    pushes = queue.claim()
    queue.change(2)
    assert queue.settle(pushes) is True
    assert [(push.device_id, push.generation) for push in queue.claim()] == [(2, 2)]


def test_what_is_settled_twice_is_settled(queue: Queue) -> None:
    queue.fill(3)
    pushes = queue.claim()
    assert queue.settle(pushes) is False
    assert queue.settle(pushes) is False
    assert queue.left() == []


def test_pushes_that_were_let_go_are_as_due_as_before(queue: Queue) -> None:
    queue.fill(3)
    pushes = queue.claim()
    with queue.database.transaction() as session:
        assert devices.PUSHES.let_go(session, pushes[:2]) == 2
    assert queue.claim() == pushes[:2]


class TestOnPostgres:
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_a_change_that_is_under_way_is_waited_for(self, queue: Queue) -> None:
        """It has the row and is not committed when its push is settled."""
        queue.fill(3)
        pushes = queue.claim()
        settled: list[bool] = []
        hand = threading.Thread(target=lambda: settled.append(queue.settle(pushes)))
        with queue.database.transaction() as session:
            session.execute(_changed(2))
            hand.start()
            hand.join(0.5)
            assert hand.is_alive()
        hand.join(LONG_S)
        assert settled == [True]
        assert [(push.device_id, push.generation) for push in queue.claim()] == [(2, 2)]


# Delivery, against the stand-in


@dataclass
class Post:
    queue: Queue
    provider: AppleProvider
    pushes: RunningApns
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    def deliver(self) -> None:
        while self.provider.deliver(self.clock):
            pass

    def told(self, number: int) -> dict[int, int]:
        """How many were told how often."""
        heard = self.pushes.stand_in.heard
        return dict(Counter(heard(token(n)).count for n in range(1, number + 1)))


@pytest.fixture
def post(queue: Queue, chain: Path) -> Iterator[Post]:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    place = chain / SANDBOX_PASS_TYPE
    credential = Credential(SANDBOX_PASS_TYPE, place / "pass.pem", place / "pass.key")
    with apns.running(*files) as pushes:
        sender = Apns(pushes.url, chain / "root.pem", credential)
        senders = {SANDBOX_PASS_TYPE: sender}
        yield Post(
            queue,
            AppleProvider(queue.database, senders, KEYS, "https://cards.example", LEASE),
            pushes,
        )
        sender.close()


MANY = 3 * BATCH + 7


def test_batch_after_batch_everybody_is_told_once(post: Post) -> None:
    post.queue.fill(MANY)
    post.deliver()
    assert post.told(MANY) == {1: MANY}
    assert post.queue.left() == []
    assert post.provider.deliver(post.clock) is False


def test_when_apple_turns_away_nothing_is_sent_until_the_pause_is_over(post: Post) -> None:
    """What was claimed meanwhile is not sent into the pause, and waits with the others."""
    post.queue.fill(MANY)
    post.pushes.stand_in.fail(503, "ServiceUnavailable")
    post.deliver()
    assert post.pushes.stand_in.stats().streams == 1
    assert len(post.queue.left()) == MANY
    with post.queue.database.reading() as session:
        tried = session.scalars(select(PushRow.device_id).where(PushRow.attempts > 0)).all()
        assert len(tried) <= BATCH + BATCH // devices.NEWEST_SHARE
    post.pushes.stand_in.clear()
    post.deliver()
    assert post.told(MANY) == {0: MANY}
    post.now += timedelta(minutes=1)
    post.deliver()
    assert post.told(MANY) == {1: MANY}
    assert post.queue.left() == []


def test_what_was_claimed_too_long_ago_is_not_begun(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch may take so long that the next, claimed beside it, is almost anybody's again."""
    post.queue.fill(MANY)
    claim = devices.claim
    claims: list[list[DuePush]] = []

    def slow_claim(*asked: object) -> list[DuePush]:
        claims.append(claim(*asked))  # type: ignore[arg-type]
        if len(claims) == 2:
            stats = post.pushes.stand_in.stats
            wait_until(lambda: stats().streams > 0, "the first batch to be on its way")
            post.now += LEASE / 2  # so long did the first take
        return claims[-1]

    monkeypatch.setattr(provider.devices, "claim", slow_claim)
    post.provider.deliver(post.clock)
    second = numbers(claims[1])
    assert {post.pushes.stand_in.heard(token(n)).count for n in second} == {0}
    post.deliver()
    assert post.queue.left() == second
    post.now += LEASE
    post.deliver()
    assert post.told(MANY) == {1: MANY}
    assert post.queue.left() == []


def test_what_fails_in_the_database_is_heard_of(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was sent and not recorded is sent once more, when its lease is over."""
    post.queue.fill(MANY)

    def fail(*_: object) -> bool:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(LeasedQueue, "finish", fail)
        with pytest.raises(ZeroDivisionError):
            post.deliver()
    assert len(post.queue.left()) == MANY
    post.now += LEASE
    post.deliver()
    told = post.told(MANY)
    assert set(told) == {1, 2}
    assert told[2] <= 2 * (BATCH + BATCH // devices.NEWEST_SHARE)
    assert post.queue.left() == []
