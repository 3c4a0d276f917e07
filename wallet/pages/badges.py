"""Badges of the wallets as files for browsers, and what a page needs to show them."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort, url_for
from sqlalchemy.orm import Session

from wallet.installation import current_installation
from wallet.pages import language
from wallet.passes import badges
from wallet.passes.badges import SHOWN_HIGH, BadgeOf

FOR_GOOD = "public, max-age=31536000, immutable"
# Whoever opens a badge by itself: nothing in it runs or is fetched.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

routes = Blueprint("badges", __name__, url_prefix="/badges")


@dataclass(frozen=True, slots=True)
class ShownBadge:
    """A badge on a page; sizes in points. Its clear space is the stylesheet's."""

    src: str
    width: int
    height: int


def shown(session: Session) -> Mapping[BadgeOf, ShownBadge]:
    """The badges in the page's language."""
    found = badges.of_language(session, language.current())
    return {
        wallet: ShownBadge(
            url_for("pages.badges.file", name=badge.file), badge.width_at(SHOWN_HIGH), SHOWN_HIGH
        )
        for wallet, badge in found.items()
    }


@routes.get("/<name>")
def file(name: str) -> Response:
    """A badge. 404 for one that is not there, or is another by now."""
    wallet, _, rest = name.partition("-")
    spoken, _, digest = rest.rpartition("-")
    with current_installation().database.reading() as session:
        found = badges.data_of(session, wallet, spoken, digest)
    if found is None:
        abort(404)
    media_type, data = found
    response = Response(data, mimetype=media_type)
    response.headers["Cache-Control"] = FOR_GOOD
    response.headers["Content-Security-Policy"] = ALONE
    return response
