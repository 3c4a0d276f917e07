"""An import of very many members with opening balances, killed once in the middle, on SQLite and on
PostgreSQL: whether rows cost the same at the end as at the beginning, how much memory the process
takes, and whether everything agrees afterwards.

    PYTHONPATH=tests/kit BENCH_IMPORT_ROWS=1000000 .venv/bin/python tests/bench/import_bench.py

`wallet import members` runs as a process of its own, as an operator runs it; `BENCH_IMPORT_ON`
names one database, both without."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import servers
from processes import Processes, kill, processes
from sqlalchemy import func, select

from ledger.book.accounts import MEMBER, Account, BalanceRow
from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.imports.store import APPLYING, DONE, Import, ImportPart, ImportRow
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.seals import sealing
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.configuration.keyring import KeyRing
from wallet.passes.issued import Pass
from wallet.sandbox import certificates, demo

ROWS = int(os.environ.get("BENCH_IMPORT_ROWS", "20000"))
DATABASES = os.environ.get("BENCH_IMPORT_ON", "sqlite,postgresql").split(",")
KEY = "a-secret-key-of-benches-of-many-characters"
LOOK_S = 0.1
POINTS = 50  # row n has n % POINTS, so that one in so many has none
TICKS = os.sysconf("SC_CLK_TCK")
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Look:
    """An import as it stood at a moment, and what its process had taken of the processor and of
    memory by then."""

    at_s: float
    cpu_s: float
    state: str
    read: int
    applied: int
    peak_mb: float


def measure() -> dict[str, float]:
    """Figures by name, each with the database before it."""
    found: dict[str, float] = {}
    for name in DATABASES:
        with (
            tempfile.TemporaryDirectory(prefix="kopilka-import-") as folder,
            _database(name, Path(folder)) as url,
        ):
            figures = _imported(url, Path(folder))
        found |= {f"import_{name}_{figure}": value for figure, value in figures.items()}
    peaks = [value for name, value in found.items() if name.endswith("_peak_mb")]
    return {**found, "import_peak_mb": max(peaks)}


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'kopilka.db'}"
        return
    with servers.postgres(durable=True) as server:
        server.execute("CREATE DATABASE imported")
        yield server.url("imported")


def _imported(url: str, folder: Path) -> dict[str, float]:
    environment = {
        "WALLET_DATA": str(folder),
        "WALLET_DATABASE_URL": url,
        "WALLET_APPLE_CERTS": str(folder / "certs"),
        "WALLET_SECRET_KEY": KEY,
    }
    certificates.ensure_chain(folder / "certs", datetime.now(UTC))
    database = Database(LedgerSettings(url))
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        demo.ensure(session, datetime.now(UTC))
    file = _file(folder)
    with processes(environment, folder) as service:
        first = _watched(service, database, file, until=ROWS // 2)
        second = _watched(service, database, file, until=None)
        figures = _figures(first, second)
        figures["seal_s"] = _sealed(database)
        figures["check_s"] = _checked(service, database)
    database.close()
    return figures


def _file(folder: Path) -> Path:
    path = folder / "people.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("ФИО;Телефон;Карта;Код;Баланс\n")
        for n in range(ROWS):
            file.write(f"Имя {n};+7{9_000_000_000 + n};{5_000_000_000 + n};c-{n};{n % POINTS}\n")
    return path


def _watched(service: Processes, database: Database, file: Path, until: int | None) -> list[Look]:
    """The import at work, looked at all the time; killed when `until` rows are applied."""
    began = time.monotonic()
    process = service.start("import", "members", str(file), "--programme", "demo")
    looks: list[Look] = []
    while process.poll() is None:
        time.sleep(LOOK_S)
        looks.append(_look(database, process, time.monotonic() - began, looks))
        _tell(looks)
        if until is not None and looks[-1].applied >= until:
            kill(process)
            return looks
    assert process.returncode == 0, service.log_of("import")
    assert until is None, "the import was over before it could be killed"
    return looks


def _tell(looks: list[Look]) -> None:
    """How far it is, every twentieth: this takes a while."""
    step, now = max(ROWS // 20, 1), looks[-1]
    before = looks[-2] if len(looks) > 1 else now
    if (now.read + now.applied) // step > (before.read + before.applied) // step:
        sys.stderr.write(
            f"{now.at_s:7.0f} s: {now.read} read, {now.applied} applied, {now.peak_mb:.0f} MB\n"
        )


def _look(
    database: Database, process: "subprocess.Popen[bytes]", at_s: float, before: list[Look]
) -> Look:
    with database.reading() as session:
        row = session.execute(select(Import.state, Import.rows, Import.applied)).one_or_none()
    state, read, applied = row or ("", 0, 0)
    try:
        return Look(at_s, _cpu_s(process.pid), state, read, applied, _peak_mb(process.pid))
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        last = before[-1]
        return Look(at_s, last.cpu_s, state, read, applied, last.peak_mb)


def _peak_mb(pid: int) -> float:
    found = PEAK.search(Path(f"/proc/{pid}/status").read_text())
    if found is None:  # nothing is left of it but its number
        raise ProcessLookupError
    return int(found[1]) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _figures(first: list[Look], second: list[Look]) -> dict[str, float]:
    """What a row costs the process at the end, to what it costs at the beginning, in seconds of the
    processor: those do not depend on who else is at work."""
    checked = next(look for look in first if look.state == APPLYING)
    reading = [(look.cpu_s, look.read) for look in first if look.at_s <= checked.at_s]
    applying = [(look.cpu_s, look.applied) for look in first if look.at_s >= checked.at_s]
    resumed = [(look.cpu_s, look.applied) for look in second]
    fifth = ROWS // 5
    read_early = _passed(reading, fifth) - _passed(reading, 1)
    read_late = checked.cpu_s - _passed(reading, ROWS - fifth)
    early = _passed(applying, fifth) - checked.cpu_s
    late = _passed(resumed, ROWS) - _passed(resumed, ROWS - fifth)
    return {
        "rows": ROWS,
        "read_s": checked.at_s,
        "read_cpu_us": checked.cpu_s / ROWS * 1e6,
        "read_growth": read_late / read_early,
        "apply_s": first[-1].at_s - checked.at_s + second[-1].at_s,
        "apply_cpu_us": (first[-1].cpu_s - checked.cpu_s + second[-1].cpu_s) / ROWS * 1e6,
        "apply_growth": late / early,
        "peak_mb": max(look.peak_mb for look in first + second),
    }


def _passed(looks: list[tuple[float, int]], count: int) -> float:
    """The seconds by which so many rows were done, between two looks."""
    for (early_s, before), (late_s, after) in pairwise(looks):
        if before < count <= after:
            return early_s + (late_s - early_s) * (count - before) / (after - before)
    raise AssertionError(f"nobody saw row {count} pass")


def _sealed(database: Database) -> float:
    """A worker's part, for the book is not sound while postings wait too long for their seals."""
    began, keys = time.monotonic(), KeyRing((KEY,)).roots
    while database.run(lambda session: sealing.turn(session, keys, datetime.now(UTC))):
        pass
    return time.monotonic() - began


def _checked(service: Processes, database: Database) -> float:
    """That nothing is lost, nothing doubled, and the statement agrees; how long that took."""
    began = time.monotonic()
    points = sum(n % POINTS for n in range(ROWS))
    with database.reading() as session:
        for table in (Member, Person, Card, Pass, ImportRow):
            count = session.scalar(select(func.count()).select_from(table))
            assert count == ROWS, (table, count)
        assert session.scalar(select(func.count()).select_from(ImportPart)) == 0
        assert session.scalar(select(func.count()).select_from(Posting)) == ROWS - ROWS // POINTS
        balances = select(func.sum(BalanceRow.available)).join(
            Account, Account.id == BalanceRow.account_id
        )
        assert session.scalar(balances.where(Account.kind == MEMBER)) == points
        import_ = session.scalars(select(Import)).one()
        assert import_.state == DONE
        statement = json.loads(import_.statement or "")
    assert statement["agrees"]
    assert statement["rows"]["applied"] == ROWS
    assert statement["points"]["balances_moved"] == points
    for command in (("ledger", "check"), ("import", "check", import_.public_id)):
        code = service.start(*command).wait()
        assert code == 0, service.log_of(command[0])
    return time.monotonic() - began


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(measure(), indent=2)}\n")
