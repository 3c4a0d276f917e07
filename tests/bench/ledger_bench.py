"""How fast the ledger posts, against pgbench doing the same posting as one statement on the same
server in the same minute, and against the bare driver on SQLite. Ratios, medians of several rounds.

Rates of a busy machine mean nothing by themselves; what is compared runs by turns."""

import os
import re
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random

import servers
from servers import Postgres
from sqlalchemy import text

from ledger.book import accounts, batches, postings
from ledger.book.accounts import Holder
from ledger.book.drafts import NewLot, PostingHeader, Term
from ledger.database.engine import Database
from ledger.events import PointsAccrued, PointsRedeemed
from ledger.people import persons
from ledger.people.persons import Profile
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms
from ledger.settings import LedgerSettings
from wallet import migrations

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
MEMBERS = 10_000
MANY_PROGRAMMES = 100
LOTS = 10
BATCH = 1_000

# One posting as the journal writes it: guarded balance, posting, two entries, lot, event.
PGBENCH_ONE = """
\\set account random(1, {members})
WITH b AS (
  UPDATE ledger_balance SET available = available + 7
  WHERE account_id = :account AND next_change_at > now() AND debt = 0
  RETURNING account_id, available + pending + held AS total),
p AS (
  INSERT INTO ledger_posting (public_id, programme_id, kind, occurred_at, posted_at)
  SELECT gen_random_uuid()::text, 1, 'accrual', now(), now() FROM b RETURNING id),
e AS (
  INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
  SELECT p.id, 0, b.account_id, 7, b.total FROM p, b
  UNION ALL SELECT p.id, 1, {issued}, -7, NULL FROM p),
l AS (
  INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount, remaining,
                          held, active)
  SELECT b.account_id, p.id, now(), '9999-12-31', 7, 7, 0, true FROM p, b)
INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
SELECT 'PointsAccrued', '{{"member_id": 1}}', now(), now(), 0 FROM p;
"""
PGBENCH_BATCH = """
\\set first random(1, {last})
WITH w AS (SELECT :first + n AS account_id, gen_random_uuid()::text AS public_id
           FROM generate_series(0, {batch} - 1) AS n),
b AS (
  UPDATE ledger_balance x SET available = available + 7 FROM w
  WHERE x.account_id = w.account_id
  RETURNING x.account_id, available + pending + held AS total),
p AS (
  INSERT INTO ledger_posting (public_id, programme_id, kind, occurred_at, posted_at)
  SELECT w.public_id, 1, 'accrual', now(), now() FROM w JOIN b USING (account_id)
  RETURNING id, public_id),
e AS (
  INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
  SELECT p.id, 0, b.account_id, 7, b.total
  FROM p JOIN w USING (public_id) JOIN b USING (account_id)
  UNION ALL SELECT p.id, 1, {issued}, -7, NULL FROM p),
l AS (
  INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount, remaining,
                          held, active)
  SELECT w.account_id, p.id, now(), '9999-12-31', 7, 7, 0, true
  FROM p JOIN w USING (public_id))
INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
SELECT 'PointsAccrued', '{{"member_id": 1}}', now(), now(), 0 FROM p;
"""


@dataclass(frozen=True)
class House:
    """A database with programmes and members; `holders` are where points go."""

    server: Postgres
    name: str
    holders: Sequence[Holder]

    @property
    def url(self) -> str:
        return self.server.url(self.name)


def measure() -> dict[str, float]:
    """Every ratio, by name."""
    with servers.postgres(durable=True) as server:
        one = house(server, "one", programmes_count=1)
        many = house(server, "many", programmes_count=MANY_PROGRAMMES)
        found = {
            "posting_8": _against(
                lambda: _rate(one, _accrue, 8), lambda: pgbench(one, PGBENCH_ONE, 8)
            ),
            "posting_1": _against(
                lambda: _rate(one, _accrue, 1), lambda: pgbench(one, PGBENCH_ONE, 1)
            ),
            "batch": _against(
                lambda: _rate(one, _accrue_many, 1) * BATCH,
                lambda: pgbench(one, PGBENCH_BATCH, 1) * BATCH,
            ),
            "common_programme": _against(
                lambda: _rate(one, _accrue, 8), lambda: _rate(many, _accrue, 8)
            ),
        }
        lots = house(server, "lots", programmes_count=1)
        _fill_lots(lots)
        found["redemption"] = _against(
            lambda: _rate(lots, _redeem, 8), lambda: pgbench(one, PGBENCH_ONE, 8)
        )
    found["sqlite"] = _sqlite()
    return found


