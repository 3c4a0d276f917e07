"""What happens to points, account by account: they come in, go out, go to another member, become
active, or run out.

Each operation locks the accounts that it touches, settles them, decides every number and has the
journal write it. Operations that begin something raise `AccountClosed` if one of their accounts is
not used any more: then nothing was written to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, journal, lots
from ledger.book.accounts import AccountClosed, Balance, Holder, ProgrammeAccountKind
from ledger.book.drafts import (
    DebtLeg,
    Leg,
    MemberLeg,
    NewLot,
    PostingDraft,
    PostingHeader,
    ProgrammeLeg,
    Withdrawal,
)
from ledger.errors import BalanceTooLarge, HoldsOpen, InsufficientPoints
from ledger.events import Event
from ledger.limits import MOST_POINTS


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting that has been made, and the balances right after it by account id. `debt_paid`: how
    many of the points that came in by it paid a debt at once, by a posting of their own."""

    public_id: str
    balances: dict[int, Balance]
    debt_paid: int = 0


def credit(
    session: Session,
    holder: Holder,
    header: PostingHeader,
    lot: NewLot,
    events: Iterable[Event],
    now: datetime,
    *,
    source: ProgrammeAccountKind = "issued",
) -> Posted:
    """Points in, as a lot of their own, out of the programme's account `source`. A debt is paid
    from them at once. Raises `BalanceTooLarge`, `AccountClosed`.

    Nearly always nothing of the account is due and nothing is owed. Then one guarded statement does
    all the work, without reading the account first."""
    events = tuple(events)
    own = ProgrammeLeg(accounts.programme_account(session, holder, source), -lot.amount)
    draft = PostingDraft(header, [MemberLeg(holder.account_id, new_lots=[lot]), own])
    balances = journal.write(session, [draft], events, now, unless_due=True)
    if balances is None:
        balance = settle(session, holder, now)
        if balance.total + lot.amount > MOST_POINTS:
            raise BalanceTooLarge(MOST_POINTS)
        balances = journal.write(session, [draft], events, now)
        assert balances is not None  # noqa: S101 - unguarded, it always writes
        before = balances[holder.account_id]
        after = repay(session, holder, before, now)
        return Posted(draft.public_id, {holder.account_id: after}, before.debt - after.debt)
    return Posted(draft.public_id, balances)


