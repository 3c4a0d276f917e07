"""Receivers: systems that are told what happens, each at its own address and with its own secrets.

Several secrets are live while one replaces another; each event is signed with all of them. Secrets
lie in the database sealed by the key ring. What is changed of receivers is noted in the record of
changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, String, delete, func, null, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.engine import wake_after_commit
from ledger.database.tables import EPOCH, Base, Identifier, Instant, JsonDocument, insert_or
from wallet import happenings
from wallet.access import changes, sources
from wallet.access.changes import Author, ChangedThing, RecordedFacts
from wallet.access.grants import Doer
from wallet.access.rights import may_give
from wallet.configuration.keyring import KeyRing
from wallet.errors import ReceiverRefused, ScopeMissing, UnknownReceiver
from wallet.receivers import log, types
from wallet.receivers.addresses import LONGEST_URL, Allowed

MOST_RECEIVERS = 100
MOST_SECRETS = 5  # live at a time, of one receiver
LONGEST_NAME = 60  # characters
GONE, RESTORED = "gone", "restored"
PERSONAL = "personal:read"


class Receiver(Base):
    """Who is told. `programme_id` null: what happens in all programmes; `types` null: events of all
    types. `personal`: it is told what is known of people.

    Up to `position` it has been told, but for what stands in `wallet_event_undelivered`. A worker
    has the receiver until `lease_until`. `failures` counts failed attempts since the last success;
    after many of them nothing is sent until `paused_until`. `disabled_because` is our own word for
    why it was switched off; null: an operator did it."""

    __tablename__ = "wallet_receiver"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_programme.id"))
    types: Mapped[list[Any] | None] = mapped_column(JsonDocument)
    personal: Mapped[bool] = mapped_column(Boolean)
    enabled: Mapped[bool] = mapped_column(Boolean)
    disabled_because: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Instant)
    position: Mapped[int]
    lease_until: Mapped[datetime] = mapped_column(Instant)
    paused_until: Mapped[datetime] = mapped_column(Instant)
    failures: Mapped[int]
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    succeeded_at: Mapped[datetime | None] = mapped_column(Instant)


class ReceiverSecret(Base):
    """A live secret, sealed by the key ring."""

    __tablename__ = "wallet_receiver_secret"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    receiver_id: Mapped[int] = mapped_column(
        ForeignKey("wallet_receiver.id", ondelete="CASCADE"), index=True
    )
    sealed: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class ReceiverTerms:
    """What a receiver is made of; see `Receiver`. `types` may name groups."""

    name: str
    url: str
    programme_id: int | None = None
    types: Sequence[str] | None = None
    personal: bool = False


def add(
    session: Session, keys: KeyRing, allowed: Allowed, terms: ReceiverTerms, by: Doer, now: datetime
) -> tuple[Receiver, str]:
    """Add a receiver, which is told what happens from now on, and return it with its first secret.
    Raises `ReceiverRefused` for a name, address or type that does not fit, and `ScopeMissing` for a
    doer who may not see what it would be told."""
    _require_may_tell(by, terms)
    _check(allowed, terms.name, terms.url, terms.types)
    if (session.scalar(select(func.count()).select_from(Receiver)) or 0) >= MOST_RECEIVERS:
        raise ReceiverRefused("there are {most} receivers already.", most=MOST_RECEIVERS)
    receiver_id = session.execute(
        insert_or(session, Receiver)
        .values(
            public_id=str(uuid7()),
            name=terms.name,
            url=terms.url,
            programme_id=terms.programme_id,
            types=null() if terms.types is None else list(terms.types),
            personal=terms.personal,
            enabled=True,
            created_at=now,
            position=0,
            lease_until=EPOCH,
            paused_until=EPOCH,
            failures=0,
        )
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(Receiver.id)
    ).scalar_one_or_none()
    if receiver_id is None:
        raise ReceiverRefused("there is a receiver '{name}' already.", name=terms.name)
    secret = _add_secret(session, keys, receiver_id, now)
    receiver = session.get_one(Receiver, receiver_id)
    _begin_to_listen(session, receiver, now)
    _note(session, by.author, "receiver.added", receiver, now, {}, changes.facts(receiver))
    return receiver, secret


def change(
    session: Session,
    allowed: Allowed,
    public_id: str,
    wanted: Mapping[str, Any],
    by: Doer,
    now: datetime,
) -> Receiver:
    """Change a receiver; `wanted` by the names of `ReceiverTerms`, and `enabled`. One that is
    switched on again is told what happens from then on; `replay` gives it what came before. Raises
    `UnknownReceiver`, `ReceiverRefused`, and `ScopeMissing` as `add`."""
    receiver = locked(session, public_id)
    before = changes.facts(receiver)
    terms = {name: wanted.get(name, getattr(receiver, name)) for name in ("name", "url", "types")}
    _check(allowed, **terms)
    if terms["name"] != receiver.name and _is_taken(session, terms["name"]):
        raise ReceiverRefused("there is a receiver '{name}' already.", name=terms["name"])
    was_enabled = receiver.enabled
    for name, value in wanted.items():
        setattr(receiver, name, value)
    _require_may_tell(by, receiver)
    if wanted.get("enabled"):
        receiver.disabled_because = None
        if not was_enabled:
            _begin_to_listen(session, receiver, now)
    _try_now(session, receiver)
    session.flush()
    listen_or_not(session)
    _note(session, by.author, "receiver.changed", receiver, now, before, changes.facts(receiver))
    return receiver


def remove(session: Session, public_id: str, by: Author, now: datetime) -> None:
    """Remove a receiver and all that was kept of it. Raises `UnknownReceiver`."""
    receiver = locked(session, public_id)
    _note(session, by, "receiver.removed", receiver, now, changes.facts(receiver), {})
    log.forget_receiver(session, receiver.id)
    session.execute(delete(ReceiverSecret).where(ReceiverSecret.receiver_id == receiver.id))
    session.execute(delete(Receiver).where(Receiver.id == receiver.id))
    listen_or_not(session)


def rotate(session: Session, keys: KeyRing, public_id: str, by: Author, now: datetime) -> str:
    """Add a secret and return it; events are signed with it and with the older ones until `retire`.
    Raises `UnknownReceiver`, `ReceiverRefused` if it has `MOST_SECRETS` already."""
    receiver = locked(session, public_id)
    live = select(func.count()).where(ReceiverSecret.receiver_id == receiver.id)
    if (session.scalar(live) or 0) >= MOST_SECRETS:
        raise ReceiverRefused(
            "{most} secrets are live; retire the old ones first.", most=MOST_SECRETS
        )
    _note(session, by, "receiver.secret_added", receiver, now)
    return _add_secret(session, keys, receiver.id, now)


def retire(session: Session, public_id: str, by: Author, now: datetime) -> int:
    """Delete all secrets but the newest; returns how many were deleted. Raises
    `UnknownReceiver`."""
    receiver = locked(session, public_id)
    newest = select(func.max(ReceiverSecret.id)).where(ReceiverSecret.receiver_id == receiver.id)
    retired = session.execute(
        delete(ReceiverSecret)
        .where(
            ReceiverSecret.receiver_id == receiver.id,
            ReceiverSecret.id != newest.scalar_subquery(),
        )
        .returning(ReceiverSecret.id)
    ).all()
    if retired:
        _note(session, by, "receiver.secrets_retired", receiver, now)
    return len(retired)


def secrets_of(session: Session, keys: KeyRing, receiver_id: int) -> tuple[str, ...]:
    """The live secrets, the newest first."""
    found = session.scalars(
        select(ReceiverSecret.sealed)
        .where(ReceiverSecret.receiver_id == receiver_id)
        .order_by(ReceiverSecret.id.desc())
    )
    return tuple(keys.unseal(sealed) for sealed in found)


def unreadable(session: Session, keys: KeyRing) -> Sequence[str]:
    """The names of receivers with a secret that no key of the ring sealed: nothing can be signed
    for them."""
    found = session.execute(
        select(Receiver.name, ReceiverSecret.sealed)
        .join(ReceiverSecret, ReceiverSecret.receiver_id == Receiver.id)
        .order_by(Receiver.id)
    )
    return list(dict.fromkeys(row.name for row in found if not keys.can_unseal(row.sealed)))


def secrets_since(session: Session, receiver_id: int) -> Sequence[datetime]:
    """When the live secrets were made, oldest first."""
    return session.scalars(
        select(ReceiverSecret.created_at)
        .where(ReceiverSecret.receiver_id == receiver_id)
        .order_by(ReceiverSecret.id)
    ).all()


def number_of_secrets(session: Session, receiver_id: int) -> int:
    """How many secrets are live."""
    return session.scalars(
        select(func.count()).where(ReceiverSecret.receiver_id == receiver_id)
    ).one()


def test(session: Session, public_id: str, now: datetime) -> int:
    """Send an event of the type `receiver.tested` to this receiver alone, at once, and return its
    id. Raises `UnknownReceiver`, `ReceiverRefused` if it is switched off."""
    receiver = locked(session, public_id)
    if not receiver.enabled:
        raise ReceiverRefused("'{name}' is switched off.", name=receiver.name)
    event_id = log.write_test(session, receiver.id, receiver.programme_id, now)
    log.send_again(session, receiver.id, event_id, now)
    _try_now(session, receiver)
    return event_id


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be sent once more, under the same ids: everything from the event `since` on, one
    `event` of whatever type, or all that was `given_up`. Exactly one of them."""

    since: int | None = None
    event: int | None = None
    given_up: bool = False


