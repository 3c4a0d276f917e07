"""A client's connection, on which no client can make a thread wait.

A request is collected here, without a thread, until all of it is in hand, and what a client is
slow to take of its answer is kept here too. Threads meet only what is ready. They wait for clients
in two cases alone, and then to a deadline: for the body of a request that is larger than what is
collected (who brings one has shown a key), and while more of an answer than is kept here was not
taken."""

import enum
import errno
import re
import select
import socket
import time

# A request has so long to come, and an answer to be taken; and a second more for each so many bytes
# that went over.
PATIENCE_S = 20.0
SLOWEST_BYTES_PER_S = 32 * 1024
IDLE_S = 5.0  # a connection without a request
LINGER_S = 20.0  # a client that still sends after its answer, as who brought too large a body
SILENT_S = 2.0  # one that does not

MOST_HEAD_BYTES = 64 * 1024
MOST_BODY_BYTES = 1024 * 1024 + MOST_HEAD_BYTES  # more than anybody may bring without a key
MOST_UNTAKEN_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(;.*)?", re.DOTALL)
LONGEST_CHUNK_LINE = 4096
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Progress(enum.Enum):
    """How far a request has come."""

    PART = "more has to come"
    WHOLE = "all is in hand, or enough to refuse it"
    LARGE = "the head is in hand, and the body is read by a thread"
    HEAD_TOO_LARGE = "a head without an end"
    BODY_TOO_LARGE = "chunks that hold little and take much"


class Arrival:
    """The bytes of one request, and of what was sent after it. It only finds where the request
    ends; whether it is one is judged by who reads it."""

    def __init__(self, received: bytes = b"") -> None:
        self.received = bytearray(received)
        self.expects_continue = False
        self._searched = 0  # so much of it holds no end of the head
        self._body_at = 0
        self._ends_at = 0
        self._is_chunked = False
        self._next_chunk_at = 0
        self._in_chunks = 0  # bytes of the chunks before that place

    def progress(self) -> Progress:
        """How far the request has come with what was received until now."""
        if not self._body_at and not self._find_head():
            too_large = len(self.received) > MOST_HEAD_BYTES
            return Progress.HEAD_TOO_LARGE if too_large else Progress.PART
        if self._is_chunked:
            return self._chunks()
        if self._ends_at - self._body_at > MOST_BODY_BYTES:
            return Progress.LARGE
        return Progress.WHOLE if len(self.received) >= self._ends_at else Progress.PART

    def _find_head(self) -> bool:
        end = self.received.find(b"\r\n\r\n", self._searched)
        if end < 0:
            self._searched = max(0, len(self.received) - 3)
            return False
        head = bytes(self.received[: end + 2])
        self._body_at = self._ends_at = self._next_chunk_at = end + 4
        self._is_chunked = CHUNKED.search(head) is not None
        self.expects_continue = EXPECTS.search(head) is not None
        if length := CONTENT_LENGTH.search(head):
            self._ends_at += int(length[1])
        return True

    def _chunks(self) -> Progress:
        """Walk from chunk to chunk, as far as there are any."""
        received = self.received
        while self._next_chunk_at <= len(received):
            end = received.find(b"\r\n", self._next_chunk_at)
            if end < 0:
                cut_short = len(received) - self._next_chunk_at < LONGEST_CHUNK_LINE
                return self._measured() if cut_short else Progress.WHOLE
            line = CHUNK_SIZE.fullmatch(received, self._next_chunk_at, end)
            if line is None:
                return Progress.WHOLE
            size = int(line[1], 16)
            if size == 0:  # trailers may follow, and then an empty line
                is_over = received.find(b"\r\n\r\n", end) >= 0
                return Progress.WHOLE if is_over else self._measured()
            self._in_chunks += size
            self._next_chunk_at = end + 2 + size + 2
        return self._measured()

    def _measured(self) -> Progress:
        to_come = max(0, self._next_chunk_at - 2 - len(self.received))
        if self._in_chunks - to_come > MOST_BODY_BYTES:
            return Progress.WHOLE
        too_large = len(self.received) - self._body_at > 2 * MOST_BODY_BYTES
        return Progress.BODY_TOO_LARGE if too_large else Progress.PART


class Phase(enum.Enum):
    """What a connection is doing. Only while a request is `SERVED` a thread has it."""

    COLLECTED = enum.auto()
    SERVED = enum.auto()
    TAKEN = enum.auto()  # the client takes its answer
    LINGERING = enum.auto()


