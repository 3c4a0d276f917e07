"""Our own message, in the form that Standard Webhooks proposes: type, timestamp, data."""

from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import model_validator

from ledger import strict_json
from ledger.fields import Body, ExternalId, Id, Moment, Reason, Receipt, either
from wallet.api.bodies.amounts import HowMuch
from wallet.api.sources.command import PointsCommand


class GenericData(HowMuch):
    """How much, for which member, and why."""

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


def read(payload: bytes, _zone: ZoneInfo) -> PointsCommand:
    """Raises `JsonMalformed`, pydantic's ValidationError."""
    message = GenericMessage.model_validate(strict_json.read(payload))
    data = message.data
    return PointsCommand(
        kind="accrual" if message.type == "points.accrued" else "redemption",
        amount=data.amount,
        card=data.card,
        external_id=data.external_id,
        reason=data.reason,
        receipt=data.receipt,
        occurred_at=message.timestamp,
    )
