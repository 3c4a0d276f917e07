"""gunicorn's worker with threads, in which clients cannot hold a thread by being slow.

One loop looks after all connections (`connections.py`): it collects requests, has answers taken and
lets clients finish. A thread gets a request when all of it is there."""

import errno
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from gunicorn.http import errors, wsgi
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from wallet.problems import MEDIA_TYPE, TYPES_PATH
from wallet.web.connections import Connection, Phase, Progress

NAME = "Kopilka"
MOST_CONNECTIONS = 500  # in one process; half of the files that it may have open, as a rule
MOST_HELD_BYTES = 64 * 1024 * 1024  # of requests that are coming in and answers that are going out
LOOK_ROUND_S = 0.5


class RequestTooSlow(Exception):
    """The request did not come to its end in time."""


class BodySwollen(Exception):
    """The body is too large as it is written, whatever it holds."""


# How we answer what is no request. The first row whose exception fits counts.
UNREADABLE: tuple[tuple[type[Exception], int, str, str], ...] = (
    (RequestTooSlow, 408, "request_too_slow", "The request did not come to its end in time."),
    (BodySwollen, 413, "body_too_large", "The body is too large."),
    (errors.LimitRequestLine, 414, "address_too_long", "The address is too long."),
    (errors.LimitRequestHeaders, 431, "headers_too_large", "The headers are too many or too long."),
    (
        errors.UnsupportedTransferCoding,
        501,
        "transfer_coding_unknown",
        "Send the body as it is, or with Transfer-Encoding: chunked.",
    ),
    (errors.ExpectationFailed, 417, "expectation_unknown", "Expect: 100-continue is all we know."),
    (errors.ParseException, 400, "not_http", "This is not a request as HTTP writes it."),
    (Exception, 500, "internal_error", "Something went wrong here. It has been noted."),
)
REFUSED = {
    Progress.HEAD_TOO_LARGE: errors.LimitRequestHeaders,
    Progress.BODY_TOO_LARGE: BodySwollen,
}

log = structlog.get_logger()

wsgi.SERVER = NAME  # gunicorn has no option for what the header `Server` says


def close_after_large_body(_worker: object, request: Any) -> None:
    """gunicorn calls this before each request. After a body that is not in hand the connection is
    not used again: nobody knows how much of it was read."""
    if request.unreader.sock.is_partial:
        request.force_close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """Answers what cannot be read as a request, like everything else, with a problem document:
    gunicorn's own answer is a page of HTML, and its log line quotes the address, which may hold a
    token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Those that no thread has, the longest here first.
        self._watched: dict[TConn, None] = {}
        self._looked_round_at = 0.0

    # What gunicorn's own loop calls.

    def accept(self, listener: Any) -> None:
        """A client has come. If there are too many, the one goes that has sent no whole request
        for longest."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, Connection(client), address, listener.getsockname())
        conn.data_ready = True
        self._watch(conn, selectors.EVENT_READ, self._on_readable)
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def finish_request(self, conn: TConn, served: Future[bool]) -> None:
        """A thread is done with its request."""
        connection = conn.sock
        failed = served.cancelled() or served.exception() is not None
        connection.stays = not failed and served.result()
        self._go_on(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Give up those whose time is over; all, if forced."""
        now = time.monotonic()
        if not force and now - self._looked_round_at < LOOK_ROUND_S:
            return
        self._looked_round_at = now
        for conn in [*self._watched]:
            if force:
                self._close(conn)
            elif conn.sock.deadline <= now:
                self._give_up(conn)
        held = sum(conn.sock.held_bytes for conn in self._watched)
        while held > MOST_HELD_BYTES:
            largest = max(self._watched, key=lambda one: one.sock.held_bytes)
            held -= largest.sock.held_bytes
            self._close(largest)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self._watched:
            conn.sock.give_up_by(deadline)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's
        # What the application did not read is in hand: nothing is waited for.
        return keepalive and conn.parser.finish_body()

    def handle_error(self, _req: object, client: Any, _addr: object, exc: Exception) -> None:
        """gunicorn calls this for what cannot be read as a request."""
        kind, status, code, detail = next(row for row in UNREADABLE if isinstance(exc, row[0]))
        tell = log.error if kind is Exception else log.info
        tell("request_unreadable", status=status, error=type(exc).__name__)
        title = HTTPStatus(status).phrase
        kind_of_problem = f"{TYPES_PATH}#{code}"  # no application is asked for the host
        body = orjson.dumps(
            {
                "type": kind_of_problem,
                "title": title,
                "status": status,
                "code": code,
                "detail": detail,
            }
        )
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            log.info("answer_not_taken", status=status)

    # From one phase of a connection to the next.

    def _on_readable(self, conn: TConn) -> None:
        if conn.sock.collect():
            self._hand_over_when_whole(conn)
        else:
            self._close(conn)

    def _hand_over_when_whole(self, conn: TConn) -> None:
        connection = conn.sock
        progress = connection.arrival.progress()
        if progress is Progress.PART:
            connection.invite_body()
            self._watch(conn, selectors.EVENT_READ, self._on_readable)
        elif progress in REFUSED:
            self._refuse(conn, REFUSED[progress](len(connection.arrival.received)))
        else:
            self._unwatch(conn)
            connection.serve(progress)
            self.enqueue_req(conn)

    def _go_on(self, conn: TConn) -> None:
        """What was answered is taken, then comes another request or the end."""
        connection = conn.sock
        try:
            if not connection.is_taken():
                connection.phase = Phase.TAKEN
                self._watch(conn, selectors.EVENT_WRITE, self._go_on)
            elif connection.stays:
                connection.next_request(conn.parser.unreader.take_buffered())
                if not self.alive:
                    connection.give_up_by(time.monotonic() + STOP_KEEPALIVE_LINGER)
                self._hand_over_when_whole(conn)
            else:
                connection.linger()
                self._watch(conn, selectors.EVENT_READ, self._on_leftover)
        except OSError:
            self._close(conn)

    def _on_leftover(self, conn: TConn) -> None:
        if not conn.sock.discard():
            self._close(conn)

    def _refuse(self, conn: TConn, error: Exception) -> None:
        conn.sock.stays = False
        self.handle_error(None, conn.sock, conn.client, error)
        self._go_on(conn)

    def _give_up(self, conn: TConn) -> None:
        if conn.sock.phase is Phase.COLLECTED and conn.sock.arrival.received:
            self._refuse(conn, RequestTooSlow())
        else:
            self._close(conn)

    def _make_room(self) -> None:
        for conn in self._watched:
            if conn.sock.phase is not Phase.TAKEN:
                self._close(conn)
                return

    def _watch(self, conn: TConn, event: int, then: Callable[[TConn], None]) -> None:
        def called(_file: object) -> None:
            then(conn)

        if conn in self._watched:
            self.poller.modify(conn.sock, event, called)
        else:
            self._watched[conn] = None
            self.poller.register(conn.sock, event, called)

    def _unwatch(self, conn: TConn) -> None:
        if conn in self._watched:
            del self._watched[conn]
            self.poller.unregister(conn.sock)

    def _close(self, conn: TConn) -> None:
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()
