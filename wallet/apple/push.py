"""Empty pushes to many phones over one HTTP/2 connection to Apple. Only the transport: no rows."""

import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import certifi
import orjson
import pycurl
import structlog

from wallet.apple.answers import (
    ALARMING,
    ENDS_THE_BATCH,
    EXPIRED_TOKEN,
    NOTED,
    WAIT,
    PushVerdict,
    meaning_of,
)
from wallet.apple.pushkey import ProviderTokens
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent

log = structlog.get_logger()

MAX_STREAMS = 1000  # pushes on their way at once
CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 20
KEEP_CONNECTION_S = 3600
PROBE_IDLE_CONNECTION_S = 60
LOOK_AROUND_S = 1.0  # the longest wait for bytes before libcurl is asked again
NAP_S = 0.002
CORK: int | None = getattr(socket, "TCP_CORK", None)  # Linux has it

SENT = Sent()  # all are equal, so one object is enough

TAKEN = 200
NOT_SENT = "not_sent"  # why a push waits that was not begun
HTTP2_STREAM_ERROR = 92  # pycurl has no name for it
ANSWER_LOST = {
    pycurl.E_GOT_NOTHING,
    pycurl.E_HTTP2,
    pycurl.E_PARTIAL_FILE,
    pycurl.E_RECV_ERROR,
    pycurl.E_SEND_ERROR,
    HTTP2_STREAM_ERROR,
}
NOBODY_THERE = {
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_NO_CONNECTION_AVAILABLE,
    pycurl.E_OPERATION_TIMEDOUT,
    pycurl.E_SSL_CONNECT_ERROR,
}
# In OpenSSL's text when the other side ends the handshake and says why.
TLS_ALERT = " alert "


@dataclass(frozen=True, slots=True)
class Credential:
    """A pass type and its certificate, which is also the TLS client certificate towards Apple. Each
    part is a file, or PEM in memory, which does not change when the file does."""

    pass_type: str
    certificate: Path | bytes
    key: Path | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """A pass type and the provider tokens of its team, one of which is sent with each push."""

    pass_type: str
    tokens: ProviderTokens


@dataclass(slots=True)
class _Stream:
    """A libcurl request that is reused, for one push at a time. `push` is the index of its token.
    `is_scout`: it was begun while the connection was not proven."""

    curl: pycurl.Curl
    answer: list[bytes]
    headers: Sequence[str] = ()
    push: int = 0
    begun_at: float = 0.0
    is_scout: bool = False


@dataclass(slots=True)
class _Batch:
    """One call of `push` under way; pushes are indices of `tokens`. `waiting` are the pushes that
    were not begun. Once `halt` is set, none of them may be: it is the outcome of the push that
    ended the batch."""

    tokens: Sequence[str]
    now: datetime
    waiting: deque[int] = field(default_factory=deque)
    outcomes: list[Outcome | None] = field(default_factory=list)
    tally: Counter[tuple[PushVerdict, str]] = field(default_factory=Counter)
    begun_at: float = field(default_factory=time.monotonic)
    halt: Deferred | None = None

    def __post_init__(self) -> None:
        self.waiting.extend(range(len(self.tokens)))
        self.outcomes.extend([None] * len(self.tokens))

    def take(self, most: int) -> list[int]:
        """Pushes to be begun now, at most so many."""
        if self.halt is not None:
            return []
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def settle(self, push: int, meaning: PushVerdict, reason: str, gone_at: datetime) -> None:
        """Note the outcome of one push, and end the batch if its meaning says so."""
        if meaning is PushVerdict.TAKEN:
            self.outcomes[push] = SENT
            return
        self.tally[meaning, reason] += 1
        match meaning:
            case PushVerdict.DEAD:
                self.outcomes[push] = Rejected(reason, gone_at)
            case PushVerdict.BUG:
                self.outcomes[push] = Rejected(reason)
            case _:
                ends = meaning in ENDS_THE_BATCH
                deferred = Deferred(
                    self.after(WAIT[meaning]),
                    reason,
                    pause=ends,
                    needs_operator=ends and meaning in ALARMING,
                )
                self.outcomes[push] = deferred
                if ends:
                    self.halt = self.halt or deferred

    def after(self, wait: timedelta) -> datetime:
        """The moment that comes `wait` after now. The clock is read: half a minute may have passed
        since the batch began."""
        return self.now + timedelta(seconds=time.monotonic() - self.begun_at) + wait

    def begin_again(self, reason: str) -> None:
        """Continue a batch that ended for this reason. The pushes that failed for it are sent again
        first, then the pushes that were not begun."""
        again = [push for push, outcome in enumerate(self.outcomes) if _reason(outcome) == reason]
        self.waiting.extendleft(sorted(again, reverse=True))
        for push in again:
            self.outcomes[push] = None
        self.tally = Counter({what: n for what, n in self.tally.items() if what[1] != reason})
        self.halt = None

    def in_order(self) -> list[Outcome]:
        """An outcome for each token, in their order. Pushes that were not sent have the outcome
        that ended the batch."""
        unsent = self.halt or Deferred(self.now, NOT_SENT)
        return [outcome or unsent for outcome in self.outcomes]


