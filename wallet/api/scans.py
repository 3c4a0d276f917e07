"""What a till asks first: whose card this is, and if it scanned a coupon, which one."""

from datetime import datetime
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import Refusal, UnknownCard
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, persons
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.api import idempotent, lookup, reading
from wallet.api.auth import PERSONAL, caller, needs
from wallet.api.bodies.scans import CouponSeen, OfferSeen, ScanIn, ScanOut
from wallet.api.calls import refuses, shows_more
from wallet.api.members import member_out
from wallet.api.refusals import CARD
from wallet.errors import CodeForged, CodeOutdated, CodeUsed, NumberNotAccepted, PassLost
from wallet.installation import current_installation
from wallet.passes import codes, coupons, renewal
from wallet.passes.renewal import Scan

routes = APIBlueprint("scans", __name__, tag="Scans")


@routes.post("/scans")
@routes.doc(operation_id="scanBarcode")
@needs("scans:write")
@shows_more(PERSONAL)
@refuses(*CARD, CodeForged, CodeOutdated, CodeUsed, NumberNotAccepted, PassLost)
@routes.input(ScanIn)
@routes.output(ScanOut)
@idempotent.keyed(required=False)
def scan(json_data: ScanIn, key: str | None) -> ScanOut:
    """Tell a till whose card this is. Spaces in the number do not count.

    For the barcode of a coupon the answer names the coupon too; a scan does not use it up.

    A code that is good for one scan is used up by it. If the answer was lost, repeat the request
    with the same Idempotency-Key: it is the same scan."""
    text = cards.normalise(json_data.barcode)
    coupon, card = codes.parted(text)
    if codes.is_code(card):
        member_id = _owner_of_code(text, coupon, card, key)
        with current_installation().database.reading() as session:
            now = current_installation().clock()
            _require_still_open(session, card, now)
            member = lookup.member(session, member_id)
            return _scan_out(session, member, coupon, now)
    if not cards.is_possible(card):
        raise UnknownCard
    with current_installation().database.reading() as session:
        now = current_installation().clock()
        scan = _accepted(session, coupon, card, now)
        return _scan_out(session, scan.member, coupon, now)


def _owner_of_code(text: str, coupon: str | None, card: str, key: str | None) -> str:
    """The public id of the member whose card was scanned; `coupon` and `card` are the parts of
    `text`. This id is all that is kept under the Idempotency-Key, nothing of the person. Where the
    code is refused, what the refusal sets off stays (the phone is told once more), and the key is
    free again."""

    def effect(session: Session, now: datetime) -> StoredAnswer | Refusal:
        scan = _accepted(session, coupon, card, now)
        return scan.refusal or StoredAnswer(200, scan.member.public_id.encode())

    repeatable = None
    if key is not None:
        repeatable = Repeatable(f"scan:{caller().name}", key, idempotency.digest(text))
    return idempotent.carry_out(effect, repeatable).body.decode()


def _accepted(session: Session, coupon: str | None, card: str, now: datetime) -> Scan:
    """Raises what `renewal.accept` raises, `CodeForged` for a coupon of another card, and
    `PassLost` for a coupon that was lost."""
    keys, where = current_installation().keys, caller().programme_id
    scan = renewal.accept(session, keys, card, now, programme_id=where)
    if coupon is not None:
        coupons.presented(session, coupon, scan.member)
    return scan


def _require_still_open(session: Session, code: str, now: datetime) -> None:
    """A scan that is repeated under its key is the same scan; but a card that was locked out since
    it was scanned shows nothing any more. Raises `CardBlocked`, `CardVoid`, `CardExpired`."""
    read = codes.read(code)
    if read is not None:
        cards.owner(session, read.card, now, caller().programme_id)


def _scan_out(session: Session, member: Member, coupon: str | None, now: datetime) -> ScanOut:
    current = offers.shown(session, member.programme_id, [member.id], now)[member.id]
    programme = programmes.by_id(session, member.programme_id)
    return ScanOut(
        **member_out(session, member, now).model_dump(),
        name=persons.profile_of(session, member.id).name,
        offers=[
            OfferSeen(id=offer.public_id, title=reading.offer(offer, programme)[0])
            for offer in current
        ],
        coupon=_coupon_out(session, member, coupon, now) if coupon is not None else None,
    )


def _coupon_out(session: Session, member: Member, serial: str, now: datetime) -> CouponSeen:
    pass_ = coupons.presented(session, serial, member)
    offer = session.get_one(Offer, pass_.offer_id)
    ends_at = coupons.ends_at(pass_, offer)
    programme = programmes.by_id(session, pass_.programme_id)
    zone = ZoneInfo(programme.timezone)
    title, text = reading.offer(offer, programme)
    return CouponSeen(
        id=pass_.serial,
        offer=offer.public_id,
        title=title,
        text=text,
        state=coupons.state(session, pass_, now),
        until=ends_at.astimezone(zone) if ends_at != NEVER else None,
    )
