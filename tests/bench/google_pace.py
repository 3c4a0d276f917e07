"""How soon many cards are written at Google: call by call, as the pump does, and as batches.

Run by hand, `.venv/bin/python tests/bench/google_pace.py`; what came of it is in docs/decisions.
Both keep to the budget of twenty a second, in which the calls inside a batch count too. The batch
here is the least that could work, with none of the care for answers that get lost: what it takes is
what batches could take at best."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import orjson
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1] / "kit"))

import googles

from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet import migrations
from wallet.configuration import settings
from wallet.configuration.clock import system_clock
from wallet.configuration.settings import DEMO, SANDBOX_GOOGLE_ISSUER
from wallet.google import budget, mirror, objects
from wallet.google.mirror import DueRow, GoogleObject
from wallet.google.provider import BATCH, GoogleProvider
from wallet.installation import Installation
from wallet.passes import issuing
from wallet.running.assembly import connect
from wallet.sandbox import certificates, demo
from wallet.sandbox.google import CallFault, RunningGoogle

CARDS = 200
ANSWER_TIMES_S = (0.05, 0.15, 0.3)
LEASE = timedelta(seconds=60)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, googles.stood_in(Path(folder) / "g") as google:
        installation = house(Path(folder), google)
        provider = installation.google
        assert provider is not None
        prepare(installation)
        sys.stdout.write(f"{CARDS} cards{'':12}seconds  a second  requests  processor seconds\n")
        for answer_s in ANSWER_TIMES_S:
            for name, step in (("calls", calls), ("batches", batches)):
                google.stand_in.faults.clear()
                google.stand_in.faults.order(CallFault("slow", "/", delay_s=answer_s))
                measured = drain(installation, provider, google, step)
                sys.stdout.write(f"{answer_s * 1000:4.0f} ms, {name:10} {measured}\n")


def house(folder: Path, google: RunningGoogle) -> Installation:
    certificates.ensure_chain(folder / "certs", system_clock())
    environment = {
        "WALLET_DATA": str(folder),
        "WALLET_DATABASE_URL": os.environ.get(
            "WALLET_DATABASE_URL", f"sqlite:///{folder / 'bench.db'}"
        ),
        **googles.environment_of(google),
    }
    installation = connect(settings.from_env(environment))
    migrations.upgrade(installation.database.engine)
    return installation


def prepare(installation: Installation) -> None:
    """Cards that are at Google already, class and all."""
    provider, now = installation.google, system_clock()
    assert provider is not None
    with installation.database.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        for _ in range(CARDS):
            pass_ = issuing.join(
                session, programme, Profile(), installation.pass_type, installation.keys, now
            )
            object_id = objects.object_id(SANDBOX_GOOGLE_ISSUER, pass_.serial)
            mirror.add(session, pass_.id, object_id, now, timedelta())
    while provider.deliver(system_clock):
        pass


Step = Callable[[Installation, GoogleProvider, RunningGoogle], bool]


def drain(
    installation: Installation, provider: GoogleProvider, google: RunningGoogle, step: Step
) -> str:
    with installation.database.transaction() as session:
        provider.make_due(
            session, session.scalars(select(GoogleObject.pass_id)).all(), system_clock()
        )
    requests = google.stand_in.stats.requests
    time.sleep(1 - time.time() % 1)  # from the beginning of a second
    began, worked = time.monotonic(), time.process_time()
    while step(installation, provider, google):
        pass
    took, work = time.monotonic() - began, time.process_time() - worked
    with installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DueRow)) == 0
    requests = google.stand_in.stats.requests - requests
    return f"{took:7.1f} {CARDS / took:9.1f} {requests:9} {work:18.2f}"


def calls(_: Installation, provider: GoogleProvider, __: RunningGoogle) -> bool:
    return provider.deliver(system_clock)


def batches(installation: Installation, provider: GoogleProvider, google: RunningGoogle) -> bool:
    database, writer = installation.database, provider._writer
    now = system_clock()
    with database.transaction() as session:
        claimed = mirror.WRITES.claim(session, now, BATCH, LEASE)
        cards = [writer._card(session, due.pass_id, now) for due in claimed]
    if not claimed:
        return False
    parts = []
    for card in cards:
        patch = objects.object_patch(card.body, card.design, card.content, card.points_before)
        parts.append(
            f"--b\r\nContent-Type: application/http\r\nContent-ID: <{card.copy.pass_id}>\r\n\r\n"
            f"PATCH /walletobjects/v1/loyaltyObject/{card.copy.object_id} HTTP/1.1\r\n"
            "Content-Type: application/json\r\n\r\n".encode()
            + orjson.dumps(patch)
            + b"\r\n"
        )
    wait_for_tokens(installation, len(parts))
    answer = provider._google._session.post(
        f"{google.url}/batch",
        data=b"".join(parts) + b"--b--",
        headers={"Content-Type": "multipart/mixed; boundary=b"},
        timeout=10,
    )
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    taken = {
        int(part["Content-ID"].removeprefix("<response-").removesuffix(">"))
        for part in message_from_bytes(head + answer.content).get_payload()
        if part.get_payload().startswith("HTTP/1.1 200")
    }
    done = [due for due in claimed if due.pass_id in taken]
    with database.transaction() as session:
        for card in cards:
            if card.copy.pass_id in taken:
                mirror.written(session, replace(card.copy))
        mirror.WRITES.finish(session, done)
    return True


def wait_for_tokens(installation: Installation, number: int) -> None:
    while number:
        now = system_clock()
        with installation.database.transaction() as session:
            while number and budget.take(session, SANDBOX_GOOGLE_ISSUER, now):
                number -= 1
        if number:
            time.sleep((budget.next_second(now) - now).total_seconds())


if __name__ == "__main__":
    main()
