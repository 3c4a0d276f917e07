"""What happens to points, account by account: in, out, over to another member, and what time does.

Each operation locks the accounts it touches, brings them up to the moment, decides every number and
has the journal write it. Those that begin something raise `AccountClosed` if an account they were
given is not in use any more: then nothing was written to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, journal, lots
from ledger.book.accounts import AccountClosed, Balance, Chart, OwnKind
from ledger.book.journal import Draft, Leg, Move, Order, Owed, Own
from ledger.book.lots import Parcel, Take
from ledger.errors import BalanceTooLarge, HoldsOpen, InsufficientPoints
from ledger.events import Event
from ledger.points import MOST_POINTS


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting that has been made, and balances right after it by account id."""

    public_id: str
    balances: dict[int, Balance]


def credit(
    session: Session,
    chart: Chart,
    order: Order,
    parcel: Parcel,
    events: Iterable[Event],
    now: datetime,
    *,
    source: OwnKind = "issued",
) -> Posted:
    """Points in, as a lot of their own. Raises `BalanceTooLarge`.

    Nearly always nothing of the account is due and nothing is owed, and then one statement does it
    all without looking first."""
    events = tuple(events)
    own = Own(accounts.own(session, chart, source), -parcel.amount)
    draft = Draft(order, [Move(chart.member, parcels=[parcel]), own])
    written = journal.write(session, [draft], events, now, unless_due=True)
    if written is None:
        balance = settle(session, chart, now)
        if balance.total + parcel.amount > MOST_POINTS:
            raise BalanceTooLarge(MOST_POINTS)
        written = journal.write(session, [draft], events, now)
        assert written is not None  # noqa: S101 - unguarded, it always writes
        repaid = repay(session, chart, written.balances[chart.member], now)
        return Posted(draft.public_id, {chart.member: repaid})
    return Posted(draft.public_id, dict(written.balances))


