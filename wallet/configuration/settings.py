"""The whole environment, read once and handed down; it holds the ledger's settings too.

Every `NAME` may also be given as `NAME_FILE`, a file with the value. In the sandbox, secrets that
are missing are made once and kept in `sandbox.env` in the data folder; in production a missing
value is refused by name, and everything that is wrong is said at once."""

import base64
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import unquote, urlsplit

from ledger.contacts import Unfit, email_address
from ledger.settings import LedgerSettings
from wallet.configuration.environment import Environment
from wallet.configuration.keyring import SHORTEST_KEY
from wallet.errors import SettingsError

SANDBOX = "sandbox"
PRODUCTION = "production"
MEMORY_BROKER = "memory://"
WITHOUT_APPLE = "none"  # in the place of a folder of certificates; a folder of this name is ./none
DEMO = "demo"  # the programme that a sandbox begins with
SANDBOX_ENV = "sandbox.env"
CONSOLE_LINK = "WALLET_CONSOLE_LINK"  # a line of it: for people, not read by us

# Secrets of the sandbox say so, so that production can refuse them.
SANDBOX_MARK = "sandbox"

DATABASE_URL = re.compile(r"(postgresql\+psycopg://|sqlite:///)[^\s]")
BROKER_URL = re.compile(r"memory://$|(redis|rediss|amqp|amqps|sentinel)://[^\s]")
LAST_PORT = 65535
DEFAULT_PORT = 8080
MEGABYTE = 1024 * 1024
A_DAY_S = 86_400.0
RATE_LIMIT = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour)")
RATE_LIMITS = {
    "api": "300/second",
    "webhooks": "100/second",
    "apple": "100/second",
    "google": "100/second",
    "ledger": "30/second",
    "card": "30/second",
    "join": "30/minute",
    "log": "60/minute",
    "guess": "60/minute",
    "door": "30/minute",
    "find": "20/minute",
}
# In the sandbox all requests come from one address.
SANDBOX_RATE_LIMITS = dict.fromkeys(RATE_LIMITS, "2000/second")
WEBHOOK_SECRET = re.compile(r"whsec_(?:[A-Za-z0-9+/]{4}){8,}(?:[A-Za-z0-9+/]{2,3}={1,2})?")
SANDBOX_GOOGLE_ISSUER = "3388000000000000001"

APNS_PRODUCTION_URL = "https://api.push.apple.com"
APPLE_ID = re.compile(r"[A-Z0-9]{10}")  # of a team or a key, as Apple's portal shows it
MAIL_PORTS = {"smtp": 587, "smtps": 465}
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
NO_TLS = "tls=none"
# What stands in the templates of the request to a gateway: the number with its plus, its digits
# alone, and what is said.
PLACES = PHONE, DIGITS, TEXT = "{phone}", "{digits}", "{text}"
SMS_BODY = '{"phone": "{phone}", "text": "{text}"}'
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
APNS_KEY_FILE = re.compile(r"AuthKey_([A-Z0-9]{10})\.p8")

# In characters. Secrets are not typed by hand, so there is no reason for shorter ones.
SHORTEST_IN_PRODUCTION = 32
MAKE_ONE = "Make one with `openssl rand -hex 32`"


@dataclass(frozen=True, slots=True)
class SandboxPorts:
    """Where the stand-ins listen, all on 127.0.0.1: the phones' page, Apple's push service for us
    (`apns`) and for the virtual phones (`apns_control`), and Google's API."""

    phone: int
    apns: int
    apns_control: int
    google: int


@dataclass(frozen=True, slots=True)
class ApnsKeySettings:
    """A .p8 key, shown to Apple's push service instead of the certificate. `team` None: the team
    that the pass certificates are of."""

    file: Path
    key_id: str
    team: str | None


@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """How Google is reached, and who we are there. `api_url` is the base before `/walletobjects`; a
    save link is `save_url` and a token; `keys_url` answers the root keys of callbacks. Each card is
    read again every `check_s` seconds."""

    api_url: str
    save_url: str
    keys_url: str
    credentials: Path
    issuer: str
    check_s: float


