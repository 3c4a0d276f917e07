"""Members of a list as a file: the same as by the API, noted in the same record."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from ledger.book.roster import RosterFilter
from ledger.programmes import units
from wallet.access.exports import ExportFormat, ExportOrder
from wallet.access.files import ExportRun
from wallet.console import pages
from wallet.console.forms import FormEntries
from wallet.console.members import conditions
from wallet.console.members import members as list_of
from wallet.console.members.conditions import Reading
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.people import listing as member_listing

routes = Blueprint("member_files", __name__)

TYPES: dict[str, ExportFormat] = {"csv": "csv", "ndjson": "ndjson"}
MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


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
    order = ExportOrder(programme.id, "members", format_, people, filters, pages.author())
    run = ExportRun(house.database, house.clock, order, source)
    answer = Response(run.pieces(), mimetype=MEDIA_TYPES[format_])
    answer.call_on_close(run.end)
    answer.headers["Content-Disposition"] = f'attachment; filename="members.{format_}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
