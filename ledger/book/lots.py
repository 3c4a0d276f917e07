"""Lots: points that become active and run out together, spent in order of expiry.

Every function here expects the account's balance row to be locked by the caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, case, func, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Identifier, Instant
from ledger.points import NEVER

PAGE = 16  # lots read at a time while spending: most redemptions end within the first page


class Lot(Base):
    __tablename__ = "ledger_lot"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
        Index(
            "ix_ledger_lot_open",
            "account_id",
            "expires_at",
            "id",
            postgresql_where=text("remaining > 0"),
            sqlite_where=text("remaining > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    account_id: Mapped[int]
    posting_id: Mapped[int]
    activates_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    amount: Mapped[int]
    remaining: Mapped[int]
    active: Mapped[bool]


class LotMove(Base):
    """What a posting took from a lot: what makes an exact reversal possible."""

    __tablename__ = "ledger_lot_move"

    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    amount: Mapped[int]


@dataclass(frozen=True, slots=True)
class Term:
    """When points become active and when they run out (`NEVER` for no end)."""

    activates_at: datetime
    expires_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Take:
    """So many points out of this lot."""

    lot_id: int
    amount: int


def add(
    session: Session, account_id: int, posting_id: int, amount: int, term: Term, now: datetime
) -> None:
    session.execute(
        insert(Lot).values(
            account_id=account_id,
            posting_id=posting_id,
            activates_at=term.activates_at,
            expires_at=term.expires_at,
            amount=amount,
            remaining=amount,
            active=term.activates_at <= now,
        )
    )


def oldest_first(session: Session, account_id: int, amount: int) -> tuple[Take, ...]:
    """Where `amount` active points come from: soonest expiry first, then oldest lot.

    The caller knows from the balance that they are there; if the lots do not agree, the book is
    broken and the transaction must not go on."""
    takes: list[Take] = []
    missing = amount
    after: tuple[datetime, int] | None = None
    while missing:
        query = (
            select(Lot.id, Lot.remaining, Lot.expires_at)
            .where(Lot.account_id == account_id, Lot.remaining > 0, Lot.active)
            .order_by(Lot.expires_at, Lot.id)
            .limit(PAGE)
        )
        if after is not None:
            expires_at, lot_id = after
            query = query.where(
                (Lot.expires_at > expires_at) | ((Lot.expires_at == expires_at) & (Lot.id > lot_id))
            )
        page = session.execute(query).all()
        if not page:
            raise AssertionError(f"lots of account {account_id} lack {missing} of its balance")
        for lot in page:
            takes.append(Take(lot.id, min(missing, lot.remaining)))
            missing -= takes[-1].amount
            if not missing:
                break
        after = page[-1].expires_at, page[-1].id
    return tuple(takes)


def take(session: Session, posting_id: int, takes: Sequence[Take]) -> None:
    """Take the points out of their lots, and note it for whoever reverses the posting."""
    for one in takes:
        session.execute(
            update(Lot)
            .where(Lot.id == one.lot_id)
            .values(remaining=Lot.remaining - one.amount)
            .execution_options(synchronize_session=False)
        )
    session.execute(
        insert(LotMove),
        [{"posting_id": posting_id, "lot_id": one.lot_id, "amount": one.amount} for one in takes],
    )


def activate_due(session: Session, account_id: int, now: datetime) -> int:
    """Mark lots whose time has come as active; returns how many points that makes spendable."""
    changed = session.scalars(
        update(Lot)
        .where(
            Lot.account_id == account_id,
            Lot.remaining > 0,
            Lot.active.is_(False),
            Lot.activates_at <= now,
        )
        .values(active=True)
        .returning(Lot.remaining)
        .execution_options(synchronize_session=False)
    )
    return sum(changed)


def expired(session: Session, account_id: int, now: datetime) -> tuple[Take, ...]:
    """What is left in lots whose time is over."""
    rows = session.execute(
        select(Lot.id, Lot.remaining)
        .where(Lot.account_id == account_id, Lot.remaining > 0, Lot.expires_at <= now)
        .order_by(Lot.expires_at, Lot.id)
    )
    return tuple(Take(row.id, row.remaining) for row in rows)


def next_change(session: Session, account_id: int) -> datetime:
    """The next moment at which a lot of the account becomes active or runs out."""
    moment = session.scalar(
        select(func.min(case((Lot.active, Lot.expires_at), else_=Lot.activates_at))).where(
            Lot.account_id == account_id, Lot.remaining > 0
        )
    )
    return NEVER if moment is None else moment
