"""What every source's message comes down to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger.money import Amount


@dataclass(frozen=True, slots=True)
class PointsCommand:
    """Points in or out for one member, named by card number or by the system's own number."""

    kind: Literal["accrual", "redemption"]
    amount: Amount
    card: str | None
    external_id: str | None
    reason: str | None
    receipt: str | None
    occurred_at: datetime | None
