"""Who is at work, and who is missing: in the doctor's words and in /health, on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import structlog
from click.testing import Result
from sqlalchemy import select, text

from ledger.database.engine import Database
from ledger.database.outbox import OutboxRow
from wallet import presence
from wallet.configuration.clock import system_clock
from wallet.presence import BEAT, PATIENCE, Heartbeat, Pulse
from wallet.running.pumps import INSPECTION, PUMP_NAMES, WATCHED

MINUTE = timedelta(minutes=1)
BROKER = {"WALLET_BROKER_URL": "redis://127.0.0.1:9/0"}  # nobody answers there


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@dataclass
class Post:
    """Signs of those who were at work, and what is said of them now."""

    database: Database
    wallet: Callable[..., Result]

    def seen(self, *names: str, ago: timedelta = timedelta(), since: timedelta = MINUTE) -> None:
        """A sign that came so long ago, the last of a row that began `since` before it."""
        at = system_clock() - ago
        with self.database.transaction() as session:
            for name in names:
                session.merge(Heartbeat(name=name, at=at, since=at - since))

    def doctor(self, **changes: str) -> list[str]:
        """Its sentences about who is at work and what waits, with their marks."""
        said = self.wallet("doctor", **changes).output.splitlines()
        subjects = ("The beat", "Neither", "No worker works", "Events that wait")
        return [line for line in said if line[4:].startswith(subjects)]

    def looked(self) -> presence.Presence:
        with self.database.reading() as session:
            return presence.look(session, WATCHED, system_clock(), PATIENCE)


@pytest.fixture
def post(installation, wallet) -> Post:
    return Post(installation.database, wallet)


def test_what_was_never_started_is_no_fault_while_nothing_waits(post: Post, client) -> None:
    neither, events = post.doctor(**BROKER)
    assert neither.startswith("--  Neither a worker nor the beat has ever been at work here")
    assert neither.endswith("Start `wallet worker` and `wallet beat`.")
    assert events == "--  Events that wait to be carried on: 0."
    assert "`wallet run`, or `wallet web`" in post.doctor()[0]
    told = client.get("/health").get_json()
    assert (told["well"], told["work"]["beat_seen_at"]) == (True, None)


def test_what_nobody_carries_on_is_a_fault_at_once(post: Post, member, house, client) -> None:
    house.clock.advance(minutes=-3)  # the member joined three minutes ago, for the doctor
    with house.installation.database.transaction() as session:
        waited = system_clock() - 3 * MINUTE
        for row in session.scalars(select(OutboxRow)):
            row.not_before = waited
    neither, events = post.doctor(**BROKER)
    assert neither.startswith("!!  Neither a worker nor the beat has ever been at work")
    assert "and work waits" in neither
    assert events.endswith("the oldest for 3 minutes.")
    house.clock.advance(minutes=6)
    told = client.get("/health").get_json()
    assert told["well"] is False
    assert told["work"]["waiting"]["events"]["oldest_seconds"] > 100


def test_a_missing_beat_is_named(post: Post) -> None:
    post.seen(*PUMP_NAMES)
    assert post.doctor()[0].startswith("!!  The beat was not seen ever")
    post.seen(BEAT, ago=5 * MINUTE)
    assert post.doctor()[0].startswith("!!  The beat was not seen for 5 minutes")
    assert not post.looked().is_well


def test_queues_that_nobody_works_are_named(post: Post) -> None:
    post.seen(BEAT, since=10 * MINUTE)
    post.seen(*(name for name in PUMP_NAMES if name not in ("google", "imports")))
    assert post.doctor(**BROKER)[0] == (
        "!!  No worker works the queues google, imports. Start `wallet worker`, or name them in its"
        " --queues."
    )
    post.seen("google", ago=9 * MINUTE)
    assert post.looked().unworked == ("google", "imports")


def test_when_all_are_at_work_it_is_said(post: Post) -> None:
    post.seen(BEAT, since=10 * MINUTE)
    post.seen(*WATCHED)
    assert post.doctor()[0].startswith("ok  The beat is at work, and so are the workers")
    post.seen(INSPECTION, ago=timedelta(hours=3))  # it may take that long
    assert post.looked().is_well


def test_a_beat_that_has_just_begun_accuses_nobody(post: Post) -> None:
    post.seen(BEAT, since=timedelta(seconds=5))
    assert post.looked().unworked == ()


def test_a_stopped_installation_is_at_rest(post: Post) -> None:
    post.seen(BEAT, *PUMP_NAMES, ago=timedelta(hours=2))
    (neither, _) = post.doctor()
    assert neither.startswith("--  Neither a worker nor the beat was seen for 2 hours")


def test_signs_are_written_together_and_not_each_time(
    post: Post, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(post.database, clock, PATIENCE)

    def signs() -> dict[str, tuple[object, object]]:
        with post.database.reading() as session:
            return {one.name: (one.at, one.since) for one in session.query(Heartbeat)}

    began = clock()
    pulse.note("relay")
    clock.advance(seconds=1)
    pulse.note("relay")
    assert signs() == {"relay": (began, began)}
    pulse.note("apple")  # its first sign, so it is written at once, and takes the other along
    second = clock()
    assert signs() == {"relay": (second, began), "apple": (second, second)}
    clock.advance(seconds=1)
    pulse.note("apple")
    monkeypatch.setattr(pulse, "_write_at", 0.0)  # ten seconds later
    clock.advance(minutes=10)
    pulse.note("relay")
    later = clock()
    assert signs() == {"relay": (later, later), "apple": (later, later)}


def test_signs_that_cannot_be_written_stop_no_work(post: Post, clock) -> None:
    with post.database.transaction() as session:
        session.execute(text("DROP TABLE wallet_heartbeat"))
    with structlog.testing.capture_logs() as logged:
        Pulse(post.database, clock, PATIENCE).note("relay")
    assert [line["event"] for line in logged] == ["heartbeat_not_written"]