def _against(ours: Callable[[], float], theirs: Callable[[], float]) -> float:
    """The median of ratios, each to the runs just before and after it."""
    bases, own = [theirs()], []
    for _ in range(ROUNDS):
        own.append(ours())
        bases.append(theirs())
    return statistics.median(
        rate / ((before + after) / 2)
        for rate, (before, after) in zip(own, pairwise(bases), strict=True)
    )


# --- what is measured ------------------------------------------------------------------------


def _rate(house: House, work: Callable[..., None], workers: int) -> float:
    """Calls a second of so many processes together."""
    start = time.time() + 2.5  # they have imported everything by then
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        counts = pool.map(
            _work, [(house.url, work, house.holders, number, start) for number in range(workers)]
        )
        return sum(counts) / SECONDS


def _work(told: tuple[str, Callable[..., None], Sequence[Holder], int, float]) -> int:
    url, work, holders, number, start = told
    database = Database(LedgerSettings(url))
    random = Random(number)  # noqa: S311 - any member will do
    work(database, holders, random)  # connected, and the statements are known
    time.sleep(max(0.0, start - time.time()))
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        work(database, holders, random)
        done += 1
    database.close()
    return done


def _accrue(database: Database, holders: Sequence[Holder], random: Random) -> None:
    holder, now = random.choice(holders), datetime.now(UTC)
    order = PostingHeader(holder.programme_id, "accrual", now)
    parcel = NewLot(7, Term(now))
    database.run(
        lambda session: postings.credit(
            session, holder, order, parcel, [PointsAccrued(holder.member_id)], now
        )
    )


def _redeem(database: Database, holders: Sequence[Holder], random: Random) -> None:
    holder, now = random.choice(holders), datetime.now(UTC)
    order = PostingHeader(holder.programme_id, "redemption", now)
    database.run(
        lambda session: postings.debit(
            session, holder, order, 1, [PointsRedeemed(holder.member_id)], now
        )
    )


def _accrue_many(database: Database, holders: Sequence[Holder], random: Random) -> None:
    first, now = random.randrange(len(holders) - BATCH), datetime.now(UTC)
    parcel = NewLot(7, Term(now))
    deeds = [
        batches.Credit(
            holder,
            PostingHeader(holder.programme_id, "accrual", now),
            parcel,
            PointsAccrued(holder.member_id),
        )
        for holder in holders[first : first + BATCH]
    ]
    database.run(lambda session: batches.post(session, deeds, now))


