"""A member's card: a page for any browser, the file for Apple Wallet, and the page's news."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import orjson
import segno
from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask_babel import format_date, format_decimal
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger import members, offers, programmes
from ledger.offers import Offer
from ledger.points import NEVER
from ledger.programmes import Programme
from wallet.apple.bundle import MEDIA_TYPE
from wallet.installation import here
from wallet.pages import designs, language
from wallet.pages.designs import Look
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext
from wallet.passes import issuing
from wallet.passes.content import Facts
from wallet.passes.issuing import Pass

# Modules of white around a code (ISO/IEC 18004, 5.3.8).
QUIET_ZONE = 4
# Where a sandbox is found by default; a phone would look for it on itself.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

NO_BREAK_SPACE = "\u00a0"

Device = Literal["apple", "android", "desktop"]

routes = Blueprint("cards", __name__, url_prefix="/card/<token>")


@dataclass(frozen=True, slots=True)
class OfferLine:
    title: str
    text: str
    until: str


@dataclass(frozen=True, slots=True)
class State:
    """What changes on the page while it is open, in its language."""

    version: int
    name: str
    points: str
    unit: str
    offers: tuple[OfferLine, ...]

    def json(self) -> bytes:
        return orjson.dumps(asdict(self))

    def etag(self) -> str:
        return hashlib.sha256(self.json()).hexdigest()[:32]


@routes.after_request
def _private(response: AnyResponse) -> AnyResponse:
    """Whoever has the link sees the card: no copy of it may stay in a cache or a search engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@routes.get("")
def show(token: str) -> Response:
    now = here().clock()
    with here().database.reading() as session:
        pass_ = _pass(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        facts, state = _now_shown(session, pass_, programme, now)
        look = designs.look(session, pass_.template_id)
    return make_response(
        render_template(
            "pages/card.html",
            programme=facts.programme,
            number=_in_fours(facts.card_number),
            code=_qr(facts.barcode),
            state=state,
            state_url=url_for(".state", token=token, lang=language.current()),
            apple_url=url_for(".apple", token=token),
            **_ways(pass_, look),
        )
    )


@routes.get("/state")
def state(token: str) -> Response:
    """304 while nothing changed: an open page asks every few seconds."""
    now = here().clock()
    with here().database.reading() as session:
        pass_ = _pass(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        shown = _now_shown(session, pass_, programme, now)[1]
    response = Response(shown.json(), mimetype="application/json")
    response.set_etag(shown.etag())
    response.make_conditional(request)
    return response


@routes.get("/apple.pkpass")
def apple(token: str) -> Response:
    with here().database.reading() as session:
        pass_ = _pass(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
    response = Response(here().shelf.bundle(pass_, here().clock()), mimetype=MEDIA_TYPE)
    response.headers.set("Content-Disposition", "attachment", filename=f"{programme.code}.pkpass")
    return response


def device(user_agent: str) -> Device:
    """Which way of keeping the card comes first. Only the order hangs on it: a guess may be wrong,
    and an iPad says it is a Mac."""
    if any(word in user_agent for word in ("iPhone", "iPad", "iPod")):
        return "apple"
    return "android" if "Android" in user_agent else "desktop"


def _pass(session: Session, token: str) -> Pass:
    serial = here().keys.serial_of(token)
    pass_ = issuing.by_serial(session, serial) if serial else None
    if pass_ is None:
        abort(404)
    return pass_


def _now_shown(
    session: Session, pass_: Pass, programme: Programme, now: datetime
) -> tuple[Facts, State]:
    facts = issuing.facts(session, programme, [pass_.member_id], now)[pass_.member_id]
    shown = offers.shown(session, programme.id, [pass_.member_id], now)[pass_.member_id]
    locale = members.person(session, pass_.member_id).locale
    language.suggest(member=locale, programme=programme.locale)
    state = State(
        version=pass_.version,
        name=facts.name,
        points=format_decimal(facts.points),
        unit=ngettext("point", "points", facts.points),
        # The facts say "until" in the programme's language; this page may speak another.
        offers=tuple(
            OfferLine(offer.title, offer.text, _until(offer, programme.timezone)) for offer in shown
        ),
    )
    return facts, state


def _until(offer: Offer, timezone: str) -> str:
    if offer.ends_at == NEVER:
        return ""
    day = offer.ends_at.astimezone(ZoneInfo(timezone)).date()
    return _("until %(day)s", day=format_date(day, "long"))


def _ways(pass_: Pass, look: Look) -> dict[str, object]:
    """How to keep the card, depending on what the reader holds in hand."""
    settings = here().settings
    address = here().card_link(pass_)
    phone = f"http://127.0.0.1:{settings.sandbox.phone}/?card={quote(address, safe='')}"
    held = device(request.user_agent.string)
    return {
        "look": look,
        "device": held,
        "page_code": _qr(address) if held == "desktop" else None,
        "here_only": urlsplit(address).hostname in LOOPBACK,
        "virtual_phone": phone if settings.in_sandbox else None,
    }


def _in_fours(number: str) -> str:
    return NO_BREAK_SPACE.join(number[i : i + 4] for i in range(0, len(number), 4))


def _qr(text: str) -> Markup:
    """A QR code as an inline drawing, always dark on white: many scanners cannot read the
    reverse, whatever the colours around it."""
    code = segno.make_qr(text, error="m")
    drawing = code.svg_inline(
        border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawing)  # noqa: S704 - numbers and path commands, made by us
