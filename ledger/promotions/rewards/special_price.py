"""The kinds `special_price` and `price_list`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body, MoneyIn
from ledger.promotions.arithmetic import price_of
from ledger.promotions.deals import PromotionReach, settle
from ledger.promotions.goods import Goods, GoodsWord, in_pieces
from ledger.promotions.worksheet import Deal, UnitRun

MOST_PRICES = 5_000


class SpecialPrice(Body):
    """One unit of these goods costs so much; a kilogram or a metre of what is weighed or measured.
    What costs less already stays as it is.

    {"kind": "special_price", "price": {"amount": "990", "currency": "RUB"},
     "goods": {"models": ["T-SHIRT"]}}"""

    kind: Literal["special_price"]
    price: MoneyIn
    goods: Goods

    @cached_property
    def _price(self) -> int:
        return in_pieces(self.price)

    def touches(self) -> Goods:
        """The goods that have the price."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Down to the price."""
        lines = reach.lines(self.goods)
        return _down_to(reach, dict.fromkeys(lines, self._price))


class ListedPrice(Body):
    """The special price of one product."""

    sku: GoodsWord
    price: MoneyIn


class PriceList(Body):
    """Special prices of many products, such as those of the week.

    {"kind": "price_list",
     "prices": [{"sku": "SOCKS", "price": {"amount": "199", "currency": "RUB"}}]}"""

    kind: Literal["price_list"]
    prices: Annotated[list[ListedPrice], Field(min_length=1, max_length=MOST_PRICES)]

    @cached_property
    def _prices(self) -> Mapping[str, int]:
        return {one.sku: in_pieces(one.price) for one in self.prices}

    @cached_property
    def _goods(self) -> Goods:
        return Goods(skus=[one.sku for one in self.prices])

    def touches(self) -> Goods:
        """The goods on the list."""
        return self._goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Down to the price of each."""
        lines = reach.lines(self._goods)
        return _down_to(reach, {n: self._prices[reach.sheet.lines[n].sku] for n in lines})


def _down_to(reach: PromotionReach, prices: Mapping[int, int]) -> Deal:
    """Each line down to its price for one."""
    runs = reach.sheet.runs(prices)
    parts: dict[int, int] = {}
    for run in runs:
        parts[run.line] = parts.get(run.line, 0) + _above(reach, run, prices[run.line])
    return settle(reach.sheet, runs, parts)


def _above(reach: PromotionReach, run: UnitRun, price: int) -> int:
    line = reach.sheet.lines[run.line]
    wanted = price if line.units > 1 else price_of(price, line.quantity)
    return max(0, run.each - wanted) * run.units
