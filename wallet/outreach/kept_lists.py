"""Lists of members, as messages and offers use them: made and deleted with a line in the record of
changes, and kept as long as something means them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger import languages
from ledger.errors import ListInUse
from ledger.imports.listing import NamedMembers
from ledger.offers import offers
from ledger.programmes.programmes import Programme
from ledger.segments import documents, lists, named
from ledger.segments.lists import MemberList
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.outreach import campaigns


def make(
    session: Session,
    programme: Programme,
    name: str,
    found: NamedMembers,
    by: Author,
    now: datetime,
) -> MemberList:
    """Make a list of those who were named, see `lists.make`, which says what it raises."""
    made = lists.make(session, programme, name, found.member_ids, found.left_out, by.name, now)
    after = {"size": made.size, "left_out": made.left_out}
    of = ChangedThing("segment", made.name, programme.id)
    changes.note(session, by, "segment.listed", of, now, {}, after)
    return made


def delete(session: Session, programme: Programme, name: str, by: Author, now: datetime) -> None:
    """Delete a list. Raises `UnknownList`, and `ListInUse` while a segment, or a campaign or an
    offer whose recipients are not gathered, means it."""
    one = lists.locked(session, programme.id, name)
    if places := [
        what for what, document in _waiting(session, programme) if _means(document, name)
    ]:
        raise ListInUse(name, places)
    before = {"size": one.size, "left_out": one.left_out}
    of = ChangedThing("segment", one.name, programme.id)
    changes.note(session, by, "segment.list_deleted", of, now, before, {})
    lists.delete(session, one)


def _waiting(session: Session, programme: Programme) -> Iterable[tuple[str, dict[str, Any]]]:
    """What means members and looks for them yet, by name, with its document."""
    for segment in named.page(session, programme.id, 0, named.MOST_SEGMENTS):
        yield segment.name, segment.tree
    for campaign in campaigns.that_gather(session, programme.id):
        yield campaign.name, campaign.audience
    for offer in offers.that_gather(session, programme.id):
        yield languages.said(offer.titles, programme.locale), offer.audience or {}


def _means(document: dict[str, Any], name: str) -> bool:
    """A document that names a segment means what that segment does, which is asked as well."""
    if document.get("kind") == "segment":
        return False
    return name in documents.lists_of(documents.read(document))
