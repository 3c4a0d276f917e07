"""Recipients from a file: who is named there, and which rows name nobody."""

from typing import Any, BinaryIO, cast

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.contacts import Unfit, readable
from ledger.errors import ListExists, ListRefused, Refusal
from ledger.imports import listing as listed_files
from ledger.imports import wording
from ledger.imports.listing import NamedMembers
from ledger.segments import lists
from ledger.segments.kinds.listed import Listed
from wallet.console import doing, pages
from wallet.console.forms import FormEntries, FormRefused
from wallet.console.members import conditions
from wallet.console.messages.told import HERE, WRITE, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import kept_lists
from wallet.pages import language
from wallet.pages.language import gettext as _

PAGE, MADE = "console/messages/list_new.html", "console/messages/list_made.html"
UPLOAD = "console.lists.make"
SHOWN = 50  # lists that are offered again

routes = Blueprint("lists", __name__)


@routes.get(f"{IN_PROGRAMME}/messages/lists/new")
@needs(WRITE)
def new() -> str:
    """The form that takes a file, and the lists that there are."""
    return pages.show(PAGE, HERE, typed={}, problems={}, **_around())


@routes.post(f"{IN_PROGRAMME}/messages/lists/new")
@needs(WRITE)
def make() -> Response | str:
    """Make a list of the members whom a file names; say which rows name nobody, and why."""
    entries, house = FormEntries(), current_installation()
    name = _name(entries)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        entries.refuse("file", _("Choose a file: a spreadsheet (XLSX) or a table as text (CSV)."))
    if not entries.fit or sent is None:
        return pages.show_again(PAGE, HERE, entries, typed=entries, **_around())
    file, by = cast(BinaryIO, sent.stream), pages.author()

    def work(session: Session) -> NamedMembers:
        entries.problems.clear()  # the work may be repeated
        reading = CampaignReading.begin(session, house.clock())
        found = listed_files.read(session, reading.programme, file, reading.now)
        if not found.member_ids:
            entries.refuse("file", _("No row of it names a member of this programme."))
            raise FormRefused
        kept_lists.make(session, reading.programme, name, found, by, reading.now)
        return found

    def field_of(refusal: Refusal) -> str:
        return "name" if isinstance(refusal, ListRefused | ListExists) else "file"

    found = doing.made(entries, work, field_of)
    if found is None:
        return pages.show_again(PAGE, HERE, entries, typed=entries, **_around())
    tongue = language.current()
    return pages.show(
        MADE,
        HERE,
        name=name,
        members=language.number(len(found.member_ids)),
        left_out=language.number(found.left_out) if found.left_out else "",
        rows=[
            (language.number(row), wording.sentence(one.code, one.facts, tongue))
            for row, one in found.problems
        ],
        tree=conditions.written(Listed(kind="listed", list=name)),
    )


def _name(entries: FormEntries) -> str:
    typed = entries.text("name", most=lists.LONGEST_NAME)
    try:
        return readable(typed)
    except Unfit:
        entries.refuse("name", _("This has signs that nobody can read."))
        return ""


def _around() -> dict[str, Any]:
    house = current_installation()
    with house.database.reading() as session:
        reading = CampaignReading.begin(session, house.clock())
        known = lists.page(session, reading.programme.id, None, SHOWN)
        return {
            "most": language.number(listed_files.MOST_LISTED),
            "known": [
                (
                    one.name,
                    language.number(one.size),
                    reading.at(one.created_at),
                    conditions.written(Listed(kind="listed", list=one.name)),
                )
                for one in known
            ],
        }
