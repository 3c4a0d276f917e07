"""Postings before they are written: what each is for, and what it does to which account. Every
number is decided already. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from uuid_utils.compat import uuid7

from ledger.limits import NEVER

PostingKind = Literal[
    "accrual",
    "redemption",
    "expiry",
    "reversal",
    "transfer",
    "merge",
    "opening",
    "repayment",
    "gift",
]
Bucket = Literal["available", "pending", "held"]


@dataclass(frozen=True, slots=True)
class Bought:
    """Whose, when and where a purchase was: the member account, business time, the shop's name for
    the store."""

    account_id: int
    occurred_at: datetime
    store: str | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid in the purchase in which points move: whole pieces of the currency, as many to
    one as it has decimal places. A reversal takes back (a negative `amount`) what was paid in a
    purchase that was `bought` before."""

    amount: int
    currency: str
    bought: Bought | None = None


@dataclass(frozen=True, slots=True)
class PostingHeader:
    """What a posting is for. `occurred_at` is business time and may lie in the past. `receipt`,
    `store` and `promotion` are the shop's own names for things; `card_id` is the card that was
    shown. A reversal has the posting that it undoes (`reverses_id`) and how many of its points
    (`undoes`). `paid` is kept beside the posting and is no part of what is sealed."""

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
    paid: Paid | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """When points become active and when they run out (`NEVER` for no end)."""

    activates_at: datetime
    expires_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class NewLot:
    """Points that will be a lot of their own. `origin_id` is the lot that they were in first, if a
    merge or a household moved them here (see `Lot`)."""

    amount: int
    term: Term
    origin_id: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """`amount` points that leave this lot; a negative amount puts them back. `bucket` is the part
    of the balance that counts them."""

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
        """By how many points the account grows; negative where more leaves it than comes in."""
        return sum(lot.amount for lot in self.new_lots) - sum(
            withdrawal.amount for withdrawal in self.withdrawals
        )


@dataclass(frozen=True, slots=True)
class DebtLeg:
    """What a posting does to a member's debt: a negative `amount` is owed, a positive one is paid
    back. `account_id` is the member's account, `debt_id` the account of the debt."""

    debt_id: int
    account_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class ProgrammeLeg:
    """What a posting does to one of the programme's own accounts, as a signed amount of points."""

    account_id: int
    amount: int


Leg = MemberLeg | DebtLeg | ProgrammeLeg


@dataclass(frozen=True, slots=True)
class PostingDraft:
    """A posting to be written. Its legs sum to zero."""

    header: PostingHeader
    legs: Sequence[Leg]
    public_id: str = field(default_factory=lambda: str(uuid7()))
