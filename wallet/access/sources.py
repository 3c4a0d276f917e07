"""Sources: systems that post balance changes by signed webhook. Each is bound to one programme and
speaks one kind of message; several secrets are live while one replaces another."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.access.rights import Actor
from wallet.configuration.keyring import KeyRing
from wallet.errors import SourceRefused

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

MOST_SECRETS = 5  # live at a time, of one source

log = structlog.get_logger()


class Source(Base):
    """A system that may post changes of points in one programme. `kind` says which messages it
    sends: a key of `wallet.api.sources.KINDS`."""

    __tablename__ = "wallet_source"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)


class SourceSecret(Base):
    """A live secret, sealed by the key ring."""

    __tablename__ = "wallet_source_secret"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("wallet_source.id"), index=True)
    sealed: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class BoundSource:
    """A source with all that is needed to check and read its messages. `secrets`: the live ones,
    unsealed."""

    name: str
    kind: str
    programme_id: int
    secrets: tuple[str, ...]

    @property
    def actor(self) -> Actor:
        """What the source may do: post changes of points in its own programme."""
        return Actor(f"source {self.name}", frozenset({"points:write"}), self.programme_id)


def new_secret() -> str:
    """A new secret in the form of Standard Webhooks: `whsec_` and 32 random bytes in Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def add(
    session: Session,
    keys: KeyRing,
    name: str,
    kind: str,
    programme_id: int,
    secret: str,
    now: datetime,
) -> None:
    """Add a source whose first secret is `secret`. Raises `SourceRefused` for a name that does not
    fit or is taken."""
    if not NAME.fullmatch(name):
        raise SourceRefused("a name has small Latin letters, digits and dashes, up to 40.")
    source_id = session.execute(
        insert_or(session, Source)
        .values(name=name, kind=kind, programme_id=programme_id, created_at=now)
        .on_conflict_do_nothing()
        .returning(Source.id)
    ).scalar_one_or_none()
    if source_id is None:
        raise SourceRefused("there is a source '{name}' already.", name=name)
    session.add(SourceSecret(source_id=source_id, sealed=keys.seal(secret), created_at=now))
    session.flush()


def rotate(session: Session, keys: KeyRing, name: str, now: datetime) -> str:
    """Add a secret to a source and return it; the older ones stay live until `retire`. Raises
    `SourceRefused` if there is no such source, or if it has `MOST_SECRETS` already."""
    source = _named(session, name)
    if len(_sealed(session, source.id)) >= MOST_SECRETS:
        raise SourceRefused(
            "{most} secrets are live; retire the old ones first.", most=MOST_SECRETS
        )
    secret = new_secret()
    session.add(SourceSecret(source_id=source.id, sealed=keys.seal(secret), created_at=now))
    session.flush()
    return secret


def retire(session: Session, name: str) -> int:
    """Delete all secrets of a source but the newest; returns how many were deleted. Raises
    `SourceRefused` if there is no such source."""
    source = _named(session, name)
    newest, *older = reversed(_sealed(session, source.id))
    session.execute(
        delete(SourceSecret).where(
            SourceSecret.source_id == source.id, SourceSecret.id != newest.id
        )
    )
    return len(older)


def remove(session: Session, name: str) -> None:
    """Forget a source and its secrets: what it sends from now on is refused. What it did stays, and
    so do the ids of its messages: a source that is added under the same name later is taken for the
    same system. Raises `SourceRefused` if there is no such source."""
    source = _named(session, name)
    session.execute(delete(SourceSecret).where(SourceSecret.source_id == source.id))
    session.execute(delete(Source).where(Source.id == source.id))


def bound(session: Session, keys: KeyRing, name: str) -> BoundSource | None:
    """The source of this name with its live secrets; None if there is none. A secret that was
    sealed by a key which the ring has no more is left out, and the log says so: the other secrets
    of the source, and other sources, go on."""
    source = session.scalar(select(Source).where(Source.name == name))
    if source is None:
        return None
    found = []
    for row in _sealed(session, source.id):
        try:
            found.append(keys.unseal(row.sealed))
        except InvalidToken:
            log.error("source_secret_unreadable", source=source.name, secret=row.id)
    return BoundSource(source.name, source.kind, source.programme_id, tuple(found))


def listed(session: Session) -> Sequence[Source]:
    """All sources, oldest first."""
    return session.scalars(select(Source).order_by(Source.id)).all()


def unreadable(session: Session, keys: KeyRing) -> Sequence[str]:
    """The names of sources with a secret that no key of the ring sealed: what is signed by it is
    refused."""
    found = session.execute(
        select(Source.name, SourceSecret.sealed)
        .join(SourceSecret, SourceSecret.source_id == Source.id)
        .order_by(Source.id)
    )
    return list(dict.fromkeys(row.name for row in found if not keys.can_unseal(row.sealed)))


def _named(session: Session, name: str) -> Source:
    source = session.scalar(select(Source).where(Source.name == name))
    if source is None:
        raise SourceRefused("there is no source '{name}'.", name=name)
    return source


def _sealed(session: Session, source_id: int) -> list[SourceSecret]:
    """The live secrets of a source, oldest first."""
    return list(
        session.scalars(
            select(SourceSecret)
            .where(SourceSecret.source_id == source_id)
            .order_by(SourceSecret.id)
        )
    )
