"""What `wallet sandbox` runs: Apple's push stand-in, and a virtual phone with its page."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator

from werkzeug.serving import WSGIRequestHandler, make_server

from wallet.assembly import system_clock
from wallet.sandbox import apns, certificates
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.phone import CERTIFICATES, VirtualPhone
from wallet.sandbox.phone_page.app import PhonePage
from wallet.sandbox.shop import Shop
from wallet.sandbox.troubles import SandboxTrouble
from wallet.sandbox.words import Language
from wallet.settings import Settings

LOOPBACK = "127.0.0.1"
LOOK_UP_S = 0.1  # how often the page's server looks whether it is to stop
LANGUAGE: Language = "en"  # the page asks for its own


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SandboxTrouble` if it cannot begin."""
    if not settings.in_sandbox:
        raise SandboxTrouble("not_in_production")
    certificates.ensure_chain(settings.data / CERTIFICATES, system_clock())
    with phone_page(settings):
        try:
            asyncio.run(_stand_in(settings))
        except OSError as error:
            raise SandboxTrouble("port_taken", port=settings.sandbox.apns) from error


@contextlib.contextmanager
def phone_page(settings: Settings) -> Iterator[None]:
    """The phone, hearing its pushes, and its page, each in threads of their own."""
    journal = Journal()
    phone = VirtualPhone.of(settings, LANGUAGE, journal)
    shop = Shop(f"http://{LOOPBACK}:{settings.port}", settings.api_key, journal)
    page = PhonePage(phone, shop, journal).app()
    try:
        server = make_server(
            LOOPBACK, settings.sandbox.phone, page, threaded=True, request_handler=_Quiet
        )
    except (OSError, SystemExit) as error:
        raise SandboxTrouble("port_taken", port=settings.sandbox.phone) from error
    stop = threading.Event()
    # Daemons: a phone that waits for a push, or a browser that waits for news, holds nobody up.
    for work, arguments in ((phone.listen, (stop,)), (server.serve_forever, (LOOK_UP_S,))):
        threading.Thread(target=work, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


async def _stand_in(settings: Settings) -> None:
    """The stand-in, until a signal comes; if it fails, so does the process."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    folder = settings.data / CERTIFICATES
    serving = asyncio.create_task(
        apns.run(
            LOOPBACK,
            settings.sandbox.apns,
            settings.sandbox.apns_control,
            folder / "server.pem",
            folder / "server.key",
            folder / "root.pem",
        )
    )
    stopping = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


class _Quiet(WSGIRequestHandler):
    """No line for each request: a page that looks every second would fill the terminal."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass
