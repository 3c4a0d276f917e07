"""What is one's own in the console: the password, the second factor, passkeys, and where one is
signed in.

Who changes how they come in shows first that it is they who sit there: by having signed in a moment
ago, or by the password once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import segno
from babel.dates import format_timedelta
from cryptography.fernet import InvalidToken
from flask import (
    Blueprint,
    make_response,
    redirect,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger import languages
from wallet.access import (
    admission,
    changes,
    passkeys,
    passwords,
    pins,
    second_factors,
    sign_in_delays,
    staff,
    staff_sessions,
)
from wallet.access.changes import Author, ChangedThing
from wallet.access.staff import Employee
from wallet.console import moments, pages
from wallet.console.door import door, links
from wallet.console.pages import needs, proved
from wallet.errors import EmployeeRefused
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

routes = Blueprint("me", __name__, url_prefix="/me")

A_MOMENT = timedelta(minutes=1)

# What browsers and systems call themselves, the more particular before those they claim to be.
BROWSERS = (
    ("YaBrowser", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@routes.get("")
@needs(None)
def show() -> AnyResponse:
    """How one comes in, and where one is signed in."""
    house, who = current_installation(), door.signed_in()
    now = house.clock()
    with house.database.reading() as reading:
        sessions = staff_sessions.listed(reading, who.employee_id, now)
        app = second_factors.state(reading, who.employee_id)
        keys = passkeys.of(reading, who.employee_id)
        has_pin = reading.get_one(Employee, who.employee_id).pin is not None
    return page(
        "me",
        app=app,
        passkeys=keys,
        passkeys_work=passkeys.site_of(house.settings.public_url) is not None,
        sessions=[(browser(one.browser), one) for one in sessions],
        this_session=who.session,
        must_set_up=door.must_set_up(who),
        has_pin=has_pin,
        serves=who.may(pins.AT_COUNTER),
    )


@routes.get("/confirm")
@needs(None)
def confirm() -> AnyResponse:
    """The form for the password of whoever is signed in."""
    return page("me_confirm", problems={}, wanted=door.wanted())


@routes.post("/confirm")
@needs(None)
def prove() -> AnyResponse:
    """Note that whoever sits there knows the password. 422 if they do not, 429 for whoever has to
    wait."""
    house, who = current_installation(), door.signed_in()
    checked = _checked(request.form.get("password", ""))
    if checked.problem:
        problems = {"password": checked.problem}
        return page("me_confirm", checked.status, problems=problems, wanted=door.wanted())
    with house.database.transaction() as writing:
        staff_sessions.prove(writing, who, house.clock())
    return redirect(door.wanted(), 303)


@routes.get("/password")
@needs(None)
def password() -> AnyResponse:
    """The form for another password."""
    return _password_form({})


@routes.post("/password")
@needs(None)
def change_password() -> AnyResponse:
    """Set another password; everywhere else one is signed out."""
    house, who = current_installation(), door.signed_in()
    checked = _checked(request.form.get("present", ""))
    if checked.problem:
        return _password_form({"present": checked.problem}, checked.status)
    try:
        digest = admission.hashed(request.form.get("password", ""))
    except EmployeeRefused as refused:
        return _password_form({"password": links.in_words(refused)}, 422)
    with house.database.transaction() as writing:
        now = house.clock()
        if not admission.change_password(writing, who.employee_id, checked.digest, digest):
            return _password_form({"present": _("This is not your password.")}, 422)
        strong = who.strong
        token = staff_sessions.begin(writing, who.employee_id, now, door.visit(), strong=strong)
        note(writing, "employee.password_set", now)
    answer = door.let_in(token, url_for("console.me.show"))
    pages.say(_("The password is changed. Everywhere else you are signed out."))
    return answer


def _password_form(problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    return page("me_password", status, problems=problems, fewest=passwords.SHORTEST)


@routes.get("/pin")
@needs(None)
@proved
def pin() -> AnyResponse:
    """The form for what one is called at the counter, and for the PIN."""
    return _pin_form({})


@routes.post("/pin")
@needs(None)
@proved
def choose_pin() -> AnyResponse:
    """Set them; without a PIN nobody takes over under this name."""
    house, who = current_installation(), door.signed_in()
    name, typed = request.form.get("counter_name", ""), request.form.get("pin", "")
    try:
        with house.database.transaction() as writing:
            pins.choose(writing, house.keys, who.employee_id, name.strip(), typed)
            note(writing, "employee.pin_set", house.clock())
    except EmployeeRefused as refused:
        return _pin_form({"form": links.in_words(refused)}, 422)
    said = _("You take over at the counter by your PIN.") if typed else _("You have no PIN now.")
    pages.say(said)
    return pages.go("console.me.show")


def _pin_form(problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    with current_installation().database.reading() as reading:
        employee = reading.get_one(Employee, door.signed_in().employee_id)
        called, has_pin = pins.called(employee), employee.pin is not None
    return page(
        "me_pin",
        status,
        problems=problems,
        called=request.form.get("counter_name", called),
        has_pin=has_pin,
        fewest=pins.FEWEST_DIGITS,
        most=pins.MOST_DIGITS,
    )


@routes.get("/sessions/end")
@needs(None)
def ask_to_end_sessions() -> AnyResponse:
    """What follows if one signs out everywhere but here."""
    house, who = current_installation(), door.signed_in()
    with house.database.reading() as reading:
        sessions = staff_sessions.listed(reading, who.employee_id, house.clock())
    others = [browser(one.browser) for one in sessions if one.digest != who.session]
    return page("me_sessions", others=others) if others else pages.go("console.me.show")


@routes.post("/sessions/end")
@needs(None)
def end_sessions() -> AnyResponse:
    """Sign out everywhere but here."""
    with current_installation().database.transaction() as writing:
        staff_sessions.end_others(writing, door.signed_in())
    pages.say(_("You are signed in here alone."))
    return pages.go("console.me.show")


@routes.get("/app")
@needs(None)
@proved
def app() -> AnyResponse:
    """What an app needs to show codes: a QR code, and the same to be typed."""
    return _app_form(second_factors.new_secret(), {})


@routes.post("/app")
@needs(None)
@proved
def set_up_app() -> AnyResponse:
    """Sign in with the app from now on. Answers with the codes for paper, at once and never again:
    nothing of ours could show them on a page of its own."""
    house, who = current_installation(), door.signed_in()
    secret = _secret_of_form()
    if secret is None:
        return pages.go("console.me.app")
    try:
        with house.database.transaction() as writing:
            now, code = house.clock(), request.form.get("code", "")
            codes = second_factors.set_up(writing, house.keys, who.employee_id, secret, code, now)
            staff_sessions.prove(writing, who, now, strong=True)
            staff_sessions.end_others(writing, who)  # they came in without it
            note(writing, "employee.second_factor_set", now)
    except EmployeeRefused as refused:
        return _app_form(secret, {"code": links.in_words(refused)}, 422)
    return page("me_codes", codes=codes, is_new=True)


@routes.get("/app/remove")
@needs(None)
@proved
def ask_to_remove_app() -> AnyResponse:
    """What it means to sign in without the app."""
    with current_installation().database.reading() as reading:
        state = second_factors.state(reading, door.signed_in().employee_id)
    if state is None:
        return pages.go("console.me.show")
    return page("me_app_remove", app=state)


@routes.post("/app/remove")
@needs(None)
@proved
def remove_app() -> AnyResponse:
    """Sign in without the app from now on; its recovery codes work no more."""
    house, who = current_installation(), door.signed_in()
    with house.database.transaction() as writing:
        staff.locked(writing, Employee.id == who.employee_id)
        if second_factors.take_away(writing, who.employee_id):
            note(writing, "employee.second_factor_removed", house.clock())
    pages.say(_("The app is removed."))
    return pages.go("console.me.show")


@routes.post("/recovery-codes")
@needs(None)
@proved
def renew_codes() -> AnyResponse:
    """Ten new codes for paper in place of those before, shown at once and never again."""
    house, who = current_installation(), door.signed_in()
    try:
        with house.database.transaction() as writing:
            codes = second_factors.renew_recovery_codes(writing, house.keys, who.employee_id)
            note(writing, "employee.recovery_codes_made", house.clock())
    except EmployeeRefused:
        return pages.go("console.me.show")
    return page("me_codes", codes=codes, is_new=False)


def page(template: str, status: int = 200, **values: Any) -> AnyResponse:
    """A page of one's own, with the menu around it."""

    def day_of(moment: datetime) -> str:
        return moments.whole_day(moment.date())

    html = pages.show(
        f"console/staff/{template}.html", "me", day_of=day_of, time_of=_time_of, **values
    )
    return make_response(html, status)


