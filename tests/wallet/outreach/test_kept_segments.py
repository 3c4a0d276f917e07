"""A segment, or a list, is deleted while somebody makes a campaign for it: on PostgreSQL, in every
order that matters."""

from collections.abc import Iterator
from typing import Any

import pytest
from interleaving import Stage, stage
from sqlalchemy import select

from ledger.database.engine import Database
from ledger.errors import ListInUse, SegmentInUse, UnknownSegment
from ledger.imports.listing import NamedMembers
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.segments import documents, lists, named
from wallet.access.changes import Author
from wallet.installation import Installation
from wallet.outreach import campaigns, kept_lists, kept_segments
from wallet.outreach.campaigns import Campaign, CampaignDraft

GUESTS = {"kind": "segment", "name": "Guests"}
LISTED = {"kind": "listed", "list": "Opening"}
BY = Author("command", "test")


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def scene(installation: Installation) -> Iterator[Stage]:
    with stage(installation.database) as there:
        yield there


class Office:
    """Whoever makes campaigns for a segment, saves and deletes it."""

    def __init__(self, house: Any) -> None:
        self.database: Database = house.installation.database
        self.clock = house.clock

    def save(self) -> None:
        """The segment is there, and nothing waits for it."""
        with self.database.transaction() as session:
            for one in session.query(Campaign):
                one.state = "cancelled"
            programme = programmes.by_code(session, "demo")
            tree = documents.EVERYONE
            kept_segments.save(session, programme, "Guests", tree, BY, self.clock())

    def make(self) -> str:
        """A campaign for it."""
        draft = CampaignDraft("Latte", {"ru": "y"}, GUESTS)

        def work(session: Any) -> str:
            programme = programmes.by_code(session, "demo")
            return campaigns.create(session, programme, draft, self.clock()).public_id

        return self.database.run(work)

    def delete(self) -> None:
        """Delete it."""

        def work(session: Any) -> None:
            programme = programmes.by_code(session, "demo")
            kept_segments.delete(session, programme, "Guests", BY, self.clock())

        self.database.run(work)

    def agrees(self) -> bool:
        """Whether a segment is there if a campaign waits for it."""
        with self.database.reading() as session:
            programme_id = programmes.by_code(session, "demo").id
            waits = campaigns.that_wait_for(session, programme_id, "Guests")
            return not waits or named.find(session, programme_id, "Guests") is not None


@pytest.mark.parametrize("deletes_first", [True, False])
def test_either_is_refused(house: Any, scene: Stage, *, deletes_first: bool) -> None:
    office = Office(house)
    first, second = (office.delete, office.make) if deletes_first else (office.make, office.delete)
    office.save()
    for at in range(1, scene.statements_of(first) + 1):
        office.save()
        met = scene.meet(first, second, at)
        refused = [
            one for one in (met.first, met.second) if isinstance(one, SegmentInUse | UnknownSegment)
        ]
        assert len(refused) == 1, (at, met)
        assert office.agrees()


class Lists(Office):
    """The same with a list of members: a campaign or a segment means it."""

    def save(self) -> None:
        """The list is there, and nothing waits for it."""
        with self.database.transaction() as session:
            for one in session.query(Campaign):
                one.state = "cancelled"
            programme = programmes.by_code(session, "demo")
            if (guests := named.find(session, programme.id, "Guests")) is not None:
                named.delete(session, guests)
            if lists.find(session, programme.id, "Opening") is None:
                member = session.scalars(select(Member)).first()
                found = NamedMembers({member.id: 1}, 1, 0, [], {})
                kept_lists.make(session, programme, "Opening", found, BY, self.clock())

    def make(self) -> str:
        """A campaign for it."""
        draft = CampaignDraft("Latte", {"ru": "y"}, LISTED)

        def work(session: Any) -> str:
            programme = programmes.by_code(session, "demo")
            return campaigns.create(session, programme, draft, self.clock()).public_id

        return self.database.run(work)

    def keep(self) -> None:
        """A segment that means it."""

        def work(session: Any) -> None:
            programme = programmes.by_code(session, "demo")
            tree = documents.read(LISTED)
            kept_segments.save(session, programme, "Guests", tree, BY, self.clock())

        self.database.run(work)

    def delete(self) -> None:
        """Delete it."""

        def work(session: Any) -> None:
            programme = programmes.by_code(session, "demo")
            kept_lists.delete(session, programme, "Opening", BY, self.clock())

        self.database.run(work)

    def is_there(self) -> bool:
        """Whether it was not deleted."""
        with self.database.reading() as session:
            programme_id = programmes.by_code(session, "demo").id
            return lists.find(session, programme_id, "Opening") is not None


@pytest.mark.parametrize("means", ["make", "keep"])
def test_a_list_that_is_being_used_is_not_deleted(
    house: Any, scene: Stage, member: dict, means: str
) -> None:
    """Who is first to use it keeps it. Who deletes it first has it deleted: nobody is on a list
    that is not there, and whoever uses it then sees so."""
    office = Lists(house)
    use = getattr(office, means)
    office.save()
    last = scene.statements_of(use)  # its commit
    for at in range(1, last + 1):
        office.save()
        met = scene.meet(use, office.delete, at)
        used_first = isinstance(met.second, ListInUse)
        assert not isinstance(met.first, Exception)
        assert used_first or met.second is None, (at, met)
        assert office.is_there() is used_first, (at, met)
        assert used_first or at < last, met
