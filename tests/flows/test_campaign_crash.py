"""Workers that die in the middle of a campaign, on PostgreSQL with Redis: nobody is missed, nobody
is told twice, in iPhones and at Google."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import googles
import pytest
import requests
from phones import Phone, opened, values
from processes import kill, processes, wait_until
from sqlalchemy import func, select, update

from ledger import programmes
from ledger.members import Profile
from wallet.apple import devices
from wallet.apple.devices import PushRow
from wallet.google.copies import DueRow, GoogleObject
from wallet.google.messages import GoogleMessage
from wallet.outreach import campaigns
from wallet.outreach.campaigns import Campaign, Draft
from wallet.outreach.deliveries import Delivery
from wallet.passes import issuing
from wallet.passes.issuing import Pass
from wallet.sandbox import apns
from wallet.sandbox.apns import Running

IPHONES, ANDROIDS = 500, 25


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def pushes(chain: Path) -> Iterator[Running]:
    with apns.running(chain / "server.pem", chain / "server.key", chain / "root.pem") as stand_in:
        yield stand_in


@pytest.fixture
def google(tmp_path: Path):
    with googles.stood_in(tmp_path / "google") as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], pushes: Running, google, redis_url: str):
    return {
        **environment,
        **googles.environment_of(google),
        "WALLET_APNS_URL": pushes.url,
        "WALLET_BROKER_URL": redis_url.replace("/0", f"/{uuid.uuid4().int % 15 + 1}"),
        "WALLET_LEASE_SECONDS": "2",
        "WALLET_BEAT_SECONDS": "0.5",
    }


def token(number: int) -> str:
    return f"{number:064x}"


def in_iphones(house) -> list[int]:
    """Members with a registered iPhone each; their passes."""
    installation = house.installation
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        passes = [
            issuing.join(
                session,
                programme,
                Profile(name=f"Участник {number}"),
                installation.pass_type,
                installation.keys.first.id,
                house.clock(),
            )
            for number in range(IPHONES)
        ]
        for number, pass_ in enumerate(passes):
            devices.register(session, pass_, f"{number:032x}", token(number), house.clock())
        return [pass_.id for pass_ in passes]


def at_google(house, client, join) -> list[str]:
    """Members whose cards were saved there; the ids of the objects."""
    found = []
    for _ in range(ANDROIDS):
        path = join()["links"]["google"].removeprefix("http://127.0.0.1:8080")
        answer = client.get(path)
        house.clock.advance(seconds=1)  # the budget is counted by our clock
        found += requests.get(answer.location, timeout=5).json()["objectIds"]
    with house.installation.database.transaction() as session:
        session.execute(update(GoogleObject).values(saved=True, heard_at=house.clock()))
    return found


@pytest.mark.timeout(240)
def test_workers_killed_in_the_middle_tell_everybody_once(
    house, client, join, environment, pushes, google, tmp_path
) -> None:
    passes = in_iphones(house)
    objects = at_google(house, client, join)
    database = house.installation.database
    with database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        campaign = campaigns.create(
            session, programme, Draft("Всем", {"ru": "{{name|Друг}}, привет!"}), house.clock()
        )
        campaigns.start(session, campaign.public_id, None, house.clock())

    def settled(*states: str) -> int:
        with database.reading() as session:
            found = select(func.count()).select_from(Delivery)
            return session.scalar(found.where(Delivery.state.in_(states) if states else True)) or 0

    def given() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(GoogleMessage)) or 0

    def waiting() -> int:
        with database.reading() as session:
            return sum(
                session.scalar(select(func.count()).select_from(table)) or 0
                for table in (PushRow, DueRow)
            )

    def worker(service):
        return service.start("worker", "--queues", "messages,apple,google", "--concurrency", "3")

    with processes(environment, tmp_path) as service:
        service.start("beat")
        for reached in (
            lambda: settled() >= 100,  # freezing
            lambda: settled("told") >= 100,
            lambda: settled("told") >= 300,
            lambda: given() >= 1,
            lambda: given() >= 10,
        ):
            running = worker(service)
            wait_until(reached, "some of it")
            kill(running)
        worker(service)
        wait_until(lambda: settled("told") == IPHONES + ANDROIDS, "everybody told")
        wait_until(lambda: waiting() == 0, "empty queues", 90)

    with database.reading() as session:
        states = session.execute(
            select(Delivery.member_id, Delivery.state).order_by(Delivery.member_id)
        ).all()
        assert len(states) == len({row.member_id for row in states}) == IPHONES + ANDROIDS
        assert {row.state for row in states} == {"told"}
        # One new version each: nobody's phone was given the message a second time.
        versions = session.scalars(select(Pass.version).where(Pass.id.in_(passes))).all()
        assert set(versions) == {2}
        assert session.scalars(select(Campaign.state)).one() == "done"
    assert [n for n in range(IPHONES) if pushes.stand_in.heard(token(n)).count < 1] == []
    for object_id in objects:
        card = google.stand_in.resources.card(object_id)
        assert [one.body for one in card.notices] == ["Друг, привет!"], object_id
        assert [one["body"] for one in card.object_["messages"]] == ["Друг, привет!"]
    assert values(opened(fetched(house, client, passes[0])))["news"] == "Участник 0, привет!"


def fetched(house, client, pass_id: int) -> bytes:
    """The bundle as a phone gets it."""
    with house.installation.database.reading() as session:
        pass_ = session.get_one(Pass, pass_id)
    document = {
        "serialNumber": pass_.serial,
        "authenticationToken": house.installation.shelf.token(pass_),
    }
    return Phone(client, document).fetch().data
