"""One connection and what the other side may do on it, frame by frame."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import ngh2
import pytest
from ngh2 import DataReceived, ErrorCode, Event, RequestReceived, Setting, StreamClosed

from wallet.apple import streams
from wallet.apple.answers import PushVerdict
from wallet.apple.streams import Answer, HeaderField, Loss, Moved, PushConnection

MANY_BYTES = 65536
OK = [(b":status", b"200")]


def header(path: bytes = b"/") -> list[HeaderField]:
    return [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"x"), (b":path", path)]


class Apple:
    """The other end, which does nothing by itself but what HTTP/2 asks for."""

    def __init__(self, wire: ssl.SSLSocket) -> None:
        self.wire = wire
        self.http = ngh2.Connection(ngh2.Role.SERVER)
        self.begun: list[int] = []
        self.bodies: dict[int, bytes] = {}
        self.paths: list[bytes] = []
        self.ended: dict[int, int] = {}
        self.unsent = b""

    def settle(self, settings: dict[Setting, int] | None = None) -> None:
        self.http.initiate_connection(settings or {})

    def listen(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            while data := self.wire.recv(MANY_BYTES):
                self.http.receive_data(data)
        for event in self.http.events():
            self.hear(event)
        self.speak()

    def hear(self, event: Event) -> None:
        match event:
            case RequestReceived(stream, fields):
                self.begun.append(stream)
                self.paths.append(dict(fields)[b":path"])
            case DataReceived(stream, data):
                self.bodies[stream] = self.bodies.get(stream, b"") + data
            case StreamClosed(stream, error):
                self.ended[stream] = error

    def speak(self) -> None:
        with contextlib.suppress(ssl.SSLWantWriteError):
            while data := self.unsent or self.http.data_to_send():
                self.unsent = data
                self.unsent = data[self.wire.send(data) :]

    def accept(self, *numbers: int) -> None:
        for stream in numbers:
            self.http.send_response(stream, OK, end_stream=True)


@pytest.fixture
def line(chain: Path) -> Iterator[tuple[PushConnection, Apple]]:
    """Both ends of one connection, in one thread."""
    ours, theirs = socket.socketpair()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(chain / "root.pem")
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    known.load_cert_chain(chain / "server.pem", chain / "server.key")
    for end in (ours, theirs):
        end.settimeout(0)
    client = trusting.wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
    server = known.wrap_socket(theirs, server_side=True, do_handshake_on_connect=False)
    for end in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    connection = PushConnection(client)
    yield connection, Apple(server)
    connection.close()
    server.close()


def begin(connection: PushConnection, *pushes: int) -> None:
    connection.begin((push, header()) for push in pushes)


def prove(connection: PushConnection, apple: Apple) -> None:
    """The first push is answered."""
    begin(connection, 0)
    connection.advance()
    apple.listen()
    apple.accept(*apple.begun)
    apple.speak()
    assert connection.advance() == Moved(accepted=[0])
    connection.is_proven = True
    apple.begun.clear()


def test_one_push_goes_ahead_and_then_as_many_as_the_other_side_allows(
    line: tuple[PushConnection, Apple],
) -> None:
    connection, apple = line
    apple.settle({Setting.MAX_CONCURRENT_STREAMS: 3})
    assert connection.room() == 1
    prove(connection, apple)
    assert connection.room() == 3
    begin(connection, 1, 2)
    assert (connection.room(), connection.is_busy) == (1, True)
    apple.http.update_settings({Setting.MAX_CONCURRENT_STREAMS: 100_000})
    apple.speak()
    connection.advance()
    assert connection.room() == streams.MAX_STREAMS - 2


def test_answers_come_in_any_order_and_in_pieces(line: tuple[PushConnection, Apple]) -> None:
    connection, apple = line
    apple.settle()
    prove(connection, apple)
    begin(connection, 1, 2, 3, 4)
    connection.advance()
    apple.listen()
    first, second, third, fourth = apple.begun
    apple.http.send_informational_response(second, [(b":status", b"103")])
    apple.http.send_response(second, [(b":status", b"410")])
    apple.http.send_data(second, b'{"reason":')
    apple.accept(fourth, first)
    apple.speak()
    moved = connection.advance()
    assert (sorted(moved.accepted), moved.answers, moved.losses) == ([1, 4], [], [])
    apple.http.send_data(second, b'"Unregistered"}')
    apple.http.send_trailers(second, [(b"x-more", b"1")])
    apple.http.send_response(third, [(b":status", b"503")], end_stream=True)
    apple.speak()
    assert sorted(connection.advance().answers) == [
        Answer(2, 410, b'{"reason":"Unregistered"}'),
        Answer(3, 503, b""),
    ]
    assert not connection.is_busy
    assert set(apple.bodies.values()) == {b"{}"}


def test_a_goodbye_says_what_was_not_taken(line: tuple[PushConnection, Apple]) -> None:
    connection, apple = line
    apple.settle()
    prove(connection, apple)
    begin(connection, 1, 2, 3, 4)
    connection.advance()
    apple.listen()
    apple.http.send_goaway(last_stream_id=apple.begun[1])
    apple.speak()
    moved = connection.advance()
    assert (sorted(moved.untaken), moved.losses) == ([3, 4], [])
    assert (connection.room(), connection.is_ending, connection.is_busy) == (0, True, True)
    apple.accept(*apple.begun[:2])
    apple.speak()
    assert sorted(connection.advance().accepted) == [1, 2]
    assert not connection.is_busy


def test_who_turns_away_the_first_push_is_not_asked_again(
    line: tuple[PushConnection, Apple],
) -> None:
    """Each connection would say goodbye to one push, and the batch would go on for ever."""
    connection, apple = line
    apple.settle()
    begin(connection, 0)
    connection.advance()
    apple.listen()
    apple.http.send_goaway(last_stream_id=0)
    apple.speak()
    (loss,) = connection.advance().losses
    assert (loss.push, loss.meaning) == (0, PushVerdict.PAUSE)
    assert loss.reason.startswith("unreachable: ")


@pytest.mark.parametrize("error", [ErrorCode.REFUSED_STREAM, ErrorCode.INTERNAL_ERROR])
def test_a_push_that_is_broken_off_is_lost_alone(
    line: tuple[PushConnection, Apple], error: ErrorCode
) -> None:
    connection, apple = line
    apple.settle()
    prove(connection, apple)
    begin(connection, 1, 2)
    connection.advance()
    apple.listen()
    apple.http.reset_stream(apple.begun[0], error)
    apple.accept(apple.begun[1])
    apple.speak()
    lost = Loss(1, PushVerdict.RETRY_SOON, "answer_lost")
    assert connection.advance() == Moved(accepted=[2], losses=[lost])
    assert not connection.is_ending


@pytest.mark.parametrize("last_words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_what_was_on_its_way_when_the_line_broke_may_have_been_taken(
    line: tuple[PushConnection, Apple], last_words: bytes
) -> None:
    connection, apple = line
    apple.settle()
    prove(connection, apple)
    begin(connection, 1, 2)
    connection.advance()
    apple.listen()
    apple.accept(apple.begun[0])
    apple.speak()
    if last_words:
        apple.wire.send(last_words)
    else:
        apple.wire.close()
    lost = Loss(2, PushVerdict.RETRY_SOON, "answer_lost")
    assert connection.advance() == Moved(accepted=[1], losses=[lost])
    assert (connection.room(), connection.is_busy) == (0, False)


def test_a_push_without_an_answer_is_given_up(
    line: tuple[PushConnection, Apple], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, apple = line
    apple.settle()
    prove(connection, apple)
    begin(connection, 1, 2)
    connection.advance()
    apple.listen()
    apple.accept(apple.begun[1])
    apple.speak()
    monkeypatch.setattr(streams, "ANSWER_TIMEOUT_S", 0)
    late = Loss(1, PushVerdict.RETRY_SOON, "answer_late")
    assert connection.advance() == Moved(accepted=[2], losses=[late])
    connection.advance()
    apple.listen()
    assert apple.ended[apple.begun[0]] == ErrorCode.CANCEL
    apple.begun.clear()
    begin(connection, 3)
    (silent,) = connection.advance().losses
    assert silent == Loss(3, PushVerdict.PAUSE, "unreachable: no answer")


def test_who_reads_slowly_gets_every_push_whole(line: tuple[PushConnection, Apple]) -> None:
    """More than the buffers of both ends hold, and more bodies than the window lets through."""
    connection, apple = line
    apple.settle({Setting.MAX_CONCURRENT_STREAMS: 1000, Setting.INITIAL_WINDOW_SIZE: 1})
    prove(connection, apple)
    apple.paths.clear()
    paths = [b"/%d/" % number + b"x" * 2000 for number in range(999)]
    connection.begin((number, header(path)) for number, path in enumerate(paths))
    for _ in range(4):
        connection.advance()  # nobody reads
    while len(apple.begun) < len(paths):
        apple.listen()
        connection.advance()
    assert apple.paths == paths
    while sum(map(len, apple.bodies.values())) < 2 * (len(paths) + 1):
        apple.listen()
        connection.advance()
    apple.accept(*apple.begun)
    accepted: list[int] = []
    while connection.is_busy:
        apple.speak()
        accepted += connection.advance().accepted
    assert sorted(accepted) == list(range(999))
