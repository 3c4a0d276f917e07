"""Points out: spent at once, or held first and captured when the sale is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ledger.book import accounts, holds, postings
from ledger.book.accounts import Balance
from ledger.book.drafts import PostingHeader
from ledger.book.holds import Hold, Placed
from ledger.database import outbox
from ledger.events import PointsHeld, PointsRedeemed
from ledger.money import Amount, Money
from ledger.people import members
from ledger.people.members import Member
from ledger.points import causes, resolving
from ledger.points.causes import NO_CAUSE, Cause, Movement
from ledger.points.resolving import Target, Whom
from ledger.programmes import units

HOLD_FOR = timedelta(minutes=30)  # how long a hold lasts unless the caller says otherwise


@dataclass(frozen=True, slots=True)
class Spend:
    """Points that a member pays with, and what for; of the main unit unless another is named.
    `by_shop`: no member spends, but people of the shop put a balance right."""

    points: Amount
    cause: Cause = NO_CAUSE
    unit: str | None = None
    by_shop: bool = False

    def require_allowed(self, member: Member) -> None:
        """Raises `MemberUnconfirmed` where this member may not spend."""
        if not self.by_shop:
            resolving.require_confirmed(member)


def redeem(session: Session, whom: Whom | Member, spend: Spend, now: datetime) -> Movement:
    """Spend points, soonest expiry first, with the event of it. Raises `MemberUnconfirmed`,
    `InsufficientPoints`, `DateOutOfRange`, what `resolving.with_target` raises, for money what
    `Unit.points` raises, and for a purchase what `causes.paid` raises."""

    def debit(target: Target) -> Movement:
        spend.require_allowed(target.member)
        unit, holder = target.unit, target.holder
        points, header = unit.points(spend.points), _header(target, spend, now)
        with unit.errors_in_money():
            news = [PointsRedeemed(holder.member_id)]
            posted = postings.debit(session, holder, header, points, news, now)
        return Movement(
            target.member, posted.public_id, points, unit, posted.balances[holder.account_id]
        )

    return resolving.with_target(session, whom, spend.unit, debit, now)


def hold(
    session: Session, whom: Whom | Member, spend: Spend, lasts: timedelta, now: datetime
) -> Placed:
    """Set points aside for a sale, for as long as it `lasts`. Raises `MemberUnconfirmed`,
    `InsufficientPoints`, `DateOutOfRange`, what `resolving.with_target` raises, and for money what
    `Unit.points` raises."""

    def place(target: Target) -> Placed:
        spend.require_allowed(target.member)
        unit, holder = target.unit, target.holder
        points, header = unit.points(spend.points), _header(target, spend, now)
        with unit.errors_in_money():
            placed = holds.place(session, holder, header, points, now + lasts, now)
        outbox.append(session, [PointsHeld(holder.member_id)], now)
        return placed

    return resolving.with_target(session, whom, spend.unit, place, now)


def _header(target: Target, spend: Spend, now: datetime) -> PostingHeader:
    cause = spend.cause.with_card(target.card_id)
    programme_id = target.holder.programme_id
    return causes.header("redemption", programme_id, cause, now, unit=target.unit)


def capture(
    session: Session,
    hold: Hold,
    amount: Amount | None,
    now: datetime,
    *,
    purchase: Money | None = None,
) -> Movement:
    """Spend what was held, or `amount` of it; the rest is free again. `purchase`: what was paid
    besides. Raises `HoldClosed`, `HoldExpired`, `CaptureTooLarge`, for money what `Unit.points`
    raises, and for a purchase what `causes.paid` raises."""
    holder = accounts.holder_of(session, hold.account_id)
    unit = units.by_id(session, holder.unit_id)
    points = hold.amount if amount is None else unit.points(amount)
    header = PostingHeader(
        holder.programme_id,
        "redemption",
        now,
        hold.reason,
        hold.receipt,
        hold.store,
        hold.promotion,
        hold.card_id,
        paid=causes.paid(purchase, unit),
    )
    with unit.errors_in_money():
        posted = holds.capture(
            session, holder, hold, header, points, [PointsRedeemed(holder.member_id)], now
        )
    member = members.by_id(session, holder.member_id)
    return Movement(member, posted.public_id, points, unit, posted.balances[holder.account_id])


def release(session: Session, hold: Hold, now: datetime) -> Balance:
    """Make held points free again. Raises `HoldClosed`."""
    holder = accounts.holder_of(session, hold.account_id)
    balance = holds.release(session, holder, hold, now)
    outbox.append(session, [PointsHeld(holder.member_id)], now)
    return balance
