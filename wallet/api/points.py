"""Points in and points out."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.errors import (
    BalanceTooLarge,
    DateOutOfRange,
    DatesOutOfOrder,
    InsufficientPoints,
    MemberUnconfirmed,
    NoPercentBack,
    NothingEarned,
    UnknownUnit,
)
from ledger.money import Money
from ledger.points import accruals, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause, Movement
from ledger.points.redemptions import Spend
from wallet.api import idempotent, lookup
from wallet.api.amounts import balance_out, debt_paid, in_money
from wallet.api.auth import needs
from wallet.api.bodies.examples import in_points_and_money
from wallet.api.bodies.movements import Details
from wallet.api.bodies.points import SPENT, SPENT_IN_MONEY, AccrualIn, PostingOut, RedemptionIn
from wallet.api.calls import refuses
from wallet.api.refusals import MONEY, WHOM

routes = APIBlueprint("points", __name__, tag="Points")


@routes.post("/accruals")
@routes.doc(operation_id="createAccrual")
@needs("points:write")
@refuses(
    *WHOM,
    UnknownUnit,
    *MONEY,
    BalanceTooLarge,
    DatesOutOfOrder,
    DateOutOfRange,
    NoPercentBack,
    NothingEarned,
)
@routes.input(AccrualIn)
@routes.output(PostingOut, status_code=201)
@idempotent.keyed(required=True)
def accrue(json_data: AccrualIn, key: str | None) -> Response:
    """Give a member points, or what their purchase earns."""

    def effect(session: Session, now: datetime) -> PostingOut:
        grant = Grant(
            json_data.amount,
            cause(json_data, json_data.paid),
            json_data.activates_at,
            json_data.expires_at,
            json_data.unit,
        )
        return posted(accruals.grant(session, lookup.whom(json_data.whom), grant, now))

    return idempotent.created(json_data, effect, key, key_taken="last")


@routes.post("/redemptions")
@routes.doc(operation_id="createRedemption")
@needs("points:write")
@refuses(*WHOM, UnknownUnit, *MONEY, MemberUnconfirmed, InsufficientPoints, DateOutOfRange)
@routes.input(RedemptionIn)
@routes.output(PostingOut, status_code=201, examples=in_points_and_money(SPENT, SPENT_IN_MONEY))
@idempotent.keyed(required=True)
def redeem(json_data: RedemptionIn, key: str | None) -> Response:
    """Take points that a member pays with."""

    def effect(session: Session, now: datetime) -> PostingOut:
        spend = Spend(json_data.amount, cause(json_data, json_data.paid), json_data.unit)
        return posted(redemptions.redeem(session, lookup.whom(json_data.whom), spend, now))

    return idempotent.created(json_data, effect, key, key_taken="last")


def cause(wanted: Details, paid: Money | None = None) -> Cause:
    """Why points move, as the caller told it; `paid`: what was paid in the purchase."""
    return Cause(
        wanted.reason,
        wanted.receipt,
        wanted.occurred_at,
        wanted.store,
        wanted.promotion,
        purchase=paid,
    )


def posted(done: Movement) -> PostingOut:
    """The answer to a posting that was made just now."""
    return PostingOut(
        id=done.posting_id,
        member=done.member.public_id,
        points=done.points,
        balance=balance_out(done.balance, done.unit),
        **in_money(done.unit, points=done.points),
        **debt_paid(done.debt_paid, done.unit),
    )
