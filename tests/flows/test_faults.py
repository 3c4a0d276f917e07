"""The table of faults: whatever breaks while a change goes out to all cards, nobody is missed, no
card changes twice, and every row ends in a stated outcome.

`KOPILKA_FAULT_CARDS`, `KOPILKA_FAULT_KILLS` and `KOPILKA_FAULT_DOWN_SECONDS` make it larger than
what fits into every run."""

import contextlib
import os
import secrets
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import device_rows
import googles
import pytest
import redis
import servers
from books import check_books
from processes import Processes, kill, processes, wait_until
from servers import free_port, free_ports
from sqlalchemy import func, insert, select

from ledger import enrolment
from ledger.database.engine import Database
from ledger.database.outbox import OutboxRow
from ledger.offers import offers
from ledger.offers.offers import OfferDraft
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.apple.devices import Device, PushRow, Registration
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO, SANDBOX_GOOGLE_ISSUER
from wallet.delivery.waves import RUNNING, Wave
from wallet.google import mirror, objects
from wallet.google.mirror import DueRow
from wallet.passes import issuing
from wallet.passes.issued import Pass
from wallet.sandbox import apns, certificates, demo
from wallet.sandbox.apns import Push, PushAnswer, PushStandIn, RunningApns, Visitor

CARDS = int(os.environ.get("KOPILKA_FAULT_CARDS", "200"))
KILLS = int(os.environ.get("KOPILKA_FAULT_KILLS", "5"))
DOWN_S = float(os.environ.get("KOPILKA_FAULT_DOWN_SECONDS", "1"))
GOOGLE_CARDS = min(CARDS, 20)  # twenty a second is all that Google allows
PASS_TYPE = certificates.SANDBOX_PASS_TYPE
KEYS = KeyRing(("sandbox-test-secret-of-many-characters",))  # that of the services here
LONG = 60 + CARDS / 20
HELD_S = 15.0  # a sender gives up on an answer after twenty

# Where a worker dies: before a change that it makes only while there is something to tell. News and
# what comes of them; pushes that went out and are not recorded; a write to Google, before it is
# asked and after it has answered.
PLACES = (
    ("^INSERT INTO apple_push", 1),
    ("^DELETE FROM ledger_outbox", 1),
    ("DELETE FROM apple_push", 1),
    ("^INSERT INTO google_budget", 2),
    ("^UPDATE google_object", 2),
)


@dataclass
class Phones:
    """Cards, each in a phone of its own: `tokens[n]` is told of pass `pass_ids[n]`."""

    database: Database
    pass_ids: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def come(self, number: int, now: datetime) -> None:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, DEMO)
            member_ids = enrolment.join_all(session, programme, [(Profile(), None)] * number, now)
            issuing.issue_all(session, programme, member_ids, PASS_TYPE, KEYS, now)
            self.pass_ids += session.scalars(select(Pass.id).order_by(Pass.id))
            self.tokens += [secrets.token_hex(32) for _ in range(number)]
            session.execute(insert(Device), [self._device(token, now) for token in self.tokens])
            devices = [(one.id, one.token) for one in device_rows.plain(session, KEYS)]
            passes = dict(zip(self.tokens, self.pass_ids, strict=True))
            session.execute(
                insert(Registration),
                [
                    {"device_id": device, "pass_id": passes[token], "created_at": now}
                    for device, token in devices
                ],
            )
            session.execute(OutboxRow.__table__.delete())  # they joined: no news for anybody

    @staticmethod
    def _device(token: str, now: datetime) -> dict[str, object]:
        return device_rows.row(KEYS, token[:32], token, PASS_TYPE, now)

    def change_all(self, now: datetime) -> None:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, DEMO)
            offers.publish(session, programme.id, None, OfferDraft({"ru": "Латте −20 %"}), now)

    def change(self, which: slice, now: datetime) -> None:
        with self.database.transaction() as session:
            member_ids = select(Pass.member_id).where(Pass.id.in_(self.pass_ids[which]))
            for member in session.scalars(select(Member).where(Member.id.in_(member_ids))).all():
                accruals.grant(session, member, Grant(1), now)

    def versions(self) -> set[int]:
        with self.database.reading() as session:
            return set(session.scalars(select(Pass.version)))

    def waiting(self, *tables: type) -> int:
        with self.database.reading() as session:
            return sum(session.scalar(select(func.count()).select_from(one)) for one in tables)

    def all_is_settled(self) -> bool:
        with self.database.reading() as session:
            under_way = session.scalars(select(Wave.id).where(Wave.state == RUNNING)).first()
        return under_way is None and self.waiting(OutboxRow, PushRow, DueRow) == 0

    def told(self, stand_in: PushStandIn) -> Counter[int]:
        """How many phones heard how often."""
        return Counter(stand_in.heard(token).count for token in self.tokens)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


