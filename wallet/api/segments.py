"""Segments: trees of conditions that have names, for lists, messages and offers."""

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import (
    SegmentChanged,
    SegmentInUse,
    SegmentRefused,
    UnknownProgramme,
    UnknownSegment,
)
from ledger.programmes.programmes import Programme
from ledger.segments import named
from ledger.segments.named import SavedSegment
from wallet.api import lookup, paging
from wallet.api.auth import author, needs
from wallet.api.bodies.segments import (
    SegmentIn,
    SegmentOf,
    SegmentOut,
    SegmentSearch,
    SegmentsOut,
)
from wallet.api.calls import refuses
from wallet.installation import current_installation
from wallet.outreach import kept_segments

routes = APIBlueprint("segments", __name__, tag="Segments")


@routes.get("/segments")
@routes.doc(operation_id="listSegments")
@needs("members:read")
@refuses(UnknownProgramme)
@routes.input(SegmentSearch, location="query")
@routes.output(SegmentsOut)
def find(query_data: SegmentSearch) -> SegmentsOut:
    """The segments of a programme, oldest first."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(named.page(session, programme.id, place.position or 0, place.most))
        return SegmentsOut(
            items=[_segment_out(programme, one) for one in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/segments/<name>")
@routes.doc(operation_id="getSegment")
@needs("members:read")
@refuses(UnknownProgramme, UnknownSegment)
@routes.input(SegmentOf, location="query")
@routes.output(SegmentOut)
def read(name: str, query_data: SegmentOf) -> SegmentOut:
    """One segment."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        return _segment_out(programme, named.named(session, programme.id, name))


@routes.put("/segments/<name>")
@routes.doc(operation_id="putSegment")
@needs("campaigns:write")
@refuses(UnknownProgramme, SegmentRefused, SegmentChanged)
@routes.input(SegmentIn)
@routes.output(SegmentOut)
def put(name: str, json_data: SegmentIn) -> SegmentOut:
    """Save which members a name means from now on.

    Messages and offers that have begun keep what it meant then. Sent again it changes nothing."""

    def work(session: Session) -> SegmentOut:
        programme = lookup.programme(session, json_data.programme)
        saved = kept_segments.save(
            session,
            programme,
            name,
            json_data.audience,
            author(session),
            current_installation().clock(),
            revision=json_data.revision,
        )
        return _segment_out(programme, saved)

    return current_installation().database.run(work, idempotent=True)


@routes.delete("/segments/<name>")
@routes.doc(operation_id="deleteSegment")
@needs("campaigns:write")
@refuses(UnknownProgramme, UnknownSegment, SegmentInUse)
@routes.input(SegmentOf, location="query")
@routes.output(SegmentOut)
def delete(name: str, query_data: SegmentOf) -> SegmentOut:
    """Delete a segment. Answers with what it was.

    One that a message or an offer waits for is refused, with their names."""

    def work(session: Session) -> SegmentOut:
        programme = lookup.programme(session, query_data.programme)
        was = _segment_out(programme, named.named(session, programme.id, name))
        now = current_installation().clock()
        kept_segments.delete(session, programme, name, author(session), now)
        return was

    return current_installation().database.run(work)


def _segment_out(programme: Programme, segment: SavedSegment) -> SegmentOut:
    return SegmentOut(
        programme=programme.code,
        name=segment.name,
        audience=segment.tree,
        revision=segment.revision,
        made_by=segment.made_by,
        created_at=segment.created_at,
        changed_at=segment.changed_at,
    )
