"""Passkeys in the browser: what `passkeys.js` asks for before it turns to the device, and the forms
in which it sends what the device answered."""

from collections.abc import Mapping

from flask import Blueprint, abort, jsonify, request, session
from werkzeug.wrappers import Response as AnyResponse

from wallet.access import ceremonies, passkeys, staff_sessions
from wallet.access.ceremonies import AskedPasskey
from wallet.access.passkeys import PasskeySite
from wallet.console import pages
from wallet.console.door import door, links
from wallet.console.pages import needs, proved
from wallet.console.staff import me
from wallet.errors import EmployeeRefused
from wallet.installation import current_installation
from wallet.pages.language import gettext as _

CHALLENGE = (
    "challenge"  # in the browser's session: an answer counts from the browser that was asked
)

routes = Blueprint("passkeys", __name__)


@routes.post("/sign-in/passkey/ask")
def ask_to_sign_in() -> AnyResponse:
    """What the browser asks any passkey of this site."""
    site, house = _site(), current_installation()
    with house.database.transaction() as writing:
        return _given(ceremonies.ask_to_sign_in(writing, site, house.clock()))


@routes.post("/sign-in/passkey")
def sign_in() -> AnyResponse:
    """Sign in by the answer of a passkey, which counts for both steps."""
    site, house, now = _site(), current_installation(), current_installation().clock()
    try:
        with house.database.transaction() as writing:
            taken = ceremonies.take(writing, session.pop(CHALLENGE, ""), None, now)
        with house.database.transaction() as writing:
            answer = request.form.get("answer", "")
            employee = ceremonies.who_signed(writing, site, taken, answer, now)
            staff_sessions.forget_old(writing, now)
            token = staff_sessions.begin(writing, employee.id, now, door.visit(), strong=True)
    except EmployeeRefused as refused:
        return door.sign_in_form({"form": links.in_words(refused)}, 422)
    return door.let_in(token, door.wanted())


@routes.get("/me/passkeys/add")
@needs(None)
@proved
def add() -> AnyResponse:
    """The form for a name of a new passkey."""
    _site()
    return _add_form({})


@routes.post("/me/passkeys/ask")
@needs(None)
@proved
def ask_to_add() -> AnyResponse:
    """What the browser needs to make a passkey for whoever is signed in."""
    site, house, who = _site(), current_installation(), door.signed_in()
    with house.database.transaction() as writing:
        asked = ceremonies.ask_to_add(writing, site, who.employee_id, who.email, house.clock())
    return _given(asked)


@routes.post("/me/passkeys/add")
@needs(None)
@proved
def keep() -> AnyResponse:
    """Add the passkey that the browser made. 422 if it does not fit."""
    site, house, who = _site(), current_installation(), door.signed_in()
    now, form = house.clock(), request.form
    try:
        with house.database.transaction() as writing:
            challenge = session.pop(CHALLENGE, "")
            taken = ceremonies.take(writing, challenge, who.employee_id, now)
        with house.database.transaction() as writing:
            name = form.get("name", "")
            passkey = ceremonies.add(writing, site, taken, name, form.get("answer", ""), now)
            staff_sessions.prove(writing, who, now, strong=True)
            me.note(writing, "employee.passkey_added", now, passkey.name)
    except EmployeeRefused as refused:
        return _add_form({"form": links.in_words(refused)}, 422)
    pages.say(_("The passkey is added. From now on you can sign in with it."))
    return pages.go("console.me.show")


@routes.get("/me/passkeys/<int:passkey_id>/remove")
@needs(None)
@proved
def ask_to_remove(passkey_id: int) -> AnyResponse:
    """Which passkey it is, and what removing it means."""
    house, who = current_installation(), door.signed_in()
    with house.database.reading() as reading:
        known = {one.id: one for one in passkeys.of(reading, who.employee_id)}
    if passkey_id not in known:
        abort(404)
    return me.page("me_passkey_remove", passkey=known[passkey_id], left=len(known) - 1)


@routes.post("/me/passkeys/<int:passkey_id>/remove")
@needs(None)
@proved
def remove(passkey_id: int) -> AnyResponse:
    """Let nobody in by this passkey any more."""
    house, who = current_installation(), door.signed_in()
    with house.database.transaction() as writing:
        name = passkeys.remove(writing, who.employee_id, passkey_id)
        if name is not None:
            me.note(writing, "employee.passkey_removed", house.clock(), name)
    if name is None:
        abort(404)
    pages.say(_("The passkey is removed."))
    return pages.go("console.me.show")


def _add_form(problems: Mapping[str, str], status: int = 200) -> AnyResponse:
    return me.page(
        "me_passkey",
        status,
        problems=problems,
        site=_site(),
        name=request.form.get("name", me.browser(request.user_agent.string)),
        longest=passkeys.LONGEST_NAME,
    )


def _site() -> PasskeySite:
    """For which site passkeys are. 404 where there can be none."""
    site = passkeys.site_of(current_installation().settings.public_url)
    if site is None:
        abort(404)
    return site


def _given(asked: AskedPasskey) -> AnyResponse:
    session[CHALLENGE] = asked.challenge
    return jsonify(asked.options)
