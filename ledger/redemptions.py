"""Points out: at once, or held first and captured when the sale is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ledger import outbox, units
from ledger.accruals import UNTOLD, Cause, Done, order
from ledger.book import accounts, holds, postings
from ledger.book.accounts import Balance, Chart
from ledger.book.holds import Hold, Placed
from ledger.book.journal import Order
from ledger.events import PointsHeld, PointsRedeemed
from ledger.members import Member
from ledger.money import Amount
from ledger.units import Unit

HOLD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Spend:
    """Points a member pays with, and what for."""

    points: Amount
    cause: Cause = UNTOLD
    unit: str | None = None


def redeem(session: Session, member: Member, spend: Spend, now: datetime) -> Done:
    """Spend points, soonest expiry first. Raises `InsufficientPoints`, `DateOutOfRange`,
    `UnknownUnit`, and for money what `Unit.points` does."""
    unit = units.named(session, member.programme_id, spend.unit)
    points, chart = unit.points(spend.points), _chart(session, member, unit)
    with unit.told():
        posted = postings.debit(
            session,
            chart,
            order("redemption", member.programme_id, spend.cause, now),
            points,
            [PointsRedeemed(member.holder)],
            now,
        )
    return Done(posted.public_id, points, unit, posted.balances[chart.member])


def hold(session: Session, member: Member, spend: Spend, lasts: timedelta, now: datetime) -> Placed:
    """Set points aside for a sale. Raises `InsufficientPoints`, `UnknownUnit`, and for money what
    `Unit.points` does."""
    unit = units.named(session, member.programme_id, spend.unit)
    points, chart = unit.points(spend.points), _chart(session, member, unit)
    wish = order("redemption", member.programme_id, spend.cause, now)
    with unit.told():
        placed = holds.place(session, chart, wish, points, now + lasts, now)
    outbox.append(session, [PointsHeld(member.holder)], now)
    return placed


def capture(session: Session, hold: Hold, amount: Amount | None, now: datetime) -> Done:
    """Spend what was held, or a part of it; the rest is free again. Raises `HoldClosed`,
    `HoldExpired`, `CaptureTooLarge`, and for money what `Unit.points` does."""
    chart = accounts.chart_of(session, hold.account_id)
    unit = units.by_id(session, chart.unit_id)
    points = hold.amount if amount is None else unit.points(amount)
    wish = Order(
        chart.programme_id,
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
            session, chart, hold, wish, points, [PointsRedeemed(chart.member_id)], now
        )
    return Done(posted.public_id, points, unit, posted.balances[chart.member])


def release(session: Session, hold: Hold, now: datetime) -> Balance:
    """Make held points free again. Raises `HoldClosed`."""
    chart = accounts.chart_of(session, hold.account_id)
    balance = holds.release(session, chart, hold, now)
    outbox.append(session, [PointsHeld(chart.member_id)], now)
    return balance


def _chart(session: Session, member: Member, unit: Unit) -> Chart:
    return accounts.chart(session, member.programme_id, unit.id, member.holder)
