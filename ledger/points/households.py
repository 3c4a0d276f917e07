"""Whose accounts a member uses: their own, those of the head of their household, or those of the
member they were merged into. Their points go there by postings; the dates and the history stay.

A change of this locks the members first and their accounts after them. Accounts that a member does
not use are closed (`accounts.close`): a transaction that looked up the accounts before the change
cannot post to them after it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.book import accounts, balances, postings
from ledger.book.accounts import Account, BalanceRow
from ledger.database import outbox
from ledger.errors import (
    HoldsOpen,
    MemberErased,
    MemberMergedAway,
    OtherProgramme,
    PooledMember,
    SameMember,
)
from ledger.events import MemberChanged, MemberMerged, PointsMoved
from ledger.offers import offers
from ledger.people import members
from ledger.people.members import Member
from ledger.points import causes
from ledger.points.causes import NO_CAUSE
from ledger.programmes import units


def join(session: Session, member: Member, head: Member, now: datetime) -> int:
    """From now on the member uses the accounts of `head`, and what they had is moved there. Returns
    how much of a debt was paid so, in the programme's main unit. Raises `SameMember`,
    `OtherProgramme`, `MemberErased`, `MemberMergedAway`, `PooledMember`, `HoldsOpen`,
    `BalanceTooLarge`."""
    member, head = _locked(session, member, head)
    check_pair(session, member, head)
    _require_single(session, member)
    if head.household_id is not None:
        raise PooledMember
    debt_paid = _move_all(session, member, head.id, now)
    _use_accounts_of(session, member, head.id)
    outbox.append(session, [MemberChanged(member.id), PointsMoved(head.id)], now)
    return debt_paid


def leave(session: Session, member: Member, now: datetime) -> None:
    """The member uses their own accounts again, which are empty: what was shared stays with the
    head. Raises `MemberErased`, `MemberMergedAway`."""
    (member,) = _locked(session, member)
    _require_present(session, member)
    _use_accounts_of(session, member, None)
    outbox.append(session, [MemberChanged(member.id)], now)


def merge(session: Session, member: Member, into: Member, now: datetime) -> int:
    """Two members are one person. Points and debts of `member` go to `into`; from now on every
    card, phone number and other name of either means `into`, who is confirmed if either was:
    whoever merges them says that they are one person. Returns what `join` does. Raises
    `SameMember`, `OtherProgramme`, `MemberErased`, `MemberMergedAway`, `PooledMember`, `HoldsOpen`,
    `BalanceTooLarge`."""
    member, into = _locked(session, member, into)
    check_pair(session, member, into)
    _require_single(session, member)
    debt_paid = _move_all(session, member, into.holder_id, now)
    _use_accounts_of(session, member, into.holder_id)
    # Members who were merged into the first before now point to the second, without a step between.
    session.execute(
        update(Member)
        .where((Member.id == member.id) | (Member.merged_into_id == member.id))
        .values(merged_into_id=into.id)
    )
    if not (member.unconfirmed and into.unconfirmed):
        members.mark_confirmed(session, into)
    offers.hand_on(session, member.id, into.id)
    changed = (MemberChanged(member.id), MemberMerged(member.id, into.id), MemberChanged(into.id))
    outbox.append(session, [*changed, PointsMoved(into.holder_id)], now)
    return debt_paid


def dissolve(session: Session, member: Member) -> None:
    """An erased member leaves their household. The caller has locked the member and all members who
    were merged into them."""
    _use_accounts_of(session, member, None)


def check_pair(session: Session, one: Member, other: Member) -> None:
    """Raises `SameMember` for two members who use the same accounts, `OtherProgramme`,
    `MemberErased`, `MemberMergedAway`."""
    if one.holder_id == other.holder_id:
        raise SameMember
    if one.programme_id != other.programme_id:
        raise OtherProgramme
    for member in (one, other):
        _require_present(session, member)


def _require_present(session: Session, member: Member) -> None:
    if member.erased_at is not None:
        raise MemberErased
    if member.merged_into_id is not None:
        raise MemberMergedAway(session.get_one(Member, member.merged_into_id).public_id)


def _locked(session: Session, *wanted: Member) -> list[Member]:
    """These members, read anew and locked with all members who were merged into them, in ascending
    order. Until the transaction ends no other can merge them, change their household, or open an
    account for them."""
    ids = [one.id for one in wanted]
    group = select(Member.id).where(Member.id.in_(ids) | Member.merged_into_id.in_(ids))
    members.lock(session, session.scalars(group).all())
    return [members.reread(session, one) for one in wanted]


def _require_single(session: Session, member: Member) -> None:
    """Raises `PooledMember` if the member belongs to a household, or is the head of one."""
    shared_with = select(Member.id).where(
        Member.household_id == member.id, Member.merged_into_id.is_(None)
    )
    if member.household_id is not None or session.scalars(shared_with.limit(1)).first() is not None:
        raise PooledMember


def _use_accounts_of(session: Session, member: Member, head_id: int | None) -> None:
    """The member, and all who were merged into them, use these accounts from now on; without a
    head, the member's own."""
    session.execute(
        update(Member)
        .where(Member.merged_into_id == member.id)
        .values(household_id=member.id if head_id is None else head_id)
    )
    session.execute(update(Member).where(Member.id == member.id).values(household_id=head_id))
    if head_id is None:
        accounts.reopen(session, member.id)
    else:
        accounts.close(session, [member.id])


