"""Prices and floors of the catalogue, each from a moment on."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger.catalogue import price_lists, products
from ledger.catalogue.dated import PriceFloor, ProductPrice
from ledger.catalogue.price_lists import PutAmount
from ledger.errors import Refusal, UnknownProduct, UnknownProgramme
from ledger.programmes.programmes import Programme
from wallet.access.changes import Author
from wallet.api import lookup, paging
from wallet.api.auth import author, needs
from wallet.api.bodies.items import MalformedItem
from wallet.api.bodies.prices import (
    AmountBatchOut,
    AmountItemOut,
    FloorBatchIn,
    FloorItemIn,
    FloorOut,
    FloorsIn,
    FloorsOut,
    PriceBatchIn,
    PriceItemIn,
    PriceOut,
    PricesIn,
    PricesOut,
)
from wallet.api.calls import refuses, up_to
from wallet.api.products import money_out
from wallet.api.refusals import told_alone
from wallet.delivery import catalogue_changes
from wallet.installation import current_installation

MOST_BODY_BYTES = 1024 * 1024

routes = APIBlueprint("prices", __name__, tag="Catalogue")
ItemT = TypeVar("ItemT", PriceItemIn, FloorItemIn)


@routes.before_request
def allow_large_bodies() -> None:
    """A batch may have a larger body than other calls."""
    if request.path.endswith("/batch"):
        request.max_content_length = MOST_BODY_BYTES


@routes.get("/prices")
@routes.doc(operation_id="listPrices")
@needs("catalogue:read")
@refuses(UnknownProgramme, UnknownProduct)
@routes.input(PricesIn, location="query")
@routes.output(PricesOut)
def find(query_data: PricesIn) -> PricesOut:
    """The prices of a product, past ones and those to come, in the order they were said."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        product = products.named(session, programme.id, query_data.sku)
        rows = price_lists.prices(
            session, product.id, query_data.group, place.position or 0, place.most
        )
        page = place.page(rows)
        return PricesOut(
            items=[_price_out(product.sku, row) for row in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.post("/prices/batch")
@routes.doc(operation_id="putPrices")
@needs("catalogue:write")
@up_to(MOST_BODY_BYTES)
@refuses(UnknownProgramme)
@routes.input(PriceBatchIn)
@routes.output(AmountBatchOut)
def put(json_data: PriceBatchIn) -> AmountBatchOut:
    """Say up to 1,000 prices, each with an outcome of its own: at once, or from a moment to come.

    What has held is history and stays. Sent again it changes nothing more."""

    def work(
        session: Session, programme: Programme, items: Sequence[PriceItemIn], by: Author
    ) -> list[PutAmount | Refusal]:
        now = current_installation().clock()
        wishes = [one.wish for one in items]
        return catalogue_changes.put_prices(session, programme, wishes, by, now)

    return _put(json_data.programme, json_data.all_items, work)


@routes.get("/floors")
@routes.doc(operation_id="listFloors")
@needs("catalogue:read")
@refuses(UnknownProgramme)
@routes.input(FloorsIn, location="query")
@routes.output(FloorsOut)
def find_floors(query_data: FloorsIn) -> FloorsOut:
    """The floors of a programme, past ones and those to come, in the order they were said."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        rows = price_lists.floors(session, programme.id, place.position or 0, place.most)
        page = place.page(rows, lambda row: row[0].id)
        return FloorsOut(
            items=[_floor_out(*row) for row in page.rows], next_cursor=page.next_cursor
        )


@routes.post("/floors/batch")
@routes.doc(operation_id="putFloors")
@needs("catalogue:write")
@up_to(MOST_BODY_BYTES)
@refuses(UnknownProgramme)
@routes.input(FloorBatchIn)
@routes.output(AmountBatchOut)
def put_floors(json_data: FloorBatchIn) -> AmountBatchOut:
    """Say up to 1,000 floors, each with an outcome of its own: prices below which no promotion
    and no points bring a product, or what lies in a category.

    The nearest holds: the product's own, or that of the category it lies in, or one above."""

    def work(
        session: Session, programme: Programme, items: Sequence[FloorItemIn], by: Author
    ) -> list[PutAmount | Refusal]:
        now = current_installation().clock()
        wishes = [one.wish for one in items]
        return catalogue_changes.put_floors(session, programme, wishes, by, now)

    return _put(json_data.programme, json_data.all_items, work)


def _put(
    code: str,
    items: Sequence[ItemT | MalformedItem],
    put: Callable[[Session, Programme, Sequence[Any], Author], list[PutAmount | Refusal]],
) -> AmountBatchOut:
    def work(session: Session) -> list[AmountItemOut]:
        programme = lookup.programme(session, code)
        well_formed = [one for one in items if not isinstance(one, MalformedItem)]
        done = iter(put(session, programme, well_formed, author(session)))
        return [
            AmountItemOut.model_validate({"key": one.key, **told_alone(one.error)})
            if isinstance(one, MalformedItem)
            else _outcome(_key(one), next(done))
            for one in items
        ]

    outcomes = current_installation().database.run(work, idempotent=True)
    return AmountBatchOut(items=outcomes)


def _key(item: PriceItemIn | FloorItemIn) -> str | None:
    return item.sku or getattr(item, "category", None)


def _outcome(key: str | None, put: PutAmount | Refusal) -> AmountItemOut:
    if isinstance(put, Refusal):
        return AmountItemOut.model_validate({"key": key, **told_alone(put)})
    since = put.noted.since
    outcome = "unchanged" if since is None else "noted"
    return AmountItemOut.model_validate(
        {"key": key, "status": 200, "outcome": outcome, "from": since}
    )


def _price_out(sku: str, row: ProductPrice) -> PriceOut:
    return PriceOut(
        sku=sku,
        group=row.group or None,
        price=money_out(row.amount, row.currency),
        since=row.since,
        said_at=row.said_at,
    )


def _floor_out(row: PriceFloor, sku: str | None, category: str | None) -> FloorOut:
    return FloorOut(
        sku=sku,
        category=category,
        price=money_out(row.amount, row.currency),
        since=row.since,
        said_at=row.said_at,
    )