def debit(
    session: Session,
    chart: Chart,
    order: Order,
    amount: int,
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points out, soonest expiry first. Raises `InsufficientPoints`.

    Nearly always nothing of the account is due, its first lots suffice and nobody else is at it,
    and then it is looked at without a lock and written only if it is still as it was seen."""
    events = tuple(events)
    seen = lots.look(session, chart.member)
    if seen.balance.next_change_at > now and seen.balance.available >= amount:
        parts = lots.oldest_first(seen.stocks, amount)
        if sum(part for _, part in parts) == amount:
            draft = _redemption(session, chart, order, [stock.take(part) for stock, part in parts])
            written = journal.write(session, [draft], events, now, unless_changed=seen.version)
            if written is not None:
                return Posted(draft.public_id, dict(written.balances))
    balance = settle(session, chart, now)
    if balance.available < amount:
        raise InsufficientPoints(amount, balance.available)
    parts = lots.to_spend(session, chart.member, amount)
    takes = [stock.take(part) for stock, part in parts]
    return spend(session, chart, order, takes, events, now)


def spend(
    session: Session,
    chart: Chart,
    order: Order,
    takes: Sequence[Take],
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points out of these lots of a locked account."""
    draft = _redemption(session, chart, order, takes)
    return Posted(draft.public_id, put(session, [draft], events, now))


def _redemption(session: Session, chart: Chart, order: Order, takes: Sequence[Take]) -> Draft:
    redeemed = Own(accounts.own(session, chart, "redeemed"), sum(one.amount for one in takes))
    return Draft(order, [Move(chart.member, takes=takes), redeemed])


def transfer(
    session: Session,
    giver: Chart,
    taker: Chart,
    order: Order,
    amount: int,
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Points from one member to another; they keep their dates. Raises `InsufficientPoints`,
    `BalanceTooLarge`."""
    lock_open(session, [giver.member, taker.member])
    balance = settle(session, giver, now)
    if balance.available < amount:
        raise InsufficientPoints(amount, balance.available)
    other = settle(session, taker, now)
    if other.total + amount > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    parts = lots.to_spend(session, giver.member, amount)
    legs = [
        Move(giver.member, takes=[stock.take(part) for stock, part in parts]),
        Move(taker.member, parcels=[Parcel(part, stock.term) for stock, part in parts]),
    ]
    draft = Draft(order, legs)
    balances = put(session, [draft], events, now)
    balances[taker.member] = repay(session, taker, balances[taker.member], now)
    return Posted(draft.public_id, balances)


def merge(
    session: Session,
    giver: Chart,
    taker: Chart,
    order: Order,
    events: Iterable[Event],
    now: datetime,
) -> None:
    """Everything from one account to another of the same people, pending points and debts too; no
    posting if there was nothing. The giver's may be closed: then it is what was left there. Raises
    `HoldsOpen`, `BalanceTooLarge`."""
    accounts.lock(session, [giver.member, taker.member])
    balance = settle(session, giver, now, even_closed=True)
    if balance.held:
        raise HoldsOpen(balance.held)
    if settle(session, taker, now).total + balance.total > MOST_POINTS:
        raise BalanceTooLarge(MOST_POINTS)
    stocks = lots.open_in(session, [giver.member])[giver.member]
    legs: list[Leg] = [
        Move(giver.member, takes=[stock.take(stock.free) for stock in stocks]),
        Move(
            taker.member,
            parcels=[Parcel(stock.free, stock.term, stock.origin_id) for stock in stocks],
        ),
    ]
    if balance.debt:
        legs += [
            Owed(accounts.debt(session, giver), giver.member, balance.debt),
            Owed(accounts.debt(session, taker), taker.member, -balance.debt),
        ]
    if not any(leg.amount for leg in legs):
        return
    balances = put(session, [Draft(order, legs)], events, now)
    repay(session, taker, balances[taker.member], now)


def lock_open(session: Session, account_ids: Sequence[int]) -> dict[int, Balance]:
    """As `accounts.lock`, for accounts that something is about to begin on. Raises
    `AccountClosed`."""
    balances = accounts.lock(session, account_ids)
    if any(balance.closed for balance in balances.values()):
        raise AccountClosed
    return balances


def settle(session: Session, chart: Chart, now: datetime, *, even_closed: bool = False) -> Balance:
    """Bring a member account up to the moment: lots whose time has come become active and repay
    what is owed, what ran out leaves by a posting of its own. The account is locked from here on.
    Raises `AccountClosed`, but where something begun earlier is ended: then a closed account is as
    good as any."""
    balance = accounts.lock(session, [chart.member])[chart.member]
    if balance.closed and not even_closed:
        raise AccountClosed
    if balance.next_change_at > now:
        return balance
    activated = lots.activate_due(session, chart.member, now)
    accounts.change(session, chart.member, available=activated, pending=-activated)
    gone = lots.expired(session, chart.member, now)
    if gone:
        expired = Own(accounts.own(session, chart, "expired"), sum(one.amount for one in gone))
        order = Order(chart.programme_id, "expiry", occurred_at=now)
        put(session, [Draft(order, [Move(chart.member, takes=gone), expired])], (), now)
    balance = accounts.change(
        session, chart.member, next_change_at=lots.next_change(session, chart.member)
    )
    return repay(session, chart, balance, now)


def repay(session: Session, chart: Chart, balance: Balance, now: datetime) -> Balance:
    """Pay what a member owes out of what they have, by a posting of its own."""
    amount = min(balance.debt, balance.available)
    if not amount:
        return balance
    takes = [stock.take(part) for stock, part in lots.to_spend(session, chart.member, amount)]
    owed = Owed(accounts.debt(session, chart), chart.member, amount)
    order = Order(chart.programme_id, "repayment", occurred_at=now)
    draft = Draft(order, [Move(chart.member, takes=takes), owed])
    return put(session, [draft], (), now)[chart.member]


def put(
    session: Session, drafts: Sequence[Draft], events: Iterable[Event], now: datetime
) -> dict[int, Balance]:
    """Write postings to locked accounts; the balances after them."""
    written = journal.write(session, drafts, events, now)
    assert written is not None  # noqa: S101 - unguarded, it always writes
    return dict(written.balances)
