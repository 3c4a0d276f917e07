"""The kinds that ask who buys: `member`, `audience`, `purchase_number`, `birthday`."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Id, NotEmpty
from ledger.promotions.facts import (
    FactAsked,
    IsInAudience,
    IsListed,
    IsMember,
    IsNearBirthday,
    IsOneMember,
    PurchasesBefore,
)
from ledger.promotions.goods import GoodsWord
from ledger.promotions.situations import Situation, Unmet
from ledger.segments.documents import require_shallow
from ledger.segments.registry import Tree

MOST_PURCHASES = 1_000_000
MOST_DAYS = 60

WindowDays = Annotated[int, Field(ge=0, le=MOST_DAYS)]
PurchaseCount = Annotated[int, Field(ge=1, le=MOST_PURCHASES)]


class MemberBuys(Body):
    """A member buys: any, the one with this `id`, or one of a `list` from a file.

    {"kind": "member"}"""

    kind: Literal["member"]
    id: Annotated[Id, NotEmpty] | None = None
    list: GoodsWord | None = None

    @model_validator(mode="after")
    def names_one_way(self) -> Self:
        """Refuses a document with both `id` and `list`."""
        if self.id is not None and self.list is not None:
            raise PydanticCustomError("id_or_list", "give either id or list")
        return self

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close to being somebody else."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        return None if situation.facts.get(self._asked.key) else Unmet("not_met", "other_members")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and which."""
        yield IsMember()
        yield self._asked

    @property
    def _asked(self) -> FactAsked:
        if self.id is not None:
            return IsOneMember(self.id)
        return IsMember() if self.list is None else IsListed(self.list)


class MemberOfAudience(Body, defer_build=True):
    """A member buys who belongs to a segment.

    {"kind": "audience", "segment": {"kind": "purchase", "days": 30}}"""

    kind: Literal["audience"]
    segment: Annotated[Tree, AfterValidator(require_shallow)]

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close to belonging to it."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        belongs = situation.facts.get(IsInAudience(self.segment).key)
        return None if belongs else Unmet("not_met", "other_members")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and whether they belong."""
        yield IsMember()
        yield IsInAudience(self.segment)


class PurchaseNumber(Body):
    """It is a member's purchase with this number: the first is 1. `at_least`: this one and all
    after it; `every`: each so-manieth. What was cancelled does not count.

    {"kind": "purchase_number", "is": 1}"""

    kind: Literal["purchase_number"]
    is_: Annotated[PurchaseCount | None, Field(alias="is")] = None
    at_least: PurchaseCount | None = None
    every: PurchaseCount | None = None

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


class NearBirthday(Body):
    """A member buys at most so many days before or after their birthday.

    {"kind": "birthday", "before": 3, "after": 7}"""

    kind: Literal["birthday"]
    before: WindowDays = 0
    after: WindowDays = 0

    def unmet(self, situation: Situation) -> Unmet | None:
        """It says nothing of when the birthday is."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        asked = IsNearBirthday(self.before, self.after)
        return None if situation.facts.get(asked.key) else Unmet("not_met", "no_birthday")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and whether the birthday is near."""
        yield IsMember()
        yield IsNearBirthday(self.before, self.after)
