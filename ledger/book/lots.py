"""Lots: points that become active and run out together, spent in order of expiry.

Every function here but `look` expects the account's balance row to be locked by the caller."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Select,
    String,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book.accounts import Balance, BalanceRow
from ledger.book.drafts import Bucket, Term, Withdrawal
from ledger.database.compiled import Compiled
from ledger.database.tables import Base, Identifier, Instant, dialect_of
from ledger.limits import NEVER

PAGE = 16  # lots read at a time while spending: most redemptions end within the first page


class Lot(Base):
    """`remaining` counts what holds have set aside, `held` says how much of it that is. `active`:
    its time has come, and the balance counts it as available.

    `origin_id`: the lot that these points were in first, where a merge or a household took them
    over to another account of the same people. What is undone finds them by it."""

    __tablename__ = "ledger_lot"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
        CheckConstraint("held >= 0 AND held <= remaining", name="held"),
        Index(
            "ix_ledger_lot_open",
            "account_id",
            "expires_at",
            "id",
            postgresql_where=text("remaining > 0"),
            sqlite_where=text("remaining > 0"),
        ),
        Index(
            "ix_ledger_lot_origin",
            "origin_id",
            postgresql_where=text("origin_id IS NOT NULL"),
            sqlite_where=text("origin_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    account_id: Mapped[int]
    posting_id: Mapped[int] = mapped_column(index=True)
    activates_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    amount: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int] = mapped_column(default=0, server_default="0")
    active: Mapped[bool]
    origin_id: Mapped[int | None]


class LotMove(Base):
    """What a posting took from a lot, or put back into it (negative): what makes an exact reversal
    possible. `line` keeps the order of spending, for dates of lots may change later."""

    __tablename__ = "ledger_lot_move"

    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    amount: Mapped[int]
    line: Mapped[int] = mapped_column(default=0, server_default="0")


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What stands in a lot: `free` is not held. `origin_id` is the lot itself, if its points were
    in no other before."""

    lot_id: int
    term: Term
    amount: int
    free: int
    held: int
    active: bool
    origin_id: int

    @property
    def bucket(self) -> Bucket:
        return "available" if self.active else "pending"

    def withdraw(self, amount: int) -> Withdrawal:
        return Withdrawal(self.lot_id, amount, self.bucket)


