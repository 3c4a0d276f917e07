"""The kind `price_list`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach
from ledger.promotions.goods import Goods, GoodsWord, PromotionMoney, in_pieces
from ledger.promotions.rewards.down_to import down_to
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_

MOST_PRICES = 5_000


class ListedPrice(Body):
    """The special price of one product."""

    WORDS: ClassVar = KindWords(N_("Price"), N_("The special price of one product."))

    sku: Annotated[GoodsWord, FieldWords("SKU")]
    price: Annotated[PromotionMoney, FieldWords("Price", "money")]


class PriceList(Body):
    """Special prices of many products, such as those of the week.

    {"kind": "price_list",
     "prices": [{"sku": "SOCKS", "price": {"amount": "199", "currency": "RUB"}}]}"""

    WORDS: ClassVar = KindWords(
        N_("List of special prices"), N_("Special prices of many products, each with its own.")
    )

    kind: Literal["price_list"]
    prices: Annotated[
        list[ListedPrice], Field(min_length=1, max_length=MOST_PRICES), FieldWords("Prices")
    ]

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
        return down_to(reach, {n: self._prices[reach.sheet.lines[n].sku] for n in lines})

    def told(self, say: Voice) -> str:
        """The products with their prices."""
        prices = [
            f"{say.name(one.sku)} {say.money(one.price).written(say.language)}"
            for one in self.prices
        ]
        return say("special prices: {prices}", prices=say.first(prices))
