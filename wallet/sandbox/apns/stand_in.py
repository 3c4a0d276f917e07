"""What the stand-in remembers, and how it is told to misbehave."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from wallet.sandbox.apns.pushes import Push, PushAnswer
from wallet.sandbox.apns.visitors import TeamKey, Visitor

MAX_WAIT_S = 60.0  # for a question for pushes
REMEMBERED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What a phone knows of the pushes to its token."""

    count: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApnsStats:
    """Counts since the start. `refused`: pushes that were answered with a reason, whether by a
    fault or by what was wrong with them."""

    accepted: int
    refused: int
    connections: int
    streams: int


@dataclass(slots=True)
class PushFault:
    """An answer in place of 200: for these tokens or for all, so many times or without end."""

    answer: PushAnswer
    tokens: frozenset[str] | None
    times: int | None

    def strikes(self, token: str) -> bool:
        if self.times == 0 or (self.tokens is not None and token not in self.tokens):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class ClientLine(Protocol):
    """A connection of a client."""

    def cut(self) -> None: ...


class PushStandIn:
    """What the stand-in remembers, and how it is told to misbehave; both ports call it. While the
    ports are served in a thread, other threads may call everything but `wait`."""

    def __init__(
        self,
        remembered_tokens: int = REMEMBERED_TOKENS,
        keys: Iterable[TeamKey] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`keys` are those whose provider tokens are good here; `clock` judges their age."""
        self._remembered_tokens = remembered_tokens
        self._keys = {key.key_id: key for key in keys}
        self._clock = clock
        self._heard: OrderedDict[str, Heard] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._faults: list[PushFault] = []
        self._countdown: dict[str, int] = {}
        self._lines: set[ClientLine] = set()
        self._accepted = self._refused = self._connections = self._streams = 0
        self.delay_s = 0.0

    def heard(self, token: str) -> Heard:
        return self._heard.get(token.lower(), Heard())

    async def wait(self, token: str, after: int, wait_s: float) -> Heard:
        """What is known once more than `after` pushes were accepted, one just was, or time is up.

        Any new push counts, so that a phone with a count of an earlier life misses nothing."""
        token = token.lower()
        if self.heard(token).count > after or wait_s <= 0:
            return self.heard(token)
        news = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(token, set()).add(news)
        try:
            await asyncio.wait([news], timeout=min(wait_s, MAX_WAIT_S))
        finally:
            self._waiting[token].discard(news)
            if not self._waiting[token]:
                del self._waiting[token]
        return self.heard(token)

    def stats(self) -> ApnsStats:
        return ApnsStats(self._accepted, self._refused, self._connections, self._streams)

    def fail(
        self,
        status: int,
        reason: str,
        timestamp: int | None = None,
        tokens: Iterable[str] | None = None,
        times: int | None = None,
    ) -> None:
        """Answer like this in place of 200. Of several faults that fit, the oldest counts."""
        whom = None if tokens is None else frozenset(token.lower() for token in tokens)
        self._faults.append(PushFault(PushAnswer(status, reason, timestamp), whom, times))

    def goaway_after(self, pushes: int) -> None:
        self._countdown["goaway"] = pushes

    def drop_after(self, pushes: int) -> None:
        self._countdown["drop"] = pushes

    def clear(self) -> None:
        self._faults, self._countdown, self.delay_s = [], {}, 0.0

    def welcome(self, certified_topic: str | None) -> Visitor:
        """A client that has just connected, with the topic of its certificate if it showed one."""
        return Visitor(certified_topic, self._keys, self._clock)

    def judge(self, push: Push, visitor: Visitor) -> PushAnswer:
        """Accept the push and tell the phones that wait for it, or return what is wrong with it."""
        token = push.token.lower()
        faults = (fault.answer for fault in self._faults if fault.strikes(token))
        wrong = visitor.objection(push) or push.objection()
        trouble = wrong or next(faults, None)
        if trouble is not None:
            self._refused += 1
            return trouble
        self._accepted += 1
        self._heard[token] = Heard(self.heard(token).count + 1, datetime.now(UTC))
        self._heard.move_to_end(token)
        if len(self._heard) > self._remembered_tokens:
            self._heard.popitem(last=False)
        for news in self._waiting.get(token, ()):
            if not news.done():
                news.set_result(None)
        return PushAnswer(200)

    def is_due(self, mishap: Literal["goaway", "drop"]) -> bool:
        """Whether a GOAWAY or a cut is due with this push; to be asked once for each accepted
        push."""
        left = self._countdown.pop(mishap, 0)
        if left > 1:
            self._countdown[mishap] = left - 1
        return left == 1

    def opened(self, line: ClientLine) -> None:
        self._connections += 1
        self._lines.add(line)

    def closed(self, line: ClientLine) -> None:
        self._lines.discard(line)

    def began_stream(self) -> None:
        self._streams += 1

    def cut_connections(self) -> None:
        for line in list(self._lines):
            line.cut()
