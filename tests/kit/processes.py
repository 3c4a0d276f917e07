"""The service as separate processes, to be killed at will."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import requests
import warm

Process = subprocess.Popen[bytes] | warm.Process


class Processes:
    """Processes of one installation; those that still run at the end are ended. They begin where
    the imports end (`warm.py`), unless they are to start `cold`, as a person starts them.
    `watched_by` is a program that starts them, cold, and watches them."""

    def __init__(
        self,
        environment: dict[str, str],
        logs: Path,
        watched_by: Sequence[str] = (),
        *,
        cold: bool = False,
    ) -> None:
        self.environment = {**os.environ, **environment}
        self._logs = logs
        self._watched_by = watched_by
        self._cold = cold or bool(watched_by)
        self._running: list[Process] = []

    def start(
        self, *arguments: str, cold: bool = False, dies_before: tuple[str, int] | None = None
    ) -> Process:
        """Start `wallet <arguments>`, in a process group of its own. `dies_before` has it end in
        the middle of its work, see `crash.before`; then it is never cold."""
        with (self._logs / f"{arguments[0]}-{len(self._running)}.log").open("wb") as log:
            if (cold or self._cold) and dies_before is None:
                process: Process = self._start_cold(arguments, log)
            else:
                server = warm.server()
                process = server.start(arguments, self.environment, log, dies_before)
        self._running.append(process)
        return process

    def _start_cold(self, arguments: Sequence[str], log: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._watched_by, sys.executable, "-m", "wallet", *arguments],
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *arguments: str, cold: bool = False) -> None:
        """Run `wallet <arguments>` to its end, which must be a success."""
        process = self.start(*arguments, cold=cold)
        assert process.wait(60) == 0, self.log_of(arguments[0])

    def log_of(self, name: str) -> str:
        return "\n".join(file.read_text() for file in sorted(self._logs.glob(f"{name}-*.log")))

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                kill(process)


@contextlib.contextmanager
def processes(
    environment: dict[str, str],
    logs: Path,
    watched_by: Sequence[str] = (),
    *,
    cold: bool = False,
) -> Iterator[Processes]:
    started = Processes(environment, logs, watched_by, cold=cold)
    try:
        yield started
    finally:
        started.end()


def kill(process: Process) -> None:
    """kill -9 of a process and its children, as the kernel would when memory runs out."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def answers(url: str) -> bool:
    """Whether a GET of this address is answered with 200 within two seconds."""
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for the condition; after so many seconds, fail and name `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.05)
