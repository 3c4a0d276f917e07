"""The bank check, after Jepsen's: many clients move points at random through the service while its
processes and its database are killed. In the end every account must stand where the clients' own
records say, and the book must hold everything that was acknowledged, once.

Half of the members are families: they share accounts and stop sharing them, and some are merged
meanwhile; a family is judged as one.

`make bank` does it in full on both databases and prints the figures; a short one is among the
tests."""

import contextlib
import itertools
import json
import os
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import requests
import servers
from processes import Processes, answers, kill, processes, wait_until
from servers import Postgres, free_ports
from sqlalchemy import select

from ledger.book import audit
from ledger.book.holds import Hold as HoldRow
from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.configuration.keyring import KeyRing
from wallet.passes import issuing, templates
from wallet.sandbox import certificates

KEY = "bank-key-of-thirty-two-characters"
KEY_RING = "bank-secret-of-thirty-two-characters"
CARD_TYPE = "pass.sandbox.loyalty"
OPENING = 1_000  # points that each member begins with
PATIENCE_S = 120.0  # how long a client repeats a request that gets no answer
SHORT_HOLD_S = 2
# Time alone makes these postings, or a merge, whose answer does not name its posting: no client got
# an id of them.
BY_TIME = ("expiry", "repayment", "opening", "merge")
FAMILY = 3  # members
MERGES_OF_TEN = 1  # of ten merges that a client may make, so many are made: they cannot be undone


@dataclass(frozen=True)
class Size:
    """How much is done, and how often something is killed."""

    clients: int
    operations: int
    members: int
    kills: int
    restarts: int


SHORT = {
    "postgresql": Size(clients=12, operations=40, members=12, kills=3, restarts=1),
    "sqlite": Size(clients=8, operations=40, members=12, kills=3, restarts=0),
}
FULL = {
    "postgresql": Size(clients=64, operations=500, members=100, kills=20, restarts=2),
    "sqlite": Size(clients=16, operations=250, members=40, kills=20, restarts=0),
}


@dataclass(frozen=True)
class Deed:
    """A request, its key, and the answer that was final. `moved`: how it changed members' points;
    points that a member owes count as negative."""

    path: str
    body: dict[str, Any]
    key: str
    status: int
    answer: dict[str, Any]
    tries: int
    moved: dict[str, int] = field(default_factory=dict)


@dataclass
class Hold:
    id: str
    member: str
    points: int
    ends_at: float
    state: str = "open"


