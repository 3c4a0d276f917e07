"""A member's card: a page for any browser, links that add the card to a wallet, and what changes on
the page while it is open."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal, NoReturn, cast, get_args
from urllib.parse import urlencode, urlsplit

import orjson
from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.errors import UnknownOffer
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import consents, members, persons
from ledger.people.consents import Decision
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet import problems
from wallet.apple.bundle import MEDIA_TYPE, SEVERAL_MEDIA_TYPE
from wallet.apple.signed_passes import SignedPasses
from wallet.errors import AppleNotSetUp, OfferNotShown
from wallet.installation import current_installation
from wallet.pages import badges, designs, language, privacy
from wallet.pages.badges import ShownBadge
from wallet.pages.designs import Look, WebCard
from wallet.pages.errors import IssuingShop, LinkClosed, closed_page, without_apple_page
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.passes import barcodes, coupons, issued, showing, symbologies, templates
from wallet.passes.badges import BadgeOf
from wallet.passes.content import Design, Facts, Symbology
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

# For so long after a card was made its page speaks to somebody who has just joined.
NEW_FOR = timedelta(days=1)
# Hosts at which a sandbox is found by default; a phone would look for them on itself.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

DeviceKind = Literal["apple", "android", "desktop"]

routes = Blueprint("cards", __name__, url_prefix="/card/<token>")


@dataclass(frozen=True, slots=True)
class Way:
    """A link that puts a card or a coupon into a wallet."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class WalletButton:
    """What puts the card into a wallet; a badge, or the label. `wallet` None: into any app."""

    wallet: BadgeOf | None
    label: str
    url: str
    badge: ShownBadge | None = None


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An offer on the page. `ways`: links that keep it as a coupon; none once its coupon is over.
    `note` says if it was used."""

    title: str
    text: str
    until: str
    note: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class CardPageState:
    """What changes on the page while it is open, in its language."""

    version: int
    name: str
    label: str
    points: str
    unit: str
    debt: str
    offers: tuple[OfferLine, ...]

    def json(self) -> bytes:
        """The state as the page's script reads it."""
        return orjson.dumps(asdict(self))

    def etag(self) -> str:
        """Differs whenever the state does."""
        return hashlib.sha256(self.json()).hexdigest()[:32]


@routes.after_request
def _private(response: AnyResponse) -> AnyResponse:
    """Anybody with the link sees the card, so no copy of it may stay in a cache or a search
    engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    # Our own forms may say on which page they stood; other sites never learn the address.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@routes.get("")
def show(token: str) -> Response:
    """The card's page. 404 for a link that we did not make. One that opens nothing any more answers
    a page that says why (see `closed_page`); so do all addresses below it."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        pass_ = _card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        facts, state = _now_shown(session, pass_, programme, now)
        look = designs.look(session, pass_.template_id)
        symbology = _symbology(session, pass_)
        design = templates.design(session.get_one(Template, pass_.template_id))
        name = programmes.name_in(session, programme, language.current())
        marketing = consents.current(session, pass_.member_id).get("marketing")
        buttons, others = _buttons(token, badges.shown(session))
    return make_response(
        render_template(
            "pages/card.html",
            card=WebCard(
                programme=name,
                look=look,
                shows_points=designs.counts(design),
                label=state.label,
                points=state.points,
                unit=state.unit,
                debt=state.debt,
                name=state.name,
                number=designs.in_fours(facts.card_number),
                code=_drawn(symbology, facts.barcode),
            ),
            is_new=pass_.version == 1 and now - pass_.created_at < NEW_FOR,
            is_known=programme.keeps_personal,
            marketing=marketing,
            marketing_since=language.day(marketing.happened_at, programme.timezone)
            if marketing
            else "",
            marketing_wording=privacy.wording("marketing", name),
            marketing_url=url_for(".messages", token=token),
            privacy_url=url_for("pages.privacy.show", code=programme.code),
            state=state,
            state_url=url_for(".state", token=token, lang=language.current()),
            buttons=buttons,
            others=others,
            **_ways(pass_, look),
        )
    )


