"""The kind `audience`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from ledger.fields import Body
from ledger.promotions import segment_words
from ledger.promotions.facts import FactAsked, IsInAudience, IsMember
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.segments.documents import require_shallow
from ledger.segments.registry import Tree
from ledger.words import N_


class MemberOfAudience(Body, defer_build=True):
    """A member buys who belongs to a segment.

    {"kind": "audience", "segment": {"kind": "purchase", "days": 30}}"""

    WORDS: ClassVar = KindWords(
        N_("Member of a segment"), N_("A member buys who belongs to a segment.")
    )

    kind: Literal["audience"]
    segment: Annotated[Tree, AfterValidator(require_shallow), FieldWords("Segment")]

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close to belonging to it."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        belongs = situation.facts.get(self._question.key)
        return None if belongs else Unmet("not_met", "other_members")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and whether they belong."""
        yield IsMember()
        yield self._question

    @cached_property
    def _question(self) -> IsInAudience:
        return IsInAudience(self.segment)

    def told(self, say: Voice) -> str:
        """Which segment."""
        segment = segment_words.said(self.segment, say)
        return say("a member of a segment buys ({segment})", segment=segment)
