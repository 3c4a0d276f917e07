"""What is foretold comes: messages of the days to come, and how many each member gets in a week,
are compared with what is sent when these days are there."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from phones import Phone
from sqlalchemy import select
from statements import recorded

from ledger.people import members
from ledger.programmes import programmes
from wallet.outreach import campaigns, forecast
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.deliveries import Delivery

PUMPS = ("upkeep", "relay", "waves", "messages", "relay")
NOON = datetime(2027, 2, 22, 9, tzinfo=UTC)  # a Monday in Moscow, in the hours of daily messages
DAYS = [date(2027, 2, 22) + timedelta(days=number) for number in range(8)]
AGREED = {"consents": [{"purpose": "marketing", "given": True}]}


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def database_url(request) -> str:
    return request.getfixturevalue(request.param)


@pytest.fixture
def clock_now(clock_now):
    clock_now.now = NOON
    return clock_now


@pytest.fixture
def street(api, client, house, join) -> dict[str, dict]:
    """Members whose days come, most of them with a card in a phone and asked for news."""
    people = {}
    house.clock.now = NOON - timedelta(days=10)
    for number, (name, more) in enumerate(
        {
            "Anna": {"birthday": "1990-02-25"},
            "Boris": {"birthday": "1992-02-29"},  # celebrated on the 28th in 2027
            "Vera": {"birthday": "1990-02-26"},  # her card is in no phone
            "Gleb": {},
            "Dina": {},
        }.items()
    ):
        people[name] = join(name=name, **AGREED, **more)
        if name != "Vera":
            phone = Phone.with_card(client, people[name], f"{number:032x}")
            assert phone.register(f"{number:064x}").status_code == 201
    for name, days_ago, lives in (
        ("Anna", 4, 9),  # runs out on the 27th; bought on the 18th
        ("Gleb", 3, 30),
        ("Dina", 3, 30),
        ("Dina", 1, 4),  # came back; runs out on the 25th
    ):
        house.clock.now = NOON - timedelta(days=days_ago)
        expires = (house.clock.now + timedelta(days=lives)).isoformat()
        body = {"member": people[name]["id"], "points": 100, "expires_at": expires}
        assert api.post("accruals", body).status_code == 201
    house.clock.now = NOON
    for kind, more in (
        ("birthday", {}),
        ("burning", {"days": 2}),
        ("lapsed", {"days": 5, "consent": "given"}),
    ):
        answer = api.call("PUT", f"programmes/demo/messages/{kind}", {"on": True, **more})
        assert answer.status_code == 200, answer.text
    return people


def test_each_day_brings_what_was_foretold(street, house) -> None:
    database = house.installation.database
    with database.reading() as session:
        programme = programmes.by_code(session, "demo")
        foretold = forecast.due_by_day(session, programme, DAYS, house.clock())
    came = Counter()
    for number in range(len(DAYS)):
        house.clock.now = NOON + timedelta(days=number)
        house.run(*PUMPS)
    with database.reading() as session:
        zone = ZoneInfo(programme.timezone)
        for one in session.scalars(select(Delivery)):
            came[one.kind, one.created_at.astimezone(zone).date()] += 1
    # Who bought by now is known to stay away until four days from now, and no longer.
    assert foretold == {key: count for key, count in came.items() if key[0] != "lapsed"} | {
        key: count for key, count in came.items() if key[0] == "lapsed" and key[1] <= DAYS[4]
    }
    assert {kind for kind, _day in foretold} == {"birthday", "burning", "lapsed"}


def test_a_week_holds_as_many_messages_for_each_as_come(street, house) -> None:
    database = house.installation.database
    with database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        at = datetime.fromisoformat("2027-02-24T23:00")  # in quiet hours: told on the 25th
        for name, audience in (
            ("To all", {"kind": "everyone"}),
            ("To those with points", {"kind": "balance", "at_least": 1}),
        ):
            draft = CampaignDraft(name, {"ru": "Привет"}, audience)
            made = campaigns.create(session, programme, draft, house.clock())
            campaigns.start(session, made.public_id, at, house.clock())
        late = campaigns.create(session, programme, CampaignDraft("Late", {"ru": "x"}), NOON)
        campaigns.start(
            session, late.public_id, datetime.fromisoformat("2027-02-28T22:00"), house.clock()
        )
        campaigns.create(session, programme, CampaignDraft("Draft", {"ru": "x"}, at=NOON), NOON)
        names = {members.by_public_id(session, one["id"]).id: name for name, one in street.items()}

    def foretold() -> dict[str, int]:
        with database.reading() as session:
            found = forecast.load(session, programme, DAYS[:7], house.clock())
            assert [one.name for one in found.of] in (["To all", "To those with points"], [])
            assert sum(one.members for one in found.lines) == sum(
                len(one.some) for one in found.lines
            )
            return {names[id_]: one.messages for one in found.lines for id_ in one.some}

    before, halfway = foretold(), {}
    for number in range(len(DAYS) - 1):
        house.clock.now = NOON + timedelta(days=number)
        house.run(*PUMPS)
        if number == 3:
            halfway = foretold()
    with database.reading() as session:
        told = select(Delivery.member_id).where(Delivery.told_at.is_not(None))
        came = Counter(names[id_] for id_ in session.scalars(told))
    assert came["Anna"] == 5  # two campaigns, her birthday, points that run out, her absence
    assert "Vera" not in came
    assert before == came
    assert halfway == came


def test_it_takes_as_many_statements_for_many_members_as_for_few(street, house, join) -> None:
    def asked() -> int:
        database = house.installation.database
        with database.reading() as session, recorded(database) as statements:
            programme = programmes.by_code(session, "demo")
            forecast.load(session, programme, DAYS[:7], NOON)
            forecast.due_by_day(session, programme, DAYS, NOON)
        return len(statements)

    few = asked()
    for number in range(20):
        join(name=f"N{number}", birthday=f"1990-02-{22 + number % 6}", **AGREED)
    assert asked() == few


def test_at_most_so_many_campaigns_are_counted(street, house, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "MOST_CAMPAIGNS", 1)
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        for name in ("First", "Second"):
            made = campaigns.create(session, programme, CampaignDraft(name, {"ru": "x"}), NOON)
            campaigns.start(
                session, made.public_id, datetime.fromisoformat("2027-02-23T12:00"), NOON
            )
        found = forecast.load(session, programme, DAYS[:7], NOON)
    assert ([one.name for one in found.of], found.uncounted) == (["First"], 1)