@routes.get("/state")
def state(token: str) -> Response:
    """What changes on the page. 304 while nothing changed: an open page asks every few seconds."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        pass_ = _card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        shown = _now_shown(session, pass_, programme, now)[1]
    response = Response(shown.json(), mimetype="application/json")
    response.set_etag(shown.etag())
    response.make_conditional(request)
    return response


@routes.get("/apple.pkpass")
def apple(token: str) -> Response:
    """The newest version of the pass, signed, for an iPhone."""
    with current_installation().database.reading() as session:
        pass_ = _pass(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
    response = Response(
        _signed_passes().bundle(pass_, current_installation().clock()), mimetype=MEDIA_TYPE
    )
    response.headers.set("Content-Disposition", "attachment", filename=f"{programme.code}.pkpass")
    return response


@routes.get("/apple.pkpasses")
def apple_bundle(token: str) -> Response:
    """The card and the coupons that are good now, the newest first, in one file."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        pass_ = _card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        passes = issued.counting(session, pass_.member_id, now)
    if not passes:
        abort(404)
    response = Response(_signed_passes().bundles(passes, now), mimetype=SEVERAL_MEDIA_TYPE)
    response.headers.set("Content-Disposition", "attachment", filename=f"{programme.code}.pkpasses")
    return response


@routes.get("/barcode.svg")
def barcode(token: str) -> Response:
    """The card's code as a picture: as the design has it, or in the `symbology` asked for."""
    with current_installation().database.reading() as session:
        pass_ = _card(session, token)
        symbology = _symbology(session, pass_)
    asked = request.args.get("symbology", symbology)
    text = issued.content(pass_).barcode
    if asked not in get_args(Symbology) or not symbologies.carries(cast(Symbology, asked), text):
        abort(404)
    drawing = barcodes.svg(cast(Symbology, asked), text)
    return Response(drawing, mimetype="image/svg+xml")


@routes.get("/google")
def google(token: str) -> AnyResponse:
    """Write the card at Google, then redirect to Google's page that adds it; 503 if that fails."""
    with current_installation().database.reading() as session:
        pass_ = _pass(session, token)
    provider = current_installation().google
    if provider is None:
        abort(404)
    if _nobody_pressed():
        return redirect(url_for(".show", token=token), 303)
    link = provider.save_link(pass_, current_installation().clock)
    if link is None:
        abort(503)
    return redirect(link, 303)


@routes.get("/offers/<offer_id>/apple.pkpass")
def coupon_apple(token: str, offer_id: str) -> AnyResponse:
    """Redirect to the offer as a pass of its own. A member has one such coupon, made when it is
    first asked for by GET: whoever previews a link that a member passed on makes no more than the
    member would have. A member who is not shown the offer (any more) is led to their card."""
    _signed_passes()
    coupon = _coupon(token, offer_id)
    if coupon is None:
        return redirect(url_for(".show", token=token), 303)
    return redirect(
        url_for(".apple", token=current_installation().keys.link_token(coupon.link)), 303
    )


@routes.get("/offers/<offer_id>/google")
def coupon_google(token: str, offer_id: str) -> AnyResponse:
    """Redirect to the coupon at Google, as `coupon_apple` does for an iPhone."""
    if current_installation().google is None:
        abort(404)
    coupon = _coupon(token, offer_id)
    if coupon is None:
        return redirect(url_for(".show", token=token), 303)
    return redirect(
        url_for(".google", token=current_installation().keys.link_token(coupon.link)), 303
    )


@routes.post("/messages")
def messages(token: str) -> AnyResponse:
    """The member allows or stops news and offers. Either decision is kept, see
    `ledger.people.consents`. 403 for a form on another site."""
    wish = request.form.get("wish")
    if not from_our_page():
        abort(403)
    if wish not in ("yes", "no"):
        abort(400)
    now = current_installation().clock()

    def decide(session: Session) -> None:
        pass_ = _held_card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        locale = persons.profile_of(session, pass_.member_id).locale
        language.suggest(member=locale, programme=programme.languages)
        decisions = [Decision("marketing", given=False)]
        if wish == "yes":
            decisions = privacy.agreed(session, programme, ["marketing"], now)
        member = members.by_id(session, pass_.member_id)
        consents.record(session, member, decisions, "page", now)

    current_installation().database.run(decide)
    return redirect(url_for(".show", token=token), 303)


def device(user_agent: str) -> DeviceKind:
    """What the reader holds, guessed from the browser's name. An iPad says that it is a Mac: who
    seems to sit at a computer is shown every way."""
    if any(word in user_agent for word in ("iPhone", "iPad", "iPod")):
        return "apple"
    return "android" if "Android" in user_agent else "desktop"


