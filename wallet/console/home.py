"""The console's first pages: where one begins, and who one is in a programme."""

from flask import Blueprint
from werkzeug.wrappers import Response

from wallet.access import roles
from wallet.access.apikeys import SCOPES
from wallet.access.roles import OF_PEOPLE
from wallet.console import pages
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.errors import SCOPE
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

routes = Blueprint("home", __name__)


@routes.get("/")
@needs(None)
def begin() -> Response | str:
    """To the home of the first programme in which they may do anything; if there is none yet, what
    their roles allow."""
    for first in pages.seen_programmes():
        return pages.go("console.home.show", programme=first.code)
    return _rights()


@routes.get(f"{IN_PROGRAMME}/")
@needs(None)
def show() -> str:
    """Who is signed in, with which roles, and what those allow."""
    return _rights()


def _rights() -> str:
    who, tongue = pages.person(), language.current()
    names = {one.id: one.name for one in pages.seen_programmes()}
    named = [
        (
            CATALOGUE.text(tongue, role, roles.CONTEXT),
            _("in all programmes") if programme_id is None else names[programme_id],
        )
        for role, programme_id in who.roles
    ]
    rights = [
        (CATALOGUE.text(tongue, right, SCOPE), who.may(right)) for right in (*SCOPES, *OF_PEOPLE)
    ]
    return pages.show(
        "console/home.html",
        "home",
        roles=named,
        rights=sorted(rights, key=lambda one: not one[1]),  # what one may stands first
    )
