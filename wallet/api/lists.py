"""Lists of members: whom another system names one by one, for messages and offers to them. The
condition `listed` means those who are on one."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.orm import Session

from ledger import languages
from ledger.errors import ListExists, ListInUse, ListRefused, UnknownList, UnknownProgramme
from ledger.imports import listing, wording
from ledger.imports.listing import NamedMembers
from ledger.languages import Language
from ledger.programmes.programmes import Programme
from ledger.segments import lists
from ledger.segments.lists import MemberList
from wallet.api import idempotent, lookup, paging
from wallet.api.auth import author, needs
from wallet.api.bodies.lists import (
    MADE,
    ListIn,
    ListMadeOut,
    ListOf,
    ListOut,
    ListRowOut,
    ListSearch,
    ListsOut,
)
from wallet.api.calls import refuses, up_to
from wallet.installation import current_installation
from wallet.outreach import kept_lists

MOST_BODY_BYTES = 4 * 1024 * 1024

routes = APIBlueprint("lists", __name__, tag="Lists")


@routes.before_request
def allow_large_bodies() -> None:
    """A list may have a larger body than other calls."""
    request.max_content_length = MOST_BODY_BYTES


@routes.post("/lists")
@routes.doc(operation_id="createList")
@needs("campaigns:write")
@refuses(UnknownProgramme, ListRefused, ListExists)
@up_to(MOST_BODY_BYTES)
@routes.input(ListIn)
@routes.output(ListMadeOut, status_code=201, example=MADE)
@idempotent.keyed(required=False)
def create(json_data: ListIn, key: str | None) -> Response:
    """Make a list of members, and say what became of each row.

    Numbers and addresses are read as a file of recipients has them in the console. If nobody can be
    on it, no list is made. `{"kind": "listed", "list": name}` means those who are on it."""

    def effect(session: Session, now: datetime) -> ListMadeOut:
        programme = lookup.programme(session, json_data.programme)
        rows = [one.values for one in json_data.members]
        found = listing.of_values(session, programme, rows, now)
        made = kept_lists.make(session, programme, json_data.name, found, author(session), now)
        told = languages.ours(*languages.accepted(request.accept_languages), *programme.languages)
        return ListMadeOut(**_list_out(programme, made).model_dump(), rows=_rows_out(found, told))

    return idempotent.created(json_data, effect, key)


@routes.get("/lists")
@routes.doc(operation_id="listLists")
@needs("campaigns:read")
@refuses(UnknownProgramme)
@routes.input(ListSearch, location="query")
@routes.output(ListsOut)
def find(query_data: ListSearch) -> ListsOut:
    """The lists of a programme, newest first."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(lists.page(session, programme.id, place.position, place.most))
        return ListsOut(
            items=[_list_out(programme, one) for one in page.rows], next_cursor=page.next_cursor
        )


@routes.get("/lists/<name>")
@routes.doc(operation_id="getList")
@needs("campaigns:read")
@refuses(UnknownProgramme, UnknownList)
@routes.input(ListOf, location="query")
@routes.output(ListOut)
def read(name: str, query_data: ListOf) -> ListOut:
    """One list."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        return _list_out(programme, lists.named(session, programme.id, name))


@routes.delete("/lists/<name>")
@routes.doc(operation_id="deleteList")
@needs("campaigns:write")
@refuses(UnknownProgramme, UnknownList, ListInUse)
@routes.input(ListOf, location="query")
@routes.output(ListOut)
def delete(name: str, query_data: ListOf) -> ListOut:
    """Delete a list. Answers with what it was.

    One that a segment, a campaign or an offer still means is refused, with their names."""

    def work(session: Session) -> ListOut:
        programme = lookup.programme(session, query_data.programme)
        was = _list_out(programme, lists.named(session, programme.id, name))
        now = current_installation().clock()
        kept_lists.delete(session, programme, name, author(session), now)
        return was

    return current_installation().database.run(work)


def _list_out(programme: Programme, one: MemberList) -> ListOut:
    return ListOut(
        programme=programme.code,
        name=one.name,
        size=one.size,
        left_out=one.left_out,
        made_by=one.made_by,
        created_at=one.created_at,
    )


def _rows_out(found: NamedMembers, language: Language) -> list[ListRowOut]:
    problems = dict(found.problems)
    rows = []
    for number in range(1, found.rows + 1):
        problem, first = problems.get(number), found.again.get(number)
        outcome = "unknown" if problem else "taken" if first is None else "double"
        rows.append(
            ListRowOut.model_validate(
                {
                    "row": number,
                    "outcome": outcome,
                    "first": first,
                    "code": problem and problem.code,
                    "message": problem and wording.sentence(problem.code, problem.facts, language),
                }
            )
        )
    return rows
