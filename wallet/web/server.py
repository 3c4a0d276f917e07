"""The web server: gunicorn with threads, the same in the sandbox and in production."""

import gc
import logging
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from wallet.configuration.settings import Settings
from wallet.problems import MEDIA_TYPE
from wallet.running import single_process
from wallet.running.assembly import connect
from wallet.running.worker import Embedded, Waker, create_celery
from wallet.web.app import create_app

GRACE_S = 30  # for requests under way, when we are told to stop
STUCK_AFTER_S = 60  # a worker that shows no sign of life for so long is killed
READING_S = 10  # for the client to send more of its request

# How we answer what is no request. The first row whose exception fits counts.
UNREADABLE: tuple[tuple[type[Exception], int, str, str], ...] = (
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

log = structlog.get_logger()


def _is_no_slow_client(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, BlockingIOError)


def _bound_reading(worker: Any) -> None:
    """A client that stops in the middle of a request loses its thread after `READING_S`. Linux
    hands the limit on from a listening socket to each connection that it accepts."""
    # It is not logged: anybody could fill the log with it.
    logging.getLogger("gunicorn.error").addFilter(_is_no_slow_client)
    for listener in worker.sockets:
        limit = struct.pack("ll", READING_S, 0)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Answers what cannot be read as a request, like everything else, with a problem document.

    gunicorn's own answer is a page of HTML, and its log line quotes the address, which may hold a
    token."""

    def handle_error(self, _req: object, client: Any, _addr: object, exc: Exception) -> None:
        """gunicorn calls this for what cannot be read as a request."""
        kind, status, code, detail = next(row for row in UNREADABLE if isinstance(exc, row[0]))
        tell = log.error if kind is Exception else log.info
        tell("request_unreadable", status=status, error=type(exc).__name__)
        title = HTTPStatus(status).phrase
        body = orjson.dumps({"title": title, "status": status, "code": code, "detail": detail})
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            log.info("answer_not_taken", status=status)


class WebServer(BaseApplication):  # type: ignore[misc]
    """Builds the application in each worker, after the fork: neither a database connection nor a
    thread survives one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = single_process.hold(settings)  # until the last of our processes has ended
        self._embedded: Embedded | None = None
        super().__init__()

    def load_config(self) -> None:
        """gunicorn calls this for its options."""
        options: dict[str, Any] = {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "worker_class": Worker,
            "workers": self._settings.web_concurrency,
            "threads": self._settings.web_threads,
            "graceful_timeout": GRACE_S,
            "timeout": STUCK_AFTER_S,
            "keepalive": 5,
            "proc_name": "kopilka",
            "loglevel": "warning",
            # Addresses hold tokens of cards and devices: our own log names routes instead.
            "accesslog": None,
            "post_worker_init": _bound_reading,
            "worker_exit": self._on_exit,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """gunicorn calls this in each worker process for the application. With the broker memory://
        it also starts worker and beat."""
        celery = create_celery(self._settings)
        waker = Waker(celery)
        installation = connect(self._settings, waker.wake)
        if self._settings.embedded:
            self._embedded = Embedded(celery, installation, waker.wake)
            self._embedded.start()
        app: Flask = create_app(installation)
        # What was loaded stays, so the garbage collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        return app

    def _on_exit(self, _server: object, _worker: object) -> None:
        if self._embedded is not None:
            self._embedded.stop()
