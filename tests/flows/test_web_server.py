"""The web process as a client meets it on the wire, well-behaved or not."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from phones import PASS_TYPE, Phone
from processes import answers, processes, wait_until
from servers import free_ports
from sqlalchemy import select

from wallet.apple.arrivals import Fetch

KEY = "sandbox-test-key-of-32-characters"
MEGABYTE = 1024 * 1024
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
TALKING = {"WALLET_LOG_LEVEL": "info"}
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> tuple[int, str]:
        assert self.headers["content-type"] == "application/problem+json", self.body
        body = json.loads(self.body)
        assert body["status"] == self.status
        assert body["detail"].endswith(".")
        return self.status, body["code"]


@dataclass
class Wire:
    """Bytes to the server, whatever they are."""

    port: int
    log: object
    process: subprocess.Popen[bytes]

    def hang_up(self, head: str) -> None:
        """Ask for something and be gone before the server can answer: it stands still meanwhile."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
                line.sendall(head.encode())
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def send(self, head: str, body: Iterable[bytes] = ()) -> Answer:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall(head.encode())
            try:
                for part in body:
                    line.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server has heard enough
            received = b""
            try:
                while part := line.recv(65536):
                    received += part
            except ConnectionResetError:
                pass
        first, _, rest = received.partition(b"\r\n")
        lines, _, answered = rest.partition(b"\r\n\r\n")
        headers = dict(one.split(": ", 1) for one in lines.decode().splitlines())
        return Answer(
            int(first.split()[1]), {name.lower(): v for name, v in headers.items()}, answered
        )

    def post(self, path: str, chunks: Iterable[bytes]) -> Answer:
        return self.send(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
            "Idempotency-Key: k\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            chunks,
        )


@pytest.fixture
def wire(environment: dict[str, str], house, tmp_path: Path) -> Iterator[Wire]:
    port = free_ports(5)
    with processes({**environment, **TALKING, "PORT": str(port)}, tmp_path) as service:
        process = service.start("web")
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the web process")
        yield Wire(port, lambda: service.log_of("web"), process)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_a_body_in_chunks_is_measured_like_any_other(wire: Wire) -> None:
    fits = MEGABYTE // 0x10000
    body = b'{"points": 5, "card": "1"}'
    small = b"%x\r\n%s\r\n" % (len(body), body)
    assert wire.post("/api/v1/accruals", [small, LAST_CHUNK]).problem() == (404, "unknown_card")
    for path in ("/api/v1/accruals", "/webhooks/demo"):
        too_large = wire.post(path, [*[CHUNK] * fits, b"1\r\nx\r\n", LAST_CHUNK])
        assert too_large.problem() == (413, "body_too_large")
        assert wire.post(path, [CHUNK] * fits * 4).problem() == (413, "body_too_large")
    exact = wire.post("/api/v1/accruals", [*[CHUNK] * fits, LAST_CHUNK])
    assert exact.problem() == (400, "malformed_json")
    form = wire.send(
        "POST /join/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        [CHUNK] * fits * 2,
    )
    assert (form.status, form.headers["content-type"]) == (413, "text/html; charset=utf-8")


def test_what_is_no_request_is_refused_in_words_and_not_quoted(wire: Wire) -> None:
    secret = "s3cret" * 20
    for head, status, code in (
        (f"GET /card/{secret * 100} HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX: {secret * 100}\r\n\r\n", 431, "headers_too_large"),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + "X: a\r\n" * 200 + "\r\n", 431, "headers_too_large"),
        (f"{secret}\r\n\r\n", 400, "not_http"),
        (f"GET /card/{secret} HTTP/9.9\r\nHost: x\r\n\r\n", 400, "not_http"),
        (f"GET / HTTP/1.1\r\nHost: x\r\nBad {secret}: a\r\n\r\n", 400, "not_http"),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: morse\r\n\r\n",
            501,
            "transfer_coding_unknown",
        ),
        (
            f"POST / HTTP/1.1\r\nHost: x\r\nExpect: {secret}\r\nContent-Length: 1\r\n\r\nx",
            417,
            "expectation_unknown",
        ),
    ):
        answer = wire.send(head)
        assert answer.problem() == (status, code)
        assert secret.encode() not in answer.body
    assert wire.post("/api/v1/accruals", [b"zz\r\nabc\r\n"]).problem()[0] == 400
    assert wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status == 200
    assert "s3cret" not in wire.log()
    assert "Traceback" not in wire.log()


def test_slow_clients_keep_nobody_from_an_answer(wire: Wire) -> None:
    form = (
        b"POST /join/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
    )
    slow = []
    try:
        for started in (b"", b"GET /healthz HTTP/1.1\r\nHo", form):
            for _ in range(12):
                line = socket.create_connection(("127.0.0.1", wire.port), timeout=20)
                line.sendall(started)
                slow.append(line)
        for _ in range(12):
            deaf = socket.create_connection(("127.0.0.1", wire.port), timeout=20)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            slow.append(deaf)
        for _ in range(5):
            healthy = wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert healthy.status == 200
    finally:
        for line in slow:
            line.close()


def test_a_body_that_is_too_large_gets_an_answer_that_is_read(wire: Wire) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{wire.port}/api/v1/accruals",
        data=b"x" * 20_000_000,
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["Connection"] == "close"


def test_a_card_has_arrived_when_all_of_it_was_sent(
    wire: Wire, client, member, installation
) -> None:
    phone = Phone.with_card(client, member)

    def arrived() -> list[int]:
        with installation.database.reading() as session:
            return list(session.scalars(select(Fetch.version)))

    def ask(*headers: str) -> str:
        lines = [
            f"GET /apple/v1/passes/{PASS_TYPE}/{phone.serial} HTTP/1.1",
            "Host: x",
            "Connection: close",
            *(f"{name}: {value}" for name, value in phone.authorization.items()),
            *headers,
        ]
        return "\r\n".join(lines) + "\r\n\r\n"

    wire.hang_up(ask())
    wait_until(lambda: "pass_not_taken" in wire.log(), "the server to notice")
    assert arrived() == []
    whole = wire.send(ask("Range: bytes=0-99"))
    assert (whole.status, whole.headers["accept-ranges"]) == (200, "none")
    assert len(whole.body) == int(whole.headers["content-length"]) > 100
    wait_until(lambda: arrived() == [1], "the note of the arrival")
