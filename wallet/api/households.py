"""Members who share an account, are one person after all, or lost their card."""

from collections.abc import Callable
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.people import members
from ledger.people.members import Member
from ledger.points import households
from wallet.api.auth import needs
from wallet.api.bodies import HeadIn, IntoIn, MemberOut, NothingIn
from wallet.api.members import described
from wallet.api.once import once
from wallet.installation import current_installation
from wallet.passes import renewal

routes = APIBlueprint("households", __name__, tag="Members")


@routes.post("/members/<member_id>/household")
@needs("members:write")
@routes.input(HeadIn)
@routes.output(MemberOut, status_code=201)
def join_household(member_id: str, json_data: HeadIn) -> Response:
    """Let a member use another one's account; what they had goes there."""

    def join(session: Session, member: Member, now: datetime) -> Member:
        head = members.by_public_id(session, json_data.head)
        households.join(session, member, head, now)
        return member

    return _changed(member_id, json_data, join)


@routes.post("/members/<member_id>/household/leave")
@needs("members:write")
@routes.output(MemberOut, status_code=201)
def leave_household(member_id: str) -> Response:
    """Give a member an account of their own again; what was shared stays with the household."""

    def leave(session: Session, member: Member, now: datetime) -> Member:
        households.leave(session, member, now)
        return member

    return _changed(member_id, NothingIn(), leave)


@routes.post("/members/<member_id>/merge")
@needs("members:write")
@routes.input(IntoIn)
@routes.output(MemberOut, status_code=201)
def merge(member_id: str, json_data: IntoIn) -> Response:
    """Two members are one person: points, cards and phones of the first belong to the second, who
    is answered."""

    def into(session: Session, member: Member, now: datetime) -> Member:
        stays = members.by_public_id(session, json_data.into)
        households.merge(session, member, stays, now)
        return stays

    return _changed(member_id, json_data, into)


@routes.post("/members/<member_id>/cards")
@needs("members:write")
@routes.output(MemberOut, status_code=201)
def replace_card(member_id: str) -> Response:
    """Give a member another card number; the old one is refused from now on, and the card in the
    phone changes."""

    def replace(session: Session, member: Member, now: datetime) -> Member:
        enrolment.replace_card(session, member, now)
        renewal.renew(session, current_installation().keys, member.id, now)
        return member

    return _changed(member_id, NothingIn(), replace)


def _changed(
    member_id: str, body: BaseModel, change: Callable[[Session, Member, datetime], Member]
) -> Response:
    def effect(session: Session, now: datetime) -> MemberOut:
        member = change(session, members.by_public_id(session, member_id), now)
        session.refresh(member)
        return described(session, member)

    return once(body, effect, key_required=False)
