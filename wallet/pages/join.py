"""Joining a programme: a form, and the card it leads to.

Everybody who fills it in gets a card, even if another member has the phone number: the number is
not checked, and the answer must not tell who is a member. Whose it is hears of it where it leads
(`wallet.finding.second_cards`). See docs/decisions/0007."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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

from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import IdempotencyConflict
from ledger.people import consents, members
from ledger.people.consents import Purpose
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.configuration.keyring import CardLink
from wallet.finding import second_cards
from wallet.installation import current_installation
from wallet.outreach.posters import joined
from wallet.pages import designs, join_form, language, own_card, wordings
from wallet.pages.designs import Look
from wallet.pages.join_form import Entries, Problems
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.pages.programme import addressed
from wallet.passes import issuing, templates
from wallet.passes.issued import Pass

SCOPE = "page:join"
FORM_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")

routes = Blueprint("join", __name__, url_prefix="/join/<code>")


class HasCardHere(Exception):
    """Somebody joined in this browser before, and nobody said that this card is for another."""


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
    """The empty form, with a token by which it is recognised if it is sent twice. Who joined in
    this browser before is led to their card, and asks for the form if it is for somebody else."""
    is_for_another = "another" in request.args
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        own = None if is_for_another else own_card.found(session, programme)
        if own is not None:
            return _your_card(session, programme, own)
    return _form(code, {"another": "yes" if is_for_another else ""}, {}, _new_token())


@routes.post("")
def enrol(code: str) -> AnyResponse:
    """Make a card from the form and redirect to it. The form sent again leads to the same card. 422
    for entries that do not fit, 409 for a token that made another card, and for a browser in which
    somebody joined before; 403 for a form on another site."""
    if not from_our_page():
        abort(403)
    typed = {name: request.form.get(name, "") for name in join_form.NAMES}
    token = request.form.get("form_token", "")
    if not FORM_TOKEN.fullmatch(token):
        token = _new_token()  # not our form: accepted, but sent twice it makes two cards
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        locale = language.to_write_in(programme.languages)
        is_asked = programme.keeps_personal
    if is_asked:
        entries, problems = join_form.understood(typed, programme)
    else:
        entries, problems = join_form.nothing_said(typed)
    if problems:
        return _form(code, typed, problems, token, 422)
    phone = join_form.number(entries, programme)
    profile = Profile(entries.name or None, phone, entries.email, entries.birthday, locale)
    purposes: list[Purpose] = ["personal_data"] if is_asked else []
    if typed["marketing"]:
        purposes.append("marketing")
    is_for_another, now = bool(typed["another"]), current_installation().clock()
    try:
        serial = _join(code, entries, profile, purposes, token, now, is_for_another=is_for_another)
    except HasCardHere:
        sentence = _(
            "You have a card already: it was made in this browser. If this one is for somebody"
            " else, press the button again."
        )
        return _form(code, {**typed, "another": "yes"}, {"form": sentence}, token, 409)
    except IdempotencyConflict:
        # Perhaps the next person at a shared screen who pressed "back": the first card is not
        # theirs to see.
        sentence = _(
            "A card was already made with this form, for other details. To make one more, check"
            " what you typed and press the button again."
        )
        return _form(code, {**typed, "another": "yes"}, {"form": sentence}, _new_token(), 409)
    # A path, not the public address: the browser may know us by another name, and our security
    # policy keeps a form from leading off the site.
    # The first link of that card: whoever presses "back" after it was renewed gets no new one.
    link = CardLink(serial)
    card = url_for("pages.cards.show", token=current_installation().keys.link_token(link))
    answer = redirect(card, 303)
    own_card.remember(answer, code, link, as_own=not is_for_another)
    return answer


def _your_card(session: Session, programme: Programme, own: Pass) -> Response:
    """The page that leads to the card of whoever joined in this browser."""
    keys = current_installation().keys
    # A poster that was scanned counts for the other one as well.
    posters = (joined.STORE, joined.BY)
    scanned: Any = {name: request.args[name] for name in posters if name in request.args}
    return make_response(
        render_template(
            "pages/own_card.html",
            programme=programmes.name_in(session, programme, language.current()),
            look=designs.look(session, templates.current(session, programme.id).id),
            card_url=url_for("pages.cards.show", token=keys.link_token(own.link)),
            another_url=url_for(".ask", code=programme.code, another="yes", **scanned),
        )
    )


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
        look = designs.look(session, templates.current(session, programme.id).id)
        benefit = wordings.benefit(session, programme)
    page = render_template(
        "pages/join.html",
        programme=name,
        benefit=benefit,
        is_asked=programme.keeps_personal,
        fields=join_form.shown(programme.asks, typed) if programme.keeps_personal else [],
        acts=wordings.acts(programme, name),
        find_url=url_for("pages.find.ask", code=code),
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


def _join(
    code: str,
    entries: Entries,
    profile: Profile,
    purposes: Sequence[Purpose],
    token: str,
    now: datetime,
    *,
    is_for_another: bool,
) -> str:
    """The serial number of the new card, or of the one that this very form made before. Raises
    `IdempotencyConflict`, `HasCardHere`."""
    filled_in = idempotency.digest(code, entries.model_dump_json(), " ".join(purposes))

    def effect(session: Session, now: datetime) -> StoredAnswer:
        programme = programmes.by_code(session, code)
        if not is_for_another and own_card.found(session, programme) is not None:
            raise HasCardHere
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
        # Who presses the button accepts the rules: there is no form without them.
        decisions = wordings.agreed(session, programme, ["rules", *purposes], now)
        consents.record(session, member, decisions, "page", now)
        joined.keep(session, member, request.args)
        second_cards.note(
            session,
            current_installation().keys,
            programme,
            member,
            request.remote_addr or "",
            now,
            reaches=current_installation().codes.reaches,
        )
        return StoredAnswer(303, pass_.serial.encode())

    form = Repeatable(SCOPE, token, filled_in)
    answer = current_installation().database.run(
        lambda session: idempotency.key_first(session, form, effect, now), idempotent=True
    )
    return answer.body.decode()


def _new_token() -> str:
    return secrets.token_urlsafe(16)
