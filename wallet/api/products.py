"""Products: what is sold."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger.catalogue import categories, completing, products
from ledger.catalogue.completing import KnownProduct
from ledger.catalogue.dated import EVERYWHERE
from ledger.catalogue.products import Product, ProductFilter
from ledger.catalogue.putting import ProductWish, PutProduct
from ledger.errors import (
    AmountTooLarge,
    BarcodeTaken,
    ChangedMeanwhile,
    LanguageNotSpoken,
    ProductRefused,
    Refusal,
    TooManyDecimals,
    UnknownCategory,
    UnknownProduct,
    UnknownProgramme,
    UnknownStore,
    WrongCurrency,
)
from ledger.money import Money, decimals
from ledger.programmes.programmes import Programme
from wallet.api import lookup, paging, reading, revisions
from wallet.api.auth import author, needs
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.items import MalformedItem
from wallet.api.bodies.products import (
    ProductAsked,
    ProductBatchIn,
    ProductBatchOut,
    ProductIn,
    ProductItemIn,
    ProductItemOut,
    ProductOut,
    ProductsIn,
    ProductsOut,
    TreatmentOut,
)
from wallet.api.calls import refuses, revised, up_to
from wallet.api.refusals import told_alone
from wallet.delivery import catalogue_changes
from wallet.installation import current_installation

TOGETHER = 200  # products of a batch in one transaction
MOST_BODY_BYTES = 4 * 1024 * 1024

routes = APIBlueprint("products", __name__, tag="Catalogue")


@routes.before_request
def allow_large_bodies() -> None:
    """A batch may have a larger body than other calls."""
    if request.path.endswith("/batch"):
        request.max_content_length = MOST_BODY_BYTES


@routes.get("/products")
@routes.doc(operation_id="listProducts")
@needs("catalogue:read")
@refuses(UnknownProgramme, UnknownCategory)
@routes.input(ProductsIn, location="query")
@routes.output(ProductsOut)
def find(query_data: ProductsIn) -> ProductsOut:
    """The products of a programme, in the order they were made; or the one with an SKU that no
    path can hold, the one with a barcode, those of a category and of all that lie in it."""
    place = paging.place(query_data)
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        only_id, quantity = None, None
        if query_data.barcode is not None:
            found = products.scanned(session, programme.id, query_data.barcode)
            only_id, quantity = (0, None) if found is None else (found[0].id, found[1])
        wanted = ProductFilter(
            only_id=only_id,
            sku=query_data.sku,
            category_ids=_under(session, programme, query_data.category),
            archived=query_data.archived,
        )
        rows = products.listed(session, programme.id, wanted, place.position or 0, place.most)
        page = place.page(rows)
        return ProductsOut(
            items=_told(session, programme, page.rows, now),
            quantity=None if quantity is None else str(quantity),
            next_cursor=page.next_cursor,
        )


@routes.get("/products/<sku>")
@routes.doc(operation_id="getProduct")
@needs("catalogue:read")
@refuses(UnknownProgramme, UnknownProduct)
@routes.input(ProductAsked, location="query")
@routes.output(ProductOut)
def read(sku: str, query_data: ProductAsked) -> ProductOut:
    """One product. If its SKU holds a slash, ask the list for it: `GET /products?sku=`."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        (told,) = _told(session, programme, [products.named(session, programme.id, sku)], now)
        return told


@routes.put("/products/<sku>")
@routes.doc(operation_id="putProduct")
@needs("catalogue:write")
@revised
@refuses(
    UnknownProgramme,
    ProductRefused,
    LanguageNotSpoken,
    UnknownCategory,
    UnknownStore,
    BarcodeTaken,
    WrongCurrency,
    TooManyDecimals,
    AmountTooLarge,
    ChangedMeanwhile,
)
@routes.input(ProductIn)
@routes.output(ProductOut)
def put(sku: str, json_data: ProductIn) -> ProductOut:
    """Make a product, or change it: afterwards it is as the body says, whole.

    A `price` holds from now on, everywhere; without it prices stay as they are. If the SKU holds a
    slash, send the product in a batch."""
    now = current_installation().clock()

    def work(session: Session) -> ProductOut:
        programme = lookup.programme(session, json_data.programme)
        known = revisions.known(lambda: products.find(session, programme.id, sku))
        names = reading.by_language(programme, json_data.name or "")
        wish = ProductWish(json_data.terms(sku, names), known)
        put_ = catalogue_changes.put_product(session, programme, wish, author(session), now)
        (told,) = _told(session, programme, [put_.product], now)
        return told

    return current_installation().database.run(work)


