"""Reversals: a posting that undoes another, in whole or in part. Nothing is ever edited.

Spent points return into the lots they came from. Earned points are taken back from the lot that the
posting made. Points of it that ran out count as taken back already. Points of it that were spent
are taken from the member's other points; if those do not suffice, the rest becomes a debt or the
reversal is refused, as the programme decides.

A part is undone from the end: of several lots, the one that lives longest is undone first. So the
sum of what was undone before is enough to know which parts those were.

Since the posting was made, its member may have been merged into another, or have joined or left a
household. It is undone on the account that they use now. Points are taken back from wherever they
were moved to; points whose lots are on another account come back as new lots with the old dates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from ledger.book import accounts, lots, postings, purchases
from ledger.book.accounts import Account, Balance, Holder
from ledger.book.drafts import (
    DebtLeg,
    Leg,
    MemberLeg,
    NewLot,
    PostingDraft,
    PostingHeader,
    ProgrammeLeg,
)
from ledger.book.journal import Entry, Posting
from ledger.book.lots import Lot, LotMove, OpenLot
from ledger.book.postings import Posted
from ledger.book.purchases import TakenBack
from ledger.errors import (
    AlreadyReversed,
    BalanceTooLarge,
    DatesOutOfOrder,
    NotReversible,
    PointsSpent,
    ReversalTooLarge,
    UnknownPosting,
)
from ledger.events import Event
from ledger.limits import MOST_POINTS
from ledger.people.members import Member

REVERSIBLE = frozenset({"accrual", "gift", "opening", "redemption", "transfer", "expiry"})


@dataclass(frozen=True, slots=True)
class Undoing:
    """How a reversal is done. `returns_until`: points that come back after they ran out live until
    then; without it they keep their old dates and run out again at once. `may_owe`: points that
    cannot be taken back become a debt."""

    returns_until: datetime | None
    may_owe: bool


@dataclass(frozen=True, slots=True)
class Original:
    """A posting to be undone. It moved `amount` points; `undone` of them were undone before."""

    posting: Posting
    amount: int
    undone: int

    @property
    def left(self) -> int:
        """How many points can still be undone."""
        return self.amount - self.undone


@dataclass(frozen=True, slots=True)
class Reversed:
    """A reversal: its posting, how many points it undid, and what became of the purchase, if the
    original posting belongs to one."""

    posted: Posted
    points: int
    purchase: TakenBack | None


@dataclass(frozen=True, slots=True)
class Side:
    """A member account that a posting touched, and the accounts that its owner uses now."""

    account_id: int
    holder: Holder

    @property
    def has_moved(self) -> bool:
        """Whether the owner uses another account now than the one that was posted to."""
        return self.account_id != self.holder.account_id


def find(session: Session, public_id: str) -> Posting:
    """The posting with this public id. Raises `UnknownPosting`."""
    posting = session.scalar(select(Posting).where(Posting.public_id == public_id))
    if posting is None:
        raise UnknownPosting
    return posting


def lock(session: Session, posting: Posting) -> None:
    """Nobody else undoes the posting until the transaction ends. The accounts are no help for that:
    who leaves a household meanwhile uses others, and no account says so."""
    session.execute(select(Posting.id).where(Posting.id == posting.id).with_for_update())


def sides_of(session: Session, posting: Posting) -> list[Side]:
    """The member accounts that a posting touched, by ascending account id, each with the accounts
    that its owner uses now. Raises `AccountClosed`."""
    touched = session.execute(
        select(
            Account.id,
            Account.programme_id,
            Account.unit_id,
            func.coalesce(Member.household_id, Member.id).label("holder_id"),
        )
        .join(Entry, Entry.account_id == Account.id)
        .join(Member, Member.id == Account.member_id)
        .where(Entry.posting_id == posting.id, Account.kind == accounts.MEMBER)
        .order_by(Account.id)
    )
    return [
        Side(row.id, accounts.holder(session, row.programme_id, row.unit_id, row.holder_id))
        for row in touched.all()
    ]


def reverse(
    session: Session,
    posting: Posting,
    sides: Sequence[Side],
    header: PostingHeader,
    amount: int | None,
    undoing: Undoing,
    events: Iterable[Event],
    now: datetime,
) -> Reversed:
    """Undo `amount` points of a posting, or all that is left if it is None; of a purchase, as much
    as belongs to them.

    Raises `NotReversible`, `AlreadyReversed`, `ReversalTooLarge`, `PointsSpent`,
    `BalanceTooLarge`, `DatesOutOfOrder`, and `AccountClosed`: then the caller asks for `sides_of`
    the posting again."""
    holders = [side.holder for side in sides]
    # Giver and taker of a gift may use one account by now: then the gift cannot go back.
    if posting.kind not in REVERSIBLE or not 0 < len({one.account_id for one in holders}) == len(
        sides
    ):
        raise NotReversible(posting.kind)
    if undoing.returns_until is not None and undoing.returns_until <= now:
        raise DatesOutOfOrder("now", "expires_at")
    if posting.kind == "expiry" and undoing.returns_until is None:
        raise NotReversible(posting.kind)
    postings.lock_open(session, [holder.account_id for holder in holders])
    balances = {holder.account_id: postings.settle(session, holder, now) for holder in holders}
    original = _original(session, posting)
    if original.left == 0:
        raise AlreadyReversed
    if amount is None:
        amount = original.left
    if not 0 < amount <= original.left:
        raise ReversalTooLarge(amount, original.left)
    # The caller has locked the posting, so what was undone of it cannot grow now.
    legs: list[Leg] = []
    for side in sides:
        balance = balances[side.holder.account_id]
        if _entry(session, posting, side.account_id) < 0:
            legs += _give_back(session, side, balance, original, amount, undoing, now)
        else:
            legs += _take_back(session, side, balance, original, amount, undoing)
    legs += _counterparts(session, posting, amount)
    purchase = purchases.take_back(
        session, posting.programme_id, posting.id, original.amount, original.undone, amount
    )
    header = replace(
        header,
        reverses_id=posting.id,
        undoes=amount,
        paid=None if purchase is None else purchase.paid,
    )
    draft = PostingDraft(header, _summed(legs))
    after = postings.put(session, [draft], events, now)
    for holder in holders:
        after[holder.account_id] = postings.settle(session, holder, now)
        after[holder.account_id] = postings.repay(session, holder, after[holder.account_id], now)
    return Reversed(Posted(draft.public_id, after), amount, purchase)


def _original(session: Session, posting: Posting) -> Original:
    moved = session.scalar(
        select(func.sum(Entry.amount)).where(Entry.posting_id == posting.id, Entry.amount > 0)
    )
    undone = session.scalar(
        select(func.sum(Posting.undoes)).where(Posting.reverses_id == posting.id)
    )
    return Original(posting, int(moved or 0), int(undone or 0))


def _entry(session: Session, posting: Posting, account_id: int) -> int:
    return session.scalars(
        select(Entry.amount).where(Entry.posting_id == posting.id, Entry.account_id == account_id)
    ).one()


def _give_back(
    session: Session,
    side: Side,
    balance: Balance,
    original: Original,
    amount: int,
    undoing: Undoing,
    now: datetime,
) -> list[Leg]:
    """Points return into the lots that the posting took them from. If those lots are on an account
    that the member does not use now, the points come back as new lots."""
    if balance.total + amount > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    parts = _from_the_end(
        lots.taken_by(session, original.posting.id, side.account_id), original.undone, amount
    )
    if side.has_moved:
        new_lots = [_again(lot, part, undoing, now) for lot, part in parts]
        return [MemberLeg(side.holder.account_id, new_lots=new_lots)]
    late = [lot.lot_id for lot, _ in parts if lot.term.expires_at <= now]
    if late and undoing.returns_until is not None:
        lots.prolong(session, late, undoing.returns_until)
    # The lots may have run out or not be active yet: the account is settled after the posting.
    accounts.change(session, side.account_id, next_change_at=now)
    return [MemberLeg(side.account_id, withdrawals=[lot.withdraw(-part) for lot, part in parts])]


def _again(lot: OpenLot, part: int, undoing: Undoing, now: datetime) -> NewLot:
    """Points of this lot as a new lot, with the dates that they would have in the old one."""
    term = lot.term
    if term.expires_at <= now and undoing.returns_until is not None:
        term = replace(term, expires_at=undoing.returns_until)
    return NewLot(part, term, lot.origin_id)


def _take_back(
    session: Session,
    side: Side,
    balance: Balance,
    original: Original,
    amount: int,
    undoing: Undoing,
) -> list[Leg]:
    """Points leave the lots that the posting made, wherever a merge or a household moved them. What
    is not there any more ran out, is taken from other lots, or becomes a debt."""
    holder = side.holder
    made = lots.made_by(session, original.posting.id, side.account_id)
    there = lots.coming_from(session, [lot.lot_id for lot in made], holder.account_id)
    withdrawals = [
        now_in.withdraw(share)
        for lot, part in _from_the_end([(lot, lot.amount) for lot in made], original.undone, amount)
        for now_in, share in lots.allocate(there[lot.lot_id], part)
    ]
    missing = amount - sum(one.amount for one in withdrawals)
    legs: list[Leg] = []
    gone = min(missing, _expired(session, holder, original, made))
    if gone:
        legs.append(ProgrammeLeg(accounts.programme_account(session, holder, "expired"), -gone))
        missing -= gone
    if missing:
        touched = {one.lot_id for one in withdrawals}
        others = (
            one for one in lots.spendable(session, holder.account_id) if one.lot_id not in touched
        )
        spare = [lot.withdraw(part) for lot, part in lots.allocate(others, missing)]
        withdrawals += spare
        missing -= sum(one.amount for one in spare)
    if missing:
        if not undoing.may_owe:
            raise PointsSpent(missing)
        if balance.debt + missing > MOST_POINTS:
            raise BalanceTooLarge(MOST_POINTS)
        legs.append(DebtLeg(accounts.debt_account(session, holder), holder.account_id, -missing))
    return [MemberLeg(holder.account_id, withdrawals=withdrawals), *legs]


def _counterparts(session: Session, posting: Posting, amount: int) -> list[Leg]:
    """The legs on the programme's own accounts, with the sign turned."""
    rows = session.execute(
        select(Entry.account_id, Entry.amount)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.posting_id == posting.id, Account.member_id == accounts.NO_OWNER)
    )
    return [ProgrammeLeg(row.account_id, -amount if row.amount > 0 else amount) for row in rows]


