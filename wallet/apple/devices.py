"""Devices, registrations, and the pushes that wait for them.

A device is a pair of device library identifier and pass type, since its push token belongs to the
topic. Neither is unique alone: one phone may come with a new identifier for every pass, and several
identifiers may carry one token (Apple developer forum, thread 130425).

Lock order: device, registration, pass, and pushes last, by (device, pass)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    TextClause,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database, wake_after_commit
from ledger.database.index_only import by_index
from ledger.database.tables import EPOCH, Base, Identifier, Instant, dialect_of, insert_or
from ledger.people.members import Member
from wallet.passes import versioning
from wallet.passes.issued import Pass

PUSH = "apple"

NEWEST_SHARE = 4


class Device(Base):
    __tablename__ = "apple_device"
    __table_args__ = (UniqueConstraint("library_id", "pass_type"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    library_id: Mapped[str] = mapped_column(String(200))
    pass_type: Mapped[str] = mapped_column(String(155))
    push_token: Mapped[str] = mapped_column(String(200))
    refreshed_at: Mapped[datetime] = mapped_column(Instant)


class Registration(Base):
    """This device wants news of this pass."""

    __tablename__ = "apple_registration"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("apple_device.id", ondelete="CASCADE"), primary_key=True
    )
    pass_id: Mapped[int] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


class PushRow(Base):
    """One waiting push per device and pass. `generation` counts the changes merged into it, so that
    one that came while the push was on its way is not forgotten with it. No foreign keys: filling
    this table must never wait for a device."""

    __tablename__ = "apple_push"
    # Due pushes are found by an index that knows nothing of leases: taking one changes no index.
    __table_args__ = (Index("ix_apple_push_due", "due_at"),)

    device_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    due_at: Mapped[datetime] = mapped_column(Instant)
    lease_until: Mapped[datetime] = mapped_column(Instant)
    generation: Mapped[int]
    attempts: Mapped[int]
    last_reason: Mapped[str | None] = mapped_column(String(100))


class DuePush(NamedTuple):
    """A claimed push: ours until the lease runs out. Pushes sort in the order of locks; they come
    by the hundred thousand, and a tuple is the cheapest value that has names."""

    device_id: int
    pass_id: int
    generation: int
    attempts: int
    token: str
    pass_type: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Serial numbers of passes that changed, and the tag to ask with next time."""

    serials: list[str]
    last_updated: int


def register(session: Session, pass_: Pass, library_id: str, token: str, now: datetime) -> bool:
    """Note that the device wants news of the pass; True if that is new.

    A token that differs replaces the old one even if the registration is known. A phone fires
    several of these at once, so both writes let the unique key decide."""
    known = session.scalar(
        select(Device.push_token).where(
            Device.library_id == library_id, Device.pass_type == pass_.pass_type
        )
    )
    device_id = session.execute(
        insert_or(session, Device)
        .values(
            library_id=library_id, pass_type=pass_.pass_type, push_token=token, refreshed_at=now
        )
        .on_conflict_do_update(
            index_elements=["library_id", "pass_type"],
            set_={"push_token": token, "refreshed_at": now},
        )
        .returning(Device.id)
    ).scalar_one()
    fresh = session.execute(
        insert_or(session, Registration)
        .values(device_id=device_id, pass_id=pass_.id, created_at=now)
        .on_conflict_do_nothing()
        .returning(Registration.pass_id)
    ).first()
    if fresh is not None and pass_.version > 1:
        # The pass may have changed between its download and this moment, and the phone may already
        # hold a later tag from another card: a fresh tag makes sure that it is listed.
        versioning.move_tags(session, [pass_.id])
    if known is not None and known != token:
        _push_anew(session, device_id, now)
    return fresh is not None


def unregister(session: Session, pass_: Pass, library_id: str) -> None:
    """The device wants no more news of the pass. Fine if it never did."""
    device_id = session.scalar(
        select(Device.id).where(
            Device.library_id == library_id, Device.pass_type == pass_.pass_type
        )
    )
    if device_id is not None:
        _end(session, device_id, pass_.id)


def told_it_is_void(session: Session, pass_id: int) -> None:
    """The last version of a void pass was fetched. Whose phone that was is not known where there
    are several; a phone that was the only one has no more to hear."""
    registered = session.scalars(
        select(Registration.device_id).where(Registration.pass_id == pass_id).limit(2)
    ).all()
    if len(registered) == 1:
        _end(session, registered[0], pass_id)


def forget_untold(session: Session, until: datetime, limit: int) -> int:
    """End registrations, older than `until`, of passes whose members were erased before then; how
    many that were."""
    rows = session.execute(
        select(Registration.device_id, Registration.pass_id)
        .join(Pass, Pass.id == Registration.pass_id)
        .join(Member, Member.id == Pass.member_id)
        .where(Member.erased_at <= until, Registration.created_at <= until)
        .order_by(Registration.device_id, Registration.pass_id)
        .limit(limit)
    ).all()
    for device_id, pass_id in rows:
        _end(session, device_id, pass_id)
    return len(rows)


