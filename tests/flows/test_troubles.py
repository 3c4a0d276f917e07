"""A disk that is full and a database that is away: both pass, and until then everybody is told in
words, and nothing is lost."""

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import servers
from celery import Celery
from phones import Phone, opened, values
from sqlalchemy import event

from ledger.database.engine import Database
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.running import worker
from wallet.running.pumps import pumps
from wallet.sandbox import demo

RUSSIAN = {"Accept-Language": "ru"}


class LogLines:
    """What was logged, line by line."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def take(self) -> list[str]:
        printed = self._capfd.readouterr()
        return (printed.out + printed.err).splitlines()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of six megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, sqlite_template: Path) -> str:
    """On the small disk, on a server of its own, or just so: as the test needs it."""
    if "small_disk" in request.fixturenames:
        folder = request.getfixturevalue("small_disk")
        return f"sqlite:///{shutil.copy(sqlite_template, folder / 'kopilka.db')}"
    if "own_server" in request.fixturenames:
        return request.getfixturevalue("own_server").url("kopilka")
    return request.getfixturevalue("sqlite_url")


def test_a_full_disk_is_said_and_nothing_is_lost(
    api, client, member, house, wallet, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    card = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
    granted = 0
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", 0) as filler:
        while True:
            filler.write(b"x" * 4096)
    lines = LogLines(capfd)
    lines.take()
    for number in range(2000):
        answer = api.post("accruals", {"member": member["id"], "points": 1}, key=f"k{number}")
        if answer.status_code != 201:
            break
        granted += 1
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_full")
    assert int(answer.headers["Retry-After"]) > 0
    troubled = [line for line in lines.take() if "storage_full" in line]
    assert len(troubled) == 1, troubled
    assert "Traceback" not in str(troubled)
    assert client.get("/readyz").status_code == 503
    assert client.get("/health").get_json()["takes_writes"] is False
    assert client.get("/health").get_json()["well"] is False
    assert "There is no room left on its disk." in wallet("doctor").output
    assert client.get("/healthz").status_code == 200
    assert client.get(card).status_code == 200
    assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == granted

    (small_disk / "filler").unlink()
    again = api.post("accruals", {"member": member["id"], "points": 1}, key=f"k{number}")
    assert again.status_code == 201
    assert client.get("/readyz").status_code == 200
    assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == granted + 1
    assert wallet("ledger", "check").exit_code == 0


def test_a_file_that_may_not_grow_is_a_full_disk_to_every_door(api, client, member, house) -> None:
    """Where no disk can be made: SQLite is told to let the file grow no more."""

    @event.listens_for(house.installation.database.engine, "checkout")
    def _bound(connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # what it has is not taken away

    bodies = {"programme": "demo", "name": "N" * 200}
    answer = next(
        answer
        for number in range(500)
        if (answer := api.post("members", bodies, key=f"m{number}")).status_code != 201
    )
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_full")
    russian = api.call("POST", "members", bodies, **RUSSIAN).get_json()
    assert russian["detail"].startswith("На нашей стороне кончилось место")
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/join/demo").text)[1]
    entries = {"form_token": token, "consent": "yes", "name": "N" * 90, "phone": "+79165550011"}
    for language, words in (
        ("en", "Nothing on your card is lost"),
        ("ru", "ничего не\u00a0случилось"),
    ):
        page = client.post("/join/demo", data=entries, headers={"Accept-Language": language})
        assert (page.status_code, page.mimetype) == (503, "text/html"), page.text
        assert words in page.text
        assert int(page.headers["Retry-After"]) > 0


@pytest.fixture
def own_server() -> Iterator[servers.Postgres]:
    with servers.postgres() as server:
        server.execute("CREATE DATABASE kopilka")
        database = Database(LedgerSettings(server.url("kopilka")))
        migrations.upgrade(database.engine)
        with database.transaction() as session:
            demo.ensure(session, datetime.now(UTC).replace(microsecond=0))
        database.close()
        yield server


def test_a_database_that_is_away_is_said_to_each_in_their_words(
    own_server: servers.Postgres, api, client, member, house, caplog, capfd
) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    card = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
    points = {"member": member["id"], "points": 7}
    lines = LogLines(capfd)
    lines.take()

    own_server.stop(signal.SIGQUIT)
    away = api.post("accruals", points, key="k")
    for answer in (away, api.get(f"members/{member['id']}"), phone.fetch(), phone.register()):
        assert answer.status_code == 503, answer.text
        assert answer.get_json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    for language, words in (
        ("en", "Nothing on your card is lost"),
        ("ru", "ничего не\u00a0случилось"),
    ):
        page = client.get(card, headers={"Accept-Language": language})
        assert (page.status_code, page.mimetype) == (503, "text/html")
        assert words in page.text
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    celery = Celery(set_as_current=False)
    worker.serve_pumps(
        celery, lambda: dict(pumps(house.installation)), lambda _names: None, lambda _name: None
    )
    celery.tasks[worker.PUMP_TASK]("relay")  # the beat asks again
    logged = lines.take()
    assert "Traceback" not in str(logged), logged
    assert len([line for line in logged if "database_trouble" in line]) == 7

    own_server.start()
    assert api.post("accruals", points, key="k").status_code == 201
    assert client.get("/readyz").status_code == 200
    house.run("relay")
    assert values(opened(phone.fetch().data))["points"] == 7
