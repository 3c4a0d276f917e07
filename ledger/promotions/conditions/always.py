"""The kind `always`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.words import N_


class Always(Body):
    """Every purchase.

    {"kind": "always"}"""

    WORDS: ClassVar = KindWords(N_("Always"), N_("Every purchase will do."))

    kind: Literal["always"]

    def unmet(self, _situation: Situation) -> Unmet | None:
        """It is always met."""
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """It holds for every purchase."""
        return say("on every purchase")
