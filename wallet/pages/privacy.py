"""The pages to read before one agrees: what happens to personal data, and the rules of the
programme."""

from flask import Blueprint, Response, make_response, render_template, url_for

from ledger.programmes import programmes
from wallet.installation import current_installation
from wallet.pages import designs, language, wordings
from wallet.pages.language import gettext as _
from wallet.pages.programme import addressed
from wallet.pages.wordings import NoticeKind
from wallet.passes import templates

routes = Blueprint("privacy", __name__, url_prefix="/join/<code>")


@routes.get("/privacy")
def show(code: str) -> Response:
    """The privacy notice of a programme. 404 if there is no such programme."""
    return _notice(code, "privacy", _("Your data"))


@routes.get("/rules")
def rules(code: str) -> Response:
    """The rules of a programme. 404 if there is no such programme."""
    return _notice(code, "rules", _("Rules of the programme"))


def _notice(code: str, kind: NoticeKind, title: str) -> Response:
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        told = wordings.notice(session, programme, kind)
        name = programmes.name_in(session, programme, language.current())
        look = designs.look(session, templates.current(session, programme.id).id)
    return make_response(
        render_template(
            "pages/notice.html",
            title=title,
            programme=name,
            notice=told,
            since=language.day(told.since, programme.timezone) if told.since else "",
            look=look,
            join_url=url_for("pages.join.ask", code=code),
        )
    )
