"""Stores and tills by the API: the catalogue of the contract."""

from wallet.access.changes import RecordedChange


def put(api, path: str, body: dict | None = None, **headers: str):
    return api.call("PUT", path, {"programme": "demo", **(body or {})}, **headers)


def test_a_store_is_put_whole_and_read_again(api) -> None:
    made = put(api, "stores/centre", {"name": "Тверская, 7", "group": "Москва"})
    assert made.status_code == 200
    assert made.get_json()["revision"] == 1
    assert made.get_json()["timezone"] == "Europe/Moscow"
    again = api.get("stores/centre?programme=demo").get_json()
    assert again == made.get_json()
    changed = put(api, "stores/centre", {"closed": True}).get_json()
    assert (changed["name"], changed["group"], changed["closed"]) == ("centre", None, True)
    assert changed["revision"] == 2
    listed = api.get("stores?programme=demo").get_json()
    assert [one["code"] for one in listed["items"]] == ["centre"]


def test_if_match_tells_who_came_second(api) -> None:
    put(api, "stores/centre")
    assert put(api, "stores/centre", {"name": "A"}, **{"If-Match": '"1"'}).status_code == 200
    late = put(api, "stores/centre", {"name": "B"}, **{"If-Match": '"1"'})
    assert (late.status_code, late.get_json()["code"]) == (412, "changed_meanwhile")
    assert late.get_json()["revision"] == 2
    for told, status in (("2", 200), ('W/"3"', 200), ("*", 200), ("abc", 412)):
        name = {"name": f"after {told}"}
        assert put(api, "stores/centre", name, **{"If-Match": told}).status_code == status, told
    assert put(api, "stores/nowhere", **{"If-Match": "*"}).status_code == 412
    put(api, "tills/1", {"store": "centre"})
    assert put(api, "tills/1", {"store": "centre"}, **{"If-Match": "7"}).status_code == 412


def test_each_store_of_a_batch_has_an_outcome_of_its_own(api) -> None:
    items = [
        {"code": "centre", "name": "Тверская, 7"},
        {"code": "airport", "timezone": "Europe/Nowhere"},
        {"code": ""},
        {"code": "old", "revision": 4},
        {"code": "north", "revision": 0},
    ]
    answer = api.post("stores/batch", {"programme": "demo", "items": items})
    assert answer.status_code == 200
    told = [(one["key"], one["status"], one["code"]) for one in answer.get_json()["items"]]
    assert told == [
        ("centre", 200, None),
        ("airport", 422, "store_refused"),
        ("", 422, "invalid_request"),
        ("old", 412, "changed_meanwhile"),
        ("north", 200, None),
    ]
    listed = api.get("stores?programme=demo").get_json()["items"]
    assert [one["code"] for one in listed] == ["centre", "north"]


def test_a_thousand_stores_in_one_batch_and_not_one_more(api) -> None:
    items = [{"code": f"s{number}"} for number in range(1_000)]
    answer = api.post("stores/batch", {"programme": "demo", "items": items})
    assert {one["status"] for one in answer.get_json()["items"]} == {200}
    more = api.post("stores/batch", {"programme": "demo", "items": [*items, {"code": "x"}]})
    assert more.status_code == 422
    first = api.get("stores?programme=demo&limit=200").get_json()
    after = api.get(f"stores?programme=demo&limit=200&cursor={first['next_cursor']}").get_json()
    assert after["items"][0]["code"] == "s200"


def test_tills_of_two_stores_have_the_same_number(api) -> None:
    put(api, "stores/centre")
    put(api, "stores/airport")
    assert put(api, "tills/1", {"store": "nowhere"}).get_json()["code"] == "unknown_store"
    put(api, "tills/1", {"store": "centre"})
    assert api.get("tills/1?programme=demo").get_json()["store"] == "centre"
    put(api, "tills/1", {"store": "airport", "name": "Снаружи"})
    asked = api.get("tills/1?programme=demo")
    assert (asked.status_code, asked.get_json()["code"]) == (409, "store_not_named")
    assert api.get("tills/1?programme=demo&store=airport").get_json()["name"] == "Снаружи"
    assert api.get("tills/2?programme=demo").get_json()["code"] == "unknown_till"
    of_one = api.get("tills?programme=demo&store=airport").get_json()["items"]
    assert [(one["code"], one["store"]) for one in of_one] == [("1", "airport")]


def test_a_change_is_noted_and_the_same_again_is_none(api, installation) -> None:
    put(api, "stores/centre", {"name": "A"})
    put(api, "stores/centre", {"name": "A"})
    put(api, "stores/centre", {"name": "B"})
    put(api, "tills/1", {"store": "centre"})
    with installation.database.reading() as session:
        noted = [
            (one.code, one.of_id, one.fields)
            for one in session.query(RecordedChange).order_by(RecordedChange.id)
        ]
    assert [(code, of) for code, of, _ in noted] == [
        ("store.added", "centre"),
        ("store.changed", "centre"),
        ("till.added", "centre/1"),
    ]
    assert noted[1][2] == {"name": ["A", "B"]}


def test_a_key_needs_the_scope(api, wallet) -> None:
    key = wallet("keys", "add", "reader", "--scope", "stores:read").output.split()[-1]
    bearer = {"Authorization": f"Bearer {key}"}
    assert api.call("GET", "stores?programme=demo", **bearer).status_code == 200
    refused = put(api, "stores/centre", **bearer)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
