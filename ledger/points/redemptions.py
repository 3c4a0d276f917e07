"""Points out: at once, or held first and captured when the sale is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ledger.book import accounts, holds, postings
from ledger.book.accounts import Balance
from ledger.book.drafts import PostingHeader
from ledger.book.holds import Hold, Placed
from ledger.database import outbox
from ledger.events import PointsHeld, PointsRedeemed
from ledger.money import Amount
from ledger.people import members
from ledger.people.members import Member
from ledger.points import causes, resolving
from ledger.points.causes import NO_CAUSE, Cause, Movement
from ledger.points.resolving import Target, Whom
from ledger.programmes import units

HOLD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Spend:
    """Points a member pays with, and what for."""

    points: Amount
    cause: Cause = NO_CAUSE
    unit: str | None = None


def redeem(session: Session, whom: Whom | Member, spend: Spend, now: datetime) -> Movement:
    """Spend points, soonest expiry first. Raises `InsufficientPoints`, `DateOutOfRange`, what
    `resolving.with_target` does, and for money what `Unit.points` does."""

    def debit(found: Target) -> Movement:
        unit, holder = found.unit, found.holder
        points, wish = unit.points(spend.points), _wish(found, spend, now)
        with unit.told():
            news = [PointsRedeemed(holder.member_id)]
            posted = postings.debit(session, holder, wish, points, news, now)
        return Movement(
            found.member, posted.public_id, points, unit, posted.balances[holder.account_id]
        )

    return resolving.with_target(session, whom, spend.unit, debit)


def hold(
    session: Session, whom: Whom | Member, spend: Spend, lasts: timedelta, now: datetime
) -> Placed:
    """Set points aside for a sale. Raises `InsufficientPoints`, what `resolving.with_target` does,
    and for money what `Unit.points` does."""

    def place(found: Target) -> Placed:
        unit, holder = found.unit, found.holder
        points, wish = unit.points(spend.points), _wish(found, spend, now)
        with unit.told():
            placed = holds.place(session, holder, wish, points, now + lasts, now)
        outbox.append(session, [PointsHeld(holder.member_id)], now)
        return placed

    return resolving.with_target(session, whom, spend.unit, place)


def _wish(found: Target, spend: Spend, now: datetime) -> PostingHeader:
    cause = spend.cause.shown(found.card_id)
    return causes.header("redemption", found.holder.programme_id, cause, now)


def capture(session: Session, hold: Hold, amount: Amount | None, now: datetime) -> Movement:
    """Spend what was held, or a part of it; the rest is free again. Raises `HoldClosed`,
    `HoldExpired`, `CaptureTooLarge`, and for money what `Unit.points` does."""
    holder = accounts.holder_of(session, hold.account_id)
    unit = units.by_id(session, holder.unit_id)
    points = hold.amount if amount is None else unit.points(amount)
    wish = PostingHeader(
        holder.programme_id,
        "redemption",
        now,
        hold.reason,
        hold.receipt,
        hold.store,
        hold.promotion,
        hold.card_id,
    )
    with unit.told():
        posted = holds.capture(
            session, holder, hold, wish, points, [PointsRedeemed(holder.member_id)], now
        )
    member = members.by_id(session, holder.member_id)
    return Movement(member, posted.public_id, points, unit, posted.balances[holder.account_id])


def release(session: Session, hold: Hold, now: datetime) -> Balance:
    """Make held points free again. Raises `HoldClosed`."""
    holder = accounts.holder_of(session, hold.account_id)
    balance = holds.release(session, holder, hold, now)
    outbox.append(session, [PointsHeld(holder.member_id)], now)
    return balance
