"""A card that is replaced, or blocked."""

from ledger.fields import Body
from wallet.api.bodies.examples import shows
from wallet.api.bodies.members import MEMBER


class ReplaceIn(Body):
    """`lost`: the phone or the card is in wrong hands, so that the link and the pass are replaced
    as well, not only the number."""

    model_config = shows({"lost": True})

    lost: bool = False


REPLACE = {
    "application/json": {
        "schema": {"$ref": "#/components/schemas/ReplaceIn"},
        "example": {"lost": True},
    }
}
BLOCKED = {**MEMBER, "card": {**MEMBER["card"], "state": "blocked"}}
