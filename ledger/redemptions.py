"""Points out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import outbox
from ledger.accruals import Done, check_range
from ledger.book import accounts, lots, postings
from ledger.book.postings import Debit, Leg, Order, Own
from ledger.errors import InsufficientPoints
from ledger.events import PointsRedeemed
from ledger.members import Member


@dataclass(frozen=True, slots=True)
class Spend:
    """Points a member pays with, and what for."""

    points: int
    reason: str | None = None
    receipt: str | None = None
    occurred_at: datetime | None = None


def redeem(session: Session, member: Member, spend: Spend, now: datetime) -> Done:
    """Spend points, soonest expiry first. Raises `InsufficientPoints`, `DateOutOfRange`."""
    check_range(occurred_at=spend.occurred_at)
    account_id = accounts.of_member(session, member.id)
    balance = postings.settle(session, member.programme_id, account_id, now)
    if balance.available < spend.points:
        raise InsufficientPoints(spend.points, balance.available)
    order = Order(
        member.programme_id, "redemption", spend.occurred_at or now, spend.reason, spend.receipt
    )
    legs: list[Leg] = [
        Debit(account_id, lots.oldest_first(session, account_id, spend.points)),
        Own(accounts.own(session, member.programme_id, "redeemed"), spend.points),
    ]
    posted = postings.post(session, order, legs, now)
    outbox.append(session, [PointsRedeemed(member.id)], now)
    return Done(posted.public_id, posted.balances[account_id])
