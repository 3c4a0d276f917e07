"""The campaign check: a message to very many cards, half of them in iPhones and half at Google,
while the workers are killed, the broker forgets everything and goes away, and the database crashes.
In the end no member may be missed, none may be told twice, and every row must say what became of
it.

`make campaign` does it in full on both databases and prints the figures; a short one is among the
tests. `KOPILKA_CAMPAIGN_CARDS` and `KOPILKA_CAMPAIGN_KILLS` change the size of the full one."""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import googles
import redis
import requests
import servers
from books import check_books
from clocks import StoppedClock
from phones import opened, values
from processes import Processes, answers, kill, processes, wait_until
from servers import Postgres, free_port, free_ports
from sqlalchemy import func, select, update

from ledger import enrolment
from ledger.database.engine import Database
from ledger.database.outbox import OutboxRow
from ledger.people import consents
from ledger.people.consents import Decision
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet import migrations
from wallet.apple import devices
from wallet.apple.devices import PushRow
from wallet.configuration import settings
from wallet.configuration.settings import DEMO, SANDBOX_GOOGLE_ISSUER
from wallet.google import mirror, objects
from wallet.google.messages import GoogleMessage
from wallet.google.mirror import DueRow, GoogleObject
from wallet.installation import Installation
from wallet.outreach import campaigns, results
from wallet.outreach.campaigns import Campaign, CampaignDraft
from wallet.outreach.deliveries import Delivery
from wallet.passes import issuing
from wallet.passes.issued import Pass
from wallet.running.assembly import connect
from wallet.sandbox import apns, certificates, demo
from wallet.sandbox.apns import PushStandIn

TEXT = "{{name|Друг}}, привет!"
HELD_OUT_PERCENT = 3
REFUSES, NAMELESS = 25, 3  # one member in so many refuses messages, has no name
CALLS = 2  # to Google for each message: the card, then the message
A_SECOND = 20  # calls, the most that Google takes


@dataclass(frozen=True)
class Size:
    """How many cards are in iPhones, at Google and in no phone, and how often a worker is killed.
    `troubles`: whether the broker is emptied, then stopped for a while, and the database crashed,
    once each."""

    iphones: int
    androids: int
    elsewhere: int
    kills: int
    troubles: bool


SHORT = {
    "postgresql": Size(iphones=100, androids=8, elsewhere=10, kills=2, troubles=True),
    "sqlite": Size(iphones=60, androids=8, elsewhere=10, kills=2, troubles=False),
}


def full(name: str) -> Size:
    cards = int(os.environ.get("KOPILKA_CAMPAIGN_CARDS", "10000"))
    kills = int(os.environ.get("KOPILKA_CAMPAIGN_KILLS", "20"))
    if name == "sqlite":  # a shop of one machine
        cards //= 10
    return Size(cards // 2, cards // 2, cards // 20, kills, troubles=name == "postgresql")


@dataclass
class Broker:
    """A Redis of our own, whose port stays the same."""

    port: int = field(default_factory=free_port)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._open.enter_context(servers.redis(self.port))

    def stop(self) -> None:
        self._open.close()

    def forget(self) -> None:
        with redis.Redis.from_url(self.url) as server:
            server.flushdb()

    def restart(self) -> None:
        self.stop()
        time.sleep(2)
        self.start()


@dataclass
class House:
    """The service under test: its processes, and the vendors it talks to. `worker` names the
    process that is killed, `beside` those that are not."""

    service: Processes
    installation: Installation
    clock: StoppedClock
    pushes: PushStandIn
    google: googles.RunningGoogle
    worker: tuple[str, ...]
    beside: tuple[str, ...]
    broker: Broker | None = None
    server: Postgres | None = None
    running: Any = None

    @property
    def database(self) -> Database:
        return self.installation.database

    def start(self) -> None:
        for name in self.beside:
            self.service.start(name)
        self.running = self.service.start(*self.worker)

    def kill_worker(self) -> None:
        kill(self.running)
        self.running = self.service.start(*self.worker)

    def crash_database(self) -> None:
        assert self.server is not None
        self.database.engine.dispose()
        self.server.restart()


@contextlib.contextmanager
def on_postgres(folder: Path) -> Iterator[House]:
    """Worker and beat as processes of their own, over PostgreSQL and Redis."""
    broker = Broker()
    broker.start()
    try:
        with servers.postgres() as server:
            own = {"WALLET_BROKER_URL": broker.url}
            with _house(folder, server.url("postgres"), own) as house:
                house.worker = ("worker", "--queues", "messages,apple,google", "--concurrency", "3")
                house.beside = ("web", "beat")
                house.broker, house.server = broker, server
                yield house
    finally:
        broker.stop()


@contextlib.contextmanager
def on_sqlite(folder: Path) -> Iterator[House]:
    """One process with everything in it, as SQLite has it."""
    with _house(folder, f"sqlite:///{folder / 'campaign.db'}", {}) as house:
        yield house


HOUSES: dict[str, Callable[[Path], contextlib.AbstractContextManager[House]]] = {
    "sqlite": on_sqlite,
    "postgresql": on_postgres,
}


@contextlib.contextmanager
def _house(folder: Path, database_url: str, own: dict[str, str]) -> Iterator[House]:
    chain = folder / "certs"
    certificates.ensure_chain(chain, datetime.now(UTC))
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    pushes = PushStandIn(remembered_tokens=1_000_000)
    port = free_ports(5)
    with (
        apns.running(*files, stand_in=pushes) as pushing,
        googles.stood_in(folder / "google") as google,
    ):
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": str(folder),
            "WALLET_DATABASE_URL": database_url,
            "WALLET_APPLE_CERTS": str(chain),
            "WALLET_APNS_URL": pushing.url,
            "WALLET_APNS_CA": str(chain / "root.pem"),
            "WALLET_API_KEY": "campaign-key-of-thirty-two-characters",
            "WALLET_SECRET_KEY": "campaign-secret-of-thirty-two-characters",
            "WALLET_RATE_LIMITS": "apple=1000000/second",
            "WALLET_LEASE_SECONDS": "5",
            "WALLET_BEAT_SECONDS": "0.5",
            **googles.environment_of(google),
            **own,
        }
        # What is prepared happened before: Google's budget of a second is counted by our clock.
        clock = StoppedClock(datetime.now(UTC) - timedelta(hours=6))
        installation = connect(settings.from_env(environment), clock=clock)
        migrations.upgrade(installation.database.engine)
        with processes(environment, folder) as service:
            yield House(service, installation, clock, pushes, google, ("web",), ())
        installation.apple.close()
        installation.database.close()


