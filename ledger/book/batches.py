"""Many postings at once: the accounts are locked together, every number is decided in memory, and
the journal writes them in as few statements as can be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, journal, lots, postings
from ledger.book.accounts import Balance, Chart, OwnKind
from ledger.book.journal import Draft, Move, Order, Own
from ledger.book.lots import Parcel, Stock
from ledger.errors import BalanceTooLarge, InsufficientPoints, Refusal
from ledger.events import Event
from ledger.points import MOST_POINTS


@dataclass(frozen=True, slots=True)
class Credit:
    """Points in, as a lot of their own; out of this account of the programme."""

    chart: Chart
    order: Order
    parcel: Parcel
    event: Event
    source: OwnKind = "issued"

    @property
    def points(self) -> int:
        return self.parcel.amount


@dataclass(frozen=True, slots=True)
class Debit:
    """Points out, soonest expiry first."""

    chart: Chart
    order: Order
    points: int
    event: Event


@dataclass(frozen=True, slots=True)
class Made:
    """A posting that was made, and the member's balance right after it."""

    public_id: str
    balance: Balance


Deed = Credit | Debit
Outcome = Made | Refusal


@dataclass(slots=True)
class _Standing:
    """A locked account as it will be once the drafts at hand are written."""

    balance: Balance
    stocks: list[Stock] | None = None  # read when something is first spent
    grown: bool = False  # by a lot that is not written yet, so that nothing can be spent from it


def post(session: Session, deeds: Sequence[Deed], now: datetime) -> list[Outcome]:
    """Carry out deeds in their order, each for itself: one that is refused leaves the others
    alone. Raises `AccountClosed` before anything is done."""
    desk = _Desk(session, deeds, now)
    outcomes = [desk.do(deed) for deed in deeds]
    desk.write()
    return outcomes


class _Desk:
    def __init__(self, session: Session, deeds: Sequence[Deed], now: datetime) -> None:
        self.session, self.now = session, now
        self.drafts: list[Draft] = []
        self.events: dict[Event, None] = {}
        charts = {deed.chart.member: deed.chart for deed in deeds}
        balances = postings.lock_open(session, list(charts))
        for account_id, balance in balances.items():
            if balance.next_change_at <= now:
                balances[account_id] = postings.settle(session, charts[account_id], now)
        self.standings = {one: _Standing(balance) for one, balance in balances.items()}
        self.spenders = {deed.chart.member for deed in deeds if isinstance(deed, Debit)}

    def do(self, deed: Deed) -> Outcome:
        standing = self.standings[deed.chart.member]
        try:
            if isinstance(deed, Debit):
                return self._debit(deed, standing)
            if standing.balance.debt:
                return self._credit_and_repay(deed)
            return self._credit(deed, standing)
        except Refusal as refusal:
            return refusal

    def write(self) -> None:
        """Put on record what has been decided so far."""
        if self.drafts:
            journal.write(self.session, self.drafts, list(self.events), self.now)
        for standing in self.standings.values():
            if standing.grown:
                standing.stocks, standing.grown = None, False
        self.drafts, self.events = [], {}

    def _credit(self, deed: Credit, standing: _Standing) -> Made:
        balance, amount = standing.balance, deed.parcel.amount
        if balance.total + amount > MOST_POINTS:
            raise BalanceTooLarge(MOST_POINTS)
        issued = Own(accounts.own(self.session, deed.chart, deed.source), -amount)
        draft = self._draft(deed, [Move(deed.chart.member, parcels=[deed.parcel]), issued])
        if deed.parcel.term.activates_at <= self.now:
            standing.balance = replace(balance, available=balance.available + amount)
            standing.grown = True
        else:
            standing.balance = replace(balance, pending=balance.pending + amount)
        return Made(draft.public_id, standing.balance)

    def _debit(self, deed: Debit, standing: _Standing) -> Made:
        balance = standing.balance
        if balance.available < deed.points:
            raise InsufficientPoints(deed.points, balance.available)
        if standing.grown:
            self.write()
        if standing.stocks is None:
            self._stock_up()
        stocks = standing.stocks or []
        parts = lots.oldest_first(stocks, deed.points)
        if sum(part for _, part in parts) != deed.points:
            raise AssertionError(f"the lots of account {deed.chart.member} lack points")
        redeemed = Own(accounts.own(self.session, deed.chart, "redeemed"), deed.points)
        takes = [stock.take(part) for stock, part in parts]
        draft = self._draft(deed, [Move(deed.chart.member, takes=takes), redeemed])
        standing.stocks = _without(stocks, parts)
        standing.balance = replace(balance, available=balance.available - deed.points)
        return Made(draft.public_id, standing.balance)

    def _credit_and_repay(self, deed: Credit) -> Made:
        """A debt is paid from the very points that come in, which are not in a lot yet."""
        self.write()
        posted = postings.credit(
            self.session,
            deed.chart,
            deed.order,
            deed.parcel,
            [deed.event],
            self.now,
            source=deed.source,
        )
        balance = posted.balances[deed.chart.member]
        self.standings[deed.chart.member] = _Standing(balance)
        return Made(posted.public_id, balance)

    def _draft(self, deed: Deed, legs: Sequence[Move | Own]) -> Draft:
        draft = Draft(deed.order, legs)
        self.drafts.append(draft)
        self.events[deed.event] = None
        return draft

    def _stock_up(self) -> None:
        """Read the lots of all accounts that something is spent from and that have none at hand."""
        wanted = [one for one in self.spenders if self.standings[one].stocks is None]
        for account_id, stocks in lots.open_in(self.session, sorted(wanted)).items():
            self.standings[account_id].stocks = [stock for stock in stocks if stock.active]


def _without(stocks: Sequence[Stock], parts: Sequence[tuple[Stock, int]]) -> list[Stock]:
    """What is left of lots after taking these parts."""
    taken = {stock.lot_id: part for stock, part in parts}
    left = [replace(one, free=one.free - taken.get(one.lot_id, 0)) for one in stocks]
    return [one for one in left if one.free]
