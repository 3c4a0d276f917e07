"""Coupons: a pass of an offer, beside the member's card. It is used once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from ledger.database.tables import insert_or
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
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

# What became of a coupon, as lists have it. `void`: made so, its offer was withdrawn, its member
# was erased, or it was lost.
Standing = Literal["active", "used", "void", "expired"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)


@dataclass(frozen=True, slots=True)
class CouponIssuer:
    """With what an installation issues coupons: Apple's pass type, and the key from which their
    tokens are derived."""

    pass_type: str
    key_id: str


@dataclass(frozen=True, slots=True)
class CouponTaker:
    """Who took a coupon: of which kind, and by what name, as the record of changes names
    authors."""

    kind: str
    name: str


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
    _add(session, programme, offer, [member.id], CouponIssuer(pass_type, key_id), now)
    return session.scalars(
        select(Pass).where(
            Pass.member_id == member.id, Pass.offer_id == offer.id, Pass.lost_at.is_(None)
        )
    ).one()


def give(
    session: Session,
    programme: Programme,
    offer: Offer,
    member_ids: Sequence[int],
    issuer: CouponIssuer,
    now: datetime,
) -> dict[int, int]:
    """Give each of these members a coupon of this offer, which is on the cards now and for more
    than one member. Who is none of its audience is shown it from now on: a coupon that somebody
    hands out says for whom the offer is. Returns the new coupons by member; who has one already,
    whatever became of it, gets no second one. The caller has locked the offer and the members, and
    none of them is erased."""
    has = held(session, offer, member_ids)
    without = [id_ for id_ in member_ids if id_ not in has]
    if not without:
        return {}
    if not offer.is_for_all():
        offers.write_down(session, offer.id, select(Member.id).where(Member.id.in_(without)))
    _add(session, programme, offer, without, issuer, now)
    return held(session, offer, without)


def hand_out(
    session: Session, offer: Offer, member: Member, issuer: CouponIssuer, now: datetime
) -> bool:
    """Give one member a coupon, as somebody of the shop does by hand; False if they have one
    already. The caller holds the offer. Raises `OfferOver`, `OfferNotShown` for an offer that has
    not begun or is for another member alone, `MemberErased`."""
    offers.require_open(offer, now)
    if offer.programme_id != member.programme_id or not offer.is_shown(now):
        raise OfferNotShown
    present = members.lock_present(session, member.id)
    if held(session, offer, [present.id]):
        return False
    if offer.member_id is not None:
        issue(session, present, offer, issuer.pass_type, issuer.key_id, now)
        return True
    programme = programmes.by_id(session, offer.programme_id)
    return bool(give(session, programme, offer, [present.id], issuer, now))


def held(session: Session, offer: Offer, member_ids: Sequence[int]) -> dict[int, int]:
    """The coupons of this offer that these members have, by member: their own, or that of a member
    who was merged into them."""
    person = func.coalesce(Member.merged_into_id, Member.id)
    rows = session.execute(
        select(person, Pass.id)
        .join(Member, Member.id == Pass.member_id)
        .where(
            or_(Member.id.in_(member_ids), Member.merged_into_id.in_(member_ids)),
            Pass.offer_id == offer.id,
            Pass.lost_at.is_(None),
        )
    )
    return {row[0]: row[1] for row in rows}


def _add(
    session: Session,
    programme: Programme,
    offer: Offer,
    member_ids: Sequence[int],
    issuer: CouponIssuer,
    now: datetime,
) -> None:
    """A coupon of this offer for each of these members who has none."""
    template = templates.for_offers(session, programme, now)
    design = templates.design(template)
    known = showing.facts(session, programme, member_ids, now)
    rows = []
    for member_id in member_ids:
        serial = secrets.token_hex(16)
        facts = known[member_id]
        shown, validity = showing.of_coupon(serial, offer, facts, programme, Validity(), now)
        rows.append(
            {
                "serial": serial,
                "pass_type": design.pass_type or issuer.pass_type,
                "programme_id": programme.id,
                "member_id": member_id,
                "offer_id": offer.id,
                "key_id": issuer.key_id,
                "template_id": template.id,
                "version": 1,
                "tag": 0,
                "last_modified": int(now.timestamp()),
                "content": issued.stored_content(render(design, shown, validity)),
                "created_at": now,
            }
        )
    session.execute(insert_or(session, Pass).values(rows).on_conflict_do_nothing())


def standing(offer: Offer, now: datetime) -> ColumnElement[str]:
    """What became of a coupon of this offer, as SQL over `Pass` joined with `Member`: one of
    `STANDINGS`."""
    whole: Standing | None = "void" if offer.withdrawn_at is not None else None
    if whole is None and offer.ends_at <= now:
        whole = "expired"
    return case(
        (or_(Member.erased_at.is_not(None), Pass.lost_at.is_not(None)), "void"),
        (Pass.state != "active", Pass.state),
        (and_(literal(whole is None), or_(Pass.ends_at.is_(None), Pass.ends_at > now)), "active"),
        else_=whole or "expired",
    )


def counted(session: Session, offer: Offer, now: datetime) -> dict[Standing, int]:
    """How many coupons of this offer there are, by what became of them."""
    what = standing(offer, now).label("what")
    rows = session.execute(_of(offer, what, func.count()).group_by(what))
    found = {row[0]: row[1] for row in rows}
    return {one: found.get(one, 0) for one in STANDINGS}


@dataclass(frozen=True, slots=True)
class ListedCoupon:
    """A coupon in a list, with what became of it, and the member who stands for the person."""

    pass_: Pass
    standing: Standing
    member_id: int


def listed(
    session: Session,
    offer: Offer,
    which: Standing | None,
    before_id: int | None,
    limit: int,
    now: datetime,
) -> list[ListedCoupon]:
    """Coupons of an offer, newest first, all or those of one standing; with `before_id`, those
    older than that pass."""
    what = standing(offer, now)
    query = _of(offer, Pass, what, func.coalesce(Member.merged_into_id, Member.id))
    if which is not None:
        query = query.where(what == which)
    if before_id is not None:
        query = query.where(Pass.id < before_id)
    rows = session.execute(query.order_by(Pass.id.desc()).limit(limit))
    return [ListedCoupon(*row) for row in rows]


def one(session: Session, offer: Offer, pass_: Pass, now: datetime) -> ListedCoupon:
    """This coupon of the offer, as it stands in a list; also one that was lost, which is void."""
    what: ColumnElement[Any] = standing(offer, now)
    query = select(Pass, what, func.coalesce(Member.merged_into_id, Member.id))
    query = query.join(Member, Member.id == Pass.member_id).where(Pass.id == pass_.id)
    row = session.execute(query).one()
    return ListedCoupon(row[0], row[1], row[2])


def _of(offer: Offer, *wanted: Any) -> Select[Any]:
    return (
        select(*wanted)
        .select_from(Pass)
        .join(Member, Member.id == Pass.member_id)
        .where(Pass.offer_id == offer.id, Pass.lost_at.is_(None))
    )


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


def use(session: Session, pass_: Pass, by: CouponTaker, now: datetime) -> Pass:
    """Use a coupon up; when, and who took it, stands with it. If several tills try, one succeeds.
    What phones show follows with `refresh`. Who cannot show the card cannot use the coupon. Raises
    `PassErased`, `PassLost`, `NotACoupon`, `CouponUsed`, `CouponOver`, `CardBlocked`, `CardVoid`,
    `CardExpired`."""
    (locked,) = issued.lock(session, [pass_.id])
    locked.require_present()
    if locked.offer_id is not None:
        cards.require_open(session, locked.member_id, now)
    current = state(session, locked, now)
    if current == "used":
        raise CouponUsed
    if current != "active":
        raise CouponOver(current)
    locked.state, locked.used_at = "used", now
    locked.used_by_kind, locked.used_by = by.kind, by.name
    session.flush()
    about = {"pass": locked.id, "offer": locked.offer_id}
    happenings.note(session, "coupon.used", [Note(locked.member_id, about)], now)
    return locked
