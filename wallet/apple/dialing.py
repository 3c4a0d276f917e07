"""The way to Apple's push service: a connection that is encrypted and can carry HTTP/2.

libcurl finds it: it looks up names, tries addresses of both families, goes through a proxy of the
environment, and has one time limit for all of that. TLS is the standard library's."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment

import pycurl

CONNECT_TIMEOUT_S = 10
PROBE_IDLE_CONNECTION_S = 60
HTTPS_PORT = 443
HTTP2 = "h2"  # as TLS calls it

# What libcurl says of a way that may be there later.
NOBODY_THERE = {
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_GOT_NOTHING,
    pycurl.E_OPERATION_TIMEDOUT,
    pycurl.E_RECV_ERROR,
    pycurl.E_SEND_ERROR,
}
# In OpenSSL's text when the other side ends the handshake and says why.
TLS_ALERT = " alert "


class Obstacle(Enum):
    """Why there is no connection, or none any more."""

    UNREACHABLE = "unreachable"
    REFUSED = "tls_refused"  # the other side does not take our certificate
    UNUSABLE = "unusable"  # wrong authority, unreadable certificate, impossible address


class NoConnection(Exception):
    """There is no connection to Apple; the text says why."""

    def __init__(self, obstacle: Obstacle, text: str) -> None:
        super().__init__(text)
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What we show to the other side. Each part is a file, or PEM in memory."""

    certificate: Path | bytes
    key: Path | bytes = field(repr=False)


def dial(url: str, ca: Path, shown: ClientCertificate | None) -> ssl.SSLSocket:
    """A connection to the host of `url`, whose certificate comes from an authority in the file
    `ca`. It does not block. Raises `NoConnection`."""
    address = urlsplit(url)
    if address.scheme != "https" or not address.hostname:
        raise NoConnection(Obstacle.UNUSABLE, f"{url} is no https address")
    context = _context(ca, shown)
    raw = _connected(address)
    raw.settimeout(CONNECT_TIMEOUT_S)
    try:
        wire = context.wrap_socket(raw, server_hostname=address.hostname)
    except OSError as error:
        raw.close()
        raise NoConnection(obstacle_in(error), str(error)) from error
    if wire.selected_alpn_protocol() != HTTP2:
        wire.close()
        raise NoConnection(Obstacle.UNUSABLE, f"{address.hostname} does not speak HTTP/2")
    wire.settimeout(0)  # from now on it does not block
    return wire


def obstacle_in(error: OSError) -> Obstacle:
    """What is in the way if TLS fails with this error, in the handshake or later: under TLS 1.3 a
    server refuses a certificate when the client is connected already."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Obstacle.UNUSABLE
    return Obstacle.REFUSED if TLS_ALERT in str(error) else Obstacle.UNREACHABLE


def _connected(address: SplitResult) -> socket.socket:
    """A socket that is connected to the host. The descriptor of libcurl's own is libcurl's to
    close, so ours is a copy."""
    host = address.netloc if address.port else f"{address.netloc.rstrip(':')}:{HTTPS_PORT}"
    curl = pycurl.Curl()
    try:
        curl.setopt(pycurl.URL, f"http://{host}")  # without TLS, which libcurl would not lend
        curl.setopt(pycurl.CONNECT_ONLY, 1)
        curl.setopt(pycurl.CONNECTTIMEOUT, CONNECT_TIMEOUT_S)
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.TCP_KEEPIDLE, PROBE_IDLE_CONNECTION_S)
        curl.setopt(pycurl.TCP_KEEPINTVL, PROBE_IDLE_CONNECTION_S)
        curl.setopt(pycurl.PROXY, _proxy(address))
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
        # libcurl must not use signals: pushes run in threads.
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.perform()
        return socket.socket(fileno=os.dup(curl.getinfo(pycurl.ACTIVESOCKET)))
    except pycurl.error as error:
        is_away = error.args[0] in NOBODY_THERE
        obstacle = Obstacle.UNREACHABLE if is_away else Obstacle.UNUSABLE
        raise NoConnection(obstacle, curl.errstr()) from error
    finally:
        curl.close()


def _proxy(address: SplitResult) -> str:
    """The proxy that the environment names for https; libcurl heeds `no_proxy` by itself. A proxy
    leads to the outside, not back to this machine."""
    if address.hostname in {"127.0.0.1", "::1", "localhost"}:
        return ""
    named = getproxies_environment()
    return named.get("https") or named.get("all") or ""


def _context(ca: Path, shown: ClientCertificate | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([HTTP2])
    _read(lambda: context.load_verify_locations(ca), ca)
    if shown is not None:
        with _as_file(shown.certificate) as certificate, _as_file(shown.key) as key:
            # With no password OpenSSL would ask for one, on a terminal that nobody looks at.
            _read(lambda: context.load_cert_chain(certificate, key, ""), certificate, key)
    return context


def _read(load: Callable[[], None], *files: Path) -> None:
    """Raises `NoConnection`, which names the files: OpenSSL names none."""
    try:
        load()
    except OSError as error:
        names = " or ".join(map(str, files))
        raise NoConnection(Obstacle.UNUSABLE, f"{names} cannot be used: {error}") from error


@contextmanager
def _as_file(pem: Path | bytes) -> Iterator[Path]:
    """The name of a file with this PEM: OpenSSL reads nothing else. What is in memory is read from
    a pipe, so that no key comes near a disk; a pipe holds 64 KiB, which is many times a key."""
    if isinstance(pem, Path):
        yield pem
        return
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pem)
        yield Path(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