class Connection:
    """A client's socket, as gunicorn knows sockets."""

    def __init__(self, client: socket.socket) -> None:
        client.settimeout(0)
        self._socket = client
        self.phase = Phase.COLLECTED
        self.arrival = Arrival()
        self.is_partial = False  # the rest of the request has to be waited for
        self.stays = False  # for another request
        self._untaken = bytearray()
        self._said_continue = False
        self._begun = time.monotonic()
        self._moved = 0
        self._cap: float | None = None

    # What is done without a thread.

    def collect(self) -> bool:
        """Take what has come in. False if the client is gone."""
        piece = self._receive(PIECE_BYTES)
        if piece is None:
            return True
        if not self.arrival.received:
            self._restart()
        self._moved += len(piece)
        self.arrival.received += piece
        return bool(piece)

    def invite_body(self) -> None:
        """Who asked whether to send the body is told to, once."""
        if self.arrival.expects_continue and not self._said_continue:
            self._said_continue = True
            self.sendall(CONTINUE)

    def serve(self, progress: Progress) -> None:
        """What was collected goes to a thread."""
        self.is_partial = progress is Progress.LARGE
        self.phase = Phase.SERVED

    def next_request(self, read_ahead: bytes) -> None:
        """Collect another request. `read_ahead` came after the one before."""
        self.arrival = Arrival(read_ahead + bytes(self.arrival.received))
        self._said_continue = False
        self.phase = Phase.COLLECTED
        self._restart()

    def is_taken(self) -> bool:
        """Send what was not taken yet, as far as it goes. True when nothing is left. Raises
        `OSError` if the client is gone."""
        self._flush()
        return not self._untaken

    def linger(self) -> None:
        """Say that nothing more comes, and let the client finish: to hang up on somebody who still
        sends destroys the answer that is on its way (RFC 9112, 9.6). Raises `OSError`."""
        self.phase = Phase.LINGERING
        self._restart()
        self.arrival = Arrival()
        self._socket.shutdown(socket.SHUT_WR)

    def discard(self) -> bool:
        """Throw away what still comes. False when the client has finished."""
        piece = self._receive(PIECE_BYTES)
        if piece:
            self._moved += len(piece)
        return piece is None or bool(piece)

    @property
    def deadline(self) -> float:
        """When to give up, by the monotonic clock."""
        if self.phase is Phase.LINGERING:
            patience = LINGER_S if self._moved else SILENT_S
        elif self.phase is Phase.COLLECTED and not self.arrival.received:
            patience = IDLE_S
        else:
            patience = PATIENCE_S + self._moved / SLOWEST_BYTES_PER_S
        until = self._begun + patience
        return until if self._cap is None else min(until, self._cap)

    def give_up_by(self, moment: float) -> None:
        """Have no more patience than until this `moment`, unless a request is under way."""
        if not self.arrival.received and self.phase in (Phase.COLLECTED, Phase.LINGERING):
            self._cap = moment

    @property
    def held_bytes(self) -> int:
        """How much memory the client makes us use."""
        return len(self.arrival.received) + len(self._untaken)

    # What gunicorn calls, most of it in a thread.

    def recv(self, size: int) -> bytes:
        """The next bytes of the request. Nothing, as from a client that left, if there are no more
        and they are not to be waited for. Raises `ConnectionError` for one that is too slow."""
        received = self.arrival.received
        if received:
            piece = bytes(received[:size])
            del received[:size]
            return piece
        while self.is_partial:
            new = self._receive(size)
            if new is not None:
                self._moved += len(new)
                return new
            self._wait(select.POLLIN)
        return b""

    def send(self, data: bytes) -> int:
        """`sendall`, but for the invitation to send a body, which was sent."""
        if not (data == CONTINUE and self._said_continue):
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send, and keep what the client does not take now. Raises `ConnectionError` if that is too
        much for too long."""
        if self.phase is Phase.SERVED:
            self.phase = Phase.TAKEN
            self._restart()
        self._untaken += data
        self._flush()
        while len(self._untaken) > MOST_UNTAKEN_BYTES:
            self._wait(select.POLLOUT)
            self._flush()

    def fileno(self) -> int:
        """The socket's number, for selectors."""
        return self._socket.fileno()

    def setblocking(self, _flag: object) -> None:
        """It never blocks."""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _restart(self) -> None:
        self._begun, self._moved = time.monotonic(), 0

    def _receive(self, size: int) -> bytes | None:
        """None: nothing came yet."""
        try:
            return self._socket.recv(size)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def _flush(self) -> None:
        try:
            while self._untaken:
                sent = self._socket.send(self._untaken)
                self._moved += sent
                del self._untaken[:sent]
        except (BlockingIOError, InterruptedError):
            pass

    def _wait(self, for_what: int) -> None:
        left = self.deadline - time.monotonic()
        ear = select.poll()
        ear.register(self._socket, for_what)
        if left <= 0 or not ear.poll(1000 * left):
            raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")
