"""The transport to receivers, on real sockets: what is refused, and what is cut short."""

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiving import Receiving, receiving, status

from wallet.receivers.addresses import Allowed
from wallet.receivers.calling import LONGEST_BODY, Poster, Result

HERE = Allowed((ipaddress.ip_network("127.0.0.1"),))
# A second address of this machine, on which nobody may be called.
INSIDE = "127.0.0.2"


@pytest.fixture
def crm() -> Iterator[Receiving]:
    with receiving() as running:
        yield running


@pytest.fixture
def trap() -> Iterator[Receiving]:
    with receiving(INSIDE) as running:
        yield running


def post(poster: Poster, url: str) -> Result:
    poster.begin("tag", url, ["Content-Type: application/json"], b"{}")
    while True:
        for tag, result in poster.advance():
            assert tag == "tag"
            return result
        poster.wait()


@pytest.fixture
def call() -> Iterator[Callable[..., Result]]:
    poster = Poster(HERE, 1.0)
    yield lambda url: post(poster, url)
    poster.close()


def test_a_connection_is_kept(crm, call) -> None:
    results = [call(crm.url) for _ in range(5)]
    assert [(one.status, one.problem) for one in results] == [(200, None)] * 5
    assert crm.connections == 1


def test_an_address_inside_gets_no_packet(trap, call) -> None:
    for host in (INSIDE, "127.2", "0x7f000002", "2130706434", "[::ffff:127.0.0.2]"):
        result = call(f"http://{host}:{trap.port}/")
        assert result.status is None
        assert result.problem in ("address_refused", "unreachable")
    assert trap.connections == 0


def test_a_redirect_inwards_is_a_failure_and_not_followed(crm, trap, call) -> None:
    for code in (301, 302, 303, 307, 308):
        crm.react = lambda _, code=code: status(code, f"Location: {trap.url}")
        result = call(crm.url)
        assert (result.status, result.problem) == (code, "redirected")
    assert trap.connections == 0


def test_a_name_that_leads_elsewhere_at_the_next_look_is_refused(crm, trap) -> None:
    """DNS rebinding: the name is right when it is asked for the first time, and leads inside the
    next time."""
    leads_to = ["127.0.0.1"]
    poster = Poster(HERE, 1.0, resolve=lambda: [f"crm.example:{crm.port}:{leads_to[0]}"])
    url = f"http://crm.example:{crm.port}/hook"
    assert post(poster, url).problem is None
    assert crm.messages[0].headers["host"] == f"crm.example:{crm.port}"
    leads_to[0] = INSIDE
    with receiving(INSIDE, crm.port) as inside:
        crm.react = lambda _: status(200, "Connection: close")
        assert post(poster, url).problem is None  # over the connection that was checked
        result = post(poster, url)
        assert (result.status, result.problem) == (None, "address_refused")
        assert inside.connections == 0
    poster.close()


def test_a_proxy_of_the_environment_is_not_asked(crm, trap, monkeypatch) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, trap.url)
    poster = Poster(HERE, 1.0)
    assert post(poster, crm.url).problem is None
    assert trap.connections == 0
    poster.close()


def test_ten_gigabytes_are_not_read(crm, call) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
    crm.react = lambda _: crm.endless(head)
    result = call(crm.url)
    # It said that it took the event; the rest is of no interest.
    assert (result.status, result.problem) == (200, None)
    assert len(result.answer) == LONGEST_BODY
    crm.react = lambda _: crm.endless(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert call(crm.url).problem is not None
    assert crm.bytes_sent < 50_000_000  # what the sockets of the machine hold


def test_headers_that_never_end_are_a_failure(crm, call) -> None:
    crm.react = lambda _: crm.endless(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1000)
    assert call(crm.url).problem == "broken_off"
    crm.react = lambda _: crm.endless(b"HTTP/1.1 200 OK\r\n", b"x" * 1000)
    assert call(crm.url).problem in ("broken_off", "timed_out")


def test_one_deadline_is_for_the_whole_attempt(crm, call) -> None:
    crm.react = lambda _: crm.hang
    assert call(crm.url).problem == "timed_out"

    def drip(connection) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
            connection.sendall(bytes([byte]))
            if crm.closing.wait(0.1):
                return

    crm.react = lambda _: drip
    result = call(crm.url)
    assert result.problem == "timed_out"
    assert result.took_ms < 30_000


def test_nobody_there_and_no_http_are_failures(crm, call) -> None:
    assert call("http://127.0.0.1:1/").problem == "unreachable"
    crm.react = lambda _: lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert call(crm.url).problem in ("broken_off", "timed_out")
    crm.react = lambda _: lambda connection: connection.shutdown(socket.SHUT_RDWR)
    assert call(crm.url).problem == "broken_off"


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `crm.example`, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("crm.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "crm.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiving]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with receiving(tls=context) as running:
        yield running


def test_tls_asks_for_the_name_although_the_address_was_chosen(secure, certificate) -> None:
    def of(name: str, ca: Path | None) -> Result:
        at = f"{name}:{secure.port}:127.0.0.1"
        poster = Poster(HERE, 5.0, ca, resolve=lambda: [at])
        try:
            return post(poster, f"https://{name}:{secure.port}/hook")
        finally:
            poster.close()

    assert of("crm.example", certificate).problem is None
    assert secure.messages[0].headers["host"] == f"crm.example:{secure.port}"
    assert of("other.example", certificate).problem == "tls_failed"
    assert of("crm.example", None).problem == "tls_failed"
    assert len(secure.messages) == 1
