"""The story of one member: everything once, newest first, however it is paged."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from ledger.book.statements import Filter
from ledger.people import members
from ledger.programmes import units
from wallet.apple.arrivals import Fetch
from wallet.passes import issued
from wallet.people import dossier, timeline
from wallet.people.timeline import StoryFilter, StoryItem


@pytest.fixture
def story(api, join, house, installation):
    """Reads the story of a member who did a few things, page by page."""
    member = join(name="Анна", phone="+79161234509")
    for number in range(5):
        house.clock.advance(minutes=1)
        body = {"member": member["id"], "points": 10 + number, "store": f"s-{number % 2}"}
        assert api.post("accruals", body).status_code == 201
        house.clock.advance(minutes=1)
        api.call("PATCH", f"members/{member['id']}", {"name": f"Анна {number}"})
    house.clock.advance(minutes=1)
    consent = {"purpose": "marketing", "given": True}
    api.call("PATCH", f"members/{member['id']}", {"consents": [consent]})
    house.clock.advance(minutes=1)
    api.post(f"members/{member['id']}/cards", None)
    with installation.database.transaction() as session:
        pass_ = issued.card_of(session, members.by_public_id(session, member["id"]).id)
        for version in range(1, 4):
            at = house.clock() + timedelta(seconds=version)
            session.add(Fetch(pass_id=pass_.id, version=version, fetched_at=at))

    def read(wanted: StoryFilter | None = None, limit: int = 100) -> list[StoryItem]:
        found: list[StoryItem] = []
        place = {}
        while place is not None:
            with installation.database.reading() as session:
                page = _page(session, member["id"], wanted or StoryFilter(), place, limit, house)
            assert len(page.news) <= limit
            found += page.news
            place = page.following
        return found

    return read


def _page(session: Session, public_id: str, wanted, place, limit, house):
    member = members.by_public_id(session, public_id)
    unit = units.named(session, member.programme_id, None)
    return timeline.page(session, member, unit, wanted, place, limit, house.clock())


def test_everything_is_told_once_newest_first(story) -> None:
    whole = story()
    assert [one.at for one in whole] == sorted((one.at for one in whole), reverse=True)
    kinds = [one.kind for one in whole]
    counts = {kind: kinds.count(kind) for kind in timeline.NEWS}
    # Of changes: the member was added, corrected, agreed, and got another card.
    assert counts == {"posting": 5, "message": 0, "fetch": 3, "change": 8, "fact": 4}
    facts = [one.about.kind for one in whole if one.kind == "fact"]
    assert sorted(facts) == ["card_blocked", "card_issued", "consent", "joined"]


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_are_the_whole(story, limit: int) -> None:
    def keys(news: list[StoryItem]) -> set[tuple]:
        return {(one.kind, one.place) for one in news}

    whole, paged = story(), story(limit=limit)
    assert len(paged) == len(whole)
    assert keys(paged) == keys(whole)
    assert [one.at for one in paged] == [one.at for one in whole]


def test_filters_leave_what_is_wanted(story) -> None:
    fetches = story(StoryFilter(frozenset({"fetch"})), limit=2)
    assert {one.kind for one in fetches} == {"fetch"} and len(fetches) == 3
    for wanted, number in (
        (Filter(store="s-0"), 3),
        (Filter(at_least=13), 2),
        (Filter(kind="redemption"), 0),
    ):
        found = story(StoryFilter(postings=wanted))
        assert [one.kind for one in found] == ["posting"] * number


def test_all_that_is_known_is_in_one_document(api, story, join, house, installation) -> None:
    double = join(name="Аня")
    member = api.get("members?card=" + double["card"]["number"]).get_json()["items"][0]
    with installation.database.reading() as session:
        anna = members.by_id(session, 1)
        other = members.by_public_id(session, member["id"])
        assert other.id != anna.id
    api.post(f"members/{double['id']}/merge", {"into": anna.public_id})
    answer = api.get(f"members/{double['id']}/file")
    assert answer.status_code == 200
    told = answer.get_json()
    assert [one["name"] for one in told["members"]] == ["Анна 4", "Аня"]
    assert told["members"][0]["phone"] == "+79161234509"
    assert len(told["members"][0]["cards"]) == 2
    (points,) = told["points"]
    assert points["available"] == sum(range(10, 15))
    assert len(points["postings"]) == 5
    assert {"name": ["Анна 3", "Анна 4"]} in [
        one["fields"] for one in told["members"][0]["changes"]
    ]
    changes = api.get(f"changes?of={double['id']}").get_json()["items"]
    assert changes[0]["code"] == dossier.TAKEN
    api.delete(f"members/{anna.public_id}")
    assert api.get(f"members/{anna.public_id}/file").status_code == 404
