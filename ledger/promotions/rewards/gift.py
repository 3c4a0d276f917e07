"""The kind `gift`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach, cheapest_first, first_units, spread, worth
from ledger.promotions.goods import ALL, Goods, GoodsWord, UnitCount
from ledger.promotions.rewards.registry import Present, changed
from ledger.promotions.situations import Situation
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class GiftProduct(Body):
    """A product for nothing. What is not on the receipt yet is told to the till; what is there
    costs nothing, and its price is shared with the goods that it comes with, so that no line costs
    nothing. `comes_with`: these; all others where none are named.

    {"kind": "gift", "sku": "SOCKS", "comes_with": {"categories": ["shoes"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Gift"), N_("A product for nothing, which comes with what is bought.")
    )

    kind: Literal["gift"]
    sku: Annotated[GoodsWord, FieldWords("SKU of the gift")]
    units: Annotated[UnitCount, FieldWords("How many", "units")] = 1
    comes_with: Annotated[Goods, FieldWords("What it comes with")] = ALL

    @cached_property
    def _product(self) -> Goods:
        return Goods(skus=[self.sku])

    def touches(self) -> Goods:
        """What it comes with."""
        return self.comes_with

    def deal(self, reach: PromotionReach) -> Deal:
        """The price of the gift, off it and what it comes with."""
        gift = first_units(cheapest_first(reach.runs(self._product)), self.units)
        lines = reach.sheet.lines
        bought = [
            run for run in reach.counted_runs(self.comes_with) if lines[run.line].sku != self.sku
        ]
        if not gift or not bought:
            return Deal()
        return spread(reach.sheet, bought + gift, worth(gift), elsewhere=True)

    def present(self, situation: Situation) -> Present | None:
        """So many as are missing, if anything is bought that it comes with."""
        lines = situation.worksheet.lines
        if all(lines[n].sku == self.sku for n in situation.counted(self.comes_with)):
            return None
        there = sum(line.units for line in lines if line.sku == self.sku)
        return Present(self.sku, self.units - there) if there < self.units else None

    def repeated(self, times: int) -> Self | None:
        """So many more."""
        return changed(self, units=self.units * times)

    def told(self, say: Voice) -> str:
        """What, how many, and with which goods."""
        return say(
            "gift {name} ({units}), with what is bought of: {goods}",
            name=say.name(self.sku),
            units=say.units(self.units),
            goods=say.part(self.comes_with),
        )
