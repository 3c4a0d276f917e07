"""API keys: who may do what. A key is shown once and kept as its hash; it can be revoked."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, insert_or
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
)
ALL = "*"
PREFIX = "kopilka_"
LONGEST_NAME = 60  # characters


class ApiKey(Base):
    """A key as the database has it. `digest` is its SHA-256 in hexadecimal; the key itself is
    stored nowhere. A revoked key keeps its name, so no later key can take it."""

    __tablename__ = "wallet_api_key"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `name` keeps the idempotency keys of callers apart: it is the id of the
    API key, or `environment`."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key has this scope, or all of them (`*`)."""
        return ALL in self.scopes or scope in self.scopes


def issue(session: Session, name: str, scopes: Sequence[str], now: datetime) -> str:
    """Make a key and return it; it cannot be read again. Raises `ApiKeyRefused` for an unknown
    scope or none, a name that does not fit, or a name that a key has or had."""
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
    key = PREFIX + secrets.token_urlsafe(32)
    added = session.execute(
        insert_or(session, ApiKey)
        .values(name=name, digest=_digest(key), scopes=sorted(set(scopes)), created_at=now)
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


def listed(session: Session) -> Sequence[ApiKey]:
    """All keys, live and revoked, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


_LIVE = Compiled(
    select(ApiKey.id, ApiKey.scopes).where(
        ApiKey.digest == bindparam("digest"), ApiKey.revoked_at.is_(None)
    )
)


def recognise(database: Database, key: str, environment_key: str) -> Caller | None:
    """The caller whose key this is; None for a key that is unknown or revoked. `environment_key` is
    WALLET_API_KEY: it has all scopes and stands in no table."""
    if hmac.compare_digest(key.encode(), environment_key.encode()):
        return Caller("environment", frozenset({ALL}))
    rows = database.fetch(_LIVE, digest=_digest(key))
    return Caller(str(rows[0].id), frozenset(rows[0].scopes)) if rows else None


def _digest(key: str) -> str:
    """Keys are 256 random bits, so a plain hash cannot be turned back, and a slow hash would add
    nothing."""
    return hashlib.sha256(key.encode()).hexdigest()
