"""What every source's message means in the end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger.money import Amount, Money


@dataclass(frozen=True, slots=True)
class PointsCommand:
    """Points in or out for one member, who is named by card number or by the source's own number
    for them (`external_id`); or what they have in all, at `occurred_at` (kind `balance`).
    `purchase`: what was paid, if it was a purchase."""

    kind: Literal["accrual", "redemption", "balance"]
    amount: Amount
    card: str | None
    external_id: str | None
    reason: str | None
    receipt: str | None
    occurred_at: datetime | None
    purchase: Money | None = None