class Client(threading.Thread):
    """One till: deeds at random, each repeated under its key until it is answered."""

    def __init__(
        self,
        number: int,
        url: str,
        members: list[str],
        operations: int,
        families: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.deeds: list[Deed] = []
        self.holds: list[Hold] = []
        self.trouble: list[str] = []
        self._postings: list[tuple[str, str, int, dict[str, int]]] = []
        self._url, self._members, self._operations = url, members, operations
        self._families = families
        self._random = Random(number)  # noqa: S311 - repeatable on purpose
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {KEY}"

    def run(self) -> None:
        deeds = (
            [self.accrue] * 4
            + [self.redeem] * 4
            + [self.transfer] * 3
            + [self.hold] * 3
            + [self.capture] * 2
            + [self.release]
            + [self.reverse] * 2
            + [self.join, self.leave, self.merge] * bool(self._families)
        )
        while len(self.deeds) < self._operations and not self.trouble:
            try:
                self._random.choice(deeds)()
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")

    # --- what a till does ---

    def accrue(self) -> None:
        member, points = self._member(), self._random.randint(1, 50)
        self._move("accruals", {"member": member, "points": points}, {member: points})

    def redeem(self) -> None:
        member, points = self._member(), self._random.randint(1, 60)
        self._move("redemptions", {"member": member, "points": points}, {member: -points})

    def transfer(self) -> None:
        giver, taker = self._random.sample(self._members, 2)
        points = self._random.randint(1, 40)
        body = {"from": {"member": giver}, "to": {"member": taker}, "points": points}
        self._move("transfers", body, {giver: -points, taker: points})

    def hold(self) -> None:
        member, points = self._member(), self._random.randint(1, 40)
        lasts = self._random.choice([SHORT_HOLD_S, 3_600])
        body = {"member": member, "points": points, "lasts_seconds": lasts}
        deed = self._ask("holds", body, {})
        if deed.status == 201:
            ends_at = datetime.fromisoformat(deed.answer["expires_at"]).timestamp()
            self.holds.append(Hold(deed.answer["id"], member, points, ends_at))

    def capture(self) -> None:
        hold = self._open_hold()
        if hold is None:
            return
        points = self._random.choice([hold.points, self._random.randint(1, hold.points)])
        deed = self._move(f"holds/{hold.id}/capture", {"points": points}, {hold.member: -points})
        hold.state = "captured" if deed.status == 201 else "over"

    def release(self) -> None:
        hold = self._open_hold()
        if hold is not None:
            deed = self._ask(f"holds/{hold.id}/release", None, {})
            hold.state = "released" if deed.status == 201 else "over"

    def reverse(self) -> None:
        if not self._postings:
            return
        at = self._random.randrange(len(self._postings))
        posting, kind, left, moved = self._postings[at]
        points = left if kind == "transfers" else self._random.randint(1, left)
        back = {member: -(points if change > 0 else -points) for member, change in moved.items()}
        deed = self._ask(f"postings/{posting}/reverse", {"points": points}, back)
        if deed.status == 201:
            left -= points
        if deed.status == 201 and left:
            self._postings[at] = (posting, kind, left, moved)
        else:
            del self._postings[at]

    def join(self) -> None:
        member, head = self._random.sample(self._random.choice(self._families), 2)
        self._ask(f"members/{member}/household", {"head": head}, {})

    def leave(self) -> None:
        member = self._random.choice(self._random.choice(self._families))
        self._ask(f"members/{member}/household/leave", None, {})

    def merge(self) -> None:
        if self._random.randrange(10) < MERGES_OF_TEN:
            member, into = self._random.sample(self._random.choice(self._families), 2)
            self._ask(f"members/{member}/merge", {"into": into}, {})

    # --- how ---

    def _move(self, path: str, body: dict[str, Any], moved: dict[str, int]) -> Deed:
        deed = self._ask(path, body, moved)
        if deed.status == 201:
            points = abs(next(iter(moved.values())))
            self._postings.append((deed.answer["id"], path, points, moved))
        return deed

    def _ask(self, path: str, body: dict[str, Any] | None, moved: dict[str, int]) -> Deed:
        key, tries = uuid.UUID(int=self._random.getrandbits(128)).hex, 0
        deadline = time.monotonic() + PATIENCE_S
        while True:
            tries += 1
            answer = self.post(path, body, key)
            if answer is not None and answer.status_code < 500:
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} was not answered in {PATIENCE_S} s")
            time.sleep(self._random.uniform(0.05, 0.3))
        if answer.status_code not in (201, 404, 409, 422):
            raise AssertionError(f"{path}: {answer.status_code} {answer.text[:200]}")
        done = answer.status_code == 201
        told = answer.json()
        deed = Deed(path, body or {}, key, answer.status_code, told, tries, moved if done else {})
        self.deeds.append(deed)
        return deed

    def post(self, path: str, body: dict[str, Any] | None, key: str) -> requests.Response | None:
        """Send a request; None if no answer came, or only a part of it."""
        try:
            return self._session.post(
                f"{self._url}/api/v1/{path}",
                json=body,
                headers={"Idempotency-Key": key},
                timeout=20,
            )
        except requests.RequestException:
            return None

    def _member(self) -> str:
        return self._random.choice(self._members)

    def _open_hold(self) -> Hold | None:
        found = [hold for hold in self.holds if hold.state == "open"]
        return self._random.choice(found) if found else None


@dataclass
class Bank:
    """The service under test. `start` begins its processes, `names` are those that are killed."""

    service: Processes
    database_url: str
    names: tuple[str, ...]
    server: Postgres | None
    running: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.service.environment["WALLET_PUBLIC_URL"]

    def start(self, *names: str) -> None:
        for name in names or self.names:
            self.running[name] = self.service.start(name)
        self.wait()

    def wait(self) -> None:
        wait_until(lambda: answers(f"{self.url}/readyz"), "the web process", 120)

    def kill(self, name: str) -> None:
        kill(self.running[name])
        self.start(name)

    def restart_database(self) -> None:
        assert self.server is not None
        self.server.restart()
        self.wait()

    def members(self, count: int) -> list[str]:
        database, now = Database(LedgerSettings(self.database_url)), datetime.now(UTC)
        keys = KeyRing((KEY_RING,))
        with database.transaction() as session:
            club = programmes.create(session, Terms("bank", "Bank", overdrawn="debt"), now)
            templates.store(session, club.id, templates.standard(club.name), {}, now)
            people = [Profile(name=f"M{number}") for number in range(count)]
            cards = [issuing.join(session, club, one, CARD_TYPE, keys, now) for one in people]
            found = [session.get_one(Member, card.member_id).public_id for card in cards]
        database.close()
        return found


