"""Points in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import outbox, programmes
from ledger.book import accounts, postings
from ledger.book.accounts import Balance
from ledger.book.lots import Term
from ledger.book.postings import Credit, Leg, Order, Own
from ledger.errors import DateOutOfRange, DatesOutOfOrder
from ledger.events import PointsAccrued
from ledger.members import Member
from ledger.points import EARLIEST, LATEST, NEVER


@dataclass(frozen=True, slots=True)
class Grant:
    """Points for a member, and why. Without `activates_at` they are active at once; without
    `expires_at` they live as long as the programme's terms say."""

    points: int
    reason: str | None = None
    receipt: str | None = None
    occurred_at: datetime | None = None
    activates_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A posting and the member's balance right after it."""

    posting_id: str
    balance: Balance


def grant(session: Session, member: Member, grant: Grant, now: datetime) -> Done:
    """Raises `BalanceTooLarge`, `DatesOutOfOrder`, `DateOutOfRange`."""
    programme = programmes.by_id(session, member.programme_id)
    activates_at = grant.activates_at or now
    expires_at = grant.expires_at or programme.expiry(activates_at)
    check_range(occurred_at=grant.occurred_at, activates_at=activates_at, expires_at=expires_at)
    if expires_at <= activates_at:
        raise DatesOutOfOrder("activates_at", "expires_at")
    if expires_at <= now:
        raise DatesOutOfOrder("now", "expires_at")
    account_id = accounts.of_member(session, member.id)
    order = Order(
        member.programme_id, "accrual", grant.occurred_at or now, grant.reason, grant.receipt
    )
    issued = accounts.own(session, member.programme_id, "issued")
    legs: list[Leg] = [
        Credit(account_id, grant.points, Term(activates_at, expires_at)),
        Own(issued, -grant.points),
    ]
    posted = postings.post(session, order, legs, now)
    outbox.append(session, [PointsAccrued(member.id)], now)
    return Done(posted.public_id, posted.balances[account_id])


def check_range(**moments: datetime | None) -> None:
    """Raises `DateOutOfRange` for a moment that can only be a mistake."""
    for name, moment in moments.items():
        if moment is not None and moment != NEVER and not EARLIEST <= moment < LATEST:
            raise DateOutOfRange(name)