def _signed_passes() -> SignedPasses:
    """What signs for iPhones. Raises `AppleNotSetUp`."""
    signed = current_installation().signed_passes
    if signed is None:
        raise AppleNotSetUp
    return signed


@routes.errorhandler(AppleNotSetUp)
def _not_at_apple(refusal: AppleNotSetUp) -> Response:
    """People read where their card is instead; programs, and whoever takes anything, get the
    problem with its code."""
    offered = [problems.MEDIA_TYPE, "text/html"]
    if request.accept_mimetypes.best_match(offered) == "text/html":
        return without_apple_page()
    return problems.of_error(refusal)


def _pass(session: Session, token: str) -> Pass:
    """The pass that this link opens, valid or not: a wallet shows which. Ends the request with 404
    for a link that we did not make, and with a page that says why for one that opens nothing any
    more."""
    link = current_installation().keys.link_of(token)
    pass_ = issued.by_serial(session, link.serial) if link else None
    if link is None or pass_ is None:
        abort(404)
    why: LinkClosed | None = showing.withheld(session, pass_)
    if why is None and link.generation != pass_.link_generation:
        why = "renewed"
    if why is not None:
        _close(session, pass_, why)
    return pass_


def _card(session: Session, token: str) -> Pass:
    """The valid card that this link opens, as `_pass` does; 404 for the link of a coupon, which
    opens the coupon alone."""
    pass_ = _pass(session, token)
    if pass_.offer_id is not None:
        abort(404)
    if not issued.counts(pass_, current_installation().clock()):
        _close(session, pass_, "void" if issued.content(pass_).state == "void" else "expired")
    return pass_


def _held_card(session: Session, token: str) -> Pass:
    """The card as `_card` finds it, for a request that changes something: member and card are
    locked, so that a link that is refused meanwhile does nothing more, and leads to nothing."""
    card = _card(session, token)
    members.lock(session, [card.member_id])
    issued.lock(session, [card.id])
    return _card(session, token)


def _close(session: Session, pass_: Pass, why: LinkClosed) -> NoReturn:
    """End the request with the page that says why, in the language of its reader."""
    programme = programmes.by_id(session, pass_.programme_id)
    language.suggest(programme=programme.languages)
    name = programmes.name_in(session, programme, language.current())
    look = designs.look(session, templates.current(session, programme.id).id)
    abort(closed_page(why, IssuingShop(name, programme.code, look)))


def _nobody_pressed() -> bool:
    """Whether a program looks at where a button leads: a browser ahead of its reader, or who asks
    for the head alone. Then nothing is made."""
    purposes = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")]
    return request.method == "HEAD" or any("prefetch" in one for one in purposes)


def _coupon(token: str, offer_id: str) -> Pass | None:
    """The member's coupon of this offer; None if they are not shown it (any more), and if nobody
    asked for it: their card then says what there is instead."""
    house, now = current_installation(), current_installation().clock()
    if _nobody_pressed():
        with house.database.reading() as session:
            _card(session, token)
        return None

    def work(session: Session) -> Pass | None:
        card = _held_card(session, token)
        member = members.by_id(session, card.member_id)
        try:
            offer = offers.by_public_id(session, offer_id)
            return coupons.issue(session, member, offer, house.pass_type, house.keys.first.id, now)
        except (UnknownOffer, OfferNotShown):
            return None

    return house.database.run(work, idempotent=True)


def _symbology(session: Session, pass_: Pass) -> Symbology:
    """The symbology that the wallet draws: another than the design's if this number does not fit
    that."""
    design = templates.design(session.get_one(Template, pass_.template_id))
    return symbologies.drawn(design, issued.content(pass_).barcode)


def _now_shown(
    session: Session, pass_: Pass, programme: Programme, now: datetime
) -> tuple[Facts, CardPageState]:
    facts = showing.facts(session, programme, [pass_.member_id], now)[pass_.member_id]
    shown = offers.shown(session, programme.id, [pass_.member_id], now)[pass_.member_id]
    coupons = issued.coupons_of(session, pass_.member_id)
    locale = persons.profile_of(session, pass_.member_id).locale
    language.suggest(member=locale, programme=programme.languages)
    token = current_installation().keys.link_token(pass_.link)
    unit = units.find(session, programme.id, None)
    design = templates.design(session.get_one(Template, pass_.template_id))
    words = designs.balance_words(design, unit, facts.points)
    state = CardPageState(
        version=pass_.version,
        name=facts.name,
        label=words.label,
        points=language.amount(unit, facts.points),
        unit=words.unit,
        debt=_debt(design, unit, facts.debt),
        # The facts speak the member's language; this page may speak another.
        offers=tuple(
            _offer_line(offer, programme, token, coupons.get(offer.id), now) for offer in shown
        ),
    )
    return facts, state