def replay(session: Session, public_id: str, wanted: Replay, by: Author, now: datetime) -> Receiver:
    """Send events once more. Raises `UnknownReceiver`, `UnknownEvent`."""
    receiver = locked(session, public_id)
    if wanted.since is not None:
        receiver.position = min(receiver.position, wanted.since - 1)
    elif wanted.event is not None:
        log.require(session, receiver.id, receiver.programme_id, wanted.event)
        log.send_again(session, receiver.id, wanted.event, now)
    else:
        log.send_given_up_again(session, receiver.id, now)
    _try_now(session, receiver)
    asked = {"since": wanted.since, "event": wanted.event, "given_up": wanted.given_up or None}
    _note(session, by, "receiver.replayed", receiver, now, {}, asked)
    return receiver


def find(session: Session, public_id: str) -> Receiver:
    """The receiver of this id. Raises `UnknownReceiver`."""
    found = session.scalar(select(Receiver).where(Receiver.public_id == public_id))
    if found is None:
        raise UnknownReceiver
    return found


def locked(session: Session, public_id: str) -> Receiver:
    """The receiver of this id, held until the end of the transaction. Raises `UnknownReceiver`."""
    # Before the receiver: who gives ids to events has this lock, and takes no other.
    log.lock(session)
    found = session.scalar(
        select(Receiver)
        .where(Receiver.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownReceiver
    return found


def named(session: Session, name: str) -> Receiver:
    """The receiver of this name. Raises `UnknownReceiver`."""
    found = session.scalar(select(Receiver).where(Receiver.name == name))
    if found is None:
        raise UnknownReceiver
    return found


def listed(
    session: Session, programme_id: int | None, after_id: int, limit: int
) -> Sequence[Receiver]:
    """Receivers, oldest first; with `programme_id`, those that hear of this programme alone."""
    query = select(Receiver).where(Receiver.id > after_id).order_by(Receiver.id).limit(limit)
    if programme_id is not None:
        query = query.where(Receiver.programme_id == programme_id)
    return session.scalars(query).all()


def every(session: Session) -> Sequence[Receiver]:
    """All receivers, oldest first."""
    return session.scalars(select(Receiver).order_by(Receiver.id)).all()


def listen_or_not(session: Session) -> None:
    """Note whether anybody listens, after receivers have changed."""
    log.listen(session, on=_any_enabled(session))


def rest(session: Session) -> None:
    """After a backup was restored: end all leases, whose workers do not exist any more, and switch
    every receiver off. Perhaps this is a copy to try things with, and what happens here must not
    reach the systems of the shop; an operator knows."""
    session.execute(update(Receiver).values(lease_until=EPOCH))
    session.execute(
        update(Receiver).where(Receiver.enabled).values(enabled=False, disabled_because=RESTORED)
    )
    listen_or_not(session)


def resting(session: Session) -> Sequence[str]:
    """The names of receivers that are off since a backup was restored."""
    return session.scalars(
        select(Receiver.name).where(Receiver.disabled_because == RESTORED).order_by(Receiver.id)
    ).all()


def _require_may_tell(by: Doer, terms: ReceiverTerms | Receiver) -> None:
    """Raises `ScopeMissing` for who would have a receiver told what they may not see themselves:
    its address is theirs to choose."""
    if terms.personal and not may_give(by.actors, {PERSONAL}, terms.programme_id):
        raise ScopeMissing(PERSONAL)


def _note(
    session: Session,
    by: Author,
    code: str,
    receiver: Receiver,
    now: datetime,
    before: RecordedFacts | None = None,
    after: RecordedFacts | None = None,
) -> None:
    of = ChangedThing("receiver", receiver.public_id, receiver.programme_id)
    changes.note(session, by, code, of, now, before, after)


def _begin_to_listen(session: Session, receiver: Receiver, now: datetime) -> None:
    """From here on the receiver is told. If it is the first to listen, the log begins here too."""
    receiver.position = log.begin(session, now)


def _try_now(session: Session, receiver: Receiver) -> None:
    """End a pause. What a worker is sending at this moment is not counted as told: it knew nothing
    of the change."""
    receiver.paused_until = EPOCH
    receiver.lease_until = EPOCH
    wake_after_commit(session, happenings.PUMP)


def _any_enabled(session: Session) -> bool:
    return session.scalar(select(Receiver.id).where(Receiver.enabled).limit(1)) is not None


def _add_secret(session: Session, keys: KeyRing, receiver_id: int, now: datetime) -> str:
    secret = sources.new_secret()
    session.add(ReceiverSecret(receiver_id=receiver_id, sealed=keys.seal(secret), created_at=now))
    session.flush()
    return secret


def _is_taken(session: Session, name: str) -> bool:
    return session.scalar(select(Receiver.id).where(Receiver.name == name)) is not None


def _check(allowed: Allowed, name: str, url: str, types: Sequence[str] | None) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ReceiverRefused(
            "a name has from 1 to {most} printable characters.", most=LONGEST_NAME
        )
    objection = allowed.objection(url)
    if objection is not None:
        raise ReceiverRefused(objection)
    _check_types(types)


def _check_types(asked: Sequence[str] | None) -> None:
    if asked is not None and not asked:
        raise ReceiverRefused("name at least one type, or leave types out for all.")
    wrong = types.unknown(asked or ())
    if wrong:
        raise ReceiverRefused(
            "there is no type {unknown}; types are {known}.",
            unknown=", ".join(wrong),
            known=", ".join((*types.GROUPS, *types.TYPES)),
        )