@contextlib.contextmanager
def on_postgres(folder: Path) -> Iterator[Bank]:
    """Web, worker and beat as processes of their own, over PostgreSQL and Redis."""
    with servers.postgres() as server, servers.redis() as redis_url:
        server.execute("CREATE DATABASE bank")
        own = {"WALLET_BROKER_URL": redis_url, "WEB_CONCURRENCY": "2"}
        with _service(folder, server.url("bank"), own) as service:
            yield Bank(service, server.url("bank"), ("web", "worker", "beat"), server)


@contextlib.contextmanager
def on_sqlite(folder: Path) -> Iterator[Bank]:
    """One process with everything in it, as SQLite has it."""
    url = f"sqlite:///{folder / 'bank.db'}"
    with _service(folder, url, {}) as service:
        yield Bank(service, url, ("web",), None)


BANKS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Bank]]] = {
    "sqlite": on_sqlite,
    "postgresql": on_postgres,
}


@contextlib.contextmanager
def _service(folder: Path, database_url: str, own: dict[str, str]) -> Iterator[Processes]:
    database = Database(LedgerSettings(database_url))
    migrations.upgrade(database.engine)
    database.close()
    certificates.ensure_chain(folder / "certs", datetime.now(UTC))
    port = free_ports(5)
    environment = {
        "PORT": str(port),
        "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WALLET_DATA": str(folder),
        "WALLET_DATABASE_URL": database_url,
        "WALLET_APPLE_CERTS": str(folder / "certs"),
        "WALLET_APNS_URL": "https://127.0.0.1:9",
        "WALLET_API_KEY": KEY,
        "WALLET_SECRET_KEY": KEY_RING,
        "WALLET_RATE_LIMITS": "api=1000000/second",
        "WALLET_BEAT_SECONDS": "1",
        "WALLET_LEASE_SECONDS": "5",
    }
    with processes({**environment, **own}, folder) as service:
        yield service


# --- the check -------------------------------------------------------------------------------


def check(bank: Bank, size: Size) -> dict[str, float]:
    """Run the check, judge it, and return the figures. Raises AssertionError with all that is
    wrong."""
    members = bank.members(size.members)
    bank.start()
    last = len(members) // 2
    families = [members[at : at + FAMILY] for at in range(0, last - FAMILY + 1, FAMILY)]
    clients = [
        Client(number, bank.url, members, size.operations, families)
        for number in range(size.clients)
    ]
    opener = Client(size.clients, bank.url, members, 0)
    for member in members:
        opener._move("accruals", {"member": member, "points": OPENING}, {member: OPENING})
    began = time.monotonic()
    for client in clients:
        client.start()
    _make_trouble(bank, size, clients)
    for client in clients:
        client.join()
    seconds = time.monotonic() - began
    everybody = [opener, *clients]
    wrong = [trouble for client in everybody for trouble in client.trouble]
    wrong += _repeated(bank, everybody)
    time.sleep(SHORT_HOLD_S)
    _wait_for_holds(bank)
    singles = [[one] for one in members[sum(map(len, families)) :]]
    wrong += _judged(bank, everybody, [*families, *singles])
    for command in (("ledger", "check"), ("ledger", "verify")):
        done = bank.service.start(*command)
        if done.wait(300) != 0:
            wrong.append(f"wallet {' '.join(command)}: {bank.service.log_of('ledger')[-500:]}")
    assert not wrong, "\n".join(wrong[:20])
    deeds = [deed for client in everybody for deed in client.deeds]
    return {
        "operations": len(deeds),
        "acknowledged": sum(deed.status == 201 for deed in deeds),
        "refused": sum(deed.status != 201 for deed in deeds),
        "repeated": sum(deed.tries > 1 for deed in deeds),
        "kills": size.kills,
        "restarts": size.restarts,
        "seconds": round(seconds, 1),
    }


