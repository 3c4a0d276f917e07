"""The web server: gunicorn with threads, the same in the sandbox and in production."""

import logging
import socket
import struct
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from wallet.app import create_app
from wallet.assembly import connect
from wallet.settings import Settings
from wallet.worker import Embedded, Waker, create_celery

GRACE_S = 30
STUCK_AFTER_S = 60
READING_S = 10


def _is_no_slow_client(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, BlockingIOError)


def _bound_reading(worker: Any) -> None:
    """A client that stops in the middle of a request gives its thread back in a while. Linux hands
    the limit on from a listening socket to each that it accepts."""
    # Nothing to tell of: whoever wants to could fill the log with it.
    logging.getLogger("gunicorn.error").addFilter(_is_no_slow_client)
    for listener in worker.sockets:
        limit = struct.pack("ll", READING_S, 0)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


class WebServer(BaseApplication):  # type: ignore[misc]
    """Builds the application in each worker, after the fork: neither a database connection nor a
    thread survives one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedded: Embedded | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "worker_class": "gthread",
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
        celery = create_celery(self._settings)
        installation = connect(self._settings, Waker(celery).wake)
        if self._settings.embedded:
            self._embedded = Embedded(celery, installation)
            self._embedded.start()
        app: Flask = create_app(installation)
        return app

    def _on_exit(self, _server: object, _worker: object) -> None:
        if self._embedded is not None:
            self._embedded.stop()
