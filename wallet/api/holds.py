"""Points set aside while a sale goes on: placed, then captured or released."""

from datetime import datetime, timedelta

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.book import accounts, holds
from ledger.book.accounts import Balance
from ledger.book.holds import Hold
from ledger.people import members
from ledger.points import redemptions
from ledger.points.redemptions import Spend
from ledger.programmes import units
from wallet.api.amounts import balance_out, in_money
from wallet.api.auth import needs
from wallet.api.bodies import CaptureIn, HoldIn, HoldOut, NothingIn, PostingOut
from wallet.api.once import once
from wallet.api.points import cause, posted
from wallet.installation import current_installation

routes = APIBlueprint("holds", __name__, tag="Holds")


@routes.post("/holds")
@needs("points:write")
@routes.input(HoldIn)
@routes.output(HoldOut, status_code=201)
def place(json_data: HoldIn) -> Response:
    """Set points aside, those that run out first."""
    lasts = timedelta(seconds=json_data.lasts_seconds)

    def effect(session: Session, now: datetime) -> HoldOut:
        spend = Spend(json_data.amount, cause(json_data), json_data.unit)
        placed = redemptions.hold(session, json_data.whom, spend, lasts, now)
        return _described(session, placed.hold, placed.balance)

    return once(json_data, effect, key_required=False)


@routes.get("/holds/<hold_id>")
@needs("points:write")
@routes.output(HoldOut)
def read(hold_id: str) -> HoldOut:
    """One hold, and the member's balance now."""
    with current_installation().database.reading() as session:
        hold = holds.find(session, hold_id)
        return _described(session, hold, accounts.balance(session, hold.account_id))


@routes.post("/holds/<hold_id>/capture")
@needs("points:write")
@routes.input(CaptureIn)
@routes.output(PostingOut, status_code=201)
def capture(hold_id: str, json_data: CaptureIn) -> Response:
    """Spend what was set aside, or a part of it; the rest is free again."""

    def effect(session: Session, now: datetime) -> PostingOut:
        hold = holds.find(session, hold_id)
        return posted(redemptions.capture(session, hold, json_data.amount, now))

    return once(json_data, effect, key_required=False)


@routes.post("/holds/<hold_id>/release")
@needs("points:write")
@routes.output(HoldOut, status_code=201)
def release(hold_id: str) -> Response:
    """Make the points free again."""

    def effect(session: Session, now: datetime) -> HoldOut:
        hold = holds.find(session, hold_id)
        balance = redemptions.release(session, hold, now)
        session.refresh(hold)
        return _described(session, hold, balance)

    return once(NothingIn(), effect, key_required=False)


def _described(session: Session, hold: Hold, balance: Balance) -> HoldOut:
    holder = accounts.holder_of(session, hold.account_id)
    unit = units.by_id(session, holder.unit_id)
    return HoldOut.model_validate(
        {
            "id": hold.public_id,
            "member": members.by_id(session, holder.member_id).public_id,
            "points": hold.amount,
            "state": hold.state,
            "captured": hold.captured,
            "posting": hold.posting_id,
            "placed_at": hold.placed_at,
            "expires_at": hold.expires_at,
            "balance": balance_out(balance, unit),
            **in_money(unit, points=hold.amount, captured=hold.captured),
        }
    )
