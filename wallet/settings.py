"""The whole environment, read once and handed down; it holds the ledger's settings too.

Every `NAME` may also be given as `NAME_FILE`, a file with the value. In the sandbox, secrets that
are missing are made once and kept in `sandbox.env` in the data folder; in production a missing
value is refused by name."""

import base64
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.settings import LedgerSettings
from wallet.errors import SettingsError
from wallet.keyring import SHORTEST_KEY

SANDBOX = "sandbox"
PRODUCTION = "production"
MEMORY_BROKER = "memory://"
DEMO = "demo"  # the programme that a sandbox begins with
SANDBOX_ENV = "sandbox.env"

# Secrets of the sandbox say so, so that production can refuse them.
SANDBOX_MARK = "sandbox"

DATABASE_URL = re.compile(r"(postgresql\+psycopg://|sqlite:///)[^\s]")
BROKER_URL = re.compile(r"memory://$|(redis|rediss|amqp|amqps|sentinel)://[^\s]")
LAST_PORT = 65535
DEFAULT_PORT = 8080
RATE_LIMIT = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour)")
RATE_LIMITS = {
    "api": "300/second",
    "webhooks": "100/second",
    "apple": "100/second",
    "google": "100/second",
    "card": "30/second",
    "join": "30/minute",
    "log": "60/minute",
    "guess": "60/minute",
}
# Whoever tries the sandbox does so from one address.
SANDBOX_RATE_LIMITS = dict.fromkeys(RATE_LIMITS, "2000/second")
WEBHOOK_SECRET = re.compile(r"whsec_(?:[A-Za-z0-9+/]{4}){8,}(?:[A-Za-z0-9+/]{2,3}={1,2})?")
SANDBOX_GOOGLE_ISSUER = "3388000000000000001"

APNS_PRODUCTION_URL = "https://api.push.apple.com"


@dataclass(frozen=True, slots=True)
class SandboxPorts:
    """Where the stand-ins listen, all on 127.0.0.1: the phones' page, Apple's push service with the
    phones' side of it, and Google's API."""

    phone: int
    apns: int
    apns_control: int
    google: int


@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """How Google is reached and who we are there. `api_url` is the base before `/walletobjects`;
    a save link is `save_url` and a token; `keys_url` answers the root keys of callbacks."""

    api_url: str
    save_url: str
    keys_url: str
    credentials: Path
    issuer: str


@dataclass(frozen=True, slots=True)
class Settings:
    mode: str
    host: str
    port: int
    web_concurrency: int
    web_threads: int
    data: Path
    broker_url: str
    public_url: str
    secret_keys: tuple[str, ...]
    api_key: str
    webhook_secret: str | None
    apple_certs: Path
    apple_pass_type: str | None
    apns_url: str
    apns_ca: Path | None
    google: GoogleSettings | None
    lease_s: float
    beat_s: float
    log_level: str
    proxy_hops: int
    rate_limits: Mapping[str, str]
    sandbox: SandboxPorts
    ledger: LedgerSettings

    @property
    def in_sandbox(self) -> bool:
        return self.mode == SANDBOX

    @property
    def embedded(self) -> bool:
        """One process holds web and pumps: there is no broker for others to meet at."""
        return self.broker_url == MEMORY_BROKER


