"""The kind `purchase_number`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.facts import FactAsked, IsMember, PurchasesBefore
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Ordinal, Voice
from ledger.words import N_

MOST_PURCHASES = 1_000_000

PurchaseCount = Annotated[int, Field(ge=1, le=MOST_PURCHASES)]


class PurchaseNumber(Body):
    """It is a member's purchase with this number: the first is 1. `at_least`: this one and all
    after it; `every`: each so-manieth. What was cancelled does not count.

    {"kind": "purchase_number", "is": 1}"""

    WORDS: ClassVar = KindWords(
        N_("Which purchase of the member"), N_("The first purchase, the tenth, or each fifth.")
    )

    kind: Literal["purchase_number"]
    is_: Annotated[PurchaseCount | None, Field(alias="is"), FieldWords("Purchase number")] = None
    at_least: Annotated[PurchaseCount | None, FieldWords("From this purchase on")] = None
    every: Annotated[PurchaseCount | None, FieldWords("Every so many purchases")] = None

    @model_validator(mode="after")
    def says_one_way(self) -> Self:
        """Refuses a document that says none of the three, or several."""
        said = [one for one in (self.is_, self.at_least, self.every) if one is not None]
        if len(said) != 1:
            raise PydanticCustomError("one_number", "give one of is, at_least, every")
        return self

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody can buy twice at once, so nobody is close."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        number = situation.facts.get(PurchasesBefore().key, 0) + 1
        if self.is_ is not None:
            is_met = number == self.is_
        elif self.at_least is not None:
            is_met = number >= self.at_least
        else:
            is_met = number % (self.every or 1) == 0
        return None if is_met else Unmet("not_met", "other_purchase")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and how often they bought."""
        yield IsMember()
        yield PurchasesBefore()

    def told(self, say: Voice) -> str:
        """Which purchase."""
        number = self.is_ or self.at_least or self.every or 1
        facts = {"number": number, "place": Ordinal(number)}
        if self.is_ is not None:
            return say("it is the member's {place} purchase", **facts)
        if self.at_least is not None:
            return say("it is the member's {place} purchase or a later one", **facts)
        return say("it is every {place} purchase of the member", **facts)
