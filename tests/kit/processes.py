"""The service as separate processes, to be killed at will."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import requests


class Processes:
    """Processes of one installation; whatever still runs at the end is ended. `watched_by` is a
    program that starts them and looks on."""

    def __init__(
        self, environment: dict[str, str], logs: Path, watched_by: Sequence[str] = ()
    ) -> None:
        self.environment = {**os.environ, **environment}
        self._logs = logs
        self._watched_by = watched_by
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`wallet <arguments>`, in a process group of its own."""
        log = (self._logs / f"{arguments[0]}-{len(self._running)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*self._watched_by, sys.executable, "-m", "wallet", *arguments],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def run(self, *arguments: str) -> None:
        """`wallet <arguments>`, to its end."""
        process = self.start(*arguments)
        assert process.wait(60) == 0, self.log_of(arguments[0])

    def log_of(self, name: str) -> str:
        return "\n".join(file.read_text() for file in sorted(self._logs.glob(f"{name}-*.log")))

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                kill(process)


@contextlib.contextmanager
def processes(
    environment: dict[str, str], logs: Path, watched_by: Sequence[str] = ()
) -> Iterator[Processes]:
    started = Processes(environment, logs, watched_by)
    try:
        yield started
    finally:
        started.end()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and its children, as the kernel would when memory runs out."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.05)
