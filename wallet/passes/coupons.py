"""Coupons: a pass of an offer, beside the member's card. It is used once."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.database.tables import insert_or
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet import happenings
from wallet.errors import (
    CodeForged,
    CouponOver,
    CouponUsed,
    NotACoupon,
    OfferNotShown,
    PassLost,
)
from wallet.happenings import Note
from wallet.passes import issued, showing, templates
from wallet.passes.content import PassState, Validity, render
from wallet.passes.issued import Pass


def issue(
    session: Session, member: Member, offer: Offer, pass_type: str, key_id: str, now: datetime
) -> Pass:
    """The member's coupon of this offer. There is only one, however often it is asked for. Raises
    `OfferNotShown` if the member is not shown the offer now, `MemberErased`."""
    members.lock_present(session, member.id)
    shown_now = offers.shown(session, member.programme_id, [member.id], now)[member.id]
    if offer.id not in {each.id for each in shown_now}:
        raise OfferNotShown
    programme = programmes.by_id(session, member.programme_id)
    template = templates.for_offers(session, programme, now)
    design = templates.design(template)
    facts = showing.facts(session, programme, [member.id], now)[member.id]
    serial = secrets.token_hex(16)
    shown, validity = showing.of_coupon(serial, offer, facts, programme, Validity(), now)
    session.execute(
        insert_or(session, Pass)
        .values(
            serial=serial,
            pass_type=design.pass_type or pass_type,
            programme_id=programme.id,
            member_id=member.id,
            offer_id=offer.id,
            key_id=key_id,
            template_id=template.id,
            version=1,
            tag=0,
            last_modified=int(now.timestamp()),
            content=issued.stored_content(render(design, shown, validity)),
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(Pass).where(
            Pass.member_id == member.id, Pass.offer_id == offer.id, Pass.lost_at.is_(None)
        )
    ).one()


def presented(session: Session, serial: str, member: Member) -> Pass:
    """The coupon with this serial number, if it belongs to this member or to one who was merged
    into them. Raises `CodeForged`, `PassLost`."""
    pass_ = issued.by_serial(session, serial)
    if pass_ is None or pass_.offer_id is None:
        raise CodeForged
    owner = members.by_id(session, pass_.member_id)
    if member.id not in (owner.id, owner.merged_into_id):
        raise CodeForged
    if pass_.lost_at is not None:
        raise PassLost
    return pass_


def ends_at(pass_: Pass, offer: Offer) -> datetime:
    """When the coupon of this offer ends: with the offer, unless another end was decided. `NEVER`
    if it does not."""
    return pass_.ends_at or offer.ends_at


def state(session: Session, pass_: Pass, now: datetime) -> PassState:
    """Whether a till may take the coupon at this moment, even if a phone shows something else yet.
    Raises `NotACoupon`."""
    if pass_.offer_id is None:
        raise NotACoupon
    offer = session.get_one(Offer, pass_.offer_id)
    if pass_.state != "active":
        return pass_.state
    if offer.withdrawn_at is not None:
        return "void"
    if (shown := issued.content(pass_).state) != "active":
        return shown
    return "active" if now < ends_at(pass_, offer) and issued.counts(pass_, now) else "expired"


def use(session: Session, pass_: Pass, now: datetime) -> Pass:
    """Use a coupon up. If several tills try, one succeeds. What phones show follows with `refresh`.
    Who cannot show the card cannot use the coupon. Raises `PassErased`, `PassLost`, `NotACoupon`,
    `CouponUsed`, `CouponOver`, `CardBlocked`, `CardVoid`, `CardExpired`."""
    (locked,) = issued.lock(session, [pass_.id])
    locked.require_present()
    if locked.offer_id is not None:
        cards.require_open(session, locked.member_id, now)
    current = state(session, locked, now)
    if current == "used":
        raise CouponUsed
    if current != "active":
        raise CouponOver(current)
    locked.state = "used"
    session.flush()
    about = {"pass": locked.id, "offer": locked.offer_id}
    happenings.note(session, "coupon.used", [Note(locked.member_id, about)], now)
    return locked
