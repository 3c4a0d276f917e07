"""A code to find the card, which the staff reads out: the owner types it, together with what is on
the card, on a page of their own phone. It is shown once, to whoever asked for it."""

from dataclasses import dataclass

from flask import Blueprint, make_response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal
from wallet.channels.channel import AddressKind
from wallet.console import moments, pages
from wallet.console.members import people
from wallet.console.members.acts import ASKED_AND_DONE, OF_MEMBER, Confirmation
from wallet.console.pages import needs
from wallet.finding.codes import ToldCode
from wallet.installation import current_installation
from wallet.pages import designs, language
from wallet.pages.language import gettext as _
from wallet.people import deeds

routes = Blueprint("telling", __name__)

HERE = "members"
READS, TELLS = "members:read", "codes:tell"


@dataclass(frozen=True, slots=True)
class CodeToRead:
    """A code as the staff reads it out: in threes; until when, by the clock of the programme; with
    which address it is typed; and the page for it, which is found at `start` as well."""

    digits: str
    until: str
    kind: AddressKind
    page: str
    start: str


def to_read(told: ToldCode) -> CodeToRead:
    """The code in words."""
    public_url, code = current_installation().settings.public_url, pages.programme().code
    return CodeToRead(
        designs.in_threes(told.code),
        moments.clock_time(told.expires_at, pages.zone()),
        told.kind,
        public_url + url_for("pages.find.type_told_code", code=code),
        public_url + url_for("pages.find.ask", code=code),
    )


@routes.route(f"{OF_MEMBER}/code", methods=ASKED_AND_DONE)
@needs(READS, TELLS)
def tell(member_id: str) -> Response:
    """Ask whether it is the owner of the card to whom one speaks; then show the code, or say why
    there is none."""
    house, by, problem = current_installation(), pages.author(), ""

    def work(session: Session) -> ToldCode:
        member = people.present(session, member_id)
        return deeds.tell_code(session, house.keys, member, by, house.clock())

    if request.method == "POST":
        try:
            told = house.database.run(work)
        except Refusal as refusal:
            problem = refusal.sentence(language.current())
        else:
            return make_response(_page(member_id, "told_code", code=to_read(told)))
    asked = _page(
        member_id,
        "confirm",
        confirmation=_before(),
        problems={"form": problem} if problem else {},
    )
    return make_response(asked, 422 if problem else 200)


def _page(member_id: str, template: str, **given: object) -> str:
    with current_installation().database.reading() as session:
        member = people.present(session, member_id)
        name = people.name_of(session, member)
    return pages.show(f"console/members/{template}.html", HERE, member=member, name=name, **given)


def _before() -> Confirmation:
    return Confirmation(
        _("Code to find the card"),
        [
            _("Whoever has the code opens the card, and can spend what is on it."),
            _(
                "Make sure first that you speak to its owner: ask for the birthday or the last"
                " purchase."
            ),
            _("A code that was sent or told before works no more."),
            _("The record of changes names you."),
        ],
        _("Show the code"),
        is_dangerous=False,
    )
