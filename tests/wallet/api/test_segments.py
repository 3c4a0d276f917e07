"""Segments with names, by the API."""

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
