"""The kinds `units` and `contains`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import Goods
from ledger.promotions.situations import Situation, Unmet

MOST_UNITS = 1_000_000

Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class NumberOfUnits(Body):
    """So many of these goods are bought. What is weighed or measured counts as one, however much it
    is.

    {"kind": "units", "goods": {"categories": ["socks"]}, "at_least": 3}"""

    kind: Literal["units"]
    goods: Goods
    at_least: Units = 1
    at_most: Units | None = None

    def unmet(self, situation: Situation) -> Unmet | None:
        """Who has some, and at least half of what is needed, is close."""
        found = situation.units(self.goods)
        if self.at_most is not None and found > self.at_most:
            return Unmet("not_met", "too_many_units")
        if found >= self.at_least:
            return None
        is_close = found > 0 and 2 * found >= self.at_least
        missing = {"number": self.at_least - found}
        return Unmet("close" if is_close else "not_met", "too_few_units", missing)

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()


class Contains(Body):
    """Something of these goods is bought. Turn it round with `none`.

    {"kind": "contains", "goods": {"skus": ["SHOE-38"]}}"""

    kind: Literal["contains"]
    goods: Goods

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close who has none."""
        return None if situation.counted(self.goods) else Unmet("not_met", "goods_missing")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()
