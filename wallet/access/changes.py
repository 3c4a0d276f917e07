"""The record of changes: who changed a setting, or what is known of a member, when, and what it was
before. A change is noted in its own transaction, so there is none without its line and no line
without its change. Postings are not repeated here: the book is their record.

Secrets are never in it. What is known of a person lies apart (`PersonalChange`) and goes with the
person; the line keeps a salted hash of it, so the chain (`change_chain`) stays whole without."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import words
from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    JsonDocument,
    only_where,
    placed,
)
from ledger.limits import NEVER
from ledger.programmes.programmes import Programme
from ledger.seals import hashes
from ledger.seals.hashes import HASH_BYTES
from ledger.seals.sealing import SALT_BYTES

AuthorKind = Literal["key", "environment", "source", "command", "employee", "member"]
ThingKind = Literal[
    "badge",
    "campaign",
    "card_code",
    "category",
    "design",
    "employee",
    "export",
    "import",
    "key",
    "member",
    "message",
    "offer",
    "pass",
    "product",
    "programme",
    "promotion",
    "receiver",
    "segment",
    "source",
    "store",
    "till",
    "unit",
    "wave",
]

RecordedFacts = Mapping[str, Any]

# Which columns of a table are settings, or what is known of somebody. What is left out keeps
# account of work, or is a secret.
RECORDED: Mapping[str, tuple[str, ...]] = {
    "ledger_offer": ("titles", "texts", "audience", "starts_at", "ends_at", "withdrawn_at"),
    "ledger_person": ("name", "phone", "email", "birthday", "locale", "external_id"),
    "ledger_programme": (
        "name",
        "locale",
        "languages",
        "timezone",
        "country",
        "grace_days",
        "overdrawn",
        "spend_by_phone",
        "listed",
        "keeps_personal",
        "called",
        "asks",
        "trade",
        "skipped",
        "adjust_limit",
    ),
    "ledger_segment": ("tree",),
    "ledger_store": ("name", "group", "timezone", "closed"),
    "ledger_till": ("name", "closed"),
    "ledger_unit": ("kind", "scale", "currency", "main", "live_days"),
    "outreach_campaign": (
        "name",
        "texts",
        "audience",
        "quiet_from",
        "quiet_until",
        "cap_messages",
        "cap_days",
        "holdout_percent",
        "purpose",
        "consent",
        "gift",
        "gift_live_days",
        "gift_expires_at",
        "state",
        "starts_at",
    ),
    "outreach_message_terms": (
        "is_on",
        "texts",
        "days",
        "gift",
        "gift_live_days",
        "from_hour",
        "until_hour",
        "consent",
        "holdout_percent",
    ),
    "wallet_api_key": ("scopes", "expires_at", "revoked_at"),
    "wallet_pass": ("state", "ends_at", "used_at", "used_by"),
    "wallet_receiver": ("name", "url", "types", "personal", "enabled"),
    "wallet_source": ("kind",),
    "wallet_wave": ("state",),
    "wallet_counter_limits": ("purchases", "same_cashier", "amount"),
}

LONGEST_NAME = 254  # characters of who did it, and of what it is called: an address of e-mail fits
LONGEST_TEXT = 500  # characters; of longer texts the record has the beginning

# What may be said of a member in the line itself. Everything else goes with the person.
OF_NO_PERSON = frozenset(
    {
        "adjustment",
        "audience",
        "ends_at",
        "head",
        "into",
        "points",
        "starts_at",
        "state",
        "unconfirmed",
        "withdrawn_at",
        "written_off",
    }
)


class RecordedChange(Base):
    """One change. `of_kind` and `of_id` name what was changed, by its code, name or public id.
    `member_id`: the member whom it is about. `fields`: what differs, each as `[before, after]`.
    `personal_hash` stands for the part of them that lies apart. `number` and `hash` are its place
    in the chain; null while it waits for one."""

    __tablename__ = "wallet_change"
    __table_args__ = (
        Index("ix_wallet_change_listed", "at", "id"),
        Index("ix_wallet_change_programme", "programme_id", "at", "id"),
        Index("ix_wallet_change_kind", "of_kind", "at", "id"),
        Index("ix_wallet_change_of", "of_id", "at", "id"),
        Index("ix_wallet_change_author", "author_name", "at", "id"),
        Index("ix_wallet_change_waiting", "id", **only_where("number IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    author_kind: Mapped[AuthorKind] = mapped_column(String(12))
    author_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_programme.id"))
    code: Mapped[str] = mapped_column(String(40))
    of_kind: Mapped[ThingKind] = mapped_column(String(12))
    of_id: Mapped[str] = mapped_column(String(LONGEST_NAME))
    member_id: Mapped[int | None]
    fields: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    personal_hash: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))
    number: Mapped[int | None] = mapped_column(unique=True)
    hash: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))


class PersonalChange(Base):
    """The part of a change that says something of a person; deleted when they are erased."""

    __tablename__ = "wallet_change_personal"

    change_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("wallet_change.id"), primary_key=True, autoincrement=False
    )
    member_id: Mapped[int] = mapped_column(index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES))
    fields: Mapped[dict[str, Any]] = mapped_column(JsonDocument)


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change: an API key by its name, the key of the environment, a source of webhooks,
    a command of the operator, one of the staff, or the member whom it is about, on their own
    pages."""

    kind: AuthorKind
    name: str

    @property
    def said(self) -> str:
        """The author in a few English words."""
        if self.kind == "command":
            return self.name
        return (
            "key of the environment" if self.kind == "environment" else f"{self.kind} {self.name}"
        )


@dataclass(frozen=True, slots=True)
class ChangedThing:
    """What was changed: of which kind, and what it is called. `member_id`: whom it is about."""

    kind: ThingKind
    id: str
    programme_id: int | None = None
    member_id: int | None = None