def _make_trouble(bank: Bank, size: Size, clients: list[Client]) -> None:
    """Kill and restart processes, spread evenly over the operations, however long these take."""
    total = size.clients * size.operations
    events: list[Callable[[], None]] = [
        partial(bank.kill, name)
        for name, _ in zip(itertools.cycle(bank.names[:2]), range(size.kills), strict=False)
    ]
    for number in range(size.restarts):
        events.insert((number + 1) * len(events) // (size.restarts + 1), bank.restart_database)
    for number, event in enumerate(events, 1):
        mark = total * number // (len(events) + 1)
        while sum(len(client.deeds) for client in clients) < mark and any(
            client.is_alive() for client in clients
        ):
            time.sleep(0.02)
        event()


def _repeated(bank: Bank, clients: list[Client]) -> list[str]:
    """Send a tenth of what was acknowledged again: the answers must be the same. Returns those that
    are not."""
    wrong = []
    for client in clients:
        for deed in client.deeds[::10]:
            if deed.status == 201:
                again = client.post(deed.path, deed.body or None, deed.key)
                if again is None or (again.status_code, again.json()) != (201, deed.answer):
                    said = None if again is None else again.text[:200]
                    wrong.append(f"answered in another way when repeated: {deed.path}: {said}")
    return wrong


def _wait_for_holds(bank: Bank) -> None:
    """Wait until the pump has released, by itself, all holds whose time is over."""
    database = Database(LedgerSettings(bank.database_url))

    def none_is_over() -> bool:
        over = select(HoldRow.id).where(
            HoldRow.state == "open", HoldRow.expires_at <= datetime.now(UTC)
        )
        with database.reading() as session:
            return session.scalar(over) is None

    wait_until(none_is_over, "the holds whose time is over", 60)
    database.close()


def _judged(bank: Bank, clients: list[Client], groups: Sequence[Sequence[str]]) -> list[str]:
    """Compare what the clients know with what the service and the book say."""
    wrong = []
    deeds = [deed for client in clients for deed in client.deeds]
    expected: Counter[str] = Counter()
    for deed in deeds:
        for member, change in deed.moved.items():
            expected[member] += change
    held: Counter[str] = Counter()
    for client in clients:
        for hold in client.holds:
            if hold.state == "open" and hold.ends_at > time.time():
                held[hold.member] += hold.points
    teller = clients[0]
    shared = _use_others(bank)
    for group in groups:
        wrong += _accounts(
            bank,
            teller,
            [one for one in group if one not in shared],
            sum(expected[one] for one in group),
            sum(held[one] for one in group),
        )
    wrong += _book(bank, deeds)
    return wrong


def _use_others(bank: Bank) -> set[str]:
    """Members who use another member's account."""
    database = Database(LedgerSettings(bank.database_url))
    with database.reading() as session:
        found = session.scalars(select(Member.public_id).where(Member.household_id.is_not(None)))
        shared = set(found)
    database.close()
    return shared


def _accounts(
    bank: Bank, teller: Client, members: Sequence[str], expected: int, held: int
) -> list[str]:
    """The accounts of a member or of a family."""
    wrong: list[str] = []
    sums: Counter[str] = Counter()
    for member in members:
        answer = teller._session.get(f"{bank.url}/api/v1/members/{member}/balances", timeout=20)
        [balance] = answer.json()["items"]
        counts = {name: balance[name] for name in ("available", "pending", "held", "debt")}
        wrong += [f"{member}: {name} is {count}" for name, count in counts.items() if count < 0]
        sums.update(counts, total=balance["total"])
    if sums["total"] - sums["debt"] != expected:
        wrong.append(f"{members}: {sums} is not the {expected} of the clients' records")
    if sums["held"] != held:
        wrong.append(f"{members}: {sums['held']} held, {held} by the clients' records")
    return wrong


def _book(bank: Bank, deeds: list[Deed]) -> list[str]:
    acknowledged = Counter(deed.answer["id"] for deed in deeds if deed.moved)
    database = Database(LedgerSettings(bank.database_url))
    with database.reading() as session:
        kept = Counter(
            session.scalars(select(Posting.public_id).where(Posting.kind.not_in(BY_TIME)))
        )
        broken = audit.check(session)
    database.close()
    return [
        *(f"acknowledged and lost: {one}" for one in acknowledged - kept),
        *(f"in the book and acknowledged to nobody: {one}" for one in kept - acknowledged),
        *(f"rule broken: {one}" for one in broken),
    ]


def main() -> int:
    names = sys.argv[1:] or ["sqlite", "postgresql"]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="kopilka-bank-") as folder:
            Path(folder).chmod(0o755)
            with BANKS[name](Path(folder)) as bank:
                figures = check(bank, FULL[name])
        sys.stdout.write(f"{name}: {json.dumps(figures)}\n")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
