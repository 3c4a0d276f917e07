"""How quickly one process delivers and records events, against h2load posting as large a body to
the same receiver over as many connections in the same minute. The receiver speaks plain HTTP/1.1
and does nothing; PostgreSQL keeps the log."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import servers
from sqlalchemy import func, insert, select, text, update

from ledger.database.engine import Database
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.access import grants
from wallet.access.changes import Author
from wallet.configuration.clock import system_clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.happenings import ListeningRow
from wallet.receivers import receivers
from wallet.receivers.addresses import Allowed
from wallet.receivers.calling import Poster
from wallet.receivers.delivery import WINDOW, EventSender
from wallet.receivers.log import Attempt, LoggedEvent
from wallet.receivers.receivers import Receiver, ReceiverTerms
from wallet.sandbox import demo

BY = grants.operator(Author("command", "wallet test"))

SHARE = float(os.environ.get("KOPILKA_BENCH_SHARE", "1"))
ROUNDS = 3
EVENTS = int(20_000 * SHARE)
HERE = Allowed((ip_network("127.0.0.0/8"),))
DATA = {
    "member": "01a20f22-e6c7-77b8-8c9e-bf842686aa7e",
    "posting": "01a20f22-e854-7493-982b-a92daf507b36",
    "unit": "points",
    "points": 100,
    "balance_after": 350,
    "debt_change": 0,
    "receipt": "1001",
    "store": "centre",
    "promotion": None,
    "reverses": None,
    "occurred_at": "2026-11-25T09:29:58Z",
}


def measure() -> dict[str, float]:
    """`events_out`: events delivered and recorded a second to h2load's requests a second."""
    with _house() as house:
        ratios, rates = [], []
        base = _h2load(house.port)
        for _ in range(ROUNDS):
            rates.append(_rate(house))
            after = _h2load(house.port)
            ratios.append(rates[-1] / ((base + after) / 2))
            base = after
    return {
        "events_out": statistics.median(ratios),
        "events_out_rate": statistics.median(rates),
        "events_out_h2load": base,
    }


@dataclass
class House:
    database: Database
    sender: EventSender
    port: int


@contextmanager
def _house() -> Iterator[House]:
    keys = KeyRing(("a-key-for-the-benchmarks",))
    with servers.postgres() as server, _receiver() as port:
        database = Database(LedgerSettings(server.url("postgres")))
        migrations.upgrade(database.engine)
        with database.transaction() as session:
            now = system_clock()
            demo.ensure(session, now)
            terms = ReceiverTerms("bench", f"http://127.0.0.1:{port}/hook")
            receivers.add(session, keys, HERE, terms, BY, now)
            programme_id = programmes.by_code(session, DEMO).id
            first = session.scalars(select(ListeningRow.last_event)).one() + 1
            rows = [
                {
                    "id": first + number,
                    "type": "points.accrued",
                    "programme_id": programme_id,
                    "data": DATA,
                    "happened_at": now,
                }
                for number in range(EVENTS)
            ]
            session.execute(insert(LoggedEvent), rows)
            session.execute(update(ListeningRow).values(last_event=first + EVENTS - 1))
        sender = EventSender(database, keys, partial(Poster, HERE), timedelta(seconds=60))
        yield House(database, sender, port)
        sender.close()
        database.close()


@contextmanager
def _receiver() -> Iterator[int]:
    port = servers.free_port()
    script = Path(__file__).with_name("plain_receiver.py")
    process = subprocess.Popen([sys.executable, script, str(port)])
    try:
        servers._wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close())
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _rate(house: House) -> float:
    """Deliver all events once, and return how many a second that were."""
    with house.database.transaction() as session:
        session.execute(text("TRUNCATE wallet_event_attempt"))
        session.execute(update(Receiver).values(position=0))
    began = time.monotonic()
    while house.sender.deliver(system_clock):
        pass
    took = time.monotonic() - began
    with house.database.reading() as session:
        recorded = session.scalar(select(func.count()).where(Attempt.problem.is_(None)))
    assert recorded == EVENTS, f"{recorded} of {EVENTS} were recorded"
    return EVENTS / took


def _h2load(port: int) -> float:
    """Requests a second of h2load with a body of the same size."""
    found = shutil.which("h2load")
    assert found, "h2load is missing (Debian: apt-get install nghttp2-client)"
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"x" * 420)
        body.flush()
        command = [found, "--h1", "-n", str(EVENTS), "-c", str(WINDOW), "-d", body.name]
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/hook"], capture_output=True, text=True, check=True
        ).stdout
    line = next(line for line in said.splitlines() if line.startswith("finished in"))
    return float(line.split(",")[1].split()[0])


if __name__ == "__main__":
    sys.stdout.write(f"{measure()}\n")
