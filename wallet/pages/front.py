"""The address without a path: in the sandbox, where to go from here; else who can be joined. And
what search engines are told."""

from pathlib import Path

from flask import Blueprint, Response, make_response, render_template

from ledger.programmes import programmes
from wallet.configuration.settings import DEMO
from wallet.installation import current_installation
from wallet.pages import language

# Links to cards are not named: who is told to keep out never reads there that the page must not be
# listed (X-Robots-Tag). Google has to reach what its cards show, so /google is open.
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /apple/
Disallow: /webhooks/
"""

MARK = (Path(__file__).parent / "static" / "mark.svg").read_bytes()

routes = Blueprint("front", __name__)


@routes.get("/")
def front() -> Response:
    """Who comes here followed no link: a customer is told where to go, and an operator that the
    service runs. In a sandbox as `wallet run` makes it, where to go from here."""
    settings = current_installation().settings
    with current_installation().database.reading() as session:
        if settings.in_sandbox and programmes.exists(session, DEMO):
            phone = f"http://127.0.0.1:{settings.sandbox.phone}/"
            return make_response(render_template("pages/front.html", programme=DEMO, phone=phone))
        listed = programmes.listed_for_all(session)
        if len(listed) == 1:  # a shop with one programme: its own language
            language.suggest(programme=listed[0].languages)
        spoken = language.current()
        names = [(one.code, programmes.name_in(session, one, spoken)) for one in listed]
    return make_response(render_template("pages/reception.html", programmes=names))


@routes.get("/favicon.ico")
def favicon() -> Response:
    """The mark of the service, for browsers that ask for it unasked; pages of a programme name the
    icon of its cards."""
    response = Response(MARK, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@routes.get("/robots.txt")
def robots() -> Response:
    """What programs that walk through the net need not look at."""
    response = Response(ROBOTS, mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
