"""What a condition is, and `AnyCondition`, the type of a tree of them."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Protocol

from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.segments.registry import Registry


class Condition(Protocol):
    """When a promotion gives something: a document as people wrote it, and the rule in it.
    `WORDS`: what its kind is called."""

    WORDS: ClassVar[KindWords]

    @property
    def kind(self) -> str:
        """The word that stands for this kind in documents."""

    def unmet(self, situation: Situation) -> Unmet | None:
        """Why it is not met; None if it is."""

    def asks(self) -> Iterator[FactAsked]:
        """What has to be known of whoever buys."""

    def told(self, say: Voice) -> str:
        """It in words, as what stands behind "if"."""


CONDITIONS: Registry[Condition] = Registry("conditions")

AnyCondition = Annotated[Condition, CONDITIONS]
