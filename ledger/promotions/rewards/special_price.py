"""The kind `special_price`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.deals import PromotionReach
from ledger.promotions.goods import Goods, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.rewards.down_to import down_to
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class SpecialPrice(Body):
    """One unit of these goods costs so much; a kilogram or a metre of what is weighed or measured.
    What costs less already stays as it is.

    {"kind": "special_price", "price": {"amount": "990", "currency": "RUB"},
     "goods": {"models": ["T-SHIRT"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Special price"), N_("One unit of these goods costs so much, or a kilogram of them.")
    )

    kind: Literal["special_price"]
    price: Annotated[PromotionMoney, FieldWords("Price", "money")]
    goods: GoodsMeant

    @cached_property
    def _price(self) -> int:
        return in_pieces(self.price)

    def touches(self) -> Goods:
        """The goods that have the price."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Down to the price."""
        lines = reach.lines(self.goods)
        return down_to(reach, dict.fromkeys(lines, self._price))

    def told(self, say: Voice) -> str:
        """The price, and of which goods."""
        return say(
            "special price {money}: {goods}",
            money=say.money(self.price),
            goods=say.part(self.goods),
        )
