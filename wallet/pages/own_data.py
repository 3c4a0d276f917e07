"""What a programme knows of somebody, in their own hands: they see it, correct it, take it along,
and delete it.

Whoever holds the link of a card may do what its page offers. Each change is noted in the record of
changes, by the member."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
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
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.errors import HouseholdNotEmpty
from ledger.people import consents, members, persons
from ledger.people.consents import Decision
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.asking import ASKED_FIELDS, CONTACTS
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import Author
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.pages import card_state, designs, join_form, language, links, wordings
from wallet.pages.join_form import Entries, Problems
from wallet.pages.language import gettext as _
from wallet.pages.origins import from_our_page
from wallet.passes.issued import Pass
from wallet.people import deeds, dossier, erasure

# What is asked of somebody who has joined, in this order.
LATER: Sequence[str] = ("name", "birthday")

routes = Blueprint("own_data", __name__, url_prefix="/card/<token>/me")
routes.after_request(links.private)


def told(session: Session, member_id: int) -> dict[str, str]:
    """What is known of the member, as it stands in a form."""
    known = persons.profile_of(session, member_id)
    return {
        "name": known.name or "",
        "phone": known.phone or "",
        "email": known.email or "",
        "birthday": "" if known.birthday is None else known.birthday.isoformat(),
    }


def asked_later(programme: Programme, known: Mapping[str, str]) -> tuple[str, ...]:
    """What may still be asked of somebody of whom this is known."""
    if not programme.keeps_personal:
        return ()
    return tuple(name for name in LATER if not known[name])


@routes.get("")
def show(token: str) -> Response:
    """What is known of the card's owner, with the form that corrects it."""
    with current_installation().database.reading() as session:
        pass_ = links.card(session, token)
        return _page(session, token, pass_, told(session, pass_.member_id), {})


@routes.post("")
def correct(token: str) -> AnyResponse:
    """Correct what the form holds; what it does not hold stays. 422 for entries that do not fit,
    403 for a form on another site."""
    _require_our_page()
    typed = {name: request.form[name] for name in ASKED_FIELDS if name in request.form}
    house = current_installation()

    def work(session: Session) -> Problems:
        pass_ = links.card(session, token)
        programme, member = _whose(session, pass_)
        corrections, problems = _understood(session, member, programme, typed)
        if problems:
            return problems
        deeds.held(session, member)  # a person's row is locked before members are
        links.held_card(session, token)
        now = house.clock()
        deeds.correct(
            session,
            member,
            corrections,
            _consent(session, programme, member, corrections),
            "page",
            _themselves(member),
            now,
            checked=False,
        )
        return {}

    problems = house.database.run(work)
    if problems:
        with house.database.reading() as session:
            pass_ = links.card(session, token)
            known = told(session, pass_.member_id)
            return _page(session, token, pass_, {**known, **typed}, problems, 422)
    if "back" in request.form:  # from the card's own page
        return redirect(url_for("pages.cards.show", token=token), 303)
    return redirect(url_for(".show", token=token, saved="yes"), 303)


@routes.post("/file")
def take_along(token: str) -> Response:
    """All that is known of the card's owner, as a file; it is noted that they took it. 403 for a
    form on another site."""
    _require_our_page()
    house = current_installation()

    def work(session: Session) -> dict[str, Any]:
        pass_ = links.held_card(session, token)
        _programme, member = _whose(session, pass_)
        now, by = house.clock(), _themselves(member)
        changes.note(session, by, dossier.TAKEN, deeds.changed_member(member), now)
        return dossier.of(session, member, now)

    document = house.database.run(work)
    if request.form.get("format") == "json":
        body = orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)
        return _as_file(Response(body, mimetype="application/json"), "json")
    page = render_template("pages/dossier.html", told=document)
    return _as_file(Response(page, mimetype="text/html"), "html")


@routes.get("/delete")
def ask_delete(token: str) -> Response:
    """What becomes of the card and its owner's data if they delete it."""
    with current_installation().database.reading() as session:
        return _before_deleting(session, token)


@routes.post("/delete")
def delete(token: str) -> AnyResponse:
    """Delete the card with all that is known of its owner, for good. 422 without the tick that they
    mean it, 409 while others use their account, 403 for a form on another site."""
    _require_our_page()
    house = current_installation()
    with house.database.reading() as session:
        pass_ = links.card(session, token)
        _programme, member = _whose(session, pass_)
        if "sure" not in request.form:
            problem = _("Tick the box if you want to delete the card.")
            return _before_deleting(session, token, problem, 422)
    try:
        erasure.carry_out(
            house.database,
            house.settings.data,
            member.public_id,
            house.make_due,
            house.clock(),
            by=_themselves(member),
        )
    except HouseholdNotEmpty:
        with house.database.reading() as session:
            problem = _(
                "Others collect on this account together with you. Ask at the till to part the"
                " accounts first."
            )
            return _before_deleting(session, token, problem, 409)
    # The page there says that the card is gone.
    return redirect(url_for("pages.cards.show", token=token), 303)