def pgbench(house: House, script: str, clients: int) -> float:
    issued = house.holders[0].others["issued"]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        values = {"members": MEMBERS, "last": MEMBERS - BATCH, "batch": BATCH, "issued": issued}
        # One line: pgbench takes a statement as far as its semicolon.
        setting, _, statement = script.strip().partition("\n")
        file.write(setting.format(**values) + "\n" + statement.format(**values).replace("\n", " "))
        file.flush()
        Path(file.name).chmod(0o644)
        told = subprocess.run(
            [
                house.server.binaries / "pgbench",
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "1"),
                *("-T", str(max(1, round(SECONDS))), "-f", file.name),
                *("-h", house.server.sockets, "-U", "postgres", house.name),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = re.search(r"tps = ([\d.]+) \(without", told)
    assert found, told
    return float(found.group(1))


# --- what it is measured on ------------------------------------------------------------------


def house(server: Postgres, name: str, programmes_count: int) -> House:
    server.execute(f"CREATE DATABASE {name}")
    database = Database(LedgerSettings(server.url(name)))
    holders = _members(database, programmes_count, MEMBERS)
    database.close()
    return House(server, name, holders)


def _members(database: Database, programmes_count: int, members: int) -> list[Holder]:
    """Member accounts are the first ones, so that pgbench can draw their numbers."""
    migrations.upgrade(database.engine)
    now = datetime.now(UTC)
    holders: list[Holder] = []
    with database.transaction() as session:
        unit_of = {}
        for number in range(programmes_count):
            programme = programmes.create(session, Terms(f"p{number}", "P"), now)
            unit_of[programme.id] = units.named(session, programme.id, None).id
        of_programme = {
            programme_id: persons.add_all(
                session, programme_id, [Profile()] * (members // programmes_count), now
            )
            for programme_id in unit_of
        }
        for programme_id, unit_id in unit_of.items():
            for member_id in of_programme[programme_id]:
                accounts.open_for(session, programme_id, unit_id, member_id)
        for programme_id, unit_id in unit_of.items():
            theirs = of_programme[programme_id]
            holders += accounts.holders(session, programme_id, unit_id, theirs)
    if not database.is_sqlite:
        with database.engine.execution_options(begin="").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return sorted(holders, key=lambda holder: holder.account_id)


def _fill_lots(house: House) -> None:
    """Ten lots for everybody, each with an end of its own and far more than will be spent."""
    database, now = Database(LedgerSettings(house.url)), datetime.now(UTC)
    for number in range(LOTS):
        ends = datetime(2100 + number, 1, 1, tzinfo=UTC)
        for start in range(0, MEMBERS, BATCH):
            deeds = [
                batches.Credit(
                    holder,
                    PostingHeader(holder.programme_id, "accrual", now),
                    NewLot(1_000_000, Term(now, ends)),
                    PointsAccrued(holder.member_id),
                )
                for holder in house.holders[start : start + BATCH]
            ]
            database.run(lambda session, deeds=deeds: batches.post(session, deeds, now))
    database.close()


# --- SQLite ----------------------------------------------------------------------------------


def _sqlite() -> float:
    """The ledger's posting to the bare driver's, doing the same statements in one process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        database = Database(LedgerSettings(f"sqlite:///{path}"))
        holders = _members(database, 1, 1000)
        random = Random(1)  # noqa: S311 - any member will do

        def ours() -> float:
            return _in_this_process(lambda: _accrue(database, holders, random))

        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = NORMAL")

        def theirs() -> float:
            return _in_this_process(lambda: _raw_posting(raw, random.choice(holders)))

        ratio = _against(ours, theirs)
        raw.close()
        database.close()
        return ratio


def _raw_posting(connection: sqlite3.Connection, holder: Holder) -> None:
    now = time.time_ns() // 1000
    connection.execute("BEGIN IMMEDIATE")
    total = connection.execute(
        "UPDATE ledger_balance SET available = available + 7 WHERE account_id = ?"
        " AND next_change_at > ? AND debt = 0 RETURNING available + pending + held",
        (holder.account_id, now),
    ).fetchone()[0]
    posting_id = connection.execute(
        "INSERT INTO ledger_posting (public_id, programme_id, kind, occurred_at, posted_at)"
        " VALUES (?, ?, 'accrual', ?, ?)",
        (os.urandom(16).hex(), holder.programme_id, now, now),
    ).lastrowid
    connection.executemany(
        "INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (posting_id, 0, holder.account_id, 7, total),
            (posting_id, 1, holder.others["issued"], -7, None),
        ],
    )
    connection.execute(
        "INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount,"
        " remaining, held, active) VALUES (?, ?, ?, 253402214400000000, 7, 7, 0, 1)",
        (holder.account_id, posting_id, now),
    )
    connection.execute(
        "INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)"
        " VALUES ('PointsAccrued', '{\"member_id\": 1}', ?, ?, 0)",
        (now, now),
    )
    connection.execute("COMMIT")


def _in_this_process(work: Callable[[], None]) -> float:
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        work()
        done += 1
    return done / SECONDS


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:20} {value:.3f}")  # noqa: T201
