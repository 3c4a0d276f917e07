"""Gifts: points that go from one member to another and keep their dates."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, postings
from ledger.book.accounts import AccountClosed
from ledger.events import PointsMoved
from ledger.money import Amount
from ledger.people import members
from ledger.people.members import Member
from ledger.points import causes, households, resolving
from ledger.points.causes import NO_CAUSE, Cause, Movement
from ledger.programmes import units


@dataclass(frozen=True, slots=True)
class Gift:
    """Points to be given to another member, of the main unit unless another is named."""

    points: Amount
    cause: Cause = NO_CAUSE
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Transferred:
    """A gift that was made: the same points and posting for both members, each with their
    balance."""

    giver: Movement
    taker: Movement


def transfer(
    session: Session, giver: Member, taker: Member, gift: Gift, now: datetime
) -> Transferred:
    """Move points from one member to another. Raises `MemberUnconfirmed` of the giver,
    `InsufficientPoints`, `BalanceTooLarge`, `SameMember`, `OtherProgramme`, `MemberErased`,
    `MemberMergedAway`, `UnknownUnit`, `DateOutOfRange`, and for money what `Unit.points` raises."""
    while True:
        try:
            return _transfer(session, giver, taker, gift, now)
        except AccountClosed:
            giver, taker = members.reread(session, giver), members.reread(session, taker)


def _transfer(
    session: Session, giver: Member, taker: Member, gift: Gift, now: datetime
) -> Transferred:
    households.check_pair(session, giver, taker)
    resolving.require_confirmed(giver)
    unit = units.named(session, giver.programme_id, gift.unit)
    points = unit.points(gift.points)
    ours = accounts.holder(session, giver.programme_id, unit.id, giver.holder_id)
    theirs = accounts.holder(session, giver.programme_id, unit.id, taker.holder_id)
    with unit.errors_in_money():
        posted = postings.transfer(
            session,
            ours,
            theirs,
            causes.header("transfer", giver.programme_id, gift.cause, now),
            points,
            [PointsMoved(giver.holder_id), PointsMoved(taker.holder_id)],
            now,
        )
    return Transferred(
        Movement(giver, posted.public_id, points, unit, posted.balances[ours.account_id]),
        Movement(
            taker,
            posted.public_id,
            points,
            unit,
            posted.balances[theirs.account_id],
            posted.debt_paid,
        ),
    )
