"""Lots: points that become active and run out together. They are spent in the order of expiry.

Every function here but `look` expects that the caller has locked the balance row of the account."""

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

PAGE = 16  # lots read in one query while spending: the first page is enough for most redemptions


class Lot(Base):
    """Points of one account with the same dates. `amount` is how many there were at first,
    `remaining` how many are left, held ones included, and `held` how many of those a hold has set
    aside. `active`: `activates_at` has come and the balance counts them as available.

    `origin_id` is the lot that these points were in first, if a merge or a household moved them
    from another account. A reversal finds moved points by it."""

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
    """How many points a posting took from a lot, or put back into it (negative). Exact reversals
    are made from these rows. `line` keeps the order of spending, since the dates of lots may change
    later."""

    __tablename__ = "ledger_lot_move"

    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    amount: Mapped[int]
    line: Mapped[int] = mapped_column(default=0, server_default="0")


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What stands in a lot, in points: `amount` at first, `free` to be taken now, `held` by holds.
    `origin_id` is the lot itself, if its points were in no other lot before."""

    lot_id: int
    term: Term
    amount: int
    free: int
    held: int
    active: bool
    origin_id: int

    @property
    def bucket(self) -> Bucket:
        """The part of the balance that counts the free points of this lot."""
        return "available" if self.active else "pending"

    def withdraw(self, amount: int) -> Withdrawal:
        """Take `amount` of the free points; a negative amount puts points back."""
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
    """An account as it was committed a moment ago: the balance, and the lots that are spent first.
    A writer compares `version` to see whether the account has changed since; it is None on SQLite,
    which has one writer and needs none."""

    balance: Balance
    open_lots: Sequence[OpenLot]
    version: str | None


# Built once: to build a query costs as much as to have it answered.
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
    """The account with the lots that are spent first (at most `PAGE`), in one query and without a
    lock. A posting that is decided from this view must be written with `unless_changed`."""
    rows = _LOOK[dialect_of(session)].execute(session, account=account_id)
    *facts, version = rows[0][:_LOTS_FROM]
    open_lots = [_open_lot(row[_LOTS_FROM:]) for row in rows if row[_LOTS_FROM] is not None]
    return AccountView(Balance(*facts), open_lots, version)


def spendable(session: Session, account_id: int) -> Iterator[OpenLot]:
    """Active lots with free points in the order of spending: soonest expiry first, then oldest.
    They are read `PAGE` at a time."""
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
    """From which lots `amount` points come, and how many from each. The parts sum to less than
    `amount` if the lots have fewer free points."""
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
    """From which lots `amount` available points come, and how many from each.

    The caller knows from the balance that the points are there. If the lots do not agree, the book
    is broken: an `AssertionError` ends the transaction."""
    parts = allocate(spendable(session, account_id), amount)
    if sum(part for _, part in parts) != amount:
        raise AssertionError(f"the lots of account {account_id} lack points of its balance")
    return parts


def open_in(session: Session, account_ids: Sequence[int]) -> dict[int, list[OpenLot]]:
    """All lots with free points of these accounts, by account id, active or not, in the order of
    spending. An account without such lots has an empty list."""
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
    """Free points on this account that were in one of `lot_ids` at first, whichever lot they are in
    now: by that first lot, in the order of spending."""
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
    """The lots of an account from which a posting took points, and how many, in the order of
    spending."""
    rows: Iterable[Sequence[Any]] = session.execute(
        select(LotMove.amount.label("taken"), *_OPEN_LOT)
        .join(Lot, Lot.id == LotMove.lot_id)
        .where(LotMove.posting_id == posting_id, Lot.account_id == account_id)
        .order_by(LotMove.line, Lot.id)
    )
    return [(_open_lot(row[1:]), row[0]) for row in rows]


def set_aside(session: Session, withdrawals: Sequence[Withdrawal], sign: Literal[1, -1]) -> None:
    """Mark points of lots as held (`sign` is 1) or as free again (-1)."""
    for one in withdrawals:
        session.execute(
            update(Lot)
            .where(Lot.id == one.lot_id)
            .values(held=Lot.held + sign * one.amount)
            .execution_options(synchronize_session=False)
        )


def prolong(session: Session, lot_ids: Sequence[int], expires_at: datetime) -> None:
    """Give lots that have run out a new end, so that points which come back into them can be
    used."""
    session.execute(
        update(Lot)
        .where(Lot.id.in_(lot_ids))
        .values(expires_at=expires_at)
        .execution_options(synchronize_session=False)
    )


def activate_due(session: Session, account_id: int, now: datetime) -> int:
    """Mark lots whose time has come as active. Returns how many points become spendable."""
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
    """The free points in lots that have run out. Points that a hold has set aside are left out:
    they stay usable for that hold."""
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
    """The next moment at which a lot of the account becomes active or runs out; `NEVER` if there is
    none. Lots without free points do not count."""
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
