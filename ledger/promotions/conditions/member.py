"""The kind `member`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Id, NotEmpty
from ledger.promotions.facts import FactAsked, IsListed, IsMember, IsOneMember
from ledger.promotions.goods import GoodsWord
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class MemberBuys(Body):
    """A member buys: any, the one with this `id`, or one of a `list` from a file.

    {"kind": "member"}"""

    WORDS: ClassVar = KindWords(
        N_("A member buys"), N_("Any member, one by name, or one of a list from a file.")
    )

    kind: Literal["member"]
    id: Annotated[Annotated[Id, NotEmpty] | None, FieldWords("Member's id")] = None
    list: Annotated[GoodsWord | None, FieldWords("List of members")] = None

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

    def told(self, say: Voice) -> str:
        """Which member."""
        if self.id is not None:
            return say("the member with the id {name} buys", name=say.name(self.id))
        if self.list is not None:
            return say("a member of the list {name} buys", name=say.name(self.list))
        return say("a member buys")
