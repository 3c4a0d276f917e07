"""Both ports for as long as they are wanted: in this process's event loop, or in a thread."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import structlog

from wallet.sandbox.apns.control import Control
from wallet.sandbox.apns.line import PushLine
from wallet.sandbox.apns.stand_in import PushStandIn
from wallet.sandbox.serving import LOOPBACK

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the two servers listen."""

    push: int
    control: int


@contextlib.asynccontextmanager
async def listening(
    stand_in: PushStandIn,
    host: str,
    port: int,
    control_port: int,
    certificate: Path,
    key: Path,
    client_ca: Path,
) -> AsyncIterator[Ports]:
    """Both servers, for as long as the block lasts. Port 0 means a free one."""
    context = _tls_context(certificate, key, client_ca)
    control = Control(stand_in)
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as at_the_end:
        pushes = await loop.create_server(lambda: PushLine(stand_in, context), host, port)
        at_the_end.push_async_callback(_go_dark, stand_in, pushes)
        orders = await asyncio.start_server(control.serve, LOOPBACK, control_port)
        at_the_end.push_async_callback(control.hang_up)
        at_the_end.callback(orders.close)
        yield Ports(_port(pushes), _port(orders))


async def run(
    host: str,
    port: int,
    control_port: int,
    certificate: Path,
    key: Path,
    client_ca: Path,
    *,
    stand_in: PushStandIn | None = None,
) -> None:
    """Serve until cancelled. `client_ca` is the root under which pass certificates stand; the
    intermediate between them comes with `certificate`, which carries its chain."""
    house = stand_in or PushStandIn()
    files = (certificate, key, client_ca)
    async with listening(house, host, port, control_port, *files) as ports:
        log.info("push_stand_in_listening", host=host, port=ports.push, control_port=ports.control)
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class RunningApns:
    """A stand-in at work in a thread of its own."""

    stand_in: PushStandIn
    port: int
    control_port: int

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def control_url(self) -> str:
        return f"http://{LOOPBACK}:{self.control_port}"


@contextlib.contextmanager
def running(
    certificate: Path,
    key: Path,
    client_ca: Path,
    *,
    port: int = 0,
    control_port: int = 0,
    stand_in: PushStandIn | None = None,
) -> Iterator[RunningApns]:
    """The stand-in in a thread, for tests. When the block ends, all connections are cut."""
    house = stand_in or PushStandIn()
    started: Future[tuple[Ports, Callable[[], object]]] = Future()

    async def serve() -> None:
        leave = asyncio.Event()
        loop = asyncio.get_running_loop()
        places = (LOOPBACK, port, control_port, certificate, key, client_ca)
        async with listening(house, *places) as ports:
            started.set_result((ports, lambda: loop.call_soon_threadsafe(leave.set)))
            await leave.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except Exception as trouble:
            if started.done():
                raise
            started.set_exception(trouble)

    thread = threading.Thread(target=work, name="push-stand-in", daemon=True)
    thread.start()
    ports, leave = started.result()
    try:
        yield RunningApns(house, ports.push, ports.control)
    finally:
        leave()
        thread.join()


async def _go_dark(stand_in: PushStandIn, pushes: asyncio.Server) -> None:
    pushes.close()
    # A client that was accepted a moment ago becomes a connection only in the next round of the
    # loop; it must not be left with a line that is never answered.
    for _ in range(2):
        stand_in.cut_connections()
        await asyncio.sleep(0)


def _tls_context(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    # Apple knows its own intermediates, so clients send their certificate alone. Ours comes with
    # the server's chain; what it vouches for must still end at the root.
    context.load_verify_locations(certificate)
    # A client without a certificate is let in and asked for a provider token.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["h2"])
    return context


def _port(server: asyncio.Server) -> int:
    return cast(int, server.sockets[0].getsockname()[1])
