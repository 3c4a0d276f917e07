"""The kind `units`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsMeant, UnitCount
from ledger.promotions.situations import Situation, Unmet, too_few
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class NumberOfUnits(Body):
    """So many of these goods are bought. What is weighed or measured counts as one, however much it
    is.

    {"kind": "units", "goods": {"categories": ["socks"]}, "at_least": 3}"""

    WORDS: ClassVar = KindWords(
        N_("Number of units"),
        N_("So many units of these goods are bought; weighed goods count as one."),
    )

    kind: Literal["units"]
    goods: GoodsMeant
    at_least: Annotated[UnitCount, FieldWords("At least", "units")] = 1
    at_most: Annotated[UnitCount | None, FieldWords("At most", "units")] = None

    def unmet(self, situation: Situation) -> Unmet | None:
        """Too many, or too few."""
        found = situation.units(self.goods)
        if self.at_most is not None and found > self.at_most:
            return Unmet("not_met", "too_many_units")
        return None if found >= self.at_least else too_few(found, self.at_least)

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """How many, and of which goods."""
        goods = say.part(self.goods)
        said = say.many("at least {number} unit", "at least {number} units", self.at_least)
        if self.at_most is not None:
            most = say.many("at most {number} unit", "at most {number} units", self.at_most)
            said = f"{said} {say('and')} {most}"
        return say("{units} in the receipt ({goods})", units=said, goods=goods)
