"""A connection to Apple with many pushes on their way at once, each a stream of HTTP/2.

The protocol is nghttp2's, by way of `ngh2`; ours are the bytes, and the time that an answer may
take. docs/decisions/0036-nghttp2-carries-pushes.md says why."""

import os
import select
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import ngh2
from ngh2 import (
    DataReceived,
    ErrorCode,
    Event,
    GoAwayReceived,
    NGH2Error,
    ResponseReceived,
    Setting,
    SettingsReceived,
    StreamClosed,
)

from wallet.apple.answers import PushVerdict
from wallet.apple.dialing import NoConnection, Obstacle, obstacle_in

MAX_STREAMS = 1000  # pushes on their way at once
ANSWER_TIMEOUT_S = 20
LOOK_AROUND_S = 1.0  # the longest wait for bytes
READ_BYTES = 65536
# Streams of a connection are numbered, up to 2**31. Long before that another one takes over.
LAST_STREAM = 2**30

TAKEN = b"200"
BODY = b"{}"

HeaderField = tuple[bytes, bytes]  # of a request's header, names of HTTP/2's own first


class Answer(NamedTuple):
    """What Apple said of a push, if it is more than that it was accepted."""

    push: int
    status: int
    body: bytes


class Loss(NamedTuple):
    """What became of a push that got no answer."""

    push: int
    meaning: PushVerdict
    reason: str


@dataclass(slots=True)
class Moved:
    """What came of moving bytes. `untaken` are pushes that Apple says it never looked at."""

    accepted: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    untaken: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accepted or self.answers or self.losses or self.untaken)


class _Stream(NamedTuple):
    push: int
    begun_at: float
    is_scout: bool  # it was begun while the connection was not proven


