"""What is known of a member: somebody is added, and details are corrected."""

from typing import Any

from flask import Blueprint, make_response
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal
from ledger.people import consents, persons
from ledger.people.persons import Profile
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import ChangeFilter
from wallet.console import choices, doing, pages
from wallet.console.forms import FormEntries
from wallet.console.members import details_form, people
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.people import deeds

routes = Blueprint("member_details", __name__)

HERE = "members"
OF_DETAILS = f"{IN_PROGRAMME}/members/<member_id>/edit"


@routes.get(f"{IN_PROGRAMME}/members/new")
@needs("members:write")
def add() -> str:
    """The form for a new member."""
    with current_installation().database.reading() as session:
        given = _on_form(pages.programme_row(session))
    entries = FormEntries()
    return pages.show(
        "console/members/form.html", HERE, entries=entries, problems={}, is_new=True, **given
    )


@routes.post(f"{IN_PROGRAMME}/members/new")
@needs("members:write")
def create() -> Response:
    """Add a member, who gets a card at once."""
    entries, house, by = FormEntries(), current_installation(), pages.author()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
    profile = details_form.profile(entries, programme)
    decided = details_form.decisions(entries, {})
    if entries.fit:

        def work(session: Session) -> str:
            return deeds.add(
                session,
                pages.programme_row(session),
                Profile(**profile),
                decided,
                "console",
                house.pass_type,
                house.keys,
                by,
                house.clock(),
            ).public_id

        member_id = doing.made(entries, work, _field_of)
        if member_id is not None:
            pages.say(_("The member has joined and has a card."))
            return pages.go("console.member.show", member_id=member_id)
    given = _on_form(programme)
    return pages.show_again("console/members/form.html", HERE, entries, is_new=True, **given)


@routes.get(OF_DETAILS)
@needs("members:write")
def edit(member_id: str) -> Response | str:
    """The form with what is known of a member."""
    return pages.show("console/members/form.html", HERE, problems={}, **_on_edit(member_id))


@routes.post(OF_DETAILS)
@needs("members:write")
def correct(member_id: str) -> Response:
    """Save what is known of a member. Who was slower than somebody else is told so."""
    entries, house, by = FormEntries(), current_installation(), pages.author()
    with house.database.reading() as session:
        people.present(session, member_id)
        programme = pages.programme_row(session)
    typed = details_form.profile(entries, programme)
    # What the form did not show stays as it is.
    corrections = {name: value for name, value in typed.items() if entries.ticked(name)}
    if entries.fit:

        def work(session: Session) -> bool:
            member = people.present(session, member_id)
            facts = deeds.held(session, member)
            if details_form.seen(facts) != entries["seen"]:
                return False
            agreed = {
                purpose: one.given for purpose, one in consents.current(session, member.id).items()
            }
            decided = details_form.decisions(entries, agreed)
            now = house.clock()
            deeds.correct(session, member, corrections, decided, "console", by, now)
            return True

        is_saved = doing.made(entries, work, _field_of)
        if is_saved:
            pages.say(_("Saved."))
            return pages.go("console.member.show", member_id=member_id)
        if is_saved is not None:
            return _changed_meanwhile(member_id, entries)
    given = _on_edit(member_id)
    return pages.show_again(
        "console/members/form.html",
        HERE,
        entries,
        **{name: value for name, value in given.items() if name != "entries"},
    )


def _field_of(refusal: Refusal) -> str:
    return details_form.taken_field(refusal.code)


def _changed_meanwhile(member_id: str, entries: FormEntries) -> Response:
    """The form anew, with what is there now; what was typed stands beside it."""
    house = current_installation()
    with house.database.reading() as session:
        last = changes.listed(session, ChangeFilter(kind="member", of=member_id), None, 1)
    by = last[0].change.author_name if last else None
    entries.refuse("form", details_form.changed_meanwhile(by))
    given = _on_edit(member_id)
    mine = {name: entries[name] for name in given["values"] if entries[name]}
    given["differs"] = {
        name: value for name, value in mine.items() if value != given["values"][name]
    }
    given["entries"] = given["values"]
    problems = entries.problems
    page = pages.show("console/members/form.html", HERE, **{**given, "problems": problems})
    return make_response(page, 409)


def _on_form(programme: Programme) -> dict[str, Any]:
    return {
        "languages_spoken": [
            ("", "—"),
            *((one, choices.language_name(one)) for one in programme.languages),
        ],
        "keeps_personal": programme.keeps_personal,
        "differs": {},
        "consents_held": {},
        "values": {},
        "seen": "",
        "member": None,
        "PERSONAL": PERSONAL,
    }


def _on_edit(member_id: str) -> dict[str, Any]:
    with current_installation().database.reading() as session:
        member = people.present(session, member_id)
        facts = deeds.known(session, member)
        values = details_form.told(persons.profile_of(session, member.id))
        held = {one: row.given for one, row in consents.current(session, member.id).items()}
        return {
            **_on_form(pages.programme_row(session)),
            "entries": values,
            "values": values,
            "consents_held": held,
            "seen": details_form.seen(facts),
            "member": member,
            "name": people.name_of(session, member),
            "is_new": False,
        }
