"""Posts to receivers over HTTP/1.1, several at once. Only the transport: no rows.

libcurl resolves a name itself and hands us each address before it connects (`OPENSOCKETFUNCTION`);
we open the socket or refuse. So the address that was checked is the address that is connected to,
whatever a name server says a moment later, and TLS still asks for the name. Redirects are not
followed, no proxy is used, and each call has one deadline for all of it."""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import pycurl

from wallet.receivers.addresses import Allowed

CONNECT_LIMIT_S = 5.0
LONGEST_HEADERS = 16 * 1024  # bytes
LONGEST_BODY = 4 * 1024  # bytes of an answer that are read
KEEP_CONNECTION_S = 60
LOOK_AROUND_S = 0.2  # the longest wait for bytes before we look whether there is more to do
NAP_S = 0.002

ADDRESS_REFUSED = "address_refused"
TIMED_OUT = "timed_out"
UNREACHABLE = "unreachable"
TLS_FAILED = "tls_failed"
REDIRECTED = "redirected"
REFUSED = "refused"
BROKEN_OFF = "broken_off"

NOBODY_THERE = {
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
}
TLS = {
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CACERT_BADFILE,
}


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended. `status` is None if no answer came; `problem` is None for an answer of
    200 to 299, and our word for what was wrong otherwise. `retry_after_s`: what the receiver asks
    for."""

    status: int | None
    problem: str | None
    answer: bytes
    took_ms: int
    retry_after_s: int | None = None


@dataclass(slots=True)
class _Exchange:
    """A libcurl request that is reused, for one call at a time."""

    curl: pycurl.Curl
    tag: Any = None
    scheme: str = ""
    answer: bytearray = field(default_factory=bytearray)
    header_bytes: int = 0
    retry_after: str = ""
    was_refused: bool = False
    was_cut: bool = False
    begun_at: float = 0.0


class Poster:
    """libcurl's handles, which belong to one process and one thread. Connections are kept. `ca`:
    a file of authorities to trust beside none other; None: those of the public web. `resolve`: what
    names lead to, as libcurl writes it, for tests."""

    def __init__(
        self,
        allowed: Allowed,
        limit_s: float,
        ca: Path | None = None,
        resolve: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._allowed = allowed
        self._limit_s = limit_s
        self._ca = ca or Path(certifi.where())
        self._resolve = resolve
        self._idle: list[_Exchange] = []
        self._active: dict[pycurl.Curl, _Exchange] = {}
        self._multi = pycurl.CurlMulti()

    @property
    def on_their_way(self) -> int:
        """How many calls have no outcome yet."""
        return len(self._active)

    def oldest_s(self) -> float:
        """For how many seconds the slowest call has been on its way; 0 if there is none."""
        begun = min((one.begun_at for one in self._active.values()), default=None)
        return 0.0 if begun is None else time.monotonic() - begun

    def begin(self, tag: object, url: str, headers: Sequence[str], body: bytes) -> None:
        """Begin to post. The outcome comes from `advance`, with the `tag`."""
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        exchange.tag, exchange.scheme = tag, urlsplit(url).scheme
        exchange.answer.clear()
        exchange.header_bytes, exchange.retry_after = 0, ""
        exchange.was_refused = exchange.was_cut = False
        exchange.begun_at = time.monotonic()
        curl = exchange.curl
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        curl.setopt(pycurl.POSTFIELDS, body)
        known = self._resolve()
        if known:
            curl.setopt(pycurl.RESOLVE, list(known))
        self._active[curl] = exchange
        self._multi.add_handle(curl)

    def advance(self) -> list[tuple[Any, Result]]:
        """Move bytes. Returns the calls that ended, by their tags."""
        self._multi.perform()
        ended: list[tuple[Any, Result]] = []
        while True:
            left, answered, failed = self._multi.info_read()
            ended += [self._retire(curl, None) for curl in answered]
            ended += [self._retire(curl, code) for curl, code, _ in failed]
            if not left:
                return ended

    def wait(self) -> None:
        """Wait until bytes can move, `LOOK_AROUND_S` at most."""
        due_ms = self._multi.timeout()
        patience_s = min(due_ms / 1000, LOOK_AROUND_S) if due_ms >= 0 else LOOK_AROUND_S
        asked_at = time.monotonic()
        ready = self._multi.select(patience_s)
        if not ready and time.monotonic() - asked_at < min(patience_s, NAP_S):
            time.sleep(NAP_S)  # see `wallet.apple.push`

    def close(self) -> None:
        """Break off what is on its way, and end all connections."""
        for curl in self._active:
            self._multi.remove_handle(curl)
            curl.close()
        for exchange in self._idle:
            exchange.curl.close()
        self._active, self._idle = {}, []
        self._multi.close()

    def _retire(self, curl: pycurl.Curl, code: int | None) -> tuple[Any, Result]:
        exchange = self._active.pop(curl)
        self._multi.remove_handle(curl)
        self._idle.append(exchange)
        return exchange.tag, _result(exchange, code)

    def _new_exchange(self) -> _Exchange:
        exchange = _Exchange(pycurl.Curl())
        for option, value in self._options().items():
            exchange.curl.setopt(option, value)
        exchange.curl.setopt(pycurl.WRITEFUNCTION, lambda part: _take(exchange, part))
        exchange.curl.setopt(pycurl.HEADERFUNCTION, lambda line: _take_header(exchange, line))
        exchange.curl.setopt(
            pycurl.OPENSOCKETFUNCTION, lambda _, address: self._open(exchange, address)
        )
        return exchange

    def _open(self, exchange: _Exchange, address: Any) -> Any:
        """A socket for this address, or none if it leads where it must not."""
        family, kind, protocol, where = address
        # Of a family other than the two, `where` is no pair of address and port.
        numeric = where[0] if family in (socket.AF_INET, socket.AF_INET6) else b""
        host = numeric.decode() if isinstance(numeric, bytes) else str(numeric)
        if not self._allowed.may_connect(exchange.scheme, host):
            exchange.was_refused = True
            return pycurl.SOCKET_BAD
        return socket.socket(family, kind, protocol)

    def _options(self) -> dict[int, object]:
        limit_ms = max(1, int(self._limit_s * 1000))
        return {
            pycurl.POST: 1,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.HTTP09_ALLOWED: 0,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTPS | pycurl.PROTO_HTTP,
            pycurl.FOLLOWLOCATION: 0,
            pycurl.PROXY: "",  # a proxy would resolve names by itself, unchecked
            pycurl.CAINFO: str(self._ca),
            pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
            pycurl.CONNECTTIMEOUT_MS: min(limit_ms, int(CONNECT_LIMIT_S * 1000)),
            pycurl.TIMEOUT_MS: limit_ms,
            pycurl.MAXAGE_CONN: KEEP_CONNECTION_S,
            pycurl.DNS_CACHE_TIMEOUT: 0 if self._resolve() else KEEP_CONNECTION_S,
            pycurl.NOSIGNAL: 1,
            pycurl.USERAGENT: "kopilka",
        }


def _take(exchange: _Exchange, part: bytes) -> int:
    """Keep the beginning of an answer; after `LONGEST_BODY` the call is ended: a number other than
    the length of the part says so to libcurl."""
    exchange.answer += part[: LONGEST_BODY - len(exchange.answer)]
    if len(exchange.answer) < LONGEST_BODY:
        return len(part)
    exchange.was_cut = True
    return -1


def _take_header(exchange: _Exchange, line: bytes) -> int:
    exchange.header_bytes += len(line)
    name, _, value = line.partition(b":")
    if name.strip().lower() == b"retry-after":
        exchange.retry_after = value.strip().decode("latin-1")
    return len(line) if exchange.header_bytes <= LONGEST_HEADERS else -1


def _result(exchange: _Exchange, code: int | None) -> Result:
    took_ms = int((time.monotonic() - exchange.begun_at) * 1000)
    # Of an answer whose headers came, even if we read no more of it.
    status = exchange.curl.getinfo(pycurl.RESPONSE_CODE) or None
    is_read = code is None or exchange.was_cut
    problem = _of_status(status or 0) if is_read else _of_failure(exchange, code)
    asked = exchange.retry_after
    retry_after_s = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else None
    return Result(status, problem, bytes(exchange.answer), took_ms, retry_after_s)


def _of_status(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return REDIRECTED if 300 <= status < 400 else REFUSED


def _of_failure(exchange: _Exchange, code: int | None) -> str:
    if exchange.was_refused:
        return ADDRESS_REFUSED
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return TIMED_OUT
    if code in NOBODY_THERE:
        return UNREACHABLE
    return TLS_FAILED if code in TLS else BROKEN_OFF
