"""Who may do what: keys with scopes, and scans."""

import re
from datetime import datetime, timedelta

import pytest

from wallet.access import apikeys
from wallet.errors import ApiKeyRefused

RECEIPT = {
    "programme": "demo",
    "lines": [{"id": "1", "sku": "X", "price": {"amount": "1.00", "currency": "RUB"}}],
}
SALE = {"name": "Sale", "gives": [{"kind": "percent", "percent": "10"}]}
CALLS = {
    "members:read": [
        ("GET", "members/x", None),
        ("GET", "members?card=1", None),
        ("GET", "members/x/postings", None),
        ("GET", "members/x/balances", None),
        ("GET", "postings/x/proof", None),
        ("GET", "programmes/x/liability", None),
        ("GET", "cards?programme=demo", None),
        ("GET", "members/x/cards", None),
        ("GET", "members/x/lots", None),
        ("GET", "holds?programme=demo", None),
        ("GET", "holds/x", None),
        ("GET", "postings?programme=demo", None),
        ("GET", "postings/x", None),
        ("GET", "segments?programme=demo", None),
        ("GET", "segments/x?programme=demo", None),
    ],
    "personal:read": [("GET", "members/x/file", None)],
    "members:write": [
        ("POST", "members", {"programme": "demo"}),
        ("PATCH", "members/x", {"name": "Анна"}),
        ("DELETE", "members/x", None),
        ("POST", "members/x/household", {"head": "x"}),
        ("POST", "members/x/household/leave", None),
        ("POST", "members/x/merge", {"into": "x"}),
        ("POST", "members/x/cards", None),
        ("POST", "members/x/block", None),
        ("POST", "members/x/unblock", None),
    ],
    "programmes:read": [
        ("GET", "programmes", None),
        ("GET", "programmes/x", None),
        ("GET", "programmes/x/card-code", None),
        ("GET", "programmes/x/base", None),
    ],
    "programmes:write": [
        ("PATCH", "programmes/x/card-code", {}),
        ("PATCH", "programmes/x/units/x", {"live_days": 30}),
        ("PATCH", "programmes/x", {"grace_days": 5}),
        ("PUT", "programmes/x/base", {"percent_back": "5", "percent_payable": "30"}),
    ],
    "stores:read": [
        ("GET", "stores?programme=demo", None),
        ("GET", "stores/x?programme=demo", None),
        ("GET", "tills?programme=demo", None),
        ("GET", "tills/x?programme=demo&store=x", None),
    ],
    "promotions:read": [
        ("GET", "promotions?programme=demo", None),
        ("GET", "promotions/x?programme=demo", None),
        ("GET", "promotions/x/versions?programme=demo", None),
        ("GET", "promotions/terms?programme=demo", None),
        ("GET", "promotions/kinds", None),
        ("POST", "promotions/check", {"receipt": RECEIPT}),
    ],
    "promotions:write": [
        ("POST", "promotions", {"programme": "demo", "code": "x", **SALE}),
        ("PUT", "promotions/x", {"programme": "demo", **SALE}),
        ("POST", "promotions/x/publish", {"programme": "demo"}),
        ("POST", "promotions/x/end", {"programme": "demo"}),
        ("PUT", "promotions/terms", {"programme": "demo"}),
    ],
    "receipts:read": [
        ("GET", "receipts?programme=demo", None),
        ("GET", "receipts/x?programme=demo", None),
    ],
    "receipts:write": [
        ("POST", "quotes", RECEIPT),
        ("POST", "receipts", {**RECEIPT, "id": "x", "confirm": True}),
    ],
    "catalogue:read": [
        ("GET", "products?programme=demo", None),
        ("GET", "products/x?programme=demo", None),
        ("GET", "categories?programme=demo", None),
        ("GET", "categories/x?programme=demo", None),
        ("GET", "prices?programme=demo&sku=x", None),
        ("GET", "floors?programme=demo", None),
    ],
    "catalogue:write": [
        ("PUT", "products/x", {"programme": "demo"}),
        ("POST", "products/batch", {"programme": "demo", "items": [{"sku": "x"}]}),
        ("PUT", "categories/x", {"programme": "demo"}),
        ("POST", "prices/batch", {"programme": "demo", "items": [{"sku": "x", "price": None}]}),
        ("POST", "floors/batch", {"programme": "demo", "items": [{"sku": "x", "price": None}]}),
    ],
    "stores:write": [
        ("PUT", "stores/x", {"programme": "demo"}),
        ("POST", "stores/batch", {"programme": "demo", "items": [{"code": "x"}]}),
        ("PUT", "tills/x", {"programme": "demo", "store": "x"}),
    ],
    "codes:keys": [("GET", "programmes/x/card-code/keys", None)],
    "points:write": [
        ("POST", "accruals", {"card": "1", "points": 1}),
        ("POST", "redemptions", {"card": "1", "points": 1}),
        ("POST", "holds", {"card": "1", "points": 1}),
        ("POST", "holds/x/capture", {}),
        ("POST", "holds/x/release", None),
        ("POST", "postings/x/reverse", {}),
        ("POST", "transfers", {"from": {"card": "1"}, "to": {"card": "2"}, "points": 1}),
        (
            "POST",
            "batches",
            {"items": [{"key": "1", "type": "accrual", "card": "1", "points": 1}]},
        ),
    ],
    "offers:read": [
        ("GET", "offers?programme=demo", None),
        ("GET", "offers/x", None),
        ("GET", "waves", None),
        ("GET", "waves/x", None),
    ],
    "offers:write": [
        ("POST", "waves/x/pause", None),
        ("POST", "waves/x/resume", None),
        ("POST", "waves/x/cancel", None),
        ("POST", "offers", {"programme": "demo", "title": "Кекс"}),
        ("PATCH", "offers/x", {"title": "Кекс"}),
        ("POST", "offers/x/withdraw", None),
        ("PATCH", "offers/x", {}),
    ],
    "campaigns:read": [
        ("GET", "lists?programme=demo", None),
        ("GET", "lists/x?programme=demo", None),
        ("GET", "campaigns?programme=demo", None),
        ("GET", "campaigns/x", None),
        ("POST", "campaigns/x/preview", {}),
        ("GET", "campaigns/x/results", None),
        ("GET", "programmes/x/messages", None),
        ("GET", "programmes/x/messages/x/results", None),
        ("GET", "members/x/messages", None),
    ],
    "campaigns:write": [
        ("POST", "campaigns", {"programme": "demo", "name": "a", "texts": {"en": "b"}}),
        ("PATCH", "campaigns/x", {}),
        ("POST", "campaigns/x/start", {}),
        ("POST", "campaigns/x/pause", None),
        ("POST", "campaigns/x/resume", None),
        ("POST", "campaigns/x/cancel", None),
        ("PUT", "programmes/x/messages/x", {"on": False}),
        ("PUT", "segments/x", {"programme": "demo", "audience": {"kind": "card"}}),
        ("DELETE", "segments/x?programme=demo", None),
        ("POST", "lists", {"programme": "demo", "name": "x", "members": [{"card": "1"}]}),
        ("DELETE", "lists/x?programme=demo", None),
    ],
    "passes:read": [
        ("GET", "members/x/passes", None),
        ("GET", "passes/x", None),
    ],
    "passes:write": [
        ("POST", "passes/x/void", None),
        ("POST", "passes/x/expire", {}),
        ("POST", "passes/x/restore", None),
        ("POST", "passes/x/link", None),
        ("POST", "offers/x/passes", {"member": "x"}),
    ],
    "coupons:use": [("POST", "passes/x/use", None)],
    "imports:write": [
        ("POST", "imports?programme=demo&kind=members", {}),
        ("POST", "imports/x/apply", {}),
        ("GET", "imports", None),
        ("GET", "imports/x", None),
        ("GET", "imports/x/rows", None),
        ("DELETE", "imports/x", None),
    ],
    "receivers:read": [
        ("GET", "receivers", None),
        ("GET", "receivers/x", None),
        ("GET", "receivers/x/attempts", None),
        ("GET", "receivers/x/undelivered", None),
    ],
    "receivers:write": [
        ("POST", "receivers", {"name": "CRM", "url": "https://example.com/"}),
        ("PATCH", "receivers/x", {}),
        ("DELETE", "receivers/x", None),
        ("POST", "receivers/x/rotate", None),
        ("POST", "receivers/x/retire", None),
        ("POST", "receivers/x/test", None),
        ("POST", "receivers/x/replay", {"since": 1}),
    ],
    "exports:read": [
        ("GET", "exports", None),
        ("GET", "exports/members?programme=demo", None),
        ("GET", "exports/postings?programme=demo", None),
    ],
    "changes:read": [("GET", "changes", None)],
    "scans:write": [("POST", "scans", {"barcode": "1"})],
}


