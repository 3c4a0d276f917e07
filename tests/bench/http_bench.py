"""An accrual as an integration sends it: a key that is checked, JSON that is validated, an answer
that is kept for its Idempotency-Key; two web processes on PostgreSQL. Against pgbench doing the
bare posting as one statement on the same server in the same minute.

Whoever sends the requests runs on the same processors, as little as it does."""

import json
import os
import socket
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import ledger_bench
import servers
from ledger_bench import PGBENCH_ONE, ROUNDS, SECONDS
from processes import answers, processes, wait_until
from sqlalchemy import select

from ledger import enrolment
from ledger.database.engine import Database
from ledger.people.cards import Card
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.settings import LedgerSettings
from wallet.sandbox import certificates

KEY = "bench-key-of-thirty-two-characters"
HEAD = (
    b"POST /api/v1/accruals HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
    + KEY.encode()
    + b"\r\nContent-Type: application/json\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n"
)
CONNECTIONS = 8
MEMBERS = 1_000


def measure() -> dict[str, float]:
    """The ratio, by name."""
    with servers.postgres(durable=True) as server, servers.redis() as redis_url:
        bare = ledger_bench.house(server, "bare", programmes_count=1)
        server.execute("CREATE DATABASE served")
        cards = _members(server.url("served"))
        with _served(server.url("served"), redis_url) as port:
            bases, rates = [ledger_bench.pgbench(bare, PGBENCH_ONE, CONNECTIONS)], []
            for _ in range(ROUNDS):
                rates.append(_rate(port, cards))
                bases.append(ledger_bench.pgbench(bare, PGBENCH_ONE, CONNECTIONS))
    ratios = [
        rate / ((before + after) / 2)
        for rate, (before, after) in zip(rates, pairwise(bases), strict=True)
    ]
    return {"http_accrual": statistics.median(ratios), "http_accruals_s": statistics.median(rates)}


def _members(url: str) -> list[str]:
    database, now = Database(LedgerSettings(url)), datetime.now(UTC)
    ledger_bench.migrations.upgrade(database.engine)
    with database.transaction() as session:
        club = programmes.create(session, Terms("club", "Club"), now)
        for number in range(MEMBERS):
            enrolment.join(session, club, Profile(name=f"Member {number}"), now)
        cards = list(session.scalars(select(Card.number)))
    database.close()
    return cards


@contextmanager
def _served(database_url: str, redis_url: str) -> Iterator[int]:
    """Web processes alone: what workers do afterwards is measured elsewhere."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), servers.free_port()
        certificates.ensure_chain(folder / "certs", datetime.now(UTC))
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": name,
            "WALLET_DATABASE_URL": database_url,
            "WALLET_BROKER_URL": redis_url,
            "WALLET_APPLE_CERTS": str(folder / "certs"),
            "WALLET_APNS_URL": "https://127.0.0.1:9",
            "WALLET_API_KEY": KEY,
            "WALLET_SECRET_KEY": "bench-secret-of-thirty-two-characters",
            "WALLET_RATE_LIMITS": "api=100000/second",
            "WEB_CONCURRENCY": "2",
        }
        with processes(environment, folder) as started:
            started.start("web")
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the web to answer")
            yield port


def _rate(port: int, cards: list[str]) -> float:
    """Accruals a second over connections that stay open."""
    counts = [0] * CONNECTIONS
    started = time.perf_counter()
    end = started + SECONDS

    def work(number: int) -> None:
        random = Random(number)  # noqa: S311 - any member will do
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end:
                _accrue(connection, random.choice(cards))
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def _accrue(connection: socket.socket, card: str) -> None:
    """Written and read by hand: what a client of the library's costs, the server would lack."""
    body = json.dumps({"card": card, "points": 7, "receipt": os.urandom(4).hex()}).encode()
    head = HEAD % (uuid.uuid4().hex.encode(), len(body))
    connection.sendall(head + body)
    told = b""
    while not _is_whole(told):
        part = connection.recv(65_536)
        if not part:
            break
        told += part
    if not told.startswith(b"HTTP/1.1 201 "):
        raise AssertionError(told)


def _is_whole(told: bytes) -> bool:
    head, found, body = told.partition(b"\r\n\r\n")
    if not found:
        return False
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)
