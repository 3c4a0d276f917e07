"""Prices and floors of products: from when on, and in which stores."""

from datetime import datetime
from operator import not_
from typing import Annotated, Literal, Self, cast

from pydantic import Field, model_validator

from ledger.catalogue.price_lists import FloorWish, PriceWish
from ledger.fields import Body, Code, Moment, PaidIn, either
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.answers import AnswerBody, FieldProblem
from wallet.api.bodies.examples import page_of, rub, shows
from wallet.api.bodies.items import MalformedItem, fails_alone
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.products import CategoryCode, Sku
from wallet.api.bodies.stores import StoreGroup

MOST_PRICES = 1_000  # in one batch

PRICE = {
    "sku": "SHOE-38",
    "group": "airport",
    "price": rub("5490.00"),
    "from": "2026-12-01T12:00:00Z",
    "said_at": "2026-12-01T12:00:00Z",
}
FLOOR = {
    "sku": None,
    "category": "shoes",
    "price": rub("409.00"),
    "from": "2027-01-01T00:00:00Z",
    "said_at": "2026-12-01T12:00:00Z",
}


class AmountSaid(Body):
    """A price, and from when on it holds: at once without `from`. Null: there is none from then
    on."""

    price: PaidIn | None
    since: Annotated[Moment | None, Field(alias="from")] = None


class PriceItemIn(AmountSaid):
    """What a product costs, in stores of this `group`, or in all that have no price of their
    own."""

    sku: Sku
    group: StoreGroup | None = None

    @property
    def wish(self) -> PriceWish:
        """The same, as it is wanted."""
        price = self.price.money if self.price else None
        return PriceWish(self.sku, price, self.group, self.since)


class FloorItemIn(AmountSaid):
    """Below which price a product is not sold, or what lies in a category: give either `sku` or
    `category`."""

    sku: Sku | None = None
    category: CategoryCode | None = None

    @model_validator(mode="after")
    def of_one(self) -> Self:
        """Refuses both, and neither: `sku_or_category`."""
        if (self.sku is None) == (self.category is None):
            raise either("sku_or_category", "sku", "category")
        return self

    @property
    def wish(self) -> FloorWish:
        """The same, as it is wanted."""
        price = self.price.money if self.price else None
        return FloorWish(price, self.sku, self.category, self.since)


class PriceBatchIn(Body):
    """Prices of products of one programme."""

    model_config = shows(
        {
            "programme": "demo",
            "items": [
                {"sku": "SHOE-38", "group": "airport", "price": rub("5490.00")},
                {"sku": "nowhere", "price": rub("1.00")},
            ],
        }
    )

    programme: Code
    items: Annotated[
        list[Annotated[PriceItemIn, fails_alone("sku")]],
        Field(min_length=1, max_length=MOST_PRICES),
    ]

    @property
    def all_items(self) -> list[PriceItemIn | MalformedItem]:
        """The prices as they came, those that do not fit among them."""
        return cast(list[PriceItemIn | MalformedItem], self.items)


class FloorBatchIn(Body):
    """Floors of products and categories of one programme."""

    model_config = shows(
        {
            "programme": "demo",
            "items": [
                {"category": "shoes", "price": rub("409.00"), "from": "2027-01-01T00:00:00Z"},
                {"sku": "nowhere", "price": rub("1.00")},
            ],
        }
    )

    programme: Code
    items: Annotated[
        list[Annotated[FloorItemIn, fails_alone("sku")]],
        Field(min_length=1, max_length=MOST_PRICES),
    ]

    @property
    def all_items(self) -> list[FloorItemIn | MalformedItem]:
        """The floors as they came, those that do not fit among them."""
        return cast(list[FloorItemIn | MalformedItem], self.items)


class AmountItemOut(AnswerBody):
    """What became of one price or floor of a batch: whether it was `noted`, and from when on it
    holds, or had been said already (`unchanged`); or the code and the sentence of the refusal; of
    one that does not fit, also every field at fault."""

    key: str | None
    status: int
    outcome: Literal["noted", "unchanged"] | None = None
    since: Annotated[datetime | None, Field(alias="from")] = None
    code: str | None = None
    detail: str | None = None
    errors: Annotated[list[FieldProblem] | None, Field(exclude_if=not_)] = None


class AmountBatchOut(AnswerBody):
    """The outcomes of all prices or floors, in the order in which they were sent."""

    model_config = shows(
        {
            "items": [
                {
                    "key": "SHOE-38",
                    "status": 200,
                    "outcome": "noted",
                    "from": "2026-12-01T12:00:00Z",
                    "code": None,
                    "detail": None,
                },
                {
                    "key": "nowhere",
                    "status": 404,
                    "outcome": None,
                    "from": None,
                    "code": "unknown_product",
                    "detail": "The programme has no product nowhere.",
                },
            ]
        }
    )

    items: list[AmountItemOut]


class PricesIn(PageIn):
    """The prices of one product; with a `group`, only those of its stores."""

    programme: Code
    sku: Sku
    group: StoreGroup | None = None


class FloorsIn(PageIn):
    """The floors of one programme."""

    programme: Code


class PriceOut(AnswerBody):
    """What a product costs from a moment on, until the next price of the same stores. Null: from
    then on it has no price there."""

    model_config = shows(PRICE)

    sku: str
    group: str | None
    price: MoneyOut | None
    since: Annotated[datetime, Field(alias="from")]
    said_at: datetime


class PricesOut(AnswerBody):
    """Prices, the past ones and those to come, in the order in which they were said."""

    model_config = shows(page_of(PRICE))

    items: list[PriceOut]
    next_cursor: str | None


class FloorOut(AnswerBody):
    """Below which price something is not sold from a moment on, until the next floor of the same.
    Null: from then on it has none of its own."""

    model_config = shows(FLOOR)

    sku: str | None
    category: str | None
    price: MoneyOut | None
    since: Annotated[datetime, Field(alias="from")]
    said_at: datetime


class FloorsOut(AnswerBody):
    """Floors, the past ones and those to come, in the order in which they were said."""

    model_config = shows(page_of(FLOOR))

    items: list[FloorOut]
    next_cursor: str | None
