"""The kind `payment`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

PaymentKind = Literal["card", "cash", "sbp", "gift_card", "prepayment", "credit", "other"]

WAYS = (
    ("card", N_("bank card")),
    ("cash", N_("cash")),
    ("sbp", N_("SBP")),
    ("gift_card", N_("gift card")),
    ("prepayment", N_("prepayment")),
    ("credit", N_("credit")),
    ("other", N_("another way")),
)


class PaidBy(Body):
    """All that is due, after what stored value pays, is paid in one of these ways.

    {"kind": "payment", "kinds": ["sbp"]}"""

    WORDS: ClassVar = KindWords(
        N_("How it is paid"), N_("All that is due is paid in one of these ways.")
    )

    kind: Literal["payment"]
    kinds: Annotated[
        list[PaymentKind], Field(min_length=1), FieldWords("Ways of payment", choices=WAYS)
    ]

    def unmet(self, situation: Situation) -> Unmet | None:
        """A part that is paid in another way is enough not to meet it."""
        if situation.paid_by and situation.paid_by <= set(self.kinds):
            return None
        return Unmet("not_met", "paid_otherwise")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """In which ways."""
        ways = [say(called) for kind, called in WAYS if kind in self.kinds]
        return say("all is paid by: {ways}", ways=say.one_of(ways))
