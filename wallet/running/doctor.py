"""What an operator wants to know before something fails, and when it has failed: in plain words."""

import re
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import requests
from kombu import Connection
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.database import troubles
from ledger.database.engine import Database
from ledger.errors import Refusal
from ledger.seals import inspection, sealing
from wallet import migrations, presence
from wallet.access import apikeys, second_factors, sources
from wallet.apple import complaints, devices, judging
from wallet.apple.answers import DOUBTS
from wallet.apple.rotation import Certificates
from wallet.channels.channel import NotTaken
from wallet.channels.mail import MailServer
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import SANDBOX_ENV, WITHOUT_APPLE, Settings
from wallet.errors import CertificateProblem, SettingsError
from wallet.happenings import HappeningRow
from wallet.passes import issued
from wallet.receivers import log as receiver_log
from wallet.receivers import receivers
from wallet.running import credentials
from wallet.running.pumps import WATCHED

GOOGLE_SETTINGS = {"WALLET_GOOGLE_CREDENTIALS", "WALLET_GOOGLE_ISSUER"}
OF_PHONES = {"WALLET_APPLE_CERTS", "WALLET_DATABASE_URL"}
MAIL_SETTINGS = {"WALLET_SMTP_URL", "WALLET_MAIL_FROM"}
CONNECT_S = 3  # for a server to answer
COMPLAINTS_SHOWN = 5
LEAST_FREE_MB = 200
REMIND_OF_KEYS = timedelta(days=14)


PHONES_LEFT = (
    f"WALLET_APPLE_CERTS: is {WITHOUT_APPLE}, but Apple devices hold cards ({{}}), and without"
    " certificates they would hear of no change any more. Name the folder with the certificates"
    " again; Apple issues new ones for the same pass type."
)

