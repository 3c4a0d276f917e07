"""Clients that are slow, on a real socket: they cost us patience, never a thread."""

import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.sock import create_sockets

from wallet.web import connections
from wallet.web.connections import MOST_BODY_BYTES, Arrival, Progress
from wallet.web.gunicorn_worker import Worker, close_after_large_body

HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\n"
MANY = 20
LARGE_ANSWER = b"a" * 3_000_000


def _echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Says how long the body was; `/unread` does not look, `/large` has much to say."""
    body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
    answer = LARGE_ANSWER if environ["PATH_INFO"] == "/large" else b"%d" % len(body)
    start("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


class _Small(BaseApplication):
    """One thread, so that a single client that holds it stops everybody."""

    def load_config(self) -> None:
        self.cfg.set("threads", 1)
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("worker_connections", 3 * MANY)
        self.cfg.set("pre_request", close_after_large_body)
        self.cfg.set("sendfile", value=False)

    def load(self) -> Callable[..., Any]:
        return _echo


class Server:
    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self._lines: list[socket.socket] = []

    def line(self, *sent: bytes) -> socket.socket:
        line = socket.create_connection(self.address, timeout=30)
        self._lines.append(line)
        for part in sent:
            line.sendall(part)
        return line

    def says(self, *sent: bytes) -> bytes:
        """Everything that is answered until the server hangs up."""
        return _rest(self.line(*sent))

    def is_well(self) -> bool:
        return b"200 OK" in self.says(b"GET / HTTP/1.0\r\n\r\n")

    def hang_up(self) -> None:
        for line in self._lines:
            line.close()


def _rest(line: socket.socket) -> bytes:
    received = b""
    while part := line.recv(65536):
        received += part
    return received


@pytest.fixture
def server() -> Iterator[Server]:
    app = _Small()
    log = Logger(app.cfg)
    listener = create_sockets(app.cfg, log)[0]
    worker = Worker(1, os.getppid(), [listener], app, 30, app.cfg, log)
    worker.wsgi = app.load()
    worker.tpool = worker.get_thread_pool()
    worker.poller = selectors.DefaultSelector()
    worker.method_queue.init()
    loop = threading.Thread(target=worker.run)
    loop.start()
    server = Server(listener.sock.getsockname())
    try:
        yield server
    finally:
        server.hang_up()
        worker.alive = False
        loop.join(30)
        assert not loop.is_alive()
        worker.tmp.close()


def test_clients_that_send_little_or_nothing_hold_no_thread(server: Server) -> None:
    for start in (b"", b"P", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf", b"\r\n\r\n"):
        for _ in range(MANY // 2):
            server.line(start)
    for _ in range(3):
        assert server.is_well()


def test_clients_that_read_nothing_hold_no_thread(server: Server) -> None:
    for _ in range(MANY):
        line = server.line()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
    for _ in range(3):
        assert server.is_well()


def test_more_of_an_answer_than_is_kept_is_waited_for_and_not_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = server.says(b"GET /large HTTP/1.0\r\n\r\n")
    assert whole.endswith(LARGE_ANSWER)
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    monkeypatch.setattr(connections, "SLOWEST_BYTES_PER_S", 1e9)
    deaf = server.line(b"GET /large HTTP/1.0\r\n\r\n")
    assert server.is_well()
    with pytest.raises(ConnectionResetError):
        while deaf.recv(65536):
            pass
        raise ConnectionResetError  # it was cut short without one: as good


def test_who_is_too_slow_is_told_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    monkeypatch.setattr(connections, "IDLE_S", 0.2)
    for start in (HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf"):
        told = server.says(start)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_too_slow"' in told
    assert server.says() == b""  # who asked nothing is told nothing


def test_a_large_body_is_waited_for_by_a_thread_and_not_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = MOST_BODY_BYTES + 100_000
    head = HEAD + b"Content-Length: %d\r\n\r\n" % length
    told = server.says(head, b"x" * 1000, b"x" * (length - 1000))
    assert told.endswith(b"\r\n%d" % length)
    assert b"gunicorn" not in told
    assert b"Connection: close" in told
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    server.line(head, b"x" * 1000)
    assert server.is_well()


def test_a_client_reads_its_answer_though_it_sent_much_in_vain(server: Server) -> None:
    unread = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for length in (1000, MOST_BODY_BYTES - 1, 30_000_000):
        line = server.line(unread % length)
        for _ in range(length // 1000):
            line.sendall(b"x" * 1000)
        line.sendall(b"x" * (length % 1000))
        line.shutdown(socket.SHUT_WR)
        assert _rest(line).endswith(b"\r\n0")


def test_a_request_may_come_byte_by_byte_and_two_at_once(server: Server) -> None:
    post = HEAD + b"Content-Length: 5\r\n\r\nhello"
    chunked = (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n"
    )
    last = HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\nlast"
    answers = server.says(*(bytes([one]) for one in post + chunked + last))
    assert [part.rpartition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"5",
        b"5",
        b"4",
    ]
    assert server.says(post + chunked + post + last).count(b"200 OK") == 4


def test_who_asks_whether_to_send_the_body_is_told_to_once(server: Server) -> None:
    line = server.line(
        HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"
    )
    assert line.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.sendall(b"body")
    answer = _rest(line)
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"\r\n\r\n4")


def test_more_clients_than_there_is_room_for_push_out_the_idle(server: Server) -> None:
    idle = [server.line() for _ in range(4 * MANY)]
    assert server.is_well()
    assert idle[0].recv(1) == b""


@pytest.mark.parametrize(
    ("received", "progress"),
    [
        (b"GET / HTTP/1.1\r\n\r", Progress.PART),
        (b"GET / HTTP/1.1\r\n\r\n", Progress.WHOLE),
        (b"x" * 70_000, Progress.HEAD_TOO_LARGE),
        (HEAD + b"CONTENT-length: 3\r\n\r\nab", Progress.PART),
        (HEAD + b"CONTENT-length: 3\r\n\r\nabc", Progress.WHOLE),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", Progress.LARGE),
        (HEAD + b"Content-Length: -3\r\n\r\n", Progress.WHOLE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", Progress.PART),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", Progress.PART),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", Progress.PART),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", Progress.WHOLE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", Progress.WHOLE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 5000, Progress.WHOLE),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"x" * MOST_BODY_BYTES,
            Progress.PART,
        ),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"x" * (MOST_BODY_BYTES + 1),
            Progress.WHOLE,
        ),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 400_000,
            Progress.BODY_TOO_LARGE,
        ),
    ],
)
def test_where_a_request_ends(received: bytes, progress: Progress) -> None:
    assert Arrival(received).progress() is progress
    if len(received) < 1000:
        bit_by_bit = Arrival()
        for byte in received:
            bit_by_bit.progress()
            bit_by_bit.received.append(byte)
        assert bit_by_bit.progress() is progress
