"""Accounts and balances. A member's account has a balance row; the programme's own accounts
(issued, redeemed, expired) have none: one row that every posting updates would cost four fifths of
the rate, and their balance is the sum of their entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Identifier, Instant, insert_or
from ledger.points import MOST_POINTS, NEVER

OwnKind = Literal["issued", "redeemed", "expired"]
MEMBER = "member"
NO_OWNER = 0  # SQLite has no "nulls not distinct"; member ids begin at 1


class Account(Base):
    __tablename__ = "ledger_account"
    __table_args__ = (UniqueConstraint("programme_id", "kind", "member_id"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    member_id: Mapped[int] = mapped_column(index=True)


class BalanceRow(Base):
    __tablename__ = "ledger_balance"
    __table_args__ = (
        CheckConstraint(f"available >= 0 AND available <= {MOST_POINTS}", name="available"),
        CheckConstraint(f"pending >= 0 AND pending <= {MOST_POINTS}", name="pending"),
        CheckConstraint(f"held >= 0 AND held <= {MOST_POINTS}", name="held"),
    )

    account_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    available: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    next_change_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class Balance:
    """Points of one member account: free to spend, not yet active, set aside by a hold.

    `next_change_at` is the next moment at which a lot becomes active or runs out."""

    account_id: int
    available: int
    pending: int
    held: int
    next_change_at: datetime = NEVER

    @property
    def total(self) -> int:
        """What the account's entries sum to."""
        return self.available + self.pending + self.held


def open_for(session: Session, programme_id: int, member_id: int) -> int:
    """A new member's account, empty. Returns its id."""
    account = Account(programme_id=programme_id, kind=MEMBER, member_id=member_id)
    session.add(account)
    session.flush()
    session.add(BalanceRow(account_id=account.id, next_change_at=NEVER))
    session.flush()
    return account.id


def of_member(session: Session, member_id: int) -> int:
    return session.scalars(
        select(Account.id).where(Account.member_id == member_id, Account.kind == MEMBER)
    ).one()


def own(session: Session, programme_id: int, kind: OwnKind) -> int:
    """The programme's own account of this kind; opened when first needed."""
    wanted = select(Account.id).where(
        Account.programme_id == programme_id, Account.kind == kind, Account.member_id == NO_OWNER
    )
    account_id = session.execute(wanted).scalar_one_or_none()
    if account_id is None:
        session.execute(
            insert_or(session, Account)
            .values(programme_id=programme_id, kind=kind, member_id=NO_OWNER)
            .on_conflict_do_nothing()
        )
        account_id = session.execute(wanted).scalar_one()
    return account_id


def balance(session: Session, account_id: int) -> Balance:
    """The balance as last committed."""
    return _balances(session, [account_id], lock=False)[account_id]


def balances_of(session: Session, member_ids: Sequence[int]) -> dict[int, Balance]:
    """Balances of many members at once, by member id."""
    accounts = select(Account.id, Account.member_id).where(
        Account.member_id.in_(member_ids), Account.kind == MEMBER
    )
    owners = {row.id: row.member_id for row in session.execute(accounts)}
    found = _balances(session, list(owners), lock=False)
    return {owners[account_id]: value for account_id, value in found.items()}


def lock(session: Session, account_ids: Sequence[int]) -> dict[int, Balance]:
    """Balances by account id, locked in ascending order until the transaction ends."""
    return _balances(session, sorted(account_ids), lock=True)


def change(
    session: Session,
    account_id: int,
    *,
    available: int = 0,
    pending: int = 0,
    next_change_at: datetime | None = None,
) -> Balance:
    """Move a locked balance by these amounts. The table's own checks refuse a result below zero."""
    moved = (
        update(BalanceRow)
        .where(BalanceRow.account_id == account_id)
        .values(
            available=BalanceRow.available + available,
            pending=BalanceRow.pending + pending,
            **({} if next_change_at is None else {"next_change_at": next_change_at}),
        )
        .returning(
            BalanceRow.available, BalanceRow.pending, BalanceRow.held, BalanceRow.next_change_at
        )
        .execution_options(synchronize_session=False)
    )
    row = session.execute(moved).one()
    return Balance(account_id, row.available, row.pending, row.held, row.next_change_at)


def due(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Member accounts whose lots became active or ran out by now, and nobody has looked yet."""
    return session.scalars(
        select(BalanceRow.account_id)
        .where(BalanceRow.next_change_at <= now)
        .order_by(BalanceRow.next_change_at)
        .limit(limit)
    ).all()


def owner(session: Session, account_id: int) -> tuple[int, int]:
    """Programme id and member id of a member account."""
    account = session.get_one(Account, account_id)
    return account.programme_id, account.member_id


def _balances(session: Session, account_ids: Sequence[int], *, lock: bool) -> dict[int, Balance]:
    query = (
        select(
            BalanceRow.account_id,
            BalanceRow.available,
            BalanceRow.pending,
            BalanceRow.held,
            BalanceRow.next_change_at,
        )
        .where(BalanceRow.account_id.in_(account_ids))
        .order_by(BalanceRow.account_id)
    )
    if lock:
        query = query.with_for_update()
    return {row.account_id: Balance(*row) for row in session.execute(query)}