@routes.post("/products/batch")
@routes.doc(operation_id="putProducts")
@needs("catalogue:write")
@up_to(MOST_BODY_BYTES)
@refuses(UnknownProgramme)
@routes.input(ProductBatchIn)
@routes.output(ProductBatchOut)
def put_many(json_data: ProductBatchIn) -> ProductBatchOut:
    """Make or change up to 1,000 products, each with an outcome of its own.

    One that does not fit fails alone. Sent again it changes nothing more."""
    now = current_installation().clock()
    outcomes: list[ProductItemOut] = []
    for start in range(0, len(json_data.items), TOGETHER):
        part = json_data.all_items[start : start + TOGETHER]

        def work(
            session: Session, part: list[ProductItemIn | MalformedItem] = part
        ) -> list[ProductItemOut]:
            programme = lookup.programme(session, json_data.programme)
            wishes = [_wish(programme, one) for one in part if isinstance(one, ProductItemIn)]
            put = catalogue_changes.put_products(session, programme, wishes, author(session), now)
            done = iter(put)
            return [
                ProductItemOut.model_validate({"key": one.key, **told_alone(one.error)})
                if isinstance(one, MalformedItem)
                else _outcome(one.sku, next(done))
                for one in part
            ]

        outcomes += current_installation().database.run(work, idempotent=True)
    return ProductBatchOut(items=outcomes)


def _wish(programme: Programme, wanted: ProductItemIn) -> ProductWish:
    names = reading.by_language(programme, wanted.name or "")
    return ProductWish(wanted.terms(wanted.sku, names), wanted.revision)


def _outcome(sku: str, put: PutProduct | Refusal) -> ProductItemOut:
    if isinstance(put, Refusal):
        return ProductItemOut.model_validate({"key": sku, **told_alone(put)})
    return ProductItemOut(key=sku, status=200, outcome=put.outcome, revision=put.product.revision)


def _under(session: Session, programme: Programme, category: str | None) -> list[int] | None:
    """The ids of a category and of all that lie in it."""
    if category is None:
        return None
    top = categories.named(session, programme.id, category)
    return [one.id for one in categories.tree(session, programme.id).under(top.id)]


def _told(
    session: Session, programme: Programme, rows: Sequence[Product], now: datetime
) -> list[ProductOut]:
    known = completing.complete(session, rows, EVERYWHERE, now)
    codes = products.codes_of(session, [row.id for row in rows])
    return [_product_out(programme, row, known[row.id], codes.get(row.id, ())) for row in rows]


def _product_out(
    programme: Programme, row: Product, known: KnownProduct, barcodes: Sequence[str]
) -> ProductOut:
    return ProductOut(
        sku=row.sku,
        programme=programme.code,
        name=reading.said(row.names, programme),
        names=row.names,
        article=row.article,
        category=known.category_path[-1] if known.category_path else None,
        category_path=list(known.category_path),
        brand=row.brand,
        model=row.model,
        properties=row.properties,
        unit=row.unit,
        kind=row.kind,
        treatment=TreatmentOut(**asdict(known.treatment)),
        vat=row.vat,
        marked=row.marked,
        picture=row.picture,
        availability=row.availability,
        stores={**row.stores},
        archived=row.archived,
        barcodes=list(barcodes),
        price=money_out(known.price, known.currency),
        floor=money_out(known.floor, known.currency),
        lowest_30d=money_out(known.lowest_30d, known.currency),
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def money_out(amount: int | None, currency: str | None) -> MoneyOut | None:
    """So many of the smallest pieces of a currency, as answers have them."""
    if amount is None or currency is None:
        return None
    money = Money.of(amount, decimals(currency), currency)
    return MoneyOut(amount=money.amount, currency=money.currency)
