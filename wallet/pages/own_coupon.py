"""A member's coupon in a browser: its code, large, until when it is good, and whether it was used.
It needs no wallet.

A coupon is made when its member presses the button, never by looking: whoever previews a link that
a member passed on changes nothing."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import orjson
from flask import Blueprint, Response, abort, make_response, redirect, render_template, url_for
from flask import request as asked
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.errors import UnknownOffer
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import members, persons
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.errors import OfferNotShown
from wallet.installation import current_installation
from wallet.pages import badges, designs, language, links, ways
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.passes import coupons, issued, showing
from wallet.passes.issued import Pass

routes = Blueprint("own_coupon", __name__, url_prefix="/card/<token>/offers/<offer_id>")
routes.after_request(links.private)


@dataclass(frozen=True, slots=True)
class ShownCoupon:
    """An offer as its page shows it. `over`: why its coupon is worth nothing, empty for one that is
    good; `can_be_taken`: there is none yet, and the button makes it."""

    title: str
    text: str
    until: str
    over: str
    can_be_taken: bool

    def etag(self) -> str:
        """Differs whenever what is shown does."""
        said = orjson.dumps([self, language.current()])
        return hashlib.sha256(said).hexdigest()[:32]


@routes.get("")
def show(token: str, offer_id: str) -> AnyResponse:
    """The coupon of this offer, or the button that makes it. Who is not shown the offer (any more)
    and has no coupon of it is led to their card."""
    with current_installation().database.reading() as session:
        card = links.card(session, token)
        offer, coupon = _found(session, card, offer_id)
        if offer is None or (coupon is None and not _is_shown(session, card, offer)):
            return _to_card(token)
        return page(session, card, offer, coupon, token)


@routes.post("")
def take(token: str, offer_id: str) -> AnyResponse:
    """Make the member's coupon of this offer and show it; there is only one, however often the
    button is pressed. 403 for a form on another site."""
    if not from_our_page():
        abort(403)
    house, now = current_installation(), current_installation().clock()

    def work(session: Session) -> Pass | None:
        card = links.held_card(session, token)
        member = members.by_id(session, card.member_id)
        try:
            offer = offers.by_public_id(session, offer_id)
            return coupons.issue(session, member, offer, house.pass_type, house.keys.first.id, now)
        except (UnknownOffer, OfferNotShown):
            return None

    if house.database.run(work, idempotent=True) is None:
        return _to_card(token)
    return redirect(url_for(".show", token=token, offer_id=offer_id), 303)


def in_wallet(token: str, offer_id: str, endpoint: str) -> AnyResponse:
    """Where this coupon is put into a wallet: the address that `endpoint` has for it. Who has no
    such coupon yet is led to where it is taken, and who is not shown the offer to their card."""
    with current_installation().database.reading() as session:
        card = links.card(session, token)
        offer, coupon = _found(session, card, offer_id)
        if coupon is not None:
            return redirect(url_for(endpoint, token=_token(coupon)), 303)
        if offer is None or not _is_shown(session, card, offer):
            return _to_card(token)
    return redirect(url_for("pages.own_coupon.show", token=token, offer_id=offer_id), 303)


def page(
    session: Session, pass_: Pass, offer: Offer, coupon: Pass | None, card_token: str | None = None
) -> Response:
    """The page of an offer, with its coupon if there is one; `card_token`: who looks has the link
    of the card as well, and is led back there. `pass_` is what the link opens."""
    now = current_installation().clock()
    programme = programmes.by_id(session, pass_.programme_id)
    locale = persons.profile_of(session, pass_.member_id).locale
    language.suggest(member=locale, programme=programme.languages)
    shown = _shown(session, programme, offer, coupon, now)
    good = None if shown.over else coupon
    of_wallets = None if good is None else ways.of_pass(_token(good), badges.shown(session))
    buttons, others = of_wallets or ((), ())
    answer = make_response(
        render_template(
            "pages/coupon.html",
            coupon=shown,
            programme=programmes.name_in(session, programme, language.current()),
            look=designs.look(session, (coupon or pass_).template_id),
            code=None if good is None else _code(session, good),
            buttons=buttons,
            others=others,
            etag=shown.etag(),
            card_url=None if card_token is None else url_for("pages.cards.show", token=card_token),
        )
    )
    answer.set_etag(shown.etag())
    answer.make_conditional(asked)
    return answer


def _found(session: Session, card: Pass, offer_id: str) -> tuple[Offer | None, Pass | None]:
    """The offer, and the coupon of it that the owner of the card has."""
    try:
        offer = offers.by_public_id(session, offer_id)
    except UnknownOffer:
        return None, None
    return offer, issued.coupons_of(session, card.member_id).get(offer.id)


def _is_shown(session: Session, card: Pass, offer: Offer) -> bool:
    now = current_installation().clock()
    shown = offers.shown(session, card.programme_id, [card.member_id], now)[card.member_id]
    return offer.id in {one.id for one in shown}


def _shown(
    session: Session, programme: Programme, offer: Offer, coupon: Pass | None, now: datetime
) -> ShownCoupon:
    title, text = showing.wording(offer, programme, *language.wanted())
    ends_at = offer.ends_at if coupon is None else coupons.ends_at(coupon, offer)
    return ShownCoupon(
        title=title,
        text=text,
        until=showing.until_moment(ends_at, programme, language.current()),
        over="" if coupon is None else _over(session, programme, coupon, now),
        can_be_taken=coupon is None,
    )


def _over(session: Session, programme: Programme, coupon: Pass, now: datetime) -> str:
    """Why the coupon is worth nothing; empty for one that a till takes."""
    match coupons.state(session, coupon, now):
        case "active":
            return ""
        case "used":
            if coupon.used_at is None:
                return _("You have used this coupon")
            day = language.day(coupon.used_at, programme.timezone)
            return _("You used this coupon on %(day)s", day=day)
        case "expired":
            return _("This coupon has expired")
        case _:
            return _("This coupon is not valid any more. Ask at the till why.")


def _code(session: Session, coupon: Pass) -> Markup:
    text = issued.content(coupon).barcode
    return designs.drawn(designs.symbology(session, coupon), text)


def _token(coupon: Pass) -> str:
    return current_installation().keys.link_token(coupon.link)


def _to_card(token: str) -> AnyResponse:
    return redirect(url_for("pages.cards.show", token=token), 303)
