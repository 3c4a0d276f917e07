"""What the owner of a card does on its page while they stand at a counter: they accept the rules of
the programme, if a cashier made the card, and see that nothing is spent that they do not buy.

A GET changes nothing: programs look at links before their readers do."""

from flask import Blueprint, Response, abort, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.people import consents, members, persons
from ledger.people.consents import Purpose
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.counter import spend_codes
from wallet.installation import current_installation
from wallet.pages import cards, language, links, wordings
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.people import deeds

routes = Blueprint("at_counter", __name__, url_prefix="/card/<token>")
routes.after_request(links.private)


@routes.post("/accept")
def accept(token: str) -> AnyResponse:
    """The owner accepts the rules, and with a box each agrees that their data is kept, and to news:
    they are confirmed. 422 without the first box, 403 for a form on another site."""
    if not from_our_page():
        abort(403)
    typed = {name: request.form.get(name, "") for name in ("consent", "marketing")}
    house = current_installation()

    def work(session: Session) -> Response | None:
        member = _owner(session, token)
        programme = programmes.by_id(session, member.programme_id)
        locale = persons.profile_of(session, member.id).locale
        language.suggest(member=locale, programme=programme.languages)
        purposes: list[Purpose] = ["rules"]
        if programme.keeps_personal:
            if not typed["consent"]:
                problem = _("What is on the card cannot be spent without your consent.")
                return cards.page(session, token, typed, problem, 422)
            purposes.append("personal_data")
        if typed["marketing"]:
            purposes.append("marketing")
        now = house.clock()
        decisions = wordings.agreed(session, programme, purposes, now)
        consents.record(session, member, decisions, "page", now)
        deeds.confirm(session, member, Author("member", member.public_id), now)
        return None

    return house.database.run(work) or redirect(url_for("pages.cards.show", token=token), 303)


@routes.post("/spend-code/cancel")
def cancel(token: str) -> AnyResponse:
    """The owner buys nothing: the code works no more. 403 for a form on another site."""
    if not from_our_page():
        abort(403)
    current_installation().database.run(
        lambda session: spend_codes.cancel(session, _owner(session, token))
    )
    return redirect(url_for("pages.cards.show", token=token), 303)


def _owner(session: Session, token: str) -> Member:
    """The member who stands for the card's owner; all members they ever were are locked, then the
    card, so that a link that is refused meanwhile does nothing more."""
    found = links.card(session, token)
    head, _group = members.lock_person(session, members.by_id(session, found.member_id))
    links.held_card(session, token)
    return head