# What another scope allows as well: tills read the holds that they place.
ALSO = {"holds/x": "points:write"}


@pytest.fixture
def key(installation, house):
    def issued(*scopes: str, name: str = "till", expires_at: datetime | None = None) -> str:
        with installation.database.transaction() as session:
            now = house.clock()
            return apikeys.issue(session, name, scopes, now, expires_at=expires_at)

    return issued


@pytest.fixture
def call(client):
    def called(key: str, method: str, path: str, body: object):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"{method} {path}"}
        return client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)

    return called


@pytest.mark.parametrize("allowed", CALLS)
def test_a_narrow_key_may_do_its_own_things_only(key, call, allowed: str) -> None:
    narrow = key(allowed)
    for scope, calls in CALLS.items():
        for method, path, body in calls:
            answer = call(narrow, method, path, body)
            if allowed in (scope, ALSO.get(path)):
                assert answer.status_code not in (401, 403)
            else:
                assert answer.status_code == 403
                assert answer.get_json()["code"] == "scope_missing"
                assert answer.get_json()["scope"] == scope


def test_every_route_of_the_api_names_its_scope(app) -> None:
    known = {
        (method, path.partition("?")[0]) for calls in CALLS.values() for method, path, _ in calls
    }
    routes = {
        (method, re.sub(r"<\w+>", "x", str(rule).removeprefix("/api/v1/")))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == known


def test_a_revoked_key_changes_nothing_from_now_on(key, call, installation, house) -> None:
    secret = key("*")
    assert call(secret, "GET", "members/x", None).status_code == 404
    with installation.database.transaction() as session:
        apikeys.revoke(session, "till", house.clock())
    answer = call(secret, "POST", "members", {"programme": "demo", "name": "Anna"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_unknown")
    answer = call(secret, "GET", "members/x", None)  # it was refused already: nobody trusts it
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_unknown")


def test_a_revoked_key_reads_for_no_longer_than_a_second(
    key, call, installation, clock_now
) -> None:
    secret = key("*")
    assert call(secret, "GET", "members/x", None).status_code == 404
    with installation.database.transaction() as session:
        apikeys.revoke(session, "till", clock_now())
    clock_now.advance(seconds=1)
    answer = call(secret, "GET", "members/x", None)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_unknown")


def test_a_key_that_was_seen_ends_with_its_day(key, call, clock_now) -> None:
    secret = key("*", expires_at=clock_now() + timedelta(milliseconds=500))
    assert call(secret, "GET", "members/x", None).status_code == 404
    clock_now.advance(milliseconds=500)
    answer = call(secret, "GET", "members/x", None)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_expired")


def test_only_so_many_keys_are_remembered(installation, clock_now, monkeypatch) -> None:
    monkeypatch.setattr(apikeys, "MOST_SEEN", 3)
    with installation.database.transaction() as session:
        made = [apikeys.issue(session, f"k{n}", ["*"], clock_now()) for n in range(8)]
    for one in made * 2:
        found = installation.known_keys.recognise(one, clock_now(), only_reads=True)
        assert not isinstance(found, str)


def test_a_key_is_not_kept_as_it_is(key, installation) -> None:
    secret = key("*")
    with installation.database.reading() as session:
        stored = apikeys.listed(session)[0]
    assert secret not in str(vars(stored))


def test_who_may_not_see_personal_data_does_not(key, call, join) -> None:
    person = {
        "name": "Анна",
        "phone": "+79991234567",
        "email": "anna@example.com",
        "birthday": "1990-05-20",
        "locale": "ru",
        "external_id": "c-1",
    }
    member = join(**person)
    few, all_ = key("members:read", "members:write"), key("members:read", "personal:read", name="2")
    bare = {name: value for name, value in member.items() if name != "links"}
    for key_, seen in ((few, bare), (all_, {**member, **person, "consents": []})):
        for answer in (
            call(key_, "GET", f"members/{member['id']}", None).get_json(),
            call(key_, "GET", "members?external_id=c-1", None).get_json()["items"][0],
        ):
            assert answer == seen
    changed = call(few, "PATCH", f"members/{member['id']}", {"name": "Аня"})
    assert changed.get_json() == bare


def test_two_keys_with_one_idempotency_key_do_not_meet(key, call, member) -> None:
    one, two = key("*", name="one"), key("*", name="two")
    body = {"member": member["id"], "points": 5}
    call(one, "POST", "accruals", body)
    assert call(two, "POST", "accruals", body).get_json()["balance"]["available"] == 10


@pytest.mark.parametrize(
    ("name", "scopes"), [("a", ["fly"]), ("a", []), ("", ["*"]), ("x" * 61, ["*"]), ("a\n", ["*"])]
)
def test_a_key_that_cannot_be_is_refused(installation, house, name, scopes) -> None:
    with pytest.raises(ApiKeyRefused), installation.database.transaction() as session:
        apikeys.issue(session, name, scopes, house.clock())


def test_a_scan_shows_the_till_who_it_is(api, join) -> None:
    member = join(name="Анна")
    api.post("accruals", {"member": member["id"], "points": 40})
    api.post("offers", {"programme": "demo", "title": "Кекс"})
    answer = api.post("scans", {"barcode": member["card"]["barcode"]}, key="")
    assert answer.status_code == 200
    seen = answer.get_json()
    assert (seen["id"], seen["name"], seen["balance"]["available"]) == (member["id"], "Анна", 40)
    assert [offer["title"] for offer in seen["offers"]] == ["Кекс"]


@pytest.mark.parametrize("barcode", ["", "1", "4000000000000002", "7992739871304", "ж" * 16])
def test_a_barcode_of_nobody_is_404(api, barcode: str) -> None:
    answer = api.post("scans", {"barcode": barcode})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_card")
