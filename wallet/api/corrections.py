"""Undoing what was posted, and points from one member to another."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.errors import (
    AlreadyReversed,
    BalanceTooLarge,
    DateOutOfRange,
    DatesOutOfOrder,
    InsufficientPoints,
    MemberMergedAway,
    MemberUnconfirmed,
    NotReversible,
    OtherProgramme,
    PointsSpent,
    ReversalTooLarge,
    SameMember,
    UnknownPosting,
    UnknownUnit,
)
from ledger.people import members
from ledger.points import corrections, resolving, transfers
from ledger.points.causes import Movement
from ledger.points.corrections import Reversal, Undone
from ledger.points.transfers import Gift
from wallet.api import idempotent, lookup
from wallet.api.amounts import balance_out, debt_paid, in_money
from wallet.api.auth import needs
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.corrections import (
    PurchaseUndone,
    ReversalIn,
    ReversalOut,
    SideOut,
    TransferIn,
    TransferOut,
)
from wallet.api.calls import optional_body, refuses
from wallet.api.points import cause
from wallet.api.refusals import MONEY, WHOM

routes = APIBlueprint("corrections", __name__, tag="Points")


@routes.post("/postings/<posting_id>/reverse")
@routes.doc(operation_id="reversePosting")
@needs("points:write")
@refuses(
    UnknownPosting,
    NotReversible,
    AlreadyReversed,
    ReversalTooLarge,
    PointsSpent,
    BalanceTooLarge,
    *MONEY,
    DatesOutOfOrder,
    DateOutOfRange,
)
@optional_body
@routes.input(ReversalIn)
@routes.output(ReversalOut, status_code=201)
@idempotent.keyed(required=False)
def reverse(posting_id: str, json_data: ReversalIn, key: str | None) -> Response:
    """Undo a posting, in whole or in part.

    Spent points come back into the lots they came from; earned points are taken back."""
    wish = Reversal(json_data.amount, cause(json_data), json_data.expires_at)

    def effect(session: Session, now: datetime) -> ReversalOut:
        posting = lookup.posting(session, posting_id)
        undone = corrections.reverse(session, posting, wish, now)
        return ReversalOut(
            id=undone.posting_id,
            reverses=posting.public_id,
            points=undone.points,
            members=[
                SideOut(
                    member=members.by_id(session, member_id).public_id,
                    balance=balance_out(balance, undone.unit),
                )
                for member_id, balance in undone.balances.items()
            ],
            purchase=_purchase_undone(undone),
            **in_money(undone.unit, points=undone.points),
        )

    return idempotent.created(json_data, effect, key)


def _purchase_undone(undone: Undone) -> PurchaseUndone | None:
    if undone.purchase is None:
        return None
    return PurchaseUndone(
        taken_back=MoneyOut.model_validate(undone.purchase.money),
        left=MoneyOut.model_validate(undone.purchase.money_left),
    )


@routes.post("/transfers")
@routes.doc(operation_id="createTransfer")
@needs("points:write")
@refuses(
    *WHOM,
    SameMember,
    OtherProgramme,
    MemberMergedAway,
    UnknownUnit,
    *MONEY,
    MemberUnconfirmed,
    InsufficientPoints,
    BalanceTooLarge,
    DateOutOfRange,
)
@routes.input(TransferIn)
@routes.output(TransferOut, status_code=201)
@idempotent.keyed(required=False)
def transfer(json_data: TransferIn, key: str | None) -> Response:
    """Move points from one member to another; they keep their dates."""

    def effect(session: Session, now: datetime) -> TransferOut:
        giver = resolving.resolve(session, lookup.whom(json_data.giver.whom), now)
        taker = resolving.resolve(session, lookup.whom(json_data.taker.whom), now)
        gift = Gift(json_data.amount, cause(json_data).with_card(giver.card_id), json_data.unit)
        given = transfers.transfer(session, giver.member, taker.member, gift, now)
        return TransferOut.model_validate(
            {
                "id": given.giver.posting_id,
                "points": given.giver.points,
                "from": _side(given.giver),
                "to": _side(given.taker),
                **in_money(given.giver.unit, points=given.giver.points),
            }
        )

    return idempotent.created(json_data, effect, key)


def _side(done: Movement) -> SideOut:
    return SideOut(
        member=done.member.public_id,
        balance=balance_out(done.balance, done.unit),
        **debt_paid(done.debt_paid, done.unit),
    )
