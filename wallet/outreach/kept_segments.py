"""Segments with names, as messages and offers use them: saved and deleted with a line in the record
of changes, and kept as long as something waits for them."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.errors import SegmentInUse, UnknownSegment
from ledger.offers import offers
from ledger.programmes.programmes import Programme
from ledger.segments import named
from ledger.segments.named import SavedSegment
from ledger.segments.registry import Segment
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.outreach import campaigns


def save(
    session: Session,
    programme: Programme,
    name: str,
    tree: Segment,
    by: Author,
    now: datetime,
    *,
    revision: int | None = None,
) -> SavedSegment:
    """Save what a name means from now on, see `named.save`, which says what it raises."""
    before = changes.facts(named.locked(session, programme.id, name))
    saved = named.save(session, programme, name, tree, by.name, now, revision=revision)
    of = ChangedThing("segment", saved.name, programme.id)
    changes.note(session, by, "segment.saved", of, now, before, changes.facts(saved))
    return saved


def delete(session: Session, programme: Programme, name: str, by: Author, now: datetime) -> None:
    """Delete a segment. Raises `UnknownSegment`, and `SegmentInUse` while a campaign or an offer
    that is for it has not begun."""
    segment = named.locked(session, programme.id, name)
    if segment is None:
        raise UnknownSegment(name)
    titles = [
        one.titles.get(programme.locale) or next(iter(one.titles.values()))
        for one in offers.that_wait_for(session, programme.id, name)
    ]
    if places := [*campaigns.that_wait_for(session, programme.id, name), *titles]:
        raise SegmentInUse(name, places)
    of = ChangedThing("segment", segment.name, programme.id)
    changes.note(session, by, "segment.deleted", of, now, changes.facts(segment), {})
    named.delete(session, segment)
