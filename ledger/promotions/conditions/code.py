"""The kind `code`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsWords
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


def folded(code: str) -> str:
    """A code as it is compared: nobody has to type capitals or blanks as they are printed."""
    return "".join(code.split()).casefold()


class CodeEntered(Body):
    """One of these codes was typed, or scanned from a coupon.

    {"kind": "code", "codes": ["SPRING"]}"""

    WORDS: ClassVar = KindWords(
        N_("Code or coupon"), N_("One of these codes was typed, or scanned from a coupon.")
    )

    kind: Literal["code"]
    codes: Annotated[GoodsWords, FieldWords("Codes")]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The codes as they are compared."""
        return frozenset(map(folded, self.codes))

    def unmet(self, situation: Situation) -> Unmet | None:
        """Without a code it is not met."""
        if self.keys.isdisjoint(situation.codes):
            return Unmet("not_met", "no_code")
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """Which codes."""
        return say("this code or coupon is given: {names}", names=say.names(self.codes))
