"""Products: what is sold, by the SKU of the shop's own; and their barcodes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.catalogue import barcodes, goods
from ledger.catalogue.goods import GoodsKind, Measure, Treatment
from ledger.catalogue.texts import LONGEST_CODE
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, batched
from ledger.errors import UnknownProduct

LONGEST_WORD = 100  # characters of an article, a brand, a model
LONGEST_VAT = 20
LONGEST_PICTURE = 500

Availability = Literal["in_stock", "out_of_stock", "on_order"]
AVAILABILITIES: tuple[Availability, ...] = get_args(Availability)


class Product(Base):
    """What is sold. `sku` never changes. `names`: what it is called, by language. Products of one
    `model` are variants of each other, such as sizes. `otherwise`: in what it is not treated as its
    kind. `vat`: the rate as text, handed on as it came. `marked`: each piece has a marking code of
    its own. `stores`: where availability is another, by their codes. What is `archived` is not sold
    any more, and still known. `revision` counts its changes, those of its barcodes among them;
    prices are not."""

    __tablename__ = "ledger_product"
    __table_args__ = (
        UniqueConstraint("programme_id", "sku"),
        Index("ix_ledger_product_listed", "programme_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    sku: Mapped[str] = mapped_column(String(LONGEST_CODE))
    article: Mapped[str | None] = mapped_column(String(LONGEST_WORD))
    names: Mapped[dict[str, str]] = mapped_column(JsonDocument)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_category.id"), index=True)
    brand: Mapped[str | None] = mapped_column(String(LONGEST_WORD))
    model: Mapped[str | None] = mapped_column(String(LONGEST_WORD))
    properties: Mapped[dict[str, str]] = mapped_column(JsonDocument)
    unit: Mapped[Measure] = mapped_column(String(4))
    kind: Mapped[GoodsKind] = mapped_column(String(12))
    otherwise: Mapped[dict[str, bool]] = mapped_column(JsonDocument)
    vat: Mapped[str | None] = mapped_column(String(LONGEST_VAT))
    marked: Mapped[bool]
    picture: Mapped[str | None] = mapped_column(String(LONGEST_PICTURE))
    availability: Mapped[Availability] = mapped_column(String(12))
    stores: Mapped[dict[str, Availability]] = mapped_column(JsonDocument)
    archived: Mapped[bool]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def treatment(self) -> Treatment:
        """What a line of it takes part in."""
        return goods.treatment(self.kind, self.otherwise)


class ProductBarcode(Base):
    """A barcode of a product: `code` as it was written, `key` as it is looked up
    (`barcodes.key`)."""

    __tablename__ = "ledger_product_barcode"

    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(barcodes.LONGEST), primary_key=True)
    code: Mapped[str] = mapped_column(String(barcodes.LONGEST))
    product_id: Mapped[int] = mapped_column(ForeignKey("ledger_product.id"), index=True)


def named(session: Session, programme_id: int, sku: str) -> Product:
    """The product with this SKU. Raises `UnknownProduct`."""
    found = find(session, programme_id, sku)
    if found is None:
        raise UnknownProduct(sku)
    return found


def find(session: Session, programme_id: int, sku: str) -> Product | None:
    """The product with this SKU; None if there is none."""
    return session.scalar(
        select(Product)
        .where(Product.programme_id == programme_id, Product.sku == sku)
        .execution_options(populate_existing=True)
    )


def ids(session: Session, programme_id: int, skus: Collection[str]) -> dict[str, int]:
    """The ids of the products with these SKUs; those that are not there are left out."""
    found: dict[str, int] = {}
    for part in batched(sorted(skus)):
        query = select(Product.sku, Product.id).where(
            Product.programme_id == programme_id, Product.sku.in_(part)
        )
        found.update((code, of) for code, of in session.execute(query))
    return found


def scanned(
    session: Session, programme_id: int, code: str
) -> tuple[Product, Decimal | None] | None:
    """The product with this barcode; with how many kilograms of it there are, if the code says
    so. None if there is none."""
    readings = barcodes.readings(code)
    query = (
        select(ProductBarcode.key, Product)
        .join(Product, Product.id == ProductBarcode.product_id)
        .where(
            ProductBarcode.programme_id == programme_id,
            ProductBarcode.key.in_([reading.key for reading in readings]),
        )
    )
    by_key = {row.key: row.Product for row in session.execute(query)}
    for reading in readings:
        product = by_key.get(reading.key)
        if product is not None and barcodes.fits(reading, product.unit):
            return product, reading.quantity
    return None


def of_skus(session: Session, programme_id: int, skus: Collection[str]) -> Iterable[Product]:
    """The products with these SKUs; those that are not there are left out."""
    for part in batched(sorted(skus)):
        query = select(Product).where(Product.programme_id == programme_id, Product.sku.in_(part))
        yield from session.scalars(query.execution_options(populate_existing=True))


def codes_of(session: Session, product_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The barcodes of these products as they were written, in the order of their letters; those
    without are left out."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in batched(product_ids):
        query = select(ProductBarcode.product_id, ProductBarcode.code).where(
            ProductBarcode.product_id.in_(part)
        )
        for product_id, code in session.execute(query):
            found[product_id].append(code)
    return {product_id: tuple(sorted(codes)) for product_id, codes in found.items()}


def owners(session: Session, programme_id: int, keys: Collection[str]) -> dict[str, str]:
    """The SKUs of the products that have these barcodes, by their keys."""
    found: dict[str, str] = {}
    for part in batched(sorted(keys)):
        query = (
            select(ProductBarcode.key, Product.sku)
            .join(Product, Product.id == ProductBarcode.product_id)
            .where(ProductBarcode.programme_id == programme_id, ProductBarcode.key.in_(part))
        )
        found.update((code, of) for code, of in session.execute(query))
    return found


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products are wanted; what is None does not matter. `category_ids`: those that lie in
    one of these."""

    only_id: int | None = None
    sku: str | None = None
    category_ids: Collection[int] | None = None
    archived: bool | None = None


def listed(
    session: Session, programme_id: int, wanted: ProductFilter, after_id: int, limit: int
) -> Sequence[Product]:
    """The products that fit, in the order in which they were made, from behind product
    `after_id`."""
    query = select(Product).where(Product.programme_id == programme_id, Product.id > after_id)
    if wanted.only_id is not None:
        query = query.where(Product.id == wanted.only_id)
    if wanted.sku is not None:
        query = query.where(Product.sku == wanted.sku)
    if wanted.category_ids is not None:
        query = query.where(Product.category_id.in_(wanted.category_ids))
    if wanted.archived is not None:
        query = query.where(Product.archived == wanted.archived)
    return session.scalars(query.order_by(Product.id).limit(limit)).all()
