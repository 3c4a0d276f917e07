"""Finding one's card again: by a code that is sent to the phone number or the e-mail that is on
it, or by one that somebody of the staff told its owner, who types both.

Every step answers the same whether there is such a card or not, and whyever a code opens nothing.
See docs/decisions/0007."""

from collections.abc import Callable, Mapping
from datetime import timedelta

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

from ledger.contacts import Unfit, email_address, phone_number
from ledger.people import members
from ledger.programmes import programmes
from ledger.programmes.asking import CONTACTS
from ledger.programmes.programmes import Programme
from wallet.access.changes import Author
from wallet.channels.channel import AddressKind
from wallet.finding import codes
from wallet.finding.codes import FoundByCode
from wallet.installation import current_installation
from wallet.pages import designs, join_form, language, own_card
from wallet.pages.join_form import CONTACT
from wallet.pages.language import counted
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.pages.programme import addressed
from wallet.passes import issued, templates
from wallet.passes.issued import Pass
from wallet.people import deeds

LONGEST = 300  # characters that are read
TYPED = "typed"  # the field of a code

FoundCard = tuple[Pass, FoundByCode]

routes = Blueprint("find", __name__, url_prefix="/find/<code>")


@routes.after_request
def _kept_by_nobody(response: AnyResponse) -> AnyResponse:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@routes.get("")
def ask(code: str) -> Response:
    """The form with one box: a phone number, or an e-mail."""
    with current_installation().database.reading() as session:
        return _form(session, addressed(session, code), "", "")


@routes.post("")
def send(code: str) -> AnyResponse:
    """Have a code sent, and lead to the page where it is typed: the same for every address. 422 for
    what cannot be one, or cannot be reached; 429 for one that was asked for a short while ago; 403
    for a form on another site."""
    if not from_our_page():
        abort(403)
    typed, house = request.form.get(CONTACT, "").strip(), current_installation()

    def work(session: Session) -> AnyResponse:
        programme = addressed(session, code)
        kind = _kind(typed)
        if not programme.keeps_personal or not house.codes.reaches:
            return _form(session, programme, "", "")
        address, problem = _understood(typed, kind, programme)
        if not address:
            return _form(session, programme, typed, problem, 422)
        by = codes.asked(house.keys, programme, kind, address, request.remote_addr or "")
        wait = codes.ask(session, house.keys, programme, by, language.current(), house.clock())
        there = url_for(".type_code", code=code, kind=kind, key=by.key)
        if wait:
            answer = _form(session, programme, typed, _too_soon(wait), 429, code_url=there)
            return _not_before(answer, wait)
        return redirect(there, 303)

    return house.database.run(work)


@routes.get("/<any(email, phone):kind>/<key>")
def type_code(code: str, kind: AddressKind, key: str) -> Response:
    """The page where the code is typed. It is there for every address, and tells of none."""
    with current_installation().database.reading() as session:
        return _code_form(session, addressed(session, code), kind, "")


@routes.post("/<any(email, phone):kind>/<key>")
def open_card(code: str, kind: AddressKind, key: str) -> AnyResponse:
    """Open the card whose code was typed. 422 for a code that opens nothing; 403 for a form on
    another site."""
    if not from_our_page():
        abort(403)
    typed, house = request.form.get(TYPED, "")[:LONGEST], current_installation()

    def work(session: Session) -> FoundCard | Response:
        programme = addressed(session, code)
        if not codes.is_code(typed):
            return _code_form(session, programme, kind, _("The code has six digits."), 422)
        found = codes.redeem(session, house.keys, programme, key, typed, house.clock())
        if found is None:
            sentence = _("This code is not right, or no longer works. Check it and type it again.")
            return _code_form(session, programme, kind, sentence, 422)
        return issued.card_of(session, found.member.id), found

    return _opened(code, work)


@routes.get("/told")
def type_told_code(code: str) -> Response:
    """The page for who was told a code: it is typed together with what is on the card."""
    with current_installation().database.reading() as session:
        return _told_form(session, addressed(session, code), {}, {})


@routes.post("/told")
def open_card_by_told_code(code: str) -> AnyResponse:
    """Open the card whose code was told. 422 for what cannot be an address or a code, and, at the
    code, for two that open nothing together; 429 after many tries from one network; 403 for a form
    on another site."""
    if not from_our_page():
        abort(403)
    contact, house = request.form.get(CONTACT, "").strip(), current_installation()
    said = {CONTACT: contact[:LONGEST], TYPED: request.form.get(TYPED, "")[:LONGEST]}

    def work(session: Session) -> FoundCard | Response:
        programme = addressed(session, code)
        if not programme.keeps_personal:
            return _form(session, programme, "", "")
        kind = _kind(contact)
        address, problem = _read(contact, kind, programme)
        problems = {CONTACT: problem} if problem else {}
        if not codes.is_code(said[TYPED]):
            problems[TYPED] = _("The code has six digits.")
        if problems:
            return _told_form(session, programme, said, problems, 422)
        by = codes.asked(house.keys, programme, kind, address, request.remote_addr or "")
        found = codes.redeem_told(session, house.keys, programme, by, said[TYPED], house.clock())
        if isinstance(found, FoundByCode):
            return issued.card_of(session, found.member.id), found
        if found is None:
            sentence = _(
                "The code does not fit this phone number or e-mail, or no longer works. Check both,"
                " or ask for another code."
            )
            return _told_form(session, programme, said, {TYPED: sentence}, 422)
        answer = _told_form(session, programme, said, {TYPED: _too_many_tries(found)}, 429)
        return _not_before(answer, found)

    return _opened(code, work)


