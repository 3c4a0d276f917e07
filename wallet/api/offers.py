"""Offers: what members are shown on their cards."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger import offers
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    UnknownOffer,
    UnknownProgramme,
)
from ledger.limits import NEVER
from ledger.offers import Offer, OfferDraft
from ledger.people import members
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.api import idempotent, lookup, paging
from wallet.api.auth import needs
from wallet.api.bodies.offers import (
    WITHDRAWN,
    CouponIn,
    OfferIn,
    OfferOut,
    OfferSearch,
    OffersOut,
)
from wallet.api.bodies.passes import COUPON, PassOut
from wallet.api.calls import refuses
from wallet.api.passes import pass_out
from wallet.api.refusals import MEMBER
from wallet.errors import OfferNotShown
from wallet.installation import current_installation
from wallet.passes import coupons

routes = APIBlueprint("offers", __name__, tag="Offers")


@routes.post("/offers")
@routes.doc(operation_id="createOffer")
@needs("offers:write")
@refuses(UnknownProgramme, *MEMBER, DatesOutOfOrder, DateOutOfRange)
@routes.input(OfferIn)
@routes.output(OfferOut, status_code=201)
@idempotent.keyed(required=False)
def publish(json_data: OfferIn, key: str | None) -> Response:
    """Show an offer on the card of one member, or on all cards of the programme."""
    draft = OfferDraft(json_data.title, json_data.text, json_data.starts_at, json_data.ends_at)

    def effect(session: Session, now: datetime) -> OfferOut:
        programme = lookup.programme(session, json_data.programme)
        member_id = _member_id(session, programme, json_data.member)
        offer = offers.publish(session, programme.id, member_id, draft, now)
        return _offer_out(session, offer)

    return idempotent.created(json_data, effect, key)


@routes.get("/offers")
@routes.doc(operation_id="listOffers")
@needs("offers:read")
@refuses(UnknownProgramme, *MEMBER)
@routes.input(OfferSearch, location="query")
@routes.output(OffersOut)
def find(query_data: OfferSearch) -> OffersOut:
    """The offers of a programme, newest first: past, coming and withdrawn ones too.

    With member: those for all members, and those for this member."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        member_id = _member_id(session, programme, query_data.member)
        page = place.page(
            offers.listed(session, programme.id, member_id, place.position, place.most)
        )
        return OffersOut(
            items=[_offer_out(session, offer) for offer in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/offers/<offer_id>")
@routes.doc(operation_id="getOffer")
@needs("offers:read")
@refuses(UnknownOffer)
@routes.output(OfferOut)
def read(offer_id: str) -> OfferOut:
    """One offer, shown now or not."""
    with current_installation().database.reading() as session:
        return _offer_out(session, lookup.offer(session, offer_id))


@routes.post("/offers/<offer_id>/withdraw")
@routes.doc(operation_id="withdrawOffer")
@needs("offers:write")
@refuses(UnknownOffer)
@routes.output(OfferOut, example=WITHDRAWN)
def withdraw(offer_id: str) -> OfferOut:
    """Take an offer off all cards at once. Doing it again changes nothing."""

    def work(session: Session) -> OfferOut:
        lookup.require_offer(session, offer_id)
        return _offer_out(
            session, offers.withdraw(session, offer_id, current_installation().clock())
        )

    return current_installation().database.run(work, idempotent=True)


@routes.post("/offers/<offer_id>/passes")
@routes.doc(operation_id="createCoupon")
@needs("passes:write")
@refuses(*MEMBER, UnknownOffer, OfferNotShown)
@routes.input(CouponIn)
@routes.output(PassOut, status_code=201, example=COUPON)
@idempotent.keyed(required=False)
def coupon(offer_id: str, json_data: CouponIn, key: str | None) -> Response:
    """Give a member the offer as a pass of its own: a coupon.

    Asking again gives the same coupon. It ends with the offer."""

    def effect(session: Session, now: datetime) -> PassOut:
        member = lookup.member(session, json_data.member)
        offer = lookup.offer(session, offer_id)
        house = current_installation()
        pass_ = coupons.issue(session, member, offer, house.pass_type, house.keys.first.id, now)
        return pass_out(session, pass_)

    return idempotent.created(json_data, effect, key)


def _member_id(session: Session, programme: Programme, public_id: str | None) -> int | None:
    """The member of this programme who is meant; None where all members are. Raises
    `UnknownMember`, `MemberErased`."""
    if public_id is None:
        return None
    return lookup.member_of(session, programme.id, public_id).id


def _offer_out(session: Session, offer: Offer) -> OfferOut:
    member_id = offer.member_id
    return OfferOut.model_validate(
        {
            "id": offer.public_id,
            "programme": programmes.by_id(session, offer.programme_id).code,
            "title": offer.title,
            "text": offer.text,
            "member": members.by_id(session, member_id).public_id if member_id else None,
            "from": offer.starts_at,
            "until": None if offer.ends_at == NEVER else offer.ends_at,
            "withdrawn_at": offer.withdrawn_at,
        }
    )
