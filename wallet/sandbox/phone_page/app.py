"""The page's server: a small Flask app for this machine alone."""

import re
from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException

from ledger import languages
from ledger.languages import LANGUAGES, Language
from wallet.apple.reading import OpenedPass
from wallet.configuration.settings import DEMO
from wallet.sandbox import words
from wallet.sandbox.android import VirtualAndroid
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.phone import VirtualPhone
from wallet.sandbox.phone_page import android_view, view
from wallet.sandbox.shop import Shop
from wallet.sandbox.troubles import NoAnswer, SandboxTrouble

OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})
MOST_BODY_BYTES = 16 * 1024
LONGEST_WAIT_S = 5.0  # for a question for the state
POINTS = 10  # that a press of a button earns or spends
MOST_MESSAGES = 50  # that the inbox keeps
OFFERS = 4  # different ones, one after the other

# The address of a card's page or its bundle, by how it begins; and links to Google Wallet.
CARD_PAGE = re.compile(r"(https?://[^?#]+/card/[^/?#]+)(?:/apple\.pkpass(?:es)?)?/?(?:[?#].*)?$")
GOOGLES = re.compile(r"/gp/v/save/|/google$")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PhonePage:
    """Two phones, one till, one page.

    Routes come first. `own`: the service and Google's stand-in. The page adds one of their cards as
    soon as it is opened with it; any other card waits for a press, since any site can lead here
    with any address."""

    def __init__(
        self,
        phone: VirtualPhone,
        android: VirtualAndroid,
        shop: Shop,
        journal: Journal,
        own: Collection[str] = (),
    ) -> None:
        self._own = tuple(f"{address.rstrip('/')}/" for address in own)
        self._phone = phone
        self._android = android
        self._google_trouble: SandboxTrouble | None = None
        self._shop = shop
        self._journal = journal
        self._answered_at: datetime | None = None
        self._offers = 0
        self._messages: deque[dict[str, Any]] = deque(maxlen=MOST_MESSAGES)

    def app(self) -> Flask:
        app = Flask(__name__)
        app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
        for rule, look in (
            ("/", self.page),
            ("/state", self.state),
            ("/inbox", self.inbox),
            ("/passes/<serial>/<name>.png", self.picture),
            ("/passes/<serial>/barcode.svg", self.barcode),
            ("/android/<id_>/<name>.png", self.android_picture),
            ("/android/<id_>/barcode.svg", self.android_barcode),
        ):
            app.add_url_rule(rule, look.__name__, look)
        for rule, act in (
            ("/inbox", self.take_in),
            ("/passes", self.add),
            ("/passes/demo", self.add_demo),
            ("/passes/<serial>/earn", self.earn),
            ("/passes/<serial>/spend", self.spend),
            ("/passes/<serial>/offer", self.offer),
            ("/passes/<serial>/answer", self.answer),
            ("/passes/<serial>/remove", self.remove),
            ("/android/<id_>/remove", self.android_remove),
        ):
            app.add_url_rule(rule, act.__name__, act, methods=["POST"])
        app.before_request(_refuse_other_sites)
        app.after_request(_close)
        app.register_error_handler(SandboxTrouble, _in_words)
        app.register_error_handler(HTTPException, _plainly)
        return app

    def page(self) -> str:
        language = _language()
        link = request.args.get("card", "").strip()
        return render_template(
            "phone.html",
            language=language,
            others={one: languages.own_name(one) for one in LANGUAGES if one != language},
            link=link,
            at_once=link.startswith(self._own),
            state=self._state(None),
            said=lambda key: words.said(f"page.{key}", language),
        )

    def inbox(self) -> str:
        """What would have been sent to people, the newest first."""
        language = _language()
        return render_template(
            "inbox.html",
            language=language,
            others={one: languages.own_name(one) for one in LANGUAGES if one != language},
            messages=list(reversed(self._messages)),
            said=lambda key: words.said(f"page.{key}", language),
        )

    def take_in(self) -> Response:
        """A message of the service, in the place of a mail server and of a gateway for SMS."""
        told = {name: _body().get(name) for name in ("to", "subject", "text")}
        if not all(isinstance(one, str) for one in told.values()):
            abort(400)
        self._messages.append({**told, "at": _now(), "is_letter": "@" in str(told["to"])})
        return jsonify({})

    def state(self) -> Response:
        """Everything on the page, if it is newer than revision `after`; 204 if nothing changed
        until the wait was over."""
        after = request.args.get("after", type=int)
        wait_s = max(0.0, min(request.args.get("wait", 0.0, float), LONGEST_WAIT_S))
        if after is not None and self._journal.wait(after, wait_s) == after:
            return Response(status=204)
        return jsonify(self._state(request.args.get("card")))

    def picture(self, serial: str, name: str) -> Response:
        data = self._carried(serial).image(name) if name in view.PICTURES else None
        if data is None:
            abort(404)
        return _kept(Response(data, mimetype="image/png"))

    def barcode(self, serial: str) -> Response:
        code = self._carried(serial).barcode
        svg = view.barcode_svg(code) if code else None
        if svg is None:
            abort(404)
        return _kept(Response(svg, mimetype="image/svg+xml"))

    def android_picture(self, id_: str, name: str) -> Response:
        data = self._android.picture(id_, name) if name in android_view.PICTURES else None
        if data is None:
            abort(404)
        return _kept(Response(data, mimetype="image/png"))

    def android_barcode(self, id_: str) -> Response:
        card = self._android.carried(id_)
        svg = android_view.barcode_svg(card, _now()) if card else None
        if svg is None:
            abort(404)
        return _kept(Response(svg, mimetype="image/svg+xml"))

    def add(self) -> Response:
        """Add the card at `link` to both phones; a link to Google Wallet, to Android alone."""
        link = _body().get("link")
        if not isinstance(link, str):
            raise SandboxTrouble("not_a_link")
        link = link.strip()
        if GOOGLES.search(urlsplit(link).path):
            return jsonify({"serial": self._android.add(link).id})
        pass_ = self._phone.add(link)
        if way := CARD_PAGE.match(link):
            self._add_to_android(f"{way[1]}/google")
        return jsonify({"serial": pass_.serial})

    def add_demo(self) -> Response:
        """A new member of the demo programme, with the card in both phones."""
        language = _language()
        name = words.said("story.customer", language)
        customer = self._shop.join(DEMO, name, language)
        pass_ = self._phone.add(customer.apple)
        self._add_to_android(customer.google)
        return jsonify({"serial": pass_.serial})

    def earn(self, serial: str) -> Response:
        done = self._shop.accrue(self._number(serial), POINTS, _reason())
        return self._answered(done.at)

    def spend(self, serial: str) -> Response:
        done = self._shop.redeem(self._number(serial), POINTS, _reason())
        return self._answered(done.at)

    def offer(self, serial: str) -> Response:
        """Publish the next of a few offers, for the owner of this card alone."""
        customer = self._shop.find(self._number(serial))
        number = self._offers % OFFERS + 1
        self._offers += 1
        title = words.said(f"offer.{number}", _language())
        text = words.said(f"offer.{number}.text", _language())
        return self._answered(self._shop.offer(customer, title, text))

    def answer(self, serial: str) -> Response:
        """What the owner wrote on the sheet of a card that asks."""
        self._carried(serial)
        pass_ = self._phone.answer(serial, view.written(_body()))
        return jsonify({"serial": pass_.serial})

    def remove(self, serial: str) -> Response:
        self._phone.remove(serial)
        return jsonify({})

    def android_remove(self, id_: str) -> Response:
        self._android.remove(id_)
        return jsonify({})

    def _add_to_android(self, address: str | None) -> None:
        """Add the card to the Android phone. A trouble is shown on its own screen, since the iPhone
        has its card."""
        try:
            if address is None:
                raise SandboxTrouble("google_not_set_up")
            self._android.add(address)
            self._google_trouble = None
        except SandboxTrouble as trouble:
            self._google_trouble = trouble
        self._journal.touch()

    def _state(self, serial: str | None) -> dict[str, object]:
        language = _language()
        asked = self._android.carried(serial) if serial else None
        if asked is not None:
            serial = self._serial_of(asked.number)
        state = view.state(self._phone, self._journal, serial, language, self._answered_at)
        in_front = self._phone.carried(view.serial_in_front(self._phone, serial))
        number = in_front.barcode.number if in_front and in_front.barcode else None
        if asked is not None:
            number = asked.number
        android = android_view.state(self._android, number, language, self._google_trouble, _now())
        if asked is not None and serial is None:
            # In the Android phone alone: this is the card that the page is about.
            return {**state, "android": android, "till": asked.id, "change": android["change"]}
        if state["change"] is None and in_front is None:
            state["change"] = android["change"]
        till = in_front.serial if in_front else None
        return {**state, "android": android, "till": till or android_view.serial(android)}

    def _serial_of(self, number: str) -> str | None:
        """The serial of the iPhone's card with this number. (Coupons have the number of their
        member's card.)"""
        passes = [one for one in self._phone.passes if one.barcode and one.barcode.number == number]
        cards = [one for one in passes if "coupon" not in one.document]
        return (cards or passes)[-1].serial if passes else None

    def _answered(self, at: datetime) -> Response:
        self._answered_at = at
        self._journal.touch()
        return jsonify({})

    def _carried(self, serial: str) -> OpenedPass:
        return self._phone.carried(serial) or abort(404)

    def _number(self, serial: str) -> str:
        """The number of the card, in whichever phone it is, as a till learns it from the
        barcode."""
        return self._shop.scan(self._scanned(serial))

    def _scanned(self, serial: str) -> str:
        if card := self._android.carried(serial):
            return card.drawn_at(_now())
        pass_ = self._phone.carried(serial)
        if pass_ is None or pass_.barcode is None:
            raise SandboxTrouble("no_card_yet")
        return pass_.barcode.message


