"""The base programme by the API: set in one piece, kept where each part belongs, and at work."""

import pytest
from books import check_books

from wallet.access.changes import RecordedChange

BASE = {
    "percent_back": "5",
    "percent_payable": "30",
    "point_worth": {"amount": "1", "currency": "RUB"},
    "live_days": 365,
}


@pytest.fixture(autouse=True)
def _books(installation):
    yield
    with installation.database.reading() as session:
        check_books(session)


def put(api, **parts):
    return api.call("PUT", "programmes/demo/base", {**BASE, **parts})


def message(api, kind: str) -> dict:
    items = api.get("programmes/demo/messages").get_json()["items"]
    return next(one for one in items if one["kind"] == kind)


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


def test_before_anybody_set_it_purchases_earn_nothing(api, member) -> None:
    base = api.get("programmes/demo/base").get_json()
    assert (base["percent_back"], base["percent_payable"]) == ("0", "0")
    assert base["point_worth"] is base["welcome"] is base["birthday"] is base["lapsed"] is None
    bought = {"member": member["id"], "purchase": rub("1000")}
    answer = api.post("accruals", bought)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_percent_back")


def test_it_is_answered_as_it_was_set(api) -> None:
    answer = put(api, percent_back="2.75", welcome={"points": 100, "live_days": 30})
    assert answer.status_code == 200, answer.text
    base = api.get("programmes/demo/base").get_json()
    assert base == answer.get_json()
    assert (base["percent_back"], base["percent_payable"]) == ("2.75", "30")
    assert base["point_worth"] == rub("1.00")
    assert base["welcome"] == {"points": 100, "live_days": 30}
    assert set(base["sentence"]) == {"ru", "en"}
    assert "2,75" in base["sentence"]["ru"]
    assert api.get("programmes/demo").get_json()["units"][0]["live_days"] == 365


def test_a_purchase_without_points_earns_its_percent(api, member) -> None:
    put(api)
    bought = {"member": member["id"], "purchase": rub("1999.90"), "receipt": "7"}
    answer = api.post("accruals", bought)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["points"] == 99
    small = api.post("accruals", {"member": member["id"], "purchase": rub("19.99")})
    assert (small.status_code, small.get_json()["code"]) == (409, "nothing_earned")
    nothing = api.post("accruals", {"member": member["id"]})
    assert nothing.get_json()["errors"][0] == {
        "field": "points",
        "code": "required",
        "message": nothing.get_json()["errors"][0]["message"],
    }
    said = api.post("accruals", {**bought, "points": 7})
    assert said.get_json()["points"] == 7  # who says how many is believed
    items = [
        {"key": "1", "type": "accrual", "member": member["id"], "purchase": rub("200")},
        {"key": "2", "type": "redemption", "member": member["id"], "purchase": rub("200")},
    ]
    outcomes = api.post("batches", {"items": items}).get_json()["items"]
    assert outcomes[0]["posting"]["points"] == 10
    assert (outcomes[1]["status"], outcomes[1]["code"]) == (422, "invalid_request")


def test_who_joins_is_welcomed_at_every_door(api, client, join) -> None:
    assert join(name="Анна")["balance"]["available"] == 0
    put(api, welcome={"points": 100})
    boris = join(name="Борис")
    assert boris["balance"]["available"] == 100
    (posting,) = api.get(f"members/{boris['id']}/postings").get_json()["items"]
    assert (posting["kind"], posting["promotion"]) == ("gift", "welcome")


def test_gifts_with_words_are_the_built_in_messages(api) -> None:
    put(api, birthday={"points": 200, "live_days": 14, "days_before": 3})
    birthday = message(api, "birthday")
    assert (birthday["on"], birthday["gift"], birthday["gift_live_days"]) == (True, 200, 14)
    assert birthday["days"] == 3
    assert "{{days}}" in birthday["texts"]["ru"]
    assert not message(api, "lapsed")["on"]
    put(api, lapsed={"points": 50, "days": 45})
    assert message(api, "lapsed")["days"] == 45
    gone = message(api, "birthday")
    assert (gone["on"], gone["gift"]) == (True, None)  # greeted still, with nothing in hand
    assert "{{gift}}" not in gone["texts"]["ru"]
    base = api.get("programmes/demo/base").get_json()
    assert base["birthday"] is None
    assert base["lapsed"] == {"points": 50, "live_days": None, "days": 45}


def test_words_that_the_programme_wrote_itself_stay(api) -> None:
    own = {"ru": "{{name}}, вам {{gift}} в подарок!", "en": "{{gift}} for you"}
    body = {"on": True, "texts": own, "gift": 10}
    assert api.call("PUT", "programmes/demo/messages/birthday", body).status_code == 200
    put(api, birthday={"points": 200})
    assert message(api, "birthday")["texts"] == own
    assert message(api, "birthday")["gift"] == 200


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"percent_back": "100.01"}, "percent_back"),
        ({"percent_back": "5,5"}, "percent_back"),
        ({"percent_back": 5}, "percent_back"),
        ({"percent_payable": "-1"}, "percent_payable"),
        ({"live_days": 0}, "live_days"),
        ({"point_worth": None}, "point_worth"),
        ({"welcome": {}}, "welcome.points"),
        ({"lapsed": {"points": 1, "days": 0}}, "lapsed.days"),
        ({"more": 1}, "more"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(api, parts, field) -> None:
    answer = put(api, **parts)
    assert answer.status_code == 422
    told = answer.get_json()
    assert field in (told.get("field"), (told.get("errors") or [{}])[0].get("field")), told
    assert api.get("programmes/demo/base").get_json()["percent_back"] == "0"


def test_every_part_is_noted_and_the_same_again_is_not(api, installation) -> None:
    def noted() -> list[str]:
        with installation.database.reading() as session:
            return [one.code for one in session.query(RecordedChange).order_by(RecordedChange.id)]

    put(api, birthday={"points": 200})
    assert noted() == ["programme.base_changed", "unit.changed", "message.changed"]
    put(api, birthday={"points": 200})
    assert len(noted()) == 3
    put(api, birthday={"points": 200}, percent_back="7")
    assert noted()[3:] == ["programme.base_changed"]


def test_a_programme_is_changed_in_parts(api) -> None:
    body = {"grace_days": 14, "names": {"en": "House of Coffee"}, "called": "guest", "listed": True}
    answer = api.call("PATCH", "programmes/demo", body)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["terms"] == {
        "grace_days": 14,
        "overdrawn": "debt",
        "spend_by_phone": "code",
        "keeps_personal": True,
        "listed": True,
        "called": "guest",
        "asks": {"phone": "optional", "email": "optional", "name": "off", "birthday": "off"},
    }
    refused = api.call("PATCH", "programmes/demo", {"timezone": "Moscow"})
    assert (refused.status_code, refused.get_json()["field"]) == (422, "timezone")
    refused = api.call("PATCH", "programmes/demo", {"names": {"de": "Haus"}})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "terms_refused")
