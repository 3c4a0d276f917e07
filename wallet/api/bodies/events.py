"""Events as receivers are told of them, with an example of each type."""

from datetime import datetime
from typing import Any

from pydantic import Field

from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import (
    MEMBER_ID,
    OFFER_ID,
    OTHER_MEMBER_ID,
    POSTING_ID,
    Example,
    rub,
    shows,
)
from wallet.api.bodies.passes import PASS
from wallet.receivers import types

CAMPAIGN_ID = "01a20f22-f3a1-7b60-b5a2-1c2d3e4f5a6b"
OF_MEMBER: Example = {"member": MEMBER_ID}
MOVED: Example = {
    **OF_MEMBER,
    "posting": POSTING_ID,
    "unit": "points",
    "points": 100,
    "balance": 350,
    "debt": 0,
    "receipt": "1001",
    "store": "centre",
    "promotion": None,
    "reverses": None,
    "purchase": rub("1000.00"),
    "occurred_at": "2026-11-25T09:29:58+00:00",
}
IN_WALLET: Example = {**OF_MEMBER, "pass": PASS["id"], "wallet": "apple"}
MESSAGE: Example = {
    **OF_MEMBER,
    "pass": PASS["id"],
    "kind": "campaign",
    "campaign": CAMPAIGN_ID,
    "wallets": ["apple"],
}
BURNING: Example = {**OF_MEMBER, "unit": "points", "points": 40, "until": "2026-12-01"}
BALANCE: Example = {"unit": "points", "available": 70, "pending": 0, "held": 30, "debt": 0}

# `data` of an event, by its type.
DATA: dict[str, Example] = {
    "member.joined": OF_MEMBER,
    "member.changed": OF_MEMBER,
    "member.merged": {**OF_MEMBER, "into": OTHER_MEMBER_ID},
    "member.erased": OF_MEMBER,
    "card.added": IN_WALLET,
    "card.removed": IN_WALLET,
    **dict.fromkeys(types.OF_POSTINGS.values(), MOVED),
    "points.redeemed": {**MOVED, "points": -30, "balance": 320, "purchase": rub("470.00")},
    "points.reversed": {
        **MOVED,
        "points": -100,
        "balance": 250,
        "reverses": POSTING_ID,
        "purchase": rub("-1000.00"),
    },
    "points.burning": BURNING,
    "balance.changed": {**OF_MEMBER, "balance": BALANCE},
    "coupon.used": {**OF_MEMBER, "pass": PASS["id"], "offer": OFFER_ID},
    "message.told": MESSAGE,
    types.FETCHED: MESSAGE,
}


def example(name: str) -> Example:
    """An event of this type, as it is posted."""
    return {
        "type": name,
        "id": 1042,
        "timestamp": "2026-11-25T09:30:00.123456Z",
        "programme": "demo",
        "data": DATA[name],
    }


class EventOut(AnswerBody):
    """What is posted to a receiver, signed as Standard Webhooks has it. `id` grows: an event with a
    greater one was committed later. `webhook-id` is the same on every try."""

    model_config = shows(example("points.accrued"))

    type: str = Field(json_schema_extra={"enum": [*types.TYPES, types.TEST]})
    id: int
    timestamp: datetime
    programme: str | None
    data: dict[str, Any]


def webhook(schema: str) -> dict[str, Any]:
    """The call that we make, as OpenAPI 3.1 writes it under `webhooks`; 3.0 has no word for it.
    `schema`: where the schema of an event stands."""
    examples = {name: {"value": example(name)} for name in types.TYPES}
    return {
        "post": {
            "tags": ["Receivers"],
            "summary": "What happened, posted to a receiver.",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": schema}, "examples": examples}},
            },
            "responses": {"2XX": {"description": "Taken. Anything else is tried again."}},
        }
    }
