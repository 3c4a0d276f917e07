"""Drafts of postings as the rows that will stand in the tables, alike for both databases. Pure."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ledger.book.drafts import (
    Bought,
    DebtLeg,
    Leg,
    MemberLeg,
    NewLot,
    Paid,
    PostingDraft,
    ProgrammeLeg,
)


class EntryRow(NamedTuple):
    """`posting` is the index of the draft. `later` is minus the sum of what follows on the account
    within the same write, so that the balance after this entry is the final balance plus `later`.
    None: no balance is kept for this account."""

    posting: int
    line: int
    account_id: int
    amount: int
    later: int | None


class LotRow(NamedTuple):
    """A lot that a posting makes. `posting` is the index of the draft."""

    posting: int
    account_id: int
    lot: NewLot


class MoveRow(NamedTuple):
    """How many points a posting takes from a lot. `posting` is the index of the draft, `line` the
    place in the order of spending."""

    posting: int
    lot_id: int
    amount: int
    line: int


class PurchaseLine(NamedTuple):
    """What was paid in the purchase that a posting belongs to, or what a reversal takes back of it.
    `posting` is the index of the draft. `stands`: see `PurchaseRow`."""

    posting: int
    programme_id: int
    account_id: int
    amount: int
    currency: str
    occurred_at: datetime
    store: str | None
    stands: bool


@dataclass(slots=True)
class LotChange:
    """How many points leave a lot in all the drafts together, and how many of those were held."""

    taken: int = 0
    held: int = 0


@dataclass(slots=True)
class BalanceChange:
    """By how many points a balance row moves. `next_change_at` is when one of the new lots becomes
    active or runs out, the earliest of them."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    next_change_at: datetime | None = None

    @property
    def total(self) -> int:
        """By how many points the member's balance grows in all."""
        return self.available + self.pending + self.held

    def withdraw(self, bucket: str, amount: int) -> None:
        """Points leave a bucket of the balance; a negative amount comes back."""
        setattr(self, bucket, getattr(self, bucket) - amount)

    def add(self, lot: NewLot, now: datetime) -> None:
        """Count a new lot: as available if it is active by now, else as pending. The account is
        settled again when the lot becomes active or runs out."""
        is_active = lot.term.activates_at <= now
        if is_active:
            self.available += lot.amount
        else:
            self.pending += lot.amount
        turns_at = lot.term.expires_at if is_active else lot.term.activates_at
        self.next_change_at = min(self.next_change_at or turns_at, turns_at)


class PostingRows:
    """The rows of postings that are written together, in this order."""

    def __init__(self, drafts: Sequence[PostingDraft], now: datetime) -> None:
        self.now = now
        self.drafts = drafts
        self.entries: list[EntryRow] = []
        self.lots: list[LotRow] = []
        self.moves: list[MoveRow] = []
        self.purchases: list[PurchaseLine] = []
        self.lot_changes: dict[int, LotChange] = defaultdict(LotChange)
        self.balance_changes: dict[int, BalanceChange] = defaultdict(BalanceChange)
        for number, draft in enumerate(drafts):
            self._add(number, draft.legs)
            if draft.header.paid is not None:
                self.purchases.append(_purchase(number, draft, draft.header.paid))
        self._look_ahead()

    def _add(self, number: int, legs: Sequence[Leg]) -> None:
        if not legs or sum(leg.amount for leg in legs) != 0:
            raise AssertionError("the legs of a posting sum to zero")
        for leg in legs:
            if isinstance(leg, MemberLeg):
                # Even if nothing moves: PostgreSQL writes a posting only if it finds a balance.
                self.balance_changes.setdefault(leg.account_id, BalanceChange())
        for line, leg in enumerate(leg for leg in legs if leg.amount):
            match leg:
                case ProgrammeLeg():
                    self.entries.append(EntryRow(number, line, leg.account_id, leg.amount, None))
                case DebtLeg():
                    self.entries.append(EntryRow(number, line, leg.debt_id, leg.amount, None))
                    self.balance_changes[leg.account_id].debt -= leg.amount
                case MemberLeg():
                    self.entries.append(EntryRow(number, line, leg.account_id, leg.amount, 0))
                    self._withdraw(number, leg)
                    self._add_lots(number, leg)

    def _withdraw(self, number: int, leg: MemberLeg) -> None:
        balance = self.balance_changes[leg.account_id]
        taken: Counter[int] = Counter()
        for withdrawal in leg.withdrawals:
            balance.withdraw(withdrawal.bucket, withdrawal.amount)
            taken[withdrawal.lot_id] += withdrawal.amount
            lot = self.lot_changes[withdrawal.lot_id]
            lot.taken += withdrawal.amount
            if withdrawal.bucket == "held":
                lot.held += withdrawal.amount
        self.moves += [
            MoveRow(number, lot_id, amount, line)
            for line, (lot_id, amount) in enumerate(taken.items())
            if amount
        ]

    def _add_lots(self, number: int, leg: MemberLeg) -> None:
        for lot in leg.new_lots:
            self.balance_changes[leg.account_id].add(lot, self.now)
            self.lots.append(LotRow(number, leg.account_id, lot))

    def _look_ahead(self) -> None:
        """Set `later` of each entry: what the entries after it do to the same account."""
        later: Counter[int] = Counter()
        for at in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[at]
            if entry.later is not None:
                self.entries[at] = entry._replace(later=-later[entry.account_id])
                later[entry.account_id] += entry.amount


def _purchase(number: int, draft: PostingDraft, paid: Paid) -> PurchaseLine:
    """A purchase is made now, on the one member account that the posting touches, or something of
    an earlier one is taken back."""
    header, bought = draft.header, paid.bought
    if bought is None:
        (account_id,) = {leg.account_id for leg in draft.legs if isinstance(leg, MemberLeg)}
        bought = Bought(account_id, header.occurred_at, header.store)
    return PurchaseLine(
        number,
        header.programme_id,
        bought.account_id,
        paid.amount,
        paid.currency,
        bought.occurred_at,
        bought.store,
        stands=paid.bought is None,
    )


def facts(draft: PostingDraft) -> tuple[object, ...]:
    """What a posting is for, in the order of the columns of the table; `occurred_at` is the
    last."""
    header = draft.header
    return (
        header.programme_id,
        header.kind,
        header.reason,
        header.receipt,
        header.store,
        header.promotion,
        header.card_id,
        header.reverses_id,
        header.undoes,
        header.occurred_at,
    )
