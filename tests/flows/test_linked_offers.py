"""A member's coupons at Google are shown with their card there, for as long as they count."""

from datetime import timedelta

import googles
import offer_pages
import pytest
import requests
from sqlalchemy import func, select

from wallet.google.mirror import DueRow
from wallet.sandbox.google import RunningGoogle
from wallet.sandbox.google.resources import OBJECT, OFFER

LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}


@pytest.fixture(autouse=True)
def _quick(google: RunningGoogle, monkeypatch) -> None:
    monkeypatch.setattr(google.stand_in, "hang_s", 0.2)


@pytest.fixture
def save(client):
    """Press a button that leads to Google; the object that is there then."""

    def saved(link: str) -> str:
        answer = client.get(link.removeprefix(LOCAL), follow_redirects=False)
        while answer.location.startswith("/"):
            answer = client.get(answer.location)
        return str(requests.get(answer.location, timeout=5).json()["objectIds"][0])

    return saved


@pytest.fixture
def card(save, member) -> str:
    return save(member["links"]["google"])


@pytest.fixture
def publish(api, house):
    def published(title: str = "Латте", **terms: object) -> dict:
        body = {"programme": "demo", "title": title, **terms}
        return api.post("offers", body).get_json()

    return published


@pytest.fixture
def coupon(client, save, member, card, house):
    """Take the offer on the card's page and add it from there; its object."""

    def added(offer: dict) -> str:
        object_id = save(offer_pages.taken(client, member, offer) + "/google")
        run(house)
        return object_id

    return added


def run(house) -> None:
    house.run("upkeep", "relay", "waves", "google")
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DueRow)) == 0


def linked(google: RunningGoogle, card: str) -> list[str]:
    return list(google.stand_in.resources.get(OBJECT, card).get("linkedOfferIds", []))


def test_a_coupon_is_linked_when_google_has_it(google, card, publish, coupon, house) -> None:
    first, second = publish("Латте"), publish("Круассан")
    run(house)
    assert linked(google, card) == []
    one = coupon(first)
    assert linked(google, card) == [one]
    two = coupon(second)
    assert linked(google, card) == [two, one]


def test_one_that_came_before_the_card_is_linked_with_it(
    client, google, save, member, publish, house
) -> None:
    one = save(offer_pages.taken(client, member, publish()) + "/google")
    run(house)
    card = save(member["links"]["google"])
    assert linked(google, card) == [one]


def test_a_coupon_at_apple_alone_is_none_of_googles(
    api, google, member, card, publish, house
) -> None:
    offer = publish()
    assert api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).status_code == 201
    run(house)
    assert linked(google, card) == []


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("use", "COMPLETED"),
        ("void", "INACTIVE"),
        ("expire", "EXPIRED"),
        ("withdraw", "INACTIVE"),
        ("time", "EXPIRED"),
    ],
)
def test_when_it_is_over_it_is_unlinked(
    api, google, card, publish, coupon, house, end: str, state: str
) -> None:
    until = (house.clock() + timedelta(days=2)).isoformat()
    offer, other = publish(until=until), publish("Круассан")
    one, two = coupon(offer), coupon(other)
    assert linked(google, card) == [two, one]
    if end == "withdraw":
        api.call("post", f"offers/{offer['id']}/withdraw")
    elif end == "time":
        house.clock.advance(days=2)
    else:
        api.post(f"passes/{one.partition('.')[2]}/{end}", {})
    run(house)
    assert linked(google, card) == [two]
    assert google.stand_in.resources.get(OFFER, one)["state"] == state


def test_one_that_is_good_again_is_linked_again(api, google, card, publish, coupon, house) -> None:
    one = coupon(publish())
    for step, links in (("use", []), ("restore", [one])):
        api.post(f"passes/{one.partition('.')[2]}/{step}", {})
        run(house)
        assert linked(google, card) == links


def test_the_unlinking_is_silent_and_touches_nothing_else(
    api, google, card, publish, coupon, house
) -> None:
    one = coupon(publish())
    before = google.stand_in.resources.get(OBJECT, card)
    spoken = len(google.stand_in.resources.card(card).notices)
    api.post(f"passes/{one.partition('.')[2]}/use", {})
    run(house)
    after = google.stand_in.resources.get(OBJECT, card)
    assert {**after, "linkedOfferIds": [one]} == before
    assert len(google.stand_in.resources.card(card).notices) == spoken


def test_a_link_that_google_refuses_does_not_hold_up_the_card(
    api, google, member, card, publish, coupon, house
) -> None:
    """Google has forgotten the coupon: points still arrive. When it is there again, so is the
    link."""
    one = coupon(publish())
    del google.stand_in.resources._kept[OFFER.path][one]
    api.post("accruals", {"member": member["id"], "points": 7})
    run(house)
    shown = google.stand_in.resources.get(OBJECT, card)
    assert shown["loyaltyPoints"]["balance"]["int"] == 7
    assert linked(google, card) == []
    for _ in range(3):
        house.clock.advance(days=1, minutes=1)
        house.run("google-check")
        run(house)
    assert linked(google, card) == [one]


def test_a_card_that_is_right_is_left_alone_and_others_links_are_undone(
    google, card, publish, coupon, house
) -> None:
    one = coupon(publish())
    began = google.stand_in.stats.requests
    house.clock.advance(hours=2)
    house.run("google-check")
    run(house)
    assert google.stand_in.stats.requests - began == 2  # the card and the coupon were read
    google.stand_in.resources.patch(OBJECT, card, {"linkedOfferIds": []})
    house.clock.advance(days=2)
    house.run("google-check")
    run(house)
    assert linked(google, card) == [one]


def test_whoever_is_erased_is_linked_to_nothing(
    api, google, member, card, publish, coupon, house
) -> None:
    coupon(publish())
    assert api.delete(f"members/{member['id']}").status_code == 200
    run(house)
    assert linked(google, card) == []
