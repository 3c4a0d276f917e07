"""Postings: balanced, immutable records of points that moved. Entries of one sum to zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.book import accounts, lots
from ledger.book.accounts import Balance
from ledger.book.lots import Take, Term
from ledger.database import Base, Identifier, Instant
from ledger.errors import BalanceTooLarge
from ledger.points import MOST_POINTS, NEVER

Kind = Literal["accrual", "redemption", "expiry"]


class Posting(Base):
    __tablename__ = "ledger_posting"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(300))
    receipt: Mapped[str | None] = mapped_column(String(100))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    posted_at: Mapped[datetime] = mapped_column(Instant)


class Entry(Base):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        # Statements. Partial: half of all entries are the programme's, in one key range.
        Index(
            "ix_ledger_entry_statement",
            "account_id",
            "posting_id",
            postgresql_where=text("balance_after IS NOT NULL"),
            sqlite_where=text("balance_after IS NOT NULL"),
        ),
    )

    posting_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_posting.id"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    amount: Mapped[int]
    # What the member then had in all; null on the programme's own accounts.
    balance_after: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a posting is for. `occurred_at` is business time and may lie in the past; `receipt` is
    the number the shop gave."""

    programme_id: int
    kind: Kind
    occurred_at: datetime
    reason: str | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """Points into a member account, as a new lot."""

    account_id: int
    amount: int
    term: Term


@dataclass(frozen=True, slots=True)
class Debit:
    """Points out of a member account, from these lots."""

    account_id: int
    takes: tuple[Take, ...]

    @property
    def amount(self) -> int:
        return -sum(take.amount for take in self.takes)


@dataclass(frozen=True, slots=True)
class Own:
    """The other side: an account of the programme itself."""

    account_id: int
    amount: int


Leg = Credit | Debit | Own


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting that has been made; balances of the member accounts it touched, by account id."""

    id: int
    public_id: str
    balances: dict[int, Balance]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a member's statement. `points` is negative for what left the member;
    `balance_after` counts everything the member then had, active or not."""

    posting_id: int
    id: str
    kind: str
    points: int
    balance_after: int
    reason: str | None
    receipt: str | None
    occurred_at: datetime
    posted_at: datetime


def post(session: Session, order: Order, legs: Sequence[Leg], now: datetime) -> Posted:
    """Write a posting with all that belongs to it: entries, lots, balances.

    Legs sum to zero. Raises `BalanceTooLarge`; that a debit is covered is for the caller to know,
    and the table's checks see to it that nothing goes below zero all the same."""
    if not legs or sum(leg.amount for leg in legs) != 0:
        raise AssertionError("the legs of a posting sum to zero")
    # Locked before the posting gets its number, so that an account's postings are numbered in the
    # order in which they changed its balance.
    before = accounts.lock(session, [leg.account_id for leg in legs if not isinstance(leg, Own)])
    public_id = str(uuid7())
    posting_id = session.execute(
        insert(Posting)
        .values(
            public_id=public_id,
            programme_id=order.programme_id,
            kind=order.kind,
            reason=order.reason,
            receipt=order.receipt,
            occurred_at=order.occurred_at,
            posted_at=now,
        )
        .returning(Posting.id)
    ).scalar_one()
    after: dict[int, Balance] = {}
    for leg in legs:
        if isinstance(leg, Credit):
            after[leg.account_id] = _credit(
                session, posting_id, leg, after.get(leg.account_id, before[leg.account_id]), now
            )
        elif isinstance(leg, Debit):
            after[leg.account_id] = _debit(session, posting_id, leg)
    session.execute(
        insert(Entry),
        [
            {
                "posting_id": posting_id,
                "line": line,
                "account_id": leg.account_id,
                "amount": leg.amount,
                "balance_after": None if isinstance(leg, Own) else after[leg.account_id].total,
            }
            for line, leg in enumerate(legs)
        ],
    )
    return Posted(posting_id, public_id, after)


def settle(session: Session, programme_id: int, account_id: int, now: datetime) -> Balance:
    """Bring a member account up to the moment: lots whose time has come become active, what ran out
    leaves by a posting of its own. The account is locked from here on."""
    balance = accounts.lock(session, [account_id])[account_id]
    if balance.next_change_at > now:
        return balance
    activated = lots.activate_due(session, account_id, now)
    accounts.change(session, account_id, available=activated, pending=-activated)
    gone = lots.expired(session, account_id, now)
    if gone:
        order = Order(programme_id, "expiry", occurred_at=now)
        debit = Debit(account_id, gone)
        expired = Own(accounts.own(session, programme_id, "expired"), -debit.amount)
        post(session, order, [debit, expired], now)
    return accounts.change(
        session, account_id, next_change_at=lots.next_change(session, account_id)
    )


def statement(
    session: Session, account_id: int, before_posting_id: int | None, limit: int
) -> list[Line]:
    """Newest first, from before the given posting."""
    query = (
        select(
            Posting.id,
            Posting.public_id,
            Posting.kind,
            Entry.amount,
            type_coerce(Entry.balance_after, BigInteger),
            Posting.reason,
            Posting.receipt,
            Posting.occurred_at,
            Posting.posted_at,
        )
        .join(Entry, Entry.posting_id == Posting.id)
        .where(Entry.account_id == account_id, Entry.balance_after.is_not(None))
        .order_by(Entry.posting_id.desc())
        .limit(limit)
    )
    if before_posting_id is not None:
        query = query.where(Entry.posting_id < before_posting_id)
    return [Line(*row) for row in session.execute(query)]


def _credit(
    session: Session, posting_id: int, leg: Credit, before: Balance, now: datetime
) -> Balance:
    if before.total + leg.amount > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    lots.add(session, leg.account_id, posting_id, leg.amount, leg.term, now)
    active = leg.term.activates_at <= now
    turns_at = leg.term.expires_at if active else leg.term.activates_at
    return accounts.change(
        session,
        leg.account_id,
        available=leg.amount if active else 0,
        pending=0 if active else leg.amount,
        next_change_at=min(before.next_change_at, turns_at, NEVER),
    )


def _debit(session: Session, posting_id: int, leg: Debit) -> Balance:
    lots.take(session, posting_id, leg.takes)
    return accounts.change(session, leg.account_id, available=leg.amount)
