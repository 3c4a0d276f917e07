"""Systems that post balance changes, each in words of its own. A kind of source is a module with
`read(payload, zone)`, which returns a `PointsCommand`, the name that it has for the moment, and the
model of what it reads; a new kind is a module, a line in each table here, and its name in
`wallet.access.sources.KINDS`."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from wallet.api.bodies.examples import in_points_and_money
from wallet.api.bodies.webhooks import (
    SENT,
    SENT_BALANCE,
    SENT_BALANCE_BY_1C,
    SENT_BY_1C,
    SENT_IN_MONEY,
)
from wallet.api.sources import generic, onec
from wallet.api.sources.command import PointsCommand

Read = Callable[[bytes, ZoneInfo], PointsCommand]

READERS: dict[str, Read] = {"generic": generic.read, "1c": onec.read}
# What each kind calls the moment at which it happened.
MOMENTS: dict[str, str] = {"generic": generic.MOMENT, "1c": onec.MOMENT}

MESSAGES: Sequence[type[BaseModel]] = (
    generic.GenericMessage,
    generic.BalanceMessage,
    onec.OneCMessage,
    onec.OneCBalance,
)
# The body of a webhook, as OpenAPI writes it: in the words of one kind or of the other.
BODY = {
    "application/json": {
        "schema": {
            "oneOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in MESSAGES]
        },
        "examples": {
            **in_points_and_money(SENT, SENT_IN_MONEY),
            "balance": {"value": SENT_BALANCE},
            "1c": {"value": SENT_BY_1C},
            "1c_balance": {"value": SENT_BALANCE_BY_1C},
        },
    }
}
