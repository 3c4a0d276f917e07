"""What a till asks first: whose card is this? And which coupon, where it is one's."""

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger import offers
from ledger.database import idempotency
from ledger.database.idempotency import StoredAnswer
from ledger.errors import UnknownCard
from ledger.limits import NEVER
from ledger.offers import Offer
from ledger.people import cards, members, persons
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.api.auth import caller, needs
from wallet.api.bodies import CouponSeen, OfferSeen, ScanIn, ScanOut
from wallet.api.members import described
from wallet.api.once import sent_key
from wallet.installation import current_installation
from wallet.passes import codes, issuing, renewal
from wallet.passes.renewal import Scan

routes = APIBlueprint("scans", __name__, tag="Scans")


@routes.post("/scans")
@needs("scans:write")
@routes.input(ScanIn)
@routes.output(ScanOut)
def scan(json_data: ScanIn) -> ScanOut:
    """Tell a till whose card this is. Spaces in the number do not count.

    The barcode of a coupon says as well which coupon it is; a scan does not use it up.

    A code that is good once is used up by it; the same request again, with the same
    Idempotency-Key, is the same scan."""
    text, key = cards.normalise(json_data.barcode), sent_key(required=False)
    coupon, card = codes.parted(text)
    if codes.is_code(card):
        scan = current_installation().database.run(lambda session: _scanned(session, text, key))
    elif not cards.is_possible(card):
        raise UnknownCard
    else:
        with current_installation().database.reading() as session:
            scan = _accepted(session, text, current_installation().clock())
    if scan.refusal is not None:
        raise scan.refusal
    with current_installation().database.reading() as session:
        return _seen(session, scan.member, coupon)


def _scanned(session: Session, text: str, key: str) -> Scan:
    """What is remembered of a scan is whose card it was, and nothing of the person."""
    now = current_installation().clock()
    if not key:
        return _accepted(session, text, now)
    scope, digest = f"scan:{caller().name}", hashlib.sha256(text.encode()).digest()
    first = idempotency.claim(session, scope, key, digest, now)
    if first is not None:
        return Scan(members.by_public_id(session, first.body.decode()))
    scan = _accepted(session, text, now)
    if scan.refusal is None:
        idempotency.remember(session, scope, key, StoredAnswer(200, scan.member.public_id.encode()))
    else:
        idempotency.let_go(session, scope, [key])
    return scan


def _accepted(session: Session, text: str, now: datetime) -> Scan:
    """Raises as `renewal.accept` does, and `CodeForged` for a coupon that is not this card's."""
    coupon, card = codes.parted(text)
    scan = renewal.accept(session, current_installation().keys, card, now)
    if coupon is not None:
        issuing.coupon_of(session, coupon, scan.member)
    return scan


def _seen(session: Session, member: Member, coupon: str | None) -> ScanOut:
    shown = offers.shown(session, member.programme_id, [member.id], current_installation().clock())[
        member.id
    ]
    return ScanOut(
        **described(session, member).model_dump(),
        name=persons.profile_of(session, member.id).name,
        offers=[OfferSeen(id=offer.public_id, title=offer.title) for offer in shown],
        coupon=_coupon_seen(session, member, coupon) if coupon is not None else None,
    )


def _coupon_seen(session: Session, member: Member, serial: str) -> CouponSeen:
    pass_ = issuing.coupon_of(session, serial, member)
    offer = session.get_one(Offer, pass_.offer_id)
    ends_at = pass_.ends_at or offer.ends_at
    zone = ZoneInfo(programmes.by_id(session, pass_.programme_id).timezone)
    return CouponSeen(
        id=pass_.serial,
        offer=offer.public_id,
        title=offer.title,
        text=offer.text,
        state=issuing.coupon_state(session, pass_, current_installation().clock()),
        until=ends_at.astimezone(zone) if ends_at != NEVER else None,
    )