_OPEN_LOT = (
    Lot.id,
    Lot.activates_at,
    Lot.expires_at,
    Lot.amount,
    Lot.remaining,
    Lot.held,
    Lot.active,
    Lot.origin_id,
)


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it was committed a moment ago: the balance and the lots that are spent first.
    `version` tells whether it has changed since; SQLite has one writer and needs none."""

    balance: Balance
    open_lots: Sequence[OpenLot]
    version: str | None


# Made once: to put a query together costs as much as to have it answered.
_FIRST = (
    select(*_OPEN_LOT)
    .where(
        Lot.account_id == bindparam("account"),
        Lot.remaining > 0,
        Lot.remaining > Lot.held,
        Lot.active,
    )
    .order_by(Lot.expires_at, Lot.id)
    .limit(PAGE)
    .subquery()
)


def _look(version: ColumnElement[Any]) -> Select[Any]:
    balance = BalanceRow.__table__
    return (
        select(*balance.c, version, *_FIRST.c)
        .select_from(balance.outerjoin(_FIRST, true()))
        .where(balance.c.account_id == bindparam("account"))
        .order_by(_FIRST.c.expires_at, _FIRST.c.id)
    )


_LOTS_FROM = len(BalanceRow.__table__.c) + 1  # behind the balance and its version
_LOOK = {
    "sqlite": Compiled(_look(null())),
    "postgresql": Compiled(_look(literal_column("ledger_balance.xmin::text", String))),
}


def look(session: Session, account_id: int) -> AccountView:
    """The account with its first lots, in one query and without a lock: what is decided by it must
    be written with `unless_changed`."""
    rows = _LOOK[dialect_of(session)].execute(session, account=account_id)
    *facts, version = rows[0][:_LOTS_FROM]
    open_lots = [_open_lot(row[_LOTS_FROM:]) for row in rows if row[_LOTS_FROM] is not None]
    return AccountView(Balance(*facts), open_lots, version)


def spendable(session: Session, account_id: int) -> Iterator[OpenLot]:
    """Active lots with free points in the order of spending: soonest expiry first, then oldest;
    read a page at a time."""
    after: tuple[datetime, int] | None = None
    while True:
        query = (
            select(*_OPEN_LOT)
            .where(
                Lot.account_id == account_id,
                Lot.remaining > 0,
                Lot.remaining > Lot.held,
                Lot.active,
            )
            .order_by(Lot.expires_at, Lot.id)
            .limit(PAGE)
        )
        if after is not None:
            expires_at, lot_id = after
            query = query.where(
                (Lot.expires_at > expires_at) | ((Lot.expires_at == expires_at) & (Lot.id > lot_id))
            )
        page = _open_lots(session.execute(query))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].term.expires_at, page[-1].lot_id


def allocate(open_lots: Iterable[OpenLot], amount: int) -> list[tuple[OpenLot, int]]:
    """Which lots `amount` comes from, and how much from each. Less than `amount` in all if there is
    no more."""
    parts: list[tuple[OpenLot, int]] = []
    missing = amount
    for lot in open_lots:
        if not missing:
            break
        part = min(missing, lot.free)
        parts.append((lot, part))
        missing -= part
    return parts


def to_spend(session: Session, account_id: int, amount: int) -> list[tuple[OpenLot, int]]:
    """Where `amount` available points come from.

    The caller knows from the balance that they are there; if the lots do not agree, the book is
    broken and the transaction must not go on."""
    parts = allocate(spendable(session, account_id), amount)
    if sum(part for _, part in parts) != amount:
        raise AssertionError(f"the lots of account {account_id} lack points of its balance")
    return parts


def open_in(session: Session, account_ids: Sequence[int]) -> dict[int, list[OpenLot]]:
    """All lots with free points of these accounts, active or not, in the order of spending."""
    rows: Iterable[Sequence[Any]] = session.execute(
        select(Lot.account_id, *_OPEN_LOT)
        .where(Lot.account_id.in_(account_ids), Lot.remaining > 0, Lot.remaining > Lot.held)
        .order_by(Lot.account_id, Lot.expires_at, Lot.id)
    )
    found: dict[int, list[OpenLot]] = {account_id: [] for account_id in account_ids}
    for row in rows:
        found[row[0]].append(_open_lot(row[1:]))
    return found


def made_by(session: Session, posting_id: int, account_id: int) -> list[OpenLot]:
    """The lots that a posting made on an account, in the order in which it made them."""
    return _open_lots(
        session.execute(
            select(*_OPEN_LOT)
            .where(Lot.posting_id == posting_id, Lot.account_id == account_id)
            .order_by(Lot.id)
        )
    )


def coming_from(
    session: Session, lot_ids: Sequence[int], account_id: int
) -> dict[int, list[OpenLot]]:
    """What is free on an account of the points that were in these lots once, by lot, in the order
    of spending."""
    open_lots = _open_lots(
        session.execute(
            select(*_OPEN_LOT)
            .where(
                Lot.account_id == account_id,
                Lot.id.in_(lot_ids) | Lot.origin_id.in_(lot_ids),
                Lot.remaining > Lot.held,
            )
            .order_by(Lot.expires_at, Lot.id)
        )
    )
    return {lot_id: [one for one in open_lots if one.origin_id == lot_id] for lot_id in lot_ids}


def taken_by(session: Session, posting_id: int, account_id: int) -> list[tuple[OpenLot, int]]:
    """The lots of an account that a posting took from and how much, in the order of spending."""
    rows: Iterable[Sequence[Any]] = session.execute(
        select(LotMove.amount.label("taken"), *_OPEN_LOT)
        .join(Lot, Lot.id == LotMove.lot_id)
        .where(LotMove.posting_id == posting_id, Lot.account_id == account_id)
        .order_by(LotMove.line, Lot.id)
    )
    return [(_open_lot(row[1:]), row[0]) for row in rows]


def set_aside(session: Session, withdrawals: Sequence[Withdrawal], sign: Literal[1, -1]) -> None:
    """Mark points of lots as held, or (-1) as free again."""
    for one in withdrawals:
        session.execute(
            update(Lot)
            .where(Lot.id == one.lot_id)
            .values(held=Lot.held + sign * one.amount)
            .execution_options(synchronize_session=False)
        )


def prolong(session: Session, lot_ids: Sequence[int], expires_at: datetime) -> None:
    """Give lots whose time is over another one: a grace for points that come back too late."""
    session.execute(
        update(Lot)
        .where(Lot.id.in_(lot_ids))
        .values(expires_at=expires_at)
        .execution_options(synchronize_session=False)
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


def expired(session: Session, account_id: int, now: datetime) -> tuple[Withdrawal, ...]:
    """What is left in lots whose time is over. Points that a hold has set aside stay for that hold
    alone."""
    rows = session.execute(
        select(Lot.id, Lot.remaining - Lot.held)
        .where(
            Lot.account_id == account_id,
            Lot.remaining > 0,
            Lot.remaining > Lot.held,
            Lot.expires_at <= now,
        )
        .order_by(Lot.expires_at, Lot.id)
    )
    return tuple(Withdrawal(lot_id, free) for lot_id, free in rows)


def next_change(session: Session, account_id: int) -> datetime:
    """The next moment at which a lot of the account becomes active or runs out."""
    moment = session.scalar(
        select(func.min(case((Lot.active, Lot.expires_at), else_=Lot.activates_at))).where(
            Lot.account_id == account_id, Lot.remaining > 0, Lot.remaining > Lot.held
        )
    )
    return NEVER if moment is None else moment


def _open_lots(rows: Iterable[Sequence[Any]]) -> list[OpenLot]:
    return [_open_lot(row) for row in rows]


def _open_lot(row: Sequence[Any]) -> OpenLot:
    lot_id, activates_at, expires_at, amount, remaining, held, active, origin_id = row
    term = Term(activates_at, expires_at)
    return OpenLot(lot_id, term, amount, remaining - held, held, active, origin_id or lot_id)
