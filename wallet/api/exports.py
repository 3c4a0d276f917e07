"""Members and postings as files, and who took which."""

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel

from ledger.book.roster import RosterFilter
from ledger.errors import MemberErased, UnknownMember, UnknownProgramme, UnknownUnit
from ledger.programmes import programmes, units
from wallet.access import exports
from wallet.access.exports import ExportFormat, ExportKind, ExportOrder
from wallet.access.files import ExportRun, ExportSource
from wallet.api import exporting, lookup, paging
from wallet.api.auth import PERSONAL, author, needs, sees_people
from wallet.api.bodies.exports import (
    CSV,
    MEMBERS_FILE,
    NDJSON,
    POSTINGS_FILE,
    ExportOut,
    ExportSearch,
    ExportsOut,
    MembersExportIn,
    PostingsExportIn,
)
from wallet.api.calls import answers_with, refuses, shows_more
from wallet.api.refusals import MONEY
from wallet.api.statements import postings_filter
from wallet.installation import current_installation
from wallet.people import listing

routes = APIBlueprint("exports", __name__, tag="Exports")

TYPES: dict[str, ExportFormat] = {NDJSON: "ndjson", CSV: "csv"}
TYPE_OF = {format_: type_ for type_, format_ in TYPES.items()}
EXPORT_ID = "Export-Id"  # a header: by this id the record knows the file


@routes.get("/exports/members")
@routes.doc(operation_id="exportMembers")
@needs("exports:read")
@shows_more(PERSONAL)
@refuses(UnknownProgramme, UnknownMember, MemberErased)
@routes.input(MembersExportIn, location="query")
@answers_with(MEMBERS_FILE)
def members(query_data: MembersExportIn) -> Response:
    """The members of a programme as a file, oldest first.

    NDJSON has a member in each line, as their list has them; CSV a row for each. `format` says
    which, or else the header `Accept`; without either it is NDJSON. All of it is of one moment.
    A file that breaks off is no whole file: its transfer ends without its end, and its record
    (`Export-Id`) says `complete: false`."""
    people = sees_people()
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        unit = units.named(session, programme.id, None)
        household_id = None
        if query_data.household is not None:
            household_id = lookup.member_of(session, programme.id, query_data.household).holder_id
    wanted = RosterFilter(
        programme.code, query_data.state, query_data.since, query_data.until, household_id
    )
    source = listing.members(wanted, unit, current_installation().clock(), people=people)
    return _sent("members", programme.id, query_data, source, people=people)


@routes.get("/exports/postings")
@routes.doc(operation_id="exportPostings")
@needs("exports:read")
@refuses(UnknownProgramme, UnknownUnit, *MONEY)
@routes.input(PostingsExportIn, location="query")
@answers_with(POSTINGS_FILE)
def postings(query_data: PostingsExportIn) -> Response:
    """The postings of a programme as a file, oldest first by when they happened.

    NDJSON has a posting in each line, CSV a row for each member whose points or debt it changed.
    All of it is of one moment, so that sums agree with balances."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        counted = {unit.id: unit for unit in units.of_programme(session, programme.id)}
        unit = units.named(session, programme.id, query_data.unit)
    source = exporting.postings(
        programme.code,
        programme.id,
        counted,
        postings_filter(query_data, unit),
        None if query_data.unit is None else unit.id,
    )
    return _sent("postings", programme.id, query_data, source, people=False)


@routes.get("/exports")
@routes.doc(operation_id="listExports")
@needs("exports:read")
@refuses(UnknownProgramme)
@routes.input(ExportSearch, location="query")
@routes.output(ExportsOut)
def find(query_data: ExportSearch) -> ExportsOut:
    """Who exported what, newest first, and how it ended."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme_id = lookup.programme_id(session, query_data.programme)
        page = place.page(exports.listed(session, programme_id, place.position, place.most))
        codes = {
            one: programmes.by_id(session, one).code
            for one in {row.programme_id for row in page.rows}
        }
        return ExportsOut(
            items=[
                ExportOut.model_validate(
                    {
                        "id": row.public_id,
                        "programme": codes[row.programme_id],
                        "what": row.what,
                        "format": row.format,
                        "personal": row.personal,
                        "filters": row.filters,
                        "by": row.by,
                        "started_at": row.started_at,
                        "ended_at": row.ended_at,
                        "complete": row.complete,
                        "rows": row.rows,
                    }
                )
                for row in page.rows
            ],
            next_cursor=page.next_cursor,
        )


def _sent(
    what: ExportKind, programme_id: int, asked: BaseModel, source: ExportSource, *, people: bool
) -> Response:
    """The file, written as it is taken. That it begins is noted before its first byte."""
    house = current_installation()
    told = asked.model_dump(mode="json", exclude={"programme", "format"}, exclude_none=True)
    with house.database.reading() as session:
        by = author(session)
    format_ = _format(asked)
    order = ExportOrder(programme_id, what, format_, people, told, by)
    run = ExportRun(house.database, house.clock, order, source)
    response = Response(run.pieces(), mimetype=TYPE_OF[format_])
    response.call_on_close(run.end)
    response.headers[EXPORT_ID] = run.id
    name = f"{what}.{format_}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _format(asked: BaseModel) -> ExportFormat:
    named: ExportFormat | None = getattr(asked, "format", None)
    if named is not None:
        return named
    best = request.accept_mimetypes.best_match(list(TYPES), NDJSON)
    return TYPES[best or NDJSON]
