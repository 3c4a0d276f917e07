"""A newcomer, scripted: clones the repository into an empty folder and does what the README says,
in the README's own words, until the points are on both virtual phones. `make newcomer` runs it
twice: once with nothing in pip's cache, and once more. PORT=… if 8080 is taken."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

TOP = Path(__file__).parents[2]
README_PORT = 8080
MOST_S = 600
MOST_BYTES = 2_000_000_000
POINTS = 120  # what the README says both phones have in the end
SETTLED_S = 1.5
PHONES = ("iphone.txt", "android.txt")


@dataclass(frozen=True)
class Figures:
    ready_s: float
    total_s: float
    cpu_s: float
    peak_bytes: int

    def __str__(self) -> str:
        return (
            f"ready after {self.ready_s:.0f} s, points on both phones after {self.total_s:.0f} s,"
            f" {self.cpu_s:.0f} s of processor time, at most {self.peak_bytes / 1e6:.0f} MB"
        )


def main() -> int:
    port = int(os.environ.get("PORT", README_PORT))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"Port {port} is taken: PORT=… make newcomer")
    with tempfile.TemporaryDirectory(prefix="kopilka-newcomer-") as name:
        folder = Path(name)
        measured = {}
        for cache in ("cold", "warm"):
            figures = follow(folder / cache, folder / "pip", port)
            say(f"pip's cache {cache}: {figures}")
            assert figures.total_s < MOST_S, f"longer than {MOST_S} s"
            assert figures.peak_bytes < MOST_BYTES, f"more than {MOST_BYTES} bytes"
            measured[cache] = vars(figures)
    results = TOP / "var" / "newcomer.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(measured, indent=1))
    return 0


def follow(folder: Path, pip_cache: Path, port: int) -> Figures:
    """From nothing to points on both phones, and down again by Ctrl-C."""
    began_at = time.monotonic()
    with watched() as watch:
        run(["git", "clone", "--quiet", str(TOP), str(folder)])
        readme = Readme((folder / "README.md").read_text(), port)
        environment = newcomers_environment(pip_cache, port)
        log = (folder.parent / f"{folder.name}.log").open("w")
        with log, contextlib.ExitStack() as stack:
            make = stack.enter_context(
                started(readme.command("Two commands", "make run"), folder, environment, log)
            )
            printed = Path(log.name)
            wait_for(
                lambda: f"ready http://127.0.0.1:{port}" in printed.read_text(),
                "ready",
                lambda: make.poll() is None,
                printed,
            )
            ready_s = time.monotonic() - began_at
            shell = stack.enter_context(Shell.opened(folder, environment))
            walk_through(shell, readme.blocks("A session with curl"), folder / "var")
            total_s = time.monotonic() - began_at
            os.killpg(make.pid, signal.SIGINT)
            make.wait(20)
    return Figures(ready_s, total_s, watch.cpu_s, watch.peak_bytes)


def walk_through(shell: "Shell", blocks: list[str], var: Path) -> None:
    """The session, a block at a time, as somebody would who reads what comes back."""
    for block in blocks:
        answers = shell.run(block)
        assert '"status":4' not in answers and '"status":5' not in answers, answers
        if "wallet phone" in block:
            # A reader looks at what the phones say before going on.
            for name in PHONES:
                wait_for(lambda name=name: settled(var / name), f"the card in {name}")
    assert f'"available":{POINTS}' in answers, answers
    for name in PHONES:
        # As the phone draws it: the value alone, in a frame or behind an arrow.
        shows = re.compile(rf"→ {POINTS}$", re.MULTILINE)
        wait_for(
            lambda name=name, shows=shows: shows.search((var / name).read_text()) is not None,
            f"{POINTS} points in {name}",
            log=var / name,
        )


class Readme:
    """The commands of the README, by heading, exactly as they stand there but for the port."""

    def __init__(self, text: str, port: int) -> None:
        self._text = text.replace(f"127.0.0.1:{README_PORT}", f"127.0.0.1:{port}")

    def blocks(self, heading: str) -> list[str]:
        section = self._text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
        found = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        assert found, f"no commands under {heading}"
        return found

    def command(self, heading: str, begins: str) -> str:
        lines = "".join(self.blocks(heading)).splitlines()
        return next(line for line in lines if line.startswith(begins))


class Shell:
    """A terminal: what was set in one block is there in the next."""

    END = "--- that was all of it ---"

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, environment: dict[str, str]) -> Iterator["Shell"]:
        process = subprocess.Popen(
            ["bash", "-eu"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield cls(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)

    def run(self, block: str) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{block}\necho; echo '{self.END}'\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            if line.rstrip() == self.END:
                return "".join(said)
            said.append(line)
        raise AssertionError(f"the shell gave up in\n{block}\n{''.join(said)}")


class Watch:
    """Memory and processor time of everything that was started from here."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.cpu_s = 0.0
        self._spent: dict[tuple[int, float], float] = {}

    def look(self) -> None:
        total = 0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
                times = process.cpu_times()
                key = (process.pid, process.create_time())
                self._spent[key] = times.user + times.system
        self.peak_bytes = max(self.peak_bytes, total)
        self.cpu_s = sum(self._spent.values())


@contextlib.contextmanager
def watched() -> Iterator[Watch]:
    watch, stop = Watch(), threading.Event()

    def keep_looking() -> None:
        while not stop.wait(0.2):
            watch.look()

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def newcomers_environment(pip_cache: Path, port: int) -> dict[str, str]:
    """Nothing of ours, and nothing of the `make` that runs this."""
    ours = re.compile(r"WALLET_|MAKE|MFLAGS|VIRTUAL_ENV|PYTHON$|PORT$|WEB_CONCURRENCY$")
    environment = {name: value for name, value in os.environ.items() if not ours.match(name)}
    environment["PIP_CACHE_DIR"] = str(pip_cache)
    return environment if port == README_PORT else {**environment, "PORT": str(port)}


@contextlib.contextmanager
def started(
    command: str, folder: Path, environment: dict[str, str], log: object
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def settled(path: Path) -> bool:
    """Something was written, and nothing more for a while."""
    return (
        path.exists()
        and path.stat().st_size > 0
        and (time.time() - path.stat().st_mtime > SETTLED_S)
    )


def wait_for(
    condition: Callable[[], bool],
    what: str,
    alive: Callable[[], bool] = lambda: True,
    log: Path | None = None,
) -> None:
    deadline = time.monotonic() + MOST_S
    while not condition():
        late = time.monotonic() > deadline
        if late or not alive():
            told = log.read_text() if log else ""
            raise AssertionError(
                f"{'waited in vain for' if late else 'ended before'} {what}\n{told}"
            )
        time.sleep(0.1)


def run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
