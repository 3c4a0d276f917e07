"""What cashiers did: a row for each deed, under the key that the device chose. The row is the proof
that it was done once, the line in the list of the shift, and the way to undo it.

A device repeats a deed whose answer it never heard, and sends later what was done without a
network. So the key is taken first: who repeats waits for the first one, and gets its row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    OptionalDocument,
    insert_or,
    only_where,
)
from ledger.errors import IdempotencyConflict
from wallet.access.counter_limits import CounterOddity
from wallet.errors import UnknownDeed

LONGEST_KEY = 64
OWN_FOR = timedelta(days=1)  # so long a cashier undoes what they did themselves

DeedKind = Literal["sale", "stamps", "coupon", "joined"]
DeedState = Literal["done", "undone", "refused"]
# How the guest was named: by the card, or by an address that anybody can say.
GuestNamedBy = Literal["card", "phone", "email"]


class CounterDeed(Base):
    """One deed of a cashier. `happened_at` is the clock of the counter; `noted_at` is later for
    what was done without a network (`offline`). `total`: what the purchase cost, in the smallest
    pieces of `currency`. `spent`, `earned`: pieces of the main unit, with the public ids of their
    postings. `serial`: of the coupon that was used. `refusal`: the code for which a deed that was
    sent later was not done. `odd`: see `limits`; null if nothing is. Nothing here names a
    person."""

    __tablename__ = "wallet_counter_deed"
    __table_args__ = (
        UniqueConstraint("programme_id", "key"),
        Index("ix_wallet_counter_deed_listed", "programme_id", "id"),
        Index("ix_wallet_counter_deed_employee", "employee_id", "id"),
        Index("ix_wallet_counter_deed_member", "member_id", "happened_at"),
        Index(
            "ix_wallet_counter_deed_odd",
            "programme_id",
            "id",
            **only_where("odd IS NOT NULL OR state = 'refused'"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"))
    store: Mapped[str | None] = mapped_column(String(40))
    till: Mapped[str | None] = mapped_column(String(40))
    kind: Mapped[DeedKind] = mapped_column(String(10))
    state: Mapped[DeedState] = mapped_column(String(10))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_member.id"))
    named_by: Mapped[GuestNamedBy | None] = mapped_column(String(5))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    noted_at: Mapped[datetime] = mapped_column(Instant)
    offline: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    total: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    spent: Mapped[int] = mapped_column(default=0, server_default="0")
    earned: Mapped[int] = mapped_column(default=0, server_default="0")
    spent_posting: Mapped[str | None] = mapped_column(String(36))
    earned_posting: Mapped[str | None] = mapped_column(String(36))
    serial: Mapped[str | None] = mapped_column(String(32))
    refusal: Mapped[str | None] = mapped_column(String(60))
    odd: Mapped[list[CounterOddity] | None] = mapped_column(OptionalDocument)
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_employee.id"))


@dataclass(frozen=True, slots=True)
class AtCounter:
    """Who serves, in which programme, and where: codes of a store and of a till in it."""

    employee_id: int
    programme_id: int
    store: str | None = None
    till: str | None = None


def once(
    session: Session,
    key: str,
    by: AtCounter,
    kind: DeedKind,
    work: Callable[[CounterDeed], None],
    now: datetime,
    *,
    is_same: Callable[[CounterDeed], bool] = lambda _before: True,
    happened_at: datetime | None = None,
    offline: bool = False,
) -> CounterDeed:
    """The deed under this key. If it is new, `work` does it and completes the row; if it raises,
    the key is free again with the rollback. Whoever sends it again, a colleague at the same device
    as well, gets the first one. Raises `IdempotencyConflict` where the key is that of a deed of
    another kind, or `is_same` says that it was another one: somebody changed the amount meanwhile,
    and must not take the first answer for theirs."""
    made = session.scalar(
        insert_or(session, CounterDeed)
        .values(
            public_id=str(uuid7()),
            programme_id=by.programme_id,
            key=key,
            employee_id=by.employee_id,
            store=by.store,
            till=by.till,
            kind=kind,
            state="done",
            happened_at=happened_at or now,
            noted_at=now,
            offline=offline,
        )
        .on_conflict_do_nothing(index_elements=["programme_id", "key"])
        .returning(CounterDeed.id)
    )
    if made is not None:
        deed = session.get_one(CounterDeed, made)
        work(deed)
        session.flush()
        return deed
    before = session.scalars(
        select(CounterDeed).where(
            CounterDeed.programme_id == by.programme_id, CounterDeed.key == key
        )
    ).one()
    if before.kind != kind or not is_same(before):
        raise IdempotencyConflict
    return before


def find(session: Session, programme_id: int, public_id: str) -> CounterDeed:
    """The deed with this public id, locked: who undoes it twice at once undoes it once. Raises
    `UnknownDeed`."""
    found = session.scalar(
        select(CounterDeed)
        .where(CounterDeed.programme_id == programme_id, CounterDeed.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownDeed
    return found


@dataclass(frozen=True, slots=True)
class DayOfCard:
    """What was done for one member in a day, and stands: purchases, those with one cashier, and
    what they cost."""

    purchases: int
    same_cashier: int
    amount: int


def day_of(session: Session, member_id: int, employee_id: int, since: datetime) -> DayOfCard:
    """What stands of this member since then. The caller holds a lock under which purchases of the
    member are made, so that two at once see each other."""
    row = session.execute(
        select(
            func.count(),
            func.count().filter(CounterDeed.employee_id == employee_id),
            func.coalesce(func.sum(CounterDeed.total), 0),
        ).where(
            CounterDeed.member_id == member_id,
            CounterDeed.happened_at >= since,
            CounterDeed.state == "done",
            CounterDeed.kind.in_(("sale", "stamps")),
        )
    ).one()
    return DayOfCard(row[0], row[1], int(row[2] or 0))


def of_shift(session: Session, by: AtCounter, since: datetime, limit: int) -> Sequence[CounterDeed]:
    """What this cashier did in the programme since then, newest first."""
    return session.scalars(
        select(CounterDeed)
        .where(
            CounterDeed.employee_id == by.employee_id,
            CounterDeed.programme_id == by.programme_id,
            CounterDeed.noted_at >= since,
        )
        .order_by(CounterDeed.id.desc())
        .limit(limit)
    ).all()


def listed(
    session: Session,
    programme_id: int,
    before_id: int | None,
    limit: int,
    *,
    employee_id: int | None = None,
    odd: bool = False,
) -> Sequence[CounterDeed]:
    """Deeds of all cashiers or of one, newest first, from before `before_id`; `odd`: those alone
    that somebody should look at."""
    query = select(CounterDeed).where(CounterDeed.programme_id == programme_id)
    if before_id is not None:
        query = query.where(CounterDeed.id < before_id)
    if employee_id is not None:
        query = query.where(CounterDeed.employee_id == employee_id)
    if odd:
        query = query.where((CounterDeed.odd.is_not(None)) | (CounterDeed.state == "refused"))
    return session.scalars(query.order_by(CounterDeed.id.desc()).limit(limit)).all()


def number_odd(session: Session, programme_id: int, since: datetime) -> int:
    """How many deeds since then somebody should look at."""
    return session.scalars(
        select(func.count()).where(
            CounterDeed.programme_id == programme_id,
            CounterDeed.noted_at >= since,
            (CounterDeed.odd.is_not(None)) | (CounterDeed.state == "refused"),
        )
    ).one()


def made_at_counter(session: Session, member_id: int) -> bool:
    """Whether a cashier made this member."""
    made = select(CounterDeed.id).where(
        CounterDeed.member_id == member_id, CounterDeed.kind == "joined"
    )
    return session.scalar(made.limit(1)) is not None