# --- whom it is for --------------------------------------------------------------------------


@dataclass
class Crowd:
    """The members in the order in which they came: pass n is member n's. First those with an
    iPhone, then those at Google, then those whose card is in no phone."""

    size: Size
    members: Sequence[Member]
    names: Sequence[str | None]
    passes: Sequence[Pass]

    def refuses(self, number: int) -> bool:
        return number % REFUSES == 1

    def token(self, number: int) -> str:
        return f"{number:064x}"

    def words(self, number: int) -> str:
        return TEXT.replace("{{name|Друг}}", self.names[number] or "Друг")

    def object_id(self, number: int) -> str:
        return objects.object_id(SANDBOX_GOOGLE_ISSUER, self.passes[number].serial)

    def in_iphones(self) -> range:
        return range(self.size.iphones)

    def at_google(self) -> range:
        return range(self.size.iphones, self.size.iphones + self.size.androids)

    def outcome(self, campaign: Campaign, number: int) -> str:
        """What must become of member `number`, whatever breaks."""
        public_id = self.members[number].public_id
        if self.refuses(number):
            return "no_consent"
        if number >= self.at_google().stop:
            return "no_card"
        if campaigns.is_held_out(campaign.public_id, public_id, campaign.holdout_percent):
            return "held_out"
        return "told"


def gather(house: House, size: Size) -> Crowd:
    number = size.iphones + size.androids + size.elsewhere
    names = [None if n % NAMELESS == 2 else f"Участник {n}" for n in range(number)]
    with house.database.transaction() as session:
        demo.ensure(session, house.clock())
        programme = programmes.by_code(session, DEMO)
        for start in range(0, number, 500):
            _join(session, programme, house, names[start : start + 500])
        session.execute(
            OutboxRow.__table__.delete()
        )  # they joined before: no phone is to be told of it
        members = session.scalars(select(Member).order_by(Member.id)).all()
        passes = session.scalars(select(Pass).order_by(Pass.member_id)).all()
        crowd = Crowd(size, members, names, passes)
        for place, member in enumerate(members):
            if crowd.refuses(place):
                consents.record(
                    session, member, [Decision("marketing", given=False)], "api", house.clock()
                )
        for place in crowd.in_iphones():
            token = crowd.token(place)
            id_ = token[:32] + token[-8:]
            devices.register(
                session, house.installation.keys, passes[place], id_, token, house.clock()
            )
        for place in crowd.at_google():
            id_ = crowd.object_id(place)
            mirror.add(session, passes[place].id, id_, house.clock(), timedelta())
    _bring_to_google(house, crowd)
    return crowd