class _Connection:
    """libcurl's handles, which belong to one process. They connect by themselves, also after a
    cut."""

    def __init__(self, options: dict[int, object]) -> None:
        self.process = os.getpid()
        self.active: dict[pycurl.Curl, _Stream] = {}
        # Only an answer proves that the connection works: under TLS 1.3 a server refuses a
        # certificate when the client is connected already. So one push goes ahead of the others.
        self.is_proven = False
        self.answered_at = 0.0
        self._options = options
        self._idle: list[_Stream] = []
        self._socket: socket.socket | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
        self._multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, MAX_STREAMS)

    def room(self) -> int:
        """How many more pushes may be on their way."""
        return (MAX_STREAMS if self.is_proven else 1) - len(self.active)

    def begin(self, push: int, url: str, headers: Sequence[str], moment: float) -> None:
        stream = self._idle.pop() if self._idle else self._new_stream()
        stream.push, stream.begun_at, stream.is_scout = push, moment, not self.is_proven
        stream.answer.clear()
        stream.curl.setopt(pycurl.URL, url)
        if stream.headers is not headers:
            stream.headers = headers
            stream.curl.setopt(pycurl.HTTPHEADER, headers)
        self.active[stream.curl] = stream
        self._multi.add_handle(stream.curl)

    def advance(self) -> tuple[list[_Stream], list[tuple[_Stream, int, str]]]:
        """Move bytes. Returns the streams that were answered, and those that failed with code and
        text."""
        with self._corked():
            self._multi.perform()
        _, answered, failed = self._multi.info_read()
        return [self._retire(curl) for curl in answered], [
            (self._retire(curl), code, text) for curl, code, text in failed
        ]

    def wait(self) -> None:
        """Wait until bytes can move, or libcurl has something to do without them."""
        due_ms = self._multi.timeout()
        patience_s = min(due_ms / 1000, LOOK_AROUND_S) if due_ms >= 0 else LOOK_AROUND_S
        asked_at = time.monotonic()
        ready = self._multi.select(patience_s)
        if not ready and time.monotonic() - asked_at < min(patience_s, NAP_S):
            # select() cannot watch descriptors from 1024 up. In a process that has so many open it
            # returns at once, and without a nap this loop would keep the processor busy.
            time.sleep(NAP_S)

    @contextmanager
    def _corked(self) -> Iterator[None]:
        """What is written in this block leaves in full packets and at its end. libcurl writes each
        push by itself, and a packet for each costs both sides more than all the rest of it."""
        if CORK is None or self._socket is None or not self.is_proven:
            yield
            return
        self._socket.setsockopt(socket.IPPROTO_TCP, CORK, 1)
        try:
            yield
        finally:
            self._socket.setsockopt(socket.IPPROTO_TCP, CORK, 0)

    def _connecting(self, descriptor: int, _purpose: int) -> int:
        """libcurl calls this with each socket that it opens. Its descriptor is libcurl's to close,
        and another file may have its number then: so ours is a copy."""
        self._leave_socket()
        self._socket = socket.socket(fileno=os.dup(descriptor))
        return int(pycurl.SOCKOPT_OK)

    def _leave_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        for curl in self.active:
            self._multi.remove_handle(curl)
            curl.close()
        for stream in self._idle:
            stream.curl.close()
        self.active, self._idle = {}, []
        self._multi.close()
        self._leave_socket()

    def _retire(self, curl: pycurl.Curl) -> _Stream:
        stream = self.active.pop(curl)
        self._multi.remove_handle(curl)
        self._idle.append(stream)
        return stream

    def _new_stream(self) -> _Stream:
        stream = _Stream(pycurl.Curl(), [])
        for option, value in self._options.items():
            stream.curl.setopt(option, value)
        stream.curl.setopt(pycurl.WRITEFUNCTION, stream.answer.append)
        stream.curl.setopt(pycurl.SOCKOPTFUNCTION, self._connecting)
        return stream


