"""A card on the home screen of a phone: what a browser needs to keep its page there, and to show it
without a network."""

import orjson
from flask import Blueprint, Response, render_template, url_for

from ledger.programmes import programmes
from wallet.installation import current_installation
from wallet.pages import designs, language, links
from wallet.passes import templates
from wallet.passes.templates import Template

routes = Blueprint("home_screen", __name__, url_prefix="/card/<token>")
routes.after_request(links.private)


@routes.get("/app.webmanifest")
def manifest(token: str) -> Response:
    """What the card is called there, and how it looks (W3C, Web Application Manifest)."""
    with current_installation().database.reading() as session:
        pass_ = links.card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        language.suggest(programme=programme.languages)
        name = programmes.name_in(session, programme, language.current())
        colour = templates.design(session.get_one(Template, pass_.template_id)).background
    card = url_for("pages.cards.show", token=token)
    icon = {
        "src": url_for("pages.designs.app_icon", template_id=pass_.template_id),
        "sizes": designs.APP_ICON_SIZES,
        "type": "image/png",
        "purpose": "any",
    }
    told = {
        "id": card,
        "name": name,
        "short_name": name,
        "lang": language.current(),
        "start_url": card,
        "scope": card,
        "display": "standalone",
        "background_color": colour,
        "theme_color": colour,
        "icons": [icon],
    }
    return Response(orjson.dumps(told), mimetype="application/manifest+json")


@routes.get("/worker.js")
def worker(token: str) -> Response:
    """The script that keeps the page for when there is no network: this card's page and what it is
    drawn with, and nothing else. It forgets all of it once the card is gone."""
    with current_installation().database.reading() as session:
        links.card(session, token)
    card = url_for("pages.cards.show", token=token)
    response = Response(render_template("pages/worker.js", card=card), mimetype="text/javascript")
    response.headers["Service-Worker-Allowed"] = card
    return response
