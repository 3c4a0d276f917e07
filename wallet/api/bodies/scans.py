"""What a till scans, and what it is shown."""

from datetime import datetime

from ledger.fields import Barcode, Body
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, OFFER_ID, shows
from wallet.api.bodies.members import MEMBER, MemberOut


class ScanIn(Body):
    """What a till read from a barcode, or what was typed."""

    model_config = shows({"barcode": CARD})

    barcode: Barcode


class OfferSeen(AnswerBody):
    """An offer that the member's card shows now."""

    id: str
    title: str


class CouponSeen(AnswerBody):
    """`id` is the pass, which `POST /passes/{id}/use` takes; `state` is `active`, `used`, `void` or
    `expired`."""

    id: str
    offer: str
    title: str
    text: str
    state: str
    until: datetime | None


SCAN = {
    **MEMBER,
    "name": "Anna",
    "offers": [{"id": OFFER_ID, "title": "Latte −20 %"}],
    "coupon": {
        "id": "91c2f8d7a5e04c0fb8f10c6a44c1d0aa",
        "offer": OFFER_ID,
        "title": "Latte −20 %",
        "text": "To go",
        "state": "active",
        "until": "2026-12-31T23:59:59+03:00",
    },
}


class ScanOut(MemberOut):
    """What a till may know of a member. `coupon` is the coupon whose barcode was scanned; null if
    it was the barcode of the card."""

    model_config = shows(SCAN)

    name: str | None
    offers: list[OfferSeen]
    coupon: CouponSeen | None
