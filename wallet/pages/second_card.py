"""Where the link leads that goes to whom an address belongs, when somebody joins with it: to their
own card, and to make both cards one.

A GET changes nothing: programs look at links before their readers do."""

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.errors import Conflict, HoldsOpen, MemberErased
from ledger.people import members, persons
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.access.changes import Author
from wallet.finding import second_cards
from wallet.finding.second_cards import SecondCard
from wallet.installation import current_installation
from wallet.pages import designs, language, links, own_card
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.pages.programme import addressed
from wallet.passes import issued, templates
from wallet.passes.issued import Pass
from wallet.people import deeds, one_card

routes = Blueprint("second_card", __name__, url_prefix="/joined/<code>/<token>")
routes.after_request(links.private)


@routes.get("")
def show(code: str, token: str) -> Response:
    """What happened, and the two ways on. 410 for a link that works no more, and for one that we
    did not make."""
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        return _page(session, programme, _meant(session, programme, token))


@routes.post("")
def go(code: str, token: str) -> AnyResponse:
    """Open the card of whoever was reached; this browser leads to it from now on, and they are
    confirmed if they were not. With `way=one` both cards are made one before: 409 with the reason
    if that cannot be. 410 as in `show`, 403 for a form on another site."""
    if not from_our_page():
        abort(403)
    house, makes_one = current_installation(), request.form.get("way") == "one"

    def work(session: Session) -> Pass | Response:
        programme = addressed(session, code)
        cards = _meant(session, programme, token)
        if cards is None:
            return _page(session, programme, None)
        if makes_one and one_card.make_one(session, house.keys, cards, house.clock()) != "one":
            return _page(session, programme, cards, status=409)
        first = members.resolve_merged(session, members.reread(session, cards.owner))
        deeds.confirm(session, first, Author("member", first.public_id), house.clock())
        return issued.card_of(session, first.id)

    try:
        found = house.database.run(work)
    except (Conflict, MemberErased) as refused:
        with house.database.reading() as session:
            programme = addressed(session, code)
            cards = _meant(session, programme, token)
            return _page(session, programme, cards, _why(refused), 409)
    if isinstance(found, Response):
        return found
    answer = redirect(url_for("pages.cards.show", token=house.keys.link_token(found.link)), 303)
    own_card.lead_to(answer, code, found.link)
    return answer


def _why(refused: Conflict | MemberErased) -> str:
    if isinstance(refused, HoldsOpen):
        return _(
            "A purchase with the new card is not finished yet. Wait until it is, and press the"
            " button again; or ask at the till later."
        )
    return _("These cards cannot be made one here. Ask at the till.")


def _meant(session: Session, programme: Programme, token: str) -> SecondCard | None:
    """What the link is about. From now on the page speaks its owner's language, unless its reader
    asked for another."""
    house = current_installation()
    cards = second_cards.found(session, house.keys, programme, token, house.clock())
    if cards is not None:
        locale = persons.profile_of(session, cards.owner.id).locale
        language.suggest(member=locale, programme=programme.languages)
    return cards


def _page(
    session: Session,
    programme: Programme,
    cards: SecondCard | None,
    problem: str = "",
    status: int = 200,
) -> Response:
    keys, code = current_installation().keys, programme.code
    page = render_template(
        "pages/second_card.html",
        programme=programmes.name_in(session, programme, language.current()),
        look=designs.look(session, templates.current(session, programme.id).id),
        standing="over" if cards is None else one_card.standing(session, keys, cards),
        kind=None if cards is None else cards.kind,
        problem=problem,
        find_url=url_for("pages.find.ask", code=code),
    )
    return make_response(page, 410 if cards is None else status)
