"""A key of one programme finds nothing of another: every route, every object that can be named."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect, text

from ledger.database.compiled import DriverConnection
from ledger.points.resolving import Whom
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.sales import months
from wallet.access import apikeys, sources
from wallet.access.changes import Author
from wallet.access.rights import Actor, may, may_everywhere
from wallet.api import lookup
from wallet.passes import templates

BY = Author("command", "wallet test")

# Every call, with the body or the query that it needs. Words in braces stand for objects.
SALE = {"name": "Sale", "gives": [{"kind": "percent", "percent": "10"}]}
PAID = {"id": "first", "confirm": True}
OTHER = {"id": "other", "confirm": True}
RECEIPT = {
    "programme": "{programme}",
    "lines": [{"id": "1", "sku": "X", "price": {"amount": "1.00", "currency": "RUB"}}],
}
CALLS: dict[tuple[str, str], Any] = {
    ("GET", "programmes"): None,
    ("GET", "programmes/{programme}"): None,
    ("GET", "programmes/{programme}/card-code"): None,
    ("PATCH", "programmes/{programme}/card-code"): {"renew_days": 9},
    ("GET", "programmes/{programme}/card-code/keys"): None,
    ("PATCH", "programmes/{programme}/units/{unit}"): {"live_days": 100},
    ("GET", "programmes/{programme}/messages"): None,
    ("PUT", "programmes/{programme}/messages/{kind}"): {"on": True},
    ("GET", "programmes/{programme}/messages/{kind}/results"): None,
    ("GET", "programmes/{programme}/liability"): None,
    ("POST", "members"): {"programme": "{programme}"},
    ("GET", "members"): "card={card}",
    ("GET", "members/{member_id}"): None,
    ("PATCH", "members/{member_id}"): {"name": "Мария"},
    ("DELETE", "members/{member_id}"): None,
    ("GET", "members/{member_id}/postings"): None,
    ("GET", "members/{member_id}/balances"): None,
    ("GET", "members/{member_id}/lots"): None,
    ("GET", "members/{member_id}/cards"): None,
    ("GET", "cards"): "programme={programme}",
    ("GET", "holds"): "programme={programme}",
    ("GET", "postings"): "programme={programme}",
    ("GET", "postings/{posting_id}"): None,
    ("GET", "members/{member_id}/messages"): None,
    ("GET", "members/{member_id}/passes"): None,
    ("POST", "members/{member_id}/cards"): {"lost": True},
    ("POST", "members/{member_id}/block"): None,
    ("POST", "members/{member_id}/unblock"): None,
    ("POST", "members/{member_id}/household"): {"head": "{other_id}"},
    ("POST", "members/{member_id}/household/leave"): None,
    ("POST", "members/{member_id}/merge"): {"into": "{other_id}"},
    ("GET", "postings/{posting_id}/proof"): None,
    ("POST", "postings/{posting_id}/reverse"): {},
    ("POST", "accruals"): {"card": "{card}", "points": 1},
    ("POST", "redemptions"): {"member": "{member_id}", "points": 1},
    ("POST", "holds"): {"card": "{card}", "points": 1},
    ("GET", "holds/{hold_id}"): None,
    ("POST", "holds/{hold_id}/capture"): {},
    ("POST", "holds/{hold_id}/release"): None,
    ("POST", "transfers"): {
        "from": {"card": "{card}"},
        "to": {"member": "{other_id}"},
        "points": 1,
    },
    ("POST", "batches"): {
        "items": [{"key": "{programme}", "type": "accrual", "card": "{card}", "points": 1}]
    },
    ("POST", "imports"): "programme={programme}&kind=members",
    ("GET", "imports"): None,
    ("GET", "imports/{import_id}"): None,
    ("GET", "imports/{import_id}/rows"): None,
    ("POST", "imports/{import_id}/apply"): {},
    ("POST", "offers"): {"programme": "{programme}", "title": "Кекс"},
    ("GET", "offers"): "programme={programme}",
    ("GET", "offers/{offer_id}"): None,
    ("POST", "offers/{offer_id}/withdraw"): None,
    ("PATCH", "offers/{offer_id}"): {"title": "Кекс"},
    ("POST", "offers/{offer_id}/passes"): {"member": "{member_id}"},
    ("GET", "waves"): None,
    ("GET", "waves/{wave_id}"): None,
    ("POST", "waves/{wave_id}/pause"): None,
    ("POST", "waves/{wave_id}/resume"): None,
    ("POST", "waves/{wave_id}/cancel"): None,
    ("POST", "campaigns"): {"programme": "{programme}", "name": "a", "texts": {"ru": "b"}},
    ("GET", "campaigns"): "programme={programme}",
    ("GET", "campaigns/{campaign_id}"): None,
    ("PATCH", "campaigns/{campaign_id}"): {"name": "c"},
    ("POST", "campaigns/{campaign_id}/preview"): {},
    ("POST", "campaigns/{campaign_id}/start"): {},
    ("POST", "campaigns/{campaign_id}/pause"): None,
    ("POST", "campaigns/{campaign_id}/resume"): None,
    ("POST", "campaigns/{campaign_id}/cancel"): None,
    ("GET", "campaigns/{campaign_id}/results"): None,
    ("GET", "passes/{pass_id}"): None,
    ("POST", "passes/{pass_id}/void"): None,
    ("POST", "passes/{pass_id}/expire"): {},
    ("POST", "passes/{pass_id}/use"): None,
    ("POST", "passes/{pass_id}/restore"): None,
    ("POST", "passes/{pass_id}/link"): None,
    ("POST", "scans"): {"barcode": "{card}"},
    ("DELETE", "imports/{import_id}"): None,
    ("POST", "receivers"): {
        "name": "second",
        "url": "https://second.example.com",
        "programme": "{programme}",
    },
    ("GET", "receivers"): "programme={programme}",
    ("GET", "receivers/{receiver_id}"): None,
    ("PATCH", "receivers/{receiver_id}"): {"personal": True},
    ("POST", "receivers/{receiver_id}/rotate"): None,
    ("POST", "receivers/{receiver_id}/retire"): None,
    ("POST", "receivers/{receiver_id}/test"): None,
    ("POST", "receivers/{receiver_id}/replay"): {"given_up": True},
    ("GET", "receivers/{receiver_id}/attempts"): None,
    ("GET", "receivers/{receiver_id}/undelivered"): None,
    ("DELETE", "receivers/{receiver_id}"): None,
    ("PATCH", "programmes/{programme}"): {"grace_days": 3},
    ("GET", "programmes/{programme}/base"): None,
    ("PUT", "programmes/{programme}/base"): {
        "percent_back": "5",
        "percent_payable": "30",
        "point_worth": {"amount": "1", "currency": "RUB"},
        "live_days": 365,
    },
    ("GET", "stores"): "programme={programme}",
    ("GET", "stores/{store}"): "programme={programme}",
    ("PUT", "stores/{store}"): {"programme": "{programme}", "name": "Tverskaya"},
    ("POST", "stores/batch"): {"programme": "{programme}", "items": [{"code": "{store}"}]},
    ("GET", "tills"): "programme={programme}",
    ("GET", "tills/{till}"): "programme={programme}",
    ("PUT", "tills/{till}"): {"programme": "{programme}", "store": "{store}"},
    ("GET", "products"): "programme={programme}",
    ("GET", "products/{sku}"): "programme={programme}",
    ("PUT", "products/{sku}"): {"programme": "{programme}"},
    ("POST", "products/batch"): {"programme": "{programme}", "items": [{"sku": "{sku}"}]},
    ("GET", "categories"): "programme={programme}",
    ("GET", "categories/{category}"): "programme={programme}",
    ("PUT", "categories/{category}"): {"programme": "{programme}", "name": "Goods"},
    ("GET", "prices"): "programme={programme}&sku={sku}",
    ("POST", "prices/batch"): {
        "programme": "{programme}",
        "items": [{"sku": "{sku}", "price": {"amount": "1", "currency": "RUB"}}],
    },
    ("GET", "promotions"): "programme={programme}",
    ("POST", "promotions"): {"programme": "{programme}", "code": "new", **SALE},
    ("GET", "promotions/{promotion}"): "programme={programme}",
    ("PUT", "promotions/{promotion}"): {"programme": "{programme}", **SALE},
    ("POST", "promotions/{promotion}/publish"): {"programme": "{programme}"},
    ("POST", "promotions/{promotion}/end"): {"programme": "{programme}"},
    ("GET", "promotions/{promotion}/versions"): "programme={programme}",
    ("GET", "promotions/terms"): "programme={programme}",
    ("GET", "promotions/kinds"): None,
    ("PUT", "promotions/terms"): {"programme": "{programme}"},
    ("POST", "promotions/check"): {"receipt": {**RECEIPT, "member": "{member_id}"}},
    ("POST", "quotes"): {**RECEIPT, "card": "{card}"},
    ("POST", "receipts"): {**RECEIPT, "id": "next", "card": "{card}", "confirm": True},
    ("GET", "receipts"): "programme={programme}",
    ("GET", "receipts/{receipt}"): "programme={programme}",
    ("GET", "floors"): "programme={programme}",
    ("POST", "floors/batch"): {
        "programme": "{programme}",
        "items": [{"sku": "{sku}", "price": {"amount": "1", "currency": "RUB"}}],
    },
    ("GET", "exports"): "programme={programme}",
    ("GET", "exports/members"): "programme={programme}",
    ("GET", "exports/postings"): "programme={programme}",
    ("GET", "changes"): "programme={programme}",
    ("GET", "members/{member_id}/file"): None,
    ("GET", "lists"): "programme={programme}",
    ("GET", "lists/{name}"): "programme={programme}",
    ("POST", "lists"): {
        "programme": "{programme}",
        "name": "more-{programme}",
        "members": [{"member": "{member_id}"}],
    },
    ("DELETE", "lists/{name}"): "programme={programme}",
    ("GET", "segments"): "programme={programme}",
    ("GET", "segments/{name}"): "programme={programme}",
    ("PUT", "segments/{name}"): {"programme": "{programme}", "audience": {"kind": "card"}},
    ("DELETE", "segments/{name}"): "programme={programme}",
}
# Calls that answer 200 with a list, in which nothing of the other programme may be.
LISTS = {("GET", "programmes"), ("GET", "members"), ("GET", "imports"), ("GET", "waves")}
# Calls that answer everybody the same.
OF_NO_PROGRAMME = {("GET", "promotions/kinds")}
# An object of one's own beside one of the other programme. Words in brackets stand for our own.
MIXED: list[tuple[str, str, Any]] = [
    ("POST", "members/[member_id]/household", {"head": "{member_id}"}),
    ("POST", "members/[member_id]/merge", {"into": "{member_id}"}),
    ("POST", "members/{member_id}/merge", {"into": "[member_id]"}),
    (
        "POST",
        "transfers",
        {"from": {"card": "[card]"}, "to": {"card": "{card}"}, "points": 1},
    ),
    (
        "POST",
        "transfers",
        {"from": {"member": "{member_id}"}, "to": {"member": "[member_id]"}, "points": 1},
    ),
    ("POST", "offers", {"programme": "[programme]", "title": "Кекс", "member": "{member_id}"}),
    ("GET", "offers?programme=[programme]&member={member_id}", None),
    ("POST", "offers/[offer_id]/passes", {"member": "{member_id}"}),
    ("POST", "offers/{offer_id}/passes", {"member": "[member_id]"}),
    ("POST", "campaigns/[campaign_id]/preview", {"member": "{member_id}"}),
    ("GET", "waves?programme={programme}", None),
    ("GET", "imports?programme={programme}", None),
    ("GET", "members?programme={programme}", None),
    ("GET", "members?programme=[programme]&household={member_id}", None),
    ("GET", "exports/members?programme=[programme]&household={member_id}", None),
    ("GET", "holds?programme=[programme]&member={member_id}", None),
    ("GET", "postings?programme=[programme]&card={card}", None),
    ("POST", "quotes", {**RECEIPT, "programme": "[programme]", "card": "{card}"}),
    ("POST", "quotes", {**RECEIPT, "programme": "[programme]", "member": "{member_id}"}),
    ("POST", "receipts", {**RECEIPT, **OTHER, "programme": "[programme]", "card": "{card}"}),
    ("POST", "receipts", {**RECEIPT, **OTHER, "programme": "[programme]", "member": "{member_id}"}),
    ("GET", "receipts?programme=[programme]&member={member_id}", None),
    (
        "POST",
        "promotions/check",
        {"receipt": {**RECEIPT, "programme": "[programme]", "member": "{member_id}"}},
    ),
    ("GET", "members?external_id={external_id}", None),
    ("GET", "members?phone=%2B79161234509", None),
    ("GET", "members?email=anna@example.com", None),
]
# Names that mean the same in every programme.
ALIKE = ("kind", "unit", "store", "till", "sku", "category", "promotion", "receipt")
PERSON = {"name": "Анна", "phone": "+79161234509", "email": "anna@example.com"}

Objects = dict[str, str]
serials = itertools.count()


@pytest.fixture
def call(client):
    def called(key: str, method: str, path: str, body: Any = None):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"{next(serials)}"}
        if isinstance(body, str):
            headers["Content-Type"] = "application/octet-stream"
            data = "имя;телефон\nАнна;+79161234500\n".encode()
            if method == "GET":
                return client.get(f"/api/v1/{path}?{body}", headers=headers)
            if method == "DELETE":
                return client.delete(f"/api/v1/{path}?{body}", headers=headers)
            return client.post(f"/api/v1/{path}?{body}", data=data, headers=headers)
        return client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)

    return called


@pytest.fixture
def key(installation, house) -> Callable[[str], str]:
    """A key with all scopes of the programme with this code."""

    def issued(code: str) -> str:
        with installation.database.transaction() as session:
            programme = programmes.by_code(session, code)
            return apikeys.issue(session, code, ["*"], house.clock(), programme.id)

    return issued


@pytest.fixture
def furnish(installation, house, api, call) -> Callable[[str], Objects]:
    """Make one of everything in a programme of this code, which is made if need be."""

    def made(code: str) -> Objects:
        if code != "demo":
            with installation.database.transaction() as session:
                programme = programmes.create(session, Terms(code, "Клуб"), house.clock())
                templates.store(
                    session, programme.id, templates.standard("Клуб"), {}, house.clock()
                )
        person = {"programme": code, **PERSON, "external_id": f"crm-{code}"}
        member = api.post("members", person).get_json()
        other = api.post("members", {"programme": code}).get_json()
        posting = api.post("accruals", {"member": member["id"], "points": 100}).get_json()
        hold = api.post("holds", {"member": member["id"], "points": 5}).get_json()
        offer = api.post("offers", {"programme": code, "title": "Кекс"}).get_json()
        house.run("relay")
        (wave,) = api.get(f"waves?programme={code}").get_json()["items"]
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).get_json()
        campaign = api.post(
            "campaigns", {"programme": code, "name": "a", "texts": {"ru": "б", "en": "b"}}
        ).get_json()
        receiver = api.post(
            "receivers",
            {"name": f"crm-{code}", "url": "https://crm.example.com", "programme": code},
        ).get_json()
        everything = installation.settings.api_key
        api.call("PUT", "stores/centre", {"programme": code})
        api.call("PUT", "tills/1", {"programme": code, "store": "centre"})
        api.call("PUT", "categories/goods", {"programme": code})
        api.call("PUT", "products/MILK", {"programme": code, "category": "goods"})
        assert (
            api.post("promotions", {"programme": code, "code": "sale", **SALE}).status_code == 201
        )
        assert api.post("promotions/sale/publish", {"programme": code}).status_code == 200
        paid = {**RECEIPT, **PAID, "programme": code, "member": member["id"]}
        assert api.post("receipts", paid).status_code == 201
        segment = {"programme": code, "audience": {"kind": "everyone"}}
        assert api.call("PUT", f"segments/of-{code}", segment).status_code == 200
        listed = [{"member": member["id"]}]
        guests = {"programme": code, "name": f"of-{code}", "members": listed}
        assert api.post("lists", guests).status_code == 201
        import_ = call(everything, "POST", "imports", f"programme={code}&kind=members")
        return {
            "programme": code,
            "kind": "accrued",
            "unit": "points",
            "store": "centre",
            "till": "1",
            "sku": "MILK",
            "category": "goods",
            "promotion": "sale",
            "receipt": "first",
            "member_id": member["id"],
            "card": member["card"]["number"],
            "external_id": f"crm-{code}",
            "other_id": other["id"],
            "posting_id": posting["id"],
            "hold_id": hold["id"],
            "offer_id": offer["id"],
            "wave_id": wave["id"],
            "pass_id": coupon["id"],
            "campaign_id": campaign["id"],
            "import_id": import_.get_json()["id"],
            "receiver_id": receiver["id"],
            "name": f"of-{code}",
        }

    return made


def filled(template: Any, theirs: Objects, ours: Objects) -> Any:
    if template is None:
        return None
    written = json.dumps(template)
    for name, value in theirs.items():
        written = written.replace(f"{{{name}}}", value)
    for name, value in ours.items():
        written = written.replace(f"[{name}]", value)
    return json.loads(written)


def everything(installation) -> dict[str, list[str]]:
    database = installation.database
    with database.reading() as session:
        return {
            name: sorted(map(repr, session.execute(text(f"SELECT * FROM {name}"))))  # noqa: S608
            for name in inspect(database.engine).get_table_names()
            if not months.is_one(name)
        }


def test_no_route_is_forgotten(app) -> None:
    routes = {
        (method, re.sub(r"<(\w+)>", r"{\1}", str(rule).removeprefix("/api/v1/")))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == set(CALLS)


def test_no_call_reaches_into_another_programme(furnish, key, call, installation) -> None:
    ours, theirs = furnish("demo"), furnish("beta")
    narrow = key("demo")
    wanted = [(*named, body) for named, body in CALLS.items() if named not in OF_NO_PROGRAMME]
    assert call(narrow, "GET", "programmes", None).status_code == 200  # a key notes its first use
    before = everything(installation)
    crossings = []
    for method, path, body in [*wanted, *MIXED]:
        answer = call(narrow, method, filled(path, theirs, ours), filled(body, theirs, ours))
        told = answer.get_json()
        is_list = (method, path) in LISTS or path.startswith(("members?", "postings?"))
        if answer.status_code == 200 and is_list:
            seen = json.dumps(told)
            if any(theirs[name] in seen for name in theirs if name not in ALIKE):
                crossings.append((method, path, seen))
        elif (method, path) == ("POST", "batches"):
            (item,) = told["items"]
            if (item["status"], item["code"]) != (404, "unknown_card"):
                crossings.append((method, path, item))
        elif answer.status_code != 404 or not told["code"].startswith("unknown_"):
            crossings.append((method, path, answer.status_code, told))
    assert crossings == []
    assert everything(installation) == before


def test_what_is_not_there_and_what_is_elsewhere_are_answered_alike(furnish, key, call) -> None:
    ours, theirs = furnish("demo"), furnish("beta")
    narrow = key("demo")
    nothing = {
        name: {"card": "4000000000000002", "programme": "nothing"}.get(name, "0" * 32)
        for name in theirs
    }
    nothing |= {name: theirs[name] for name in ALIKE}
    for (method, path), body in CALLS.items():
        if (method, path) in LISTS | OF_NO_PROGRAMME or path == "batches":
            continue
        elsewhere, nowhere = (
            call(narrow, method, filled(path, named, ours), filled(body, named, ours))
            for named in (theirs, nothing)
        )
        here, there = (
            {**answer.get_json(), "detail": "", "programme": ""} for answer in (elsewhere, nowhere)
        )
        assert (elsewhere.status_code, here) == (nowhere.status_code, there), path


def test_a_key_of_a_programme_does_all_of_it_at_home(furnish, key, call) -> None:
    ours = furnish("demo")
    furnish("beta")
    narrow = key("demo")
    for (method, path), body in CALLS.items():
        answer = call(narrow, method, filled(path, ours, ours), filled(body, ours, ours))
        told = answer.get_json() or {}  # a file is none
        assert not told.get("code", "").startswith("unknown_"), (path, told)
        assert answer.status_code < 500 and told.get("code") != "scope_missing"
        if (method, path) in LISTS:
            assert told["items"], path
        if (method, path) == ("POST", "imports"):  # it replaces the same file that still waits
            ours = {**ours, "import_id": told["id"]}
        if method == "DELETE":
            ours = furnish_again(call, narrow, ours)


def furnish_again(call, key: str, ours: Objects) -> Objects:
    """Another member in place of the one who was erased."""
    member = call(key, "POST", "members", {"programme": "demo", "locale": "ru"})
    number = member.get_json()["card"]["number"]
    return {**ours, "member_id": member.get_json()["id"], "card": number}


def test_a_blocked_card_of_another_programme_is_as_unknown_as_any(furnish, key, call, api) -> None:
    furnish("demo")
    theirs = furnish("beta")
    api.post(f"members/{theirs['member_id']}/block", None)
    narrow = key("demo")
    for method, path, body in (
        ("POST", "scans", {"barcode": theirs["card"]}),
        ("POST", "accruals", {"card": theirs["card"], "points": 1}),
    ):
        answer = call(narrow, method, path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_card")


def test_a_receiver_of_all_programmes_is_not_for_a_key_of_one(furnish, key, call, api) -> None:
    furnish("demo")
    url = "https://all.example.com"
    every = api.post("receivers", {"name": "all", "url": url}).get_json()
    narrow = key("demo")
    answer = call(narrow, "GET", f"receivers/{every['id']}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_receiver")
    assert every["id"] not in call(narrow, "GET", "receivers").text
    mine = call(narrow, "POST", "receivers", {"name": "mine", "url": url}).get_json()
    assert mine["programme"] == "demo"


def test_an_erased_member_of_another_programme_is_as_unknown_as_any(furnish, key, call, api):
    theirs = furnish("beta")
    assert api.delete(f"members/{theirs['member_id']}").status_code == 200
    narrow = key("demo")
    for method, path in (("GET", "members/{}"), ("DELETE", "members/{}")):
        answer = call(narrow, method, path.format(theirs["member_id"]))
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_member")


def test_signed_codes_of_another_programme_are_not_used_up(furnish, key, call, api, house) -> None:
    theirs = furnish("beta")
    api.call("PATCH", "programmes/beta/card-code", {"kind": "ed25519"})
    house.run()
    with house.installation.database.reading() as session:
        (code,) = session.scalars(
            text(
                "SELECT text FROM wallet_card_code c JOIN ledger_member m ON m.id = c.member_id"
                " WHERE m.public_id = :id"
            ).bindparams(id=theirs["member_id"])
        )
    before = everything(house.installation)
    answer = call(key("demo"), "POST", "scans", {"barcode": code})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_card")
    assert everything(house.installation) | {"wallet_api_key": []} == before | {
        "wallet_api_key": []
    }
    assert api.post("scans", {"barcode": code}).status_code == 200


def test_a_key_costs_no_query_for_its_programme(installation, key, statements_of) -> None:
    with_programme = key("demo")
    with installation.database.transaction() as session:
        without = apikeys.issue(session, "all", ["*"], installation.clock())
    one, other = (statements_of(secret) for secret in (with_programme, without))
    assert one == other


@pytest.fixture
def statements_of(installation, call, join, monkeypatch) -> Callable[[str], int]:
    """How many statements an accrual by card costs with this key."""
    member = join(name="Анна")

    def counted(secret: str) -> int:
        count = 0
        execute = DriverConnection.execute

        def noted(wire: Any, sql: str, *values: Any, **how: Any) -> Any:
            nonlocal count
            count += 1
            return execute(wire, sql, *values, **how)

        with monkeypatch.context() as patch:
            patch.setattr(DriverConnection, "execute", noted)
            body = {"card": member["card"]["number"], "points": 1}
            assert call(secret, "POST", "accruals", body).status_code == 201
        return count

    return counted


def test_the_operators_of_an_installation_are_not_those_of_one_programme(
    client, key, installation
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    for secret, status in ((key("demo"), 401), (installation.settings.api_key, 200)):
        headers = {**forwarded, "Authorization": f"Bearer {secret}"}
        assert client.get("/metrics", headers=headers).status_code == status


def test_may_is_one_question_for_every_kind_of_actor(installation, house) -> None:
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo").id
        secret = sources.new_secret()
        sources.add(session, installation.keys, "till", "generic", demo, secret, BY, house.clock())
        source = sources.bound(session, installation.keys, "till")
    for actor in (source.actor, Actor("1", frozenset({"points:write"}), demo)):
        assert may(actor, "points:write") and may(actor, "points:write", demo)
        assert not may(actor, "points:write", demo + 1)
        assert not may(actor, "members:read", demo)
        assert not may_everywhere(actor, "points:write")
        assert lookup.within(actor, Whom(card="1")) == Whom(card="1", programme_id=demo)
    everybody = Actor("2", frozenset({"*"}))
    assert may(everybody, "members:read", demo + 1) and may_everywhere(everybody, "x")
    assert lookup.within(everybody, Whom(card="1")) == Whom(card="1")


class TestLinks:
    """A link shows whose card it is, so it is for those who may see that."""

    @pytest.fixture
    def narrow(self, installation, house) -> Callable[..., str]:
        def issued(*scopes: str) -> str:
            with installation.database.transaction() as session:
                return apikeys.issue(session, f"of {len(scopes)}", scopes, house.clock())

        return issued

    def test_no_answer_has_a_link_but_for_those_who_see_people(self, furnish, call, narrow) -> None:
        ours = furnish("demo")
        every = [scope for scope in apikeys.SCOPES if scope != "personal:read"]
        secret = narrow(*every)
        for (method, path), body in CALLS.items():
            if (method, path) == ("POST", "members"):
                continue
            answer = call(secret, method, filled(path, ours, ours), filled(body, ours, ours))
            assert "/card/" not in answer.text, path
            if method == "DELETE":
                ours = furnish_again(call, secret, ours)

    def test_no_receiver_is_told_of_people_but_by_who_sees_them(self, call, narrow, api) -> None:
        plain = {"name": "crm", "url": "https://crm.example.com"}
        blind = narrow("receivers:write")
        seeing = narrow("receivers:write", "personal:read")

        def refused(answer: Any) -> bool:
            if answer.status_code != 403:
                return False
            return answer.get_json()["scope"] == "personal:read"

        assert refused(call(blind, "POST", "receivers", {**plain, "personal": True}))
        made = call(blind, "POST", "receivers", plain).get_json()
        there = f"receivers/{made['id']}"
        assert refused(call(blind, "PATCH", there, {"personal": True}))
        assert call(seeing, "PATCH", there, {"personal": True}).status_code == 200
        assert refused(call(blind, "PATCH", there, {"url": "https://elsewhere.example.com"}))
        kept = api.get(there).get_json()
        assert (kept["url"], kept["personal"]) == (plain["url"], True)
        elsewhere = {"url": "https://elsewhere.example.com", "personal": False}
        assert call(blind, "PATCH", there, elsewhere).status_code == 200

    def test_who_adds_a_member_gets_the_links_to_hand_on(self, call, narrow) -> None:
        answer = call(narrow("members:write"), "POST", "members", {"programme": "demo"})
        assert answer.status_code == 201
        assert set(answer.get_json()["links"]) == {"card", "apple", "google"}

    @pytest.mark.parametrize("query", ["phone=%2B79161234509", "email=anna@example.com"])
    def test_whose_number_it_is_is_told_to_those_who_see_people(
        self, call, narrow, furnish, query: str
    ) -> None:
        furnish("demo")
        refused = call(narrow("members:read"), "GET", f"members?{query}")
        assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
        assert refused.get_json()["scope"] == "personal:read"
        seen = call(narrow("members:read", "personal:read"), "GET", f"members?{query}")
        assert seen.get_json()["items"][0]["links"]["card"]


def test_the_command_line_makes_keys_of_a_programme_and_says_for_which_they_are(
    wallet, furnish, call
) -> None:
    theirs = furnish("beta")
    made = wallet("keys", "add", "till", "--scope", "members:read", "--programme", "demo")
    assert made.exit_code == 0, made.output
    assert wallet("keys", "add", "office", "--scope", "*").exit_code == 0
    secret = made.stdout.strip()
    assert call(secret, "GET", f"members/{theirs['member_id']}").status_code == 404
    _of_environment, *lines = wallet("keys", "list").stdout.splitlines()
    assert lines[0].startswith("till: programme demo, members:read, since ")
    assert lines[1].startswith("office: all programmes, *, since ")
    unknown = wallet("keys", "add", "x", "--scope", "*", "--programme", "gamma")
    assert unknown.exit_code == 1 and "gamma" in unknown.stderr