def from_env(environ: Mapping[str, str]) -> Settings:
    """Raises `SettingsError` with the name of the first setting that is missing or does not fit."""
    env = _Environment(environ)
    mode = env.one_of("WALLET_MODE", SANDBOX, (SANDBOX, PRODUCTION))
    data = Path(env.text("WALLET_DATA", "var")).absolute()
    if mode == SANDBOX:
        env = _Environment({**_sandbox_values(data), **environ})
    port = env.number("PORT", DEFAULT_PORT)
    broker_url = env.text("WALLET_BROKER_URL", MEMORY_BROKER)
    settings = Settings(
        mode=mode,
        host=env.text("WALLET_HOST", "127.0.0.1"),
        port=port,
        web_concurrency=env.number("WEB_CONCURRENCY", 1 if broker_url == MEMORY_BROKER else 2),
        web_threads=env.number("WALLET_WEB_THREADS", 8),
        data=data,
        broker_url=broker_url,
        public_url=env.text("WALLET_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        secret_keys=_secret_keys(env.required("WALLET_SECRET_KEY")),
        api_key=env.required("WALLET_API_KEY"),
        webhook_secret=env.optional("WALLET_WEBHOOK_SECRET"),
        apple_certs=Path(
            env.text("WALLET_APPLE_CERTS", str(data / "certs"))
            if mode == SANDBOX
            else env.required("WALLET_APPLE_CERTS")
        ),
        apple_pass_type=env.optional("WALLET_APPLE_PASS_TYPE"),
        apns_url=env.text(
            "WALLET_APNS_URL",
            f"https://127.0.0.1:{port + 2}" if mode == SANDBOX else APNS_PRODUCTION_URL,
        ),
        apns_ca=env.path(
            "WALLET_APNS_CA", data / "certs" / "root.pem" if mode == SANDBOX else None
        ),
        google=_google(env, data, port + 4 if mode == SANDBOX else None),
        lease_s=env.seconds("WALLET_LEASE_SECONDS", 60.0),
        beat_s=env.seconds("WALLET_BEAT_SECONDS", 5.0),
        log_level=env.one_of(
            "WALLET_LOG_LEVEL",
            "warning" if mode == SANDBOX else "info",
            ("debug", "info", "warning", "error"),
        ),
        proxy_hops=env.number("WALLET_PROXY_HOPS", 0, least=0),
        rate_limits=_rate_limits(env.text("WALLET_RATE_LIMITS", ""), mode),
        sandbox=SandboxPorts(phone=port + 1, apns=port + 2, apns_control=port + 3, google=port + 4),
        ledger=LedgerSettings(
            database_url=env.text("WALLET_DATABASE_URL", f"sqlite:///{data / 'kopilka.db'}"),
            sqlite_synchronous=env.one_of(
                "WALLET_SQLITE_SYNCHRONOUS", "NORMAL", ("NORMAL", "FULL")
            ),
        ),
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    webhook_secret = settings.webhook_secret
    if webhook_secret is not None and not WEBHOOK_SECRET.fullmatch(webhook_secret):
        raise SettingsError(
            "WALLET_WEBHOOK_SECRET", "must be whsec_ and at least 24 random bytes in Base64."
        )
    if settings.embedded and settings.web_concurrency != 1:
        raise SettingsError(
            "WEB_CONCURRENCY",
            "must be 1 while WALLET_BROKER_URL is memory://; set a Redis or RabbitMQ broker to run"
            " more processes.",
        )
    if not DATABASE_URL.match(settings.ledger.database_url):
        raise SettingsError(
            "WALLET_DATABASE_URL",
            "must begin with postgresql+psycopg:// or sqlite:///, as SQLAlchemy writes them.",
        )
    if not BROKER_URL.match(settings.broker_url):
        raise SettingsError(
            "WALLET_BROKER_URL", "must begin with redis://, rediss://, amqp://, or be memory://."
        )
    if settings.mode == SANDBOX:
        if settings.sandbox.google > LAST_PORT:
            raise SettingsError("PORT", "must leave room for the four ports after it.")
        return
    if not settings.public_url.startswith("https://"):
        raise SettingsError("WALLET_PUBLIC_URL", "must begin with https:// in production.")
    for name, value in (
        ("WALLET_SECRET_KEY", ",".join(settings.secret_keys)),
        ("WALLET_API_KEY", settings.api_key),
        ("WALLET_WEBHOOK_SECRET", _webhook_key(settings.webhook_secret)),
    ):
        if value and SANDBOX_MARK in value:
            raise SettingsError(name, "is a sandbox secret; production needs one of its own.")


def _rate_limits(value: str, mode: str) -> dict[str, str]:
    """Group -> limit such as `30/minute`; what is not named keeps its default."""
    limits = dict(SANDBOX_RATE_LIMITS if mode == SANDBOX else RATE_LIMITS)
    for part in filter(None, map(str.strip, value.split(","))):
        group, _, limit = part.partition("=")
        if group not in limits or not RATE_LIMIT.fullmatch(limit):
            raise SettingsError(
                "WALLET_RATE_LIMITS",
                f"{part!r} is not like api=200/second; groups are {', '.join(limits)}.",
            )
        limits[group] = limit
    return limits


def _webhook_key(secret: str | None) -> str:
    """What the secret says in plain, as far as it says anything."""
    key = (secret or "").removeprefix("whsec_").encode()
    return base64.b64decode(key).decode("latin-1")


def _google(env: "_Environment", data: Path, stand_in: int | None) -> GoogleSettings | None:
    """None while nobody has set Google up: cards are then offered for Apple alone."""
    if stand_in is not None:
        base = f"http://127.0.0.1:{stand_in}"
        return GoogleSettings(
            api_url=env.text("WALLET_GOOGLE_URL", base),
            save_url=env.text("WALLET_GOOGLE_SAVE_URL", f"{base}/gp/v/save/"),
            keys_url=env.text("WALLET_GOOGLE_KEYS_URL", f"{base}/gp/m/issuer/keys"),
            credentials=Path(
                env.text("WALLET_GOOGLE_CREDENTIALS", str(data / "google" / "account.json"))
            ),
            issuer=env.text("WALLET_GOOGLE_ISSUER", SANDBOX_GOOGLE_ISSUER),
        )
    credentials, issuer = (
        env.path("WALLET_GOOGLE_CREDENTIALS", None),
        env.optional("WALLET_GOOGLE_ISSUER"),
    )
    if credentials is None and issuer is None:
        return None
    if credentials is None or issuer is None:
        raise SettingsError(
            "WALLET_GOOGLE_CREDENTIALS" if credentials is None else "WALLET_GOOGLE_ISSUER",
            "is not set, but the other of the two is; Google needs both.",
        )
    return GoogleSettings(
        api_url=env.text("WALLET_GOOGLE_URL", "https://walletobjects.googleapis.com"),
        save_url=env.text("WALLET_GOOGLE_SAVE_URL", "https://pay.google.com/gp/v/save/"),
        keys_url=env.text("WALLET_GOOGLE_KEYS_URL", "https://pay.google.com/gp/m/issuer/keys"),
        credentials=credentials,
        issuer=issuer,
    )


def _secret_keys(value: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    if not keys or min(map(len, keys)) < SHORTEST_KEY:
        raise SettingsError(
            "WALLET_SECRET_KEY", f"each key needs at least {SHORTEST_KEY} characters."
        )
    return keys


def _sandbox_values(data: Path) -> dict[str, str]:
    """The secrets of this sandbox, made at the first start. Two processes that start at once agree:
    only one of them creates the file."""
    path = data / SANDBOX_ENV
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        webhook_key = f"{SANDBOX_MARK}-{secrets.token_urlsafe(24)}".encode()
        values = {
            "WALLET_SECRET_KEY": f"{SANDBOX_MARK}-{secrets.token_urlsafe(32)}",
            "WALLET_API_KEY": f"{SANDBOX_MARK}-{secrets.token_urlsafe(24)}",
            "WALLET_WEBHOOK_SECRET": f"whsec_{base64.b64encode(webhook_key).decode()}",
        }
        draft = data / f".{SANDBOX_ENV}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


class _Environment:
    """Reads one variable at a time and says its name when something is wrong with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def _get(self, name: str) -> str | None:
        value = self._environ.get(name)
        file = self._environ.get(f"{name}_FILE")
        if value is None and file:
            try:
                value = Path(file).read_text().strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE", f"cannot be read: {error.strerror}.") from error
        return value or None

    def text(self, name: str, default: str) -> str:
        return self._get(name) or default

    def optional(self, name: str) -> str | None:
        return self._get(name)

    def required(self, name: str) -> str:
        value = self._get(name)
        if value is None:
            raise SettingsError(name, "is not set.")
        return value

    def path(self, name: str, default: Path | None) -> Path | None:
        value = self._get(name)
        return Path(value) if value else default

    def number(self, name: str, default: int, least: int = 1) -> int:
        value = self._get(name)
        if value is None:
            return default
        if not value.isdigit() or not least <= int(value) < 65536:
            raise SettingsError(name, f"{value!r} is not a number from {least} to 65535.")
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self._get(name)
        if value is None:
            return default
        if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) <= 0:
            raise SettingsError(name, f"{value!r} is not a number of seconds above zero.")
        return float(value)

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._get(name) or default
        if value not in choices:
            raise SettingsError(name, f"{value!r} is none of {', '.join(choices)}.")
        return value