def _from_the_end(
    parts: Sequence[tuple[OpenLot, int]], skip: int, amount: int
) -> list[tuple[OpenLot, int]]:
    """`amount` points out of these parts, from the last part backwards, after the first `skip`
    points, which were undone before."""
    found: list[tuple[OpenLot, int]] = []
    for lot, size in reversed(parts):
        skipped = min(skip, size)
        skip -= skipped
        part = min(size - skipped, amount)
        if part:
            found.append((lot, part))
            amount -= part
    if amount:
        raise AssertionError("a posting has fewer lots than points")
    return found


def _expired(session: Session, holder: Holder, original: Original, made: Sequence[OpenLot]) -> int:
    """How many of the points that were in these lots at first ran out, less those that earlier
    reversals have counted as taken back."""
    cause = aliased(Posting)
    origins = [lot.lot_id for lot in made]
    ran_out = session.scalar(
        select(func.sum(LotMove.amount))
        .join(Posting, Posting.id == LotMove.posting_id)
        .join(Lot, Lot.id == LotMove.lot_id)
        .outerjoin(cause, cause.id == Posting.reverses_id)
        .where(
            or_(Lot.id.in_(origins), Lot.origin_id.in_(origins)),
            (Posting.kind == "expiry") | (cause.kind == "expiry"),
        )
    )
    counted = session.scalar(
        select(func.sum(Entry.amount))
        .join(Posting, Posting.id == Entry.posting_id)
        .where(
            Posting.reverses_id == original.posting.id,
            Entry.account_id == accounts.programme_account(session, holder, "expired"),
        )
    )
    return int(ran_out or 0) + int(counted or 0)


def _summed(legs: Sequence[Leg]) -> list[Leg]:
    """The same legs, with those on one account of the programme added up to one."""
    own: dict[int, int] = {}
    for leg in legs:
        if isinstance(leg, ProgrammeLeg):
            own[leg.account_id] = own.get(leg.account_id, 0) + leg.amount
    return [leg for leg in legs if not isinstance(leg, ProgrammeLeg)] + [
        ProgrammeLeg(account_id, amount) for account_id, amount in own.items()
    ]
