"""Web, worker and beat as processes of their own, on PostgreSQL with Redis or RabbitMQ, killed at
odd times."""

import contextlib
import io
import json
import shutil
import signal
import socket
import time
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import chains
import pytest
import requests
import servers
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from processes import Processes, answers, kill, processes, wait_until
from servers import RabbitMQ, free_port, free_ports
from sqlalchemy import func, select

from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.database.outbox import OutboxRow
from wallet.apple.devices import PushRow
from wallet.presence import BEAT, Heartbeat
from wallet.running.pumps import PUMP_NAMES
from wallet.sandbox import apns
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.certificates import Issued

API_KEY = "sandbox-test-key-of-32-characters"
TOKEN = "ab" * 32
OLD_DAYS = {"first_day": -25, "last_day": 20}
LOOK_S = 1  # how often the folder of certificates is looked at: here, and not every 20 seconds


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def broker_url(redis_url: str) -> str:
    return redis_url.replace("/0", f"/{uuid.uuid4().int % 15 + 1}")


@pytest.fixture
def cold() -> bool:
    """Whether the processes start as a person starts them."""
    return False


@pytest.fixture
def service(
    environment: dict[str, str],
    database: Database,
    broker_url: str,
    pushes: RunningApns,
    tmp_path: Path,
    *,
    cold: bool,
) -> Iterator[Processes]:
    port = free_ports(5)
    own = {
        "PORT": str(port),
        "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WALLET_BROKER_URL": broker_url,
        "WALLET_APNS_URL": pushes.url,
        "WALLET_LEASE_SECONDS": "2",
        "WALLET_BEAT_SECONDS": "0.5",
        "WEB_CONCURRENCY": "2",
    }
    with processes({**environment, **own}, tmp_path, cold=cold) as started:
        yield started


@pytest.fixture
def url(service: Processes) -> str:
    return service.environment["WALLET_PUBLIC_URL"]


def post(url: str, path: str, body: object, key: str | None = None) -> requests.Response:
    headers = {
        "Authorization": f"Bearer {API_KEY}",
        "Idempotency-Key": key or uuid.uuid4().hex,
    }
    return requests.post(f"{url}/api/v1/{path}", json=body, headers=headers, timeout=30)


@pytest.fixture
def member(service: Processes, url: str) -> dict:
    """A member with a phone, on a running web process."""
    service.web = service.start("web")
    wait_until(lambda: answers(f"{url}/readyz"), "the web process")
    member = post(url, "members", {"programme": "demo"}).json()
    bundle = requests.get(member["links"]["apple"], timeout=10).content
    document = json.loads(zipfile.ZipFile(io.BytesIO(bundle)).read("pass.json"))
    registered = requests.post(
        f"{url}/apple/v1/devices/{'d' * 32}/registrations/pass.sandbox.loyalty"
        f"/{document['serialNumber']}",
        json={"pushToken": TOKEN},
        headers={"Authorization": f"ApplePass {document['authenticationToken']}"},
        timeout=10,
    )
    assert registered.status_code == 201
    return member


def rows(database: Database, *tables: type) -> int:
    with database.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(table)) for table in tables)


@pytest.mark.parametrize("cold", [True])
def test_the_loop_runs_over_redis(service, url, member, database, pushes) -> None:
    service.start("worker")
    service.start("beat")
    assert post(url, "accruals", {"member": member["id"], "points": 5}).status_code == 201
    wait_until(lambda: pushes.stand_in.heard(TOKEN).count == 1, "the push")
    wait_until(lambda: rows(database, OutboxRow, PushRow) == 0, "empty queues")
    wait_until(lambda: seen(database) == {BEAT, *PUMP_NAMES}, "signs of all who are at work")


def seen(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.scalars(select(Heartbeat.name)))


def test_a_worker_killed_between_push_and_record_loses_nothing(
    service, url, member, database, pushes
) -> None:
    worker = service.start("worker")
    service.start("beat")
    pushes.stand_in.delay_s = 60  # Apple takes the push, and the answer never comes
    post(url, "accruals", {"member": member["id"], "points": 5})
    wait_until(lambda: pushes.stand_in.heard(TOKEN).count == 1, "the first push")
    assert rows(database, PushRow) == 1
    kill(worker)
    pushes.stand_in.clear()
    service.start("worker")
    wait_until(lambda: pushes.stand_in.heard(TOKEN).count == 2, "the push after the lease")
    wait_until(lambda: rows(database, OutboxRow, PushRow) == 0, "empty queues")
    # Celery warns root of messages that bring code along: ours cannot, and our log is ours.
    assert "SecurityWarning" not in service.log_of("worker")
    assert "superuser" not in service.log_of("worker")


