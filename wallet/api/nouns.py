"""All calls of the JSON API, noun by noun, what is checked before them, and what is registered
beside them."""

from importlib import import_module
from typing import Any, cast

from apiflask import APIBlueprint, APIFlask

from wallet.api import auth, contract, docs, refusals, webhooks

# Each is a module with `routes` and is imported by its name, so that a new noun is one line here.
# /api/docs shows them in this order.
NOUNS = (
    "programmes",
    "codes",
    "members",
    "statements",
    "daybook",
    "proofs",
    "points",
    "holds",
    "corrections",
    "batches",
    "cards",
    "households",
    "imports",
    "offers",
    "waves",
    "segments",
    "lists",
    "campaigns",
    "messages",
    "passes",
    "scans",
    "receivers",
    "exports",
    "changes",
    "promotions",
    "quotes",
    "receipts",
    "stores",
    "products",
    "categories",
    "prices",
)


def add_to(app: APIFlask) -> None:
    """Register the API, the webhooks, the OpenAPI document and the page that is made from it."""
    api = APIBlueprint("api", __name__, url_prefix="/api/v1", tag="API")
    api.before_request(auth.require_key)
    api.before_request(refusals.require_json)
    for noun in NOUNS:
        api.register_blueprint(import_module(f"wallet.api.{noun}").routes)
    app.register_blueprint(api)
    app.register_blueprint(webhooks.routes)
    app.register_blueprint(docs.home)
    app.register_blueprint(docs.routes)
    app.spec_callback = cast(Any, contract.complete)  # our documents are never YAML text
