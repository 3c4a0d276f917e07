"""API keys: which scopes they have, in which programme, until when. A key is shown once and kept as
its hash; it can be revoked."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import ForeignKey, String, bindparam, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import troubles
from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, insert_or
from wallet.access import tokens
from wallet.access.changes import Author
from wallet.access.rights import ALL, Actor
from wallet.errors import ApiKeyRefused

# The rights that a key can have; `*` stands for all. The catalogue says in words what each of them
# allows (context `scope`).
SCOPES = (
    "programmes:read",
    "members:read",
    "personal:read",
    "members:write",
    "points:write",
    "offers:read",
    "offers:write",
    "campaigns:read",
    "campaigns:write",
    "passes:read",
    "passes:write",
    "coupons:use",
    "imports:write",
    "programmes:write",
    "codes:keys",
    "scans:write",
    "receivers:read",
    "receivers:write",
    "exports:read",
    "changes:read",
    "stores:read",
    "stores:write",
    "catalogue:read",
    "catalogue:write",
    "promotions:read",
    "promotions:write",
    "receipts:read",
    "receipts:write",
)
PREFIX = "kopilka_"
NOTED_EVERY = timedelta(hours=1)  # each request would otherwise write
LONGEST_NAME = 60  # characters
TRUSTED_FOR = timedelta(seconds=1)  # a key that was looked up, by requests that only read
MOST_SEEN = 1000  # keys that one process remembers

log = structlog.get_logger()

# Why a key is refused: it is none of ours or was revoked; its time is over.
NotRecognised = Literal["key_unknown", "key_expired"]


class ApiKey(Base):
    """A key as the database has it, by its `digest`; the key itself is stored nowhere. A key with a
    programme is for that one; without, for all. From `expires_at` on it is refused; null: never. A
    key that was revoked or has ended keeps its name, so no later key can take it. `used_at`: its
    last request, to the hour; null: none so far."""

    __tablename__ = "wallet_api_key"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_programme.id"))
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    def is_live(self, now: datetime) -> bool:
        """Whether the key is accepted."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def issue(
    session: Session,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    programme_id: int | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it; it cannot be read again. With `programme_id` it is for that
    programme alone, with `expires_at` until then. Raises `ApiKeyRefused` for an unknown scope or
    none, an end that is over, a name that does not fit, or a name that a key has or had."""
    unknown = sorted(set(scopes) - set(SCOPES) - {ALL})
    if unknown or not scopes:
        known = {"known": ", ".join(SCOPES), "all": ALL}
        if not scopes:
            raise ApiKeyRefused("name its scopes: {known}, or {all} for all.", **known)
        raise ApiKeyRefused(
            "there is no scope {unknown}; scopes are {known}, or {all} for all.",
            unknown=", ".join(unknown),
            **known,
        )
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ApiKeyRefused("a name has from 1 to {most} printable characters.", most=LONGEST_NAME)
    if expires_at is not None and expires_at <= now:
        raise ApiKeyRefused("its last day is over already.")
    key = PREFIX + tokens.new()
    added = session.execute(
        insert_or(session, ApiKey)
        .values(
            name=name,
            digest=tokens.digest(key),
            scopes=sorted(set(scopes)),
            created_at=now,
            programme_id=programme_id,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
        .returning(ApiKey.id)
    ).first()
    if added is None:
        raise ApiKeyRefused("there is a key '{name}' already, live or revoked.", name=name)
    return key


def revoke(session: Session, name: str, now: datetime) -> None:
    """Refuse this key from now on. Raises `ApiKeyRefused` if no live key has the name."""
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.name == name, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.id)
    ).first()
    if revoked is None:
        raise ApiKeyRefused("there is no live key '{name}'.", name=name)


def named(session: Session, name: str) -> ApiKey:
    """The key of this name, live or not. Raises `ApiKeyRefused` if there is none."""
    found = session.scalar(select(ApiKey).where(ApiKey.name == name))
    if found is None:
        raise ApiKeyRefused("there is no live key '{name}'.", name=name)
    return found


def listed(session: Session) -> Sequence[ApiKey]:
    """All keys, live or not, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


# Of keys that were not revoked.
_LIVE = Compiled(
    select(ApiKey.id, ApiKey.scopes, ApiKey.programme_id, ApiKey.expires_at, ApiKey.used_at).where(
        ApiKey.digest == bindparam("digest"), ApiKey.revoked_at.is_(None)
    )
)


class KnownKeys:
    """Whose the keys are that requests come with, for one process. `environment_key` is
    WALLET_API_KEY: it has all scopes in all programmes, never ends, and stands in no table.

    To look up a key is a good part of what a list costs, and who reads lists asks again at once. So
    a request that only reads goes by what this process saw within the second; whatever changes
    something is looked up each time."""

    def __init__(self, database: Database, environment_key: str) -> None:
        self._database = database
        self._environment_key = environment_key.encode()
        self._seen: dict[str, tuple[Any, datetime]] = {}  # by digest: the key's row, and when

    def recognise(self, key: str, now: datetime, *, only_reads: bool) -> Actor | NotRecognised:
        """Whose key this is, or why it is nobody's. A revoked one is refused at once where the
        request changes something, elsewhere a second later."""
        if hmac.compare_digest(key.encode(), self._environment_key):
            return Actor("environment", frozenset({ALL}))
        digest = tokens.digest(key)
        lately = self._seen_lately(digest, now) if only_reads else None
        row = lately or self._looked_up(digest, now)
        if row is None:
            return "key_unknown"
        if row.expires_at is not None and row.expires_at <= now:
            return "key_expired"
        if lately is None and (row.used_at is None or row.used_at <= now - NOTED_EVERY):
            self._note_use(row.id, now)
        return Actor(str(row.id), frozenset(row.scopes), row.programme_id)

    def _seen_lately(self, digest: str, now: datetime) -> Any | None:
        row, seen_at = self._seen.get(digest, (None, now))
        return row if seen_at <= now < seen_at + TRUSTED_FOR else None

    def _looked_up(self, digest: str, now: datetime) -> Any | None:
        rows = self._database.fetch(_LIVE, digest=digest)
        if not rows:
            self._seen.pop(digest, None)
            return None
        if len(self._seen) >= MOST_SEEN:
            self._seen = {}
        self._seen[digest] = (rows[0], now)
        return rows[0]

    def _note_use(self, key_id: int, now: datetime) -> None:
        """Note that the key is in use. Where nothing can be written, the request goes on
        without."""
        try:
            with self._database.transaction() as session:
                session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=now))
        except DBAPIError as error:
            trouble = troubles.found_in(error)
            if trouble is None:
                raise
            log.warning("key_use_not_noted", key=key_id, trouble=trouble)


def author(session: Session, actor: Actor) -> Author:
    """The actor as the author of a change, by the name that operators gave the key."""
    if not actor.name.isdigit():
        return Author("environment", "WALLET_API_KEY")
    return Author("key", session.get_one(ApiKey, int(actor.name)).name)
