"""`wallet run`: everything on this machine, from an empty folder to "ready", and down again."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

import click

from wallet import migrations
from wallet.access import admission
from wallet.configuration.clock import system_clock
from wallet.configuration.settings import DEMO, SANDBOX_ENV, Settings, note_console_link, note_port
from wallet.errors import SettingsError
from wallet.running import single_process
from wallet.running.assembly import connect
from wallet.sandbox import certificates, demo, google

START_S = 60  # for the service to answer
STOP_S = 40  # for all processes to end; then they are killed
LOOK_EVERY_S = 0.1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def supervise(settings: Settings, environ: Mapping[str, str]) -> int:
    """Prepare, start, say "ready", watch; returns the exit code. If one process ends, the others
    are ended too: half a service is worse than none."""
    console_link = prepare(settings)
    with _asked_to_stop() as stop, _children(_parts(settings), environ) as children:
        ready = False
        started_at = time.monotonic()
        while not stop:
            for name, child in children.items():
                if child.poll() is not None:
                    click.echo(f"`wallet {name}` ended with {child.returncode}.", err=True)
                    return 1
            if not ready and _answers(settings):
                ready = True
                click.echo(greeting(settings, console_link))
            elif not ready and time.monotonic() > started_at + START_S:
                click.echo(f"No answer on port {settings.port} after {START_S} s.", err=True)
                return 1
            time.sleep(LOOK_EVERY_S)
    return 0


def prepare(settings: Settings) -> str | None:
    """Make folder, certificates, Google's account, schema and the demo programme; what is there is
    not touched. Returns the link that makes the first administrator of the console, unless there is
    one."""
    single_process.require_free(settings)
    if settings.in_sandbox and not (settings.data / "certs").exists():
        said = (
            f"The first start makes certificates and a database in {settings.data}: some seconds."
        )
        click.echo(said, err=True)
    settings.data.mkdir(parents=True, exist_ok=True)
    ports = [settings.port]
    if settings.in_sandbox:
        own = settings.sandbox
        ports += [own.phone, own.apns, own.apns_control, own.google]
        own_chain = settings.data / "certs"
        if settings.apple_certs == own_chain:
            certificates.ensure_chain(own_chain, system_clock())
        google.ensure_account(
            settings.data / google.ACCOUNT_FILE, google.token_uri(own.google), system_clock()
        )
    for port in ports:
        _require_free(settings.host, port)
    if settings.in_sandbox:
        note_port(settings.data, settings.port)
    installation = connect(settings)
    migrations.upgrade(installation.database.engine, keys=installation.keys)
    with installation.database.transaction() as session:
        if settings.in_sandbox:
            demo.ensure(session, installation.clock())
        token = admission.first_link(session, installation.clock())
    installation.database.close()
    link = None if token is None else f"{settings.console_url}/welcome/{token}"
    if settings.in_sandbox:
        note_console_link(settings.data, link)
    return link


def greeting(settings: Settings, console_link: str | None = None) -> str:
    """What a newcomer wants to know first. `console_link` makes the first administrator."""
    console = console_link or settings.console_url
    lines = [f"ready http://127.0.0.1:{settings.port}", f"console {console}"]
    if console_link is not None:
        lines.append("  (good once and for three days: it makes the first administrator)")
    if settings.in_sandbox:
        url = settings.public_url
        lines += [
            "",
            f"  Join and get a card     {url}/join/{DEMO}",
            f"  The virtual phones      http://127.0.0.1:{settings.sandbox.phone}",
            f"  API key and secrets     {settings.data / SANDBOX_ENV}",
            f"  The whole loop at once  {_command()} phone   (in another terminal)",
            "",
            "  Sandbox: real phones refuse these cards. The README says how to go live.",
            "  Stop with Ctrl-C.",
        ]
    return "\n".join(lines)


def _command() -> str:
    """`wallet`, as this very process was called: it may not be on the path."""
    return sys.argv[0] if sys.argv[0].endswith("wallet") else "wallet"


def _parts(settings: Settings) -> list[str]:
    parts = ["web"]
    if not settings.embedded:
        parts += ["worker", "beat"]
    if settings.in_sandbox:
        parts.append("sandbox")
    return parts


@contextlib.contextmanager
def _children(
    names: Sequence[str], environ: Mapping[str, str]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes of ours. At the end all are asked to stop at once, so that none waits for
    another."""
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in names:
            children[name] = _start(name, environ)
        yield children
    finally:
        for child in children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_S
        for child in children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)


def _start(name: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `wallet <name>` in a process group of its own, so that Ctrl-C reaches it only through
    us."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "wallet", name],
        env=dict(environ),
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )


def _die_with_parent() -> None:
    """Runs in the child, before it becomes another program: Linux then ends it if we are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """A list that stays empty until we are asked to stop, or the terminal closes."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in STOP_SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(settings: Settings) -> bool:
    try:
        address = f"http://127.0.0.1:{settings.port}/readyz"
        with urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                "PORT", f"{port} is taken by another program; choose another with PORT=…"
            ) from error
