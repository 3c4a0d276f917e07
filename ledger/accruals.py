"""Points in."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import resolving
from ledger.book import postings
from ledger.book.accounts import Balance, ProgrammeAccountKind
from ledger.book.drafts import NewLot, PostingHeader, PostingKind, Term
from ledger.errors import DateOutOfRange, DatesOutOfOrder
from ledger.events import PointsAccrued
from ledger.limits import EARLIEST, LATEST, NEVER
from ledger.money import Amount
from ledger.people.members import Member
from ledger.programmes.units import Unit
from ledger.resolving import Target, Whom


@dataclass(frozen=True, slots=True)
class Cause:
    """Why points move, in the shop's own words: a sentence, the number of a receipt, the names of a
    store and of a promotion, the card that was shown, and when it happened."""

    reason: str | None = None
    receipt: str | None = None
    occurred_at: datetime | None = None
    store: str | None = None
    promotion: str | None = None
    card_id: int | None = None

    def shown(self, card_id: int | None) -> "Cause":
        """The same, with the card that was shown, if one was."""
        return self if card_id is None else replace(self, card_id=card_id)


UNTOLD = Cause()


@dataclass(frozen=True, slots=True)
class Grant:
    """Points for a member, of the programme's main unit unless one is named. Without `activates_at`
    they are active at once; without `expires_at` they live as long as the unit's terms say."""

    points: Amount
    cause: Cause = UNTOLD
    activates_at: datetime | None = None
    expires_at: datetime | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A posting of so many points of a unit to a member, and their balance right after it."""

    member: Member
    posting_id: str
    points: int
    unit: Unit
    balance: Balance


def grant(
    session: Session,
    whom: Whom | Member,
    grant: Grant,
    now: datetime,
    *,
    kind: PostingKind = "accrual",
    source: ProgrammeAccountKind = "issued",
) -> Done:
    """Raises `BalanceTooLarge`, `DatesOutOfOrder`, `DateOutOfRange`, what `resolving.with_target`
    does, and for money what `Unit.points` does."""

    def credit(found: Target) -> Done:
        unit, holder = found.unit, found.holder
        lot = NewLot(unit.points(grant.points), term(found.zone, unit, grant, now))
        with unit.told():
            posted = postings.credit(
                session,
                holder,
                order(kind, holder.programme_id, grant.cause.shown(found.card_id), now),
                lot,
                [PointsAccrued(holder.member_id)],
                now,
                source=source,
            )
        balance = posted.balances[holder.account_id]
        return Done(found.member, posted.public_id, lot.amount, unit, balance)

    return resolving.with_target(session, whom, grant.unit, credit)


def term(zone: str, unit: Unit, grant: Grant, now: datetime) -> Term:
    """When granted points become active and run out, by the calendar of the programme's zone.
    Raises `DatesOutOfOrder`, `DateOutOfRange`."""
    activates_at = grant.activates_at or now
    expires_at = grant.expires_at or unit.expiry(activates_at, zone)
    check_range(activates_at=activates_at, expires_at=expires_at)
    if expires_at <= activates_at:
        raise DatesOutOfOrder("activates_at", "expires_at")
    if expires_at <= now:
        raise DatesOutOfOrder("now", "expires_at")
    return Term(activates_at, expires_at)


def order(kind: PostingKind, programme_id: int, cause: Cause, now: datetime) -> PostingHeader:
    """What is to be posted, and why. Raises `DateOutOfRange`."""
    check_range(occurred_at=cause.occurred_at)
    return PostingHeader(
        programme_id,
        kind,
        cause.occurred_at or now,
        cause.reason,
        cause.receipt,
        cause.store,
        cause.promotion,
        cause.card_id,
    )


def check_range(**moments: datetime | None) -> None:
    """Raises `DateOutOfRange` for a moment that can only be a mistake."""
    for name, moment in moments.items():
        if moment is not None and moment != NEVER and not EARLIEST <= moment < LATEST:
            raise DateOutOfRange(name)
