"""Imports killed in the middle, on both databases: every row exactly once."""

import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from processes import Processes, answers, kill, processes, wait_until
from servers import free_port
from sqlalchemy import func, select

from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.imports.store import Import, ImportPart, ImportRow
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.people.persons import Person
from wallet.passes.issued import Pass

ROWS = 3_500
DEADLINE_S = 120


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [f"Имя {n};+7999{n:07};{5_000_000 + n};c-{n};{n % 50}" for n in range(ROWS)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["ФИО;Телефон;Карта;Код;Баланс", *lines]))
    return path


@pytest.fixture
def service(environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    with processes(environment, tmp_path) as started:
        yield started


def applied(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(ImportRow)) or 0


def start(service: Processes, file: Path) -> subprocess.Popen[bytes]:
    return service.start("import", "members", str(file), "--programme", "demo")


def test_an_import_killed_again_and_again_makes_each_row_once(
    service: Processes, database: Database, file: Path, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311 - any moments will do
    deadline = time.monotonic() + DEADLINE_S
    kills, seen = 0, {0}
    while True:
        assert time.monotonic() < deadline, service.log_of("import")
        process = start(service, file)
        if kills < 4:
            before = applied(database)
            while process.poll() is None and applied(database) == before:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.3))  # anywhere in the next part
        else:
            process.wait(DEADLINE_S)
        if process.poll() is not None:
            break
        kill(process)
        kills += 1
        seen.add(applied(database))
    assert process.returncode == 0, service.log_of("import")
    assert kills >= 3, "the import was over before it could be killed"
    assert len(seen) >= 3
    assert all(count % 500 == 0 for count in seen)
    with database.reading() as session:
        for table in (Member, Person, Card, Pass, ImportRow):
            assert session.scalar(select(func.count()).select_from(table)) == ROWS, table
        assert session.scalar(select(func.count()).select_from(ImportPart)) == 0
        openings = session.scalars(select(Posting.kind)).all()
        assert openings == ["opening"] * (ROWS - ROWS // 50)
        statement = json.loads(session.scalars(select(Import.statement)).one() or "")
    assert statement["agrees"]
    assert statement["points"]["balances_moved"] == sum(n % 50 for n in range(ROWS))
    service.run("import", "list", cold=True)
    public_id = statement["import"]
    assert service.start("import", "check", public_id).wait(60) == 0, service.log_of("import")


def test_a_check_that_is_killed_leaves_a_file_that_can_be_sent_again(
    service: Processes, database: Database, file: Path
) -> None:
    process = start(service, file)
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with database.reading() as session:
            if session.scalar(select(func.count()).select_from(ImportPart)):
                break
    kill(process)
    assert start(service, file).wait(DEADLINE_S) == 0, service.log_of("import")
    assert applied(database) == ROWS


def test_a_small_file_is_checked_in_the_answer_to_who_waits(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The commit of the file wakes the worker, in the same process or another."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**environment, "PORT": str(port), "WALLET_PUBLIC_URL": url}
    with processes(environment, tmp_path) as service:
        service.start("web")
        wait_until(lambda: answers(f"{url}/readyz"), "the web")
        answer = requests.post(
            f"{url}/api/v1/imports?programme=demo&kind=members",
            data=b"phone;balance\n+79990000001;5\n",
            headers={
                "Authorization": f"Bearer {environment['WALLET_API_KEY']}",
                "Content-Type": "text/csv",
                "Prefer": "wait=30",
            },
            timeout=60,
        )
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "wait=30")
    assert (answer.json()["state"], answer.json()["new_members"]) == ("checked", 1)


def test_two_at_once_share_the_work(service: Processes, database: Database, file: Path) -> None:
    """A worker, a second machine, and the impatient who type the command twice."""
    first = start(service, file)
    deadline = time.monotonic() + DEADLINE_S
    while not applied(database):
        assert time.monotonic() < deadline, service.log_of("import")
        assert first.poll() is None, service.log_of("import")
    second = start(service, file)
    codes = {first.wait(DEADLINE_S), second.wait(DEADLINE_S)}
    assert 0 in codes, service.log_of("import")
    assert applied(database) == ROWS
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == ROWS