def _join(session: Any, programme: Programme, house: House, names: Sequence[str | None]) -> None:
    people = [(Profile(name=name), None) for name in names]
    member_ids = enrolment.join_all(session, programme, people, house.clock())
    installation = house.installation
    issuing.issue_all(
        session, programme, member_ids, installation.pass_type, installation.keys, house.clock()
    )


def _bring_to_google(house: House, crowd: Crowd) -> None:
    """Have the cards of these members at Google and saved, as quickly as our clock can be moved."""
    provider = house.installation.google
    assert provider is not None
    while _number(house, DueRow):
        provider.deliver(house.clock)
        house.clock.advance(seconds=1)
    provider.close()
    for place in crowd.at_google():
        house.google.stand_in.resources.hold(crowd.object_id(place), is_held=True)
    with house.database.transaction() as session:
        session.execute(update(GoogleObject).values(saved=True, heard_at=house.clock()))


# --- the check -------------------------------------------------------------------------------


def check(house: House, size: Size) -> dict[str, float]:
    """Run the check, judge it, and return the figures. Raises AssertionError with all that is
    wrong."""
    crowd = gather(house, size)
    _announce(house)
    house.start()
    began = time.monotonic()
    _make_trouble(house, crowd)
    patience_s = 120 + 2 * CALLS * size.androids / A_SECOND
    wait_until(partial(_is_over, house), "the end of the campaign", patience_s)
    seconds = time.monotonic() - began
    fetched = _fetched(house, crowd)
    with house.database.reading() as session:
        campaign = session.scalars(select(Campaign)).one()
        check_books(session)
        wrong = _judged(house, session, campaign, crowd, fetched)
        found = results.funnel(session, campaign, datetime.now(UTC))
    told = Counter(crowd.outcome(campaign, n) for n in range(len(crowd.members)))
    wrong += _funnelled(found, told, crowd, campaign)
    assert not wrong, "\n".join([f"{len(wrong)} are wrong", *wrong[:20]])
    pushed = [house.pushes.heard(crowd.token(n)).count for n in crowd.in_iphones()]
    return {
        "recipients": found["audience"],
        "told_apple": found["apple"]["fetched"],
        "told_google": found["google"]["accepted"],
        "told_nothing": sum(told.values()) - told["told"],
        "kills": size.kills,
        "pushes": sum(pushed),
        "pushes_repeated": sum(max(0, count - 1) for count in pushed),
        "google_requests": house.google.stand_in.stats.requests,
        "seconds": round(seconds, 1),
    }


def _announce(house: House) -> None:
    now = datetime.now(UTC)
    with house.database.transaction() as session:
        programme = programmes.by_code(session, DEMO)
        draft = CampaignDraft(
            "Всем",
            {"ru": TEXT},
            quiet=None,
            holdout_percent=HELD_OUT_PERCENT,
            consent="not_refused",
        )
        campaign = campaigns.create(session, programme, draft, now)
        campaigns.start(session, campaign.public_id, None, now)


def _make_trouble(house: House, crowd: Crowd) -> None:
    """Kill and crash, spread evenly over the work, however long it takes; never twice without some
    work between."""
    chance = Random(20)  # noqa: S311 - any moments will do, the same ones each time
    events: list[Callable[[], None]] = [house.kill_worker] * crowd.size.kills
    if crowd.size.troubles and house.broker is not None:
        for place, event in enumerate(
            (house.broker.forget, house.crash_database, house.broker.restart), 1
        ):
            events.insert(place * len(events) // 4, event)
    total = _whole(crowd)
    for number, event in enumerate(events, 1):
        before = _progress(house)
        mark = max(total * number // (len(events) + 1), before + 1)
        wait_until(lambda mark=mark: _progress(house) >= mark or _is_over(house), "progress", 180)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.2))
        event()


def _progress(house: House) -> int:
    """Members frozen and settled, and messages that Google took: these take longest."""
    with house.database.reading() as session:
        frozen, settled = session.execute(
            select(func.count(), func.count().filter(Delivery.state != "waiting"))
        ).one()
        taken = session.scalar(select(func.count()).where(GoogleMessage.accepted_at.is_not(None)))
    return int(frozen + settled + 4 * (taken or 0))


def _whole(crowd: Crowd) -> int:
    return 2 * len(crowd.members) + 4 * crowd.size.androids


def _is_over(house: House) -> bool:
    with house.database.reading() as session:
        ended = session.scalar(select(Campaign.state)) == "done"
    return ended and _number(house, PushRow, DueRow) == 0


def _number(house: House, *tables: type) -> int:
    with house.database.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(one)) or 0 for one in tables)


