"""What `wallet sandbox` runs: Apple's push stand-in, Google's, and two virtual phones on a page."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from ledger.languages import ENGLISH, Language
from wallet.apple.pushkey import PushKey
from wallet.configuration.clock import system_clock
from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER, Settings
from wallet.sandbox import apns, certificates, google
from wallet.sandbox.android import VirtualAndroid
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.phone import CERTIFICATES, VirtualPhone
from wallet.sandbox.phone_page.app import PhonePage
from wallet.sandbox.serving import LOOPBACK, bound
from wallet.sandbox.shop import Shop
from wallet.sandbox.troubles import SandboxTrouble

CALLBACK_PATH = "/google/callback"
MEMORY = Path("google/kept.json")
LANGUAGE: Language = ENGLISH  # the page asks for its own


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SandboxTrouble` if it cannot begin."""
    if not settings.in_sandbox:
        raise SandboxTrouble("not_in_production")
    certificates.ensure_chain(settings.data / CERTIFICATES, system_clock())
    with google_wallet(settings), phone_page(settings):
        try:
            asyncio.run(_stand_in(settings))
        except OSError as error:
            raise SandboxTrouble("port_taken", port=settings.sandbox.apns) from error


@contextlib.contextmanager
def google_wallet(settings: Settings) -> Iterator[google.RunningGoogle]:
    """Google's stand-in. It remembers what it kept when it last stopped, so saved cards stay
    saved."""
    with google.running(
        settings.data / google.ACCOUNT_FILE,
        issuer=settings.google.issuer if settings.google else SANDBOX_GOOGLE_ISSUER,
        port=settings.sandbox.google,
        callback_url=settings.public_url + CALLBACK_PATH,
        clock=system_clock,
        memory=settings.data / MEMORY,
        phone_url=f"http://{LOOPBACK}:{settings.sandbox.phone}/",
    ) as running:
        yield running


@contextlib.contextmanager
def phone_page(settings: Settings) -> Iterator[None]:
    """The phones, hearing their news, and their page, each in threads of their own."""
    journal = Journal()
    phone = VirtualPhone.of(settings, LANGUAGE, journal)
    android = VirtualAndroid.of(settings, LANGUAGE, journal)
    shop = Shop(f"http://{LOOPBACK}:{settings.port}", settings.api_key, journal)
    stop = threading.Event()
    own = (
        settings.public_url,
        f"http://{LOOPBACK}:{settings.port}",
        f"http://{LOOPBACK}:{settings.sandbox.google}",
    )
    page = PhonePage(phone, android, shop, journal, own)
    with bound(page.app(), settings.sandbox.phone):
        for listen in (phone.listen, android.listen):
            threading.Thread(target=listen, args=(stop,), daemon=True).start()
        try:
            yield
        finally:
            stop.set()


def _push_keys(settings: Settings) -> list[apns.TeamKey]:
    """What Apple would know of the .p8 key if it had been made there."""
    key = settings.apns_key
    if key is None:
        return []
    team = key.team or certificates.SANDBOX_TEAM
    return [apns.TeamKey(key.key_id, team, PushKey.load(key.file, key.key_id, team).public)]


async def _stand_in(settings: Settings) -> None:
    """The stand-in, until a signal comes; if it fails, so does the process."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    folder = settings.data / CERTIFICATES
    stand_in = apns.PushStandIn(keys=_push_keys(settings))
    serving = asyncio.create_task(
        apns.run(
            LOOPBACK,
            settings.sandbox.apns,
            settings.sandbox.apns_control,
            folder / "server.pem",
            folder / "server.key",
            folder / "root.pem",
            stand_in=stand_in,
        )
    )
    stopping = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
