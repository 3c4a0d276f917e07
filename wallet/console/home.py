"""The console's first page: who one is here, and what one's roles allow."""

from flask import Blueprint, render_template, url_for
from sqlalchemy.orm import Session

from ledger.programmes import programmes
from wallet.access import roles, staff
from wallet.access.apikeys import SCOPES
from wallet.access.roles import OF_PEOPLE
from wallet.access.staff import EmployeeRole
from wallet.console import door, shell
from wallet.console.shell import Frame, Reader
from wallet.errors import SCOPE
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

routes = Blueprint("home", __name__)


@routes.get("/")
def show() -> str:
    """Who is signed in, with which roles, and what those allow."""
    who = door.signed_in()
    with current_installation().database.reading() as session:
        held = staff.roles_of(session, [who.employee_id])[who.employee_id]
        named = [(_role_in_words(one), _where(session, one)) for one in held]
    tongue = language.current()
    rights = [
        (CATALOGUE.text(tongue, right, SCOPE), who.may(right)) for right in (*SCOPES, *OF_PEOPLE)
    ]
    return render_template(
        "console/home.html",
        frame=_frame(who.email, ", ".join(role for role, _ in named)),
        roles=named,
        rights=sorted(rights, key=lambda one: not one[1]),  # what one may stands first
    )


def _role_in_words(role: EmployeeRole) -> str:
    return CATALOGUE.text(language.current(), role.role, roles.CONTEXT)


def _where(session: Session, role: EmployeeRole) -> str:
    if role.programme_id is None:
        return _("in all programmes")
    programme = programmes.by_id(session, role.programme_id)
    return programmes.name_in(session, programme, language.current())


def _frame(email: str, roles: str) -> Frame:
    return shell.around(
        door.signed_in().may,
        "home",
        reader=Reader(email, roles, sign_out_url=url_for("console.door.sign_out")),
        programme="",
    )