# Apple's faults, with one process that is driven step by step


class Strange(PushStandIn):
    """A stand-in with faults that come again. `every`: GOAWAY at each of so many pushes; `cut_at`:
    the moment of so many pushes, at which all connections are cut and nothing is taken; `mute_at`:
    that from which on pushes are taken, and no answers come."""

    def __init__(self) -> None:
        super().__init__(remembered_tokens=10 * CARDS)
        self.every = self.cut_at = self.mute_at = 0
        self._judged = self._held_at = 0
        self._is_held, self._goes_on = threading.Event(), threading.Event()

    def judge(self, push: Push, visitor: Visitor) -> PushAnswer:
        self._judged += 1
        if self._judged == self.cut_at:
            self.cut_connections()
        if self._judged == self.mute_at:
            self.delay_s = LONG
        if self._judged == self._held_at:
            self._is_held.set()
            self._goes_on.wait(HELD_S)
        return super().judge(push, visitor)

    @contextlib.contextmanager
    def held_after(self, pushes: int) -> Iterator[Callable[[], object]]:
        """After so many pushes more the stand-in stands still, with the next one in hand, until the
        block ends. It is called to wait for that moment."""
        self._is_held.clear()
        self._goes_on.clear()
        self._held_at = self._judged + pushes + 1
        try:
            yield lambda: wait_until(self._is_held.is_set, f"{pushes} pushes", LONG)
        finally:
            self._goes_on.set()

    def is_due(self, mishap) -> bool:
        due = super().is_due(mishap)
        if mishap == "goaway" and due:
            self.goaway_after(self.every)
        return due


@dataclass
class Server:
    """The stand-in at a port that stays the same, to be killed and brought back."""

    chain: Path
    stand_in: Strange = field(default_factory=Strange)
    port: int = field(default_factory=free_port)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        files = (self.chain / "server.pem", self.chain / "server.key", self.chain / "root.pem")
        self._open.enter_context(apns.running(*files, port=self.port, stand_in=self.stand_in))

    def kill(self) -> None:
        self._open.close()


@pytest.fixture
def server(chain: Path) -> Iterator[Server]:
    server = Server(chain)
    server.start()
    yield server
    server.kill()