Mark = Literal["good", "bad", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is good or bad, or a note that asks for nothing."""

    verdict: Mark
    sentence: str


def examine(
    settings: Settings, refused: Sequence[SettingsError], clock: Clock
) -> Iterator[Finding]:
    """Finding after finding, the cheap ones first. `refused`: the settings that are wrong; what
    depends on them is not looked at."""
    known = {problem.name for problem in refused}
    yield from _mode(settings, known)
    yield from _preparations(settings, refused, clock())
    yield from _wallets(settings, known)
    if not known & MAIL_SETTINGS:
        yield _mail_server(settings)
    if not settings.in_sandbox and "WALLET_PUBLIC_URL" not in known:
        yield _seen_from_outside(settings.public_url)
    yield from _services(settings, known, clock())


def obstacles(settings: Settings, refused: Sequence[SettingsError], clock: Clock) -> list[str]:
    """Why this installation must not start: one sentence for each thing to put right.

    A database or broker that does not answer is no reason by itself, since it may come back; but
    where there is a reason, they are named too, so that the operator hears of everything at
    once."""
    known = {problem.name for problem in refused}
    problems = (*refused, *credentials.unfit(settings, known, clock()))
    reasons = [_said(problem) for problem in problems]
    if settings.apple_certs is None and known.isdisjoint(OF_PHONES):
        reasons += _phones_left(settings)
    if not reasons:
        return []
    services = (one for one in _services(settings, known, clock()) if one.verdict == "bad")
    return list(dict.fromkeys([*reasons, *(finding.sentence for finding in services)]))


def _wallets(settings: Settings, known: set[str]) -> Iterator[Finding]:
    """Whether the vendors of wallets that are set up can be reached."""
    if settings.apple_certs is not None:
        yield _reachable("Apple's push service", settings.apns_url)
    elif "WALLET_APPLE_CERTS" not in known:
        yield Finding("note", credentials.without_apple(settings))
    if (google := credentials.google_of(settings)) is not None:
        yield _reachable("Google's API", google.api_url)
    elif not known & GOOGLE_SETTINGS:
        others = "" if settings.apple_certs is None else ": cards are offered for Apple alone"
        yield Finding("note", f"Google Wallet is not set up{others}.")


def _phones_left(settings: Settings) -> list[str]:
    """That phones hold cards from before, if they do: without certificates they would go on showing
    what they show. A database that does not answer may come back, and is no reason."""
    database = Database(settings.ledger)
    try:
        if _is_missing_file(database):
            return []
        with database.reading() as session:
            phones = devices.number_registered(session)
    except DBAPIError:
        return []
    finally:
        database.close()
    return [PHONES_LEFT.format(phones)] if phones else []


def _mode(settings: Settings, known: Collection[str]) -> Iterator[Finding]:
    if settings.in_sandbox:
        yield Finding("note", "Sandbox: real phones refuse the cards. See README, Going live.")
        yield Finding("note", f"API key and secrets: {settings.data / SANDBOX_ENV}")
    else:
        where = "" if "WALLET_PUBLIC_URL" in known else f" at {settings.public_url}"
        yield Finding("note", f"Production{where}.")
        if settings.proxy_hops == 0:
            yield Finding(
                "note",
                "WALLET_PROXY_HOPS is 0: right only if phones reach this process directly. Behind a"
                " proxy all customers count as one address.",
            )


def _preparations(
    settings: Settings, refused: Sequence[SettingsError], now: datetime
) -> Iterator[Finding]:
    """Settings, certificates and keys: what must be right before anything starts."""
    known = {problem.name for problem in refused}
    for problem in (*refused, *credentials.unfit(settings, known, now)):
        yield Finding("bad", _said(problem))
    if "WALLET_APPLE_CERTS" not in known:
        yield from _certificates(settings, now)
    if settings.apns_key is not None and settings.apple_certs is not None:
        yield Finding(
            "note",
            f"Pushes show tokens of the key {settings.apns_key.key_id}, not the certificate.",
        )


def _said(problem: Refusal) -> str:
    return problem.named() if isinstance(problem, CertificateProblem) else str(problem)


def _certificates(settings: Settings, now: datetime) -> Iterator[Finding]:
    if settings.apple_certs is None:
        return  # `_wallets` says so
    try:
        certificates = Certificates.find(settings.apple_certs, now)
    except CertificateProblem:
        return  # `unfit` has said so
    waning = {signer.fingerprint: words for signer, words in certificates.reminders(now)}
    for signer in certificates.every:
        if not settings.in_sandbox and signer.issued_by != "Apple":
            continue  # `unfit` has said so
        used = certificates.signing(signer.pass_type, now)
        if signer.fingerprint not in (used.fingerprint, *waning):
            yield Finding(
                "note",
                f"Another certificate of {signer.pass_type} in {signer.folder}, valid from"
                f" {signer.not_before:%F} to {signer.not_after:%F}.",
            )
            continue
        reminder = waning.get(signer.fingerprint)
        yield Finding(
            "bad" if reminder else "good",
            f"Certificate of {signer.pass_type} (team {signer.team}, issued by"
            f" {signer.issued_by}):"
            f" {signer.days_left(now)} days left{f'; {reminder}' if reminder else ''}.",
        )


def _mail_server(settings: Settings) -> Finding:
    """Whether letters to the staff can leave."""
    mail = settings.mail
    if mail is None:
        return Finding(
            "note",
            "No mail server is set up (WALLET_SMTP_URL): links to the console are handed over by"
            " whoever makes them.",
        )
    try:
        with MailServer(mail):
            return Finding("good", f"The mail server {mail.host}:{mail.port} lets us in.")
    except NotTaken as refused:
        return Finding(
            "bad",
            f"The mail server {mail.host}:{mail.port} does not let us in ({refused.why}): letters"
            " to the staff wait, and are tried again.",
        )


def _seen_from_outside(public_url: str) -> Finding:
    """Ask for our public address as a phone does: by name, by TLS, through the proxy in front of
    us."""
    url = f"{public_url}/healthz"
    try:
        status = requests.get(url, timeout=CONNECT_S, allow_redirects=False).status_code
    except requests.exceptions.SSLError as error:
        return Finding(
            "bad",
            f"{public_url} shows a TLS certificate that phones do not trust: {_tls_reason(error)}."
            " Have one issued by a public authority, and let the proxy send its whole chain.",
        )
    except requests.RequestException as error:
        return Finding(
            "note",
            f"{public_url} cannot be reached from this machine ({type(error).__name__}). Look from"
            " outside: phones must be able to.",
        )
    if status != HTTPStatus.OK:
        return Finding(
            "bad",
            f"{url} answers {status}, not 200. Does the proxy lead to `wallet web`, and is it"
            " running?",
        )
    return Finding("good", f"{public_url} answers, and its TLS certificate is trusted.")


def _tls_reason(error: Exception) -> str:
    """OpenSSL's own words, without what is wrapped around them."""
    words = re.search(r"certificate verify failed: ([^(]+)", str(error))
    return words[1].strip() if words else "the handshake fails"


def _services(settings: Settings, known: Collection[str], now: datetime) -> Iterator[Finding]:
    if "WALLET_DATABASE_URL" not in known:
        database = Database(settings.ledger)
        try:
            yield from _database(database, settings, now)
        finally:
            database.close()
    if "WALLET_BROKER_URL" not in known:
        yield _broker(settings)


def _database(database: Database, settings: Settings, now: datetime) -> Iterator[Finding]:
    engine = database.engine
    where = engine.url.render_as_string(hide_password=True)
    if _is_missing_file(database):
        yield Finding("bad", f"Database {where} is not there yet: run `wallet migrate`.")
        return
    try:
        current = migrations.is_current(engine)
    except DBAPIError as error:
        yield Finding(
            "bad",
            f"Database {where} does not answer. {troubles.why(error)} Look at WALLET_DATABASE_URL.",
        )
        return
    if not current:
        yield Finding("bad", f"Database {where} is not up to date: run `wallet migrate`.")
        return
    yield Finding("good", f"Database {where} answers and is up to date.")
    yield from _room(database)
    with database.reading() as session:
        yield from _work(session, settings, now)
        phones = devices.number_registered(session)
        if phones and settings.apple_certs is None:
            yield Finding("bad", PHONES_LEFT.format(phones))
        else:
            yield Finding("note", f"Apple devices that hold cards: {phones}.")
        if settings.secret_keys:
            ring = KeyRing(settings.secret_keys)
            yield from _keys(session, ring)
            yield from _sealed_secrets(session, ring)
        yield from _ending_keys(session, now)
        yield from _receivers(session, now)
        for complaint in complaints.newest(session, COMPLAINTS_SHOWN):
            yield Finding(
                "note", f"A phone complained at {complaint.received_at:%F %T}: {complaint.line}"
            )
        yield from _push_faults(session)
        yield from _ledger(session, now)


def _is_missing_file(database: Database) -> bool:
    file = database.engine.url.database
    return bool(database.is_sqlite and file and not Path(file).exists())


def _room(database: Database) -> Iterator[Finding]:
    """Whether writes are taken, and for how long there is room for them."""
    try:
        database.try_writing()
    except DBAPIError as error:
        yield Finding("bad", f"The database takes no writes. {troubles.why(error)}")
    free = database.free_bytes()
    if free is not None:
        megabytes = free // 1_000_000
        if megabytes < LEAST_FREE_MB:
            yield Finding(
                "bad",
                f"Disk of the database: only {megabytes} MB are free. When it is full, everything"
                " that changes something is refused until there is room.",
            )
        else:
            yield Finding("good", f"Disk of the database: {megabytes} MB are free.")


WAITS = {
    "events": "Events that wait to be carried on",
    "pushes": "Pushes that wait",
    "google": "Changes that wait for Google",
    "letters": "Letters to the staff that wait",
    "codes": "Codes that wait to be sent to people who look for their card, or spend without it",
}


def _work(session: Session, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Who is at work, who is missing, and for how long work has waited."""
    found = presence.look(session, WATCHED, now, presence.patience(settings.beat_s))
    if settings.embedded:
        start_worker = start_beat = start_both = "`wallet run`, or `wallet web`, which does both"
    else:
        start_worker, start_beat = "`wallet worker`", "`wallet beat`"
        start_both = "`wallet worker` and `wallet beat`"
    if found.beat_is_missing and found.worker_is_missing:
        seen = [at for at in (found.beat_at, found.worker_at) if at is not None]
        if seen:
            who = f"Neither a worker nor the beat was seen for {presence.said(now - max(seen))}"
        else:
            who = "Neither a worker nor the beat has ever been at work here"
        verdict: Mark = "bad" if found.overdue else "note"
        why = ", and work waits" if found.overdue else ", and nothing has waited for them"
        yield Finding(verdict, f"{who}{why}. Start {start_both}.")
    elif found.beat_is_missing:
        ago = "ever" if found.beat_at is None else f"for {presence.said(now - found.beat_at)}"
        yield Finding(
            "bad",
            f"The beat was not seen {ago}: what time alone brings is not done. Start {start_beat}.",
        )
    if not found.beat_is_missing or not found.worker_is_missing:
        unworked = found.unworked or tuple(one.queue for one in found.overdue)
        if unworked:
            yield Finding(
                "bad",
                f"No worker works the queues {', '.join(unworked)}. Start {start_worker}, or name"
                " them in its --queues.",
            )
        elif not found.beat_is_missing:
            yield Finding("good", "The beat is at work, and so are the workers of all queues.")
    for one in found.waiting:
        oldest = ""
        if one.due_since is not None:
            oldest = f", the oldest for {presence.said(one.due_for(now))}"
        yield Finding("note", f"{WAITS[one.what]}: {one.number}{oldest}.")


def _push_faults(session: Session) -> Iterator[Finding]:
    """Pass types of which no push gets through until an operator looks."""
    for topic in judging.faults(session):
        since = f"since {topic.fault_since:%F %T}"
        look = "Look at WALLET_APNS_URL, and at the certificate or key that pushes show."
        if topic.is_suspected:
            said = (
                f"Apple calls push tokens of {topic.pass_type} bad that it accepted before"
                f" ({topic.fault}, {since}). No phone is forgotten, and pushes wait."
            )
        elif topic.fault in DOUBTS:
            said = (
                f"Apple has accepted no push of {topic.pass_type} yet, and calls push tokens bad"
                f" ({topic.fault}, {since}). No phone is forgotten."
            )
        else:
            said = f"Apple turns away the pushes of {topic.pass_type} ({topic.fault}, {since})."
        yield Finding("bad", f"{said} {look}")


def _keys(session: Session, ring: KeyRing) -> Iterator[Finding]:
    """What still needs the older keys of the ring, and what keys are missing from it."""
    cards, phones = issued.by_key(session), devices.by_key(session)
    for key_id in sorted({*cards, *phones, *(key.id for key in ring)} - {ring.first.id}):
        needed = f"{cards.get(key_id, 0)} cards and {phones.get(key_id, 0)} Apple devices"
        if key_id not in ring:
            yield Finding(
                "bad",
                f"The key {key_id} is not in WALLET_SECRET_KEY, and {needed} need it: they hear of"
                " no change. Put it behind the others there.",
            )
        elif key_id in cards or key_id in phones:
            yield Finding(
                "note",
                f"The older key {key_id} of WALLET_SECRET_KEY is needed by {needed}. Devices come"
                " to the first key by themselves, cards when they are issued anew.",
            )
        else:
            yield Finding(
                "note",
                f"The older key {key_id} of WALLET_SECRET_KEY is needed by no card and no device."
                " Backups and codes may need it: docs/operating.md, Secrets.",
            )


def _sealed_secrets(session: Session, ring: KeyRing) -> Iterator[Finding]:
    """Secrets of others that lie here sealed, and that no key of the ring can open."""
    for name in sources.unreadable(session, ring):
        yield Finding(
            "bad",
            f"A secret of the webhook source {name} was sealed by a key that is not in"
            f" WALLET_SECRET_KEY: put the key back, or `wallet sources rotate {name}`.",
        )
    for name in receivers.unreadable(session, ring):
        yield Finding(
            "bad",
            f"A secret of the receiver {name} was sealed by a key that is not in WALLET_SECRET_KEY,"
            f" and it is told nothing: put the key back, or `wallet receivers rotate {name}` and"
            f" `retire {name}`.",
        )
    for email in second_factors.unreadable(session, ring):
        yield Finding(
            "bad",
            f"The second factor of {email} was sealed by a key that is not in WALLET_SECRET_KEY,"
            " and their codes are refused: put the key back, or `wallet staff reset"
            f" {email} --without-second-factor`.",
        )


def _ending_keys(session: Session, now: datetime) -> Iterator[Finding]:
    """API keys whose integrations will soon be refused."""
    for key in apikeys.listed(session):
        ends_at = key.expires_at
        if ends_at is not None and key.is_live(now) and ends_at - now < REMIND_OF_KEYS:
            yield Finding(
                "note",
                f"The API key of {key.name} is accepted until {ends_at - timedelta.resolution:%F}."
                " Give its integration a new one before.",
            )


def _receivers(session: Session, now: datetime) -> Iterator[Finding]:
    """Whether those who are told what happens take it."""
    oldest = session.scalar(select(func.min(HappeningRow.happened_at)))
    if oldest is not None and now - oldest > sealing.TOO_LONG:
        yield Finding(
            "bad",
            f"What happened since {oldest:%F %T} waits to be told to receivers: does a worker run"
            " with the queue `events`, and the beat?",
        )
    given_up = receiver_log.given_up(session)
    for one in receivers.every(session):
        if one.disabled_because == receivers.GONE:
            yield Finding(
                "bad",
                f"Receiver {one.name} answered 410 Gone and is switched off; `wallet receivers"
                f" switch {one.name} on` when it is back.",
            )
        elif one.disabled_because == receivers.RESTORED:
            yield Finding(
                "note",
                f"Receiver {one.name} is off since a backup was restored; if this is no copy:"
                f" `wallet receivers switch {one.name} on`.",
            )
        elif one.enabled and one.paused_until > now:
            yield Finding(
                "bad",
                f"Receiver {one.name} has failed since {one.failing_since:%F %T} and is left alone"
                f" until {one.paused_until:%F %T}: `wallet receivers attempts {one.name}`.",
            )
        elif one.enabled:
            yield Finding("good", f"Receiver {one.name} is told up to event {one.position}.")
        if one.id in given_up:
            yield Finding(
                "bad",
                f"Receiver {one.name}: {given_up[one.id]} events were given up; `wallet receivers"
                f" replay {one.name} --given-up` sends them once more.",
            )


def _ledger(session: Session, now: datetime) -> Iterator[Finding]:
    """What the last nightly inspection found, and whether postings get their seals."""
    last = inspection.last(session)
    if last is None:
        yield Finding("note", "The ledger was not inspected yet: the worker does so every night.")
    elif last.findings:
        for sentence in last.findings:
            yield Finding("bad", f"Ledger, inspected {last.ended_at:%F %T}: {sentence}")
    else:
        yield Finding("good", f"Ledger, inspected {last.ended_at:%F %T}: all rules and seals hold.")
    waiting = sealing.oldest_unsealed(session)
    if waiting is not None and now - waiting > sealing.TOO_LONG:
        yield Finding(
            "bad",
            f"Postings wait for their seals since {waiting:%F %T}: does a worker run with the queue"
            " `seals`, and the beat?",
        )


def _broker(settings: Settings) -> Finding:
    if settings.embedded:
        return Finding("good", "Broker: none needed, the web process does the work (memory://).")
    name = urlsplit(settings.broker_url).hostname
    try:
        with Connection(settings.broker_url, connect_timeout=CONNECT_S) as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_S)
    except Exception as error:
        return Finding(
            "bad",
            f"Broker at {name} does not answer ({type(error).__name__}). Look at"
            " WALLET_BROKER_URL, and whether the server runs.",
        )
    return Finding("good", f"Broker at {name} answers.")


def _reachable(what: str, url: str) -> Finding:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 443)
    try:
        with socket.create_connection(address, CONNECT_S):
            return Finding("good", f"{what} at {address[0]} can be reached.")
    except OSError as error:
        return Finding(
            "bad", f"{what} at {address[0]}:{address[1]} cannot be reached: {error.strerror}."
        )
