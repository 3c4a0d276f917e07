"""The kind `any`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.conditions.parts import Parts, parts_told
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.words import N_


class AnyOfConditions(Body, defer_build=True):
    """At least one of these is met.

    {"kind": "any", "of": [{"kind": "code", "codes": ["SPRING"]}, {"kind": "birthday"}]}"""

    WORDS: ClassVar = KindWords(N_("One of these"), N_("At least one of these conditions is met."))

    kind: Literal["any"]
    of: Parts

    def unmet(self, situation: Situation) -> Unmet | None:
        """The part that is closest to being met."""
        found = None
        for part in self.of:
            unmet = part.unmet(situation)
            if unmet is None:
                return None
            if found is None or (unmet.outcome == "close" and found.outcome != "close"):
                found = unmet
        return found

    def asks(self) -> Iterator[FactAsked]:
        """What its parts ask."""
        for part in self.of:
            yield from part.asks()

    def told(self, say: Voice) -> str:
        """Each of its parts."""
        return say("at least one of these holds: ({parts})", parts=parts_told(self.of, say))
