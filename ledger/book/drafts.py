"""Postings before they are written: what each is for, and what it does to which account. Every
number is decided already. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from uuid_utils.compat import uuid7

from ledger.limits import NEVER

PostingKind = Literal[
    "accrual", "redemption", "expiry", "reversal", "transfer", "merge", "opening", "repayment"
]
Bucket = Literal["available", "pending", "held"]


@dataclass(frozen=True, slots=True)
class PostingHeader:
    """What a posting is for. `occurred_at` is business time and may lie in the past; `receipt`,
    `store` and `promotion` are the shop's own names for things, `card_id` is the card that was
    shown. A reversal says which posting it undoes, and how much of it."""

    programme_id: int
    kind: PostingKind
    occurred_at: datetime
    reason: str | None = None
    receipt: str | None = None
    store: str | None = None
    promotion: str | None = None
    card_id: int | None = None
    reverses_id: int | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """When points become active and when they run out (`NEVER` for no end)."""

    activates_at: datetime
    expires_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class NewLot:
    """Points that will be a lot of their own; `origin_id` as in `Lot`."""

    amount: int
    term: Term
    origin_id: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """So many points out of this lot; negative puts them back. `bucket` is where the balance counts
    them."""

    lot_id: int
    amount: int
    bucket: Bucket = "available"


@dataclass(frozen=True, slots=True)
class MemberLeg:
    """What a posting does to a member account: points out of lots (or back into them), and new
    lots."""

    account_id: int
    withdrawals: Sequence[Withdrawal] = ()
    new_lots: Sequence[NewLot] = ()

    @property
    def amount(self) -> int:
        return sum(lot.amount for lot in self.new_lots) - sum(
            withdrawal.amount for withdrawal in self.withdrawals
        )


@dataclass(frozen=True, slots=True)
class DebtLeg:
    """The part of a posting that a member owes (negative), or pays back. `account_id` is the
    member's account, `debt_id` that of the debt."""

    debt_id: int
    account_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class ProgrammeLeg:
    """An account of the programme itself."""

    account_id: int
    amount: int


Leg = MemberLeg | DebtLeg | ProgrammeLeg


@dataclass(frozen=True, slots=True)
class PostingDraft:
    """A posting to be written. Its legs sum to zero."""

    header: PostingHeader
    legs: Sequence[Leg]
    public_id: str = field(default_factory=lambda: str(uuid7()))
