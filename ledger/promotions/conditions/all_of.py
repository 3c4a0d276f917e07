"""The kind `all`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.conditions.parts import Parts, parts_told
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.words import N_


class AllConditions(Body, defer_build=True):
    """All of these are met.

    {"kind": "all", "of": [{"kind": "member"}, {"kind": "payment", "kinds": ["sbp"]}]}"""

    WORDS: ClassVar = KindWords(N_("All of these"), N_("All of these conditions are met."))

    kind: Literal["all"]
    of: Parts

    def unmet(self, situation: Situation) -> Unmet | None:
        """The first part that is not met. That somebody is close is told only if every other part
        is met, or close too."""
        close = None
        for part in self.of:
            unmet = part.unmet(situation)
            if unmet is not None and unmet.outcome != "close":
                return unmet
            close = close or unmet
        return close

    def asks(self) -> Iterator[FactAsked]:
        """What its parts ask."""
        for part in self.of:
            yield from part.asks()

    def told(self, say: Voice) -> str:
        """Each of its parts."""
        return say("all of these hold: ({parts})", parts=parts_told(self.of, say))