def _time_of(moment: datetime) -> str:
    """How long ago that was: whose clock shows which zone, we do not know."""
    ago, tongue = current_installation().clock() - moment, language.current()
    if ago < A_MOMENT:
        return _("just now")
    return str(format_timedelta(-ago, add_direction=True, locale=languages.locale(tongue)))


def _app_form(secret: str, problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    """The secret goes with the form, sealed: it counts only once its app has shown a code."""
    house, who = current_installation(), door.signed_in()
    code = segno.make(second_factors.address(secret, who.email), micro=False)
    return page(
        "me_app",
        status,
        problems=problems,
        picture=code.svg_data_uri(scale=4, border=2, dark="#000", light="#fff"),
        secret=secret,
        sealed=house.keys.seal(f"{who.employee_id} {secret}"),
    )


def _secret_of_form() -> str | None:
    """The secret that the form came with; None if it was not made for whoever sends it."""
    try:
        said = current_installation().keys.unseal(request.form.get("sealed", ""))
    except InvalidToken:
        return None
    employee_id, _space, secret = said.partition(" ")
    return secret if employee_id == str(door.signed_in().employee_id) else None


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of a present password as it was typed. `digest` is that of the right one;
    otherwise `problem` says what is wrong, with this `status`."""

    digest: str = ""
    problem: str = ""
    status: int = 422


def _checked(password: str) -> _Checked:
    """Whether this is the password of whoever is signed in. Guesses are counted as at the door."""
    house, who = current_installation(), door.signed_in()
    guesser = sign_in_delays.who(house.keys, who.email, request.remote_addr or "")
    with house.database.reading() as reading:
        wait = sign_in_delays.wait(reading, guesser, house.clock())
        digest = reading.get_one(Employee, who.employee_id).password_hash
    if wait:
        return _Checked(problem=door.wait_in_words(wait), status=429)
    if digest and len(password) <= passwords.LONGEST and passwords.fits(password, digest):
        return _Checked(digest)
    with house.database.transaction() as writing:
        sign_in_delays.failed(writing, guesser, house.clock())
    return _Checked(problem=_("This is not your password."))


def note(session: Session, code: str, now: datetime, name: str | None = None) -> None:
    """Note that whoever is signed in changed how they come in; `name` is that of a passkey."""
    email = door.signed_in().email
    by, of = Author("employee", email), ChangedThing("employee", email)
    if name is None:
        changes.note(session, by, code, of, now)
    else:
        changes.note(session, by, code, of, now, {}, {"name": name})


def browser(said: str) -> str:
    """A browser as people call it, by what it says of itself."""
    name = next((name for sign, name in BROWSERS if f"{sign}/" in said), "")
    system = next((name for sign, name in SYSTEMS if sign in said), "")
    if not name:
        return _("Unknown browser")
    return f"{name}, {system}" if system else name
