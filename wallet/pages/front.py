"""The address without a path: in the sandbox, where to go from here. And what search engines are
told."""

from flask import Blueprint, Response, abort, make_response, render_template

from wallet.configuration.settings import DEMO
from wallet.installation import current_installation

# Links to cards are not named: who is told to keep out never reads there that the page must not be
# listed (X-Robots-Tag). Google has to reach what its cards show, so /google is open.
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /apple/
Disallow: /webhooks/
"""

routes = Blueprint("front", __name__)


@routes.get("/")
def front() -> Response:
    """In the sandbox, where to go from here; in production 404."""
    settings = current_installation().settings
    if not settings.in_sandbox:
        abort(404)
    phone = f"http://127.0.0.1:{settings.sandbox.phone}/"
    return make_response(render_template("pages/front.html", programme=DEMO, phone=phone))


@routes.get("/robots.txt")
def robots() -> Response:
    """What programs that walk through the net need not look at."""
    response = Response(ROBOTS, mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