class PushConnection:
    """A connection to Apple, which belongs to one process and to one thread at a time. Pushes are
    numbers of the caller's."""

    def __init__(self, wire: ssl.SSLSocket) -> None:
        """`wire` must not block. It is closed with the connection."""
        self.process = os.getpid()
        # Only an answer proves that the connection works: under TLS 1.3 a server refuses a
        # certificate when the client is connected already. So one push goes ahead of the others.
        self.is_proven = False
        # Apple has said goodbye, or is gone: no more pushes may be begun.
        self.is_ending = False
        self.answered_at = time.monotonic()
        self._wire = wire
        self._unsent = b""
        self._http = ngh2.Connection(ngh2.Role.CLIENT)
        self._http.initiate_connection({Setting.ENABLE_PUSH: 0})
        self._streams_allowed = MAX_STREAMS
        self._streams: dict[int, _Stream] = {}  # in the order in which they were begun
        # Status and body of answers that have not come to their end.
        self._arriving: dict[int, tuple[int, bytearray]] = {}
        self._poll = select.poll()  # select() cannot watch descriptors from 1024 up

    @property
    def is_busy(self) -> bool:
        """Whether pushes are on their way."""
        return bool(self._streams)

    def room(self) -> int:
        """How many more pushes may be on their way."""
        if self.is_ending:
            return 0
        return (self._streams_allowed if self.is_proven else 1) - len(self._streams)

    def begin(self, pushes: Iterable[tuple[int, list[HeaderField]]]) -> None:
        """Begin pushes, each with the header of its request. No byte is moved yet."""
        http, streams = self._http, self._streams
        moment, is_scout = time.monotonic(), not self.is_proven
        for push, header in pushes:
            number = http.send_request(header)
            http.send_data(number, BODY, end_stream=True)
            streams[number] = _Stream(push, moment, is_scout)

    def advance(self) -> Moved:
        """Move bytes, without waiting for any."""
        moved = Moved()
        trouble = _met(self._send)
        # What the other side said before it hung up tells more than that it did.
        trouble = _met(self._receive) or trouble or _met(self._send)
        self._hear(self._http.events(), moved)
        if moved.accepted or moved.answers:
            self.answered_at = time.monotonic()
        if trouble is not None or not self._http.want_read:
            self._hang_up(trouble, moved)
        self._give_up_late(moved)
        self.is_ending = self.is_ending or self._http.next_stream_id > LAST_STREAM
        return moved

    def wait(self) -> None:
        """Wait until bytes can move, or a push has waited too long for its answer."""
        oldest = next(iter(self._streams.values()), None)
        patience_s = LOOK_AROUND_S
        if oldest is not None:
            left_s = oldest.begun_at + ANSWER_TIMEOUT_S - time.monotonic()
            patience_s = max(0.0, min(patience_s, left_s))
        self._poll.register(self._wire, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        self._poll.poll(1000 * patience_s)

    def close(self) -> None:
        """Hang up. What was on its way is forgotten."""
        self._streams.clear()
        self._wire.close()

    def _send(self) -> None:
        while data := self._unsent or self._http.data_to_send():
            self._unsent = data  # TLS, if it has to wait, wants to be given the same bytes again
            self._unsent = data[self._wire.send(data) :]

    def _receive(self) -> None:
        while data := self._wire.recv(READ_BYTES):
            self._http.receive_data(data)
        raise ConnectionResetError("the other side hung up")

    def _hear(self, events: Iterable[Event], moved: Moved) -> None:
        streams, accepted = self._streams, moved.accepted
        for event in events:
            if isinstance(event, ResponseReceived):
                status = event.headers[0][1]
                if status == TAKEN and event.end_stream and event.stream_id in streams:
                    accepted.append(streams.pop(event.stream_id).push)
                else:
                    self._arriving[event.stream_id] = int(status), bytearray()
            elif isinstance(event, StreamClosed):
                if event.stream_id in streams:
                    self._end(event.stream_id, event.error_code, moved)
            else:
                self._hear_more(event)

    def _hear_more(self, event: Event) -> None:
        match event:
            case DataReceived(stream, data):
                if stream in self._arriving:
                    self._arriving[stream][1].extend(data)
            case SettingsReceived(settings):
                allowed = settings.get(Setting.MAX_CONCURRENT_STREAMS, self._streams_allowed)
                self._streams_allowed = max(1, min(allowed, MAX_STREAMS))
            case GoAwayReceived():
                self.is_ending = True

    def _end(self, number: int, error: int, moved: Moved) -> None:
        """A stream has ended, with an answer or without."""
        push, _, is_scout = self._streams.pop(number)
        answer = self._arriving.pop(number, None)
        if answer is not None and error == ErrorCode.NO_ERROR:
            status, body = answer
            moved.answers.append(Answer(push, status, bytes(body)))
        elif error == ErrorCode.REFUSED_STREAM and self.is_ending and not is_scout:
            # It came after what the goodbye says was the last.
            moved.untaken.append(push)
        else:
            moved.losses.append(_lost(push, is_scout, f"the answer was broken off ({error})"))

    def _hang_up(self, trouble: OSError | NGH2Error | None, moved: Moved) -> None:
        """The connection is over."""
        self.is_ending = True
        text = str(trouble or "the connection was ended")
        is_refused = isinstance(trouble, OSError) and obstacle_in(trouble) is Obstacle.REFUSED
        for push, _, is_scout in self._streams.values():
            moved.losses.append(
                Loss(push, *unreached(NoConnection(Obstacle.REFUSED, text)))
                if is_refused
                else _lost(push, is_scout, text)
            )
        self._streams.clear()

    def _give_up_late(self, moved: Moved) -> None:
        """Give up pushes that have waited too long. If others were answered meanwhile, the
        connection works."""
        given_up_before = time.monotonic() - ANSWER_TIMEOUT_S
        while self._streams:
            number, (push, begun_at, _) = next(iter(self._streams.items()))
            if begun_at > given_up_before:
                return
            del self._streams[number]
            self._http.reset_stream(number, ErrorCode.CANCEL)
            moved.losses.append(
                Loss(push, PushVerdict.RETRY_SOON, "answer_late")
                if self.answered_at > begun_at
                else Loss(push, *unreached(NoConnection(Obstacle.UNREACHABLE, "no answer")))
            )


# What is in the way of a connection means that nothing gets through; the first comes right by
# itself, and the others need an operator.
_OBSTACLES = {
    Obstacle.UNREACHABLE: PushVerdict.PAUSE,
    Obstacle.REFUSED: PushVerdict.OPERATOR_NEEDED,
    Obstacle.UNUSABLE: PushVerdict.OPERATOR_NEEDED,
}
LONGEST_TEXT = 200  # characters that a reason takes from TLS or libcurl


def unreached(error: NoConnection) -> tuple[PushVerdict, str]:
    """What it means for a push that there is no connection, and the reason."""
    reason = f"{error.obstacle.value}: {str(error)[:LONGEST_TEXT]}"
    return _OBSTACLES[error.obstacle], reason


def _lost(push: int, is_scout: bool, text: str) -> Loss:  # noqa: FBT001
    """An answer was lost. If it was to prove the connection, others would be lost as well."""
    if is_scout:
        return Loss(push, *unreached(NoConnection(Obstacle.UNREACHABLE, text)))
    return Loss(push, PushVerdict.RETRY_SOON, "answer_lost")


def _met(move: Callable[[], None]) -> OSError | NGH2Error | None:
    """What ended the connection while bytes were moved; None if it is only that TLS has to wait."""
    try:
        move()
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except (OSError, NGH2Error) as error:
        return error
    return None
