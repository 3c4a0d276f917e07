"""Where phones are reached, and what they are called, is nowhere to be read: not in the database,
not in its files, not in a backup, not in the log."""

import io
import logging
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import traces
from phones import Phone
from sqlalchemy import select
from sqlalchemy.engine import make_url

from wallet.apple.devices import Device
from wallet.configuration import logs
from wallet.sandbox.apns import RunningApns

DEVICE, TOKEN = "5ec0de5ec0de5ec0de5ec0de5ec0de77", "70ce70ce" * 8
SECOND = "70ce70cf" * 8
PLANTED = (DEVICE, TOKEN, SECOND)


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything there is to log."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        logs.configure("debug", readable=False)
        yield written
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def test_identifiers_and_tokens_of_phones_lie_nowhere(
    api,
    client,
    member,
    house,
    pushes: RunningApns,
    wallet,
    environment,
    logged,
    capsys,
    tmp_path: Path,
) -> None:
    phone = Phone.with_card(client, member, DEVICE)
    assert phone.register(TOKEN).status_code == 201
    assert phone.register(SECOND).status_code == 200
    assert phone.register(TOKEN).status_code == 200
    line = f"Get serial #s task (for device {DEVICE}, token {TOKEN}) encountered error"
    assert client.post("/apple/v1/log", json={"logs": [line]}).status_code == 200
    pushes.stand_in.fail(400, "BadDeviceToken", tokens=[TOKEN], times=1)
    for _ in range(2):
        api.post("accruals", {"member": member["id"], "points": 5})
        house.run()
        house.clock.advance(hours=2)
    assert pushes.stand_in.heard(TOKEN).count == 1
    assert client.get(phone.registrations).status_code == 200
    wallet("doctor")
    with house.installation.database.reading() as session:
        assert len(session.scalars(select(Device)).all()) == 1

    backup, plain = tmp_path / "one.backup", tmp_path / "one.zip"
    assert wallet("backup", str(backup)).exit_code == 0
    assert wallet("restore", "--decrypt-to", str(plain), str(backup)).exit_code == 0
    with zipfile.ZipFile(plain) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert "database" in {one.name for one in (tmp_path / "unpacked").iterdir()}
    (tmp_path / "dump.sql").write_text(_dump(environment["WALLET_DATABASE_URL"]))

    assert traces.in_tables(house.installation.database, PLANTED) == []
    assert traces.in_files(tmp_path, PLANTED) == []
    # Loggers that were used before this test write where they did.
    log = logged.getvalue() + "".join(capsys.readouterr())
    assert all(event in log for event in ("request", "pushed", "apns_fault"))
    assert traces.traces(log.encode(), PLANTED) == []


def _dump(url: str) -> str:
    """Every row as SQL, by the database's own tool."""
    if url.startswith("sqlite"):
        return ""  # its file is looked into, and its journal
    plain = make_url(url).set(drivername="postgresql")
    command = ["pg_dump", "--dbname", plain.render_as_string(hide_password=False)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "COPY public.apple_device" in done.stdout
    return done.stdout
