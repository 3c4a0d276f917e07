"""Points between members: a gift, a household that shares one account, two members who are one
person. All by postings; the points keep their dates and the history stays where it was."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from ledger import members, outbox, units
from ledger.accruals import UNTOLD, Cause, Done, order
from ledger.book import accounts, postings
from ledger.book.accounts import Chart
from ledger.errors import MemberMergedAway, OtherProgramme, PooledMember, SameMember
from ledger.events import MemberChanged, PointsMoved
from ledger.members import Member
from ledger.money import Amount


@dataclass(frozen=True, slots=True)
class Gift:
    """Points that go from one member to another."""

    points: Amount
    cause: Cause = UNTOLD
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A transfer, with the balances of both sides right after it."""

    giver: Done
    taker: Done


def transfer(session: Session, giver: Member, taker: Member, gift: Gift, now: datetime) -> Given:
    """Raises `InsufficientPoints`, `BalanceTooLarge`, `SameMember`, `OtherProgramme`,
    `UnknownUnit`, and for money what `Unit.points` does."""
    _check(giver, taker)
    unit = units.named(session, giver.programme_id, gift.unit)
    points = unit.points(gift.points)
    ours = accounts.chart(session, giver.programme_id, unit.id, giver.holder)
    theirs = accounts.chart(session, giver.programme_id, unit.id, taker.holder)
    with unit.told():
        posted = postings.transfer(
            session,
            ours,
            theirs,
            order("transfer", giver.programme_id, gift.cause, now),
            points,
            [PointsMoved(giver.holder), PointsMoved(taker.holder)],
            now,
        )
    return Given(
        Done(giver, posted.public_id, points, unit, posted.balances[ours.member]),
        Done(taker, posted.public_id, points, unit, posted.balances[theirs.member]),
    )


def join_household(session: Session, member: Member, head: Member, now: datetime) -> None:
    """From now on the member uses the accounts of `head`; what they had goes there. Raises
    `SameMember`, `OtherProgramme`, `PooledMember`, `HoldsOpen`, `BalanceTooLarge`."""
    _check(member, head)
    _require_single(session, member)
    if head.household_id is not None:
        raise PooledMember
    _move_all(session, member, head, now)
    _use_accounts_of(session, member, head.id)
    outbox.append(session, [MemberChanged(member.id), PointsMoved(head.id)], now)


def leave_household(session: Session, member: Member, now: datetime) -> None:
    """The member uses accounts of their own again, empty ones: what was shared stays."""
    _use_accounts_of(session, member, None)
    outbox.append(session, [MemberChanged(member.id)], now)


def merge(session: Session, member: Member, into: Member, now: datetime) -> None:
    """Two members are one person: points and debts of the first go to the second, who is meant from
    now on by every card, number and phone of either. Raises `SameMember`, `OtherProgramme`,
    `PooledMember`, `MemberMergedAway`, `HoldsOpen`, `BalanceTooLarge`."""
    _check(member, into)
    _require_single(session, member)
    _move_all(session, member, into, now)
    _use_accounts_of(session, member, into.holder)
    # Whoever was merged into the first before is one step away from the second, too.
    session.execute(
        update(Member)
        .where((Member.id == member.id) | (Member.merged_into_id == member.id))
        .values(merged_into_id=into.id)
    )
    outbox.append(session, [MemberChanged(member.id), MemberChanged(into.id)], now)


def _require_single(session: Session, member: Member) -> None:
    """Raises `PooledMember` if the member belongs to a household, or is the head of one."""
    sharing = [one for one in members.sharing(session, [member.id]) if one.merged_into_id is None]
    if member.household_id is not None or len(sharing) > 1:
        raise PooledMember


def _use_accounts_of(session: Session, member: Member, head_id: int | None) -> None:
    """The member, and everybody who was merged into them, use these accounts from now on; their own
    if there is no head."""
    session.execute(
        update(Member)
        .where(Member.merged_into_id == member.id)
        .values(household_id=member.id if head_id is None else head_id)
    )
    session.execute(update(Member).where(Member.id == member.id).values(household_id=head_id))


def _move_all(session: Session, member: Member, to: Member, now: datetime) -> None:
    for unit in units.of_programme(session, member.programme_id):
        if accounts.of_member(session, unit.id, member.id) is None:
            continue
        giver, taker = (_own_chart(session, one, unit.id) for one in (member, to))
        postings.merge(
            session, giver, taker, order("merge", member.programme_id, UNTOLD, now), (), now
        )


def _own_chart(session: Session, member: Member, unit_id: int) -> Chart:
    return accounts.chart(session, member.programme_id, unit_id, member.holder)


def _check(one: Member, other: Member) -> None:
    if one.holder == other.holder:
        raise SameMember
    if one.programme_id != other.programme_id:
        raise OtherProgramme
    for member in (one, other):
        if member.merged_into_id is not None:
            raise MemberMergedAway(member.public_id)
