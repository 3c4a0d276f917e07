"""Joining a programme: a form, and the card it leads to.

Everybody who fills it in gets a card, even if another member has the phone number: the number is
not checked, and the answer must not tell who is a member. See docs/decisions/0007."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.contacts import PhoneNumber, Unfit, phone_number
from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import IdempotencyConflict
from ledger.fields import Birthday, Email, Name, Phone
from ledger.people import consents, members
from ledger.people.consents import Purpose
from ledger.people.persons import Profile
from ledger.programmes import programmes, units
from wallet.configuration.keyring import CardLink
from wallet.installation import current_installation
from wallet.pages import designs, language, privacy
from wallet.pages.designs import Look
from wallet.pages.errors import error_page
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.pages.programme import addressed
from wallet.passes import issuing, templates

SCOPE = "page:join"
FORM_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
BOXES = ("consent", "marketing")

# Field of the form -> what is wrong with it, in words. "form" stands for all of it.
Problems = dict[str, str]

routes = Blueprint("join", __name__, url_prefix="/join/<code>")


class Entries(BaseModel):
    """What was typed into the form, checked."""

    model_config = ConfigDict(frozen=True)

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None


@routes.after_request
def _fresh(response: AnyResponse) -> AnyResponse:
    """Each form has a token of its own, so no cache may hand it out twice. The address holds no
    secret, so a browser may send it back: one that does not say which site a form stood on then
    names at least its origin."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@routes.get("")
def ask(code: str) -> Response:
    """The empty form, with a token by which it is recognised if it is sent twice."""
    return _form(code, {}, {}, _new_token())


@routes.post("")
def enrol(code: str) -> AnyResponse:
    """Make a card from the form and redirect to it. The form sent again leads to the same card. 422
    for entries that do not fit, 409 for a token that made another card, 403 for a form on another
    site."""
    if not from_our_page():
        return error_page(403)
    typed = {name: request.form.get(name, "") for name in (*Entries.model_fields, *BOXES)}
    token = request.form.get("form_token", "")
    if not FORM_TOKEN.fullmatch(token):
        token = _new_token()  # not our form: accepted, but sent twice it makes two cards
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        locale, country = language.to_write_in(programme.languages), programme.country
        is_asked = programme.keeps_personal
    entries, problems = _understood(typed) if is_asked else _nothing_said(typed)
    phone = _number(entries, country, problems)
    if problems:
        return _form(code, typed, problems, token, 422)
    profile = Profile(entries.name or None, phone, entries.email, entries.birthday, locale)
    purposes: list[Purpose] = ["personal_data"] if is_asked else []
    if typed["marketing"]:
        purposes.append("marketing")
    try:
        serial = _join(code, entries, profile, purposes, token, current_installation().clock())
    except IdempotencyConflict:
        # Perhaps the next person at a shared screen who pressed "back": the first card is not
        # theirs to see.
        sentence = _(
            "A card was already made with this form, for other details. To make one more, check"
            " what you typed and press the button again."
        )
        return _form(code, typed, {"form": sentence}, _new_token(), 409)
    # A path, not the public address: the browser may know us by another name, and our security
    # policy keeps a form from leading off the site.
    # The first link of that card: whoever presses "back" after it was renewed gets no new one.
    token = current_installation().keys.link_token(CardLink(serial))
    card = url_for("pages.cards.show", token=token)
    return redirect(card, 303)


def _form(
    code: str,
    typed: Mapping[str, str],
    problems: Problems,
    token: str,
    status: int = 200,
) -> Response:
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        name = programmes.name_in(session, programme, language.current())
        template = templates.current(session, programme.id)
        look = designs.look(session, template.id)
        design = templates.design(template)
        unit = units.find(session, programme.id, None)
    page = render_template(
        "pages/join.html",
        programme=name,
        is_asked=programme.keeps_personal,
        shows_points=designs.counts(design),
        nothing=language.amount(unit, 0),
        words=designs.balance_words(design, unit, 0),
        consent=privacy.wording("personal_data", name),
        marketing=privacy.wording("marketing", name),
        privacy_url=url_for("pages.privacy.show", code=code),
        typed=typed,
        problems=problems,
        token=token,
        today=current_installation().clock().date().isoformat(),
        look=look,
        picture_url=_picture_url(look),
        page_url=f"{current_installation().settings.public_url}/join/{code}",
    )
    return make_response(page, status)


def _picture_url(look: Look) -> str | None:
    """What messengers show beside a link to the form: addresses in full, they know no other."""
    found = look.pictures.get("strip") or look.pictures.get("logo") or look.pictures.get("icon")
    return f"{current_installation().settings.public_url}{found.largest}" if found else None


def _understood(typed: Mapping[str, str]) -> tuple[Entries, Problems]:
    given = {name: typed[name] if typed[name].strip() else None for name in Entries.model_fields}
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


def _nothing_said(typed: dict[str, str]) -> tuple[Entries, Problems]:
    """The form of a programme that keeps nothing personal. What was typed all the same, into a form
    that was opened before, is not even shown again."""
    said = [name for name in Entries.model_fields if typed[name].strip()]
    for name in said:
        typed[name] = ""
    if not said:
        return Entries(), Problems()
    return Entries(), {
        "form": _("We keep nothing about you any more. Press the button again, and the card opens.")
    }


def _number(entries: Entries, country: str, problems: Problems) -> PhoneNumber | None:
    """The number that was typed, as it is written in the programme's country."""
    if entries.phone is None:
        return None
    try:
        return phone_number(entries.phone, country)
    except Unfit:
        problems["phone"] = _wrong("phone", "value_error")
        return None


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


def _join(
    code: str,
    entries: Entries,
    profile: Profile,
    purposes: Sequence[Purpose],
    token: str,
    now: datetime,
) -> str:
    """The serial number of the new card, or of the one that this very form made before. Raises
    `IdempotencyConflict`."""
    filled_in = idempotency.digest(code, entries.model_dump_json(), " ".join(purposes))

    def effect(session: Session, now: datetime) -> StoredAnswer:
        programme = programmes.by_code(session, code)
        pass_ = issuing.join(
            session,
            programme,
            profile,
            current_installation().pass_type,
            current_installation().keys,
            now,
            checked=False,
        )
        member = members.by_id(session, pass_.member_id)
        decisions = privacy.agreed(session, programme, purposes, now)
        consents.record(session, member, decisions, "page", now)
        return StoredAnswer(303, pass_.serial.encode())

    form = Repeatable(SCOPE, token, filled_in)
    answer = current_installation().database.run(
        lambda session: idempotency.key_first(session, form, effect, now), idempotent=True
    )
    return answer.body.decode()


def _new_token() -> str:
    return secrets.token_urlsafe(16)
