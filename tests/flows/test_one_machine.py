"""Everything on one machine: `wallet run` in an empty folder, to "ready" and down again."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from processes import Processes, answers, kill, processes, wait_until
from servers import free_ports
from sqlalchemy import select

from wallet.presence import BEAT, Heartbeat
from wallet.running import worker
from wallet.running.worker import Embedded, create_celery

CONSOLE_LINK = re.compile(r"^console (http://localhost:\d+/console/welcome/\S+)$", re.MULTILINE)
STOP_S = 30  # on a loaded machine; an idle one takes one or two


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Processes]:
    logs = tmp_path / "logs"
    logs.mkdir()
    environment = {"WALLET_DATA": str(tmp_path / "var"), "PORT": str(free_ports(5))}
    with processes(environment, logs) as started:
        yield started


def is_up(machine: Processes) -> bool:
    return answers(f"http://127.0.0.1:{machine.environment['PORT']}/readyz")


def test_an_empty_folder_becomes_ready_and_stops_when_asked(machine: Processes) -> None:
    run = machine.start("run", cold=True)
    wait_until(lambda: "ready http" in machine.log_of("run"), "the greeting")
    assert is_up(machine)
    link = CONSOLE_LINK.search(machine.log_of("run"))
    kept = (Path(machine.environment["WALLET_DATA"]) / "sandbox.env").read_text()
    assert link is not None
    assert f"WALLET_CONSOLE_LINK={link[1]}\n" in kept
    assert requests.get(link[1], timeout=30).status_code == 200
    run.send_signal(signal.SIGTERM)
    assert run.wait(STOP_S) == 0
    assert not is_up(machine)
    assert "Traceback" not in machine.log_of("run")


@pytest.mark.parametrize("command", ["run", "web"])
def test_a_second_one_in_the_same_folder_is_refused_by_name(
    machine: Processes, command: str
) -> None:
    first = machine.start("run")
    wait_until(lambda: is_up(machine), "the first")
    machine.environment["PORT"] = str(free_ports(5))
    second = machine.start(command)
    assert second.wait(30) == 1
    assert "WALLET_DATA: another Kopilka" in machine.log_of(command)
    assert first.poll() is None


def test_a_folder_whose_process_was_killed_is_free_again(machine: Processes) -> None:
    run = machine.start("run")
    wait_until(lambda: is_up(machine), "the first")
    children = psutil.Process(run.pid).children(recursive=True)
    kill(run)
    wait_until(lambda: not any(map(psutil.Process.is_running, children)), "them to follow it")
    assert not is_up(machine)
    machine.environment["PORT"] = str(free_ports(5))
    machine.start("run")
    wait_until(lambda: is_up(machine), "the next")


def test_stopping_waits_for_a_pump_at_work(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, finished = threading.Event(), threading.Event()

    class Slow:
        def run(self) -> bool:
            begun.set()
            time.sleep(0.5)
            finished.set()
            return False

    monkeypatch.setattr(worker, "pumps", lambda _: {name: Slow() for name in worker.PUMP_NAMES})
    embedded = Embedded(create_celery(installation.settings), installation, lambda _: None)
    embedded.start()
    assert begun.wait(60)
    embedded.stop()
    assert finished.is_set()
    with installation.database.reading() as session:
        assert BEAT in set(session.scalars(select(Heartbeat.name)))
