"""What seals cost: seals a second, and postings with the sealing pump at work to postings without,
on PostgreSQL. Posting and sealing are processes of their own, as in production."""

import contextlib
import multiprocessing
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "kit"))
import servers
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book import accounts, journal
from ledger.book.drafts import MemberLeg, NewLot, PostingDraft, PostingHeader, ProgrammeLeg, Term
from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms
from ledger.seals import sealing
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.configuration.keyring import KeyRing

ROUNDS = 9
SECONDS = 2.0
MEMBERS = 50
BACKLOG = 20_000
PAUSE_S = 1.0  # the beat looks less often; a pump that works all the time would hide nothing
KEYS = KeyRing(("a-secret-for-the-roots-of-benches",)).roots


def measure() -> dict[str, Any]:
    with _database() as url:
        at_work, over = multiprocessing.Event(), multiprocessing.Event()
        pump = multiprocessing.Process(target=_pump, args=(url, at_work, over))
        pump.start()
        rates: dict[bool, list[float]] = {True: [], False: []}
        cpus = []
        for number in range(ROUNDS):
            for pumped in (number % 2 == 0, number % 2 == 1):
                (at_work.set if pumped else at_work.clear)()
                rate, cpu = _post(url)
                rates[pumped].append(rate)
                cpus.append(cpu)
        over.set()
        at_work.set()
        pump.join()
        ratios = [one / other for one, other in zip(rates[True], rates[False], strict=True)]
        sealed = _seal_all(url)
        posting_cpu_us = statistics.median(cpus)
        return {
            "cpu_share": posting_cpu_us / (posting_cpu_us + sealed["seal_cpu_us"]),
            "posting_cpu_us": posting_cpu_us,
            "posting_ratio": statistics.median(ratios),
            "posting_ratios": ratios,
            "postings_per_second": statistics.median(rates[False]),
            **sealed,
        }


@contextlib.contextmanager
def _database() -> Iterator[str]:
    with servers.postgres() as server:
        name = f"bench_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
        database = Database(LedgerSettings(url))
        migrations.upgrade(database.engine)
        with database.transaction() as session:
            now = datetime.now(UTC)
            programme = programmes.create(session, Terms("bench", "Bench"), now)
            for _ in range(MEMBERS):
                enrolment.join(session, programme, Profile(), now)
        database.close()
        yield url


def _post(url: str) -> tuple[float, float]:
    """Postings a second of one process that posts as fast as it can, and its CPU for each."""
    database = Database(LedgerSettings(url))
    grant = Grant(1, Cause("Coffee and cake", "1001"))
    made, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS:
        with database.transaction() as session:
            member = session.get_one(Member, made % MEMBERS + 1)
            accruals.grant(session, member, grant, datetime.now(UTC))
        made += 1
    rate = made / (time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / made * 1e6
    database.close()
    return rate, cpu


def _pump(url: str, at_work: Any, over: Any) -> None:
    """Looks once a second, as the beat would, while it is at work."""
    database = Database(LedgerSettings(url))
    while not over.is_set():
        at_work.wait()
        while _turn(database):
            pass
        time.sleep(PAUSE_S)
    database.close()


def _turn(database: Database) -> bool:
    return database.run(lambda session: sealing.turn(session, KEYS, datetime.now(UTC)))


def _seal_all(url: str) -> dict[str, float]:
    """Seals a second when many postings wait, and CPU of the sealing process for each."""
    database = Database(LedgerSettings(url))
    while _turn(database):
        pass
    for _ in range(BACKLOG // sealing.BATCH):
        database.run(_add_many)
    sealed, began, cpu = 0, time.perf_counter(), time.process_time()
    while _turn(database):
        sealed += sealing.BATCH
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    database.close()
    return {"seals_per_second": sealed / seconds, "seal_cpu_us": cpu / sealed * 1e6}


def _add_many(session: Session) -> None:
    now = datetime.now(UTC)
    unit = units.named(session, 1, None)
    holder = accounts.holder(session, 1, unit.id, 1)
    issued = accounts.programme_account(session, holder, "issued")
    order = PostingHeader(1, "accrual", now, "Coffee and cake", "1001")
    new_lots = [NewLot(1, Term(now))]
    drafts = [
        PostingDraft(
            order, [MemberLeg(holder.account_id, new_lots=new_lots), ProgrammeLeg(issued, -1)]
        )
        for _ in range(sealing.BATCH)
    ]
    accounts.lock(session, [holder.account_id])
    journal.write(session, drafts, (), now)


if __name__ == "__main__":
    sys.stdout.write(f"{measure()}\n")
