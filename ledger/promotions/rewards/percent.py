"""The kind `percent`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body, PercentText
from ledger.money import hundredths
from ledger.promotions.deals import PromotionReach, percent_off
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.rewards.picks import UnitsPicked, picked_told
from ledger.promotions.rewards.registry import changed
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class PercentOff(Body):
    """So many percent off these goods, or off some units of them. `most`: no more than so much off
    the receipt.

    {"kind": "percent", "percent": "10", "goods": {"categories": ["shoes"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Percent off"), N_("The goods become cheaper by so many percent.")
    )

    kind: Literal["percent"]
    percent: Annotated[PercentText, FieldWords("Percent off", "percent")]
    goods: GoodsMeant = ALL
    pick: UnitsPicked = None
    most: Annotated[PromotionMoney | None, FieldWords("At most, of the receipt", "money")] = None

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    @cached_property
    def _most(self) -> int | None:
        return None if self.most is None else in_pieces(self.most)

    def touches(self) -> Goods:
        """The goods it is off."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Exactly this percent of all of them together."""
        runs = reach.runs(self.goods)
        if self.pick is not None:
            runs = self.pick.of(reach, runs)
        return percent_off(reach.sheet, runs, self._size, self._most)

    def repeated(self, times: int) -> Self | None:
        """Off more of the cheapest or dearest units."""
        pick = None if self.pick is None else self.pick.repeated(times)
        return None if pick is None else changed(self, pick=pick)

    def told(self, say: Voice) -> str:
        """How many percent, of which goods and units, and how much at most."""
        most = (
            say("at most {money} off", money=say.money(self.most)) if self.most is not None else ""
        )
        goods = say.joined([picked_told(self.goods, self.pick, say), most])
        return say("{percent} off: {goods}", percent=say.percent(self.percent), goods=goods)
