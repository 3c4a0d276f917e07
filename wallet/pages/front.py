"""The address without a path: in the sandbox, where to go from here."""

from flask import Blueprint, Response, abort, make_response, render_template

from wallet.configuration.settings import DEMO
from wallet.installation import current_installation

routes = Blueprint("front", __name__)


@routes.get("/")
def front() -> Response:
    """In the sandbox, where to go from here; in production 404."""
    settings = current_installation().settings
    if not settings.in_sandbox:
        abort(404)
    phone = f"http://127.0.0.1:{settings.sandbox.phone}/"
    return make_response(render_template("pages/front.html", programme=DEMO, phone=phone))