def _offer_line(
    offer: Offer, programme: Programme, token: str, coupon: Pass | None, now: datetime
) -> OfferLine:
    is_over = coupon is not None and not issued.counts(coupon, now)
    title, text = showing.wording(offer, programme, *language.wanted())
    return OfferLine(
        title=title,
        text=text,
        until=showing.until(offer, programme, language.current()),
        note=_note(coupon, is_over=is_over),
        ways=() if is_over else _coupon_ways(token, offer.public_id),
    )


def _note(coupon: Pass | None, *, is_over: bool) -> str:
    """What is said of the member's coupon of an offer, if they have one."""
    if coupon is None:
        return ""
    if coupon.state == "used":
        return _("You have used it")
    if is_over:
        return ""
    return _("You have a coupon of this: put it into your phone, and show it at the till.")


def _coupon_ways(token: str, offer_id: str) -> tuple[Way, ...]:
    """The links that keep an offer, for the wallets that the card's buttons are for."""
    held, house = device(request.user_agent.string), current_installation()
    apple = url_for(".coupon_apple", token=token, offer_id=offer_id)
    ways = []
    if house.apple is not None and held != "android":
        ways.append(Way(_("Add to Apple Wallet"), apple))
    if house.google is not None and held != "apple":
        google = url_for(".coupon_google", token=token, offer_id=offer_id)
        ways.append(Way(_("Add to Google Wallet"), google))
    if house.apple is not None and held == "android":
        ways.append(Way(_("Download for a wallet app"), apple))
    return tuple(ways)


def _buttons(
    token: str, shown: Mapping[BadgeOf, ShownBadge]
) -> tuple[tuple[WalletButton, ...], tuple[Way, ...]]:
    """The buttons of the wallets that the reader's device has and that are set up, both if it is no
    phone; and what else can be done there, as links."""
    held, house = device(request.user_agent.string), current_installation()
    apple_url, for_any_app = url_for(".apple", token=token), _("Download for a wallet app")
    buttons, others = [], []
    if house.apple is not None and held != "android":
        label = _("Add to Apple Wallet")
        buttons.append(WalletButton("apple", label, apple_url, shown.get("apple")))
    if house.google is not None and held != "apple":
        label, url = _("Add to Google Wallet"), url_for(".google", token=token)
        buttons.append(WalletButton("google", label, url, shown.get("google")))
    if house.apple is not None and held == "android":
        if buttons:
            others.append(Way(for_any_app, apple_url))
        else:
            buttons.append(WalletButton(None, for_any_app, apple_url))
    return tuple(buttons), tuple(others)


def _debt(design: Design, unit: Unit | None, owed: int) -> str:
    """What the member owes, as a sentence; empty for nothing."""
    if not owed:
        return ""
    words = designs.balance_words(design, unit, owed)
    amount = f"{language.amount(unit, owed)} {words.unit}".strip()
    return _("You owe %(amount)s. What comes in next pays this first.", amount=amount)


def _ways(pass_: Pass, look: Look) -> dict[str, object]:
    """What the page shows of the ways to keep the card, in an order that suits the reader's
    device."""
    settings = current_installation().settings
    address = current_installation().card_link(pass_)
    wish = urlencode({"card": address, "lang": language.current()})
    phone = f"http://127.0.0.1:{settings.sandbox.phone}/?{wish}"
    held = device(request.user_agent.string)
    return {
        "look": look,
        "device": held,
        "page_code": _drawn("qr", address) if held == "desktop" else None,
        "here_only": urlsplit(address).hostname in LOOPBACK,
        "virtual_phone": phone if settings.in_sandbox else None,
    }


def _drawn(symbology: Symbology, text: str) -> Markup:
    return Markup(barcodes.svg(symbology, text))  # noqa: S704 - numbers and paths, made by us