def _require_our_page() -> None:
    if not from_our_page():
        abort(403)


def _whose(session: Session, pass_: Pass) -> tuple[Programme, Member]:
    """The programme of a card, and the member who stands for its owner. From now on the page speaks
    their language, unless its reader asked for another."""
    programme = programmes.by_id(session, pass_.programme_id)
    member = members.resolve_merged(session, members.by_id(session, pass_.member_id))
    locale = persons.profile_of(session, member.id).locale
    language.suggest(member=locale, programme=programme.languages)
    return programme, member


def _themselves(member: Member) -> Author:
    return Author("member", member.public_id)


def _understood(
    session: Session, member: Member, programme: Programme, typed: Mapping[str, str]
) -> tuple[dict[str, Any], Problems]:
    """What differs from what is known, by the names of `Profile`, and what is wrong with it."""
    known = told(session, member.id)
    mine = {name: text.strip() for name, text in typed.items() if text.strip() != known[name]}
    entries, problems = Entries(), Problems()
    try:
        entries = Entries.model_validate({name: text or None for name, text in mine.items()})
    except ValidationError as error:
        for one in error.errors():
            name = str(one["loc"][0])
            problems[name] = join_form.wrong(name, one["type"], programme.country)
    corrections = {name: getattr(entries, name) for name in mine}
    if entries.phone is not None:
        corrections["phone"] = join_form.number(entries, programme)
        if corrections["phone"] is None:
            problems["phone"] = join_form.wrong("phone", "value_error", programme.country)
    left = {**known, **mine}
    had_one = any(known[one] for one in CONTACTS)
    if had_one and not any(left[one] for one in CONTACTS):
        named = next(one for one in CONTACTS if one in mine)
        problems[named] = join_form.needed(join_form.CONTACT)
    return corrections, {name: problems[name] for name in ASKED_FIELDS if name in problems}


def _consent(
    session: Session, programme: Programme, member: Member, corrections: Mapping[str, Any]
) -> list[Decision]:
    """Who tells us more agrees that we keep it, as the page says beside the button; who agreed
    before is not asked again."""
    decided = consents.current(session, member.id).get("personal_data")
    if (decided is not None and decided.given) or not any(corrections.values()):
        return []
    return wordings.agreed(session, programme, ["personal_data"], current_installation().clock())


def _page(
    session: Session,
    token: str,
    pass_: Pass,
    typed: Mapping[str, str],
    problems: Problems,
    status: int = 200,
) -> Response:
    programme, member = _whose(session, pass_)
    decided = consents.current(session, member.id).get("personal_data")
    name = programmes.name_in(session, programme, language.current())
    return make_response(
        render_template(
            "pages/own_data.html",
            programme=name,
            look=designs.look(session, pass_.template_id),
            fields=ASKED_FIELDS if programme.keeps_personal else (),
            typed=typed,
            problems=problems,
            birthday_gift=base_programme.gives_for_birthday(session, programme),
            today=current_installation().clock().date().isoformat(),
            since=language.day(member.created_at, programme.timezone),
            consent="" if decided and decided.given else wordings.wording("personal_data", name),
            is_saved="saved" in request.args,
            card_url=url_for("pages.cards.show", token=token),
            file_url=url_for(".take_along", token=token),
            delete_url=url_for(".ask_delete", token=token),
            privacy_url=url_for("pages.privacy.show", code=programme.code),
        ),
        status,
    )


def _before_deleting(
    session: Session, token: str, problem: str = "", status: Literal[200, 409, 422] = 200
) -> Response:
    pass_ = links.card(session, token)
    programme, _member = _whose(session, pass_)
    return make_response(
        render_template(
            "pages/delete.html",
            programme=programmes.name_in(session, programme, language.current()),
            look=designs.look(session, pass_.template_id),
            lost=card_state.balance_in_words(
                session, pass_, programme, current_installation().clock()
            ),
            keeps_personal=programme.keeps_personal,
            problem=problem,
            back_url=url_for(".show", token=token),
        ),
        status,
    )


def _as_file(answer: Response, kind: str) -> Response:
    answer.headers["Content-Disposition"] = f'attachment; filename="my-data.{kind}"'
    return answer
