"""What is known of the goods on a receipt: products with all that prices and promotions ask of
them, found by SKU or by barcode, in four statements however long the receipt is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, String, bindparam, cast, func, null, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from ledger.catalogue import barcodes, goods, timelines
from ledger.catalogue.categories import Category
from ledger.catalogue.dated import EVERYWHERE, PriceFloor, ProductPrice
from ledger.catalogue.goods import GoodsKind, Measure, Treatment
from ledger.catalogue.products import Product, ProductBarcode
from ledger.catalogue.timelines import From, Held, Timeline
from ledger.database.compiled import Compiled
from ledger.database.tables import Instant, OneOf, TextList
from ledger.languages import Texts
from ledger.programmes.stores import Store

REMEMBERED = timedelta(days=30)  # within which the lowest price is told of whoever says "was"


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A product at one moment, in one store. `category_path`: codes, from the top down to the
    category that it lies in. `price`, `floor` and `lowest_30d` are in the smallest pieces of
    `currency`; None: there is none. `lowest_30d`: the lowest price of the last thirty days, the one
    of now among them."""

    id: int
    sku: str
    names: Texts
    article: str | None
    category_path: tuple[str, ...]
    brand: str | None
    model: str | None
    properties: Mapping[str, str]
    unit: Measure
    kind: GoodsKind
    treatment: Treatment
    price: int | None
    currency: str | None
    floor: int | None
    lowest_30d: int | None
    vat: str | None
    marked: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was scanned; `quantity`: so many kilograms of it, if the code says that."""

    product: KnownProduct
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class KnownGoods:
    """The products that were asked for, by SKU, and by barcode as it was asked; those that nobody
    knows are left out."""

    by_sku: Mapping[str, KnownProduct]
    by_barcode: Mapping[str, Scanned]


_FACTS = (
    Product.id,
    Product.sku,
    Product.names,
    Product.article,
    Product.category_id,
    Product.brand,
    Product.model,
    Product.properties,
    Product.unit,
    Product.kind,
    Product.otherwise,
    Product.vat,
    Product.marked,
    Product.archived,
)
_OF_PROGRAMME: BindParameter[int] = bindparam("programme_id")
_ROWS = Compiled(
    union_all(
        select(*_FACTS, cast(null(), String).label("key")).where(
            Product.programme_id == _OF_PROGRAMME, OneOf(Product.sku, "skus", TextList)
        ),
        select(*_FACTS, ProductBarcode.key)
        .join(ProductBarcode, ProductBarcode.product_id == Product.id)
        .where(
            ProductBarcode.programme_id == _OF_PROGRAMME,
            OneOf(ProductBarcode.key, "keys", TextList),
        ),
    )
)

_above = (
    select(Category.id, Category.code, Category.parent_id)
    .where(OneOf(Category.id, "ids"))
    .cte("above", recursive=True)
)
_ABOVE = Compiled(
    select(
        _above.union(
            select(Category.id, Category.code, Category.parent_id).join(
                _above, Category.id == _above.c.parent_id
            )
        )
    )
)

_earlier = aliased(ProductPrice)
_SINCE, _MOMENT = bindparam("since", type_=Instant()), bindparam("moment", type_=Instant())
# What held when the time began, and all that began within it.
_PRICES = Compiled(
    select(
        ProductPrice.product_id,
        ProductPrice.group,
        ProductPrice.since,
        ProductPrice.amount,
        ProductPrice.currency,
    )
    .where(
        OneOf(ProductPrice.product_id, "ids"),
        or_(ProductPrice.group == EVERYWHERE, ProductPrice.group == bindparam("group")),
        ProductPrice.since <= _MOMENT,
        or_(
            ProductPrice.since > _SINCE,
            ProductPrice.since
            == select(func.max(_earlier.since))
            .where(
                _earlier.product_id == ProductPrice.product_id,
                _earlier.group == ProductPrice.group,
                _earlier.since <= _SINCE,
            )
            .scalar_subquery(),
        ),
    )
    .order_by(ProductPrice.since)
)

_FLOORS = Compiled(
    select(
        PriceFloor.product_id,
        PriceFloor.category_id,
        PriceFloor.since,
        PriceFloor.amount,
        PriceFloor.currency,
    )
    .where(
        or_(OneOf(PriceFloor.product_id, "ids"), OneOf(PriceFloor.category_id, "category_ids")),
        PriceFloor.since <= _MOMENT,
    )
    .order_by(PriceFloor.since)
)


def known(
    session: Session,
    programme_id: int,
    store: Store | None,
    moment: datetime,
    skus: Iterable[str],
    scanned: Iterable[str] = (),
) -> KnownGoods:
    """What is known at this moment of the products with these SKUs, and of those that were scanned;
    prices are those of the store's group."""
    asked = {code: barcodes.readings(code) for code in dict.fromkeys(scanned)}
    keys = [reading.key for readings in asked.values() for reading in readings]
    rows = _ROWS.execute(
        session, programme_id=programme_id, skus=list(dict.fromkeys(skus)), keys=keys
    )
    group = EVERYWHERE if store is None else store.group or EVERYWHERE
    completed = complete(session, rows, group, moment)
    by_key = {row.key: completed[row.id] for row in rows if row.key is not None}
    return KnownGoods(
        {row.sku: completed[row.id] for row in rows if row.key is None},
        {
            code: found
            for code, readings in asked.items()
            if (found := _meant(readings, by_key)) is not None
        },
    )


