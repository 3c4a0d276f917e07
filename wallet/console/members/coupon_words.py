"""Coupons as pages show them: in words, with what may be done with each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import languages
from ledger.limits import NEVER
from ledger.offers.offers import Offer
from ledger.people.members import Member
from ledger.words import N_
from wallet.access import change_words
from wallet.access.changes import Author
from wallet.apple.devices import Registration
from wallet.console import moments, pages
from wallet.google.mirror import GoogleObject
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import coupons
from wallet.passes.coupons import ListedCoupon, Standing
from wallet.passes.issued import Pass

READ, USE, CHANGE = "passes:read", "coupons:use", "passes:write"

CouponAct = Literal["use", "unuse", "void", "restore"]
StandingLook = Literal["good", "info", "bad", "wait"]

# What became of a coupon, in words, and how its badge looks.
STANDINGS: Mapping[Standing, tuple[str, StandingLook]] = {
    "active": (N_("can be used"), "good"),
    "used": (N_("used up"), "info"),
    "void": (N_("not valid"), "bad"),
    "expired": (N_("has ended"), "wait"),
}


@dataclass(frozen=True, slots=True)
class CouponLine:
    """A coupon in words. `ends`: its last day; `used`: when it was used and who took it; both may
    be empty. `acts`: what the reader may do with it."""

    id: str
    url: str
    title: str
    standing: Standing
    words: str
    look: StandingLook
    issued: Markup
    ends: str
    used: str
    wallets: str
    acts: frozenset[CouponAct]


def title(offer: Offer) -> str:
    """What the offer is called, in the reader's language."""
    return languages.said(offer.titles, *language.wanted()) or _("(erased)")


def gives(offer: Offer) -> list[str]:
    """All that the offer says, in the reader's language, line by line: its title, and the words
    below it, if there are any."""
    return [title(offer), *languages.said(offer.texts, *language.wanted()).splitlines()]


def of_members(
    session: Session, member_ids: Sequence[int], zone: str, now: datetime
) -> list[CouponLine]:
    """All coupons of these members, who are one person, newest first."""
    query = (
        select(Pass, Offer)
        .join(Offer, Offer.id == Pass.offer_id)
        .where(Pass.member_id.in_(member_ids), Pass.lost_at.is_(None))
        .order_by(Pass.id.desc())
    )
    found = []
    for pass_, offer in session.execute(query):
        listed = coupons.one(session, offer, pass_, now)
        found += lines(session, offer, [listed], zone, now)
    return found


def lines(
    session: Session, offer: Offer, found: Sequence[ListedCoupon], zone: str, now: datetime
) -> list[CouponLine]:
    """These coupons of one offer in words."""
    ids = [one.pass_.id for one in found]
    at_apple = set(
        session.scalars(select(Registration.pass_id).where(Registration.pass_id.in_(ids)))
    )
    at_google = set(
        session.scalars(
            select(GoogleObject.pass_id).where(
                GoogleObject.pass_id.in_(ids), GoogleObject.saved.is_(True)
            )
        )
    )

    def line(one: ListedCoupon) -> CouponLine:
        pass_ = one.pass_
        words, look = STANDINGS[one.standing]
        wallets = [
            name
            for name, ids_ in (("Apple Wallet", at_apple), ("Google Wallet", at_google))
            if pass_.id in ids_
        ]
        ends = coupons.ends_at(pass_, offer)
        return CouponLine(
            pass_.serial,
            pages.url_if_there("console.coupons.show", READ, coupon_id=pass_.serial),
            title(offer),
            one.standing,
            _(words),
            look,
            moments.element(pass_.created_at, zone, now),
            "" if ends == NEVER else moments.last_day(ends, zone),
            used(pass_, zone, now),
            ", ".join(wallets),
            acts(one),
        )

    return [line(one) for one in found]


def used(pass_: Pass, zone: str, now: datetime) -> str:
    """When the coupon was used and who took it; empty if it was not, or nobody knows."""
    if pass_.used_at is None:
        return ""
    at = moments.at(pass_.used_at, zone, now)
    by = taker(pass_)
    return _("%(moment)s, taken by %(who)s", moment=at, who=by) if by else at


def taker(pass_: Pass) -> str:
    """Who took the coupon: one of the staff, or the key of a till; empty where nobody knows."""
    if pass_.used_by_kind is None or pass_.used_by is None:
        return ""
    by = Author(pass_.used_by_kind, pass_.used_by)  # type: ignore[arg-type] # as it was stored
    return change_words.author(by, language.current())


def acts(one: ListedCoupon) -> frozenset[CouponAct]:
    """What the reader may do with a coupon as it stands."""
    wanted: dict[Standing, tuple[tuple[CouponAct, str], ...]] = {
        "active": (("use", USE), ("void", CHANGE)),
        "used": (("unuse", CHANGE),) if one.pass_.state == "used" else (),
        "void": (("restore", CHANGE),) if one.pass_.state == "void" else (),
        "expired": (),
    }
    is_there = not one.pass_.voided
    return frozenset(act for act, right in wanted[one.standing] if is_there and pages.may(right))


def person(session: Session, member: Member) -> list[int]:
    """The ids of all members that this person ever was."""
    head = member.merged_into_id or member.id
    query = select(Member.id).where((Member.id == head) | (Member.merged_into_id == head))
    return list(session.scalars(query))
