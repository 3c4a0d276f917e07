"""What a posting costs the server when ten million entries lie there, against an empty book.

The rows are made by the server itself: postings, entries and lots such as accruals leave them."""

import os
import statistics
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import ledger_bench
import servers
from ledger_bench import House
from servers import Postgres
from sqlalchemy import text

from ledger.book import postings
from ledger.book.drafts import NewLot, PostingHeader, Term
from ledger.database.engine import Database
from ledger.events import PointsAccrued
from ledger.settings import LedgerSettings

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "10000000"))
ROUNDS = 5
CALLS = 3_000
TICKS = os.sysconf("SC_CLK_TCK")

FILL = (
    """
INSERT INTO ledger_posting (public_id, programme_id, kind, occurred_at, posted_at)
SELECT CAST(gen_random_uuid() AS text), 1, 'accrual', now(), now()
FROM generate_series(1, {postings})""",
    """
INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
SELECT id, line, CASE line WHEN 0 THEN 1 + id % {members} ELSE {issued} END,
       CASE line WHEN 0 THEN 7 ELSE -7 END,
       CASE line WHEN 0 THEN 7 * (1 + (id - 1) / {members}) END
FROM ledger_posting, generate_series(0, 1) AS line""",
    """
INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount, remaining, held,
                        active)
SELECT 1 + id % {members}, id, now(), '9999-12-31', 7, 7, 0, true FROM ledger_posting""",
    """
UPDATE ledger_balance AS b SET available = l.sum
FROM (SELECT account_id, sum(remaining) FROM ledger_lot GROUP BY account_id) AS l
WHERE l.account_id = b.account_id""",
)


def measure() -> dict[str, float]:
    """The ratio, by name; and microseconds of the server's processor time a posting."""
    with servers.postgres(durable=True) as server:
        bare = ledger_bench.house(server, "bare", programmes_count=1)
        filled = ledger_bench.house(server, "filled", programmes_count=1)
        _fill(filled)
        costs: dict[str, list[float]] = {"bare": [], "filled": []}
        for number in range(ROUNDS):
            for house in (bare, filled) if number % 2 else (filled, bare):
                costs[house.name].append(_server_us(server, house, number))
        ratios = [one / other for one, other in zip(costs["filled"], costs["bare"], strict=True)]
        return {
            "full_book": statistics.median(ratios),
            "full_book_us": statistics.median(costs["filled"]),
            "empty_book_us": statistics.median(costs["bare"]),
        }


def _fill(house: House) -> None:
    values = {
        "postings": ENTRIES // 2,
        "members": len(house.holders),
        "issued": house.holders[0].others["issued"],
    }
    database = Database(LedgerSettings(house.url))
    with database.transaction() as session:
        for statement in FILL:
            session.execute(text(statement.format(**values)))
    with database.engine.execution_options(begin="").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    database.close()


def _server_us(server: Postgres, house: House, number: int) -> float:
    """Of the backend that serves one connection; writing to the disk behind it is not in it."""
    database = Database(LedgerSettings(house.url))
    random = Random(number)  # noqa: S311 - any member will do
    with database.reading() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    for _ in range(200):
        _accrue(database, house, random)
    before = _cpu_s(backend)
    for _ in range(CALLS):
        _accrue(database, house, random)
    used = _cpu_s(backend) - before
    database.close()
    return used / CALLS * 1e6


def _accrue(database: Database, house: House, random: Random) -> None:
    holder, now = random.choice(house.holders), datetime.now(UTC)
    order = PostingHeader(holder.programme_id, "accrual", now)
    parcel = NewLot(7, Term(now))
    events = [PointsAccrued(holder.member_id)]
    database.run(lambda session: postings.credit(session, holder, order, parcel, events, now))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
