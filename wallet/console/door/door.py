"""The console's door: signing in, in one step or two, and out. Everything else of the console is
behind it; `links` are the other way in."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

import orjson
from cryptography.fernet import InvalidToken
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from ledger.contacts import Unfit, email_address
from wallet.access import (
    admission,
    changes,
    passkeys,
    passwords,
    sign_in_delays,
    staff_sessions,
)
from wallet.access.admission import HalfWay
from wallet.access.changes import Author, ChangedThing
from wallet.access.staff_sessions import SignedIn, Visit
from wallet.console.errors import error_page
from wallet.console.shell import PREFIX
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
        "console.door.second_step",
        "console.door.show_code",
        "console.links.welcome",
        "console.links.set_password",
        "console.links.forgotten",
        "console.links.send_link",
        "console.passkeys.ask_to_sign_in",
        "console.passkeys.sign_in",
    }
)
# What is there for somebody who has to set up a second factor before anything else.
OWN = ("console.me.", "console.passkeys.", "console.door.")

HALF_WAY = "half"  # in the browser's session, sealed: whose password was right

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
    app.jinja_env.globals["csrf_token"] = _form_token  # for what templates import
    app.context_processor(lambda: {"csrf_token": _form_token})
    console.before_request(_guard)
    console.register_error_handler(CSRFError, _on_foreign_form)
    console.register_error_handler(passwords.TooManyAtOnce, _on_crowd)
    console.register_blueprint(routes)


def _form_token() -> str:
    """The token of this browser's forms. It is good for as long as the browser's session, so it is
    signed once."""
    theirs = session.get("csrf_token")
    return str(generate_csrf()) if theirs is None else _signed(current_app.secret_key, theirs)


@functools.lru_cache(4096)
def _signed(_secret: str | bytes | None, _theirs: str) -> str:
    return str(generate_csrf())


def signed_in() -> SignedIn:
    """Who of the staff this request is from."""
    return cast(SignedIn, g.signed_in)


def somebody() -> SignedIn | None:
    """Who of the staff this request is from, before anything of it was read; None for others."""
    house = current_installation()
    token = request.cookies.get(_cookie_name(), "")
    return staff_sessions.recognise(house.database, token, house.clock()) if token else None


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
    by_hand = "X-Background" not in request.headers
    g.signed_in = (
        staff_sessions.recognise(
            house.database, token, house.clock(), language=language.current(), by_hand=by_hand
        )
        if token
        else None
    )
    if request.endpoint in OPEN:
        return None
    if g.signed_in is not None:
        return (
            lead(url_for("console.me.show"))
            if must_set_up(g.signed_in) and _is_elsewhere()
            else None
        )
    if request.method == "GET":
        page = _page_of_fragment() or request.full_path.rstrip("?")
        return lead(url_for("console.door.sign_in", next=page))
    # `kept.js` gives back what was typed, on the page where it was.
    return lead(url_for("console.door.sign_in", unsent="1"))


def _page_of_fragment() -> str | None:
    """The page that asked for a piece of it; None if this request is for a page."""
    if request.headers.get("HX-Request") != "true":
        return None
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    return f"{shown.path}?{shown.query}" if shown.query else shown.path


def must_set_up(who: SignedIn) -> bool:
    """Whether they came in by a password alone where that is not enough."""
    of_whom = current_installation().settings.second_factor
    if who.strong or who.counter or of_whom == "optional":  # a counter opens little
        return False
    return of_whom == "everybody" or any(role == "administrator" for role, _there in who.roles)


def _is_elsewhere() -> bool:
    return not (request.endpoint or "").startswith(OWN)


def lead(where: str) -> AnyResponse:
    """To another page, also for whoever asked for a piece of one."""
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": where})
    return redirect(where, 303)


def _on_foreign_form(_error: CSRFError) -> AnyResponse:
    """A form without our token stood on another site, or waited until its browser forgot us: then
    its page, loaded anew, has a good one, and the browser still has what was typed (`kept.js`)."""
    problems = {
        "form": _("The page was open for too long. Nothing was changed: please send it once more.")
    }
    if request.endpoint == "console.door.enter":
        return sign_in_form(problems, 400)
    page = make_response(render_template("console/outdated.html"), 400)
    page.headers["X-Form"] = "outdated"
    return page


def _on_crowd(_error: passwords.TooManyAtOnce) -> AnyResponse:
    page = error_page(503)
    page.headers["Retry-After"] = "3"
    return page


@routes.get("/sign-in")
def sign_in() -> AnyResponse:
    """The form for address and password. Who is signed in goes on."""
    if g.signed_in is not None:
        return redirect(wanted(), 303)
    return sign_in_form({})


@routes.post("/sign-in")
def enter() -> AnyResponse:
    """Sign in, or take the first of two steps, and go on to the page that was wanted. 422 for what
    is not right, 429 for whoever has to wait before the next try."""
    house = current_installation()
    email, password = _address(), request.form.get("password", "")
    if len(password) > passwords.LONGEST:
        password = ""  # nobody has it
    guesser = sign_in_delays.who(house.keys, email, request.remote_addr or "")
    with house.database.reading() as reading:
        wait = sign_in_delays.wait(reading, guesser, house.clock())
    if wait:
        return sign_in_form({"form": wait_in_words(wait)}, 429)
    entered = admission.sign_in(house.database, email, password, house.clock(), visit())
    if isinstance(entered, HalfWay):  # what was wrong counts until the second step is taken
        return let_half_in(entered, wanted())
    with house.database.transaction() as writing:
        if entered is None:
            sign_in_delays.failed(writing, guesser, house.clock())
        else:
            sign_in_delays.succeeded(writing, guesser)
    if entered is None:
        sentence = _("There is nobody with this address and this password.")
        return sign_in_form({"form": sentence}, 422)
    return let_in(entered, wanted())


@routes.get("/sign-in/code")
def second_step() -> AnyResponse:
    """The form for the code of an app, or from paper."""
    return _code_form({})


@routes.post("/sign-in/code")
def show_code() -> AnyResponse:
    """Take the second step. 422 for a code that is not right, or was used before; 429 for whoever
    has to wait."""
    house, half = current_installation(), _half_way()
    code = request.form.get("code", "")
    if half is None:
        return redirect(url_for("console.door.sign_in", next=wanted()), 303)
    origin = request.remote_addr or ""
    with house.database.transaction() as writing:
        now = house.clock()
        stepped = admission.finish(writing, house.keys, half, code, origin, now, visit())
        if stepped is not None and stepped.shown == "recovery_code":
            email = stepped.employee.email
            by, of = Author("employee", email), ChangedThing("employee", email)
            changes.note(writing, by, "employee.recovery_code_used", of, now)
    if stepped is None:
        return redirect(url_for("console.door.sign_in", next=wanted()), 303)
    if stepped.wait:
        return _code_form({"form": wait_in_words(stepped.wait)}, 429)
    if not stepped.token:
        return _code_form({"code": _("This code is not right, or was used before.")}, 422)
    return let_in(stepped.token, wanted())


@routes.post("/sign-out")
def sign_out() -> AnyResponse:
    """Sign this browser out."""
    with current_installation().database.transaction() as writing:
        staff_sessions.end(writing, request.cookies.get(_cookie_name(), ""))
    answer = redirect(url_for("console.door.sign_in"), 303)
    answer.delete_cookie(_cookie_name(), secure=_by_https(), httponly=True, samesite="Lax")
    session.clear()
    return answer


def sign_in_form(problems: Mapping[str, str], status: int = 200) -> Response:
    """The form for address and password, with what is wrong with it."""
    settings = current_installation().settings
    page = render_template(
        "console/door/sign_in.html",
        problems=problems,
        email=request.form.get("email", ""),
        wanted=wanted(),
        passkey_site=passkeys.site_of(settings.public_url),
        by_letter=settings.mail is not None,
    )
    return make_response(page, status)


def _code_form(problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    if _half_way() is None:
        return redirect(url_for("console.door.sign_in", next=wanted()), 303)
    page = render_template("console/door/code.html", problems=problems, wanted=wanted())
    return make_response(page, status)


def visit() -> Visit:
    """What is kept of this browser with the session."""
    browser = "".join(sign for sign in request.user_agent.string if sign.isprintable())
    return Visit(browser, request.remote_addr or "")


def let_in(token: str, where: str) -> AnyResponse:
    """Have this browser signed in by the session with this token, and go there. Who was signed in
    in it before is not any more."""
    with current_installation().database.transaction() as writing:
        staff_sessions.end(writing, request.cookies.get(_cookie_name(), ""))
    session.clear()
    answer = redirect(where, 303)
    answer.set_cookie(
        _cookie_name(), token, secure=_by_https(), httponly=True, samesite="Lax", path="/"
    )
    return answer


def let_half_in(half: HalfWay, where: str) -> AnyResponse:
    """Ask this browser for the second step, and go there afterwards."""
    said = orjson.dumps([half.employee_id, half.proof, half.at.timestamp()]).decode()
    session.clear()
    session[HALF_WAY] = current_installation().keys.seal(said)
    return redirect(url_for("console.door.second_step", next=where), 303)


def _half_way() -> HalfWay | None:
    """Who has taken the first step in this browser; None if nobody has, or too long ago."""
    house = current_installation()
    try:
        employee_id, proof, at = orjson.loads(house.keys.unseal(session.get(HALF_WAY, "")))
    except InvalidToken:
        return None
    half = HalfWay(employee_id, proof, datetime.fromtimestamp(at, UTC))
    with house.database.reading() as reading:
        employee = admission.whose_step(reading, half, house.clock())
    return None if employee is None else half


def wanted() -> str:
    """Where to go once inside: the page of the console that was wanted, never another site."""
    asked = request.values.get("next", "")
    is_ours = asked.startswith(f"{PREFIX}/") and asked.isprintable() and "\\" not in asked
    return asked if is_ours else url_for("console.home.begin")


def _address() -> str:
    """The address that was typed, as addresses of the staff are kept; for what is none, an address
    that nobody has."""
    try:
        return email_address(request.form.get("email", ""))
    except Unfit:
        return ""


def wait_in_words(wait: timedelta) -> str:
    """That whoever guesses has to wait so long."""
    seconds = int(wait.total_seconds()) + 1
    if seconds < 60:
        return _("Too many wrong passwords. Try again in %(count)s s.", count=str(seconds))
    minutes = -(-seconds // 60)
    return _("Too many wrong passwords. Try again in %(count)s min.", count=str(minutes))


def _cookie_name() -> str:
    return SAFE_COOKIE if _by_https() else COOKIE


def _by_https() -> bool:
    return current_installation().settings.public_url.startswith("https:")
