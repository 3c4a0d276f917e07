"""Corrections: another posting undoes what was posted, on the programme's terms."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ledger.book import reversals
from ledger.book.accounts import AccountClosed, Balance
from ledger.book.journal import Posting
from ledger.book.purchases import TakenBack
from ledger.book.reversals import Side, Undoing
from ledger.errors import NotReversible
from ledger.events import PointsReversed
from ledger.money import Amount
from ledger.points import causes
from ledger.points.causes import NO_CAUSE, Cause
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class Reversal:
    """How many points of a posting to undo (None: all that is left of it), and why. `expires_at`:
    points that come back after they ran out live until then, instead of the programme's days of
    grace."""

    points: Amount | None = None
    cause: Cause = NO_CAUSE
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """A reversal: how many points it undid, the balance of each holder it concerns, by member id,
    and what became of the purchase, if there is one."""

    posting_id: str
    points: int
    unit: Unit
    balances: dict[int, Balance]
    purchase: TakenBack | None = None


def reverse(session: Session, posting: Posting, wish: Reversal, now: datetime) -> Undone:
    """Undo a posting, in whole or in part, on the accounts that its members use now. Raises
    `NotReversible`, `AlreadyReversed`, `ReversalTooLarge`, `PointsSpent`, `BalanceTooLarge`,
    `DatesOutOfOrder`, `DateOutOfRange`, and for money what `Unit.points` raises."""
    programme = programmes.by_id(session, posting.programme_id)
    causes.check_range(expires_at=wish.expires_at)
    reversals.lock(session, posting)
    while True:
        try:
            sides = reversals.sides_of(session, posting)
            return _reverse(session, programme, posting, sides, wish, now)
        except AccountClosed:
            continue


def _reverse(
    session: Session,
    programme: Programme,
    posting: Posting,
    sides: Sequence[Side],
    wish: Reversal,
    now: datetime,
) -> Undone:
    if not sides:
        raise NotReversible(posting.kind)
    grace = timedelta(days=programme.grace_days)
    undoing = Undoing(
        returns_until=wish.expires_at or (now + grace if grace else None),
        may_owe=programme.overdrawn == "debt",
    )
    holders = [side.holder for side in sides]
    unit = units.by_id(session, holders[0].unit_id)
    amount = None if wish.points is None else unit.points(wish.points)
    wanted = replace(
        causes.header("reversal", programme.id, wish.cause, now),
        receipt=wish.cause.receipt or posting.receipt,
        store=wish.cause.store or posting.store,
        promotion=wish.cause.promotion or posting.promotion,
    )
    events = [PointsReversed(holder.member_id) for holder in holders]
    with unit.errors_in_money():
        done = reversals.reverse(session, posting, sides, wanted, amount, undoing, events, now)
    return Undone(
        done.posted.public_id,
        done.points,
        unit,
        {holder.member_id: done.posted.balances[holder.account_id] for holder in holders},
        done.purchase,
    )