# Of whom of the staff a second factor is asked.
SecondFactorWanted = Literal["optional", "administrators", "everybody"]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The server that letters to people of the staff leave by, and whom they are from. `security`:
    TLS from the first byte, TLS before anything is said, or none."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str | None
    password: str | None = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A service outside that brings a text to a phone, and how it is asked: address and body are
    templates with `PLACES`. All of it may hold a secret."""

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the environment says; the README's table tells what each is. Names in `_s` are in
    seconds, `import_bytes` in bytes; `wave_passes` is the most passes a second. None stands for
    what is not set up; for Apple that is a choice which production has to make in words."""

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
    apple_certs: Path | None
    apple_pass_type: str | None
    certs_look_s: float
    apns_url: str
    apns_ca: Path | None
    apns_key: ApnsKeySettings | None
    google: GoogleSettings | None
    mail: MailSettings | None
    sms: GatewaySettings | None
    second_factor: SecondFactorWanted
    lease_s: float
    beat_s: float
    wave_passes: int
    receiver_networks: tuple[IPv4Network | IPv6Network, ...]
    log_level: str
    proxy_hops: int
    import_bytes: int
    rate_limits: Mapping[str, str]
    sandbox: SandboxPorts
    ledger: LedgerSettings

    @property
    def in_sandbox(self) -> bool:
        """Whether stand-ins take the place of Apple and Google, and missing secrets are made."""
        return self.mode == SANDBOX

    @property
    def console_url(self) -> str:
        """Where people of the staff find the console. Passkeys know names and no numbers, so on
        this machine it has one."""
        return self.public_url.replace("://127.0.0.1", "://localhost", 1) + "/console"

    @property
    def embedded(self) -> bool:
        """Whether one process holds web and pumps: there is no broker that brings several
        together."""
        return self.broker_url == MEMORY_BROKER


def from_env(environ: Mapping[str, str]) -> Settings:
    """The settings. Raises `SettingsError` with every setting that is missing or does not fit."""
    settings, problems = read(environ)
    if problems:
        raise SettingsError.together(problems)
    return settings


def read(environ: Mapping[str, str]) -> tuple[Settings, list[SettingsError]]:
    """The settings as far as they can be understood, and what is wrong with the others.

    Raises `SettingsError` for mode and data folder: without them nothing else can be judged."""
    env = Environment(environ)
    mode = env.one_of("WALLET_MODE", SANDBOX, (SANDBOX, PRODUCTION))
    data = Path(env.text("WALLET_DATA", "var")).absolute()
    if env.problems:
        raise SettingsError.together(env.problems)
    if mode == SANDBOX:
        env = Environment({**_sandbox_values(data), **environ})
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
        secret_keys=_secret_keys(env),
        api_key=env.required("WALLET_API_KEY", f"{MAKE_ONE}; integrations show it."),
        webhook_secret=env.optional("WALLET_WEBHOOK_SECRET"),
        apple_certs=_apple_certs(env, mode, data),
        apple_pass_type=env.optional("WALLET_APPLE_PASS_TYPE"),
        certs_look_s=env.seconds("WALLET_CERTS_LOOK_SECONDS", 20.0),
        apns_url=env.text(
            "WALLET_APNS_URL",
            f"https://127.0.0.1:{port + 2}" if mode == SANDBOX else APNS_PRODUCTION_URL,
        ),
        apns_ca=env.path(
            "WALLET_APNS_CA", data / "certs" / "root.pem" if mode == SANDBOX else None
        ),
        apns_key=_apns_key(env),
        google=_google(env, data, port + 4 if mode == SANDBOX else None),
        mail=_mail(env),
        sms=_sms(env),
        second_factor=cast(
            SecondFactorWanted,
            env.one_of("WALLET_SECOND_FACTOR", "optional", get_args(SecondFactorWanted)),
        ),
        lease_s=env.seconds("WALLET_LEASE_SECONDS", 60.0),
        beat_s=env.seconds("WALLET_BEAT_SECONDS", 5.0),
        wave_passes=env.number("WALLET_WAVE_PASSES_PER_SECOND", 1000),
        receiver_networks=_receiver_networks(env, mode),
        log_level=env.one_of(
            "WALLET_LOG_LEVEL",
            "warning" if mode == SANDBOX else "info",
            ("debug", "info", "warning", "error"),
        ),
        proxy_hops=env.number("WALLET_PROXY_HOPS", 0, least=0),
        import_bytes=env.number("WALLET_IMPORT_MEGABYTES", 50) * MEGABYTE,
        rate_limits=_rate_limits(env, mode),
        sandbox=SandboxPorts(phone=port + 1, apns=port + 2, apns_control=port + 3, google=port + 4),
        ledger=LedgerSettings(
            database_url=env.text("WALLET_DATABASE_URL", f"sqlite:///{data / 'kopilka.db'}"),
            sqlite_synchronous=env.one_of(
                "WALLET_SQLITE_SYNCHRONOUS", "NORMAL", ("NORMAL", "FULL")
            ),
        ),
    )
    _check(settings, env)
    return settings, env.problems


