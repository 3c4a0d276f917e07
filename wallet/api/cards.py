"""A member's card when something is wrong with it: another number, a lost phone, a card that waits
for its owner."""

from collections.abc import Callable
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response, abort, request
from pydantic import ValidationError
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.errors import CardBlocked
from ledger.people import members
from ledger.people.members import Member
from wallet.api import idempotent, lookup
from wallet.api.auth import needs
from wallet.api.bodies.cards import BLOCKED, REPLACE, ReplaceIn
from wallet.api.bodies.members import MemberOut
from wallet.api.calls import refuses, takes
from wallet.api.members import member_out
from wallet.api.refusals import MEMBER, of_fields
from wallet.installation import current_installation
from wallet.passes import renewal
from wallet.people import lost_cards
from wallet.problems import problem

routes = APIBlueprint("cards", __name__, tag="Members")

Remedy = Callable[[Session, Member, datetime], Member]


@routes.post("/members/<member_id>/cards")
@routes.doc(operation_id="replaceMemberCard")
@needs("members:write")
@refuses(*MEMBER, CardBlocked)
@takes(REPLACE, ReplaceIn, optional=True)
@routes.output(MemberOut, status_code=201)
@idempotent.keyed(required=False)
def replace(member_id: str, key: str | None) -> Response:
    """Give a member another card number, or, with `lost`, another card.

    The old number is refused from now on. Without `lost` the card in the phone and its link stay
    and show the new number. With `lost` they are refused too, for good: the member gets another
    link and another pass, with the same points, offers and coupons."""
    body = _wish()
    if not body.lost:
        return _changed(member_id, None, _other_number, key)

    def replace_lost(session: Session, member: Member, now: datetime) -> Member:
        house = current_installation()
        return lost_cards.replace(session, member, house.keys, house.make_due, now)

    return _changed(member_id, body, replace_lost, key)


@routes.post("/members/<member_id>/block")
@routes.doc(operation_id="blockMember")
@needs("members:write")
@refuses(*MEMBER)
@routes.output(MemberOut, status_code=201, example=BLOCKED)
@idempotent.keyed(required=False)
def block(member_id: str, key: str | None) -> Response:
    """Block a member's card until its owner comes.

    Number, link and pass are refused and show nothing of the member. Points stay, and postings by
    the member's id go on. `unblock` makes the card good again; `cards` with `lost` replaces it."""

    def work(session: Session, member: Member, now: datetime) -> Member:
        return lost_cards.block(session, member, current_installation().make_due, now)

    return _changed(member_id, None, work, key)


@routes.post("/members/<member_id>/unblock")
@routes.doc(operation_id="unblockMember")
@needs("members:write")
@refuses(*MEMBER)
@routes.output(MemberOut, status_code=201)
@idempotent.keyed(required=False)
def unblock(member_id: str, key: str | None) -> Response:
    """Make a blocked card good again, as it was.

    A card that was lost and replaced stays refused."""

    def work(session: Session, member: Member, now: datetime) -> Member:
        return lost_cards.unblock(session, member, current_installation().make_due, now)

    return _changed(member_id, None, work, key)


def _wish() -> ReplaceIn:
    """The body, which may be left out."""
    if not request.get_data():
        return ReplaceIn()
    try:
        return ReplaceIn.model_validate(request.get_json())
    except ValidationError as error:
        abort(problem(*of_fields(error)))


def _other_number(session: Session, member: Member, now: datetime) -> Member:
    enrolment.replace_card(session, member, now)
    renewal.renew(session, current_installation().keys, member.id, now)
    return member


def _changed(member_id: str, body: ReplaceIn | None, change: Remedy, key: str | None) -> Response:
    """The answer is about the member who was named, even where another one stands for them."""

    def effect(session: Session, now: datetime) -> MemberOut:
        member = lookup.member(session, member_id)
        change(session, member, now)
        return member_out(session, members.reread(session, member), now)

    return idempotent.created(body, effect, key)
