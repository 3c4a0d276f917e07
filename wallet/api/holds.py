"""Points set aside while a sale goes on: placed, then captured or released."""

from datetime import datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.book import accounts, balances, holds
from ledger.book.accounts import Balance
from ledger.book.holds import Hold
from ledger.errors import (
    CaptureTooLarge,
    DateOutOfRange,
    HoldClosed,
    HoldExpired,
    InsufficientPoints,
    MemberUnconfirmed,
    UnknownHold,
    UnknownProgramme,
    UnknownUnit,
)
from ledger.people import members
from ledger.points import redemptions
from ledger.points.redemptions import Spend
from ledger.programmes import units
from ledger.programmes.units import Unit
from wallet.api import idempotent, lookup, paging
from wallet.api.amounts import balance_out, in_money
from wallet.api.auth import needs
from wallet.api.bodies.examples import in_points_and_money
from wallet.api.bodies.holds import (
    CAPTURED,
    CAPTURED_IN_MONEY,
    HOLD,
    RELEASED,
    CaptureIn,
    HoldIn,
    HoldOut,
    HoldSearch,
    HoldsOut,
    ListedHoldOut,
)
from wallet.api.bodies.points import PostingOut
from wallet.api.calls import optional_body, refuses
from wallet.api.points import cause, posted
from wallet.api.refusals import MEMBER, MONEY, WHOM
from wallet.installation import current_installation

routes = APIBlueprint("holds", __name__, tag="Holds")


@routes.post("/holds")
@routes.doc(operation_id="createHold")
@needs("points:write")
@refuses(*WHOM, UnknownUnit, *MONEY, MemberUnconfirmed, InsufficientPoints, DateOutOfRange)
@routes.input(HoldIn)
@routes.output(HoldOut, status_code=201)
@idempotent.keyed(required=False)
def place(json_data: HoldIn, key: str | None) -> Response:
    """Set points aside, those that run out first."""
    lasts = timedelta(seconds=json_data.lasts_seconds)

    def effect(session: Session, now: datetime) -> HoldOut:
        spend = Spend(json_data.amount, cause(json_data), json_data.unit)
        placed = redemptions.hold(session, lookup.whom(json_data.whom), spend, lasts, now)
        return _hold_out(session, placed.hold, placed.balance)

    return idempotent.created(json_data, effect, key)


@routes.get("/holds")
@routes.doc(operation_id="listHolds")
@needs("members:read")
@refuses(UnknownProgramme, *MEMBER)
@routes.input(HoldSearch, location="query")
@routes.output(HoldsOut)
def find(query_data: HoldSearch) -> HoldsOut:
    """The holds of a programme, open or ended, newest first."""
    place = paging.place(query_data, 2)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        holder_id = None
        if query_data.member is not None:
            holder_id = lookup.member_of(session, programme.id, query_data.member).holder_id
        page = place.page(
            holds.listed(
                session, programme.id, holder_id, query_data.state, paging.moment(place), place.most
            ),
            lambda row: paging.at_moment(row.hold.placed_at, row.hold.id),
        )
        counted = {unit.id: unit for unit in units.of_programme(session, programme.id)}
        return HoldsOut(
            items=[
                ListedHoldOut.model_validate(_facts(row.hold, row.member, counted[row.unit_id]))
                for row in page.rows
            ],
            next_cursor=page.next_cursor,
        )


@routes.get("/holds/<hold_id>")
@routes.doc(operation_id="getHold")
@needs("members:read", or_else="points:write")
@refuses(UnknownHold)
@routes.output(HoldOut, example=HOLD)
def read(hold_id: str) -> HoldOut:
    """One hold, and the member's balance now.

    Keys with `points:write` may read it too."""
    with current_installation().database.reading() as session:
        hold = lookup.hold(session, hold_id)
        balance = balances.of_account(session, hold.account_id, current_installation().clock())
        return _hold_out(session, hold, balance)


@routes.post("/holds/<hold_id>/capture")
@routes.doc(operation_id="captureHold")
@needs("points:write")
@refuses(UnknownHold, HoldClosed, HoldExpired, CaptureTooLarge, *MONEY)
@optional_body
@routes.input(CaptureIn)
@routes.output(
    PostingOut, status_code=201, examples=in_points_and_money(CAPTURED, CAPTURED_IN_MONEY)
)
@idempotent.keyed(required=False)
def capture(hold_id: str, json_data: CaptureIn, key: str | None) -> Response:
    """Spend what was set aside, or a part of it; the rest is free again."""

    def effect(session: Session, now: datetime) -> PostingOut:
        hold = lookup.hold(session, hold_id)
        return posted(
            redemptions.capture(session, hold, json_data.amount, now, purchase=json_data.paid)
        )

    return idempotent.created(json_data, effect, key)


@routes.post("/holds/<hold_id>/release")
@routes.doc(operation_id="releaseHold")
@needs("points:write")
@refuses(UnknownHold, HoldClosed)
@routes.output(HoldOut, status_code=201, example=RELEASED)
@idempotent.keyed(required=False)
def release(hold_id: str, key: str | None) -> Response:
    """Release a hold: its points can be spent again."""

    def effect(session: Session, now: datetime) -> HoldOut:
        hold = lookup.hold(session, hold_id)
        balance = redemptions.release(session, hold, now)
        session.refresh(hold)
        return _hold_out(session, hold, balance)

    return idempotent.created(None, effect, key)


def _hold_out(session: Session, hold: Hold, balance: Balance) -> HoldOut:
    holder = accounts.holder_of(session, hold.account_id)
    unit = units.by_id(session, holder.unit_id)
    member = members.by_id(session, holder.member_id).public_id
    return HoldOut.model_validate(
        {**_facts(hold, member, unit), "balance": balance_out(balance, unit)}
    )


def _facts(hold: Hold, member: str, unit: Unit) -> dict[str, Any]:
    return {
        "id": hold.public_id,
        "member": member,
        "unit": unit.code,
        "points": hold.amount,
        "state": hold.state,
        "captured": hold.captured,
        "posting": hold.posting_id,
        "receipt": hold.receipt,
        "store": hold.store,
        "promotion": hold.promotion,
        "placed_at": hold.placed_at,
        "expires_at": hold.expires_at,
        "closed_at": hold.closed_at,
        **in_money(unit, points=hold.amount, captured=hold.captured),
    }
