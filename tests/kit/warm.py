"""`wallet <command>` in a process of its own that need not load Python and the packages first.

Most of the time of a test that starts processes went into their imports, the same ones each time.
Here a server that has done them forks, and its child goes on in `wallet.__main__` as a new
interpreter would. It gets what `subprocess.Popen` would give it, and ends in the same way: a
session of its own, this environment and no other, its output in a file, and an exit code or a
signal.

What this cannot show is that a command imports what it needs. So each command is started cold by
some test as well: see `processes.py`."""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

import crash

PACKAGES = ("ledger", "wallet")
# These do something when they are imported.
NOT_LOADED = ("wallet.__main__", "wallet.migrations.env", "wallet.migrations.versions")
# Modules that packages import only when they need them; found by looking at what a started command
# still loads.
LOADED_LATE = (
    "alembic.command",
    "billiard.sharedctypes",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.backends.base",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.contrib.migrate",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "gunicorn.arbiter",
    "gunicorn.glogging",
    "kombu.transport.memory",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "limits.storage.redis",
    "psycopg_binary",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "valkey",
)


# On the side of the tests


class Process:
    """A process that the server forked, with those methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, ending: int) -> None:
        """The pipe `ending` tells how the process ended."""
        self.pid = pid
        self.returncode: int | None = None
        self._ending = ending

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ready, _, _ = select.select([self._ending], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(f"wallet ({self.pid})", timeout or 0.0)
            self.returncode = int(os.read(self._ending, 16))
            os.close(self._ending)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Server:
    """Forks when it is asked to, and ends when all who could ask are gone."""

    def __init__(self) -> None:
        self._line, far_end = socket.socketpair()
        self._turn = threading.Lock()
        with far_end:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(far_end.fileno())],
                pass_fds=[far_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the tests, which then say goodbye
            )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: BinaryIO,
        dies_before: tuple[str, int] | None = None,
    ) -> Process:
        """`dies_before`: as in `crash.before`."""
        order = {
            "arguments": arguments,
            "environment": environment,
            "folder": str(Path.cwd()),
            "dies_before": dies_before,
        }
        written = json.dumps(order).encode() + b"\n"
        ending, told = os.pipe()
        with self._turn:
            socket.send_fds(self._line, [written[:1]], [output.fileno(), told])
            self._line.sendall(written[1:])
            os.close(told)
            pid = int(self._line.recv(16))
        return Process(pid, ending)

    def end(self) -> None:
        self._line.close()
        self._server.wait()


@functools.cache
def server() -> Server:
    """The server of this process, made when it is first needed."""
    made = Server()
    atexit.register(made.end)
    return made


# On the side of the server


def serve() -> bool:
    """Fork until the tests are gone, then return False. Returns True in each child, which is to
    become `wallet`."""
    line = socket.socket(fileno=int(sys.argv[1]))
    sys.path.remove(str(Path(__file__).parent))
    _load()
    endings: dict[int, int] = {}  # by process: where to tell how it ended
    signal.signal(signal.SIGCHLD, lambda *_: _tell_of_the_dead(endings))
    for order, output, told in _orders(line):
        # A child that ends before it is in `endings` waits with its signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            _take(order, output, line)
            for one in (told, *endings.values()):
                os.close(one)
            return True
        endings[pid] = told
        os.close(output)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return False


def _load() -> None:
    gc.disable()
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.startswith(NOT_LOADED):
                importlib.import_module(module.name)
    for name in LOADED_LATE:
        with contextlib.suppress(ImportError):  # another release has it elsewhere
            importlib.import_module(name)
    # The memory is shared with the children until a garbage collector walks through it.
    gc.collect()
    gc.freeze()
    gc.enable()


def _orders(line: socket.socket) -> Iterator[tuple[dict, int, int]]:
    """What to start, where its output goes, and where to tell how it ended."""
    while True:
        written, (*handed,), _, _ = socket.recv_fds(line, 1, 2)
        if not written:
            return
        while not written.endswith(b"\n"):
            written += line.recv(65536)
        output, told = handed
        yield json.loads(written), output, told


def _take(order: dict, output: int, line: socket.socket) -> None:
    """In the child: what `subprocess.Popen` does before it runs the other program."""
    os.setsid()
    line.sendall(str(os.getpid()).encode())
    line.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who began in a shell's background
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.close(output)
    sys.argv[1:] = order["arguments"]
    if order["dies_before"] is not None:
        crash.before(*order["dies_before"])


def _tell_of_the_dead(endings: dict[int, int]) -> None:
    while endings:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        told = endings.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # no test waits for it any more
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _become_wallet() -> NoReturn:
    """Run `wallet` to its end, then leave without taking the interpreter to pieces: that would
    touch all memory that is shared with the server, and each touched page would be copied only to
    be thrown away."""
    code = 1
    try:
        runpy.run_module("wallet", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        else:
            code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__" and serve():
    _become_wallet()
