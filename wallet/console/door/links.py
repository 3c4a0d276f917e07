"""Links that work once, by which people of the staff set a password: the first, or another one for
whoever has forgotten theirs."""

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ledger.contacts import Unfit, email_address
from wallet.access import admission, changes, letters, passwords, sign_in_delays
from wallet.access.admission import HalfWay
from wallet.access.changes import Author, ChangedThing
from wallet.configuration.settings import note_console_link
from wallet.console.door import door
from wallet.errors import EmployeeRefused, StaffLinkClosed
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

routes = Blueprint("links", __name__)


@routes.get("/welcome/<token>")
def welcome(token: str) -> AnyResponse:
    """The form behind a link: a password, and for the first administrator an address. To look at it
    uses nothing up."""
    return _welcome_form(token, {})


@routes.post("/welcome/<token>")
def set_password(token: str) -> AnyResponse:
    """Set the password and sign in. 422 for entries that do not fit, 404 for a link that works no
    more."""
    house, now = current_installation(), current_installation().clock()
    password, email = request.form.get("password", ""), request.form.get("email", "")
    problems: dict[str, str] = {}  # by the field of the form
    try:
        with house.database.reading() as reading:
            is_first = admission.whose_link(reading, token, now) is None
        digest = admission.hashed(password)
        read = language.current()
        with house.database.transaction() as writing:
            if is_first:
                employee = admission.make_first(writing, token, email, digest, now, read)
            else:
                employee = admission.set_password(writing, token, digest, now, read)
            entered = admission.after_password(writing, employee, now, door.visit())
            by, of = Author("employee", employee.email), ChangedThing("employee", employee.email)
            if is_first:
                role = {"role": "administrator"}
                changes.note(writing, by, "employee.invited", of, now, {}, role)
            changes.note(writing, by, "employee.password_set", of, now)
    except StaffLinkClosed:
        return _closed_link()
    except Unfit:
        problems["email"] = _("This is no address of e-mail.")
    except EmployeeRefused as refused:
        problems["password"] = in_words(refused)
    if problems:
        return _welcome_form(token, problems, 422)
    if is_first and house.settings.in_sandbox:
        note_console_link(house.settings.data, None)
    home = url_for("console.home.begin")
    return (
        door.let_half_in(entered, home)
        if isinstance(entered, HalfWay)
        else door.let_in(entered, home)
    )


@routes.get("/forgotten")
def forgotten() -> AnyResponse:
    """The form for whoever has forgotten their password. Without a mail server it says whom to
    ask."""
    return _forgotten_form({})


@routes.post("/forgotten")
def send_link() -> AnyResponse:
    """Have a link sent to this address. The answer is the same whether anybody has it, and takes as
    long: that is found out when the letter is written. 429 for whoever asks too often; an address
    that was written to a moment ago gets no further letter yet."""
    house, now = current_installation(), current_installation().clock()
    try:
        email = email_address(request.form.get("email", ""))
    except Unfit:
        return _forgotten_form({"email": _("This is no address of e-mail.")}, 422)
    if house.settings.mail is None:
        return _forgotten_form({})
    asker = sign_in_delays.who_asks(house.keys, email, request.remote_addr or "")
    with house.database.transaction() as writing:
        wait = sign_in_delays.wait_to_ask(writing, asker, now)
        if not wait:
            may = sign_in_delays.may_be_written_to(writing, asker, now)
            sign_in_delays.asked(writing, asker, now, written=may)
            if may:
                letters.send_forgotten(writing, email, language.current(), now)
    if wait:
        return _forgotten_form({"form": _("That was often. Try again in a few minutes.")}, 429)
    return make_response(render_template("console/door/link_sent.html", email=email))


def in_words(refused: EmployeeRefused) -> str:
    """A refusal as a sentence of a page."""
    sentence = refused.reason(language.current())
    return sentence[:1].upper() + sentence[1:]


def _welcome_form(token: str, problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    house = current_installation()
    try:
        with house.database.reading() as reading:
            employee = admission.whose_link(reading, token, house.clock())
    except StaffLinkClosed:
        return _closed_link()
    page = render_template(
        "console/door/welcome.html",
        problems=problems,
        email=request.form.get("email", "") if employee is None else employee.email,
        is_first=employee is None,
        fewest=passwords.SHORTEST,
    )
    return make_response(page, status)


def _forgotten_form(problems: Mapping[str, str], status: int = 200) -> Response:
    page = render_template(
        "console/door/forgotten.html",
        problems=problems,
        email=request.form.get("email", request.args.get("email", "")),
        by_letter=current_installation().settings.mail is not None,
    )
    return make_response(page, status)


def _closed_link() -> Response:
    return make_response(render_template("console/door/closed_link.html"), 404)