def _check(settings: Settings, env: Environment) -> None:
    if settings.webhook_secret and not WEBHOOK_SECRET.fullmatch(settings.webhook_secret):
        env.refuse(
            "WALLET_WEBHOOK_SECRET", "must be whsec_ and at least 24 random bytes in Base64."
        )
    shortest = SHORTEST_KEY if settings.in_sandbox else SHORTEST_IN_PRODUCTION
    if any(len(key) < shortest for key in settings.secret_keys):
        env.refuse(
            "WALLET_SECRET_KEY", f"each key needs at least {shortest} characters. {MAKE_ONE}."
        )
    if settings.embedded and settings.web_concurrency != 1:
        env.refuse(
            "WEB_CONCURRENCY",
            "must be 1 while WALLET_BROKER_URL is memory://; set a Redis or RabbitMQ broker to run"
            " more processes.",
        )
    if not DATABASE_URL.match(settings.ledger.database_url):
        env.refuse(
            "WALLET_DATABASE_URL",
            "must begin with postgresql+psycopg:// or sqlite:///, as SQLAlchemy writes them.",
        )
    if not BROKER_URL.match(settings.broker_url):
        env.refuse(
            "WALLET_BROKER_URL", "must begin with redis://, rediss://, amqp://, or be memory://."
        )
    if settings.mode == PRODUCTION:
        _check_production(settings, env)
    elif settings.sandbox.google > LAST_PORT:
        env.refuse("PORT", "must leave room for the four ports after it.")


def _check_production(settings: Settings, env: Environment) -> None:
    if not settings.public_url.startswith("https://"):
        env.refuse(
            "WALLET_PUBLIC_URL",
            "must be the address under which phones reach this service, and begin with https://.",
        )
    if 0 < len(settings.api_key) < SHORTEST_IN_PRODUCTION:
        env.refuse(
            "WALLET_API_KEY", f"needs at least {SHORTEST_IN_PRODUCTION} characters. {MAKE_ONE}."
        )
    for name, value in (
        ("WALLET_SECRET_KEY", ",".join(settings.secret_keys)),
        ("WALLET_API_KEY", settings.api_key),
        ("WALLET_WEBHOOK_SECRET", _webhook_key(settings.webhook_secret)),
    ):
        if SANDBOX_MARK in value:
            env.refuse(name, f"is a sandbox secret; production needs one of its own. {MAKE_ONE}.")


def _rate_limits(env: Environment, mode: str) -> dict[str, str]:
    """Group -> limit such as `30/minute`; what is not named keeps its default."""
    value = env.text("WALLET_RATE_LIMITS", "")
    limits = dict(SANDBOX_RATE_LIMITS if mode == SANDBOX else RATE_LIMITS)
    for part in filter(None, map(str.strip, value.split(","))):
        group, _, limit = part.partition("=")
        if group not in limits or not RATE_LIMIT.fullmatch(limit):
            env.refuse(
                "WALLET_RATE_LIMITS",
                f"{part!r} is not like api=200/second; groups are {', '.join(limits)}.",
            )
        else:
            limits[group] = limit
    return limits


