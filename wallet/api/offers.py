"""Offers: what members are shown on their cards."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    LanguageNotSpoken,
    OfferBegun,
    OfferOver,
    TitleMissing,
    UnknownOffer,
    UnknownProgramme,
    UnknownSegment,
)
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer, OfferDraft
from ledger.people import members
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.segments import named
from wallet.api import idempotent, lookup, paging, reading
from wallet.api.auth import author, needs
from wallet.api.bodies.offers import (
    OFFER_CHANGED,
    WITHDRAWN,
    CouponIn,
    OfferChange,
    OfferIn,
    OfferOut,
    OfferSearch,
    OffersOut,
)
from wallet.api.bodies.passes import COUPON, PassOut
from wallet.api.calls import refuses
from wallet.api.passes import pass_out
from wallet.api.refusals import MEMBER
from wallet.errors import OfferNotShown, PlaceholderNotFilled
from wallet.installation import current_installation
from wallet.outreach import offer_deeds
from wallet.passes import coupons

routes = APIBlueprint("offers", __name__, tag="Offers")

# Of what an offer says.
WORDING = (LanguageNotSpoken, TitleMissing, PlaceholderNotFilled)


@routes.post("/offers")
@routes.doc(operation_id="createOffer")
@needs("offers:write")
@refuses(UnknownProgramme, UnknownSegment, *MEMBER, *WORDING, DatesOutOfOrder, DateOutOfRange)
@routes.input(OfferIn)
@routes.output(OfferOut, status_code=201)
@idempotent.keyed(required=False)
def publish(json_data: OfferIn, key: str | None) -> Response:
    """Show an offer on the card of one member, on those of an audience, or on all cards of the
    programme.

    Each member reads their own language. Who belongs to an audience is decided once, when the offer
    begins; who is not in it sees nothing of the offer."""

    def effect(session: Session, now: datetime) -> OfferOut:
        programme = lookup.programme(session, json_data.programme)
        member_id = _member_id(session, programme, json_data.member)
        draft = OfferDraft(
            reading.by_language(programme, json_data.title),
            reading.by_language(programme, json_data.text),
            json_data.starts_at,
            json_data.ends_at,
            named.stored(json_data.audience) if json_data.audience is not None else None,
        )
        offer = offer_deeds.publish(session, programme, member_id, draft, author(session), now)
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


@routes.patch("/offers/<offer_id>")
@routes.doc(operation_id="updateOffer")
@needs("offers:write")
@refuses(UnknownOffer, OfferOver, OfferBegun, *WORDING, DatesOutOfOrder, DateOutOfRange)
@routes.input(OfferChange)
@routes.output(OfferOut, example=OFFER_CHANGED)
def change(offer_id: str, json_data: OfferChange) -> OfferOut:
    """Change what an offer says, or its dates. Cards follow as they do with a new offer.

    What is past stays: when an offer has begun, and all of one that is over. The same change sent
    again wakes no phone."""

    def work(session: Session) -> OfferOut:
        lookup.require_offer(session, offer_id)
        programme = programmes.by_id(session, offers.programme_of(session, offer_id))
        wanted = _wanted(programme, json_data)
        now = current_installation().clock()
        found = lookup.offer(session, offer_id)
        offer = offer_deeds.change(session, found, wanted, author(session), now)
        return _offer_out(session, offer)

    return current_installation().database.run(work, idempotent=True)


@routes.post("/offers/<offer_id>/withdraw")
@routes.doc(operation_id="withdrawOffer")
@needs("offers:write")
@refuses(UnknownOffer)
@routes.output(OfferOut, example=WITHDRAWN)
def withdraw(offer_id: str) -> OfferOut:
    """Take an offer off all cards at once. Doing it again changes nothing."""

    def work(session: Session) -> OfferOut:
        now = current_installation().clock()
        found = lookup.offer(session, offer_id)
        offer = offer_deeds.withdraw(session, found, author(session), now)
        return _offer_out(session, offer)

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


def _wanted(programme: Programme, body: OfferChange) -> dict[str, Any]:
    """What was sent, by the names that `offers.change` knows."""
    wanted: dict[str, Any] = {}
    if body.title is not None:
        wanted["titles"] = reading.by_language(programme, body.title)
    if body.text is not None:
        wanted["texts"] = reading.by_language(programme, body.text)
    if body.starts_at is not None:
        wanted["starts_at"] = body.starts_at
    if "ends_at" in body.model_fields_set:
        wanted["ends_at"] = body.ends_at or NEVER
    return wanted


def _offer_out(session: Session, offer: Offer) -> OfferOut:
    member_id = offer.member_id
    programme = programmes.by_id(session, offer.programme_id)
    title, text = reading.offer(offer, programme)
    return OfferOut.model_validate(
        {
            "id": offer.public_id,
            "programme": programme.code,
            "title": title,
            "text": text,
            "titles": offer.titles,
            "texts": offer.texts,
            "member": members.by_id(session, member_id).public_id if member_id else None,
            "audience": offer.audience,
            "from": offer.starts_at,
            "until": None if offer.ends_at == NEVER else offer.ends_at,
            "withdrawn_at": offer.withdrawn_at,
        }
    )
