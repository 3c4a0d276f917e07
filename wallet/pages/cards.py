"""A member's card: a page for any browser, links that add the card to a wallet, and what changes on
the page while it is open."""

from collections.abc import Mapping
from typing import cast, get_args
from urllib.parse import urlencode, urlsplit

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
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.offers.offers import Offer
from ledger.people import consents, members, persons
from ledger.people.consents import Decision
from ledger.programmes import programmes
from wallet import problems
from wallet.apple.bundle import MEDIA_TYPE, SEVERAL_MEDIA_TYPE
from wallet.apple.signed_passes import SignedPasses
from wallet.errors import AppleNotSetUp
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.pages import (
    badges,
    card_state,
    designs,
    language,
    links,
    lost_way,
    own_card,
    own_coupon,
    own_data,
    ways,
    wordings,
)
from wallet.pages import history as histories
from wallet.pages.designs import Look, WebCard
from wallet.pages.origins import from_our_page
from wallet.passes import barcodes, issued, symbologies, templates
from wallet.passes.content import Symbology
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

# Hosts at which a sandbox is found by default; a phone would look for them on itself.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

routes = Blueprint("cards", __name__, url_prefix="/card/<token>")
routes.after_request(links.private)


@routes.get("")
def show(token: str) -> Response:
    """The card's page; behind the link of a coupon, the coupon's own. 404 for a link that we did
    not make. One that opens nothing any more answers a page that says why (see `closed_page`); so
    do all addresses below it."""
    with current_installation().database.reading() as session:
        coupon = links.coupon(session, token)
        if coupon is not None:
            offer = session.get_one(Offer, coupon.offer_id)
            return own_coupon.page(session, coupon, offer, coupon)
        return page(session, token, {}, "")


def page(
    session: Session, token: str, typed: Mapping[str, str], problem: str, status: int = 200
) -> Response:
    """The page. Where its owner has to accept the rules first, `typed` is what they ticked, and
    `problem` what is wrong with it."""
    now = current_installation().clock()
    pass_ = links.card(session, token)
    programme = programmes.by_id(session, pass_.programme_id)
    facts, state = card_state.now_shown(session, pass_, programme, now)
    look = designs.look(session, pass_.template_id)
    symbology = designs.symbology(session, pass_)
    design = templates.design(session.get_one(Template, pass_.template_id))
    name = programmes.name_in(session, programme, language.current())
    marketing = consents.current(session, pass_.member_id).get("marketing")
    buttons, others = ways.of_pass(token, badges.shown(session))
    has_joined = own_card.has_just_joined(pass_)
    recent = histories.lines(session, pass_, None, histories.RECENT)
    known = own_data.told(session, pass_.member_id)
    birthday_gift = base_programme.gives_for_birthday(session, programme)
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
                code=designs.drawn(symbology, facts.barcode),
            ),
            has_joined=has_joined,
            recent=recent.lines,
            has_more=recent.before is not None,
            asked_later=own_data.asked_later(programme, known) if has_joined else (),
            typed=known,
            problems={},
            acts=wordings.acts(programme, name),
            ticked=typed,
            problem=problem,
            accept_url=url_for("pages.at_counter.accept", token=token),
            cancel_url=url_for("pages.at_counter.cancel", token=token),
            birthday_gift=birthday_gift,
            today=now.date().isoformat(),
            is_known=programme.keeps_personal,
            marketing=marketing,
            marketing_since=language.day(marketing.happened_at, programme.timezone)
            if marketing
            else "",
            marketing_wording=wordings.wording("marketing", name),
            marketing_url=url_for("pages.cards.messages", token=token),
            privacy_url=url_for("pages.privacy.show", code=programme.code),
            rules_url=url_for("pages.privacy.rules", code=programme.code),
            find_url=url_for("pages.find.ask", code=programme.code),
            history_url=url_for("pages.history.show", token=token),
            data_url=url_for("pages.own_data.show", token=token),
            card_url=url_for("pages.cards.show", token=token),
            manifest_url=url_for(
                "pages.home_screen.manifest", token=token, lang=language.current()
            ),
            worker_url=url_for("pages.home_screen.worker", token=token),
            theme_colour=design.background,
            state=state,
            state_url=url_for("pages.cards.state", token=token, lang=language.current()),
            buttons=buttons,
            others=others,
            **_ways(pass_, look),
        ),
        status,
    )


@routes.get("/state")
def state(token: str) -> Response:
    """What changes on the page. 304 while nothing changed: an open page asks every few seconds."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        pass_ = links.card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        shown = card_state.now_shown(session, pass_, programme, now)[1]
    response = Response(shown.json(), mimetype="application/json")
    response.set_etag(shown.etag())
    response.make_conditional(request)
    return response


@routes.get("/apple.pkpass")
def apple(token: str) -> Response:
    """The newest version of the pass, signed, for an iPhone."""
    with current_installation().database.reading() as session:
        pass_ = links.any_pass(session, token)
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
        pass_ = links.card(session, token)
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
        pass_ = links.card(session, token)
        symbology = designs.symbology(session, pass_)
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
        pass_ = links.any_pass(session, token)
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
    """Redirect to the coupon of this offer as a pass of its own, or to where it is taken: earlier
    releases gave out this address for both."""
    _signed_passes()
    return own_coupon.in_wallet(token, offer_id, "pages.cards.apple")


@routes.get("/offers/<offer_id>/google")
def coupon_google(token: str, offer_id: str) -> AnyResponse:
    """Redirect to the coupon at Google, as `coupon_apple` does for an iPhone."""
    if current_installation().google is None:
        abort(404)
    return own_coupon.in_wallet(token, offer_id, "pages.cards.google")


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
        pass_ = links.held_card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        locale = persons.profile_of(session, pass_.member_id).locale
        language.suggest(member=locale, programme=programme.languages)
        decisions = [Decision("marketing", given=False)]
        if wish == "yes":
            decisions = wordings.agreed(session, programme, ["marketing"], now)
        member = members.by_id(session, pass_.member_id)
        consents.record(session, member, decisions, "page", now)

    current_installation().database.run(decide)
    return redirect(url_for(".show", token=token), 303)


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
        return lost_way.without_apple()
    return problems.of_error(refusal)


def _nobody_pressed() -> bool:
    """Whether a program looks at where a button leads: a browser ahead of its reader, or who asks
    for the head alone. Then nothing is made."""
    purposes = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")]
    return request.method == "HEAD" or any("prefetch" in one for one in purposes)


def _ways(pass_: Pass, look: Look) -> dict[str, object]:
    """What the page shows of the ways to keep the card, in an order that suits the reader's
    device."""
    settings = current_installation().settings
    address = current_installation().card_link(pass_)
    wish = urlencode({"card": address, "lang": language.current()})
    phone = f"http://127.0.0.1:{settings.sandbox.phone}/?{wish}"
    held = ways.held()
    return {
        "look": look,
        "device": held,
        "page_code": designs.drawn("qr", address) if held == "desktop" else None,
        "here_only": urlsplit(address).hostname in LOOPBACK,
        "virtual_phone": phone if settings.in_sandbox else None,
    }
