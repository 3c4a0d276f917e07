"""Postings of a programme, and one posting by its id."""

from collections.abc import Mapping

from apiflask import APIBlueprint

from ledger.book import daybook
from ledger.book.daybook import DaybookEntry, DaybookPosting
from ledger.errors import UnknownPosting, UnknownProgramme, UnknownUnit
from ledger.programmes import programmes, units
from ledger.programmes.units import Unit
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import needs
from wallet.api.bodies.statements import DaybookIn, DaybookOut, PostingEntryOut, PostingFactsOut
from wallet.api.calls import refuses
from wallet.api.refusals import MONEY
from wallet.api.statements import postings_filter
from wallet.installation import current_installation

routes = APIBlueprint("daybook", __name__, tag="Statements")


@routes.get("/postings")
@routes.doc(operation_id="listPostings")
@needs("members:read")
@refuses(UnknownProgramme, UnknownUnit, *MONEY)
@routes.input(DaybookIn, location="query")
@routes.output(DaybookOut)
def find(query_data: DaybookIn) -> DaybookOut:
    """The postings of a programme, newest first by when they happened.

    Filters are those of a member's statement. Bounds of points are for what one member got or
    gave, without its sign; those in money are for `unit`, or the programme's main unit."""
    place = paging.place(query_data, 2)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        counted = {unit.id: unit for unit in units.of_programme(session, programme.id)}
        unit = units.named(session, programme.id, query_data.unit)
        rows = daybook.page(
            session,
            programme.id,
            postings_filter(query_data, unit),
            None if query_data.unit is None else unit.id,
            paging.moment(place),
            place.most,
        )
    page = place.page(rows, lambda row: paging.at_moment(row.occurred_at, row.posting_id))
    return DaybookOut(
        items=[posting_out(row, programme.code, counted) for row in page.rows],
        next_cursor=page.next_cursor,
    )


@routes.get("/postings/<posting_id>")
@routes.doc(operation_id="getPosting")
@needs("members:read")
@refuses(UnknownPosting)
@routes.output(PostingFactsOut)
def read(posting_id: str) -> PostingFactsOut:
    """One posting: what it was for, and what it did to each member."""
    with current_installation().database.reading() as session:
        posting = lookup.posting(session, posting_id)
        counted = {unit.id: unit for unit in units.of_programme(session, posting.programme_id)}
        programme = programmes.by_id(session, posting.programme_id)
        return posting_out(daybook.one(session, posting.id), programme.code, counted)


def posting_out(
    row: DaybookPosting, programme: str, counted: Mapping[int, Unit]
) -> PostingFactsOut:
    """A posting as lists and exports have it. `counted`: the units of the programme, by id."""
    entries = [_entry_out(entry, counted[entry.unit_id]) for entry in row.entries]
    return PostingFactsOut.model_validate(
        {
            "id": row.id,
            "programme": programme,
            "kind": row.kind,
            "reason": row.reason,
            "receipt": row.receipt,
            "store": row.store,
            "promotion": row.promotion,
            "card": row.card,
            "reverses": row.reverses,
            "undoes": row.undoes,
            "occurred_at": row.occurred_at,
            "posted_at": row.posted_at,
            "purchase": row.purchase,
            "entries": entries,
        }
    )


def _entry_out(entry: DaybookEntry, unit: Unit) -> PostingEntryOut:
    counts = {"points": entry.points}
    if entry.balance_after is not None:
        counts["balance_after"] = entry.balance_after
    return PostingEntryOut.model_validate(
        {
            "member": entry.member,
            "unit": unit.code,
            "account": entry.account,
            "points": entry.points,
            "balance_after": entry.balance_after,
            **in_money(unit, **counts),
        }
    )