def debit(
    session: Session,
    holder: Holder,
    header: PostingHeader,
    amount: int,
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points out, soonest expiry first. Raises `InsufficientPoints`, `AccountClosed`.

    Nearly always nothing of the account is due, its first lots suffice, and no other transaction
    changes it. Then the account is read without a lock, and the posting is written only if the
    account is still as it was read."""
    events = tuple(events)
    view = lots.look(session, holder.account_id)
    if view.balance.next_change_at > now and view.balance.available >= amount:
        parts = lots.allocate(view.open_lots, amount)
        if sum(part for _, part in parts) == amount:
            draft = _redemption(
                session, holder, header, [lot.withdraw(part) for lot, part in parts]
            )
            balances = journal.write(session, [draft], events, now, unless_changed=view.version)
            if balances is not None:
                return Posted(draft.public_id, balances)
    balance = settle(session, holder, now)
    if balance.available < amount:
        raise InsufficientPoints(amount, balance.available)
    parts = lots.to_spend(session, holder.account_id, amount)
    withdrawals = [lot.withdraw(part) for lot, part in parts]
    return spend(session, holder, header, withdrawals, events, now)


def spend(
    session: Session,
    holder: Holder,
    header: PostingHeader,
    withdrawals: Sequence[Withdrawal],
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points out of these lots of a locked account, which has been settled."""
    draft = _redemption(session, holder, header, withdrawals)
    return Posted(draft.public_id, put(session, [draft], events, now))


def _redemption(
    session: Session, holder: Holder, header: PostingHeader, withdrawals: Sequence[Withdrawal]
) -> PostingDraft:
    redeemed = ProgrammeLeg(
        accounts.programme_account(session, holder, "redeemed"),
        sum(one.amount for one in withdrawals),
    )
    return PostingDraft(header, [MemberLeg(holder.account_id, withdrawals=withdrawals), redeemed])


def transfer(
    session: Session,
    giver: Holder,
    taker: Holder,
    header: PostingHeader,
    amount: int,
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points from one member to another, in the same unit; they keep their dates. Raises
    `InsufficientPoints`, `BalanceTooLarge`, `AccountClosed`."""
    lock_open(session, [giver.account_id, taker.account_id])
    balance = settle(session, giver, now)
    if balance.available < amount:
        raise InsufficientPoints(amount, balance.available)
    other = settle(session, taker, now)
    if other.total + amount > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    parts = lots.to_spend(session, giver.account_id, amount)
    legs = [
        MemberLeg(giver.account_id, withdrawals=[lot.withdraw(part) for lot, part in parts]),
        MemberLeg(taker.account_id, new_lots=[NewLot(part, lot.term) for lot, part in parts]),
    ]
    draft = PostingDraft(header, legs)
    balances = put(session, [draft], events, now)
    before = balances[taker.account_id]
    after = balances[taker.account_id] = repay(session, taker, before, now)
    return Posted(draft.public_id, balances, before.debt - after.debt)


def merge(
    session: Session,
    giver: Holder,
    taker: Holder,
    header: PostingHeader,
    events: Iterable[Event],
    now: datetime,
) -> int:
    """Move everything from one account to another of the same people, with pending points and
    debts; if there is nothing, no posting is made. Returns how much of a debt of either was paid
    from points of the other. The account of the giver may be closed: then this moves what was left
    on it. Raises `HoldsOpen`, `BalanceTooLarge`, and `AccountClosed` for
    the taker."""
    accounts.lock(session, [giver.account_id, taker.account_id])
    balance = settle(session, giver, now, even_closed=True)
    if balance.held:
        raise HoldsOpen(balance.held)
    if settle(session, taker, now).total + balance.total > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    open_lots = lots.open_in(session, [giver.account_id])[giver.account_id]
    legs: list[Leg] = [
        MemberLeg(giver.account_id, withdrawals=[lot.withdraw(lot.free) for lot in open_lots]),
        MemberLeg(
            taker.account_id,
            new_lots=[NewLot(lot.free, lot.term, lot.origin_id) for lot in open_lots],
        ),
    ]
    if balance.debt:
        legs += [
            DebtLeg(accounts.debt_account(session, giver), giver.account_id, balance.debt),
            DebtLeg(accounts.debt_account(session, taker), taker.account_id, -balance.debt),
        ]
    if not any(leg.amount for leg in legs):
        return 0
    before = put(session, [PostingDraft(header, legs)], events, now)[taker.account_id]
    return before.debt - repay(session, taker, before, now).debt


def lock_open(session: Session, account_ids: Sequence[int]) -> dict[int, Balance]:
    """Lock accounts on which something is about to begin, in ascending order, and return their
    balances by account id. Raises `AccountClosed` if one of them is closed."""
    balances = accounts.lock(session, account_ids)
    if any(balance.closed for balance in balances.values()):
        raise AccountClosed
    return balances


def settle(
    session: Session, holder: Holder, now: datetime, *, even_closed: bool = False
) -> Balance:
    """Bring a member account up to the moment and lock it. Lots whose time has come become active
    and repay what is owed; points that ran out leave by a posting of kind expiry.

    Raises `AccountClosed`, unless `even_closed` is set: that is for ending something that began
    earlier, which a closed account does not prevent."""
    balance = accounts.lock(session, [holder.account_id])[holder.account_id]
    if balance.closed and not even_closed:
        raise AccountClosed
    if balance.next_change_at > now:
        return balance
    activated = lots.activate_due(session, holder.account_id, now)
    accounts.change(session, holder.account_id, available=activated, pending=-activated)
    gone = lots.expired(session, holder.account_id, now)
    if gone:
        expired = ProgrammeLeg(
            accounts.programme_account(session, holder, "expired"), sum(one.amount for one in gone)
        )
        header = PostingHeader(holder.programme_id, "expiry", occurred_at=now)
        put(
            session,
            [PostingDraft(header, [MemberLeg(holder.account_id, withdrawals=gone), expired])],
            (),
            now,
        )
    balance = accounts.change(
        session, holder.account_id, next_change_at=lots.next_change(session, holder.account_id)
    )
    return repay(session, holder, balance, now)


def repay(session: Session, holder: Holder, balance: Balance, now: datetime) -> Balance:
    """Pay what a member owes from what they have, by a posting of its own. Returns the balance
    after it."""
    amount = min(balance.debt, balance.available)
    if not amount:
        return balance
    withdrawals = [
        lot.withdraw(part) for lot, part in lots.to_spend(session, holder.account_id, amount)
    ]
    owed = DebtLeg(accounts.debt_account(session, holder), holder.account_id, amount)
    header = PostingHeader(holder.programme_id, "repayment", occurred_at=now)
    draft = PostingDraft(header, [MemberLeg(holder.account_id, withdrawals=withdrawals), owed])
    return put(session, [draft], (), now)[holder.account_id]


def put(
    session: Session, drafts: Sequence[PostingDraft], events: Iterable[Event], now: datetime
) -> dict[int, Balance]:
    """Write postings to locked accounts without a guard. Returns the balances after them, by
    account id."""
    balances = journal.write(session, drafts, events, now)
    assert balances is not None  # noqa: S101 - unguarded, it always writes
    return balances
