"""Empty pushes to many phones over one HTTP/2 connection to Apple. Only the transport: no rows."""

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import certifi
import orjson
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
from wallet.apple.dialing import ClientCertificate, NoConnection, dial
from wallet.apple.pushkey import ProviderTokens
from wallet.apple.streams import HeaderField, Moved, PushConnection, unreached
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent

log = structlog.get_logger()

BEGUN_TOGETHER = 250  # pushes; Apple is at work on these while we write the next
KEEP_CONNECTION_S = 3600  # without an answer; Apple asks to keep connections for hours

SENT = Sent()  # all are equal, so one object is enough
NOT_SENT = "not_sent"  # why a push waits that was not begun


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


@dataclass(frozen=True, slots=True)
class _Request:
    """The header of a push, but for the token: the fields before the path and after it."""

    before: list[HeaderField]
    path: bytes
    after: list[HeaderField]

    def to(self, step: bytes) -> list[HeaderField]:
        """The header of the push to this token, which is a step of a path."""
        return [*self.before, (b":path", self.path + step), *self.after]


@dataclass(slots=True)
class _Batch:
    """One call of `push` under way; pushes are indices of `tokens`. `waiting` are the pushes that
    were not begun. Once `halt` is set, none of them may be: it is the outcome of the push that
    ended the batch."""

    tokens: Sequence[str]
    now: datetime
    steps: Sequence[bytes] = ()
    waiting: deque[int] = field(default_factory=deque)
    outcomes: list[Outcome | None] = field(default_factory=list)
    tally: Counter[tuple[PushVerdict, str]] = field(default_factory=Counter)
    begun_at: float = field(default_factory=time.monotonic)
    halt: Deferred | None = None

    def __post_init__(self) -> None:
        self.steps = _as_steps(self.tokens)
        self.waiting.extend(range(len(self.tokens)))
        self.outcomes.extend([None] * len(self.tokens))

    @property
    def may_begin(self) -> bool:
        """Whether there is a push to be begun now."""
        return self.halt is None and bool(self.waiting)

    def take(self, most: int) -> list[int]:
        """Pushes to be begun now, at most so many."""
        if self.halt is not None:
            return []
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def put_back(self, pushes: Iterable[int]) -> None:
        """These are to be begun again, before those that never were."""
        self.waiting.extendleft(sorted(pushes, reverse=True))

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
        self.put_back(again)
        for push in again:
            self.outcomes[push] = None
        self.tally = Counter({what: n for what, n in self.tally.items() if what[1] != reason})
        self.halt = None

    def in_order(self) -> list[Outcome]:
        """An outcome for each token, in their order. Pushes that were not sent have the outcome
        that ended the batch."""
        unsent = self.halt or Deferred(self.now, NOT_SENT)
        return [outcome or unsent for outcome in self.outcomes]


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
        self._url = url.rstrip("/")
        self._ca = ca or Path(certifi.where())
        self._pass_type = credential.pass_type
        self._push_type = push_type
        self._expires_after = expires_after
        self._tokens = credential.tokens if isinstance(credential, TokenCredential) else None
        self._shown = (
            ClientCertificate(credential.certificate, credential.key)
            if isinstance(credential, Credential)
            else None
        )
        self._lock = threading.Lock()
        self._connection: PushConnection | None = None
        self._inherited: list[PushConnection] = []

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
        self._exchange(batch, self._request(batch.now, provider_token))
        if self._tokens is None or provider_token is None or _reason(batch.halt) != EXPIRED_TOKEN:
            return
        moment = batch.after(timedelta())
        if self._tokens.renew(provider_token, moment):
            log.warning("apns_token_renewed", pass_type=self._pass_type)
            batch.begin_again(EXPIRED_TOKEN)
            self._exchange(batch, self._request(batch.now, self._tokens.current(moment)))

    def _exchange(self, batch: _Batch, request: _Request) -> None:
        while batch.may_begin:
            try:
                connection = self._connected()
            except NoConnection as error:
                # The others would fail in the same way: none is tried.
                for push in batch.take(1):
                    batch.settle(push, *unreached(error), batch.now)
                return
            self._exchange_over(connection, batch, request)
            if connection.is_ending or connection.is_busy:
                self._disconnect()

    def _exchange_over(self, connection: PushConnection, batch: _Batch, request: _Request) -> None:
        """Exchange pushes for answers, until no more can be begun on this connection and all that
        were have an outcome."""
        steps = batch.steps
        while True:
            pushes = batch.take(min(connection.room(), BEGUN_TOGETHER))
            connection.begin((push, request.to(steps[push])) for push in pushes)
            if not connection.is_busy:
                return
            moved = connection.advance()
            if not _settle(batch, moved, connection):
                return  # the others would fail in the same way
            if not (moved or pushes):
                connection.wait()

    def _connected(self) -> PushConnection:
        """A connection on which pushes can be begun. Raises `NoConnection`."""
        connection = self._connection
        if connection is not None:
            connection.advance()  # Apple may have said goodbye since the last push
            idle_s = time.monotonic() - connection.answered_at
            if connection.is_ending or idle_s > KEEP_CONNECTION_S:
                self._disconnect()
        if self._connection is None:
            self._connection = PushConnection(dial(self._url, self._ca, self._shown))
        return self._connection

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

    def _request(self, now: datetime, provider_token: str | None) -> _Request:
        address = urlsplit(self._url)
        before = {":method": "POST", ":scheme": address.scheme, ":authority": address.netloc}
        after = {
            "apns-topic": self._pass_type,
            "apns-push-type": self._push_type,
            # Apple allows only 5 for background pushes; 10 delivers at once.
            "apns-priority": "5" if self._push_type == "background" else "10",
            "apns-expiration": str(int((now + self._expires_after).timestamp())),
            "content-type": "application/json",
            "user-agent": "kopilka",
        }
        if provider_token is not None:
            after["authorization"] = f"bearer {provider_token}"
        return _Request(_encoded(before), f"{address.path}/3/device/".encode(), _encoded(after))

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