def _fetched(house: House, crowd: Crowd) -> dict[int, Any]:
    """What iPhones show after they have asked for their cards, and which of them heard of a
    change."""
    url = house.service.environment["WALLET_PUBLIC_URL"]
    wait_until(lambda: answers(f"{url}/readyz"), "the web process")
    phones = requests.Session()

    def fetch(number: int) -> tuple[int, Any]:
        pass_ = crowd.passes[number]
        token = house.installation.signed_passes.token(pass_)
        answer = phones.get(
            f"{url}/apple/v1/passes/{pass_.pass_type}/{pass_.serial}",
            headers={"Authorization": f"ApplePass {token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return number, values(opened(answer.content)).get("news")

    heard = [n for n in crowd.in_iphones() if house.pushes.heard(crowd.token(n)).count]
    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(fetch, heard))


def _judged(
    house: House, session: Any, campaign: Campaign, crowd: Crowd, fetched: dict[int, Any]
) -> list[str]:
    """Compare what each member got with what must have become of them."""
    rows = Counter(
        (row.member_id, row.state)
        for row in session.execute(select(Delivery.member_id, Delivery.state))
    )
    versions = {
        row.member_id: row.version for row in session.execute(select(Pass.member_id, Pass.version))
    }
    wrong = [f"campaign is {campaign.state}"] if campaign.state != "done" else []
    wrong += [f"{campaign.done} of {campaign.recipients}"] * (campaign.done != campaign.recipients)
    wrong += ["deliveries of strangers"] * (rows.total() != len(crowd.members))
    unsure = select(func.count()).where(GoogleMessage.accepted_at.is_(None))
    wrong += ["messages of which Google never answered"] * bool(session.scalar(unsure))
    for number, member in enumerate(crowd.members):
        outcome = crowd.outcome(campaign, number)
        told = outcome == "told"
        if rows[member.id, outcome] != 1:
            wrong.append(f"member {number} is not {outcome}, once")
        # Each card has one version more, so no phone announces anything a second time.
        if versions[member.id] != 1 + told:
            wrong.append(f"member {number}: version {versions[member.id]}, {outcome}")
        if number in crowd.in_iphones():
            wrong += _iphone(house, crowd, number, fetched.get(number), told=told)
        elif number in crowd.at_google():
            wrong += _android(house, crowd, number, told=told)
    return wrong


def _iphone(house: House, crowd: Crowd, number: int, shown: Any, *, told: bool) -> list[str]:
    """The iPhone was told by a push and then shows the words. Another push brings nothing new."""
    count = house.pushes.heard(crowd.token(number)).count
    if bool(count) != told or count > 2 + crowd.size.kills:
        return [f"iPhone {number}: {count} pushes"]
    return [f"iPhone {number}: shows {shown!r}"] * (told and shown != crowd.words(number))


def _android(house: House, crowd: Crowd, number: int, *, told: bool) -> list[str]:
    """Google told of the message once, with a notification, and the words are on the card once."""
    card = house.google.stand_in.resources.card(crowd.object_id(number))
    wanted = [crowd.words(number)] if told else []
    spoken = [one.body for one in card.notices]
    written = [one["body"] for one in card.object_.get("messages", ())]
    return [f"card {number} at Google: {spoken}, {written}"] * ((spoken, written) != (wanted,) * 2)


def _funnelled(
    found: dict[str, Any], outcomes: Counter[str], crowd: Crowd, campaign: Campaign
) -> list[str]:
    """The figures that the marketer is shown."""
    apple = sum(crowd.outcome(campaign, n) == "told" for n in crowd.in_iphones())
    google = sum(crowd.outcome(campaign, n) == "told" for n in crowd.at_google())
    said = [{name: found[name] for name in outcomes}]
    said += [{k: v for k, v in found[name].items() if v} for name in ("apple", "google")]
    # Whose web process was killed between the last byte of the card and the note of it has the
    # card, and nobody knows: the push was accepted, more is not claimed.
    unknown = found["apple"].get("accepted", 0)
    phones = {"fetched": apple - unknown, **({"accepted": unknown} if unknown else {})}
    wanted = [dict(outcomes), phones, {"accepted": google}]
    if unknown > crowd.size.kills:
        return [f"{unknown} fetches were not noted"]
    return [f"the funnel says {said}, not {wanted}"] * (said != wanted)


def main() -> int:
    for name in sys.argv[1:] or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="kopilka-campaign-") as folder:
            Path(folder).chmod(0o755)
            with HOUSES[name](Path(folder)) as house:
                figures = check(house, full(name))
        sys.stdout.write(f"{name}: {json.dumps(figures)}\n")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
