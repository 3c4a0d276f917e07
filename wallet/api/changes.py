"""The record of changes: who changed what, and when."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint

from ledger.errors import UnknownProgramme
from wallet.access import changes
from wallet.access.changes import ChangeFilter, ListedChange
from wallet.api import lookup, paging
from wallet.api.auth import PERSONAL, needs, sees_people
from wallet.api.bodies.changes import (
    ChangeAuthorOut,
    ChangedThingOut,
    ChangeOut,
    ChangeSearch,
    ChangesOut,
    FieldChangeOut,
)
from wallet.api.calls import refuses, shows_more
from wallet.installation import current_installation

routes = APIBlueprint("changes", __name__, tag="Changes")


@routes.get("/changes")
@routes.doc(operation_id="listChanges")
@needs("changes:read")
@shows_more(PERSONAL)
@refuses(UnknownProgramme)
@routes.input(ChangeSearch, location="query")
@routes.output(ChangesOut)
def find(query_data: ChangeSearch) -> ChangesOut:
    """Who changed which setting, or what is known of whom, newest first.

    Postings are not in it: the book is their record. What a change says of a person is shown to
    keys with personal:read alone."""
    place = paging.place(query_data, 2)
    with current_installation().database.reading() as session:
        wanted = ChangeFilter(
            programme_id=lookup.programme_id(session, query_data.programme),
            kind=query_data.kind,
            of=query_data.of,
            by=query_data.by,
            since=query_data.since,
            until=query_data.until,
        )
        found = changes.listed(session, wanted, paging.moment(place), place.most)
        page = place.page(found, lambda row: paging.at_moment(row.change.at, row.change.id))
        return ChangesOut(
            items=[_change_out(row) for row in page.rows],
            next_cursor=page.next_cursor,
        )


def _change_out(row: ListedChange) -> ChangeOut:
    change, personal = row.change, row.personal
    return ChangeOut(
        id=change.id,
        number=change.number,
        at=change.at,
        author=ChangeAuthorOut(kind=change.author_kind, name=change.author_name),
        programme=row.programme,
        code=change.code,
        of=ChangedThingOut(kind=change.of_kind, id=change.of_id),
        fields=_fields(change.fields),
        personal=_fields(personal) if personal is not None and sees_people() else None,
    )


def _fields(fields: Mapping[str, Any]) -> list[FieldChangeOut]:
    return [
        FieldChangeOut(name=name, before=before, after=after)
        for name, (before, after) in fields.items()
    ]
