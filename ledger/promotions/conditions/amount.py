"""The kind `amount`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import ALL, GoodsMeant, PromotionMoney, in_pieces
from ledger.promotions.situations import Situation, Unmet, too_cheap
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

BOUNDS = ("at_least", "more_than", "at_most", "less_than")


class AmountOfGoods(Body):
    """These goods cost so much together. `measure`: what they cost on the shelf (`full`), or what
    remains of that after the lanes before (`remaining`).

    {"kind": "amount", "at_least": {"amount": "3000", "currency": "RUB"}}"""

    WORDS: ClassVar = KindWords(
        N_("Amount of the purchase"),
        N_("These goods cost so much together; a carrier bag does not count."),
    )

    kind: Literal["amount"]
    goods: GoodsMeant = ALL
    measure: Annotated[
        Literal["full", "remaining"],
        FieldWords(
            "By which price",
            choices=(("full", N_("by the shelf price")), ("remaining", N_("after discounts"))),
        ),
    ] = "full"
    at_least: Annotated[PromotionMoney | None, FieldWords("At least", "money")] = None
    more_than: Annotated[PromotionMoney | None, FieldWords("More than", "money")] = None
    at_most: Annotated[PromotionMoney | None, FieldWords("At most", "money")] = None
    less_than: Annotated[PromotionMoney | None, FieldWords("Less than", "money")] = None

    @model_validator(mode="after")
    def has_a_bound(self) -> Self:
        """Refuses a document that says no amount."""
        if all(getattr(self, name) is None for name in BOUNDS):
            raise PydanticCustomError("no_bound", "must say how much: at_least, at_most")
        return self

    @cached_property
    def _least(self) -> int:
        least = 0 if self.at_least is None else in_pieces(self.at_least)
        return max(least, 0 if self.more_than is None else in_pieces(self.more_than) + 1)

    @cached_property
    def _most(self) -> int | None:
        bounds = [] if self.at_most is None else [in_pieces(self.at_most)]
        if self.less_than is not None:
            bounds.append(in_pieces(self.less_than) - 1)
        return min(bounds) if bounds else None

    def unmet(self, situation: Situation) -> Unmet | None:
        """Too much, or too little."""
        sheet, lines = situation.worksheet, situation.counted(self.goods)
        found = sheet.full(lines) if self.measure == "full" else sheet.total(lines)
        if self._most is not None and found > self._most:
            return Unmet("not_met", "costs_too_much")
        if found >= self._least:
            return None
        return too_cheap(found, self._least, sheet.basket.currency)

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """Goods, bounds, and by which price."""
        price = say("after discounts") if self.measure == "remaining" else say("by the shelf price")
        facts = {"goods": say.part(self.goods), "price": price}
        bounds = f" {say('and')} ".join(self._bounds_told(say))
        return say("the sum is {bounds} {price} ({goods})", bounds=bounds, **facts)

    def _bounds_told(self, say: Voice) -> Iterator[str]:
        if self.at_least is not None:
            yield say("at least {money}", money=say.money(self.at_least))
        if self.more_than is not None:
            yield say("more than {money}", money=say.money(self.more_than))
        if self.at_most is not None:
            yield say("at most {money}", money=say.money(self.at_most))
        if self.less_than is not None:
            yield say("less than {money}", money=say.money(self.less_than))
