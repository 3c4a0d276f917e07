"""Cards as lists; and a member's card when something is wrong with it: another number, a lost
phone, a card that waits for its owner."""

from collections.abc import Callable
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response, abort, request
from pydantic import ValidationError
from sqlalchemy.orm import Session

from ledger.errors import CardBlocked, UnknownProgramme
from ledger.people import cards, members
from ledger.people.cards import CardFilter, ListedCard
from ledger.people.members import Member
from wallet.api import idempotent, lookup, paging
from wallet.api.auth import author, needs
from wallet.api.bodies.cards import (
    BLOCKED,
    REPLACE,
    CardFilters,
    CardSearch,
    CardsOut,
    ListedCardOut,
    ReplaceIn,
)
from wallet.api.bodies.members import MemberOut
from wallet.api.calls import refuses, takes
from wallet.api.members import member_out
from wallet.api.refusals import MEMBER, of_fields
from wallet.installation import current_installation
from wallet.people import deeds
from wallet.problems import problem

routes = APIBlueprint("cards", __name__, tag="Members")

Remedy = Callable[[Session, Member, datetime], None]


@routes.get("/cards")
@routes.doc(operation_id="listCards")
@needs("members:read")
@refuses(UnknownProgramme)
@routes.input(CardSearch, location="query")
@routes.output(CardsOut)
def find(query_data: CardSearch) -> CardsOut:
    """The cards of a programme, in the order in which they were issued, with their states."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        return _cards_out(session, query_data, programme.id, None)


@routes.get("/members/<member_id>/cards")
@routes.doc(operation_id="listMemberCards")
@needs("members:read")
@refuses(*MEMBER)
@routes.input(CardFilters, location="query")
@routes.output(CardsOut)
def of_member(member_id: str, query_data: CardFilters) -> CardsOut:
    """The cards that a member has and had, in the order in which they were issued."""
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        return _cards_out(session, query_data, member.programme_id, member.id)


def _cards_out(
    session: Session, asked: CardFilters, programme_id: int, member_id: int | None
) -> CardsOut:
    place, now = paging.place(asked, 2), current_installation().clock()
    wanted = CardFilter(programme_id, member_id, asked.state, asked.blocked_for)
    rows = cards.listed(session, wanted, paging.moment(place), place.most, now)
    page = place.page(rows, lambda row: paging.at_moment(row.card.created_at, row.card.id))
    return CardsOut(items=[_listed(row, now) for row in page.rows], next_cursor=page.next_cursor)


def _listed(row: ListedCard, now: datetime) -> ListedCardOut:
    card = row.card
    return ListedCardOut(
        number=card.number,
        member=row.member,
        state=cards.state(card, now),
        blocked_for=card.blocked_for,
        created_at=card.created_at,
        blocked_at=card.blocked_at,
        void_at=card.void_at,
        expires_at=card.expires_at,
    )


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

    def replace_lost(session: Session, member: Member, now: datetime) -> None:
        house, by = current_installation(), author(session)
        deeds.replace_lost_card(session, member, house.keys, house.make_due, by, now)

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

    def work(session: Session, member: Member, now: datetime) -> None:
        deeds.block(session, member, current_installation().make_due, author(session), now)

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

    def work(session: Session, member: Member, now: datetime) -> None:
        deeds.unblock(session, member, current_installation().make_due, author(session), now)

    return _changed(member_id, None, work, key)


def _wish() -> ReplaceIn:
    """The body, which may be left out."""
    if not request.get_data():
        return ReplaceIn()
    try:
        return ReplaceIn.model_validate(request.get_json())
    except ValidationError as error:
        abort(problem(*of_fields(error)))


def _other_number(session: Session, member: Member, now: datetime) -> None:
    deeds.replace_card(session, member, current_installation().keys, author(session), now)


def _changed(member_id: str, body: ReplaceIn | None, change: Remedy, key: str | None) -> Response:
    """The answer is about the member who was named, even where another one stands for them."""

    def effect(session: Session, now: datetime) -> MemberOut:
        member = lookup.member(session, member_id)
        change(session, member, now)
        return member_out(session, members.reread(session, member), now)

    return idempotent.created(body, effect, key)
