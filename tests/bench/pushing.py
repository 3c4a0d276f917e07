"""How quickly pushes go out, against h2load asking the same server in the same minute: the sender
alone, with answers at once and after 50 ms; and 100,000 rows from due to answered and recorded, by
one process on PostgreSQL. Then how soon one accrual is heard of, on its own and while those rows
drain, and whether a push costs more where a million phones are registered.

Rates of a busy machine mean nothing by themselves; what is compared runs by turns."""

import logging
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import device_rows
import fast_apns
import servers
import structlog
from fast_apns import FastApns
from servers import Postgres
from sqlalchemy import text

from ledger import enrolment
from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.apple import devices
from wallet.apple.provider import AppleProvider
from wallet.apple.push import Apns, Credential
from wallet.configuration.clock import system_clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.passes import issued, issuing
from wallet.running import relay
from wallet.running.garbage import spare_what_stays
from wallet.running.pumps import Pump
from wallet.sandbox import certificates, demo

# For a machine with no time: `KOPILKA_BENCH_SHARE=0.1` takes a tenth of everything.
SHARE = float(os.environ.get("KOPILKA_BENCH_SHARE", "1"))

ROUNDS = 3
PUSHES = int(20_000 * SHARE)
ROWS = int(100_000 * SHARE)
SLOW_MS = 50
ACCRUALS = 60
FEW, MANY = int(10_000 * SHARE), int(1_000_000 * SHARE)
PART = FEW  # made due at a time, spread over all
PASS_TYPE = certificates.SANDBOX_PASS_TYPE
KEYS = KeyRing(("a-key-for-the-benchmarks",))


def measure() -> dict[str, float]:
    """Ratios to h2load (`sender`, `sender_slow`, `drain`), milliseconds (`idle_p50_ms`,
    `idle_p99_ms`, `busy_p50_ms`, `busy_p99_ms`); `counted_empty`: the cost of the drain after
    PostgreSQL counted the queue while it was empty to that before; and `registrations`: the cost of
    a push among a million of them to that among 10,000."""
    with _house() as house:
        found = _sender(house)
        _fill(house.database, ROWS)
        for part in (_drain, _waiting, _registrations):
            found |= part(house)
        return found


@dataclass
class House:
    server: Postgres
    database: Database
    provider: AppleProvider
    sender: Apns
    apns: FastApns

    @contextmanager
    def beside(self, name: str) -> Iterator["House"]:
        """Another database on the same server, and the same everything else."""
        self.server.execute(f"CREATE DATABASE {name}")
        with _open(self.server, name, self.sender, self.apns) as house:
            yield house

    def deliver(self) -> None:
        while self.provider.deliver(system_clock):
            pass


@contextmanager
def _house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as name, servers.postgres() as server:
        folder = Path(name)
        certificates.ensure_chain(folder, system_clock())
        place = folder / PASS_TYPE
        credential = Credential(PASS_TYPE, place / "pass.pem", place / "pass.key")
        with fast_apns.serving(folder, PASS_TYPE) as apns:
            sender = Apns(apns.url, folder / "root.pem", credential)
            with _open(server, "postgres", sender, apns) as house:
                spare_what_stays()  # as a worker does
                yield house
            sender.close()


@contextmanager
def _open(server: Postgres, name: str, sender: Apns, apns: FastApns) -> Iterator[House]:
    database = Database(LedgerSettings(server.url(name)))
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        demo.ensure(session, system_clock())
    lease, senders = timedelta(seconds=60), {PASS_TYPE: sender}
    provider = AppleProvider(database, senders, KEYS, "https://cards.example", lease)
    yield House(server, database, provider, sender, apns)
    database.close()


def _fill(database: Database, phones: int) -> None:
    """So many phones, each with a pass of the one member's programme: what a push looks at, and
    no more."""
    with database.transaction() as session:
        known = session.scalar(text("SELECT count(*) FROM apple_device")) or 0
        if not known:
            programme = programmes.by_code(session, DEMO)
            member = enrolment.join(session, programme, Profile(), system_clock()).member
            issuing.issue(session, member, PASS_TYPE, KEYS, system_clock())
        session.execute(text("ALTER TABLE apple_registration DISABLE TRIGGER ALL"))
        numbers = {"first": known + 1, "last": phones}
        added = ((n, f"{n:032x}", _token(n)) for n in range(known + 1, phones + 1))
        device_rows.fill(session, KEYS, added, PASS_TYPE)
        session.execute(
            text(
                "INSERT INTO apple_registration (device_id, pass_id, created_at)"
                " SELECT n, n, now() FROM generate_series(CAST(:first AS bigint), :last) n"
            ),
            numbers,
        )
    _analyse(database)


def _token(number: int) -> str:
    return f"{number:064x}"


def _analyse(database: Database, table: str = "") -> None:
    """Have PostgreSQL count its rows."""
    with database.engine.connect().execution_options(begin="") as connection:
        connection.execute(text(f"ANALYZE {table}"))


