"""Members who share an account, or are one person after all."""

from collections.abc import Callable
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ledger.errors import (
    BalanceTooLarge,
    HoldsOpen,
    MemberMergedAway,
    OtherProgramme,
    PooledMember,
    SameMember,
)
from ledger.people.members import Member
from ledger.programmes import units
from wallet.api import idempotent, lookup
from wallet.api.amounts import debt_paid
from wallet.api.auth import author, needs
from wallet.api.bodies.households import HeadIn, IntoIn
from wallet.api.bodies.members import MemberOut, TogetherOut
from wallet.api.calls import refuses
from wallet.api.members import member_out
from wallet.api.refusals import MEMBER
from wallet.people import deeds

routes = APIBlueprint("households", __name__, tag="Members")

# Refusals of two members whose points are to be put together.
PAIR = (SameMember, OtherProgramme, MemberMergedAway, PooledMember, HoldsOpen, BalanceTooLarge)


@routes.post("/members/<member_id>/household")
@routes.doc(operation_id="joinHousehold")
@needs("members:write")
@refuses(*MEMBER, *PAIR)
@routes.input(HeadIn)
@routes.output(TogetherOut, status_code=201)
@idempotent.keyed(required=False)
def join_household(member_id: str, json_data: HeadIn, key: str | None) -> Response:
    """Let a member use another member's account, the head's of a household.

    Points that the member had go to that account, and pay what either owed."""

    def join(session: Session, member: Member, now: datetime) -> tuple[Member, int]:
        head = lookup.member(session, json_data.head)
        return member, deeds.join_household(session, member, head, author(session), now)

    return _together(member_id, json_data, join, key)


@routes.post("/members/<member_id>/household/leave")
@routes.doc(operation_id="leaveHousehold")
@needs("members:write")
@refuses(*MEMBER, MemberMergedAway)
@routes.output(MemberOut, status_code=201)
@idempotent.keyed(required=False)
def leave_household(member_id: str, key: str | None) -> Response:
    """Give a member an account of their own again.

    Points that were shared stay with the household."""

    def leave(session: Session, member: Member, now: datetime) -> Member:
        deeds.leave_household(session, member, author(session), now)
        return member

    return _changed(member_id, None, leave, key)


@routes.post("/members/<member_id>/merge")
@routes.doc(operation_id="mergeMembers")
@needs("members:write")
@refuses(*MEMBER, *PAIR)
@routes.input(IntoIn)
@routes.output(TogetherOut, status_code=201)
@idempotent.keyed(required=False)
def merge(member_id: str, json_data: IntoIn, key: str | None) -> Response:
    """Merge two members who are one person.

    Points, cards and phones of the first go to the second, and the answer is about the second."""

    def into(session: Session, member: Member, now: datetime) -> tuple[Member, int]:
        stays = lookup.member(session, json_data.into)
        return stays, deeds.merge(session, member, stays, author(session), now)

    return _together(member_id, json_data, into, key)


def _together(
    member_id: str,
    body: BaseModel,
    join: Callable[[Session, Member, datetime], tuple[Member, int]],
    key: str | None,
) -> Response:
    """`join` returns the member whom the answer is about, and how much of a debt was paid."""

    def effect(session: Session, now: datetime) -> TogetherOut:
        member, paid = join(session, lookup.member(session, member_id), now)
        session.refresh(member)
        unit = units.named(session, member.programme_id, None)
        shown = member_out(session, member, now)
        return TogetherOut(**dict(shown), **debt_paid(paid, unit))

    return idempotent.created(body, effect, key)


def _changed(
    member_id: str,
    body: BaseModel | None,
    change: Callable[[Session, Member, datetime], Member],
    key: str | None,
) -> Response:
    def effect(session: Session, now: datetime) -> MemberOut:
        member = change(session, lookup.member(session, member_id), now)
        session.refresh(member)
        return member_out(session, member, now)

    return idempotent.created(body, effect, key)
