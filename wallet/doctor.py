"""What an operator wants to know before, and when, something does not work: in plain words."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from kombu import Connection
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ledger.outbox import OutboxRow
from wallet import migrations
from wallet.apple import complaints
from wallet.apple.devices import Device, PushRow
from wallet.google.copies import DueRow
from wallet.installation import Installation
from wallet.settings import SANDBOX_ENV, Settings

WARN_DAYS = 30
CONNECT_S = 3
COMPLAINTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Good, bad, or a note: only to know."""

    verdict: Literal["good", "bad", "note"]
    sentence: str


def examine(installation: Installation) -> Iterator[Finding]:
    """Finding after finding, the cheap ones first."""
    settings = installation.settings
    yield from _mode(settings)
    now = installation.clock()
    for signer in installation.signers.values():
        days = signer.days_left(now)
        issuer = "the sandbox" if signer.is_sandbox else "Apple"
        yield Finding(
            "good" if days > WARN_DAYS else "bad",
            f"Certificate of {signer.pass_type} (team {signer.team}, issued by {issuer}):"
            f" {days} days left.",
        )
    yield _reachable("Apple's push service", settings.apns_url)
    if installation.google is None:
        yield Finding("note", "Google Wallet is not set up: cards are offered for Apple alone.")
    else:
        yield _reachable("Google's API", installation.google.settings.api_url)
    yield from _database(installation)
    yield _broker(settings)


def _mode(settings: Settings) -> Iterator[Finding]:
    if settings.in_sandbox:
        yield Finding("note", "Sandbox: real phones refuse the cards. See README, Going live.")
        yield Finding("note", f"API key and secrets: {settings.data / SANDBOX_ENV}")
    else:
        yield Finding("good", f"Production at {settings.public_url}.")
        if settings.proxy_hops == 0:
            yield Finding(
                "note",
                "WALLET_PROXY_HOPS is 0: right only if phones reach this process directly. Behind a"
                " proxy all customers count as one address.",
            )


def _database(installation: Installation) -> Iterator[Finding]:
    engine = installation.database.engine
    where = engine.url.render_as_string(hide_password=True)
    try:
        current = migrations.is_current(engine)
    except SQLAlchemyError as error:
        yield Finding("bad", f"Database {where} does not answer: {type(error).__name__}.")
        return
    if not current:
        yield Finding("bad", f"Database {where} is not up to date: run `wallet migrate`.")
        return
    yield Finding("good", f"Database {where} answers and is up to date.")
    with installation.database.reading() as session:
        yield _count(session, OutboxRow, "events wait to be carried on")
        yield _count(session, PushRow, "pushes wait")
        yield _count(session, DueRow, "changes wait for Google")
        yield _count(session, Device, "registrations of Apple devices")
        for complaint in complaints.newest(session, COMPLAINTS_SHOWN):
            yield Finding(
                "note", f"A phone complained at {complaint.received_at:%F %T}: {complaint.line}"
            )


def _count(
    session: Session, table: type[OutboxRow | PushRow | DueRow | Device], what: str
) -> Finding:
    number = session.scalar(select(func.count()).select_from(table))
    return Finding("note", f"{number} {what}.")


def _broker(settings: Settings) -> Finding:
    if settings.embedded:
        return Finding("good", "Broker: none needed, the web process does the work (memory://).")
    name = urlsplit(settings.broker_url).hostname
    try:
        with Connection(settings.broker_url, connect_timeout=CONNECT_S) as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_S)
    except Exception as error:
        return Finding("bad", f"Broker at {name} does not answer: {type(error).__name__}.")
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