def _receiver_networks(env: Environment, mode: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Internal networks in which receivers of events may be; in the sandbox, this machine."""
    found = []
    value = env.text("WALLET_RECEIVER_NETWORKS", "127.0.0.0/8,::1" if mode == SANDBOX else "")
    for part in filter(None, map(str.strip, value.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            env.refuse(
                "WALLET_RECEIVER_NETWORKS",
                f"{part!r} is no network such as 192.168.1.0/24, and no address.",
            )
    return tuple(found)


def _webhook_key(secret: str | None) -> str:
    """The random bytes of the secret as text; empty if the secret is malformed."""
    if secret is None or not WEBHOOK_SECRET.fullmatch(secret):
        return ""
    return base64.b64decode(secret.removeprefix("whsec_")).decode("latin-1")


def _apple_certs(env: Environment, mode: str, data: Path) -> Path | None:
    """None without Apple. Production may begin so, but only if somebody says it: who forgets the
    folder should hear of it."""
    if mode == SANDBOX:
        named = env.text("WALLET_APPLE_CERTS", str(data / "certs"))
        if named == WITHOUT_APPLE:
            env.refuse(
                "WALLET_APPLE_CERTS",
                f"{WITHOUT_APPLE} is for production: the sandbox makes certificates of its own.",
            )
    else:
        named = env.required(
            "WALLET_APPLE_CERTS",
            "It is the folder with pass.pem, pass.key and wwdr.pem; `wallet certs csr` and"
            " `wallet certs import` make them with Apple. Without Apple's certificate begin with"
            f" WALLET_APPLE_CERTS={WITHOUT_APPLE}: cards are on the web and at Google until it is"
            " there, and can go into Apple Wallet then, those of today too.",
        )
    return None if named == WITHOUT_APPLE else Path(named)


def _google(env: Environment, data: Path, stand_in: int | None) -> GoogleSettings | None:
    """None if Google is not set up: cards are then not offered for it."""
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
            check_s=env.seconds("WALLET_GOOGLE_CHECK_SECONDS", A_DAY_S),
        )
    credentials, issuer = (
        env.path("WALLET_GOOGLE_CREDENTIALS", None),
        env.optional("WALLET_GOOGLE_ISSUER"),
    )
    if credentials is None and issuer is None:
        return None
    if credentials is None or issuer is None:
        env.refuse(
            "WALLET_GOOGLE_CREDENTIALS" if credentials is None else "WALLET_GOOGLE_ISSUER",
            "is not set, but the other of the two is; Google needs both.",
        )
        return None
    return GoogleSettings(
        api_url=env.text("WALLET_GOOGLE_URL", "https://walletobjects.googleapis.com"),
        save_url=env.text("WALLET_GOOGLE_SAVE_URL", "https://pay.google.com/gp/v/save/"),
        keys_url=env.text("WALLET_GOOGLE_KEYS_URL", "https://pay.google.com/gp/m/issuer/keys"),
        credentials=credentials,
        issuer=issuer,
        check_s=env.seconds("WALLET_GOOGLE_CHECK_SECONDS", A_DAY_S),
    )


def _mail(env: Environment) -> MailSettings | None:
    """None if no letters leave: links are handed over by whoever made them."""
    url, sender = env.optional("WALLET_SMTP_URL"), env.optional("WALLET_MAIL_FROM")
    if url is None and sender is None:
        return None
    if url is None or sender is None:
        env.refuse(
            "WALLET_SMTP_URL" if url is None else "WALLET_MAIL_FROM",
            "is not set, but the other of the two is; letters need both.",
        )
        return None
    try:
        email_address(sender)
    except Unfit:
        env.refuse("WALLET_MAIL_FROM", "is no address such as Kopilka <kopilka@example.com>.")
    if not sender.isprintable():
        env.refuse("WALLET_MAIL_FROM", "must be one line.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    # Not quoted: it may hold a password.
    if host is None or parts.scheme not in MAIL_PORTS or parts.query not in ("", NO_TLS):
        env.refuse(
            "WALLET_SMTP_URL",
            "must be like smtp://user:password@mail.example.com:587, or smtps:// where TLS begins"
            f" at once. A server in your own network may have ?{NO_TLS}.",
        )
        return None
    plain = parts.scheme == "smtp" and (parts.query == NO_TLS or host in THIS_MACHINE)
    return MailSettings(
        host=host,
        port=port or MAIL_PORTS[parts.scheme],
        security="none" if plain else "tls" if parts.scheme == "smtps" else "starttls",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        sender=sender,
    )


def _sms(env: Environment) -> GatewaySettings | None:
    """None if no text is brought to a phone."""
    url = env.optional("WALLET_SMS_URL")
    method = env.one_of("WALLET_SMS_METHOD", "POST", ("POST", "PUT", "GET"))
    headers = _headers(env)
    body = None if method == "GET" else env.text("WALLET_SMS_BODY", SMS_BODY)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        is_address = False
    # Neither is quoted: it may hold a secret.
    if not is_address or not url.isprintable() or " " in url:
        env.refuse("WALLET_SMS_URL", "must be an address such as https://sms.example.com/send.")
    elif parts.scheme == "http" and not _is_near(parts.hostname or ""):
        env.refuse(
            "WALLET_SMS_URL",
            "must begin with https://: numbers and codes go there. Without it only this machine and"
            " addresses of your own network will do.",
        )
    said = f"{url} {body or ''}"
    if TEXT not in said or (PHONE not in said and DIGITS not in said):
        env.refuse(
            "WALLET_SMS_URL" if body is None else "WALLET_SMS_BODY",
            f"must say where number and text go: {PHONE} (or {DIGITS}) and {TEXT}.",
        )
    return GatewaySettings(url, method, headers, body)


def _is_near(host: str) -> bool:
    """Whether the host is this machine, or named by an address of an internal network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host in THIS_MACHINE


def _headers(env: Environment) -> dict[str, str]:
    """The headers of a request to the gateway, as a JSON object of texts."""
    try:
        found = json.loads(env.text("WALLET_SMS_HEADERS", "{}"))
        fits = all(
            HEADER_NAME.fullmatch(name) and isinstance(value, str) and value.isprintable()
            for name, value in found.items()
        )
    except (ValueError, AttributeError):
        fits = False
    if not fits:
        env.refuse(
            "WALLET_SMS_HEADERS",
            """must be a JSON object of texts, such as {"Authorization": "Bearer …"}.""",
        )
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _secret_keys(env: Environment) -> tuple[str, ...]:
    value = env.required(
        "WALLET_SECRET_KEY",
        f"{MAKE_ONE}, and keep a copy: the tokens in issued cards are derived from it.",
    )
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    if value and not keys:
        env.refuse("WALLET_SECRET_KEY", "holds no key, only commas.")
    return keys


def _apns_key(env: Environment) -> ApnsKeySettings | None:
    """None if there is no .p8 key: pushes show the pass certificate."""
    file, team = env.optional("WALLET_APNS_KEY"), env.optional("WALLET_APNS_TEAM")
    key_id = env.optional("WALLET_APNS_KEY_ID")
    if file is None:
        if key_id is not None:
            env.refuse("WALLET_APNS_KEY", "is not set, but WALLET_APNS_KEY_ID is.")
        return None
    if "PRIVATE KEY" in file:
        env.refuse("WALLET_APNS_KEY", "must be the path of the .p8 file, not what is in it.")
        return None
    if key_id is None and (named := APNS_KEY_FILE.fullmatch(Path(file).name)):
        key_id = named[1]
    if key_id is None:
        env.refuse(
            "WALLET_APNS_KEY_ID",
            "is not set, and WALLET_APNS_KEY is not named AuthKey_<key id>.p8 as Apple names it.",
        )
        return None
    for name, value in (("WALLET_APNS_KEY_ID", key_id), ("WALLET_APNS_TEAM", team)):
        if value is not None and not APPLE_ID.fullmatch(value):
            env.refuse(name, f"{value!r} is not ten capital letters and digits, as Apple has them.")
    return ApnsKeySettings(Path(file), key_id, team)


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


def note_port(data: Path, port: int) -> None:
    """Keep beside the sandbox's secrets where `wallet run` listens, so that commands in other
    terminals find it without being told."""
    _note(data, "PORT", None if port == DEFAULT_PORT else str(port))


def note_console_link(data: Path, link: str | None) -> None:
    """Keep beside the sandbox's secrets the link that makes the first administrator; None: there is
    no such link any more."""
    _note(data, CONSOLE_LINK, link)


def _note(data: Path, name: str, value: str | None) -> None:
    path = data / SANDBOX_ENV
    if not path.exists():  # this sandbox was given its secrets from outside
        return
    lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{name}=")]
    if value is not None:
        lines.append(f"{name}={value}")
    draft = data / f".{SANDBOX_ENV}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    draft.replace(path)
