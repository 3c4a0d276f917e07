"""Offers: what members are shown on their cards."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger import members, offers, programmes
from ledger.errors import UnknownMember
from ledger.offers import Draft
from ledger.points import NEVER
from wallet.api.auth import needs
from wallet.api.bodies import OfferIn, OfferOut
from wallet.api.once import once

routes = APIBlueprint("offers", __name__, tag="Offers")


@routes.post("/offers")
@needs("offers:write")
@routes.input(OfferIn)
@routes.output(OfferOut, status_code=201)
def publish(json_data: OfferIn) -> Response:
    """Show an offer on the card of one member, or on all cards of the programme."""
    draft = Draft(json_data.title, json_data.text, json_data.starts_at, json_data.ends_at)

    def effect(session: Session, now: datetime) -> OfferOut:
        programme = programmes.by_code(session, json_data.programme)
        member_id = None
        if json_data.member is not None:
            member = members.by_public_id(session, json_data.member)
            if member.programme_id != programme.id:
                raise UnknownMember
            member_id = member.id
        offer = offers.publish(session, programme.id, member_id, draft, now)
        return OfferOut.model_validate(
            {
                "id": offer.public_id,
                "programme": programme.code,
                "title": offer.title,
                "text": offer.text,
                "member": json_data.member,
                "from": offer.starts_at,
                "until": None if offer.ends_at == NEVER else offer.ends_at,
            }
        )

    return once(json_data, effect, key_required=False)
