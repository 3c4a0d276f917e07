"""Sources: systems that post balance changes by signed webhook. Each is bound to one programme and
speaks one kind of message; several secrets are live while one replaces another. What is changed of
sources is noted in the record of changes."""

import base64
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.access.rights import Actor
from wallet.configuration.keyring import KeyRing
from wallet.errors import SourceRefused

# What sources send; `wallet.api.sources` has a reader for each.
KINDS = ("generic", "1c")
CONTEXT = "kind of source"  # in which the catalogue names them
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

MOST_SECRETS = 5  # live at a time, of one source

log = structlog.get_logger()


class Source(Base):
    """A system that may post changes of points in one programme. `kind` says which messages it
    sends: one of `KINDS`."""

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
    by: Author,
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
    of = ChangedThing("source", name, programme_id)
    changes.note(session, by, "source.added", of, now, {}, {"kind": kind})


def rotate(session: Session, keys: KeyRing, name: str, by: Author, now: datetime) -> str:
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
    _note(session, by, "source.secret_added", source, now)
    return secret


def retire(session: Session, name: str, by: Author, now: datetime) -> int:
    """Delete all secrets of a source but the newest; returns how many were deleted. Raises
    `SourceRefused` if there is no such source."""
    source = _named(session, name)
    newest, *older = reversed(_sealed(session, source.id))
    session.execute(
        delete(SourceSecret).where(
            SourceSecret.source_id == source.id, SourceSecret.id != newest.id
        )
    )
    if older:
        _note(session, by, "source.secrets_retired", source, now)
    return len(older)


def remove(session: Session, name: str, by: Author, now: datetime) -> None:
    """Forget a source and its secrets: what it sends from now on is refused. What it did stays, and
    so do the ids of its messages: a source that is added under the same name later is taken for the
    same system. Raises `SourceRefused` if there is no such source."""
    source = _named(session, name)
    of = ChangedThing("source", name, source.programme_id)
    changes.note(session, by, "source.removed", of, now, changes.facts(source), {})
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


def listed(session: Session, programme_id: int | None = None) -> Sequence[Source]:
    """All sources, or those of a programme, oldest first."""
    query = select(Source).order_by(Source.id)
    if programme_id is not None:
        query = query.where(Source.programme_id == programme_id)
    return session.scalars(query).all()


def secrets_since(session: Session, source_ids: Collection[int]) -> Mapping[int, list[datetime]]:
    """When the live secrets of these sources were made, by source, oldest first."""
    found: dict[int, list[datetime]] = {one: [] for one in source_ids}
    rows = session.execute(
        select(SourceSecret.source_id, SourceSecret.created_at)
        .where(SourceSecret.source_id.in_(source_ids))
        .order_by(SourceSecret.id)
    )
    for source_id, created_at in rows:
        found[source_id].append(created_at)
    return found


def unreadable(session: Session, keys: KeyRing) -> Sequence[str]:
    """The names of sources with a secret that no key of the ring sealed: what is signed by it is
    refused."""
    found = session.execute(
        select(Source.name, SourceSecret.sealed)
        .join(SourceSecret, SourceSecret.source_id == Source.id)
        .order_by(Source.id)
    )
    return list(dict.fromkeys(row.name for row in found if not keys.can_unseal(row.sealed)))


def _note(session: Session, by: Author, code: str, source: Source, now: datetime) -> None:
    of = ChangedThing("source", source.name, source.programme_id)
    changes.note(session, by, code, of, now)


def _named(session: Session, name: str) -> Source:
    """The source of this name, locked: who counts its secrets counts alone."""
    source = session.scalar(select(Source).where(Source.name == name).with_for_update())
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