def _now() -> datetime:
    return datetime.now(UTC)


def _language() -> Language:
    """The one asked for, else the browser's."""
    return languages.ours(request.args.get("lang"), *languages.accepted(request.accept_languages))


def _reason() -> str:
    return words.said("story.reason", _language())


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest
    return body


def _refuse_other_sites() -> None:
    """A page of another site may guess this address: it may neither read here nor press buttons.

    Names of other sites that lead here (DNS rebinding) are recognised by the Host header. Requests
    that other sites make are recognised by what browsers say of them, and by their body: it must be
    JSON, which no form can send."""
    if urlsplit(f"//{request.host}").hostname not in OWN_HOSTS:
        abort(403)
    if request.method not in ("GET", "HEAD"):
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        is_own = origin is None or urlsplit(origin).netloc == request.host
        if not is_own or site not in ("same-origin", "none") or not request.is_json:
            abort(403)


def _close(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _kept(response: Response) -> Response:
    """Browsers may keep this: its address changes with its content."""
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _in_words(trouble: SandboxTrouble) -> tuple[Response, int]:
    status = 502 if isinstance(trouble, NoAnswer) else 422
    return jsonify({"problem": trouble.problem, "sentence": trouble.sentence(_language())}), status


def _plainly(error: HTTPException) -> tuple[Response, int]:
    status = error.code or 500
    key = "page.cross_site" if status == 403 else "page.bad_request"
    return jsonify({"problem": error.name, "sentence": words.said(key, _language())}), status
