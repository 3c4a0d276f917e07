"""Filters that are saved by a name: segments."""

from flask import Blueprint
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.programmes import units
from ledger.segments import named
from wallet.console import doing, pages
from wallet.console.forms import FormEntries
from wallet.console.members import conditions
from wallet.console.members import members as list_of
from wallet.console.members.conditions import Reading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import kept_segments
from wallet.pages.language import gettext as _

routes = Blueprint("segments", __name__)

HERE = "members"


@routes.get(f"{IN_PROGRAMME}/segments/save")
@needs("campaigns:write")
def edit() -> str:
    """The form that gives the filters of the address a name."""
    return pages.show("console/members/segment.html", HERE, **_on_form(FormEntries()))


@routes.post(f"{IN_PROGRAMME}/segments/save")
@needs("campaigns:write")
def save() -> Response:
    """Save the filters by a name; who was slower than somebody else is told so."""
    entries, house, by = FormEntries(), current_installation(), pages.author()
    name, typed = entries.text("name", most=named.LONGEST_NAME), entries["revision"]
    revision = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
    if entries.fit:

        def work(session: Session) -> str:
            programme = pages.programme_row(session)
            wanted = list_of.asked(session, programme.id)
            is_same = wanted.segment is not None and wanted.segment.name == name
            return kept_segments.save(
                session,
                programme,
                name,
                wanted.tree,
                by,
                house.clock(),
                revision=revision if is_same else 0,
            ).name

        saved = doing.made(entries, work, "name")
        if saved is not None:
            pages.say(_("The segment is saved."))
            return pages.go("console.members.listed", segment=saved)
    given = _on_form(entries)
    return pages.show_again(
        "console/members/segment.html",
        HERE,
        entries,
        **{key: value for key, value in given.items() if key not in ("entries", "problems")},
    )


def _on_form(entries: FormEntries) -> dict[str, object]:
    house = current_installation()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        wanted = list_of.asked(session, programme.id)
        count = list_of.count_in_words(session, wanted, programme, unit, house.clock())
    return {
        "entries": entries,
        "problems": entries.problems,
        "segment": wanted.segment,
        "count": count,
        "sentence": conditions.sentence(wanted.tree, Reading(unit, programme.timezone)),
    }


@routes.get(f"{IN_PROGRAMME}/segments/<name>/delete")
@needs("campaigns:write")
def remove(name: str) -> str | tuple[str, int]:
    """What deleting a segment brings."""
    return _removing(name, FormEntries())


@routes.post(f"{IN_PROGRAMME}/segments/<name>/delete")
@needs("campaigns:write")
def do_remove(name: str) -> Response | tuple[str, int]:
    """Delete a segment; the members it means stay as they are."""
    house, by, entries = current_installation(), pages.author(), FormEntries()

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        kept_segments.delete(session, programme, name, by, house.clock())

    if not doing.done(entries, work):
        page = _removing(name, entries)
        return page if isinstance(page, tuple) else (page, 422)
    pages.say(_("The segment is deleted."))
    return pages.go("console.members.listed")


def _removing(name: str, entries: FormEntries) -> str | tuple[str, int]:
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        segment = named.find(session, programme.id, name)
        if segment is None:
            return pages.show("console/members/no_segment.html", HERE), 404
        unit = units.named(session, programme.id, None)
        sentence = conditions.sentence(segment.meaning, Reading(unit, programme.timezone))
    return pages.show(
        "console/members/delete_segment.html",
        HERE,
        segment=segment,
        sentence=sentence,
        problems=entries.problems,
    )
