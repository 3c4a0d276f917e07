"""The kind `place`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsWords
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class AtPlace(Body):
    """It is bought in one of these stores, or in a store of these groups; at these tills; through
    these channels. What is not named does not matter.

    {"kind": "place", "stores": ["centre"]}"""

    WORDS: ClassVar = KindWords(
        N_("Where it is bought"),
        N_("Stores, groups of stores, tills, or channels such as a website."),
    )

    kind: Literal["place"]
    stores: Annotated[GoodsWords | None, FieldWords("Stores")] = None
    groups: Annotated[GoodsWords | None, FieldWords("Groups of stores")] = None
    tills: Annotated[GoodsWords | None, FieldWords("Tills")] = None
    channels: Annotated[GoodsWords | None, FieldWords("Channels")] = None

    @model_validator(mode="after")
    def names_a_place(self) -> Self:
        """Refuses a document that names nothing."""
        if not (self.stores or self.groups or self.tills or self.channels):
            raise PydanticCustomError("no_place", "give stores, groups, tills or channels")
        return self

    def unmet(self, situation: Situation) -> Unmet | None:
        """Elsewhere it is not met."""
        place = situation.place
        stores, groups = self.stores or (), self.groups or ()
        is_here = not (stores or groups) or place.store in stores or place.group in groups
        is_met = (
            is_here
            and (self.tills is None or place.till in self.tills)
            and (self.channels is None or place.channel in self.channels)
        )
        return None if is_met else Unmet("not_met", "elsewhere")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """Stores and groups, of which one is enough; tills; channels."""
        stores = []
        if self.stores is not None:
            stores.append(say("store {names}", names=say.names(self.stores)))
        if self.groups is not None:
            stores.append(say("group of stores {names}", names=say.names(self.groups)))
        parts = [say.one_of(stores)]
        if self.tills is not None:
            parts.append(say("till {names}", names=say.names(self.tills)))
        if self.channels is not None:
            parts.append(say("channel {names}", names=say.names(self.channels)))
        return say("it is bought here: {places}", places=say.joined(parts))