class TestApple:
    @pytest.fixture
    def environment(self, environment: dict[str, str], server: Server) -> dict[str, str]:
        return {**environment, "WALLET_APNS_URL": f"https://127.0.0.1:{server.port}"}

    @pytest.fixture
    def phones(self, house) -> Phones:
        phones = Phones(house.installation.database)
        phones.come(CARDS, house.clock())
        return phones

    @staticmethod
    def announce(house, phones: Phones) -> None:
        phones.change_all(house.clock())
        house.run("relay", "waves")
        assert phones.waiting(PushRow) == CARDS

    @staticmethod
    def deliver(house, phones: Phones, versions: Collection[int] = (2,)) -> None:
        """As the beat would, for as long as anything waits."""
        for _ in range(60):
            house.run("apple")
            if phones.all_is_settled():
                break
            house.clock.advance(minutes=2)
        assert phones.all_is_settled()
        assert phones.versions() == {*versions}
        with house.installation.database.reading() as session:
            check_books(session)

    def test_goaway_at_each_quarter(self, house, phones, server) -> None:
        server.stand_in.every = CARDS // 4
        server.stand_in.goaway_after(CARDS // 4)
        self.announce(house, phones)
        self.deliver(house, phones)
        assert phones.told(server.stand_in) == {1: CARDS}
        assert server.stand_in.stats().connections <= 6

    def test_all_connections_cut(self, house, phones, server) -> None:
        server.stand_in.cut_at = CARDS // 2
        self.announce(house, phones)
        self.deliver(house, phones)
        assert phones.told(server.stand_in).keys() <= {1, 2}
        assert server.stand_in.stats().connections == 2

    def test_answers_lost(self, house, phones, server) -> None:
        """These were taken, and none of them answered: the second push finds no news."""
        self.announce(house, phones)
        self.deliver(house, phones)
        phones.change(slice(None), house.clock())
        house.run("relay")
        server.stand_in.delay_s = LONG  # for as long as it takes the others to be sent
        server.stand_in.drop_after(CARDS // 2)
        house.run("apple")
        assert phones.waiting(PushRow) == CARDS
        server.stand_in.clear()
        self.deliver(house, phones, versions=(3,))
        told = phones.told(server.stand_in)
        assert told.keys() <= {2, 3}
        assert told[3] >= CARDS // 2

    def test_server_killed_and_back(self, house, phones, server) -> None:
        server.stand_in.mute_at = CARDS // 4
        self.announce(house, phones)

        def die_halfway() -> None:
            accepted = server.stand_in.stats
            wait_until(lambda: accepted().accepted >= CARDS // 2, "half of them", LONG)
            server.kill()

        death = threading.Thread(target=die_halfway)
        death.start()
        house.run("apple")
        death.join()
        assert 0 < phones.waiting(PushRow) < CARDS
        for _ in range(3):
            house.clock.advance(minutes=2)
            house.run("apple")
        taken = server.stand_in.stats().accepted
        server.stand_in.clear()
        server.start()
        self.deliver(house, phones)
        assert phones.told(server.stand_in).keys() <= {1, 2}
        assert server.stand_in.stats().accepted - taken <= CARDS

    def test_a_mix_of_refusals(self, house, phones, server) -> None:
        """Each phone by its own answer: gone for good, gone before it came back, told later."""
        fail, tokens = server.stand_in.fail, phones.tokens
        now_ms = int(house.clock().timestamp() * 1000)
        gone, back = tokens[0::8], tokens[1::8]
        fail(410, "Unregistered", now_ms + 60_000, tokens=gone)
        fail(410, "Unregistered", now_ms - 60_000, tokens=back)
        fail(429, "TooManyRequests", tokens=tokens[2::8], times=2 * len(tokens[2::8]))
        fail(500, "InternalServerError", tokens=tokens[3::8], times=len(tokens[3::8]))
        fail(503, "ServiceUnavailable", tokens=tokens[4::8], times=3)
        fail(503, "Shutdown", tokens=tokens[5::8], times=1)
        self.announce(house, phones)
        house.run("apple")
        with house.installation.database.reading() as session:
            reasons = set(session.scalars(select(PushRow.last_reason)))
        assert reasons & {"ServiceUnavailable", "Shutdown"}  # everything rests, and says why
        self.deliver(house, phones)
        heard = [server.stand_in.heard(token).count for token in tokens]
        assert {heard[n] for n in range(CARDS) if n % 8 in (0, 1)} == {0}
        assert {heard[n] for n in range(CARDS) if n % 8 > 1} == {1}
        with house.installation.database.reading() as session:
            known = {one.token for one in device_rows.plain(session, KEYS)}
        assert set(tokens) - known == set(gone)

    def test_a_refused_credential_keeps_everything(self, house, phones, server) -> None:
        server.stand_in.fail(403, "BadCertificate", times=2)
        self.announce(house, phones)
        for _ in range(10):  # nobody is asked again before a quarter of an hour is over
            house.run("apple")
            house.clock.advance(minutes=1)
        assert server.stand_in.stats().streams == 1
        assert phones.waiting(PushRow) == CARDS
        house.clock.advance(minutes=20)
        self.deliver(house, phones)
        assert phones.told(server.stand_in) == {1: CARDS}


# Faults of our own processes, which really run


@dataclass
class Service:
    """A worker and a beat at work for these phones."""

    processes: Processes
    phones: Phones
    stand_in: Strange
    google: googles.RunningGoogle

    def __post_init__(self) -> None:
        self.worker = self.processes.start("worker")
        self.processes.start("beat")

    def replace_worker(self, dies_before: tuple[str, int] | None = None) -> None:
        """By one that may be about to die, see `crash.before`."""
        kill(self.worker)
        self.worker = self.processes.start("worker", dies_before=dies_before)

    def require_midway(self) -> None:
        """Some were told, and some were not."""
        told = self.phones.told(self.stand_in)
        assert 0 < told[0] < CARDS, told
        assert self.phones.waiting(PushRow) > 0

    def wait_until_settled(self) -> None:
        wait_until(self.phones.all_is_settled, "every row to be settled", LONG)
        with self.phones.database.reading() as session:
            check_books(session)

    def bring_to_google(self) -> list[str]:
        """Some cards are at Google too, and saved there; their objects."""
        pass_ids = self.phones.pass_ids[:GOOGLE_CARDS]
        with self.phones.database.transaction() as session:
            serials = [session.get_one(Pass, pass_id).serial for pass_id in pass_ids]
            ids = [objects.object_id(SANDBOX_GOOGLE_ISSUER, serial) for serial in serials]
            for pass_id, object_id in zip(pass_ids, ids, strict=True):
                mirror.add(session, pass_id, object_id, right_now(), timedelta())
        self.wait_until_settled()
        for object_id in ids:
            self.google.stand_in.resources.hold(object_id, is_held=True)
        return ids


def right_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def broker_url(redis_url: str) -> str:
    return redis_url.replace("/0", f"/{uuid.uuid4().int % 15 + 1}")


@pytest.fixture
def push_stand_in() -> Strange:
    return Strange()


@pytest.fixture
def service(
    environment: dict[str, str],
    database_url: str,
    broker_url: str,
    pushes: RunningApns,
    google: googles.RunningGoogle,
    tmp_path: Path,
) -> Iterator[Service]:
    database = Database(LedgerSettings(database_url))
    phones = Phones(database)
    phones.come(CARDS, right_now())
    own = {
        "PORT": str(free_ports(5)),
        "WALLET_BROKER_URL": broker_url,
        "WALLET_APNS_URL": pushes.url,
        "WALLET_LEASE_SECONDS": "3",
        "WALLET_BEAT_SECONDS": "0.3",
        **googles.environment_of(google),
    }
    with processes({**environment, **own}, tmp_path) as started:
        yield Service(started, phones, pushes.stand_in, google)
    database.close()


class TestProcesses:
    def test_redis_flushed_midway(self, service: Service, broker_url: str) -> None:
        with redis.Redis.from_url(broker_url) as server:
            with service.stand_in.held_after(CARDS // 2) as midway:
                service.phones.change_all(right_now())
                midway()
                service.require_midway()
                server.flushdb()
            service.phones.change(slice(None), right_now())
            server.flushdb()
            service.wait_until_settled()
        assert service.phones.told(service.stand_in)[0] == 0
        # Once or twice, as the two changes met or did not: never more than there were changes.
        assert service.phones.versions() <= {2, 3}

    def test_worker_killed_again_and_again(self, service: Service) -> None:
        phones, stand_in = service.phones, service.stand_in
        ids = service.bring_to_google()
        for number in range(KILLS):
            service.replace_worker(dies_before=PLACES[number % len(PLACES)])
            phones.change(slice(number, None, KILLS), right_now())
            assert service.worker.wait(LONG) == -signal.SIGKILL
            assert not phones.all_is_settled()
        service.replace_worker()
        service.wait_until_settled()
        assert phones.versions() == {2}  # a card changes once, however often it is told
        told = phones.told(stand_in)
        assert told[0] == 0
        assert max(told) <= 1 + KILLS
        cards = [service.google.stand_in.resources.card(object_id) for object_id in ids]
        assert [card.object_["loyaltyPoints"]["balance"]["int"] for card in cards] == [1] * len(ids)
        assert [len(card.notices) for card in cards] == [1] * len(ids)


class TestABrokerThatGoesAway:
    @pytest.fixture
    def broker_url(self) -> str:
        return f"redis://127.0.0.1:{free_port()}/0"

    def test_broker_down_and_back(self, service: Service, broker_url: str) -> None:
        port = urlsplit(broker_url).port
        with servers.redis(port):
            service.phones.change(slice(0, CARDS // 2), right_now())
            service.wait_until_settled()
        service.phones.change(slice(CARDS // 2, None), right_now())
        time.sleep(DOWN_S)
        assert not service.phones.all_is_settled()
        with servers.redis(port):
            service.wait_until_settled()
        assert service.phones.told(service.stand_in)[0] == 0
        assert service.phones.versions() == {2}


class TestADatabaseThatFalls:
    @pytest.fixture
    def database_server(self) -> Iterator[servers.Postgres]:
        with servers.postgres() as server:
            yield server

    @pytest.fixture
    def database_url(self, database_server: servers.Postgres) -> str:
        url = database_server.url("postgres")
        database = Database(LedgerSettings(url))
        migrations.upgrade(database.engine)
        with database.transaction() as session:
            demo.ensure(session, right_now())
        database.close()
        return url

    def test_database_crashed_twice(
        self, service: Service, database_server: servers.Postgres
    ) -> None:
        service.phones.change_all(right_now())
        for _ in range(2):
            with service.stand_in.held_after(CARDS // 4) as midway:
                midway()
                service.require_midway()
                service.phones.database.engine.dispose()
                database_server.restart()
        service.wait_until_settled()
        assert service.phones.told(service.stand_in)[0] == 0
        assert service.phones.versions() == {2}
