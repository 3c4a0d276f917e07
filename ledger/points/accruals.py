"""Points in: accruals, and other postings that give a member points."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from ledger.book import postings
from ledger.book.accounts import ProgrammeAccountKind
from ledger.book.drafts import NewLot, PostingKind, Term
from ledger.errors import DateOutOfRange, DatesOutOfOrder
from ledger.events import PointsAccrued
from ledger.money import Amount
from ledger.people.members import Member
from ledger.points import causes, resolving
from ledger.points.causes import NO_CAUSE, Cause, Movement
from ledger.points.resolving import Target, Whom
from ledger.programmes import base_terms
from ledger.programmes.earning import Rates
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class Grant:
    """Points to be given to a member, in the programme's main unit unless another is named; with
    None, as many as its purchase earns by the base programme. Without `activates_at` they are
    active at once; without `expires_at` they live as long as the unit's terms say."""

    points: Amount | None
    cause: Cause = NO_CAUSE
    activates_at: datetime | None = None
    expires_at: datetime | None = None
    unit: str | None = None

    def pieces(self, unit: Unit, rates: Callable[[], Rates | None]) -> int:
        """How many points that is, as the book counts them. `rates` are asked for only where the
        purchase says it. Raises what `Unit.points` and `base_terms.earned` raise."""
        if self.points is not None:
            return unit.points(self.points)
        return base_terms.earned(rates(), self.cause.purchase)


def grant(
    session: Session,
    whom: Whom | Member,
    grant: Grant,
    now: datetime,
    *,
    kind: PostingKind = "accrual",
    source: ProgrammeAccountKind = "issued",
) -> Movement:
    """Give points to a member, with the event of it. `source` is the programme's account that they
    come from. Raises `BalanceTooLarge`, `DatesOutOfOrder`, `DateOutOfRange`, what
    `resolving.with_target` and `Grant.pieces` raise, and for a purchase what `causes.paid`
    raises."""

    def credit(target: Target) -> Movement:
        unit, holder = target.unit, target.holder
        points = grant.pieces(unit, partial(base_terms.rates, session, unit))
        lot = NewLot(points, term(target.zone, unit, grant, now))
        with unit.errors_in_money():
            posted = postings.credit(
                session,
                holder,
                causes.header(
                    kind,
                    holder.programme_id,
                    grant.cause.with_card(target.card_id),
                    now,
                    unit=unit,
                ),
                lot,
                [PointsAccrued(holder.member_id)],
                now,
                source=source,
            )
        balance = posted.balances[holder.account_id]
        return Movement(
            target.member, posted.public_id, lot.amount, unit, balance, posted.debt_paid
        )

    return resolving.with_target(session, whom, grant.unit, credit, now)


def term(zone: str, unit: Unit, grant: Grant, now: datetime) -> Term:
    """When granted points become active and run out, by the calendar of the programme's zone.
    Raises `DatesOutOfOrder`, `DateOutOfRange`."""
    activates_at = grant.activates_at or now
    expires_at = grant.expires_at or unit.expiry(activates_at, zone)
    causes.check_range(activates_at=activates_at, expires_at=expires_at)
    if expires_at <= now and grant.expires_at is None:
        raise DateOutOfRange("activates_at", now - timedelta(days=unit.live_days or 0))
    if expires_at <= now:
        raise DatesOutOfOrder("now", "expires_at")
    if expires_at <= activates_at:
        raise DatesOutOfOrder("activates_at", "expires_at")
    return Term(activates_at, expires_at)