def _opened(code: str, work: Callable[[Session], FoundCard | Response]) -> AnyResponse:
    """Open the card that was found, or say why not. This browser leads to it from now on, and its
    owner is confirmed if they were not, where the code reached them."""
    house = current_installation()
    outcome = house.database.run(work)
    if isinstance(outcome, Response):
        return outcome
    card, found = outcome
    if found.reached:
        house.database.run(lambda session: _confirm(session, card))
    answer = redirect(url_for("pages.cards.show", token=house.keys.link_token(card.link)), 303)
    own_card.lead_to(answer, code, card.link)
    return answer


def _confirm(session: Session, found: Pass) -> None:
    member = members.by_id(session, found.member_id)
    deeds.confirm(
        session, member, Author("member", member.public_id), current_installation().clock()
    )


def _kind(typed: str) -> AddressKind:
    return "email" if "@" in typed else "phone"


def _understood(typed: str, kind: AddressKind, programme: Programme) -> tuple[str, str]:
    """The address that was typed, as it is stored, if a code can be sent there; empty with a
    sentence that says what is wrong with it."""
    if typed and kind not in current_installation().codes.reaches:
        if kind == "phone":
            return "", _(
                "We cannot send a code to a phone. Type your e-mail, or ask for your card at the"
                " till."
            )
        return "", _(
            "We cannot send a code by e-mail. Type your phone number, or ask for your card at the"
            " till."
        )
    return _read(typed, kind, programme)


def _read(typed: str, kind: AddressKind, programme: Programme) -> tuple[str, str]:
    """The same, whether a code can be sent there or not."""
    if not typed:
        return "", _("Type the phone number or the e-mail that is on your card.")
    try:
        if len(typed) > LONGEST:
            raise Unfit(kind)
        if kind == "email":
            return email_address(typed), ""
        return phone_number(typed, programme.country), ""
    except Unfit:
        return "", join_form.wrong(kind, "value_error", programme.country)


def _too_soon(wait: timedelta) -> str:
    minutes = -(-wait // timedelta(minutes=1))
    return counted(
        "A code was asked for a short while ago. Look for it, or ask for another one in"
        " %(count)s minute.",
        "A code was asked for a short while ago. Look for it, or ask for another one in %(count)s"
        " minutes.",
        minutes,
    )


def _too_many_tries(wait: timedelta) -> str:
    minutes = -(-wait // timedelta(minutes=1))
    return counted(
        "Too many codes were tried from here. Try again in %(count)s minute.",
        "Too many codes were tried from here. Try again in %(count)s minutes.",
        minutes,
    )


def _not_before(answer: Response, wait: timedelta) -> Response:
    answer.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return answer


def _form(
    session: Session,
    programme: Programme,
    typed: str,
    problem: str,
    status: int = 200,
    *,
    code_url: str | None = None,
) -> Response:
    reaches = current_installation().codes.reaches
    name = programmes.name_in(session, programme, language.current())
    page = render_template(
        "pages/find.html",
        programme=name,
        look=designs.look(session, templates.current(session, programme.id).id),
        keeps_personal=programme.keeps_personal,
        box=CONTACT if len(reaches) == len(CONTACTS) else next(iter(reaches), None),
        typed={CONTACT: typed},
        problem=problem,
        code_url=code_url,
        told_url=url_for(".type_told_code", code=programme.code),
        join_url=url_for("pages.join.ask", code=programme.code),
    )
    return make_response(page, status)


def _code_form(
    session: Session,
    programme: Programme,
    kind: AddressKind,
    problem: str,
    status: int = 200,
) -> Response:
    page = render_template(
        "pages/find_code.html",
        programme=programmes.name_in(session, programme, language.current()),
        look=designs.look(session, templates.current(session, programme.id).id),
        kind=kind,
        problem=problem,
        ask_url=url_for(".ask", code=programme.code),
    )
    return make_response(page, status)


def _told_form(
    session: Session,
    programme: Programme,
    typed: Mapping[str, str],
    problems: Mapping[str, str],
    status: int = 200,
) -> Response:
    if not programme.keeps_personal:
        return _form(session, programme, "", "")
    page = render_template(
        "pages/find_told.html",
        programme=programmes.name_in(session, programme, language.current()),
        look=designs.look(session, templates.current(session, programme.id).id),
        typed=typed,
        problems=problems,
        ask_url=url_for(".ask", code=programme.code),
    )
    return make_response(page, status)