def _move_all(session: Session, member: Member, holder_id: int, now: datetime) -> int:
    debt_paid = 0
    for unit in units.of_programme(session, member.programme_id):
        account_id = accounts.account_id_of(session, unit.id, member.id)
        if account_id is not None:
            paid = _move(session, account_id, holder_id, now)
            debt_paid += paid if unit.main else 0
    return debt_paid


def _move(session: Session, account_id: int, holder_id: int, now: datetime) -> int:
    giver = accounts.holder_of(session, account_id)
    taker = accounts.holder(session, giver.programme_id, giver.unit_id, holder_id)
    moved = causes.header("merge", giver.programme_id, NO_CAUSE, now)
    return postings.merge(session, giver, taker, moved, (), now)


# --- What was left behind ---------------------------------------------------------------------


def left_behind(session: Session) -> Sequence[int]:
    """Accounts that their owner does not use although something is held or owed on them."""
    return session.scalars(
        select(Account.id)
        .join(Member, Member.id == Account.member_id)
        .join(BalanceRow, BalanceRow.account_id == Account.id)
        .where(
            Member.household_id.is_not(None),
            (BalanceRow.available > 0)
            | (BalanceRow.pending > 0)
            | (BalanceRow.held > 0)
            | (BalanceRow.debt > 0),
        )
        .order_by(Account.id)
    ).all()


def bring_home(session: Session, account_id: int, now: datetime) -> int | None:
    """Move what was left on an account to the account that its owner uses. Returns how many points
    were moved, less those owed; None while a hold is open on it, 0 if the owner uses this very
    account. Raises `BalanceTooLarge`."""
    owner_id = accounts.holder_of(session, account_id).member_id
    (owner,) = _locked(session, session.get_one(Member, owner_id))
    if owner.household_id is None:
        return 0
    accounts.close(session, [owner.id])
    before = balances.of_account(session, account_id, now)
    try:
        _move(session, account_id, owner.household_id, now)
    except HoldsOpen:
        return None
    outbox.append(session, [PointsMoved(owner.household_id)], now)
    return before.total - before.debt


def untangle(session: Session, now: datetime) -> Sequence[int]:
    """Repair members who were merged in a circle, or into a member who was merged into a third, at
    the same moment. Afterwards each is one step away from the member who stands for them; in a
    circle that is the one who joined first. Households are repaired in the same way. Returns the
    ids of members who were changed."""
    tangled = session.scalars(
        select(Member)
        .where(Member.household_id.is_not(None) | Member.merged_into_id.is_not(None))
        .order_by(Member.id)
        .with_for_update(key_share=True)
    ).all()
    merged = {one.id: one.merged_into_id for one in tangled}
    pooled = {one.id: one.household_id or one.merged_into_id for one in tangled}
    changed = []
    for one in tangled:
        into, head = _end_of(merged, one.id), _end_of(pooled, one.id)
        right = (into if into != one.id else None, head if head != one.id else None)
        if right != (one.merged_into_id, one.household_id):
            one.merged_into_id, one.household_id = right
            changed.append(one)
    session.flush()
    for one in changed:
        if one.household_id is None:
            accounts.reopen(session, one.id)
        else:
            accounts.close(session, [one.id])
    outbox.append(session, [MemberChanged(one.id) for one in changed], now)
    return [one.id for one in changed]


def _end_of(step: Mapping[int, int | None], first: int) -> int:
    """The member to whom these steps lead; in a circle the one with the lowest id."""
    path = [first]
    while (following := step.get(path[-1])) is not None:
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)
    return path[-1]
