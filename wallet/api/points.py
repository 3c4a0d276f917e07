"""Points in and points out."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger import accruals, members, redemptions
from ledger.accruals import Done, Grant
from ledger.members import Member
from ledger.redemptions import Spend
from wallet.api.auth import needs
from wallet.api.bodies import AccrualIn, ForMember, PostingOut, RedemptionIn
from wallet.api.members import balance_out
from wallet.api.once import once

routes = APIBlueprint("points", __name__, tag="Points")


@routes.post("/accruals")
@needs("points:write")
@routes.input(AccrualIn)
@routes.output(PostingOut, status_code=201)
def accrue(json_data: AccrualIn) -> Response:
    """Give a member points."""
    grant = Grant(
        json_data.points,
        json_data.reason,
        json_data.receipt,
        json_data.occurred_at,
        json_data.activates_at,
        json_data.expires_at,
    )

    def effect(session: Session, now: datetime) -> PostingOut:
        member = _member(session, json_data)
        done = accruals.grant(session, member, grant, now)
        return _posted(member, json_data.points, done)

    return once(json_data, effect, key_required=True)


@routes.post("/redemptions")
@needs("points:write")
@routes.input(RedemptionIn)
@routes.output(PostingOut, status_code=201)
def redeem(json_data: RedemptionIn) -> Response:
    """Take points that a member pays with."""
    spend = Spend(json_data.points, json_data.reason, json_data.receipt, json_data.occurred_at)

    def effect(session: Session, now: datetime) -> PostingOut:
        member = _member(session, json_data)
        done = redemptions.redeem(session, member, spend, now)
        return _posted(member, json_data.points, done)

    return once(json_data, effect, key_required=True)


def _member(session: Session, wanted: ForMember) -> Member:
    if wanted.card is not None:
        return members.by_card(session, wanted.card)
    return members.by_public_id(session, wanted.member or "")


def _posted(member: Member, points: int, done: Done) -> PostingOut:
    return PostingOut(
        id=done.posting_id,
        member=member.public_id,
        points=points,
        balance=balance_out(done.balance),
    )
