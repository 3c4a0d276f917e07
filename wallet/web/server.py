"""The web server: gunicorn with threads, the same in the sandbox and in production."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from wallet.configuration.settings import Settings
from wallet.running import single_process
from wallet.running.assembly import connect
from wallet.running.garbage import spare_what_stays
from wallet.running.worker import Embedded, Waker, create_celery
from wallet.web.app import create_app
from wallet.web.gunicorn_worker import MOST_CONNECTIONS, Worker, close_after_large_body

GRACE_S = 30  # for requests under way, when we are told to stop
STUCK_AFTER_S = 60  # a worker that shows no sign of life for so long is killed


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
            "worker_connections": MOST_CONNECTIONS,
            "sendfile": False,  # what a client is slow to take is kept by us
            "proc_name": "kopilka",
            "loglevel": "warning",
            # Addresses hold tokens of cards and devices: our own log names routes instead.
            "accesslog": None,
            "pre_request": close_after_large_body,
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
        spare_what_stays()
        return app

    def _on_exit(self, _server: object, _worker: object) -> None:
        if self._embedded is not None:
            self._embedded.stop()