def test_a_web_process_killed_under_load_loses_nothing_acknowledged(
    service, url, member, database, pushes
) -> None:
    service.start("worker")
    service.start("beat")
    acknowledged: list[str] = []

    def accrue(_: int) -> None:
        try:
            answer = post(url, "accruals", {"member": member["id"], "points": 1})
        except requests.RequestException:
            return
        if answer.status_code == 201:
            acknowledged.append(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(accrue, number) for number in range(200)]
        wait_until(lambda: len(acknowledged) >= 40, "40 accruals")
        kill(service.web)
        for call in calls:
            call.result()
    with database.reading() as session:
        kept = set(session.scalars(select(Posting.public_id)))
    assert set(acknowledged) <= kept
    service.start("web")
    wait_until(lambda: answers(f"{url}/readyz"), "the web process")
    wait_until(lambda: rows(database, OutboxRow, PushRow) == 0, "empty queues")
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = requests.get(f"{url}/api/v1/members/{member['id']}", headers=headers, timeout=10)
    assert answer.json()["balance"]["available"] == len(kept)


def test_sigterm_under_load_finishes_what_was_begun(service, url, member, database) -> None:
    """Every request that reached the service is answered 201 or never happened."""
    answered: dict[str, int] = {}

    def accrue(number: int) -> None:
        key = f"k-{number}"
        try:
            answered[key] = post(
                url, "accruals", {"member": member["id"], "points": 1}, key
            ).status_code
        except requests.ConnectionError:
            answered[key] = 0

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(accrue, number) for number in range(200)]
        wait_until(lambda: len(answered) >= 40, "40 accruals")
        service.web.send_signal(signal.SIGTERM)
        for call in calls:
            call.result()
    assert service.web.wait(35) == 0
    assert set(answered.values()) <= {201, 0}
    with database.reading() as session:
        assert len(session.scalars(select(Posting.id)).all()) == sum(
            status == 201 for status in answered.values()
        )


def test_a_dead_broker_fails_no_request(service, url, member, database) -> None:
    kill(service.web)
    service.environment["WALLET_BROKER_URL"] = "redis://127.0.0.1:9/0"
    service.start("web")
    wait_until(lambda: answers(f"{url}/readyz"), "the web process")
    for _ in range(5):
        answer = post(url, "accruals", {"member": member["id"], "points": 1})
        assert answer.status_code == 201
    assert rows(database, OutboxRow) >= 5


class Redis:
    """A broker of one test's own, to be taken away and brought back."""

    def __init__(self) -> None:
        self.url = f"redis://127.0.0.1:{free_port()}/0"
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        port = urlsplit(self.url).port
        self._running.enter_context(servers.redis(port))

    def kill(self) -> None:
        self._running.close()


@contextlib.contextmanager
def own_redis() -> Iterator[Redis]:
    broker = Redis()
    broker.start()
    yield broker
    broker.kill()


class TestABrokerOfOnesOwn:
    @pytest.fixture(params=[own_redis, servers.rabbitmq], ids=["redis", "rabbitmq"])
    def broker(self, request: pytest.FixtureRequest) -> Iterator[Redis | RabbitMQ]:
        with request.param() as broker:
            yield broker

    @pytest.fixture
    def broker_url(self, broker: Redis | RabbitMQ) -> str:
        return broker.url

    def test_killed_and_back_it_fails_no_request_and_delivery_goes_on(
        self, service, url, member, database, pushes, broker
    ) -> None:
        def accrue() -> None:
            answer = post(url, "accruals", {"member": member["id"], "points": 1})
            assert answer.status_code == 201

        def is_pushed(times: int) -> None:
            wait_until(lambda: pushes.stand_in.heard(TOKEN).count >= times, f"push {times}")
            wait_until(lambda: rows(database, OutboxRow, PushRow) == 0, "empty queues")

        worker, beat = service.start("worker"), service.start("beat")
        accrue()
        is_pushed(1)
        broker.kill()
        for _ in range(20):
            accrue()
        assert rows(database, OutboxRow) >= 1
        broker.start()
        is_pushed(2)  # by the beat: no request woke anybody meanwhile
        kill(beat)
        before = pushes.stand_in.heard(TOKEN).count
        accrue()
        is_pushed(before + 1)  # by the request's own wake-up
        assert worker.poll() is None