class Apns:
    """Apple's push service for one pass type. It may be used in any thread: one batch follows the
    other.

    The first push makes the connection, so it is made after any fork; it is kept for hours. A batch
    takes at most about 20 s for each thousand tokens, and only if Apple stops answering."""

    def __init__(
        self,
        url: str,
        ca: Path | None,
        credential: Credential | TokenCredential,
        push_type: str = "background",
        expires_after: timedelta = timedelta(days=7),
    ) -> None:
        """`ca` is a file of authorities to trust; None trusts those of the public web, as `certifi`
        has them."""
        self._url = url.rstrip("/") + "/3/device/"
        self._pass_type = credential.pass_type
        self._push_type = push_type
        self._expires_after = expires_after
        self._tokens = credential.tokens if isinstance(credential, TokenCredential) else None
        self._options = _curl_options(url, ca or Path(certifi.where()))
        if isinstance(credential, Credential):
            self._options |= _client_certificate(credential)
        self._lock = threading.Lock()
        self._connection: _Connection | None = None
        self._inherited: list[_Connection] = []

    def push(self, tokens: Sequence[str], now: datetime) -> list[Outcome]:
        """Send an empty push to each token. Returns one outcome for each, in their order.

        `Rejected` means that the token is dead if it has a `gone_at`. Otherwise only this push was
        wrong, and the registration stays good. A token that Apple calls bad is deferred: one answer
        does not tell whether the token is wrong or our topic or environment (`judging`)."""
        self._notice_fork()
        with self._lock:
            batch = _Batch(tokens, now)
            try:
                self._deliver(batch)
            except BaseException:
                # An exception, such as a task's time limit, may come anywhere. The next batch must
                # not find pushes that were half sent.
                self._disconnect()
                raise
        self._report(batch)
        return batch.in_order()

    def close(self) -> None:
        """End the connection to Apple. A later push connects again."""
        self._notice_fork()
        with self._lock:
            self._disconnect()

    def _deliver(self, batch: _Batch) -> None:
        provider_token = None if self._tokens is None else self._tokens.current(batch.now)
        self._exchange(batch, self._headers(batch.now, provider_token))
        if self._tokens is None or provider_token is None or _reason(batch.halt) != EXPIRED_TOKEN:
            return
        moment = batch.after(timedelta())
        if self._tokens.renew(provider_token, moment):
            log.warning("apns_token_renewed", pass_type=self._pass_type)
            batch.begin_again(EXPIRED_TOKEN)
            self._exchange(batch, self._headers(batch.now, self._tokens.current(moment)))

    def _exchange(self, batch: _Batch, headers: list[str]) -> None:
        connection = self._connection = self._connection or _Connection(self._options)
        while True:
            moment = time.monotonic()
            for push in batch.take(connection.room()):
                url = self._url + _as_one_step(batch.tokens[push])
                connection.begin(push, url, headers, moment)
            if not connection.active:
                return
            answered, failed = connection.advance()
            if answered:
                connection.answered_at = time.monotonic()
            for stream in answered:
                status = stream.curl.getinfo(pycurl.RESPONSE_CODE)
                if status == TAKEN and not stream.answer:
                    batch.outcomes[stream.push] = SENT
                    connection.is_proven = True
                    continue
                meaning, reason, gone_at = _read_answer(status, stream.answer, batch.now)
                connection.is_proven = meaning not in ENDS_THE_BATCH
                batch.settle(stream.push, meaning, reason, gone_at)
            for stream, code, text in failed:
                meaning, reason = _read_failure(stream, code, text, connection.answered_at)
                batch.settle(stream.push, meaning, reason, batch.now)
                connection.is_proven = False
                if meaning in ENDS_THE_BATCH:
                    # The others would fail in the same way, thousands in a moment: none is tried.
                    self._disconnect()
                    return
            if not (answered or failed):
                connection.wait()

    def _report(self, batch: _Batch) -> None:
        """Log one line for each kind of trouble, never one for each token."""
        for (meaning, reason), pushes in batch.tally.items():
            facts = {
                "reason": reason,
                "pass_type": self._pass_type,
                "pushes": pushes,
                NOT_SENT: len(batch.waiting),
            }
            if meaning in ALARMING:
                log.error("apns_fault", meaning=meaning.value, **facts)
            elif meaning in NOTED:
                log.warning("apns_trouble", meaning=meaning.value, **facts)

    def _headers(self, now: datetime, provider_token: str | None) -> list[str]:
        headers = [
            f"apns-topic: {self._pass_type}",
            f"apns-push-type: {self._push_type}",
            # Apple allows only 5 for background pushes; 10 delivers at once.
            f"apns-priority: {5 if self._push_type == 'background' else 10}",
            f"apns-expiration: {int((now + self._expires_after).timestamp())}",
            "content-type: application/json",
            "accept:",  # without it libcurl would say that it takes anything
        ]
        if provider_token is not None:
            headers.append(f"authorization: bearer {provider_token}")
        return headers

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _notice_fork(self) -> None:
        if self._connection is None or self._connection.process == os.getpid():
            return
        # The socket still belongs to the parent process. Closing it here would end the parent's
        # connection, so it is kept and never touched. The lock is replaced, since a thread of the
        # parent, which does not exist here, may have held it at the fork.
        self._inherited.append(self._connection)
        self._connection = None
        self._lock = threading.Lock()


