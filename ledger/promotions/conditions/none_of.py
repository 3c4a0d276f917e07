"""The kind `none`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.conditions.parts import Parts, parts_told
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.words import N_


class NoneConditions(Body, defer_build=True):
    """None of these is met.

    {"kind": "none", "of": [{"kind": "contains", "goods": {"categories": ["outlet"]}}]}"""

    WORDS: ClassVar = KindWords(N_("None of these"), N_("None of these conditions is met."))

    kind: Literal["none"]
    of: Parts

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nothing more of anything would help, so nobody is told to be close."""
        if all(part.unmet(situation) is not None for part in self.of):
            return None
        return Unmet("not_met", "met_what_excludes")

    def asks(self) -> Iterator[FactAsked]:
        """What its parts ask."""
        for part in self.of:
            yield from part.asks()

    def told(self, say: Voice) -> str:
        """Each of its parts."""
        return say("none of these holds: ({parts})", parts=parts_told(self.of, say))
