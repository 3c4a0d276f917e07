"""What it costs the web tier when a phone asks: for a changed card, against the one raw RSA-2048
signature that cannot be saved; for the list of changes, and for a card it has already, against a
Flask view that does nothing. CPU time of this process, through the whole application (rate limits,
log, headers), without the server that reads the socket: it is the same for all."""

import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, Response
from sqlalchemy import text

from ledger import programmes
from ledger.members import Profile
from wallet import migrations, settings
from wallet.app import create_app
from wallet.apple import devices
from wallet.apple.signing import KEY_FILE
from wallet.assembly import connect, system_clock
from wallet.installation import Installation
from wallet.passes import issuing
from wallet.passes.issuing import Pass
from wallet.sandbox import certificates, demo
from wallet.settings import DEMO

ROUNDS = 5
REQUESTS = 40
DEVICE = "d" * 32

Headers = dict[str, str]


def measure() -> dict[str, float]:
    """`changed`: CPU of a changed card to that of a signature; `list` and `unchanged`: how many a
    second to how many of the view that does nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates.ensure_chain(folder / "certs", system_clock())
        place = folder / "certs" / certificates.SANDBOX_PASS_TYPE
        key = serialization.load_pem_private_key((place / KEY_FILE).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        environment = {"WALLET_DATA": name, "WALLET_RATE_LIMITS": "apple=1000000/second"}
        installation = connect(settings.from_env(environment))
        migrations.upgrade(installation.database.engine)
        pass_ = _card(installation)
        try:
            return _measured(installation, pass_, key)
        finally:
            installation.database.close()


def _card(installation: Installation) -> Pass:
    now = system_clock()
    with installation.database.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        pass_type, keys = installation.pass_type, installation.keys
        pass_ = issuing.join(session, programme, Profile(), pass_type, keys, now)
        devices.register(session, pass_, DEVICE, "ab" * 32, now)
        issuing.move_tags(session, [pass_.id])
    return pass_


def _measured(installation: Installation, pass_: Pass, key: rsa.RSAPrivateKey) -> dict[str, float]:
    app, nothing = create_app(installation), Flask(__name__)
    nothing.add_url_rule("/", "nothing", lambda: Response(status=204))
    card = f"/apple/v1/passes/{pass_.pass_type}/{pass_.serial}"
    registrations = f"/apple/v1/devices/{DEVICE}/registrations/{pass_.pass_type}"
    known = {"HTTP_AUTHORIZATION": f"ApplePass {installation.shelf.token(pass_)}"}
    since = {**known, "HTTP_IF_MODIFIED_SINCE": "Fri, 01 Jan 2100 00:00:00 GMT"}
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()

    def sign() -> None:
        key.sign(b"manifest", pkcs1, sha256)

    def outdate() -> None:
        with installation.database.transaction() as session:
            session.execute(text("UPDATE wallet_pass SET version = version + 1"))

    rounds = []
    for _ in range(ROUNDS):
        idle = _cpu(lambda: _ask(nothing, "/", {}, 204))
        signed = _cpu(sign)
        changed = _cpu(lambda: _ask(app, card, known, 200), before=outdate)
        listed = _cpu(lambda: _ask(app, registrations, {}, 200))
        unchanged = _cpu(lambda: _ask(app, card, since, 304))
        signed = (signed + _cpu(sign)) / 2
        idle = (idle + _cpu(lambda: _ask(nothing, "/", {}, 204))) / 2
        rounds.append((changed / signed, idle / listed, idle / unchanged, changed, idle))
    names = ("changed", "list", "unchanged", "changed_cpu_s", "nothing_cpu_s")
    return dict(zip(names, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def _cpu(work: Callable[[], None], before: Callable[[], None] | None = None) -> float:
    """CPU seconds of one; what comes `before` each is not counted."""
    took = 0.0
    for _ in range(REQUESTS):
        if before is not None:
            before()
        begun = time.process_time()
        work()
        took += time.process_time() - begun
    return took / REQUESTS


def _ask(app: Flask, path: str, headers: Headers, status: int) -> None:
    answered: list[str] = []

    def start_response(line: str, _: object, __: object = None) -> None:
        answered.append(line)

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "cards.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
        **headers,
    }
    body: Iterable[bytes] = app.wsgi_app(environ, start_response)  # type: ignore[arg-type]
    assert b"".join(body) or status != 200
    assert answered[0].startswith(str(status)), answered


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:20} {figure:10.5f}\n")