class TestCertificates:
    """New ones are put into the folder while web and worker run; nobody restarts anything."""

    @pytest.fixture
    def certs(self, tmp_path: Path) -> Path:
        folder = tmp_path / "certs"
        chains.lay(folder / "old", self.leaf(**OLD_DAYS))
        return folder

    @staticmethod
    def leaf(**days: int) -> Issued:
        return chains.leaf("pass.sandbox.loyalty", "SANDBOX000", **days)

    @pytest.fixture
    def environment(self, environment: dict[str, str], certs: Path) -> dict[str, str]:
        own = {
            "WALLET_APPLE_CERTS": str(certs),
            "WALLET_CERTS_LOOK_SECONDS": str(LOOK_S),
            "WALLET_LOG_LEVEL": "info",
        }
        return {**environment, **own}

    @pytest.fixture
    def pushes(self, chain: Path, tmp_path: Path) -> Iterator[RunningApns]:
        authorities = tmp_path / "authorities.pem"
        own = chains.authority()
        authorities.write_bytes(own.root.certificate_pem() + own.intermediate.certificate_pem())
        with apns.running(chain / "server.pem", chain / "server.key", authorities) as stand_in:
            yield stand_in

    def test_they_are_taken_up_whole_while_all_is_running(
        self, service, url, member, database, pushes, certs: Path, tmp_path: Path
    ) -> None:
        service.start("worker", "--concurrency", "1")  # the one that pushed before
        service.start("beat")

        def signed_by() -> set[bytes]:
            """By the certificates of whom both web processes sign."""
            found = set()
            for _ in range(8):
                bundle = requests.get(member["links"]["apple"], timeout=10).content
                signature = zipfile.ZipFile(io.BytesIO(bundle)).read("signature")
                found |= {
                    one.public_bytes(Encoding.PEM) for one in load_der_pkcs7_certificates(signature)
                }
            return found & {old, new}

        def pushed(times: int) -> None:
            post(url, "accruals", {"member": member["id"], "points": 1})
            wait_until(lambda: pushes.stand_in.heard(TOKEN).count >= times, f"push {times}")
            wait_until(lambda: rows(database, OutboxRow, PushRow) == 0, "empty queues")

        old, new = self.leaf(**OLD_DAYS).certificate_pem(), self.leaf().certificate_pem()
        pushed(1)
        assert signed_by() == {old}
        assert pushes.stand_in.stats().connections == 1
        whole = chains.lay(tmp_path / "whole", self.leaf())
        (certs / "new").mkdir()
        shutil.copy(whole / "pass.pem", certs / "new")
        told = "certificates_not_taken_up"
        wait_until(lambda: signed_by() == {old} and told in service.log_of("web"), told)
        for name in ("pass.key", "wwdr.pem"):
            shutil.copy(whole / name, certs / "new")
        wait_until(lambda: signed_by() == {new}, "both web processes to sign with the new one")
        # One line for each process that looked meanwhile.
        assert service.log_of("web").count(told) <= 2
        shutil.rmtree(certs / "old")  # it was taken away at once: nobody reads it any more
        wait_until(lambda: signed_by() == {new}, "the new one alone")
        time.sleep(LOOK_S)  # the worker looks when it pushes, if its last look is so long ago
        pushed(2)
        assert pushes.stand_in.stats().connections == 2
        assert "certificates_taken_up" in service.log_of("worker")


def test_clients_that_stop_in_the_middle_do_not_stop_the_service(service, url) -> None:
    """More of them than there are threads: all are taken, and are given back."""
    threads = 2
    service.environment |= {"WEB_CONCURRENCY": "1", "WALLET_WEB_THREADS": str(threads)}
    service.start("web")
    wait_until(lambda: answers(f"{url}/readyz"), "the web process")
    address = ("127.0.0.1", int(service.environment["PORT"]))
    with contextlib.ExitStack() as stack:
        for _ in range(threads + 1):
            half_open = stack.enter_context(socket.create_connection(address))
            half_open.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-")
        wait_until(lambda: answers(f"{url}/healthz"), "an answer", 90)
    assert "Traceback" not in service.log_of("web")


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_the_memory_broker_is_refused_by_name(service: Processes, command: str) -> None:
    service.environment["WALLET_BROKER_URL"] = "memory://"
    service.environment["WEB_CONCURRENCY"] = "1"
    assert service.start(command).wait(30) == 1
    assert "WALLET_BROKER_URL" in service.log_of(command)
