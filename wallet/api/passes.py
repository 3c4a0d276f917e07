"""Passes: what a member carries in a phone's wallet; made void, ended, and made good again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ledger.errors import CardBlocked, CardExpired, CardVoid, DateOutOfRange
from ledger.limits import EARLIEST, LATEST, NEVER
from ledger.offers.offers import Offer
from ledger.people import members
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.api import idempotent, lookup
from wallet.api.auth import PERSONAL, author, needs, sees_people
from wallet.api.bodies.passes import COUPON_USED, ENDED, VOID, ExpireIn, PassesOut, PassOut
from wallet.api.calls import optional_body, refuses, shows_more
from wallet.api.refusals import MEMBER
from wallet.delivery.refresh import MakeDue
from wallet.errors import CouponOver, CouponUsed, NotACoupon, PassErased, PassLost, UnknownPass
from wallet.installation import current_installation
from wallet.passes import coupons, issued
from wallet.passes.issued import Pass
from wallet.people import pass_deeds

routes = APIBlueprint("passes", __name__, tag="Passes")

# Refusals of a pass that is void for good.
GONE = (PassErased, PassLost)


@routes.get("/members/<member_id>/passes")
@routes.doc(operation_id="listMemberPasses")
@needs("passes:read")
@shows_more(PERSONAL)
@refuses(*MEMBER)
@routes.output(PassesOut)
def of_member(member_id: str) -> PassesOut:
    """The passes of a member: the card and the coupons."""
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        found = issued.all_of_member(session, member.id)
        items = [pass_out(session, pass_) for pass_ in found]
        bundle = None
        if sees_people() and current_installation().apple is not None:
            link = current_installation().card_link(issued.card_of(session, member.id))
            bundle = f"{link}/apple.pkpasses"
    return PassesOut(items=items, next_cursor=None, bundle=bundle)


@routes.get("/passes/<pass_id>")
@routes.doc(operation_id="getPass")
@needs("passes:read")
@shows_more(PERSONAL)
@refuses(UnknownPass)
@routes.output(PassOut)
def read(pass_id: str) -> PassOut:
    """One pass."""
    with current_installation().database.reading() as session:
        return pass_out(session, lookup.pass_(session, pass_id))


@routes.post("/passes/<pass_id>/void")
@routes.doc(operation_id="voidPass")
@needs("passes:write")
@refuses(UnknownPass, *GONE)
@routes.output(PassOut, status_code=201, example=VOID)
@idempotent.keyed(required=False)
def void(pass_id: str, key: str | None) -> Response:
    """Make a pass void: it stays in the phone, greyed.

    A card that is void is refused at tills: nothing is scanned, accrued or spent by the number that
    it showed. The points stay. Where a phone is lost, block or replace the card."""
    return _done(pass_id, None, pass_deeds.make_void, key)


@routes.post("/passes/<pass_id>/expire")
@routes.doc(operation_id="expirePass")
@needs("passes:write")
@refuses(UnknownPass, *GONE, DateOutOfRange)
@optional_body
@routes.input(ExpireIn)
@routes.output(PassOut, status_code=201, example=ENDED)
@idempotent.keyed(required=False)
def expire(pass_id: str, json_data: ExpireIn, key: str | None) -> Response:
    """End a pass, now or at a moment that you name. Phones then put it away by themselves.

    From then on the number of a card is refused at tills."""
    at = json_data.at
    if at is not None and not EARLIEST <= at < LATEST:
        raise DateOutOfRange("at")

    def ended(
        session: Session, pass_: Pass, make_due: Sequence[MakeDue], by: Author, now: datetime
    ) -> Pass:
        return pass_deeds.end(session, pass_, at or now, make_due, by, now)

    return _done(pass_id, json_data, ended, key)


@routes.post("/passes/<pass_id>/use")
@routes.doc(operation_id="useCoupon")
@needs("coupons:use")
@refuses(UnknownPass, *GONE, NotACoupon, CouponUsed, CouponOver, CardBlocked, CardVoid, CardExpired)
@routes.output(PassOut, status_code=201, example=COUPON_USED)
@idempotent.keyed(required=False)
def use(pass_id: str, key: str | None) -> Response:
    """Use a coupon up; a second use is refused.

    The coupon stays in the phone among the passes that are over. `restore` makes it good again.

    If the answer was lost, repeat the request with the same Idempotency-Key: it is the same use."""
    return _done(pass_id, None, pass_deeds.use, key)


@routes.post("/passes/<pass_id>/restore")
@routes.doc(operation_id="restorePass")
@needs("passes:write")
@refuses(UnknownPass, *GONE)
@routes.output(PassOut, status_code=201)
@idempotent.keyed(required=False)
def restore(pass_id: str, key: str | None) -> Response:
    """Make a void, ended or used pass good again."""
    return _done(pass_id, None, pass_deeds.restore, key)


@routes.post("/passes/<pass_id>/link")
@routes.doc(operation_id="replacePassLink")
@needs("passes:write")
@refuses(UnknownPass, *GONE)
@routes.output(PassOut, status_code=201)
@idempotent.keyed(required=False)
def renew_link(pass_id: str, key: str | None) -> Response:
    """Give a card or a coupon another link, because the one before is in wrong hands.

    The link before opens nothing any more. The pass in the phone stays as it is."""

    def effect(session: Session, now: datetime) -> PassOut:
        named = lookup.pass_(session, pass_id)
        return pass_out(session, pass_deeds.renew_link(session, named, author(session), now))

    return idempotent.created(None, effect, key)


# What is done with a pass: the session, the pass, who makes it due, by whom, and when.
PassDeed = Callable[[Session, Pass, Sequence[MakeDue], Author, datetime], Pass]


def _done(pass_id: str, body: BaseModel | None, deed: PassDeed, key: str | None) -> Response:
    def effect(session: Session, now: datetime) -> PassOut:
        named, make_due = lookup.pass_(session, pass_id), current_installation().make_due
        return pass_out(session, deed(session, named, make_due, author(session), now))

    return idempotent.created(body, effect, key)


def pass_out(session: Session, pass_: Pass) -> PassOut:
    """A pass as integrations see it; times are in the programme's zone. Its links are for those who
    may see what it shows of its member."""
    house = current_installation()
    shows_links = sees_people() and pass_.lost_at is None
    offer = session.get(Offer, pass_.offer_id) if pass_.offer_id is not None else None
    ends_at = pass_.ends_at if offer is None else coupons.ends_at(pass_, offer)
    programme = programmes.by_id(session, pass_.programme_id)
    zone = ZoneInfo(programme.timezone)
    return PassOut(
        id=pass_.serial,
        member=members.by_id(session, pass_.member_id).public_id,
        offer=offer.public_id if offer is not None else None,
        programme=programme.code,
        pass_type=pass_.pass_type or None,
        state=_state(session, pass_, house.clock()),
        expires_at=None if ends_at is None or ends_at == NEVER else ends_at.astimezone(zone),
        version=pass_.version,
        changed_at=issued.changed_at(pass_),
        used_at=pass_.used_at,
        apple=house.apple.link(pass_) if shows_links and house.apple is not None else None,
        google=house.google.link(pass_) if shows_links and house.google is not None else None,
    )


def _state(session: Session, pass_: Pass, now: datetime) -> str:
    if pass_.lost_at is not None:
        return "lost"
    if pass_.voided:
        return "erased"
    return pass_.state if pass_.offer_id is None else coupons.state(session, pass_, now)
