"""The console's door: signing in and out, and the links by which people of the staff come in for
the first time. Everything else of the console is behind it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from flask import (
    Blueprint,
    Flask,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from ledger.contacts import Unfit, email_address
from wallet.access import admission, changes, passwords, sign_in_delays, staff_sessions
from wallet.access.changes import Author, ChangedThing
from wallet.access.staff_sessions import SignedIn
from wallet.configuration.settings import note_console_link
from wallet.console.errors import error_page
from wallet.console.shell import PREFIX
from wallet.errors import EmployeeRefused, StaffLinkClosed
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page

# Browsers take a cookie of this name only by https and from this very host.
COOKIE = "kopilka_staff"
SAFE_COOKIE = f"__Host-{COOKIE}"

STATIC = "console.static"  # files that are the same for everybody

# What is there for somebody who is not signed in.
OPEN = frozenset(
    {
        "console.door.sign_in",
        "console.door.enter",
        "console.door.welcome",
        "console.door.set_password",
    }
)

routes = Blueprint("door", __name__)
csrf = CSRFProtect()


def add_to(app: Flask, console: Blueprint, *, by_https: bool) -> None:
    """Put the door in front of all that the console has."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,  # other forms depend on no cookie
        WTF_CSRF_TIME_LIMIT=None,  # a token is good for as long as the browser's session
        WTF_CSRF_SSL_STRICT=False,  # the cookie is SameSite, and our pages send no referrer
        SESSION_COOKIE_NAME="__Host-kopilka_form" if by_https else "kopilka_form",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=by_https,
    )
    csrf.init_app(app)
    console.before_request(_guard)
    console.register_error_handler(CSRFError, _on_foreign_form)
    console.register_error_handler(passwords.TooManyAtOnce, _on_crowd)
    console.register_blueprint(routes)


def signed_in() -> SignedIn:
    """Who of the staff this request is from."""
    return cast(SignedIn, g.signed_in)


def _guard() -> AnyResponse | None:
    """Let in who is signed in, and whoever comes to be. Others are led to the door, and back to
    where they wanted once they are in."""
    if request.endpoint == STATIC:
        return None
    if request.method not in ("GET", "HEAD"):
        if not from_our_page():
            return error_page(400)  # 403 says that a role is missing
        csrf.protect()
    house = current_installation()
    token = request.cookies.get(_cookie_name(), "")
    g.signed_in = staff_sessions.recognise(house.database, token, house.clock()) if token else None
    if g.signed_in is not None or request.endpoint in OPEN:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    door = url_for("console.door.sign_in", next=wanted)
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": door})
    return redirect(door, 303)


def _on_foreign_form(_error: CSRFError) -> AnyResponse:
    """A form without our token stood on another site, or waited until its browser forgot us."""
    problems = {
        "form": _("The page was open for too long. Nothing was changed: please send it once more.")
    }
    if request.endpoint == "console.door.enter":
        return _sign_in_form(problems, 400)
    return error_page(400)


def _on_crowd(_error: passwords.TooManyAtOnce) -> AnyResponse:
    page = error_page(503)
    page.headers["Retry-After"] = "3"
    return page


@routes.get("/sign-in")
def sign_in() -> AnyResponse:
    """The form for address and password. Who is signed in goes on."""
    if g.signed_in is not None:
        return redirect(_next(), 303)
    return _sign_in_form({})


@routes.post("/sign-in")
def enter() -> AnyResponse:
    """Sign in, and go on to the page that was wanted. 422 for what is not right, 429 for whoever
    has to wait before the next try."""
    house = current_installation()
    email, password = _address(), request.form.get("password", "")
    if len(password) > passwords.LONGEST:
        password = ""  # nobody has it
    guesser = sign_in_delays.who(house.keys, email, request.remote_addr or "")
    with house.database.reading() as reading:
        wait = sign_in_delays.wait(reading, guesser, house.clock())
    if wait:
        return _sign_in_form({"form": _wait_in_words(wait)}, 429)
    token = admission.sign_in(house.database, email, password, house.clock())
    with house.database.transaction() as writing:
        if token is None:
            sign_in_delays.failed(writing, guesser, house.clock())
        else:
            sign_in_delays.succeeded(writing, guesser)
            staff_sessions.end(writing, request.cookies.get(_cookie_name(), ""))
    if token is None:
        sentence = _("There is nobody with this address and this password.")
        return _sign_in_form({"form": sentence}, 422)
    return _let_in(token, _next())


@routes.post("/sign-out")
def sign_out() -> AnyResponse:
    """Sign this browser out."""
    with current_installation().database.transaction() as writing:
        staff_sessions.end(writing, request.cookies.get(_cookie_name(), ""))
    answer = redirect(url_for("console.door.sign_in"), 303)
    answer.delete_cookie(_cookie_name(), secure=_by_https(), httponly=True, samesite="Lax")
    session.clear()
    return answer


@routes.get("/welcome/<token>")
def welcome(token: str) -> AnyResponse:
    """The form behind a link that works once: a password, and for the first administrator an
    address. To look at it uses nothing up."""
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
        with house.database.transaction() as writing:
            if is_first:
                employee = admission.make_first(writing, token, email, digest, now)
            else:
                employee = admission.set_password(writing, token, digest, now)
            begun = staff_sessions.begin(writing, employee.id, now)
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
        problems["password"] = _capital(refused.reason(language.current()))
    if problems:
        return _welcome_form(token, problems, 422)
    if is_first and house.settings.in_sandbox:
        note_console_link(house.settings.data, None)
    return _let_in(begun, url_for("console.home.begin"))


def _sign_in_form(problems: Mapping[str, str], status: int = 200) -> Response:
    page = render_template(
        "console/sign_in.html",
        problems=problems,
        email=request.form.get("email", ""),
        wanted=_next(),
    )
    return make_response(page, status)


def _welcome_form(token: str, problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    house = current_installation()
    try:
        with house.database.reading() as reading:
            employee = admission.whose_link(reading, token, house.clock())
    except StaffLinkClosed:
        return _closed_link()
    page = render_template(
        "console/welcome.html",
        problems=problems,
        email=request.form.get("email", "") if employee is None else employee.email,
        is_first=employee is None,
        fewest=passwords.SHORTEST,
    )
    return make_response(page, status)


def _closed_link() -> Response:
    return make_response(render_template("console/closed_link.html"), 404)


def _let_in(token: str, where: str) -> AnyResponse:
    session.clear()
    answer = redirect(where, 303)
    answer.set_cookie(
        _cookie_name(), token, secure=_by_https(), httponly=True, samesite="Lax", path="/"
    )
    return answer


def _next() -> str:
    """Where to go once inside: the page of the console that was wanted, never another site."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith(f"{PREFIX}/") and wanted.isprintable() and "\\" not in wanted
    return wanted if is_ours else url_for("console.home.begin")


def _address() -> str:
    """The address that was typed, as addresses of the staff are kept; for what is none, an address
    that nobody has."""
    try:
        return email_address(request.form.get("email", ""))
    except Unfit:
        return ""


def _wait_in_words(wait: timedelta) -> str:
    seconds = int(wait.total_seconds()) + 1
    if seconds < 60:
        return _("Too many wrong passwords. Try again in %(count)s s.", count=str(seconds))
    minutes = -(-seconds // 60)
    return _("Too many wrong passwords. Try again in %(count)s min.", count=str(minutes))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _cookie_name() -> str:
    return SAFE_COOKIE if _by_https() else COOKIE


def _by_https() -> bool:
    return current_installation().settings.public_url.startswith("https:")
