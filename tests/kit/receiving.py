"""A receiver of events as others run one: a real HTTP server on this machine, which can be told to
misbehave. Signatures are judged by the `standardwebhooks` package."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

ENDLESS_PART = b"x" * 65536

# What it does with one message, given the open connection.
Reaction = Callable[[socket.socket], None]


@dataclass
class Message:
    """One message that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        """Whether one of its signatures is the one that this secret makes, whatever its age."""
        moment = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        wanted = Webhook(secret).sign(self.id, moment, self.body.decode())
        return wanted in self.headers["webhook-signature"].split(" ")


def status(code: int, *headers: str, body: bytes = b"") -> Reaction:
    """Answer with this status."""
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}", *headers]
    answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda connection: connection.sendall(answer)


@dataclass
class Receiving:
    """A running receiver. `react` says what it does with a message; by default it takes it.
    `messages` are those that came, also those that it did not take."""

    host: str
    port: int
    react: Callable[[Message], Reaction] = lambda _: status(200)
    messages: list[Message] = field(default_factory=list)
    connections: int = 0
    bytes_sent: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one.event for one in self.messages]

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.events]

    def hang(self, _: socket.socket) -> None:
        """Say nothing until the test is over."""
        self.closing.wait(60)

    def endless(self, beginning: bytes, part: bytes = ENDLESS_PART) -> Reaction:
        """Send this, and then `part` again and again until the other side goes away."""

        def react(connection: socket.socket) -> None:
            connection.sendall(beginning)
            while not self.closing.is_set():
                connection.sendall(part)
                self.bytes_sent += len(part)

        return react

    def wait_for(self, number: int, seconds: float = 30) -> None:
        """Wait until so many messages have come."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.messages) >= number, seconds)
        assert came, f"{len(self.messages)} of {number} messages came"

    def _serve(self, connection: socket.socket) -> None:
        # The other side may go away at any moment.
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while (message := _read(lines)) is not None:
                with self.arrived:
                    self.messages.append(message)
                    self.arrived.notify_all()
                self.react(message)(connection)


def _read(lines: Any) -> Message | None:
    first = lines.readline()
    if not first:
        return None
    headers = {}
    while line := lines.readline().strip():
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    return Message(headers, lines.read(int(headers.get("content-length", "0"))))


@contextlib.contextmanager
def receiving(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiving]:
    """A receiver that listens on an address of this machine."""
    with socket.create_server((host, port)) as server:
        running = Receiving(host, server.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # closed
                    return
                running.connections += 1
                threading.Thread(target=greet, args=[connection], daemon=True).start()

        def greet(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                running._serve(tls.wrap_socket(connection, server_side=True) if tls else connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield running
        finally:
            running.closing.set()
            server.shutdown(socket.SHUT_RDWR)
