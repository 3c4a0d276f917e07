"""Receipts that were paid: put on record, and read again."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.orm import Session

from ledger import languages
from ledger.errors import (
    BalanceTooLarge,
    MemberErased,
    ReceiptDiffers,
    UnknownMember,
    UnknownProgramme,
    UnknownReceipt,
)
from ledger.programmes.programmes import Programme
from ledger.sales import records
from ledger.sales.limits import Overtaken
from ledger.sales.records import Sought
from wallet.api import confirming, idempotent, lookup, paging
from wallet.api.auth import needs
from wallet.api.bodies.receipts import (
    ReceiptAsked,
    ReceiptOut,
    ReceiptPaid,
    ReceiptsIn,
    ReceiptsOut,
)
from wallet.api.calls import refuses, up_to
from wallet.api.pricing import QuoteFor
from wallet.api.quotes import MOST_BODY_BYTES, OF_RECEIPTS, allow_long_receipts
from wallet.installation import current_installation

T = TypeVar("T")

MOST_TRIES = 50  # each was in vain because another receipt was confirmed

routes = APIBlueprint("receipts", __name__, tag="Receipts")
routes.before_request(allow_long_receipts)


@routes.post("/receipts")
@routes.doc(operation_id="confirmReceipt")
@needs("receipts:write")
@up_to(MOST_BODY_BYTES)
@refuses(*OF_RECEIPTS, ReceiptDiffers, BalanceTooLarge)
@routes.input(ReceiptPaid)
@routes.output(ReceiptOut, status_code=201)
@idempotent.keyed(required=False)
def confirm(json_data: ReceiptPaid, key: str | None) -> Response:
    """Put a receipt that was paid on record: its points are booked, and promotions counted. The
    same receipt again answers the same and does nothing."""

    def effect(session: Session, now: datetime) -> ReceiptOut:
        programme = lookup.programme(session, json_data.programme)
        return confirming.confirm(session, json_data, _asked(programme, now))

    return _until_counted(lambda: idempotent.created(json_data, effect, key))


def _until_counted(work: Callable[[], T]) -> T:
    """Do work that counts uses of promotions. If another receipt took the last use meanwhile, it is
    priced again, without that promotion."""
    for _ in range(MOST_TRIES - 1):
        try:
            return work()
        except Overtaken:
            continue
    return work()


@routes.get("/receipts")
@routes.doc(operation_id="listReceipts")
@needs("receipts:read")
@refuses(UnknownProgramme, UnknownMember, MemberErased)
@routes.input(ReceiptsIn, location="query")
@routes.output(ReceiptsOut)
def find(query_data: ReceiptsIn) -> ReceiptsOut:
    """Receipts of a programme, the newest first."""
    place = paging.place(query_data, 2)
    house = current_installation()
    with house.database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        named = query_data.member
        member = None if named is None else lookup.member_of(session, programme.id, named)
        told = query_data.model_dump(
            include={"store", "till", "shift", "number", "cashier", "since", "until"}
        )
        sought = Sought(member, **told)
        rows = records.listed(session, programme, sought, paging.moment(place), place.most)
        page = place.page(rows, lambda row: paging.at_moment(row.at, row.id))
        found = records.with_lines(session, page.rows)
        asked = _asked(programme, house.clock())
        written = confirming.written_out(session, found, asked)
        return ReceiptsOut(items=written, next_cursor=page.next_cursor)


@routes.get("/receipts/<receipt>")
@routes.doc(operation_id="getReceipt")
@needs("receipts:read")
@refuses(UnknownProgramme, UnknownReceipt)
@routes.input(ReceiptAsked, location="query")
@routes.output(ReceiptOut)
def read(receipt: str, query_data: ReceiptAsked) -> ReceiptOut:
    """One receipt, by the id that the till gave it."""
    house = current_installation()
    with house.database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        found = records.of_key(session, programme, receipt)
        (written,) = confirming.written_out(session, [found], _asked(programme, house.clock()))
        return written


def _asked(programme: Programme, now: datetime) -> QuoteFor:
    spoken = languages.accepted(request.accept_languages)
    return QuoteFor(programme, current_installation().keys, now, spoken)
