"""What the move from SQLite to PostgreSQL costs, against PostgreSQL's own COPY of the same rows
into the same tables, indexes and references included: rows by the second of processor time, that of
client and server together.

    PYTHONPATH=tests/kit BENCH_MOVED_MEMBERS=1000000 .venv/bin/python tests/bench/moving.py

The members are made in SQLite: each with a person, a card, an account, a pass, and an accrual with
its lot and its entries."""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import servers
from servers import Postgres
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.database.tables import Base
from ledger.people import members as people
from ledger.people.persons import Profile
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.backups import moving
from wallet.configuration.keyring import KeyRing
from wallet.migrations import drafting
from wallet.passes import issuing
from wallet.sandbox import demo

MEMBERS = int(os.environ.get("BENCH_MOVED_MEMBERS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_MOVED_ROUNDS", "1"))  # each takes minutes
KEYS = KeyRing(("a-secret-key-of-benches-of-many-characters",))
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TICKS = os.sysconf("SC_CLK_TCK")
CHUNK = 1 << 20  # bytes
GAP = 1000  # behind whatever the service itself has numbered
OF_MEMBERS = "SELECT id FROM ledger_account WHERE kind = 'member'"

# One member is made by the service itself. All others are copies of its rows: numbers go on from
# its own, and what must differ is a number too. Table -> columns of either kind, and which rows.
COPIES = (
    ("ledger_member", ("id",), ("public_id",), "TRUE"),
    ("ledger_person", ("member_id",), (), "TRUE"),
    ("ledger_card", ("id", "member_id"), ("number",), "TRUE"),
    ("ledger_account", ("id", "member_id"), (), "kind = 'member'"),
    ("ledger_balance", ("account_id",), (), f"account_id IN ({OF_MEMBERS})"),
    ("ledger_posting", ("id",), ("public_id",), "TRUE"),
    ("ledger_entry", ("posting_id", "account_id"), (), f"account_id IN ({OF_MEMBERS})"),
    ("ledger_entry", ("posting_id",), (), f"account_id NOT IN ({OF_MEMBERS})"),
    ("ledger_lot", ("id", "account_id", "posting_id"), (), "TRUE"),
    ("wallet_pass", ("id", "member_id"), ("serial",), "TRUE"),
)
COPY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more),
t AS MATERIALIZED (SELECT * FROM {table} WHERE {which})
INSERT INTO {table} ({columns}) SELECT {values} FROM t CROSS JOIN n"""


@dataclass(frozen=True)
class Taken:
    """Rows, and the processor time that they took, in seconds."""

    rows: int
    cpu_s: float

    @property
    def rate(self) -> float:
        return self.rows / self.cpu_s


def measure() -> dict[str, float]:
    """The ratio, by name; and rows by the second of processor time of either."""
    with (
        tempfile.TemporaryDirectory(prefix="kopilka-moving-") as folder,
        servers.postgres(durable=True) as server,
    ):
        source = Database(LedgerSettings(f"sqlite:///{folder}/shop.db"))
        fill(source, MEMBERS)
        moved, copied = [], []
        for number in range(ROUNDS):
            moved.append(_moved(source, server, f"moved_{number}"))
            copied.append(_copied(server, f"moved_{number}", f"copied_{number}", Path(folder)))
            for name in (f"moved_{number}", f"copied_{number}"):
                server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        source.close()
    assert {one.rows for one in (*moved, *copied)} == {moved[0].rows}
    ratios = [one.rate / other.rate for one, other in zip(moved, copied, strict=True)]
    return {
        "moving": statistics.median(ratios),
        "moving_rows": float(moved[0].rows),
        "moving_rows_a_cpu_second": statistics.median(one.rate for one in moved),
        "copied_rows_a_cpu_second": statistics.median(one.rate for one in copied),
    }


def _moved(source: Database, server: Postgres, name: str) -> Taken:
    server.execute(f"CREATE DATABASE {name}")
    target = Database(LedgerSettings(server.url(name)))

    def move() -> None:
        with source.reading() as reading, target.transaction() as writing:
            moving.move(reading, writing, KEYS)

    taken = _timed(server, move)
    with target.reading() as session:
        rows = sum(
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in drafting.every_table()
        )
    target.close()
    return Taken(rows, taken)


def _copied(server: Postgres, from_: str, name: str, folder: Path) -> Taken:
    """The rows that were moved, from files into a database with the same empty tables."""
    rows = 0
    source = Database(LedgerSettings(server.url(from_)))
    with source.reading() as session:
        raw = session.connection().connection.driver_connection
        for table in drafting.every_table():
            with (
                (folder / table.name).open("wb") as file,
                raw.cursor().copy(f"COPY {table.name} TO STDOUT") as copy,
            ):
                for part in copy:
                    rows += bytes(part).count(b"\n")
                    file.write(part)
    source.close()
    server.execute(f"CREATE DATABASE {name}")
    target = Database(LedgerSettings(server.url(name)))

    def copy_all() -> None:
        with target.transaction() as session:
            migrations.create(session.connection(), KEYS)
            session.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_balanced"))
            raw = session.connection().connection.driver_connection
            for table in drafting.every_table():
                session.execute(table.delete())
                with (
                    (folder / table.name).open("rb") as file,
                    raw.cursor().copy(f"COPY {table.name} FROM STDIN") as copy,
                ):
                    while part := file.read(CHUNK):
                        copy.write(part)

    taken = _timed(server, copy_all)
    target.close()
    return Taken(rows, taken)


def _timed(server: Postgres, work: Callable[[], None]) -> float:
    """Processor time of this process and of the whole server, those of its children that ended
    included."""
    ours, theirs = os.times(), _server_s(server)
    work()
    now = os.times()
    return now.user + now.system - ours.user - ours.system + _server_s(server) - theirs


def _server_s(server: Postgres) -> float:
    """Of the first process and its children; of what ended it keeps count itself."""
    first = server.pid
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        is_first = int(path.parent.name) == first
        if is_first or int(fields[1]) == first:
            mine = [int(one) for one in fields[11:15]]
            total += sum(mine if is_first else mine[:2])
    return total / TICKS


def fill(database: Database, members: int) -> None:
    """A shop with so many members on SQLite."""
    migrations.upgrade(database.engine, keys=KEYS)
    with database.transaction() as session:
        demo.ensure(session, NOW)
        programme = programmes.by_code(session, "demo")
        card = issuing.join(session, programme, Profile(name="Анна"), "pass.bench", KEYS, NOW)
        accruals.grant(session, people.by_id(session, card.member_id), Grant(100), NOW)
    with database.transaction() as session:
        for table, counted, written, which in COPIES:
            _copies(session, table, counted, written, which, members - 1)


def _copies(
    session: Session,
    table: str,
    counted: Sequence[str],
    written: Sequence[str],
    which: str,
    more: int,
) -> None:
    columns = [one.name for one in Base.metadata.tables[table].columns]
    values = []
    for name in columns:
        if name in counted:
            values.append(f"t.{name} + {GAP} + n.i")
        elif name in written:
            values.append(f"printf('%0' || length(t.{name}) || 'd', n.i)")
        else:
            values.append(f"t.{name}")
    statement = COPY.format(
        table=table, columns=", ".join(columns), values=", ".join(values), which=which
    )
    session.execute(text(statement), {"more": more})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2) + "\n")
