"""The way to Apple: through a proxy of the environment, and with a certificate that is no file."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wallet.apple.dialing import ClientCertificate, NoConnection, Obstacle, dial
from wallet.sandbox.apns import running
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

MANY_BYTES = 65536


@pytest.fixture
def port(chain: Path) -> Iterator[int]:
    """The port of a stand-in for Apple."""
    with running(chain / "server.pem", chain / "server.key", chain / "root.pem") as apns:
        yield apns.port


@pytest.fixture
def shown(chain: Path) -> ClientCertificate:
    folder = chain / SANDBOX_PASS_TYPE
    return ClientCertificate((folder / "pass.pem").read_bytes(), (folder / "pass.key").read_bytes())


@contextmanager
def proxy(answer: bytes, port: int) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that gives this answer to one visitor, and then carries its bytes to `port`. Its
    address, and what it was asked."""
    asked: list[bytes] = []

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(MANY_BYTES):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve(door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            visitor, _ = door.accept()
            with visitor, socket.create_connection(("127.0.0.1", port)) as apple:
                asked.append(visitor.recv(MANY_BYTES))
                visitor.sendall(answer)
                back = threading.Thread(target=carry, args=[apple, visitor])
                back.start()
                carry(visitor, apple)
                back.join()

    with socket.create_server(("127.0.0.1", 0)) as door:
        porter = threading.Thread(target=serve, args=[door])
        porter.start()
        # pragma: allowlist nextline secret
        yield f"http://somebody:known@127.0.0.1:{door.getsockname()[1]}", asked
        door.shutdown(socket.SHUT_RDWR)
        porter.join()


def test_a_connection_speaks_http2_and_does_not_block(
    chain: Path, port: int, shown: ClientCertificate
) -> None:
    with dial(f"https://localhost:{port}", chain / "root.pem", shown) as wire:
        assert wire.selected_alpn_protocol() == "h2"
        assert wire.gettimeout() == 0


def test_a_proxy_of_the_environment_leads_outside(
    chain: Path, port: int, shown: ClientCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate of the stand-in is for another name, so the way ends there: at Apple, behind
    the proxy, which read nothing."""
    with proxy(b"HTTP/1.1 200 Connection established\r\n\r\n", port) as (address, asked):
        monkeypatch.setenv("https_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(
            NoConnection, match=r"certificate is not valid for 'apple\.example'"
        ) as no:
            dial("https://apple.example", chain / "root.pem", shown)
    assert no.value.obstacle is Obstacle.UNUSABLE
    (question,) = asked
    assert question.startswith(b"CONNECT apple.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic c29tZWJvZHk6a25vd24=\r\n" in question


def test_a_proxy_that_will_not_is_named_and_waited_for(
    chain: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", port) as (address, _):
        monkeypatch.setenv("https_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(NoConnection, match="407") as no:
            dial("https://apple.example", chain / "root.pem", None)
    assert no.value.obstacle is Obstacle.UNREACHABLE


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_no_proxy_stands_before_what_is_near(
    chain: Path, port: int, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with proxy(b"", port) as (address, asked):
        monkeypatch.setenv("https_proxy", address)
        monkeypatch.setenv("no_proxy", "127.0.0.2")
        with contextlib.suppress(NoConnection):
            dial(f"https://{host}:{port}", chain / "root.pem", None).close()
    assert asked == []


def test_a_server_without_http2_is_of_no_use(chain: Path, shown: ClientCertificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain / "server.pem", chain / "server.key")

    def serve(door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            visitor, _ = door.accept()
            with context.wrap_socket(visitor, server_side=True) as wire:
                wire.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as door:
        porter = threading.Thread(target=serve, args=[door])
        porter.start()
        with pytest.raises(NoConnection, match="does not speak HTTP/2") as no:
            dial(f"https://127.0.0.1:{door.getsockname()[1]}", chain / "root.pem", shown)
        porter.join()
    assert no.value.obstacle is Obstacle.UNUSABLE


def test_a_key_that_cannot_be_read_is_no_question_on_a_terminal(chain: Path) -> None:
    folder = chain / SANDBOX_PASS_TYPE
    locked = ClientCertificate(folder / "pass.pem", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA")
    open_before = sorted(Path("/dev/fd").iterdir())
    with pytest.raises(NoConnection, match="cannot be used") as no:
        dial("https://127.0.0.1", chain / "root.pem", locked)
    assert no.value.obstacle is Obstacle.UNUSABLE
    assert sorted(Path("/dev/fd").iterdir()) == open_before
    assert "AAAA" not in f"{no.value} {locked}"
