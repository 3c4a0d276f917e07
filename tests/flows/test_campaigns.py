"""A campaign, from the draft to the phones that fetched it, through a real push connection and
Google's stand-in."""

from collections.abc import Iterator

import googles
import pytest
import requests
from books import check_books
from phones import Phone, opened, values
from sqlalchemy import select

from wallet.outreach.deliveries import Delivery
from wallet.sandbox import apns
from wallet.sandbox.apns import Running
from wallet.sandbox.google.resources import OBJECT

TOKENS = [f"{number:064x}" for number in range(400)]
PUMPS = ("upkeep", "relay", "waves", "messages", "apple", "google")
TEXTS = {"ru": "{{name|Друг}}, латте за полцены!", "en": "{{name|Friend}}, latte is half price!"}


@pytest.fixture
def pushes(chain) -> Iterator[Running]:
    with apns.running(chain / "server.pem", chain / "server.key", chain / "root.pem") as stand_in:
        yield stand_in


@pytest.fixture
def google(tmp_path):
    with googles.stood_in(tmp_path / "google") as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], pushes: Running, google) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, **googles.environment_of(google)}


@pytest.fixture(autouse=True)
def _books(house, monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(
        house.installation.google, "_pause", lambda seconds: house.clock.advance(seconds=seconds)
    )
    yield
    with house.installation.database.reading() as session:
        check_books(session)
    house.installation.google.close()


@pytest.fixture
def phone(client, member) -> Phone:
    phone = Phone.with_card(client, member)
    assert phone.register(TOKENS[0]).status_code == 201
    return phone


def draft(api, **more: object) -> dict:
    body = {"programme": "demo", "name": "Латте", "texts": TEXTS, **more}
    answer = api.post("campaigns", body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def start(api, campaign: dict, **body: object) -> dict:
    answer = api.post(f"campaigns/{campaign['id']}/start", body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def read(api, campaign: dict) -> dict:
    return api.get(f"campaigns/{campaign['id']}").get_json()


def funnel(api, campaign: dict) -> dict:
    answer = api.get(f"campaigns/{campaign['id']}/results")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def messages(api, member: dict) -> list[dict]:
    return api.get(f"members/{member['id']}/messages").get_json()["items"]


def save_to_google(client, member: dict) -> str:
    """The button on the card's page, and the person who saves it; the id of the object."""
    answer = client.get(member["links"]["google"].removeprefix("http://127.0.0.1:8080"))
    assert answer.status_code == 303
    return requests.get(answer.location, timeout=5).json()["objectIds"][0]


def hear_of_saving(house) -> None:
    """What Google's callback would have said."""
    with house.installation.database.transaction() as session:
        for known in session.scalars(select(googles_object())):
            known.saved = True


def googles_object():
    from wallet.google.copies import GoogleObject  # noqa: PLC0415

    return GoogleObject


def news_of(phone: Phone) -> tuple[str, str | None]:
    """The text on the card, and what the phone says when it changes."""
    document = opened(phone.fetch().data)
    field = next(f for f in document["storeCard"]["backFields"] if f["key"] == "news")
    return field["value"], field.get("changeMessage")


def test_a_campaign_reaches_the_iphone_and_google(
    api, client, member, phone, house, pushes, google
) -> None:
    object_id = save_to_google(client, member)
    hear_of_saving(house)
    phone.fetch()
    campaign = draft(api)
    assert campaign["state"] == "draft"
    assert start(api, campaign)["state"] == "running"
    house.run(*PUMPS)
    assert pushes.stand_in.heard(TOKENS[0]).count == 1
    assert funnel(api, campaign)["apple"]["accepted"] == 1
    assert news_of(phone) == ("Анна, латте за полцены!", "%@")
    written = google.stand_in.resources.get(OBJECT, object_id)
    assert [one["body"] for one in written["messages"]] == ["Анна, латте за полцены!"]
    notices = google.stand_in.resources.card(object_id).notices
    assert [one.body for one in notices] == ["Анна, латте за полцены!"]
    assert read(api, campaign)["state"] == "done"
    told = funnel(api, campaign)
    assert (told["audience"], told["told"]) == (1, 1)
    assert (told["apple"]["fetched"], told["google"]["accepted"]) == (1, 1)
    (only,) = messages(api, member)
    assert (only["apple"], only["google"]) == ("fetched", "accepted")
    assert only["fetched_at"] is not None
    # Nothing is told again, whatever is asked.
    house.run(*PUMPS)
    assert pushes.stand_in.heard(TOKENS[0]).count == 1
    assert len(google.stand_in.resources.card(object_id).notices) == 1
    with house.installation.database.reading() as session:
        assert session.scalars(select(Delivery.state)).all() == ["told"]


def test_the_text_is_on_the_card_that_a_phone_adds_later(api, join, client, phone, house) -> None:
    late = join(name="Пётр")
    start(api, draft(api))
    house.run(*PUMPS)
    (only,) = messages(api, late)
    assert (only["state"], only["why"][0]["code"]) == ("no_card", "no_card")
    assert values(opened(Phone.with_card(client, late).fetch().data))["news"] == "—"
