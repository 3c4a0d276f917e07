"""Segments with names, by the API."""

from datetime import timedelta

import pytest

RICH = {"kind": "balance", "at_least": 500}
POOR = {"kind": "balance", "at_most": 5}


@pytest.fixture
def put(api):
    def put(name: str, audience: object, **more: object):
        return api.call(
            "PUT", f"segments/{name}", {"programme": "demo", "audience": audience, **more}
        )

    return put


def test_a_segment_is_saved_read_listed_and_deleted(api, put) -> None:
    saved = put("Гости 500", RICH)
    assert saved.status_code == 200, saved.text
    body = saved.get_json()
    assert (body["name"], body["audience"], body["revision"]) == ("Гости 500", RICH, 1)
    assert put("Гости 500", RICH).get_json() == body
    assert api.get("segments/Гости 500?programme=demo").get_json() == body
    put("Другие", POOR)
    listed = api.get("segments?programme=demo&limit=1").get_json()
    assert listed["items"] == [body]
    rest = api.get(f"segments?programme=demo&limit=1&cursor={listed['next_cursor']}").get_json()
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["Другие"], None)
    assert api.delete("segments/Гости 500?programme=demo").get_json() == body
    gone = api.get("segments/Гости 500?programme=demo")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "unknown_segment")
    assert api.delete("segments/Гости 500?programme=demo").status_code == 404
    codes = [one["code"] for one in api.get("changes?kind=segment").get_json()["items"]]
    assert codes == ["segment.deleted", "segment.saved", "segment.saved"]


def test_somebody_elses_change_is_not_written_over(put) -> None:
    put("a", RICH)
    put("a", POOR, revision=1)
    refused = put("a", RICH, revision=1)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "segment_changed")
    assert refused.get_json()["by"]
    assert put("a", RICH, revision=2).get_json()["revision"] == 3


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("x" * 61, RICH, "segment_refused"),
        ("a", {"kind": "nothing"}, "invalid_request"),
        ("a", {"kind": "joined", "days": 3, "since": "2026-01-01T00:00:00Z"}, "invalid_request"),
        ("a", None, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_refused(put, name: str, body: object, code: str) -> None:
    refused = put(name, body)
    assert (refused.status_code, refused.get_json()["code"]) == (422, code), refused.text


def test_who_agreed_and_who_joined_can_be_meant(api, join, house) -> None:
    consents = [{"purpose": "marketing", "given": True}]
    api.post("members", {"programme": "demo", "name": "Да", "consents": consents})
    house.clock.advance(days=40)
    join(name="Нет")
    body = {"programme": "demo", "name": "x", "texts": {"ru": "y"}, "purpose": "service"}
    for audience, size in (
        ({"kind": "consent"}, 1),
        ({"kind": "not", "of": {"kind": "consent"}}, 1),
        ({"kind": "joined", "days": 30}, 1),
        ({"kind": "joined"}, 2),
    ):
        made = api.post("campaigns", {**body, "audience": audience}).get_json()
        preview = api.call("POST", f"campaigns/{made['id']}/preview", {}).get_json()
        assert preview["audience"] == size, audience


GUESTS = {"kind": "segment", "name": "Guests"}
CAMPAIGN = {"programme": "demo", "name": "Latte", "texts": {"ru": "y"}, "purpose": "service"}


def test_a_campaign_means_what_its_segment_says_when_it_begins(api, put, join, house) -> None:
    assert put("Guests", {"kind": "balance", "at_least": 1}).status_code == 200
    join(name="A")
    campaign = api.post("campaigns", {**CAMPAIGN, "audience": GUESTS}).get_json()
    assert campaign["audience"] == GUESTS
    address = f"campaigns/{campaign['id']}"
    assert api.post(f"{address}/preview", {}).get_json()["audience"] == 0
    put("Guests", POOR)
    assert api.post(f"{address}/preview", {}).get_json()["audience"] == 1
    refused = api.delete("segments/Guests?programme=demo")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "segment_in_use")
    assert refused.get_json()["places"] == ["Latte"]
    api.post(f"{address}/start", {})
    house.run("messages")
    begun = api.get(address).get_json()
    assert (begun["audience"], begun["progress"]["recipients"]) == (POOR, 1)
    put("Guests", RICH)
    assert api.get(address).get_json()["audience"] == POOR
    assert api.delete("segments/Guests?programme=demo").status_code == 200


def test_a_cancelled_campaign_waits_for_nothing(api, put) -> None:
    put("Guests", RICH)
    campaign = api.post("campaigns", CAMPAIGN).get_json()
    changed = api.call("PATCH", f"campaigns/{campaign['id']}", {"audience": GUESTS})
    assert changed.get_json()["audience"] == GUESTS
    assert api.delete("segments/Guests?programme=demo").status_code == 409
    api.post(f"campaigns/{campaign['id']}/cancel", {})
    assert api.delete("segments/Guests?programme=demo").status_code == 200


def test_an_offer_means_what_its_segment_says_when_it_begins(api, put, join, house) -> None:
    put("Guests", RICH)
    join(name="A")
    begins = (house.clock() + timedelta(days=1)).isoformat()
    offer = {"programme": "demo", "title": "Latte", "audience": GUESTS, "from": begins}
    made = api.post("offers", offer).get_json()
    assert made["audience"] == GUESTS
    refused = api.delete("segments/Guests?programme=demo").get_json()
    assert (refused["code"], refused["places"]) == ("segment_in_use", ["Latte"])
    put("Guests", POOR)
    house.clock.advance(days=1, seconds=1)
    house.run("upkeep")
    assert api.get(f"offers/{made['id']}").get_json()["audience"] == POOR
    assert api.delete("segments/Guests?programme=demo").status_code == 200
    unknown = api.post("offers", {**offer, "audience": {**GUESTS, "name": "x"}})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_segment")


@pytest.mark.parametrize(
    "audience",
    [
        {"kind": "not", "of": GUESTS},
        {"kind": "all", "of": [GUESTS]},
        {"kind": "segment"},
        {**GUESTS, "more": 1},
    ],
)
def test_a_segment_stands_alone(api, put, audience) -> None:
    put("Guests", RICH)
    refused = api.post("campaigns", {**CAMPAIGN, "audience": audience})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid_request")
    assert put("Other", GUESTS).status_code == 422


def test_unknown_segments_are_refused(api) -> None:
    refused = api.post("campaigns", {**CAMPAIGN, "audience": GUESTS})
    assert (refused.status_code, refused.get_json()["code"]) == (404, "unknown_segment")