def _make_due(database: Database, pass_ids: Sequence[int]) -> None:
    for start in range(0, len(pass_ids), 500):
        with database.transaction() as session:
            devices.make_due(session, pass_ids[start : start + 500], system_clock())


def _sender(house: House) -> dict[str, float]:
    tokens = [secrets.token_hex(32) for _ in range(PUSHES)]
    house.sender.push(tokens[:10], datetime.now(UTC))
    found = {}
    for name, milliseconds in (("sender", 0), ("sender_slow", SLOW_MS)):
        house.apns.answer_after(milliseconds)
        found[name] = statistics.median(_ratio(house, tokens) for _ in range(ROUNDS))
    house.apns.answer_after(0)
    return found


def _ratio(house: House, tokens: Sequence[str]) -> float:
    """The measure stands on both sides of what is measured."""
    before = house.apns.h2load(len(tokens))
    begun = time.perf_counter()
    house.sender.push(tokens, datetime.now(UTC))
    took = time.perf_counter() - begun
    return (before + house.apns.h2load(len(tokens))) / 2 / took


def _drain(house: House) -> dict[str, float]:
    drained = [_drained(house) for _ in range(ROUNDS)]
    _analyse(house.database, "apple_push")
    counted_empty = [_drained(house) for _ in range(ROUNDS)]
    ratio = statistics.median(ratio for ratio, _ in drained)
    return {
        "drain": ratio,
        "drain_s": statistics.median(seconds for _, seconds in drained),
        "counted_empty": ratio / statistics.median(ratio for ratio, _ in counted_empty),
    }


def _drained(house: House) -> tuple[float, float]:
    """Ratio to h2load, which runs on both sides of it, and seconds."""
    _make_due(house.database, range(1, ROWS + 1))
    accepted = house.apns.accepted()
    before = house.apns.h2load(ROWS)
    begun = time.perf_counter()
    house.deliver()
    took = time.perf_counter() - begun
    after = house.apns.h2load(ROWS)
    assert house.apns.accepted() - accepted == 3 * ROWS
    return (before + after) / 2 / took, took


def _waiting(house: House) -> dict[str, float]:
    """From the commit of an accrual to the answer to its push, by the pumps themselves: relay and
    sender, woken by the commit as the waker wakes them."""
    idle = _heard_after(house)
    _make_due(house.database, range(2, ROWS + 1))
    drain = threading.Thread(target=house.deliver)
    drain.start()
    busy = _heard_after(house, drain)
    drain.join()
    return {
        "idle_p50_ms": _quantile(idle, 0.5),
        "idle_p99_ms": _quantile(idle, 0.99),
        "busy_p50_ms": _quantile(busy, 0.5),
        "busy_p99_ms": _quantile(busy, 0.99),
    }


def _heard_after(house: House, drain: threading.Thread | None = None) -> list[float]:
    """Milliseconds for each of some accruals; as many as fit in while the others drain."""
    token = _token(1)
    heard = threading.Event()
    push = house.sender.push

    def noticed(tokens: Sequence[str], now: datetime) -> list[object]:
        outcomes = push(tokens, now)
        if token in tokens:
            heard.set()
        return outcomes  # type: ignore[return-value]

    pump = Pump(lambda: house.provider.deliver(system_clock))
    house.sender.push = noticed  # type: ignore[assignment, method-assign]
    found: list[float] = []
    try:
        while len(found) < ACCRUALS and (drain is None or drain.is_alive()):
            heard.clear()
            with house.database.transaction() as session:
                programme = programmes.by_code(session, DEMO)
                (pass_id,) = issued.in_programme(session, programme.id, 0, 1)
                member_id = session.get_one(issued.Pass, pass_id).member_id
                accruals.grant(
                    session, session.get_one(Member, member_id), Grant(1), system_clock()
                )
            begun = time.perf_counter()
            relay.relay(house.database, [house.provider.make_due], system_clock())
            if drain is None:
                pump.run()
            if heard.wait(30):
                found.append(1000 * (time.perf_counter() - begun))
    finally:
        house.sender.push = push  # type: ignore[method-assign]
    return found


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def _registrations(house: House) -> dict[str, float]:
    """A part of all, among the many and among the few, turn about."""
    _fill(house.database, MANY)
    with house.beside("few") as few:
        _fill(few.database, FEW)
        ratios = []
        for _ in range(1 + 2 * ROUNDS):
            among_many = _part(house, range(1, MANY + 1, MANY // PART))
            ratios.append(among_many / _part(few, range(1, PART + 1)))
    return {"registrations": statistics.median(ratios[1:])}  # the first one warms up


def _part(house: House, pass_ids: Sequence[int]) -> float:
    """In units of what h2load takes for as many just before."""
    measure = house.apns.h2load(len(pass_ids))
    begun = time.perf_counter()
    _make_due(house.database, pass_ids)
    house.deliver()
    return (time.perf_counter() - begun) / measure


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name, figure in measure().items():
        sys.stdout.write(f"{name:20} {figure:10.3f}\n")
