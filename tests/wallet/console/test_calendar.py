"""The calendar: what stands on which day, and how many messages members would get in a week."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from phones import Phone
from sqlalchemy import select
from visitors import HOME, signed_in

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.outreach import campaigns
from wallet.outreach.campaigns import Campaign, CampaignDraft

CALENDAR = f"{HOME}messages/calendar"
NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)  # Wednesday noon in Moscow
AGREED = {"consents": [{"purpose": "marketing", "given": True}]}
DAY = re.compile(r'<td role="cell" class="(k-day[^"]*)">(.*?)</td>', re.DOTALL)
WORDS = {"ru": "Привет", "en": "Hello"}


@pytest.fixture
def clock_now(clock_now):
    clock_now.now = NOW
    return clock_now


def words(page: str) -> str:
    """What a page says."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


def day(page: str, said: str) -> str:
    """What stands on a day, with its links."""
    cells = [cell for _look, cell in DAY.findall(page) if said in words(cell)]
    assert len(cells) == 1, said
    return cells[0]


@pytest.fixture
def plan(installation):
    """Make a campaign that begins at this time of the wall, or is a draft that is meant to."""

    def planned(name: str, time: str, *, is_draft: bool = False, **more: object) -> str:
        with installation.database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            at = datetime.fromisoformat(time)
            moment = at.replace(tzinfo=UTC) - timedelta(hours=3)
            draft = CampaignDraft(name, WORDS, at=moment if is_draft else None, **more)
            made = campaigns.create(session, programme, draft, installation.clock())
            if not is_draft:
                campaigns.start(session, made.public_id, at, installation.clock())
            return made.public_id

    return planned


def test_everything_stands_on_its_day(marketer, plan, api, join) -> None:
    id_ = plan("Friday latte", "2026-12-04T12:00")
    plan("At night", "2026-12-08T23:00")  # quiet hours until ten of the next day
    plan("Perhaps", "2026-12-15T12:00", is_draft=True)
    plan("Next year", "2027-01-20T12:00")
    offer = {"programme": "demo", "title": "Latte", "until": "2026-12-13T21:00:00Z"}
    assert api.post("offers", offer).status_code == 201
    join(name="Анна", birthday="1990-12-24")
    assert api.call("PUT", "programmes/demo/messages/birthday", {"on": True}).status_code == 200
    page = marketer.read(CALENDAR)
    assert "December 2026" in words(page)
    assert "hx-trigger" in re.search(r'<div id="calendar"[^>]*>', page)[0]
    page = marketer.read(f"{CALENDAR}?counted=yes")
    assert "12:00 · planned" in words(day(page, "Friday, 4 December"))
    assert f"messages/{id_}" in day(page, "Friday, 4 December")
    assert "At night" not in words(day(page, ", 8 December"))
    assert "At night 10:00" in words(day(page, ", 9 December"))
    assert "Perhaps 12:00 · draft" in words(day(page, ", 15 December"))
    assert "Next year" not in page
    assert "Birthday about 1" in words(day(page, ", 24 December"))
    assert "today" in words(day(page, "Wednesday, 2 December"))
    assert page.count("k-today") == 1
    bars = re.findall(r'colspan="(\d)" class="(k-span[^"]*)"', page)
    # From today, a Wednesday, to Sunday of the week after.
    assert bars == [
        ("2", "k-span-none"),
        ("5", "k-span k-span-goes-on"),
        ("7", "k-span k-span-came"),
    ]
    assert "Next year" in marketer.read(f"{CALENDAR}?month=2027-01")
    assert "Friday latte" not in marketer.read(f"{CALENDAR}?week=2026-12-07")
    assert "Friday latte" in marketer.read(f"{CALENDAR}?week=2026-12-06")  # ends with this Sunday


def test_months_follow_one_another_and_what_is_none_is_this_one(marketer) -> None:
    page = marketer.read(f"{CALENDAR}?month=2027-01")
    back, on = re.findall(r'href="([^"]+)" rel="(?:prev|next)"', page)
    assert (back[-7:], on[-7:]) == ("2026-12", "2027-02")
    for wrong in ("month=2026-13", "month=9999-12", "week=x", "month=", "week=0001-01-01"):
        assert "December 2026" in words(marketer.read(f"{CALENDAR}?{wrong}"))
    month = marketer.read(f"{CALENDAR}?month=2100-12")
    on = html.unescape(re.search(r'href="([^"]+)" rel="next"', month)[1])
    assert marketer.get(on).status_code == 200


def test_a_day_leads_to_a_campaign_that_has_its_date_and_a_draft_keeps_it(
    marketer, installation, client
) -> None:
    page = marketer.read(CALENDAR)
    assert "messages/new" not in day(page, ", 1 December")  # over
    new = html.unescape(re.search(r'href="([^"]+new\?[^"]+)"', day(page, ", 10 December"))[1])
    form = marketer.read(new)
    assert 'value="2026-12-10T12:00"' in form
    sent = {"name": "Tenth", "text_ru": "x", "whom": "everyone", "allow": "any"}
    answer = marketer.send(
        f"{HOME}messages/new", **sent, when="at", at="2026-12-10T12:00", do="save"
    )
    assert answer.status_code == 303
    assert "Tenth" in words(day(marketer.read(CALENDAR), ", 10 December"))
    with installation.database.reading() as session:
        id_ = session.scalars(select(Campaign)).one().public_id
    assert 'value="2026-12-10T12:00"' in marketer.read(f"{HOME}messages/{id_}/edit")
    assert "Send at that time" in marketer.read(f"{HOME}messages/{id_}/send")
    viewer = signed_in(client, installation, "viewer", email="viewer@example.com")
    assert "messages/new" not in viewer.read(CALENDAR)


def test_a_week_says_who_would_get_the_most(marketer, plan, join, client) -> None:
    for number, name in enumerate(("Борис", "Анна")):
        member = join(name=name, **AGREED)
        phone = Phone.with_card(client, member, device=f"{number}" * 32)
        assert phone.register(token=f"{number}" * 64).status_code == 201
    plan("To all", "2026-12-04T12:00", cap=(3, 7), holdout_percent=10)
    tree = {"kind": "listed", "list": "none"}
    plan("To nobody", "2026-12-04T12:00", audience=tree)
    plan("To all again", "2026-12-05T12:00")
    page = marketer.read(f"{CALENDAR}?week=2026-12-02")
    part = html.unescape(re.search(r'hx-get="([^"]+/load[^"]+)"', page)[1])
    said = words(marketer.read(part))
    assert "Борис would get 2 messages" in said
    assert "2 2 Борис , Анна" in said
    assert "To all : at most 3 messages in 7 days; control group of 10 %" in said
    assert "To all again : no limit of messages" in said
    assert f"members/{member['id']}" in marketer.read(part)
    assert "/load" not in marketer.read(f"{CALENDAR}?week=2026-11-25")  # it is over


def test_nothing_of_another_programme_is_seen(marketer, installation) -> None:
    with installation.database.transaction() as session:
        other = programmes.create(session, Terms("other", "Другая"), NOW)
        draft = CampaignDraft("Secret", {"ru": "x"}, at=NOW + timedelta(days=1))
        campaigns.create(session, other, draft, NOW)
    assert "Secret" not in marketer.read(CALENDAR)
