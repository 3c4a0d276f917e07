"""Points in and points out."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.points import accruals, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause, Movement
from ledger.points.redemptions import Spend
from wallet.api.amounts import balance_out, in_money
from wallet.api.auth import needs
from wallet.api.bodies import AccrualIn, PostingOut, RedemptionIn, Told
from wallet.api.once import once

routes = APIBlueprint("points", __name__, tag="Points")


@routes.post("/accruals")
@needs("points:write")
@routes.input(AccrualIn)
@routes.output(PostingOut, status_code=201)
def accrue(json_data: AccrualIn) -> Response:
    """Give a member points."""

    def effect(session: Session, now: datetime) -> PostingOut:
        grant = Grant(
            json_data.amount,
            cause(json_data),
            json_data.activates_at,
            json_data.expires_at,
            json_data.unit,
        )
        return posted(accruals.grant(session, json_data.whom, grant, now))

    return once(json_data, effect, key_required=True)


@routes.post("/redemptions")
@needs("points:write")
@routes.input(RedemptionIn)
@routes.output(PostingOut, status_code=201)
def redeem(json_data: RedemptionIn) -> Response:
    """Take points that a member pays with."""

    def effect(session: Session, now: datetime) -> PostingOut:
        spend = Spend(json_data.amount, cause(json_data), json_data.unit)
        return posted(redemptions.redeem(session, json_data.whom, spend, now))

    return once(json_data, effect, key_required=True)


def cause(wanted: Told) -> Cause:
    """Why points move, as the caller told it."""
    return Cause(wanted.reason, wanted.receipt, wanted.occurred_at, wanted.store, wanted.promotion)


def posted(done: Movement) -> PostingOut:
    """A posting that was made just now."""
    return PostingOut(
        id=done.posting_id,
        member=done.member.public_id,
        points=done.points,
        balance=balance_out(done.balance, done.unit),
        **in_money(done.unit, points=done.points),
    )
