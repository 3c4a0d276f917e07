"""Many postings at once: the accounts are locked together, every number is decided in memory, and
the journal writes them in as few statements as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, journal, lots, postings
from ledger.book.accounts import Balance, Holder, ProgrammeAccountKind
from ledger.book.drafts import MemberLeg, NewLot, PostingDraft, PostingHeader, ProgrammeLeg
from ledger.book.lots import OpenLot
from ledger.errors import BalanceTooLarge, InsufficientPoints, Refusal
from ledger.events import Event
from ledger.limits import MOST_POINTS


@dataclass(frozen=True, slots=True)
class Credit:
    """Points in, as a lot of their own. They leave the programme's account `source`."""

    holder: Holder
    header: PostingHeader
    lot: NewLot
    event: Event
    source: ProgrammeAccountKind = "issued"

    @property
    def points(self) -> int:
        """How many points come in: those of the lot."""
        return self.lot.amount


@dataclass(frozen=True, slots=True)
class Debit:
    """Points out: `points` of them, from the lots that run out soonest."""

    holder: Holder
    header: PostingHeader
    points: int
    event: Event


@dataclass(frozen=True, slots=True)
class Made:
    """A posting that was made, and the member's balance right after it. `debt_paid`: how many of
    points that came in paid a debt at once."""

    public_id: str
    balance: Balance
    debt_paid: int = 0


Deed = Credit | Debit
DeedOutcome = Made | Refusal


@dataclass(slots=True)
class _AccountState:
    """A locked account as it will be once the waiting drafts are written."""

    balance: Balance
    open_lots: list[OpenLot] | None = None  # read when something is first spent
    grown: bool = False  # by a lot that is not written yet: it must be before anything is spent


def post(session: Session, deeds: Sequence[Deed], now: datetime) -> list[DeedOutcome]:
    """Carry out deeds in their order. A deed that is refused has its `Refusal` as outcome and
    leaves the others alone; outcomes are in the order of the deeds. Raises `AccountClosed` before
    anything is written, if one of the accounts is not used any more."""
    desk = _Desk(session, deeds, now)
    outcomes = [desk.do(deed) for deed in deeds]
    desk.write()
    return outcomes


class _Desk:
    """The deeds of one call: the locked accounts as they will be, and the postings that are decided
    and not written yet."""

    def __init__(self, session: Session, deeds: Sequence[Deed], now: datetime) -> None:
        self.session, self.now = session, now
        self.drafts: list[PostingDraft] = []
        self.events: dict[Event, None] = {}
        holders = {deed.holder.account_id: deed.holder for deed in deeds}
        balances = postings.lock_open(session, list(holders))
        for account_id, balance in balances.items():
            if balance.next_change_at <= now:
                balances[account_id] = postings.settle(session, holders[account_id], now)
        self.states = {one: _AccountState(balance) for one, balance in balances.items()}
        self.spenders = {deed.holder.account_id for deed in deeds if isinstance(deed, Debit)}

    def do(self, deed: Deed) -> DeedOutcome:
        """Decide one deed. Its posting waits for `write`, but for what has to be written at
        once."""
        state = self.states[deed.holder.account_id]
        try:
            if isinstance(deed, Debit):
                return self._debit(deed, state)
            if state.balance.debt:
                return self._credit_and_repay(deed)
            return self._credit(deed, state)
        except Refusal as refusal:
            return refusal

    def write(self) -> None:
        """Write the postings that were decided so far."""
        if self.drafts:
            journal.write(self.session, self.drafts, list(self.events), self.now)
        for state in self.states.values():
            if state.grown:
                state.open_lots, state.grown = None, False
        self.drafts, self.events = [], {}

    def _credit(self, deed: Credit, state: _AccountState) -> Made:
        balance, amount = state.balance, deed.lot.amount
        if balance.total + amount > MOST_POINTS:
            raise BalanceTooLarge(MOST_POINTS)
        issued = ProgrammeLeg(
            accounts.programme_account(self.session, deed.holder, deed.source), -amount
        )
        draft = self._draft(deed, [MemberLeg(deed.holder.account_id, new_lots=[deed.lot]), issued])
        if deed.lot.term.activates_at <= self.now:
            state.balance = balance._replace(available=balance.available + amount)
            state.grown = True
        else:
            state.balance = balance._replace(pending=balance.pending + amount)
        return Made(draft.public_id, state.balance)

    def _debit(self, deed: Debit, state: _AccountState) -> Made:
        balance = state.balance
        if balance.available < deed.points:
            raise InsufficientPoints(deed.points, balance.available)
        if state.grown:
            self.write()
        if state.open_lots is None:
            self._read_lots()
        open_lots = state.open_lots or []
        parts = lots.allocate(open_lots, deed.points)
        if sum(part for _, part in parts) != deed.points:
            raise AssertionError(f"the lots of account {deed.holder.account_id} lack points")
        redeemed = ProgrammeLeg(
            accounts.programme_account(self.session, deed.holder, "redeemed"), deed.points
        )
        withdrawals = [lot.withdraw(part) for lot, part in parts]
        draft = self._draft(
            deed, [MemberLeg(deed.holder.account_id, withdrawals=withdrawals), redeemed]
        )
        state.open_lots = _without(open_lots, parts)
        state.balance = balance._replace(available=balance.available - deed.points)
        return Made(draft.public_id, state.balance)

    def _credit_and_repay(self, deed: Credit) -> Made:
        """A debt is paid from the points that come in. They are not in a lot yet, so the posting is
        written at once and not decided in memory."""
        self.write()
        posted = postings.credit(
            self.session,
            deed.holder,
            deed.header,
            deed.lot,
            [deed.event],
            self.now,
            source=deed.source,
        )
        balance = posted.balances[deed.holder.account_id]
        self.states[deed.holder.account_id] = _AccountState(balance)
        return Made(posted.public_id, balance, posted.debt_paid)

    def _draft(self, deed: Deed, legs: Sequence[MemberLeg | ProgrammeLeg]) -> PostingDraft:
        draft = PostingDraft(deed.header, legs)
        self.drafts.append(draft)
        self.events[deed.event] = None
        return draft

    def _read_lots(self) -> None:
        """Read the open lots of every account that a deed spends from, if they are not in memory
        yet."""
        wanted = [one for one in self.spenders if self.states[one].open_lots is None]
        for account_id, open_lots in lots.open_in(self.session, sorted(wanted)).items():
            self.states[account_id].open_lots = [lot for lot in open_lots if lot.active]


def _without(open_lots: Sequence[OpenLot], parts: Sequence[tuple[OpenLot, int]]) -> list[OpenLot]:
    """What is left of these lots after the parts were taken."""
    taken = {lot.lot_id: part for lot, part in parts}
    left = [replace(one, free=one.free - taken.get(one.lot_id, 0)) for one in open_lots]
    return [one for one in left if one.free]
