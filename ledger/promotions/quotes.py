"""What a receipt costs and earns, line by line, with reasons as codes and facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger.promotions.paying import StoredPaid
from ledger.promotions.pieces import Piece
from ledger.promotions.rewards.registry import Present
from ledger.promotions.stacking import Fate, LaneTrace

ReasonCode = Literal["gave", "points_paid", "lost", "close", "limited", "deviates"]


@dataclass(frozen=True, slots=True)
class LineReason:
    """Why a line costs what it does. `amount`: what was taken off for it, 0 for what was not."""

    code: ReasonCode
    promotion: str | None
    amount: int = 0
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A line, priced: full - given - discount - points = total, in the smallest pieces. `pieces`:
    as a fiscal device prints it. `percent`: what was taken off of what it cost at the till, in
    hundredths."""

    id: str
    full: int
    given: int
    discount: int
    points: int
    total: int
    percent: int
    pieces: Sequence[Piece]
    reasons: Sequence[LineReason]


@dataclass(frozen=True, slots=True)
class PointsReason:
    """What points are for: a promotion, or the base programme (None)."""

    promotion: str | None
    points: int


@dataclass(frozen=True, slots=True)
class PromotionOutcome:
    """What became of a promotion. `code` and `facts` say why, for a sentence."""

    promotion: str
    version: int
    outcome: Fate
    amount: int = 0
    lost_to: str | None = None
    code: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnteredCode:
    """A code that was entered, as it was typed, and what became of it."""

    code: str
    state: Literal["applied", "unused", "unknown"]
    promotion: str | None = None


@dataclass(frozen=True, slots=True)
class PromisedPresent:
    """What the till hands out, and for which promotion."""

    present: Present
    promotion: str


@dataclass(frozen=True, slots=True)
class BoughtReward:
    """A promotion that points buy, how often, and for how many points in all, in the smallest
    pieces of the unit. Never, for one that was wished and cannot be had."""

    promotion: str
    times: int
    points: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A receipt, priced. Money in the smallest pieces of the currency; `earned`, `spent` and `most`
    in the smallest pieces of the unit. `spent` is what pays, and what rewards cost (`bought`).
    `due`: what is to be paid, after points that are a payment (`paid_by_points`) and the cards that
    pay (`stored`: from which accounts, and how much). `rounding`: how much more was taken
    off because percents are rounded for each line or unit; None where they are exact. `rules`: the
    number of the arithmetic."""

    rules: int
    currency: str
    lines: Sequence[QuoteLine]
    full: int
    given: int
    discount: int
    points_paid: int
    total: int
    due: int
    earned: int
    spent: int
    most: int
    points_reasons: Sequence[PointsReason]
    presents: Sequence[PromisedPresent]
    codes: Sequence[EnteredCode]
    promotions: Sequence[PromotionOutcome]
    lanes: Sequence[LaneTrace]
    rounding: int | None = None
    bought: Sequence[BoughtReward] = ()
    paid_by_points: int = 0
    stored: Sequence[StoredPaid] = ()
