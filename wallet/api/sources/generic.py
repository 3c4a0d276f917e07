"""Our own message, in the form that Standard Webhooks proposes: type, timestamp, data."""

from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, model_validator

from ledger import strict_json
from ledger.fields import (
    Body,
    Count,
    ExternalId,
    Id,
    Moment,
    PaidIn,
    Reason,
    Receipt,
    either,
)
from ledger.money import Amount
from wallet.api.bodies.amounts import HowMuch
from wallet.api.bodies.movements import ForPurchase
from wallet.api.sources.command import PointsCommand

MOMENT = "timestamp"


class GenericData(HowMuch, ForPurchase):
    """How much, for which member, and why; `purchase`: what was paid, if it was a purchase."""

    card: Id | None = None
    external_id: ExternalId | None = None
    reason: Reason | None = None
    receipt: Receipt | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuses a member who is named twice or not at all: `card_or_external_id`."""
        if (self.card is None) == (self.external_id is None):
            raise either("card_or_external_id", "card", "external_id")
        return self


class GenericMessage(Body):
    """A message of the kind `generic`. `timestamp` becomes the posting's `occurred_at`."""

    type: Literal["points.accrued", "points.redeemed"]
    timestamp: Moment
    data: GenericData


class BalanceData(Body):
    """What a member has, in `points` or in `money`, and why."""

    card: Id | None = None
    external_id: ExternalId | None = None
    points: Count | None = None
    money: PaidIn | None = None
    reason: Reason | None = None
    receipt: Receipt | None = None

    @model_validator(mode="after")
    def one_of_each(self) -> Self:
        """Refuses a member or an amount that is given twice or not at all: `card_or_external_id`,
        `points_or_money`."""
        if (self.card is None) == (self.external_id is None):
            raise either("card_or_external_id", "card", "external_id")
        if (self.points is None) == (self.money is None):
            raise either("points_or_money", "points", "money")
        return self

    @property
    def amount(self) -> Amount:
        """What the member has, in points or in money."""
        return (self.points or 0) if self.money is None else self.money.money


class BalanceMessage(Body):
    """What a member has in all, as the source knows it. `timestamp` is when that was true: a
    message with an older one than was heard before changes nothing."""

    type: Literal["balance.is"]
    timestamp: Moment
    data: BalanceData


class AnyMessage(BaseModel):
    """What every message of the kind `generic` begins with."""

    model_config = ConfigDict(strict=True)

    type: Literal["points.accrued", "points.redeemed", "balance.is"]


def read(payload: bytes, _zone: ZoneInfo) -> PointsCommand:
    """Raises `JsonMalformed`, pydantic's ValidationError."""
    sent = strict_json.read(payload)
    if AnyMessage.model_validate(sent).type == "balance.is":
        return _balance(BalanceMessage.model_validate(sent))
    message = GenericMessage.model_validate(sent)
    data = message.data
    return PointsCommand(
        kind="accrual" if message.type == "points.accrued" else "redemption",
        amount=data.amount,
        card=data.card,
        external_id=data.external_id,
        reason=data.reason,
        receipt=data.receipt,
        occurred_at=message.timestamp,
        purchase=data.paid,
    )


def _balance(message: BalanceMessage) -> PointsCommand:
    data = message.data
    return PointsCommand(
        kind="balance",
        amount=data.amount,
        card=data.card,
        external_id=data.external_id,
        reason=data.reason,
        receipt=data.receipt,
        occurred_at=message.timestamp,
    )
