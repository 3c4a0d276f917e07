"""Offers: what members are shown on their cards."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger import offers
from ledger.errors import UnknownMember
from ledger.limits import NEVER
from ledger.offers import Offer, OfferDraft
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.api import paging
from wallet.api.auth import needs
from wallet.api.bodies import CouponIn, OfferIn, OfferOut, OfferSearch, OffersOut, PassOut
from wallet.api.once import once
from wallet.api.passes import described
from wallet.installation import current_installation
from wallet.passes import issuing

routes = APIBlueprint("offers", __name__, tag="Offers")


@routes.post("/offers")
@needs("offers:write")
@routes.input(OfferIn)
@routes.output(OfferOut, status_code=201)
def publish(json_data: OfferIn) -> Response:
    """Show an offer on the card of one member, or on all cards of the programme."""
    draft = OfferDraft(json_data.title, json_data.text, json_data.starts_at, json_data.ends_at)

    def effect(session: Session, now: datetime) -> OfferOut:
        programme = programmes.by_code(session, json_data.programme)
        member = _member(session, programme, json_data.member)
        member_id = member.id if member is not None else None
        offer = offers.publish(session, programme.id, member_id, draft, now)
        return _told(session, offer)

    return once(json_data, effect, key_required=False)


@routes.get("/offers")
@needs("offers:read")
@routes.input(OfferSearch, location="query")
@routes.output(OffersOut)
def find(query_data: OfferSearch) -> OffersOut:
    """The offers of a programme, newest first: past, coming and withdrawn ones too.

    With member: those for everybody, and those for this member."""
    before = paging.from_cursor(query_data.cursor)
    with current_installation().database.reading() as session:
        programme = programmes.by_code(session, query_data.programme)
        member = _member(session, programme, query_data.member)
        member_id = member.id if member is not None else None
        found = offers.listed(session, programme.id, member_id, before, query_data.limit + 1)
        page = found[: query_data.limit]
        more = len(found) > query_data.limit
        return OffersOut(
            items=[_told(session, offer) for offer in page],
            next_cursor=paging.to_cursor(page[-1].id) if more else None,
        )


@routes.post("/offers/<offer_id>/withdraw")
@needs("offers:write")
@routes.output(OfferOut)
def withdraw(offer_id: str) -> OfferOut:
    """Take an offer off all cards at once. Doing it again changes nothing."""

    def work(session: Session) -> OfferOut:
        return _told(session, offers.withdraw(session, offer_id, current_installation().clock()))

    return current_installation().database.run(work, idempotent=True)


@routes.post("/offers/<offer_id>/passes")
@needs("passes:write")
@routes.input(CouponIn)
@routes.output(PassOut, status_code=201)
def coupon(offer_id: str, json_data: CouponIn) -> Response:
    """Give a member the offer as a pass of its own: a coupon. There is one, however often you ask;
    it ends with the offer."""

    def effect(session: Session, now: datetime) -> PassOut:
        member = members.by_public_id(session, json_data.member)
        offer = offers.by_public_id(session, offer_id)
        house = current_installation()
        pass_ = issuing.issue_offer(
            session, member, offer, house.pass_type, house.keys.first.id, now
        )
        return described(session, pass_)

    return once(json_data, effect, key_required=False)


def _member(session: Session, programme: Programme, public_id: str | None) -> Member | None:
    """The member who is meant, of this programme. Raises `UnknownMember`."""
    if public_id is None:
        return None
    member = members.by_public_id(session, public_id)
    if member.programme_id != programme.id:
        raise UnknownMember
    return member


def _told(session: Session, offer: Offer) -> OfferOut:
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