def _settle(batch: _Batch, moved: Moved, connection: PushConnection) -> bool:
    """Note what became of pushes, and whether the connection is still proven. False if nothing else
    would get through on it."""
    for push in moved.accepted:
        batch.outcomes[push] = SENT
    connection.is_proven = connection.is_proven or bool(moved.accepted)
    for push, status, body in moved.answers:
        meaning, reason, gone_at = _read_answer(status, body, batch.now)
        connection.is_proven = meaning not in ENDS_THE_BATCH
        batch.settle(push, meaning, reason, gone_at)
    batch.put_back(moved.untaken)
    for push, meaning, reason in moved.losses:
        connection.is_proven = False
        batch.settle(push, meaning, reason, batch.now)
        if meaning in ENDS_THE_BATCH:
            return False
    return True


def _encoded(fields: dict[str, str]) -> list[HeaderField]:
    return [(name.encode(), value.encode()) for name, value in fields.items()]


def _as_steps(tokens: Sequence[str]) -> list[bytes]:
    """Each token as one step of a path, whatever is in it. Ordinary tokens need no quoting, which
    costs much for each; to look at all of them at once costs little."""
    together = "".join(tokens)
    if together.isascii() and together.isalnum():
        return [token.encode() for token in tokens]
    return [quote(token, safe="", errors="replace").encode() for token in tokens]


def _reason(outcome: Outcome | None) -> str:
    return "" if outcome is None or isinstance(outcome, Sent) else outcome.reason


def _read_answer(status: int, answer: bytes, now: datetime) -> tuple[PushVerdict, str, datetime]:
    """The meaning of an answer, Apple's reason, and since when the token is dead, if it is."""
    try:
        facts = orjson.loads(answer) if answer else {}
    except orjson.JSONDecodeError:
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    reason = str(facts.get("reason") or f"status_{status}")
    try:
        gone_at = datetime.fromtimestamp(facts["timestamp"] / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        gone_at = now
    return meaning_of(status, reason), reason, gone_at