def facts(row: Base | None) -> RecordedFacts:
    """What the record tells of this row; nothing of a row that is not there."""
    if row is None:
        return {}
    return {name: getattr(row, name) for name in RECORDED[row.__tablename__]}


def held(session: Session, row: Base | None) -> RecordedFacts:
    """The facts of a row that is going to be changed, read under its lock: otherwise another
    transaction might change meanwhile what we say was before."""
    if row is None:
        return {}
    key = inspect(type(row)).primary_key_from_instance(row)
    lock = {"key_share": True}
    return facts(session.get(type(row), key, with_for_update=lock, populate_existing=True))


def reread(session: Session, row: Base) -> RecordedFacts:
    """The facts of a row after it was changed, by whatever statement."""
    session.flush()
    session.refresh(row)
    return facts(row)


def note(
    session: Session,
    author: Author,
    code: str,
    of: ChangedThing,
    now: datetime,
    before: RecordedFacts | None = None,
    after: RecordedFacts | None = None,
) -> None:
    """Note a change in its transaction. With facts before and after it is noted only if they
    differ; an empty mapping stands for what is not there. Without facts something was done, and
    the code says what."""
    differences = _differences(before or {}, after or {})
    if before is not None and after is not None and not differences:
        return
    personal = (
        {}
        if of.member_id is None
        else {name: both for name, both in differences.items() if name not in OF_NO_PERSON}
    )
    salt = secrets.token_bytes(SALT_BYTES)
    change_id = session.execute(
        insert(RecordedChange)
        .values(
            at=now,
            author_kind=author.kind,
            author_name=author.name,
            programme_id=of.programme_id,
            code=code,
            of_kind=of.kind,
            of_id=of.id,
            member_id=of.member_id,
            fields={name: both for name, both in differences.items() if name not in personal},
            personal_hash=personal_hash(salt, personal) if personal else None,
        )
        .returning(RecordedChange.id)
    ).scalar_one()
    if personal:
        session.execute(
            insert(PersonalChange).values(
                change_id=change_id, member_id=of.member_id, salt=salt, fields=personal
            )
        )


def personal_hash(salt: bytes, fields: RecordedFacts) -> bytes:
    """What stands in a line for its personal part. It tells nothing once the salt is deleted."""
    return hashlib.sha256(salt + hashes.canonical(fields)).digest()


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Delete what the record says of these members, who are erased in this transaction."""
    session.execute(delete(PersonalChange).where(PersonalChange.member_id.in_(member_ids)))


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes are wanted; what is None does not matter. `by` is the name of an author.
    `until` is the moment after the last. `but`: codes that are left out."""

    programme_id: int | None = None
    kind: ThingKind | None = None
    of: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    but: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedChange:
    """A change, the code of its programme, and its personal part if it has one still."""

    change: RecordedChange
    programme: str | None
    personal: dict[str, Any] | None


def listed(
    session: Session, wanted: ChangeFilter, before: tuple[datetime, int] | None, limit: int
) -> Sequence[ListedChange]:
    """The changes that fit, newest first, from before this moment and id."""
    query = (
        select(RecordedChange, Programme.code, PersonalChange.fields)
        .outerjoin(Programme, Programme.id == RecordedChange.programme_id)
        .outerjoin(PersonalChange, PersonalChange.change_id == RecordedChange.id)
        .order_by(RecordedChange.at.desc(), RecordedChange.id.desc())
        .limit(limit)
    )
    if wanted.programme_id is not None:
        query = query.where(RecordedChange.programme_id == wanted.programme_id)
    if wanted.kind is not None:
        query = query.where(RecordedChange.of_kind == wanted.kind)
    if wanted.of is not None:
        query = query.where(RecordedChange.of_id == wanted.of)
    if wanted.by is not None:
        query = query.where(RecordedChange.author_name == wanted.by)
    if wanted.since is not None:
        query = query.where(RecordedChange.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(RecordedChange.at < wanted.until)
    if wanted.but:
        query = query.where(RecordedChange.code.not_in(wanted.but))
    if before is not None:
        query = query.where(tuple_(RecordedChange.at, RecordedChange.id) < placed(*before))
    return [ListedChange(*row) for row in session.execute(query).all()]


def newest(session: Session, things: Sequence[ChangedThing]) -> int:
    """The last change of any of these things by now: whoever opens a form remembers it."""
    found = session.scalar(select(func.max(RecordedChange.id)).where(_is_one_of(things)))
    return found or 0


def since(
    session: Session, things: Sequence[ChangedThing], change_id: int
) -> Sequence[RecordedChange]:
    """The changes of these things after this one, the oldest first."""
    return session.scalars(
        select(RecordedChange)
        .where(_is_one_of(things), RecordedChange.id > change_id)
        .order_by(RecordedChange.id)
    ).all()


def _is_one_of(things: Sequence[ChangedThing]) -> ColumnElement[bool]:
    return or_(
        *(
            (RecordedChange.of_id == thing.id)
            & (RecordedChange.of_kind == thing.kind)
            & RecordedChange.programme_id.is_not_distinct_from(thing.programme_id)
            for thing in things
        )
    )


def _differences(before: RecordedFacts, after: RecordedFacts) -> dict[str, list[Any]]:
    """What differs, by name, before and after."""
    return {
        name: [_shown(name, before.get(name)), _shown(name, after.get(name))]
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def _shown(name: str, value: Any) -> Any:
    """A value as the record has it. Of an address only the host: what follows may be a secret."""
    if name == "url" and value is not None:
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value as JSON that both databases give back as it was."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…"
    if isinstance(value, datetime):
        return None if value == NEVER else words.timestamp(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence | frozenset | set):
        return [_plain(one) for one in value]
    return str(value)
