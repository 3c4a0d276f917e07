"""The kind `points_multiplied`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.goods import ALL, Goods, GoodsMeant
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

MOST_TIMES = 100


class PointsMultiplied(Body):
    """The base programme's points, so many times. `times`: 2 gives as many again.

    {"kind": "points_multiplied", "times": 3}"""

    WORDS: ClassVar = KindWords(
        N_("More points than usual"), N_("The points of the base programme, so many times.")
    )

    kind: Literal["points_multiplied"]
    times: Annotated[int, Field(ge=2, le=MOST_TIMES), FieldWords("How many times", "times")]
    goods: GoodsMeant = ALL

    def touches(self) -> Goods:
        """The goods that earn them."""
        return self.goods

    def points(self, earnings: Earnings) -> int:
        """What comes on top of what the base programme gives for these goods."""
        if earnings.rates is None:
            return 0
        return earnings.rates.earned(earnings.amount(self.goods)) * (self.times - 1)

    def told(self, say: Voice) -> str:
        """How many times, for which goods."""
        goods = say.part(self.goods)
        return say("points of the base programme × {times}: {goods}", times=self.times, goods=goods)
