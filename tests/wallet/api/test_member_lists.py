"""Lists of members, by the API."""

import pytest
from sqlalchemy import select

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.segments.lists import ListEntry, MemberList
from wallet.passes import templates

NAME = "Гости открытия"
GUESTS = {"kind": "listed", "list": NAME}


@pytest.fixture
def make(api):
    def make(*members: object, name: str = NAME, **more: object):
        return api.post("lists", {"programme": "demo", "name": name, "members": members, **more})

    return make


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна", phone="+79161234509", email="anna@example.com", external_id="c-1")


def test_each_row_says_what_became_of_it(api, make, anna, join, installation) -> None:
    boris = join(name="Борис")
    made = make(
        {"phone": "8 916 123-45-09"},
        {"card": boris["card"]["number"]},
        {"email": "Anna@example.com", "external_id": "c-1"},
        {"phone": "+79990000000"},
        {"external_id": "c-1", "card": boris["card"]["number"]},
        {"member": boris["id"]},
        {"member": "nobody"},
        {"phone": "tomorrow"},
    )
    assert made.status_code == 201, made.text
    body = made.get_json()
    assert [(one["row"], one["outcome"], one["first"], one["code"]) for one in body["rows"]] == [
        (1, "taken", None, None),
        (2, "taken", None, None),
        (3, "double", 1, None),
        (4, "unknown", None, "unknown_member"),
        (5, "unknown", None, "several_members"),
        (6, "double", 2, None),
        (7, "unknown", None, "unknown_member"),
        (8, "unknown", None, "phone"),
    ]
    assert all((one["message"] is None) == (one["code"] is None) for one in body["rows"])
    assert (body["size"], body["left_out"]) == (2, 4)
    with installation.database.reading() as session:
        assert len(session.scalars(select(ListEntry)).all()) == 2
    campaign = {"programme": "demo", "name": "x", "texts": {"ru": "y"}, "audience": GUESTS}
    id_ = api.post("campaigns", campaign).get_json()["id"]
    assert api.call("POST", f"campaigns/{id_}/preview", {}).get_json()["audience"] == 2


def test_it_is_listed_read_and_deleted_and_all_of_it_is_on_record(api, make, anna) -> None:
    body = make({"member": anna["id"]}).get_json()
    del body["rows"]
    make({"member": anna["id"]}, name="Second")
    page = api.get("lists?programme=demo&limit=1").get_json()
    assert [one["name"] for one in page["items"]] == ["Second"]
    rest = api.get(f"lists?programme=demo&limit=1&cursor={page['next_cursor']}").get_json()
    assert (rest["items"], rest["next_cursor"]) == ([body], None)
    assert api.get(f"lists/{NAME}?programme=demo").get_json() == body
    assert api.delete(f"lists/{NAME}?programme=demo").get_json() == body
    for answer in (
        api.get(f"lists/{NAME}?programme=demo"),
        api.delete(f"lists/{NAME}?programme=demo"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_list")
    codes = [one["code"] for one in api.get("changes?kind=segment").get_json()["items"]]
    assert codes == ["segment.list_deleted", "segment.listed", "segment.listed"]
    assert make({"member": anna["id"]}).status_code == 201  # the name is free again


def test_the_same_request_twice_makes_one_list(api, anna, installation) -> None:
    body = {"programme": "demo", "name": NAME, "members": [{"member": anna["id"]}]}
    first, again = (api.post("lists", body, key="one") for _ in range(2))
    assert (first.status_code, again.get_json()) == (201, first.get_json())
    taken = api.post("lists", body)
    assert (taken.status_code, taken.get_json()["code"]) == (409, "list_exists")
    with installation.database.reading() as session:
        assert len(session.scalars(select(MemberList)).all()) == 1


@pytest.mark.parametrize(
    ("name", "rows", "code"),
    [
        ("a/b", [{"external_id": "c-1"}], "list_refused"),
        ("x" * 61, [{"external_id": "c-1"}], "list_refused"),
        ("a", [{"phone": "+79990000000"}], "list_refused"),
        ("a", [], "invalid_request"),
        ("a", [{}], "invalid_request"),
        ("a", [{"member": "x", "card": "1"}], "invalid_request"),
        ("a", [{"phone": 79161234509}], "invalid_request"),
    ],
)
def test_what_is_no_list_is_refused_whole(make, anna, name, rows, code, installation) -> None:
    refused = make(*rows, name=name)
    assert (refused.status_code, refused.get_json()["code"]) == (422, code), refused.text
    with installation.database.reading() as session:
        assert session.scalars(select(MemberList)).all() == []


def test_members_of_another_programme_are_unknown(api, make, anna, installation, house) -> None:
    with installation.database.transaction() as session:
        other = programmes.create(session, Terms("other", "Другая"), house.clock())
        templates.store(session, other.id, templates.standard("Другая"), {}, house.clock())
    there = api.post("members", {"programme": "other", "external_id": "c-9"}).get_json()
    rows = make(
        {"member": anna["id"]},
        {"member": there["id"]},
        {"card": there["card"]["number"]},
        {"external_id": "c-9"},
    ).get_json()["rows"]
    assert [one["outcome"] for one in rows] == ["taken", "unknown", "unknown", "unknown"]


def test_whoever_was_merged_is_meant_as_the_other(api, make, anna, join) -> None:
    double = join(name="Анна")
    merged = api.post(f"members/{double['id']}/merge", {"into": anna["id"]})
    assert merged.status_code < 300, merged.text
    rows = make({"member": double["id"]}, {"member": anna["id"]}).get_json()["rows"]
    assert [one["outcome"] for one in rows] == ["taken", "double"]


def test_a_list_that_something_means_stays(api, make, anna, house) -> None:
    make({"member": anna["id"]})
    tree = {"kind": "all", "of": [GUESTS, {"kind": "card"}]}
    segment = {"programme": "demo", "audience": {"kind": "not", "of": tree}}
    api.call("PUT", "segments/Others", segment)
    campaign = {"programme": "demo", "name": "To guests", "texts": {"ru": "y"}, "audience": tree}
    id_ = api.post("campaigns", campaign).get_json()["id"]
    soon = (house.clock().replace(year=house.clock().year + 1)).isoformat()
    offer = {"programme": "demo", "title": "Latte", "audience": GUESTS, "from": soon}
    offer_id = api.post("offers", offer).get_json()["id"]
    refused = api.delete(f"lists/{NAME}?programme=demo")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "list_in_use")
    assert refused.get_json()["places"] == ["Others", "To guests", "Latte"]
    api.delete("segments/Others?programme=demo")
    api.post(f"campaigns/{id_}/start", {})
    house.run("messages")
    assert api.post(f"offers/{offer_id}/withdraw", {}).status_code == 200
    gone = api.delete(f"lists/{NAME}?programme=demo")
    assert gone.status_code == 200, gone.text
