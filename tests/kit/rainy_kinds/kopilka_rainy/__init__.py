"""Two kinds of promotions that an installed package brings: a condition and a discount."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, spread, worth
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import ALL, Goods
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class WhileItRains(Body):
    """It is bought through the channel that a shop opens while it rains.

    {"kind": "rainy"}"""

    WORDS: ClassVar = KindWords(N_("While it rains"), N_("The till says whether it rains."))

    kind: Literal["rainy"]

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close to rain."""
        return None if situation.place.channel == "rain" else Unmet("not_now", "dry")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """It rains."""
        return say("it rains")


class RoundDown(Body):
    """The sum of all goods, rounded down to so many whole units of the currency.

    {"kind": "round_down", "to": 10}"""

    WORDS: ClassVar = KindWords(
        N_("Rounded down"), N_("The sum is rounded down, and the rest is a discount.")
    )

    kind: Literal["round_down"]
    to: Annotated[int, Field(ge=1, le=1000), FieldWords("To a multiple of")]

    def touches(self) -> Goods:
        """Anything."""
        return ALL

    def deal(self, reach: PromotionReach) -> Deal:
        """What is above the last round sum, in proportion."""
        runs = reach.runs(ALL)
        return spread(reach.sheet, runs, worth(runs) % (self.to * 100), elsewhere=True)

    def told(self, say: Voice) -> str:
        """To what."""
        return say("rounded down to a multiple of {number}", number=self.to)
