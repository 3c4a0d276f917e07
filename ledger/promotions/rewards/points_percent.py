"""The kind `points_percent`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body, PercentText
from ledger.money import WHOLE, hundredths
from ledger.promotions.goods import ALL, Goods, GoodsMeant
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_


class PointsPercent(Body):
    """So many percent of what is paid for these goods comes back in points, rounded down once for
    the receipt.

    {"kind": "points_percent", "percent": "5"}"""

    WORDS: ClassVar = KindWords(
        N_("Percent back in points"), N_("So many percent of what is paid come back in points.")
    )

    kind: Literal["points_percent"]
    percent: Annotated[PercentText, FieldWords("Percent back", "percent")]
    goods: GoodsMeant = ALL

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    def touches(self) -> Goods:
        """The goods that earn them."""
        return self.goods

    def points(self, earnings: Earnings) -> int:
        """Worth so much by what a point pays; none where no point has a worth."""
        if earnings.rates is None:
            return 0
        paid = earnings.amount(self.goods)
        return paid * self._size * earnings.pieces // (WHOLE * earnings.rates.worth)

    def told(self, say: Voice) -> str:
        """How many percent, of which goods."""
        return say(
            "{percent} of what is paid back in points: {goods}",
            percent=say.percent(self.percent),
            goods=say.part(self.goods),
        )
