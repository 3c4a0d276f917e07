"""Prices and floors, said of products by SKU and of categories by code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import words
from ledger.catalogue import categories, dated, products, texts
from ledger.catalogue.categories import Category
from ledger.catalogue.dated import EVERYWHERE, Line, Noted, PriceFloor, ProductPrice, Said
from ledger.catalogue.products import Product
from ledger.catalogue.timelines import Held
from ledger.errors import (
    DateOutOfRange,
    ProductRefused,
    Refusal,
    UnknownCategory,
    UnknownProduct,
)
from ledger.limits import EARLIEST, LATEST
from ledger.money import Money
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import LONGEST_GROUP


@dataclass(frozen=True, slots=True)
class PriceWish:
    """What a product is to cost, in stores of a group or everywhere; None: nothing of its own any
    more. It holds from `since` on, without that at once; from `until` on holds what would without
    it."""

    sku: str
    price: Money | None
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FloorWish:
    """Below which price a product is not to be sold, or what lies in a category: one of them is
    named. None: it has no floor of its own any more. `since` as in `PriceWish`."""

    price: Money | None
    sku: str | None = None
    category: str | None = None
    since: datetime | None = None


WishT = TypeVar("WishT", PriceWish, FloorWish)


@dataclass(frozen=True, slots=True)
class PutAmount:
    """What became of a wish: the amount, as it is kept, and what came of it."""

    held: Held
    noted: Noted


def put_prices(
    session: Session, programme: Programme, wishes: Sequence[PriceWish], now: datetime
) -> list[PutAmount | Refusal]:
    """Note these prices, in this order, each with an outcome of its own: what became of it, or
    `UnknownProduct`, `ProductRefused`, `DateOutOfRange`, `PriceIsHistory`, `WrongCurrency`,
    `TooManyDecimals`, `AmountTooLarge`. What is said already is not said again."""
    programmes.hold(session, programme.id)
    known = products.ids(session, programme.id, {wish.sku for wish in wishes})

    def line(wish: PriceWish) -> Line:
        if wish.sku not in known:
            raise UnknownProduct(wish.sku)
        group = texts.line("group", wish.group or "", LONGEST_GROUP, ProductRefused)
        return Line("price", known[wish.sku], group or EVERYWHERE)

    return _put(session, programme, wishes, line, now)


def put_floors(
    session: Session, programme: Programme, wishes: Sequence[FloorWish], now: datetime
) -> list[PutAmount | Refusal]:
    """The same for floors; an outcome may be `UnknownCategory` as well."""
    programmes.hold(session, programme.id)
    skus = {wish.sku for wish in wishes if wish.sku is not None}
    codes = {wish.category for wish in wishes if wish.category is not None}
    known = products.ids(session, programme.id, skus)
    found = categories.ids(session, programme.id, codes)

    def line(wish: FloorWish) -> Line:
        if wish.sku is not None:
            if wish.sku not in known:
                raise UnknownProduct(wish.sku)
            return Line("product_floor", known[wish.sku])
        category = wish.category or ""
        if category not in found:
            raise UnknownCategory(category)
        return Line("category_floor", found[category])

    return _put(session, programme, wishes, line, now)


def _put(
    session: Session,
    programme: Programme,
    wishes: Sequence[WishT],
    line: Callable[[WishT], Line],
    now: datetime,
) -> list[PutAmount | Refusal]:
    tender = dated.tender(session, programme.id)
    decided: list[Said | Refusal] = []
    for wish in wishes:
        try:
            if wish.since is not None and not EARLIEST <= wish.since < LATEST:
                raise DateOutOfRange("from")
            until = wish.until if isinstance(wish, PriceWish) else None
            if until is not None and not max(now, wish.since or now) < until < LATEST:
                raise DateOutOfRange("until", words.timestamp(max(now, wish.since or now)))
            decided.append(Said(line(wish), tender.held(wish.price), wish.since, until))
            tender = tender.after(wish.price)
        except Refusal as refusal:
            decided.append(refusal)
    said = [one for one in decided if isinstance(one, Said)]
    noted = iter(dated.say(session, programme.id, said, now))
    return [one if isinstance(one, Refusal) else _outcome(one, next(noted)) for one in decided]


def _outcome(said: Said, noted: Noted | Refusal) -> PutAmount | Refusal:
    return noted if isinstance(noted, Refusal) else PutAmount(said.held, noted)


def prices(
    session: Session, product_id: int, group: str | None, after_id: int, limit: int
) -> Sequence[ProductPrice]:
    """All prices of a product, those of the past and of times to come among them; `group`: only
    those of these stores. In the order in which they were said, from behind price `after_id`."""
    query = select(ProductPrice).where(
        ProductPrice.product_id == product_id, ProductPrice.id > after_id
    )
    if group is not None:
        query = query.where(ProductPrice.group == group)
    return session.scalars(query.order_by(ProductPrice.id).limit(limit)).all()


def floors(
    session: Session, programme_id: int, after_id: int, limit: int
) -> Sequence[tuple[PriceFloor, str | None, str | None]]:
    """All floors of a programme, each with the SKU or the code of the category that it is of, as
    `prices`."""
    rows = session.execute(
        select(PriceFloor, Product.sku, Category.code)
        .outerjoin(Product, Product.id == PriceFloor.product_id)
        .outerjoin(Category, Category.id == PriceFloor.category_id)
        .where(PriceFloor.programme_id == programme_id, PriceFloor.id > after_id)
        .order_by(PriceFloor.id)
        .limit(limit)
    )
    return [(floor, sku, category) for floor, sku, category in rows]
