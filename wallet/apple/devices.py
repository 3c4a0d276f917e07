"""Devices, registrations, and the pushes that wait for them.

A device is a pair of device library identifier and pass type, since its push token belongs to the
topic. Neither of the two identifies a phone: one phone may use a new identifier for every pass, and
several identifiers may have one token (Apple developer forum, thread 130425). Both are secrets, and
lie in the database encrypted (`device_secrets`).

Lock order: device, registration, pass, and pushes last, by (device, pass). Only who takes another
device's place on a full pass locks that device after the pass; should PostgreSQL end the
transaction for it, it is repeated."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple

import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database, wake_after_commit
from ledger.database.leases import Beside, LeasedQueue, LeasedRow
from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.people.members import Member
from ledger.reports import tallies
from wallet import happenings
from wallet.apple.device_secrets import LONGEST_ENCRYPTED, DeviceSecrets
from wallet.configuration.keyring import KEY_ID_BYTES, KeyRing, Undecipherable
from wallet.errors import TooManyDevices
from wallet.happenings import Note
from wallet.passes import issued, versioning
from wallet.passes.issued import Pass

PUSH = "apple"

log = structlog.get_logger()


class Device(Base):
    """A phone or watch, as far as one pass type goes. `library_id` is Apple's device library
    identifier, encrypted, as the push token is; `refreshed_at` is when it last sent its push token.
    `accepted_at` is since when this token is known to be good: Apple accepted a push for it.
    `doubted_at` is when Apple first called it bad after that."""

    __tablename__ = "apple_device"
    __table_args__ = (
        UniqueConstraint("library_id", "pass_type"),
        Index(
            "ix_apple_device_doubted",
            "pass_type",
            "doubted_at",
            postgresql_where=text("doubted_at IS NOT NULL"),
            sqlite_where=text("doubted_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    library_id: Mapped[bytes] = mapped_column(LargeBinary(LONGEST_ENCRYPTED))
    pass_type: Mapped[str] = mapped_column(String(155))
    push_token: Mapped[bytes] = mapped_column(LargeBinary(LONGEST_ENCRYPTED))
    refreshed_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    doubted_at: Mapped[datetime | None] = mapped_column(Instant)


class Registration(Base):
    """This device wants to be told of changes of this pass."""

    __tablename__ = "apple_registration"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("apple_device.id", ondelete="CASCADE"), primary_key=True
    )
    pass_id: Mapped[int] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


class PushRow(LeasedRow, Base):
    """One waiting push for a device and a pass."""

    __tablename__ = "apple_push"
    __table_args__ = (Index("ix_apple_push_due", "due_at"),)

    device_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    last_reason: Mapped[str | None] = mapped_column(String(100))


class DuePush(NamedTuple):
    """A claimed push. Pushes sort in the order of locks. They come by the hundred thousand, and a
    tuple is the cheapest value that has names. Identifier and token are as they lie in the
    database: they are read when the push is sent, and not before. `is_proven`: Apple accepted the
    token before; `is_doubted`: it called it bad since."""

    device_id: int
    pass_id: int
    generation: int
    attempts: int
    library_id: bytes
    push_token: bytes
    pass_type: str
    is_proven: bool
    is_doubted: bool
    lease_until: datetime


# What a pass has in life: an iPhone, a watch, an iPad, an old phone in a drawer, and the same of a
# family that shares the card. Whoever holds a card can register devices, also invented ones.
MOST_DEVICES = 20
# With more than so many, Apple is asked at once which of them are real.
UNASKED_DEVICES = 3

# A claim takes one of the newest pushes for each four of the oldest: a member at a till shall not
# wait until all others have heard of an offer.
NEWEST_SHARE = 4

PUSHES = LeasedQueue(
    PushRow,
    DuePush,
    beside=Beside(
        "apple_device",
        "device_id",
        (
            "library_id",
            "push_token",
            "pass_type",
            "accepted_at IS NOT NULL",
            "doubted_at IS NOT NULL",
        ),
    ),
    newest_share=NEWEST_SHARE,
    unless="EXISTS (SELECT 1 FROM apple_device"
    " WHERE id = waiting.device_id AND pass_type {passed_over})",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """Serial numbers of passes that changed, and the tag that the phone sends next time."""

    serials: list[str]
    last_updated: int


def register(
    session: Session, keys: KeyRing, pass_: Pass, library_id: str, token: str, now: datetime
) -> bool:
    """Note that the device wants to be told of changes of the pass. True if the registration is
    new. Raises `TooManyDevices`.

    A different token replaces the old one even if the registration is known, and nothing is known
    of it yet. A phone sends several of these requests at once, so the unique keys decide both
    writes."""
    secrets = DeviceSecrets(keys)
    encrypted_id, *older_forms = secrets.library_ids(library_id, pass_.pass_type)
    if older_forms:
        _renew_keys(session, secrets, Device.library_id.in_(older_forms), now)
    push_token = secrets.push_token(token, encrypted_id)
    known = session.scalar(
        select(Device.push_token).where(
            Device.library_id == encrypted_id, Device.pass_type == pass_.pass_type
        )
    )
    device_id = session.execute(
        insert_or(session, Device)
        .values(
            library_id=encrypted_id,
            pass_type=pass_.pass_type,
            push_token=push_token,
            refreshed_at=now,
        )
        .on_conflict_do_update(
            index_elements=["library_id", "pass_type"],
            set_={
                "push_token": push_token,
                "refreshed_at": now,
                "accepted_at": case((Device.push_token == push_token, Device.accepted_at)),
                "doubted_at": None,
            },
        )
        .returning(Device.id)
    ).scalar_one()
    fresh = session.execute(
        insert_or(session, Registration)
        .values(device_id=device_id, pass_id=pass_.id, created_at=now)
        .on_conflict_do_nothing()
        .returning(Registration.pass_id)
    ).first()
    known_version = pass_.version
    if fresh is not None:
        _keep_bound(session, pass_.id, device_id, now)
        _tell(session, "card.added", [pass_.id], now, phones=1)
    session.refresh(pass_)
    if fresh is not None and pass_.version > 1:
        # The pass may have changed between its download and this moment, while the phone has a
        # later tag already, from another card. With a fresh tag the pass is listed for certain.
        versioning.move_tags(session, [pass_.id])
    if pass_.version != known_version or (fresh is not None and pass_.voided):
        # It changed at this very moment, or somebody puts a void pass into a phone again.
        make_due(session, [pass_.id], now)
    if known is not None and known != push_token:
        _push_anew(session, device_id, now)
    return fresh is not None


def _keep_bound(session: Session, pass_id: int, device_id: int, now: datetime) -> None:
    """The pass has one more device. If it has too many now, one goes that Apple has never accepted
    a push for: first what Apple calls bad, then the latest comer, so that nobody pushes out phones
    that were there before. A phone that is known to be good never goes. Raises `TooManyDevices` if
    all others are."""
    # Two phones that register at once wait for each other here, and the second sees the first.
    session.execute(select(Pass.id).where(Pass.id == pass_id).with_for_update(key_share=True))
    others = session.execute(
        select(Device.id, Device.accepted_at, Device.doubted_at)
        .join(Registration, Registration.device_id == Device.id)
        .where(Registration.pass_id == pass_id, Device.id != device_id)
        .order_by(Device.doubted_at.is_(None), Registration.created_at.desc(), Device.id.desc())
    ).all()
    if len(others) >= MOST_DEVICES:
        unproven = [other.id for other in others if other.accepted_at is None]
        excess = len(others) - MOST_DEVICES + 1
        if len(unproven) < excess:
            raise TooManyDevices(MOST_DEVICES)
        for other in unproven[:excess]:
            _end(session, other, pass_id)
        log.warning("apple_devices_displaced", pass_id=pass_id, devices=excess)
    if len(others) >= UNASKED_DEVICES:
        unproven_here = (
            select(Registration.device_id, Registration.pass_id)
            .join(Device, Device.id == Registration.device_id)
            .where(Registration.pass_id == pass_id, Device.accepted_at.is_(None))
            .order_by(Registration.device_id)
        )
        PUSHES.make_due(session, unproven_here, now)
        wake_after_commit(session, PUSH)


def unregister(
    session: Session, keys: KeyRing, pass_: Pass, library_id: str, now: datetime
) -> None:
    """The device does not want to be told of the pass any more. It does no harm if it never did."""
    forms = DeviceSecrets(keys).library_ids(library_id, pass_.pass_type)
    device_ids = session.scalars(
        select(Device.id)
        .where(Device.library_id.in_(forms), Device.pass_type == pass_.pass_type)
        .order_by(Device.id)
    ).all()
    ended = [_end(session, device_id, pass_.id) for device_id in device_ids]
    if any(ended):
        _tell(session, "card.removed", [pass_.id], now, phones=0)


def told_it_is_void(session: Session, pass_id: int, now: datetime) -> None:
    """The last version of a void pass was fetched. If one phone alone is registered for the pass,
    its registration ends. If there are several, it is unknown which of them fetched it, and all
    stay."""
    registered = _phones(session, pass_id)
    if len(registered) == 1 and _end(session, registered[0], pass_id):
        _tally(session, "card_removed", _with_phones(session, [pass_id], 0), now)


def forget_untold(session: Session, until: datetime, now: datetime, limit: int) -> int:
    """End registrations older than `until` of passes that are void for good since then: their
    members were erased, or they were lost. Returns how many there were, `limit` at most."""
    rows = session.execute(
        select(Registration.device_id, Registration.pass_id)
        .join(Pass, Pass.id == Registration.pass_id)
        .join(Member, Member.id == Pass.member_id)
        .where(
            or_(Member.erased_at <= until, Pass.lost_at <= until),
            Registration.created_at <= until,
        )
        .order_by(Registration.device_id, Registration.pass_id)
        .limit(limit)
    ).all()
    ended = {pass_id for device_id, pass_id in rows if _end(session, device_id, pass_id)}
    _tally(session, "card_removed", _with_phones(session, sorted(ended), 0), now)
    return len(rows)


@cache
def _updated(names: tuple[str, ...]) -> Compiled:
    """The query of `updated`; `names` are those of the forms of the identifier."""
    return Compiled(
        select(Pass.serial, Pass.tag)
        .join(Registration, Registration.pass_id == Pass.id)
        .join(Device, Device.id == Registration.device_id)
        .where(
            Device.library_id.in_([bindparam(name, type_=LargeBinary) for name in names]),
            Device.pass_type == bindparam("pass_type"),
            or_(
                Pass.tag > bindparam("since", type_=BigInteger),
                bindparam("since", type_=BigInteger)
                > versioning.newest_tag(bindparam("pass_type")),
            ),
        )
        .order_by(Pass.tag)
    )


def updated(
    database: Database, keys: KeyRing, library_id: str, pass_type: str, since: int | None
) -> Listing | None:
    """Passes of this device that changed after tag `since`, or all of them without a tag. None if
    there are none.

    A tag that is newer than every tag we gave (a database restored from a backup) counts as
    none."""
    known = -1 if since is None else since
    forms = DeviceSecrets(keys).library_ids(library_id, pass_type)
    named = {f"library_id_{number}": form for number, form in enumerate(forms)}
    rows = database.fetch(_updated(tuple(named)), pass_type=pass_type, since=known, **named)
    serials = dict.fromkeys(row.serial for row in rows)
    return Listing(list(serials), rows[-1].tag) if rows else None


def make_due(session: Session, pass_ids: Sequence[int], now: datetime) -> None:
    """Tell every device that is registered for one of these passes."""
    wanted = (
        select(Registration.device_id, Registration.pass_id)
        .where(Registration.pass_id.in_(pass_ids))
        .order_by(Registration.device_id, Registration.pass_id)
    )
    PUSHES.make_due(session, wanted, now)
    wake_after_commit(session, PUSH)


def _push_anew(session: Session, device_id: int, now: datetime) -> None:
    """The device has a new token: pushes that wait for it, or are on their way to the old token, go
    to the new one."""
    PUSHES.make_due_again(session, PushRow.device_id == device_id, now)
    wake_after_commit(session, PUSH)


def claim(
    session: Session,
    paused: Collection[str],
    now: datetime,
    limit: int,
    lease: timedelta,
) -> list[DuePush]:
    """Due pushes, leased to the caller. Pushes of the pass types in `paused` are passed over."""
    pushes = PUSHES.claim(session, now, limit, lease, paused)
    claimed = [push for push in pushes if push.push_token is not None]
    if len(claimed) < len(pushes):
        # Pushes without a token: their devices were forgotten while the pushes were made due.
        PUSHES.remove(session, [push for push in pushes if push.push_token is None])
    return claimed


def forget(session: Session, device_id: int, push_token: bytes, gone_at: datetime) -> Sequence[int]:
    """The token, which is encrypted, is dead since `gone_at`. The device is deleted with all its
    registrations, unless it has registered again since then or has another token. Returns the ids
    of the passes that it had."""
    held = session.scalars(
        select(Registration.pass_id).where(Registration.device_id == device_id)
    ).all()
    gone = session.execute(
        delete(Device)
        .where(
            Device.id == device_id,
            Device.push_token == push_token,
            Device.refreshed_at <= gone_at,
        )
        .returning(Device.id)
    ).first()
    if gone is None:
        return []
    session.execute(delete(PushRow).where(PushRow.device_id == device_id))
    _tell(session, "card.removed", held, gone_at, phones=0)
    return held


def number_with(session: Session, pass_id: int) -> int:
    """On how many devices the pass is registered."""
    counted = select(func.count()).where(Registration.pass_id == pass_id)
    return session.scalars(counted).one()


def number_registered(session: Session) -> int:
    """How many devices there are, each with at least one pass."""
    return session.scalars(select(func.count()).select_from(Device)).one()


def by_key(session: Session) -> Mapping[str, int]:
    """How many devices need which key: the ids of keys, sorted, also of those that the ring does
    not have. It reads the whole table. Those of a schema before 0023, of which a backup is made,
    need none."""
    key_id = func.substr(Device.library_id, 1, KEY_ID_BYTES)
    rows = session.execute(select(key_id, func.count()).group_by(key_id).order_by(key_id)).all()
    return {id_.hex(): number for id_, number in rows if isinstance(id_, bytes)}


def renew_keys(session: Session, keys: KeyRing, now: datetime, limit: int = 200) -> bool:
    """Encrypt with the first key of the ring what is encrypted with another one of it: `limit`
    devices. True if there may be more."""
    secrets = DeviceSecrets(keys)
    for first, last in secrets.older():
        found = Device.library_id.between(first, last)
        if renewed := _renew_keys(session, secrets, found, now, limit):
            return renewed == limit
    return False


def _renew_keys(
    session: Session,
    secrets: DeviceSecrets,
    which: ColumnElement[bool],
    now: datetime,
    limit: int | None = None,
) -> int:
    """Encrypt identifier and token of these devices with the first key of the ring; with a `limit`
    only of so many that nobody else has locked. Returns how many they were. What cannot be read
    stays as it is."""
    devices = session.scalars(
        select(Device)
        .where(which)
        .order_by(Device.library_id)
        .limit(limit)
        .with_for_update(skip_locked=limit is not None)
        .execution_options(populate_existing=True)
    ).all()
    renewed = 0
    for device in devices:
        try:
            plain = secrets.read(device.library_id, device.push_token, device.pass_type)
        except Undecipherable:
            log.error("device_unreadable", device=device.id)
            continue
        library_id, push_token = secrets.encrypted(*plain, device.pass_type)
        other = session.scalar(
            select(Device)
            .where(Device.library_id == library_id, Device.pass_type == device.pass_type)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if other is not None:
            # A process that did not have the older key yet, or any more, met this phone.
            push_token = _take_over(session, device, other, push_token, now)
        device.library_id, device.push_token = library_id, push_token
        session.flush()
        renewed += 1
    return renewed


def _take_over(
    session: Session, device: Device, other: Device, push_token: bytes, now: datetime
) -> bytes:
    """Give the device what `other`, a second row of the same phone, has, and delete that row.
    Returns the later one of their tokens."""
    if other.refreshed_at > device.refreshed_at:
        push_token = other.push_token
        device.refreshed_at = other.refreshed_at
        device.accepted_at, device.doubted_at = other.accepted_at, other.doubted_at
    device_id = literal(device.id, Identifier)
    session.execute(
        insert_or(session, Registration)
        .from_select(
            ["device_id", "pass_id", "created_at"],
            select(device_id, Registration.pass_id, Registration.created_at)
            .where(Registration.device_id == other.id)
            .order_by(Registration.pass_id),
        )
        .on_conflict_do_nothing()
    )
    waiting = (
        select(device_id, PushRow.pass_id)
        .where(PushRow.device_id == other.id)
        .order_by(PushRow.pass_id)
    )
    PUSHES.make_due(session, waiting, now)
    wake_after_commit(session, PUSH)
    session.execute(delete(PushRow).where(PushRow.device_id == other.id))
    session.execute(delete(Device).where(Device.id == other.id))
    return push_token


def _end(session: Session, device_id: int, pass_id: int) -> bool:
    """End a registration, and delete the device if it was the last. True if there was one."""
    session.execute(select(Device.id).where(Device.id == device_id).with_for_update())
    ended = session.execute(
        delete(Registration)
        .where(Registration.device_id == device_id, Registration.pass_id == pass_id)
        .returning(Registration.pass_id)
    ).first()
    left = select(Registration.pass_id).where(Registration.device_id == device_id).limit(1)
    if session.execute(left).first() is None:
        session.execute(delete(Device).where(Device.id == device_id))
    session.execute(
        delete(PushRow).where(PushRow.device_id == device_id, PushRow.pass_id == pass_id)
    )
    return ended is not None


def _phones(session: Session, pass_id: int) -> Sequence[int]:
    """The devices that are registered for the pass, two at most."""
    return session.scalars(
        select(Registration.device_id).where(Registration.pass_id == pass_id).limit(2)
    ).all()


def _tell(
    session: Session,
    what: Literal["card.added", "card.removed"],
    pass_ids: Sequence[int],
    now: datetime,
    *,
    phones: int,
) -> None:
    """Note that these cards came to Apple Wallet, or left it: those that so many phones have now. A
    second phone of the same person, or a watch, is no news."""
    news = _with_phones(session, pass_ids, phones)
    _tally(session, "card_added" if phones else "card_removed", news, now)
    notes = [Note(None, {"pass": pass_id, "wallet": "apple"}) for pass_id in news]
    happenings.note(session, what, notes, now)


def _with_phones(session: Session, pass_ids: Sequence[int], phones: int) -> list[int]:
    """Those of these passes that so many phones have now: 0 or 1. The passes stay locked, so that
    of two phones that come or go at once, one sees the other."""
    if not pass_ids:
        return []
    session.execute(
        select(Pass.id)
        .where(Pass.id.in_(pass_ids))
        .order_by(Pass.id)
        .with_for_update(key_share=True)
    )
    return [pass_id for pass_id in pass_ids if len(_phones(session, pass_id)) == phones]


def _tally(
    session: Session,
    figure: Literal["card_added", "card_removed"],
    pass_ids: Sequence[int],
    now: datetime,
) -> None:
    if pass_ids:
        cards = issued.programmes_of(session, pass_ids, cards_only=True)
        tallies.note(session, figure, PUSH, tallies.counted(cards.values()), now)
