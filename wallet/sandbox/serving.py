"""Small web servers of the sandbox: on loopback, in threads of their own, without log lines."""

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

from wallet.sandbox.troubles import SandboxTrouble

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"
LOOK_UP_S = 0.1  # how often a server looks whether it is to stop


@contextlib.contextmanager
def bound(app: "WSGIApplication", port: int) -> Iterator[int]:
    """Serve for as long as the block lasts; gives the port, a free one if 0 was asked for. Raises
    `SandboxTrouble` if it is taken."""
    try:
        server = make_server(LOOPBACK, port, app, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit) as error:
        raise SandboxTrouble("port_taken", port=port) from error
    # A daemon: a browser or a phone that waits for news does not keep the process alive.
    threading.Thread(target=server.serve_forever, args=(LOOK_UP_S,), daemon=True).start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    """No line for each request: a page that looks every second would fill the terminal."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass
