"""Members of a list as a file: the same as by the API, noted in the same record."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from ledger.book.roster import RosterFilter
from ledger.programmes import units
from ledger.words import N_
from wallet.access.exports import ExportFormat, ExportOrder
from wallet.access.files import ExportRun, ExportSource, ListItem, TableRow
from wallet.console import pages
from wallet.console.forms import FormEntries
from wallet.console.members import conditions
from wallet.console.members import members as list_of
from wallet.console.members.conditions import Reading
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.people import listing as member_listing

routes = Blueprint("member_files", __name__)

TYPES: dict[str, ExportFormat] = {"csv": "csv", "ndjson": "ndjson"}
MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


# The columns of the table in words, and the words for what stands in them.
COLUMN_WORDS: Mapping[str, str] = {
    "id": N_("The member"),
    "programme": N_("Programme"),
    "state": N_("State"),
    "created_at": N_("Joined"),
    "merged_into": N_("Merged into"),
    "household": N_("Shared account"),
    "confirmed": N_("Confirmed"),
    "card": N_("Card number"),
    "card_state": N_("Card"),
    "available": N_("Balance now"),
    "pending": N_("Not active yet"),
    "held": N_("Set aside"),
    "debt": N_("Owed"),
    "available_money": N_("Balance now, money"),
    "pending_money": N_("Not active yet, money"),
    "held_money": N_("Set aside, money"),
    "debt_money": N_("Owed, money"),
    "currency": N_("Currency"),
    "name": N_("Name"),
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "birthday": N_("Birthday"),
    "locale": N_("Language"),
    "external_id": N_("Number in another system"),
    "marketing": N_("Agrees to messages"),
    "personal_data": N_("Agrees to the use of personal data"),
}
VALUE_WORDS: Mapping[str, Mapping[Any, str]] = {
    "state": {"active": N_("member"), "merged": N_("merged"), "erased": N_("erased")},
    "card_state": {
        "active": N_("valid"),
        "blocked": N_("blocked"),
        "void": N_("void"),
        "expired": N_("expired"),
    },
    "confirmed": {True: N_("yes"), False: N_("no")},
    "marketing": {True: N_("yes"), False: N_("no")},
    "personal_data": {True: N_("yes"), False: N_("no")},
}


def in_words(source: ExportSource) -> ExportSource:
    """The same table in the reader's language."""
    said = {
        column: {value: _(words) for value, words in values.items()}
        for column, values in VALUE_WORDS.items()
    }

    def rows(item: ListItem) -> Iterator[TableRow]:
        for row in source.rows(item):
            yield [
                said[column].get(value, value) if column in said else value
                for column, value in zip(source.columns, row, strict=True)
            ]

    return ExportSource(source.pages, [_(COLUMN_WORDS[one]) for one in source.columns], rows)


@routes.get(f"{IN_PROGRAMME}/members/export")
@needs("exports:read")
def export() -> str:
    """Which members the file will have, and in which form it is wanted."""
    house = current_installation()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        wanted = list_of.asked(session, programme.id)
        count = list_of.count_in_words(session, wanted, programme, unit, house.clock())
    return pages.show(
        "console/members/export.html",
        list_of.HERE,
        count=count,
        sentence=""
        if wanted.is_plain
        else conditions.sentence(wanted.tree, Reading(unit, programme.timezone)),
        query=request.query_string.decode(),
        may_see=pages.may(PERSONAL),
    )


@routes.post(f"{IN_PROGRAMME}/members/export")
@needs("exports:read")
def take() -> Response:
    """The file, written as it is taken. That it begins is noted before its first byte."""
    house, entries = current_installation(), FormEntries()
    format_ = TYPES.get(entries["format"], "csv")
    people = pages.may(PERSONAL) and entries.ticked("people")
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        wanted = list_of.asked(session, programme.id)
    filters: dict[str, str] = {"state": wanted.state}
    if wanted.is_plain:
        which = RosterFilter(programme.code, wanted.state)
        source = member_listing.members(which, unit, house.clock(), people=people)
    else:
        filters["audience"] = conditions.written(wanted.tree)
        source = member_listing.of_segment(
            programme, wanted.tree, unit, house.clock(), people=people
        )
    if format_ == "csv":
        source = in_words(source)
    order = ExportOrder(programme.id, "members", format_, people, filters, pages.author())
    return taken(order, source)


def taken(order: ExportOrder, source: ExportSource) -> Response:
    """The file of an order, written as it is taken."""
    house, format_ = current_installation(), order.format
    run = ExportRun(house.database, house.clock, order, source)
    answer = Response(run.pieces(), mimetype=MEDIA_TYPES[format_])
    answer.call_on_close(run.end)
    answer.headers["Content-Disposition"] = f'attachment; filename="members.{format_}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
