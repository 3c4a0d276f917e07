"""Products, and what is said of them."""

from datetime import datetime
from operator import not_
from typing import Annotated, Literal, cast

from pydantic import Field

from ledger.catalogue import barcodes
from ledger.catalogue.goods import GoodsKind, Measure
from ledger.catalogue.products import (
    LONGEST_PICTURE,
    LONGEST_VAT,
    LONGEST_WORD,
    Availability,
)
from ledger.catalogue.putting import (
    LONGEST_PROPERTY,
    LONGEST_VALUE,
    MOST_BARCODES,
    MOST_PROPERTIES,
    MOST_STORES,
    ProductTerms,
)
from ledger.catalogue.texts import LONGEST_CODE, LONGEST_NAME
from ledger.fields import Barcode, Body, ByLanguage, Code, NotEmpty, PaidIn, Readable
from ledger.languages import Texts
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.answers import AnswerBody, FieldProblem
from wallet.api.bodies.examples import page_of, rub, shows
from wallet.api.bodies.items import MalformedItem, fails_alone
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.stores import StoreCode

MOST_PRODUCTS = 1_000  # in one batch

Sku = Annotated[str, Readable, Field(max_length=LONGEST_CODE), NotEmpty]
CategoryCode = Annotated[str, Readable, Field(max_length=LONGEST_CODE), NotEmpty]
GoodsName = Annotated[str, Readable, Field(max_length=LONGEST_NAME)]
GoodsNames = Annotated[str | dict[str, str], ByLanguage(GoodsName)]
ProductWord = Annotated[str, Readable, Field(max_length=LONGEST_WORD)]
GoodsCode = Annotated[Barcode, Field(max_length=barcodes.LONGEST), NotEmpty]
PropertyName = Annotated[str, Readable, Field(max_length=LONGEST_PROPERTY), NotEmpty]
PropertyValue = Annotated[str, Readable, Field(max_length=LONGEST_VALUE)]
VatRate = Annotated[str, Readable, Field(max_length=LONGEST_VAT)]
PictureAddress = Annotated[str, Readable, Field(max_length=LONGEST_PICTURE)]

SNEAKERS = {
    "name": {"ru": "Кеды, 38", "en": "Sneakers, 38"},
    "article": "K-38",
    "category": "shoes",
    "brand": "Lastochka",
    "model": "keds",
    "properties": {"size": "38"},
    "unit": "pcs",
    "kind": "goods",
    "vat": "22 %",
    "marked": True,
    "barcodes": ["4006381333931"],
    "price": rub("4990.00"),
}
PRODUCT = {
    **SNEAKERS,
    "sku": "SHOE-38",
    "programme": "demo",
    "name": "Sneakers, 38",
    "names": {"ru": "Кеды, 38", "en": "Sneakers, 38"},
    "category_path": ["goods", "shoes"],
    "treatment": {
        "counts": True,
        "discounted": True,
        "payable": True,
        "earns": True,
        "turnover": True,
    },
    "picture": None,
    "availability": "in_stock",
    "stores": {},
    "archived": False,
    "floor": None,
    "lowest_30d": rub("4990.00"),
    "revision": 1,
    "created_at": "2026-12-01T12:00:00Z",
    "changed_at": "2026-12-01T12:00:00Z",
}


class TreatmentIn(Body):
    """In what a product takes part; what is left out is as usual for its kind."""

    counts: bool | None = None
    discounted: bool | None = None
    payable: bool | None = None
    earns: bool | None = None
    turnover: bool | None = None

    @property
    def flags(self) -> dict[str, bool]:
        """Those that are said."""
        return self.model_dump(exclude_none=True)


class ProductSaid(Body):
    """What a product is like, whole: what is left out is as if it had never been said, but for its
    prices."""

    name: GoodsNames | None = None
    article: ProductWord | None = None
    category: CategoryCode | None = None
    brand: ProductWord | None = None
    model: ProductWord | None = None
    properties: Annotated[dict[PropertyName, PropertyValue], Field(max_length=MOST_PROPERTIES)] = (
        Field(default_factory=dict)
    )
    unit: Measure = "pcs"
    kind: GoodsKind = "goods"
    treatment: TreatmentIn | None = None
    vat: VatRate | None = None
    marked: bool = False
    picture: PictureAddress | None = None
    availability: Availability = "in_stock"
    stores: Annotated[dict[StoreCode, Availability], Field(max_length=MOST_STORES)] = Field(
        default_factory=dict
    )
    archived: bool = False
    barcodes: Annotated[list[GoodsCode], Field(max_length=MOST_BARCODES)] = Field(
        default_factory=list
    )
    price: PaidIn | None = None

    def terms(self, sku: str, names: Texts) -> ProductTerms:
        """The product with this SKU and these names as it is wanted."""
        return ProductTerms(
            sku=sku,
            names=names,
            article=self.article,
            category=self.category,
            brand=self.brand,
            model=self.model,
            properties=self.properties,
            unit=self.unit,
            kind=self.kind,
            treatment=self.treatment.flags if self.treatment else {},
            vat=self.vat,
            marked=self.marked,
            picture=self.picture,
            availability=self.availability,
            stores=self.stores,
            archived=self.archived,
            barcodes=self.barcodes,
            price=self.price.money if self.price else None,
        )