_UPDATED = Compiled(
    select(Pass.serial, Pass.tag)
    .join(Registration, Registration.pass_id == Pass.id)
    .join(Device, Device.id == Registration.device_id)
    .where(
        Device.library_id == bindparam("library_id"),
        Device.pass_type == bindparam("pass_type"),
        or_(
            Pass.tag > bindparam("since", type_=BigInteger),
            bindparam("since", type_=BigInteger) > versioning.newest_tag(bindparam("pass_type")),
        ),
    )
    .order_by(Pass.tag)
)


def updated(
    database: Database, library_id: str, pass_type: str, since: int | None
) -> Listing | None:
    """Passes of this device that changed after tag `since`; all of them without it. None if there
    is nothing to tell.

    A tag that was never given (a database restored from a backup) counts as none."""
    known = -1 if since is None else since
    rows = database.fetch(_UPDATED, library_id=library_id, pass_type=pass_type, since=known)
    return Listing([row.serial for row in rows], rows[-1].tag) if rows else None


def make_due(session: Session, pass_ids: Sequence[int], now: datetime) -> None:
    """Every device registered for one of these passes is to be told. A push that still waits takes
    the change in; one on its way is followed by another."""
    wanted = (
        select(
            Registration.device_id,
            Registration.pass_id,
            literal(now, Instant),
            literal(EPOCH, Instant),
            literal(1),
            literal(0),
        )
        .where(Registration.pass_id.in_(pass_ids))
        .order_by(Registration.device_id, Registration.pass_id)
    )
    statement = insert_or(session, PushRow).from_select(
        ["device_id", "pass_id", "due_at", "lease_until", "generation", "attempts"], wanted
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["device_id", "pass_id"],
            set_={"generation": PushRow.generation + 1, "due_at": now, "attempts": 0},
        )
    )
    wake_after_commit(session, PUSH)


def _push_anew(session: Session, device_id: int, now: datetime) -> None:
    """What waits for this device, or is on its way to the token it had, goes to the new one."""
    session.execute(
        update(PushRow)
        .where(PushRow.device_id == device_id)
        .values(generation=PushRow.generation + 1, due_at=now, attempts=0)
    )
    wake_after_commit(session, PUSH)


def claim(
    session: Session,
    paused: Collection[str],
    now: datetime,
    limit: int,
    lease: timedelta,
) -> list[DuePush]:
    """Due pushes, leased to the caller; those of others are passed over, and those of `paused` pass
    types wait. `limit` of those that have waited longest and, where more are waiting, some of the
    newest: a till's customer does not wait until all the others have heard of an offer."""
    values: dict[str, object] = {
        "now": now,
        "until": now + lease,
        "oldest": limit,
        "newest": limit // NEWEST_SHARE,
    }
    if paused:
        values["paused"] = list(paused)
    statement = _claiming(dialect_of(session), pauses=bool(paused))
    with by_index(session):
        pushes = [DuePush(*row) for row in session.execute(statement, values).all()]
    claimed = [push for push in pushes if push.token is not None]
    if len(claimed) < len(pushes):
        # Their devices were forgotten while the pushes were being made due.
        _delete(session, [push for push in pushes if push.token is None])
    return claimed


# Rows are chosen and locked in the order of the index, and reached again by the place where they
# lie: however many there are, and whatever PostgreSQL believes of that, no other plan is left.
_DUE = """
    SELECT {place} FROM apple_push push
    WHERE due_at <= :now AND lease_until <= :now {unless}
    ORDER BY due_at {order} LIMIT :{limit}"""
_UNLESS_PAUSED = """AND NOT EXISTS (
        SELECT 1 FROM apple_device WHERE id = push.device_id AND pass_type IN :paused)"""
_CLAIM = {
    "postgresql": """
    WITH claimed AS (
        UPDATE apple_push SET lease_until = :until
        WHERE ctid = ANY (ARRAY ({oldest} FOR UPDATE SKIP LOCKED)
            || ARRAY ({newest} FOR UPDATE SKIP LOCKED))
        RETURNING device_id, pass_id, generation, attempts)
    SELECT claimed.*, push_token, pass_type
    FROM claimed LEFT JOIN apple_device ON id = device_id""",
    "sqlite": """
    UPDATE apple_push SET lease_until = :until
    WHERE rowid IN (SELECT * FROM ({oldest}) UNION SELECT * FROM ({newest}))
    RETURNING device_id, pass_id, generation, attempts,
        (SELECT push_token FROM apple_device WHERE id = device_id),
        (SELECT pass_type FROM apple_device WHERE id = device_id)""",
}


@cache
def _claiming(dialect: str, *, pauses: bool) -> TextClause:
    place = "ctid" if dialect == "postgresql" else "rowid"
    unless = _UNLESS_PAUSED if pauses else ""
    oldest, newest = (
        _DUE.format(place=place, unless=unless, order=order, limit=limit)
        for order, limit in (("", "oldest"), ("DESC", "newest"))
    )
    return text(_CLAIM[dialect].format(oldest=oldest, newest=newest)).bindparams(
        bindparam("now", type_=Instant),
        bindparam("until", type_=Instant),
        *([bindparam("paused", expanding=True)] if pauses else []),
    )


