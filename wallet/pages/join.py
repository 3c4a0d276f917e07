"""Joining a programme: a form, and the card it leads to."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

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
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger import idempotency, members, programmes
from ledger.errors import IdempotencyConflict
from ledger.idempotency import Answer
from ledger.members import Profile
from ledger.programmes import Programme
from wallet.errors import WalletError
from wallet.fields import Birthday, Email, Name, Phone
from wallet.installation import here
from wallet.pages import designs, language
from wallet.pages.errors import error_page
from wallet.pages.language import gettext as _
from wallet.passes import issuing, templates

SCOPE = "page:join"
FORM_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")

# Whose pages may send the form: our own, or nobody's (somebody typed the address).
OWN_SITES = ("same-origin", "none")

# Field of the form -> what is wrong with it, in words. "form" stands for all of it.
Problems = dict[str, str]

routes = Blueprint("join", __name__, url_prefix="/join/<code>")


class Entries(BaseModel):
    """The form, understood."""

    model_config = ConfigDict(frozen=True)

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None


class AlreadyMember(WalletError):
    """Somebody in the programme has this phone number or e-mail address: `fields` names which."""

    code = "already_member"

    def __init__(self, fields: list[str]) -> None:
        super().__init__("A card with this phone number or e-mail address exists.")
        self.fields = fields


@routes.after_request
def _fresh(response: AnyResponse) -> AnyResponse:
    """Each form has a token of its own, so no cache may hand it out twice. The address tells
    nothing, and browsers that do not say where a form came from then at least name its origin."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@routes.get("")
def ask(code: str) -> Response:
    return _form(_programme(code), {}, {}, _new_token())


@routes.post("")
def enrol(code: str) -> AnyResponse:
    if not _from_our_page():
        return error_page(403)
    typed = {name: request.form.get(name, "") for name in (*Entries.model_fields, "consent")}
    token = request.form.get("form_token", "")
    if not FORM_TOKEN.fullmatch(token):
        token = _new_token()  # a form we did not make: welcome, but nothing guards it from a twin
    programme = _programme(code)
    entries, problems = _understood(typed)
    if problems:
        return _form(programme, typed, problems, token, 422)
    try:
        serial = _join(code, entries, token, here().clock())
    except AlreadyMember as error:
        return _form(programme, typed, {field: _known(field) for field in error.fields}, token, 409)
    except IdempotencyConflict:
        # Perhaps the next person at a shared screen who pressed "back": the first card is not
        # theirs to see.
        sentence = _(
            "A card was already made with this form, for other details. To make one more, check"
            " what you typed and press the button again."
        )
        return _form(programme, typed, {"form": sentence}, _new_token(), 409)
    # A path, not the public address: the browser may know us by another name, and our security
    # policy keeps a form from leading off the site.
    card = url_for("pages.cards.show", token=here().keys.card_token(serial))
    return redirect(card, 303)


def _form(
    programme: Programme,
    typed: Mapping[str, str],
    problems: Problems,
    token: str,
    status: int = 200,
) -> Response:
    with here().database.reading() as session:
        look = designs.look(session, templates.current(session, programme.id).id)
    page = render_template(
        "pages/join.html",
        programme=programme.name,
        typed=typed,
        problems=problems,
        token=token,
        today=here().clock().date().isoformat(),
        look=look,
    )
    return make_response(page, status)


def _programme(code: str) -> Programme:
    """The programme, whose language the page speaks from now on, should nothing else be known."""
    if not code.isprintable():  # not everything can be asked of a database
        abort(404)
    with here().database.reading() as session:
        programme = programmes.by_code(session, code)
    language.suggest(programme=programme.locale)
    return programme


def _from_our_page() -> bool:
    """Whether a browser says that the form stood on our own page.

    Nothing here hangs on a cookie, so another site gains nothing by sending this form that it could
    not get by sending it itself; but it could make its visitors do so in thousands."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own_hosts = {request.host, urlsplit(here().settings.public_url).netloc}
    return urlsplit(origin).netloc in own_hosts


def _understood(typed: Mapping[str, str]) -> tuple[Entries, Problems]:
    given = {name: typed[name].strip() or None for name in Entries.model_fields}
    entries, problems = Entries(), Problems()
    try:
        entries = Entries.model_validate(given)
    except ValidationError as error:
        problems = {
            str(one["loc"][0]): _wrong(str(one["loc"][0]), one["type"]) for one in error.errors()
        }
    if given["phone"] is None and given["email"] is None:
        problems["phone"] = _(
            "Leave a phone number or an e-mail: that is how we find your card if you lose it."
        )
    if not typed["consent"]:
        problems["consent"] = _("We cannot make a card without your consent.")
    return entries, problems


def _wrong(field: str, kind: str) -> str:
    if field == "name" and kind in ("too_long", "string_too_long"):
        return _("That is a very long name. 300 characters are the most we can keep.")
    if field == "name":
        return _("There is an invisible character in the name. Please type it once more.")
    if field == "phone":
        return _("This does not look like a phone number. Example: +7 999 123-45-67")
    if field == "email":
        return _("This does not look like an e-mail address. Example: name@example.com")
    return _("This date does not look right. It should be in the past, after 1900.")


def _known(field: str) -> str:
    if field == "phone":
        return _(
            "There is already a card with this phone number. Give the number at the till, and they"
            " will find it for you."
        )
    return _(
        "There is already a card with this e-mail address. Tell the shop your address, and they"
        " will find it for you."
    )


def _join(code: str, entries: Entries, token: str, now: datetime) -> str:
    """The serial number of the new card, or of the one that this very form made before. Raises
    `AlreadyMember`, `IdempotencyConflict`."""
    digest = hashlib.sha256(f"{code}\n{entries.model_dump_json()}".encode()).digest()
    profile = Profile(
        entries.name or None,
        entries.phone,
        entries.email,
        entries.birthday,
        locale=language.current(),
    )

    def work(session: Session) -> str:
        first = idempotency.claim(session, SCOPE, token, digest, now)
        if first is not None:
            return first.body.decode()
        programme = programmes.by_code(session, code)
        _wait_turn(session, programme.id)
        _refuse_known(session, programme.id, profile)
        pass_ = issuing.join(
            session, programme, profile, here().pass_type, here().keys.first.id, now
        )
        idempotency.remember(session, SCOPE, token, Answer(303, pass_.serial.encode()))
        return pass_.serial

    return here().database.run(work)


def _wait_turn(session: Session, programme_id: int) -> None:
    """Two forms with one phone number may come at once, and nothing in the database forbids two
    members with one: forms of a programme pass this point one by one."""
    session.execute(
        select(Programme.id).where(Programme.id == programme_id).with_for_update(key_share=True)
    )


def _refuse_known(session: Session, programme_id: int, profile: Profile) -> None:
    known = [
        field
        for field, alone in (
            ("phone", Profile(phone=profile.phone)),
            ("email", Profile(email=profile.email)),
        )
        if members.has_person(session, programme_id, alone)
    ]
    if known:
        raise AlreadyMember(known)


def _new_token() -> str:
    return secrets.token_urlsafe(16)
