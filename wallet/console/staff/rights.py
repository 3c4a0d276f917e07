"""What each role may do, as a table, with the reader's own roles marked."""

from flask import Blueprint

from wallet.access import roles
from wallet.console import pages
from wallet.console.pages import needs
from wallet.errors import SCOPE
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

routes = Blueprint("rights", __name__)


@routes.get("/rights")
@needs(None)
def show() -> str:
    """Rights in words by rows, roles by columns."""
    tongue, who = language.current(), pages.person()
    names = {one.id: one.name for one in pages.seen_programmes()}
    own = {role for role, _ in who.roles}
    return pages.show(
        "console/staff/rights.html",
        "settings",
        held=[
            (
                CATALOGUE.text(tongue, role, roles.CONTEXT),
                _("in all programmes") if where is None else names[where],
            )
            for role, where in who.roles
        ],
        roles=[
            (role, CATALOGUE.text(tongue, role, roles.CONTEXT), role in own) for role in roles.ROLES
        ],
        groups=[
            (
                CATALOGUE.text(tongue, group, roles.CONTEXT_OF_GROUPS),
                [
                    (
                        CATALOGUE.text(tongue, right, SCOPE),
                        [roles.allows(role, right) for role in roles.ROLES],
                    )
                    for right in rights
                ],
            )
            for group, rights in roles.GROUPS.items()
        ],
    )