def number_due(session: Session, now: datetime, most: int) -> int:
    """How many pushes are due, counted as far as `most`."""
    due = select(PushRow.pass_id).where(PushRow.due_at <= now).limit(most).subquery()
    return session.scalars(select(func.count()).select_from(due)).one()


def settled(session: Session, pushes: Sequence[DuePush]) -> bool:
    """These pushes are done with; one that a newer change was merged into meanwhile stays due.
    True if there was one."""
    if not pushes or _delete(session, pushes) == len(pushes):
        return False
    return let_go(session, pushes) > 0


def let_go(session: Session, pushes: Sequence[DuePush]) -> int:
    """Those of these pushes that are still there are as due as before they were claimed; how many
    that is."""
    return _each(session, "UPDATE apple_push SET lease_until = due_at", pushes)


def deferred(session: Session, push: DuePush, until: datetime, reason: str) -> None:
    """The push is to be tried again, not before `until`."""
    session.execute(
        update(PushRow)
        .where(PushRow.device_id == push.device_id, PushRow.pass_id == push.pass_id)
        .values(
            due_at=until,
            lease_until=EPOCH,
            attempts=push.attempts + 1,
            last_reason=reason[:100],
        )
    )


def end_leases(session: Session) -> None:
    """Whoever had taken pushes is no more."""
    session.execute(update(PushRow).values(lease_until=EPOCH))


def forget(session: Session, device_id: int, token: str, gone_at: datetime) -> Sequence[int]:
    """The token is dead since `gone_at`. The device is forgotten with all its registrations, unless
    it has registered again since, or with another token. Returns the passes that it had."""
    held = session.scalars(
        select(Registration.pass_id).where(Registration.device_id == device_id)
    ).all()
    gone = session.execute(
        delete(Device)
        .where(Device.id == device_id, Device.push_token == token, Device.refreshed_at <= gone_at)
        .returning(Device.id)
    ).first()
    if gone is None:
        return []
    session.execute(delete(PushRow).where(PushRow.device_id == device_id))
    return held


def _end(session: Session, device_id: int, pass_id: int) -> None:
    """End a registration, and forget the device with its last one."""
    session.execute(select(Device.id).where(Device.id == device_id).with_for_update())
    session.execute(
        delete(Registration).where(
            Registration.device_id == device_id, Registration.pass_id == pass_id
        )
    )
    left = select(Registration.pass_id).where(Registration.device_id == device_id).limit(1)
    if session.execute(left).first() is None:
        session.execute(delete(Device).where(Device.id == device_id))
    session.execute(
        delete(PushRow).where(PushRow.device_id == device_id, PushRow.pass_id == pass_id)
    )


def _delete(session: Session, pushes: Sequence[DuePush]) -> int:
    """Those that nothing was merged into; how many they were."""
    return _each(session, "DELETE FROM apple_push", pushes, unchanged=True)


# On PostgreSQL they travel together, as three arrays, and each is found by its key and locked, in
# their order: as for claims, no other plan is left. SQLite is in process, one by one is as good.
_TOGETHER = """
    {change} WHERE ctid = ANY (ARRAY (
        SELECT held.ctid
        FROM unnest(CAST(:device_ids AS bigint[]), CAST(:pass_ids AS bigint[]),
            CAST(:generations AS bigint[])) AS given (device_id, pass_id, generation)
        CROSS JOIN LATERAL (
            SELECT ctid FROM apple_push push
            WHERE push.device_id = given.device_id AND push.pass_id = given.pass_id {unchanged}
            FOR UPDATE) held))"""
_ONE_BY_ONE = "{change} WHERE device_id = :device_id AND pass_id = :pass_id {unchanged}"


def _each(
    session: Session, change: str, pushes: Sequence[DuePush], *, unchanged: bool = False
) -> int:
    """Change these rows, or those of them that nothing was merged into; how many they were."""
    connection = session.connection()
    rows: list[dict[str, object]] | dict[str, object]
    if connection.dialect.name == "sqlite":
        which = "AND generation = :generation" if unchanged else ""
        template = _ONE_BY_ONE.format(change=change, unchanged=which)
        rows = [
            {"device_id": device, "pass_id": pass_, "generation": generation}
            for device, pass_, generation, *_ in pushes
        ]
    else:
        which = "AND push.generation = given.generation" if unchanged else ""
        template = _TOGETHER.format(change=change, unchanged=which)
        columns = zip(*(push[:3] for push in pushes), strict=True)
        names = ("device_ids", "pass_ids", "generations")
        rows = dict(zip(names, map(_array, columns), strict=True))
    return connection.execute(text(template), rows).rowcount


def _array(column: Iterable[int]) -> str:
    return "{" + ",".join(map(str, column)) + "}"