def _as_one_step(token: str) -> str:
    """The token as one step of a path, whatever is in it. Ordinary tokens need no quoting, and to
    check that costs a tenth of quoting; for bytes it costs less than for a text."""
    if token.isascii() and token.encode().isalnum():
        return token
    return quote(token, safe="", errors="replace")


def _reason(outcome: Outcome | None) -> str:
    return "" if outcome is None or isinstance(outcome, Sent) else outcome.reason


def _read_answer(
    status: int, answer: Sequence[bytes], now: datetime
) -> tuple[PushVerdict, str, datetime]:
    """The meaning of an answer, Apple's reason, and since when the token is dead, if it is."""
    try:
        facts = orjson.loads(b"".join(answer)) if answer else {}
    except orjson.JSONDecodeError:
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    reason = str(facts.get("reason") or f"status_{status}")
    try:
        gone_at = datetime.fromtimestamp(facts["timestamp"] / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        gone_at = now
    return meaning_of(status, reason), reason, gone_at


def _read_failure(
    stream: _Stream, code: int, text: str, last_answer_at: float
) -> tuple[PushVerdict, str]:
    """The meaning of a push that got no answer, and the reason: a word, with libcurl's text if that
    helps."""
    if TLS_ALERT in text:
        return PushVerdict.OPERATOR_NEEDED, f"tls_refused: {text[:200]}"
    if code in ANSWER_LOST and not stream.is_scout:
        return PushVerdict.RETRY_SOON, "answer_lost"
    if code == pycurl.E_OPERATION_TIMEDOUT and last_answer_at > stream.begun_at:
        # Other pushes were answered meanwhile, so the connection works.
        return PushVerdict.RETRY_SOON, "answer_late"
    if code in ANSWER_LOST | NOBODY_THERE:
        return PushVerdict.PAUSE, f"unreachable: {text[:200]}"
    # Wrong authority, unusable certificate, impossible address: waiting does not help.
    return PushVerdict.OPERATOR_NEEDED, f"unusable: {text[:200]}"


def _client_certificate(credential: Credential) -> dict[int, object]:
    certificate, key = credential.certificate, credential.key
    return {
        **(
            {pycurl.SSLCERT: str(certificate)}
            if isinstance(certificate, Path)
            else {pycurl.SSLCERT_BLOB: certificate}
        ),
        **({pycurl.SSLKEY: str(key)} if isinstance(key, Path) else {pycurl.SSLKEY_BLOB: key}),
    }


def _curl_options(url: str, ca: Path) -> dict[int, object]:
    options: dict[int, object] = {
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_2TLS,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTPS,
        # Requests wait for the one connection and share it, instead of opening others.
        pycurl.PIPEWAIT: 1,
        # A token is sent as it is, whatever is in it: dots in a path must not mean "one step up".
        pycurl.PATH_AS_IS: 1,
        pycurl.POST: 1,
        pycurl.POSTFIELDS: "{}",
        pycurl.CAINFO: str(ca),
        pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
        pycurl.CONNECTTIMEOUT: CONNECT_TIMEOUT_S,
        pycurl.TIMEOUT: ANSWER_TIMEOUT_S,
        # Apple asks to keep connections for hours; libcurl would drop one idle for two minutes.
        pycurl.MAXAGE_CONN: KEEP_CONNECTION_S,
        pycurl.TCP_KEEPALIVE: 1,
        pycurl.TCP_KEEPIDLE: PROBE_IDLE_CONNECTION_S,
        pycurl.TCP_KEEPINTVL: PROBE_IDLE_CONNECTION_S,
        # The least that libcurl allows. The usual 64 KiB for each of a thousand requests would be
        # much, for bodies of two bytes.
        pycurl.UPLOAD_BUFFERSIZE: 16384,
        # libcurl must not use signals: pushes run in threads.
        pycurl.NOSIGNAL: 1,
        pycurl.USERAGENT: "kopilka",
    }
    if urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}:
        # A proxy of the environment leads to the outside, not back to this machine.
        options[pycurl.PROXY] = ""
    return options
