"""The kinds `all`, `any` and `none`, which hold others."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.conditions.registry import AnyCondition
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.segments.registry import MOST_PARTS

Parts = Annotated[list[AnyCondition], Field(min_length=1, max_length=MOST_PARTS)]


class AllConditions(Body, defer_build=True):
    """All of these are met.

    {"kind": "all", "of": [{"kind": "member"}, {"kind": "payment", "kinds": ["sbp"]}]}"""

    kind: Literal["all"]
    of: Parts

    def unmet(self, situation: Situation) -> Unmet | None:
        """What is in the way most: who is only close is told so if nothing else is missing."""
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


class AnyOfConditions(Body, defer_build=True):
    """At least one of these is met.

    {"kind": "any", "of": [{"kind": "code", "codes": ["SPRING"]}, {"kind": "birthday"}]}"""

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


class NoneConditions(Body, defer_build=True):
    """None of these is met.

    {"kind": "none", "of": [{"kind": "contains", "goods": {"categories": ["outlet"]}}]}"""

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
