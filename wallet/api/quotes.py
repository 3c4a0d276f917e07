"""What a receipt costs and earns, before it is paid, and what it would with other promotions."""

from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger import languages
from ledger.errors import (
    AmountTooLarge,
    MemberErased,
    PriceMissing,
    PromotionRefused,
    ReceiptRefused,
    TooManyDecimals,
    TooManyLines,
    UnknownMember,
    UnknownProgramme,
    UnknownStore,
    WrongCurrency,
)
from wallet.api import lookup, pricing
from wallet.api.auth import needs
from wallet.api.bodies.promotions import CheckIn
from wallet.api.bodies.receipts import CheckOut, QuoteOut, ReceiptIn
from wallet.api.calls import refuses, up_to
from wallet.api.pricing import QuoteFor
from wallet.api.refusals import CARD
from wallet.errors import CodeForged, CodeOutdated, CodeUsed, NumberNotAccepted
from wallet.installation import current_installation

MOST_BODY_BYTES = 2 * 1024 * 1024

routes = APIBlueprint("quotes", __name__, tag="Receipts")

OF_RECEIPTS = (
    UnknownProgramme,
    UnknownStore,
    UnknownMember,
    MemberErased,
    PriceMissing,
    ReceiptRefused,
    WrongCurrency,
    TooManyDecimals,
    AmountTooLarge,
    TooManyLines,
    *CARD,
    CodeForged,
    CodeOutdated,
    CodeUsed,
    NumberNotAccepted,
)


@routes.before_request
def allow_long_receipts() -> None:
    """A receipt may have a thousand lines."""
    request.max_content_length = MOST_BODY_BYTES


@routes.post("/quotes")
@routes.doc(operation_id="quoteReceipt")
@needs("receipts:write")
@up_to(MOST_BODY_BYTES)
@refuses(*OF_RECEIPTS)
@routes.input(ReceiptIn)
@routes.output(QuoteOut)
def quote(json_data: ReceiptIn) -> QuoteOut:
    """Price a receipt: what each line costs, and what it earns. Nothing is kept, and nothing
    changes."""

    def work(session: Session) -> QuoteOut:
        return pricing.quote(session, json_data, _quote_for(session, json_data))

    return pricing.changing_nothing(current_installation().database, json_data, work)


@routes.post("/promotions/check")
@routes.doc(operation_id="checkPromotions")
@needs("promotions:read")
@up_to(MOST_BODY_BYTES)
@refuses(*OF_RECEIPTS, PromotionRefused)
@routes.input(CheckIn)
@routes.output(CheckOut)
def check(json_data: CheckIn) -> CheckOut:
    """Price a receipt as it would be at any time and with these promotions, and see why. Nothing
    is kept, and nothing changes."""

    def work(session: Session) -> CheckOut:
        return pricing.check(session, json_data, _quote_for(session, json_data.receipt))

    return pricing.changing_nothing(current_installation().database, json_data.receipt, work)


def _quote_for(session: Session, receipt: ReceiptIn) -> QuoteFor:
    house = current_installation()
    programme = lookup.programme(session, receipt.programme)
    spoken = languages.accepted(request.accept_languages)
    return QuoteFor(programme, house.keys, house.clock(), spoken)
