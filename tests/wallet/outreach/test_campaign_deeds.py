"""Two people press Send, or one sends what another one changes: on PostgreSQL, in every order that
matters."""

from collections.abc import Iterator
from typing import Any

import pytest
from interleaving import Stage, stage
from sqlalchemy import select

from ledger.database.engine import Database
from ledger.programmes import programmes
from wallet.access.changes import Author, RecordedChange
from wallet.delivery.providers import Lag
from wallet.errors import CampaignNotReady
from wallet.installation import Installation
from wallet.outreach import campaign_deeds, campaigns
from wallet.outreach.campaigns import Campaign, CampaignDraft

OLD, NEW = {"ru": "y"}, {"ru": "z"}


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def scene(installation: Installation) -> Iterator[Stage]:
    with stage(installation.database) as there:
        yield there


class Desk:
    """Whoever has a campaign before them."""

    def __init__(self, house: Any) -> None:
        self.database: Database = house.installation.database
        self.clock = house.clock
        self.id = ""

    def write(self) -> None:
        """Another draft."""
        with self.database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            draft = CampaignDraft("Latte", OLD)
            self.id = campaigns.create(session, programme, draft, self.clock()).public_id

    def send(self, name: str = "olga@example.com") -> Campaign:
        """Send it."""

        def work(session: Any) -> Campaign:
            by = Author("employee", name)
            campaign = campaigns.by_public_id(session, self.id)
            return campaign_deeds.start(session, campaign, None, by, self.clock())

        return self.database.run(work)

    def send_too(self) -> Campaign:
        """The same, by somebody else."""
        return self.send("ivan@example.com")

    def change(self) -> Campaign:
        """Put other words into it."""

        def work(session: Any) -> Campaign:
            by = Author("employee", "ivan@example.com")
            campaign = campaigns.by_public_id(session, self.id)
            return campaign_deeds.change(session, campaign, {"texts": NEW}, by, self.clock())

        return self.database.run(work)

    def plan(self) -> None:
        """Another campaign that is to begin now, and no other."""
        with self.database.transaction() as session:
            for one in session.query(Campaign):
                one.state = "cancelled"
        self.write()
        with self.database.transaction() as session:
            campaign = campaigns.by_public_id(session, self.id)
            campaign.state, campaign.starts_at = "scheduled", self.clock()

    def begin(self) -> bool:
        """The pump begins it."""
        with self.database.transaction() as session:
            return campaigns.step(session, [], lambda *_: Lag(0, None), self.clock())

    def words(self) -> dict[str, str]:
        """What it says."""
        with self.database.reading() as session:
            return campaigns.by_public_id(session, self.id).texts

    def noted(self) -> list[str]:
        """Who started it, by the record of changes."""
        with self.database.reading() as session:
            query = select(RecordedChange.author_name).where(
                RecordedChange.code == "campaign.started", RecordedChange.of_id == self.id
            )
            return list(session.scalars(query))


def test_two_who_press_send_start_it_once(house: Any, scene: Stage) -> None:
    desk = Desk(house)
    desk.write()
    for at in range(1, scene.statements_of(desk.send) + 1):
        desk.write()
        met = scene.meet(desk.send, desk.send_too, at)
        outcomes = (met.first, met.second)
        started = [one for one in outcomes if isinstance(one, Campaign)]
        refused = [one for one in outcomes if isinstance(one, CampaignNotReady)]
        assert (len(started), len(refused)) == (1, 1), (at, outcomes)
        assert len(desk.noted()) == 1


def test_what_begins_while_it_is_changed_says_one_or_the_other(house: Any, scene: Stage) -> None:
    """Sent at this moment, or planned for it: who changes it is told if they are late, and what
    goes out is what the record says."""
    desk = Desk(house)
    for prepare, begin in ((desk.write, desk.send), (desk.plan, desk.begin)):
        for first, second in ((desk.change, begin), (begin, desk.change)):
            prepare()
            for at in range(1, scene.statements_of(first) + 1):
                prepare()
                met = scene.meet(first, second, at)
                changed = met.first if first == desk.change else met.second
                began = met.second if first == desk.change else met.first
                assert not isinstance(began, Exception), (at, met)
                if isinstance(changed, CampaignNotReady):
                    assert desk.words() == OLD, (at, met)
                else:
                    assert isinstance(changed, Campaign), (at, met)
                    assert desk.words() == NEW, (at, met)
