"""What it costs the web tier when a phone asks, as it is served to many: gunicorn, PostgreSQL, the
limits counted in Redis. For a changed card the CPU time of the web process against that of the one
raw RSA-2048 signature that cannot be saved; for the list of changes, and for a card that the phone
has already, against a Flask view that does nothing on the same server.

CPU time of the server's process, by the kernel's count, so that whoever asks is not in it."""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import servers
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, Response
from gunicorn.app.base import BaseApplication
from processes import answers, processes, wait_until
from sqlalchemy import text

from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet import migrations
from wallet.apple import devices
from wallet.apple.signing import KEY_FILE
from wallet.configuration import settings
from wallet.configuration.settings import DEMO
from wallet.installation import Installation
from wallet.passes import issuing, versioning
from wallet.passes.issued import Pass
from wallet.running.assembly import connect
from wallet.sandbox import certificates, demo
from wallet.web.server import Worker

ROUNDS = 5
REQUESTS = 300
AT_ONCE = 8  # clients; as many as a process has threads
DEVICE = "d" * 32

Headers = dict[str, str]


class Nothing(BaseApplication):
    """A view that does nothing, served as ours is."""

    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": f"127.0.0.1:{self._port}",
            "worker_class": Worker,
            "threads": 4,
            "keepalive": 5,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = Flask(__name__)
        app.add_url_rule("/healthz", "nothing", Response)
        return app


def measure() -> dict[str, float]:
    """`changed`: CPU of a changed card to that of a signature; `list` and `unchanged`: how many a
    second of CPU to how many of the view that does nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        servers.postgres() as server,
        servers.redis() as redis_url,
    ):
        server.execute("CREATE DATABASE phones")
        folder, port = Path(name), servers.free_port()
        certificates.ensure_chain(folder / "certs", datetime.now(UTC))
        place = folder / "certs" / certificates.SANDBOX_PASS_TYPE
        key = serialization.load_pem_private_key((place / KEY_FILE).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": name,
            "WALLET_DATABASE_URL": server.url("phones"),
            "WALLET_BROKER_URL": redis_url,
            "WALLET_APPLE_CERTS": str(folder / "certs"),
            "WALLET_APNS_URL": "https://127.0.0.1:9",
            "WALLET_API_KEY": "bench-key-of-thirty-two-characters",
            "WALLET_SECRET_KEY": "bench-secret-of-thirty-two-characters",
            "WALLET_RATE_LIMITS": "apple=1000000/second",
            "WEB_CONCURRENCY": "1",
        }
        installation = connect(settings.from_env(environment))
        migrations.upgrade(installation.database.engine)
        pass_ = _card(installation)
        with nothing_served() as nothing, processes(environment, folder) as started:
            web = started.start("web")
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the web to answer")
            try:
                return _measured(installation, pass_, key, Served(port, web.pid), nothing)
            finally:
                installation.database.close()


class Served:
    """A server that is asked over one connection."""

    def __init__(self, port: int, pid: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._pid = pid

    def cpu(
        self,
        path: str,
        headers: Headers,
        status: int,
        outdate: Callable[[], None],
        requests: int = REQUESTS,
    ) -> float:
        """CPU seconds of one answer."""
        self._connection.close()  # it may have been idle for too long
        self._ask(path, headers, status)
        begun = self._used()
        for _ in range(requests):
            outdate()
            self._ask(path, headers, status)
        return (self._used() - begun) / requests

    def cpu_at_once(
        self, path: str, headers: Headers, requests: int, body: Path | None = None
    ) -> float:
        """CPU seconds of one answer while eight clients ask at once; with a `body` they POST it."""
        command = ["h2load", "--h1", f"-n{requests}", f"-c{AT_ONCE}"]
        if body is not None:
            command += ["-d", str(body)]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        begun = self._used()
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{self._connection.port}{path}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used = self._used() - begun
        assert f"{requests} 2xx" in said, said
        return used / requests

    def _ask(self, path: str, headers: Headers, status: int) -> None:
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        assert answer.read() or answer.status != 200 or path == "/healthz"
        assert answer.status == status

    def _used(self) -> float:
        """By the process and its children, alive as they are."""
        pids = [self._pid, *_children(self._pid)]
        return sum(map(_run_ns, pids)) / 1e9


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _run_ns(pid: int) -> int:
    """Of all threads of the process. Its ticks of 10 ms would be too coarse: a view that does
    nothing has nine of them in 300 requests."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads)


@contextmanager
def nothing_served() -> Iterator[Served]:
    """The view that does nothing, in a process of its own."""
    port = servers.free_port()
    process = subprocess.Popen([sys.executable, __file__, str(port)], env=os.environ)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "nothing to answer")
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _card(installation: Installation) -> Pass:
    now = datetime.now(UTC)
    with installation.database.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        pass_type, keys = installation.pass_type, installation.keys
        pass_ = issuing.join(session, programme, Profile(), pass_type, keys, now)
        devices.register(session, keys, pass_, DEVICE, "ab" * 32, now)
        versioning.move_tags(session, [pass_.id])
    return pass_


def _measured(
    installation: Installation, pass_: Pass, key: rsa.RSAPrivateKey, ours: Served, nothing: Served
) -> dict[str, float]:
    card = f"/apple/v1/passes/{pass_.pass_type}/{pass_.serial}"
    registrations = f"/apple/v1/devices/{DEVICE}/registrations/{pass_.pass_type}"
    known = {"Authorization": f"ApplePass {installation.signed_passes.token(pass_)}"}
    since = {**known, "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}

    def outdate() -> None:
        with installation.database.transaction() as session:
            session.execute(text("UPDATE wallet_pass SET version = version + 1"))

    def stay() -> None:
        pass

    rounds = []
    for _ in range(ROUNDS):
        idle = nothing.cpu("/healthz", {}, 200, stay)
        signed = _signature(key)
        changed = ours.cpu(card, known, 200, outdate)
        listed = ours.cpu(registrations, {}, 200, stay)
        unchanged = ours.cpu(card, since, 304, stay)
        signed = (signed + _signature(key)) / 2
        idle = (idle + nothing.cpu("/healthz", {}, 200, stay)) / 2
        rounds.append((changed / signed, idle / listed, idle / unchanged, changed, idle))
    names = ("changed", "list", "unchanged", "changed_cpu_s", "nothing_cpu_s")
    return dict(zip(names, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def _signature(key: rsa.RSAPrivateKey) -> float:
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
    begun = time.process_time()
    for _ in range(REQUESTS):
        key.sign(b"manifest", pkcs1, sha256)
    return (time.process_time() - begun) / REQUESTS


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Nothing(int(sys.argv[1])).run()
    else:
        for name, figure in measure().items():
            sys.stdout.write(f"{name:20} {figure:10.5f}\n")