class ProductIn(ProductSaid):
    """A product as it is to be, whole. Without a `name` it is called by its SKU. Without a `price`
    its prices stay as they are."""

    model_config = shows({"programme": "demo", **SNEAKERS})

    programme: Code


class ProductAsked(Body):
    """Of which programme."""

    programme: Code


class ProductsIn(PageIn):
    """Which products of a programme."""

    programme: Code
    sku: Sku | None = None
    barcode: GoodsCode | None = None
    category: CategoryCode | None = None
    archived: bool | None = None


class TreatmentOut(AnswerBody):
    """In what a line of a receipt with the product takes part."""

    counts: bool
    discounted: bool
    payable: bool
    earns: bool
    turnover: bool


class ProductOut(AnswerBody):
    """A product, with what it costs now. `revision` counts its changes, prices apart: `If-Match`
    with it changes the product only if nobody else did meanwhile."""

    model_config = shows(PRODUCT)

    sku: str
    programme: str
    name: str
    names: dict[str, str]
    article: str | None
    category: str | None
    category_path: list[str]
    brand: str | None
    model: str | None
    properties: dict[str, str]
    unit: str
    kind: str
    treatment: TreatmentOut
    vat: str | None
    marked: bool
    picture: str | None
    availability: str
    stores: dict[str, str]
    archived: bool
    barcodes: list[str]
    price: MoneyOut | None
    floor: MoneyOut | None
    lowest_30d: MoneyOut | None
    revision: int
    created_at: datetime
    changed_at: datetime


class ProductsOut(AnswerBody):
    """Products in the order in which they were made. `quantity`: how many kilograms the `barcode`
    says that was asked for; null if it says nothing of that."""

    model_config = shows({**page_of(PRODUCT), "quantity": None})

    items: list[ProductOut]
    quantity: str | None
    next_cursor: str | None


class ProductItemIn(ProductSaid):
    """One product of a batch. `revision`: what the caller read, to change it only if nobody else
    did meanwhile; 0 for a product that must be new."""

    sku: Sku
    revision: Annotated[int, Field(ge=0)] | None = None


class ProductBatchIn(Body):
    """Products of one programme, each as it is to be."""

    model_config = shows(
        {
            "programme": "demo",
            "items": [
                {"sku": "SHOE-38", **SNEAKERS},
                {"sku": "SHOE-39", "category": "nowhere"},
            ],
        }
    )

    programme: Code
    items: Annotated[
        list[Annotated[ProductItemIn, fails_alone("sku")]],
        Field(min_length=1, max_length=MOST_PRODUCTS),
    ]

    @property
    def all_items(self) -> list[ProductItemIn | MalformedItem]:
        """The products as they came, those that do not fit among them."""
        return cast(list[ProductItemIn | MalformedItem], self.items)


class ProductItemOut(AnswerBody):
    """What became of one product of a batch: whether it was `created`, `changed` or stays
    `unchanged`, and its revision; or the code and the sentence of the refusal; of one that does not
    fit, also every field at fault."""

    key: str | None
    status: int
    outcome: Literal["created", "changed", "unchanged"] | None = None
    revision: int | None = None
    code: str | None = None
    detail: str | None = None
    errors: Annotated[list[FieldProblem] | None, Field(exclude_if=not_)] = None


class ProductBatchOut(AnswerBody):
    """The outcomes of all products, in the order in which they were sent."""

    model_config = shows(
        {
            "items": [
                {
                    "key": "SHOE-38",
                    "status": 200,
                    "outcome": "created",
                    "revision": 1,
                    "code": None,
                    "detail": None,
                },
                {
                    "key": "SHOE-39",
                    "status": 404,
                    "outcome": None,
                    "revision": None,
                    "code": "unknown_category",
                    "detail": "The programme has no category nowhere.",
                },
            ]
        }
    )

    items: list[ProductItemOut]
