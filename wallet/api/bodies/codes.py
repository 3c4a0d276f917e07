"""What the barcodes of cards hold, and the keys that check it."""

from pydantic import Field

from ledger.fields import Body
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import shows
from wallet.passes.barcode_settings import MOST_GRACE_HOURS, MOST_RENEW_DAYS, AtGoogle, Numbers
from wallet.passes.codes import CodeKind

CARD_CODE = {
    "kind": "ed25519",
    "numbers": "accept",
    "at_google": "same",
    "renew_days": 7,
    "grace_hours": 24,
    "converting": False,
}
CONVERTING = {**CARD_CODE, "converting": True}


class CardCodeOut(AnswerBody):
    """`kind`: what the barcode holds. `numbers`: whether a till may send the plain number instead.
    `at_google`: whether the card at Google shows a code of its own that changes every half minute.
    A code is replaced after each scan and every `renew_days` (0: after scans only); the code before
    it is accepted once more within `grace_hours`. `converting`: not all cards follow these terms
    yet."""

    model_config = shows(CARD_CODE)

    kind: CodeKind
    numbers: Numbers
    at_google: AtGoogle
    renew_days: int
    grace_hours: int
    converting: bool


class CardCodeChange(Body):
    """New terms for barcodes. What is not named stays as it is."""

    model_config = shows(
        {"kind": "ed25519", "numbers": "accept", "renew_days": 7, "grace_hours": 24}
    )

    kind: CodeKind | None = None
    numbers: Numbers | None = None
    at_google: AtGoogle | None = None
    renew_days: int | None = Field(None, ge=0, le=MOST_RENEW_DAYS)
    grace_hours: int | None = Field(None, ge=0, le=MOST_GRACE_HOURS)


class CheckingKeyOut(AnswerBody):
    """A key that barcodes are checked with: `secret` (of the kind `hmac`) or `public_key` (of
    `ed25519`), 32 bytes in hexadecimal."""

    id: str
    secret: str | None
    public_key: str | None


class CheckingKeysOut(AnswerBody):
    """The keys that a till checks barcodes with; the one in use first."""

    model_config = shows(
        {
            "programme": "demo",
            "kind": "ed25519",
            "keys": [{"id": "8c9ed674", "secret": None, "public_key": "d7" * 32}],
        }
    )

    programme: str
    kind: CodeKind
    keys: list[CheckingKeyOut]
