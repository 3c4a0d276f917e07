"""Which lines of a receipt are meant."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ledger.errors import AmountTooLarge, TooManyDecimals
from ledger.fields import Body, MoneyIn, Readable
from ledger.money import Money, decimals
from ledger.promotions.baskets import BasketLine
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

MOST_NAMED = 5_000
MOST_UNITS = 1_000_000


def in_pieces(told: MoneyIn) -> int:
    """An amount of a document in the smallest pieces of its currency."""
    return told.money.points(decimals(told.currency))


def multiplied(told: MoneyIn, times: int) -> MoneyIn:
    """So many times an amount of a document."""
    money = Money.of(in_pieces(told) * times, decimals(told.currency), told.currency)
    return MoneyIn(amount=money.amount, currency=told.currency)


def require_pieces(told: MoneyIn) -> MoneyIn:
    """Refuses an amount that nobody can pay: more decimals than the currency has."""
    try:
        in_pieces(told)
    except (TooManyDecimals, AmountTooLarge):
        raise PydanticCustomError(
            "amount_malformed", 'must be an amount such as "199.90"'
        ) from None
    return told


GoodsKey = tuple[str, str]  # a field of a line, and a value of it
GoodsWord = Annotated[str, Readable, Field(min_length=1, max_length=100)]
GoodsWords = Annotated[list[GoodsWord], Field(min_length=1, max_length=MOST_NAMED)]
Properties = Annotated[dict[GoodsWord, GoodsWords], Field(min_length=1, max_length=20)]
PromotionMoney = Annotated[MoneyIn, AfterValidator(require_pieces)]
UnitCount = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class Goods(Body):
    """Lines of a receipt: those that fulfil everything that is named here, and all lines where
    nothing is. Of a list, one is enough. A category means all that lie in it too. `price_from` and
    `price_to` are what one costs on the shelf, both included. `full_price`: only what nothing was
    taken off so far. `but`: without these.

    {"categories": ["shoes"], "price_from": {"amount": "1000", "currency": "RUB"}}"""

    WORDS: ClassVar = KindWords(
        N_("Goods"), N_("Which goods are meant: all, or those that you name here.")
    )

    skus: Annotated[GoodsWords | None, FieldWords("SKUs")] = None
    models: Annotated[GoodsWords | None, FieldWords("Models")] = None
    categories: Annotated[GoodsWords | None, FieldWords("Categories")] = None
    brands: Annotated[GoodsWords | None, FieldWords("Brands")] = None
    properties: Annotated[Properties | None, FieldWords("Properties")] = None
    price_from: Annotated[PromotionMoney | None, FieldWords("Shelf price from", "money")] = None
    price_to: Annotated[PromotionMoney | None, FieldWords("Shelf price up to", "money")] = None
    full_price: Annotated[bool, FieldWords("Only goods without a discount")] = False
    but: Annotated["Goods | None", FieldWords("Except these goods")] = None

    def means(self, line: BasketLine) -> bool:
        """Whether this line is meant, whatever was taken off it."""
        found = self._sets
        return (
            (self.skus is None or line.sku in found["skus"])
            and (self.models is None or line.model in found["models"])
            and (self.categories is None or not found["categories"].isdisjoint(line.categories))
            and (self.brands is None or line.brand in found["brands"])
            and (self.properties is None or self._has_properties(line.properties))
            and self._least <= line.price
            and (self._most is None or line.price <= self._most)
            and (self.but is None or self.but.full_price or not self.but.means(line))
        )

    def keys(self) -> Iterator[GoodsKey]:
        """By what these goods can be found: pairs of a field of a line and a value, of which every
        line that is meant has one. Nothing where any line could be meant."""
        for name in ("skus", "models", "categories", "brands"):
            listed = getattr(self, name)
            if listed is not None:
                yield from ((name, value) for value in listed)
                return

    @cached_property
    def is_named_alone(self) -> bool:
        """Whether every line is meant that one of the `keys` is of, or every line without any."""
        fields = self.model_fields_set - {"full_price"}
        return (len(fields) <= 1 and self.key_set is not None) or self == ALL

    @cached_property
    def key_set(self) -> frozenset[GoodsKey] | None:
        """All of `keys`; None where any line could be meant."""
        return frozenset(self.keys()) or None

    @cached_property
    def _sets(self) -> Mapping[str, frozenset[str]]:
        names = ("skus", "models", "categories", "brands")
        return {name: frozenset(getattr(self, name) or ()) for name in names}

    @cached_property
    def _least(self) -> int:
        return 0 if self.price_from is None else in_pieces(self.price_from)

    @cached_property
    def _most(self) -> int | None:
        return None if self.price_to is None else in_pieces(self.price_to)

    def told(self, say: Voice) -> str:
        """Such as "category shoes, price from 1,000 ₽"."""
        parts = [*self._names_told(say), *self._price_told(say)]
        if self.full_price:
            parts.append(say("only without a discount so far"))
        if not parts:
            parts = [say("all goods")]
        if self.but is not None:
            parts.append(say("except ({goods})", goods=say.part(self.but)))
        return say.joined(parts)

    def _names_told(self, say: Voice) -> Iterator[str]:
        if self.categories is not None:
            yield say("category {names}", names=say.names(self.categories))
        if self.brands is not None:
            yield say("brand {names}", names=say.names(self.brands))
        if self.models is not None:
            yield say("model {names}", names=say.names(self.models))
        if self.skus is not None:
            yield say("SKU {names}", names=say.names(self.skus))
        for name, values in (self.properties or {}).items():
            yield say("property {name}: {names}", name=say.name(name), names=say.names(values))

    def _price_told(self, say: Voice) -> Iterator[str]:
        if self.price_from is not None:
            yield say("shelf price from {money}", money=say.money(self.price_from))
        if self.price_to is not None:
            yield say("shelf price up to {money}", money=say.money(self.price_to))

    def _has_properties(self, has: Mapping[str, str]) -> bool:
        return all(has.get(name) in values for name, values in (self.properties or {}).items())


ALL = Goods()

GoodsMeant = Annotated[Goods, FieldWords("Goods")]


def keys_of(line: BasketLine) -> Iterator[GoodsKey]:
    """By what goods that mean this line may be found, as `Goods.keys` names it."""
    yield ("skus", line.sku)
    yield from (("categories", code) for code in line.categories)
    if line.model is not None:
        yield ("models", line.model)
    if line.brand is not None:
        yield ("brands", line.brand)