def _meant(
    readings: Sequence[barcodes.CodeReading], by_key: Mapping[str, KnownProduct]
) -> Scanned | None:
    for reading in readings:
        product = by_key.get(reading.key)
        if product is not None and barcodes.fits(reading, product.unit):
            return Scanned(product, reading.quantity)
    return None


def complete(
    session: Session, rows: Sequence[Any], group: str, moment: datetime
) -> dict[int, KnownProduct]:
    """What is known of these products, by their ids. `rows`: products as the table has them."""
    if not rows:
        return {}
    ids = sorted({row.id for row in rows})
    paths = _paths(session, {row.category_id for row in rows if row.category_id is not None})
    prices = _prices(session, ids, group, moment)
    floors = _floors(session, ids, {one.id for path in paths.values() for one in path}, moment)
    return {
        row.id: _completed(row, paths.get(row.category_id, ()), prices, floors, group, moment)
        for row in rows
    }


Prices = Mapping[tuple[int, str], list[From]]
Floors = Mapping[tuple[str, int], list[From]]


def _completed(
    row: Any,
    path: tuple[Any, ...],
    prices: Prices,
    floors: Floors,
    group: str,
    moment: datetime,
) -> KnownProduct:
    own: list[Timeline] = [
        prices.get((row.id, one), []) for one in dict.fromkeys((group, EVERYWHERE))
    ]
    price = timelines.first_of(own, moment)
    lowest = timelines.lowest(own, moment - REMEMBERED, moment)
    nearest = [("product", row.id), *(("category", one.id) for one in reversed(path))]
    floor = timelines.first_of([floors.get(place, []) for place in nearest], moment)
    currency = next((held.currency for held in (price, floor, lowest) if held is not None), None)
    return KnownProduct(
        id=row.id,
        sku=row.sku,
        names=row.names,
        article=row.article,
        category_path=tuple(one.code for one in path),
        brand=row.brand,
        model=row.model,
        properties=row.properties,
        unit=row.unit,
        kind=row.kind,
        treatment=goods.treatment(row.kind, row.otherwise),
        price=_in(currency, price),
        currency=currency,
        floor=_in(currency, floor),
        lowest_30d=_in(currency, lowest),
        vat=row.vat,
        marked=row.marked,
        archived=row.archived,
    )


def _in(currency: str | None, held: Held | None) -> int | None:
    """The amount, if it is in this currency."""
    return None if held is None or held.currency != currency else held.amount


def _paths(session: Session, category_ids: set[int]) -> dict[int | None, tuple[Any, ...]]:
    """Of each of these categories those that it lies in, from the top down to itself."""
    if not category_ids:
        return {}
    by_id = {row.id: row for row in _ABOVE.execute(session, ids=sorted(category_ids))}
    found: dict[int | None, tuple[Any, ...]] = {}
    for category_id in category_ids:
        path: list[Any] = []
        above: int | None = category_id
        while above is not None:
            path.append(by_id[above])
            above = path[-1].parent_id
        found[category_id] = tuple(reversed(path))
    return found


def _prices(session: Session, ids: Sequence[int], group: str, moment: datetime) -> Prices:
    found: dict[tuple[int, str], list[From]] = defaultdict(list)
    since = moment - REMEMBERED
    for row in _PRICES.execute(session, ids=ids, group=group, since=since, moment=moment):
        found[row.product_id, row.group].append(From(row.since, Held(row.amount, row.currency)))
    return found


def _floors(
    session: Session, ids: Sequence[int], category_ids: set[int], moment: datetime
) -> Floors:
    found: dict[tuple[str, int], list[From]] = defaultdict(list)
    asked = {"ids": ids, "category_ids": sorted(category_ids), "moment": moment}
    for row in _FLOORS.execute(session, **asked):
        place = (
            ("category", row.category_id) if row.product_id is None else ("product", row.product_id)
        )
        found[place].append(From(row.since, Held(row.amount, row.currency)))
    return found
