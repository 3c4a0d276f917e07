"""Which lines of a receipt are meant."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field

from ledger.fields import Body, MoneyIn, Readable
from ledger.money import decimals
from ledger.promotions.baskets import BasketLine

MOST_NAMED = 5_000

GoodsWord = Annotated[str, Readable, Field(min_length=1, max_length=100)]
GoodsWords = Annotated[list[GoodsWord], Field(min_length=1, max_length=MOST_NAMED)]
Properties = Annotated[dict[GoodsWord, GoodsWords], Field(min_length=1, max_length=20)]


class Goods(Body):
    """Lines of a receipt: those that fulfil everything that is named here, and all lines where
    nothing is. Of a list, one is enough. A category means all that lie in it too. `price_from` and
    `price_to` are what one costs on the shelf, both included. `full_price`: only what nothing was
    taken off so far. `but`: without these.

    {"categories": ["shoes"], "price_from": {"amount": "1000", "currency": "RUB"}}"""

    skus: GoodsWords | None = None
    models: GoodsWords | None = None
    categories: GoodsWords | None = None
    brands: GoodsWords | None = None
    properties: Properties | None = None
    price_from: MoneyIn | None = None
    price_to: MoneyIn | None = None
    full_price: bool = False
    but: "Goods | None" = None

    def means(self, line: BasketLine) -> bool:
        """Whether this line is meant. What was taken off it is not looked at."""
        found = self._sets
        return (
            (self.skus is None or line.sku in found["skus"])
            and (self.models is None or line.model in found["models"])
            and (self.categories is None or not found["categories"].isdisjoint(line.categories))
            and (self.brands is None or line.brand in found["brands"])
            and (self.properties is None or self._has_properties(line.properties))
            and self._least <= line.price
            and (self._most is None or line.price <= self._most)
            and (self.but is None or not self.but.means(line))
        )

    def keys(self) -> Iterator[tuple[str, str]]:
        """By what these goods can be found: pairs of a field of a line and a value, of which every
        line that is meant has one. Nothing where any line could be meant."""
        for name in ("skus", "models", "categories", "brands"):
            listed = getattr(self, name)
            if listed is not None:
                yield from ((name, value) for value in listed)
                return

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

    def _has_properties(self, has: Mapping[str, str]) -> bool:
        return all(has.get(name) in values for name, values in (self.properties or {}).items())

    @classmethod
    def all(cls) -> Self:
        """All lines."""
        return cls()


ALL = Goods()


def keys_of(line: BasketLine) -> Iterator[tuple[str, str]]:
    """By what goods that mean this line may be found, as `Goods.keys` names it."""
    yield ("skus", line.sku)
    yield from (("categories", code) for code in line.categories)
    if line.model is not None:
        yield ("models", line.model)
    if line.brand is not None:
        yield ("brands", line.brand)


def in_pieces(told: MoneyIn) -> int:
    """An amount of a document in the smallest pieces of its currency."""
    return told.money.points(decimals(told.currency))
