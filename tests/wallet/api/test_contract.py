"""The OpenAPI document: whole, true, and proof against strange requests."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import jsonschema
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.access import apikeys
from wallet.api import nouns, webhooks
from wallet.api.bodies.examples import CARD, MEMBER_ID, OTHER_MEMBER_ID, rub
from wallet.api.bodies.glossary import MEANINGS
from wallet.api.remedies import REMEDIES
from wallet.passes import templates
from wallet.receivers import types
from wallet.sentences import UNFIT

# Calls that need something to have happened before.
BOOK = (
    ("post", "holds"),
    ("get", "holds/{hold_id}"),
    ("post", "holds/{hold_id}/capture"),
    ("post", "holds/{hold_id}/release"),
    ("get", "postings/{posting_id}"),
    ("post", "postings/{posting_id}/reverse"),
    ("post", "transfers"),
    ("post", "batches"),
    ("post", "members/{member_id}/block"),
    ("post", "members/{member_id}/unblock"),
    ("post", "members/{member_id}/cards"),
    ("post", "members/{member_id}/household"),
    ("post", "members/{member_id}/household/leave"),
    ("post", "members/{member_id}/merge"),
)
CAMPAIGNS = (
    ("post", "campaigns"),
    ("get", "campaigns/{campaign_id}"),
    ("patch", "campaigns/{campaign_id}"),
    ("post", "campaigns/{campaign_id}/preview"),
    ("post", "campaigns/{campaign_id}/start"),
    ("post", "campaigns/{campaign_id}/pause"),
    ("post", "campaigns/{campaign_id}/resume"),
    ("post", "campaigns/{campaign_id}/cancel"),
    ("get", "campaigns/{campaign_id}/results"),
    ("put", "programmes/{programme}/messages/{kind}"),
    ("get", "programmes/{programme}/messages/{kind}/results"),
)
# Calls that have stories of their own: test_imports.py, and test_tamper_evidence.py above, and
# test_coupons.py in flows.
ELSEWHERE = (
    ("post", "passes/{pass_id}/use"),
    ("get", "postings/{posting_id}/proof"),
    ("get", "imports"),
    ("post", "imports"),
    ("post", "imports/{import_id}/apply"),
    ("get", "imports/{import_id}"),
    ("get", "imports/{import_id}/rows"),
    ("delete", "imports/{import_id}"),
    ("delete", "segments/{name}"),
    ("delete", "lists/{name}"),
)
# Calls whose answer is a file; test_exports.py takes them.
FILES = {"/api/v1/exports/members", "/api/v1/exports/postings"}
RECEIVERS = (
    ("post", "receivers"),
    ("get", "receivers"),
    ("get", "receivers/{receiver_id}"),
    ("patch", "receivers/{receiver_id}"),
    ("post", "receivers/{receiver_id}/rotate"),
    ("post", "receivers/{receiver_id}/retire"),
    ("post", "receivers/{receiver_id}/test"),
    ("get", "receivers/{receiver_id}/attempts"),
    ("get", "receivers/{receiver_id}/undelivered"),
    ("post", "receivers/{receiver_id}/replay"),
    ("delete", "receivers/{receiver_id}"),
)
# What these calls have to be asked.
QUESTIONS = {
    f"/api/v1/{path}": "?programme={programme}"
    for path in (
        *("members", "offers", "campaigns", "cards", "holds", "postings"),
        *("stores", "stores/{store}", "tills", "tills/{till}"),
        *("products", "products/{sku}", "categories", "categories/{category}", "floors"),
        *("segments", "segments/{name}", "lists", "lists/{name}"),
        *("promotions", "promotions/{promotion}", "promotions/{promotion}/versions"),
        *("promotions/terms", "receipts", "receipts/{receipt}"),
    )
}
QUESTIONS["/api/v1/prices"] = "?programme={programme}&sku={sku}"
# Of each kind: requests that fit, and requests that do not. More of them in `make proofs`.
CASES_PER_CALL = int(os.environ.get("KOPILKA_REQUEST_CASES", "10"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@dataclass
class Example:
    """A call as the document shows it: with what it answers and, if it takes a body, with one."""

    answer: Any
    body: Any = None


Calls = dict[tuple[str, str], Example]

TAGS = [
    *(import_module(f"wallet.api.{noun}").routes.tag for noun in nouns.NOUNS),
    webhooks.routes.tag,
]


@pytest.fixture
def spec(client) -> dict:
    return client.get("/api/openapi.json").get_json()


@pytest.fixture
def calls(spec: dict) -> Calls:
    """Every call, by method and path."""
    return {
        (method, path): example_of(call)
        for path, methods in spec["paths"].items()
        for method, call in methods.items()
        if "204" not in call["responses"] and path not in FILES
    }


@pytest.fixture
def in_money(spec: dict) -> Calls:
    """The calls that the document shows once more in money."""
    return {
        (method, path): example_of(call, 1)
        for path, methods in spec["paths"].items()
        for method, call in methods.items()
        if len(examples(success(call))) == 2
    }


def example_of(call: dict, number: int = 0) -> Example:
    body = examples(call.get("requestBody", {}))
    return Example(examples(success(call))[number], body[number] if body else None)


def success(call: dict) -> dict:
    (answer,) = (answer for status, answer in call["responses"].items() if status.startswith("2"))
    return answer


def examples(place: dict) -> list[dict]:
    content = place.get("content", {}).get("application/json", {})
    if "examples" in content:
        return [example["value"] for example in content["examples"].values()]
    return [content["example"]] if "example" in content else []


def every_call(spec: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in spec["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def properties(owner: str, schema: dict) -> Iterator[tuple[str, dict]]:
    """Every property of a schema and of what stands within it."""
    for name, rules in schema.get("properties", {}).items():
        yield f"{owner}.{name}", rules
        yield from properties(f"{owner}.{name}", rules)
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if isinstance(schema.get("items"), dict):
        inner.append(schema["items"])
    for one in inner:
        yield from properties(owner, one)


class TestWhole:
    """What a program that makes a client has to know, of every call: a new one cannot forget it."""

    def test_the_document_is_an_openapi_document(self, spec: dict) -> None:
        assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []

    def test_every_property_is_described(self, spec: dict) -> None:
        schemas = dict(spec["components"]["schemas"])
        for _, _, call in every_call(spec):
            for content in call.get("requestBody", {}).get("content", {}).values():
                schemas[call["operationId"]] = content["schema"]
        bare = [
            name
            for owner, schema in schemas.items()
            for name, rules in properties(owner, schema)
            if not rules.get("description", "").endswith(".")
        ]
        assert bare == [], "say in bodies/glossary.py what it means"

    def test_every_parameter_is_described(self, spec: dict) -> None:
        bare = [
            (call["operationId"], parameter["name"])
            for _, _, call in every_call(spec)
            for parameter in call["parameters"]
            if not parameter.get("description", "").endswith(".")
        ]
        assert bare == [], "say in bodies/glossary.py what it means"

    def test_the_glossary_has_no_word_that_nothing_uses(self, spec: dict) -> None:
        owners = {
            owner: {name.rpartition(".")[2] for name, _ in properties(owner, schema)}
            for owner, schema in spec["components"]["schemas"].items()
        }
        for _, _, call in every_call(spec):
            names = {parameter["name"] for parameter in call["parameters"]}
            for content in call.get("requestBody", {}).get("content", {}).values():
                names |= set(content["schema"].get("properties", {}))
            owners[call["operationId"]] = names
        used = {
            f"{owner}.{name}" if f"{owner}.{name}" in MEANINGS else name
            for owner, names in owners.items()
            for name in names
        }
        assert set(MEANINGS) - used == set()

    def test_a_body_that_changes_something_has_no_default(self, spec: dict) -> None:
        """A generated client sends what has a default, named or not."""
        changes = [call["requestBody"] for method, _, call in every_call(spec) if method == "patch"]
        assert len(changes) > 5
        for body in changes:
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for field, rules in properties(name, spec["components"]["schemas"][name]):
                assert "default" not in rules, field

    def test_maps_say_what_a_value_is_as_generators_read_it(self, spec: dict) -> None:
        assert "patternProperties" not in json.dumps(spec)
        texts = spec["components"]["schemas"]["TextsIn"]
        assert texts["additionalProperties"]["anyOf"][0]["type"] == "string"
        assert re.fullmatch(texts["propertyNames"]["pattern"], "de-AT")

    def test_answers_are_not_described_in_the_words_of_requests(self, spec: dict) -> None:
        schemas = spec["components"]["schemas"]
        answers = {
            name
            for _, _, call in every_call(spec)
            for name in re.findall(r"schemas/(\w+)", json.dumps(success(call)))
        }
        while (
            more := {
                name
                for one in answers
                for name in re.findall(r"schemas/(\w+)", json.dumps(schemas[one]))
            }
            - answers
        ):
            answers |= more
        of_requests = re.compile(r"without it|give either|may stand in place")
        wrong = [
            field
            for name in answers
            for field, rules in properties(name, schemas[name])
            if of_requests.search(rules["description"])
        ]
        assert wrong == []
        for lists in ("MemberOut", "ScanOut", "HoldOut"):
            said = schemas[lists]["properties"]["balance"]["description"]
            assert "this call" not in said, lists

    def test_every_call_has_a_name_of_its_own(self, spec: dict) -> None:
        names = [call["operationId"] for _, _, call in every_call(spec)]
        assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names), names
        assert len(names) == len(set(names))

    def test_each_thing_has_one_schema(self, spec: dict) -> None:
        names = list(spec["components"]["schemas"])
        assert [name for name in names if not name.isalnum()] == []
        assert "MoneyOut" in names

    def test_every_call_says_in_sentences_what_it_does(self, spec: dict) -> None:
        for _, _, call in every_call(spec):
            assert re.fullmatch(r"[A-Z][^\n]+\.", call["summary"]), call["summary"]
            assert call["description"].endswith((".", "`.")), call["description"]

    def test_every_call_says_who_may_call_and_how_often(self, spec: dict) -> None:
        for method, path, call in every_call(spec):
            assert "Limit: " in call["description"]
            if path.startswith("/webhooks/"):
                assert call["security"] == []
                continue
            (scope,) = call["security"][0]["key"]
            assert scope in apikeys.SCOPES
            assert f"Scope: `{scope}`." in call["description"]
            takes_key = {one["name"] for one in call["parameters"]} & {"Idempotency-Key"}
            assert takes_key or method != "post" or "no `Idempotency-Key`" in call["description"]

    def test_every_refusal_says_its_codes_with_their_meaning(self, spec: dict) -> None:
        told = set()
        for _, _, call in every_call(spec):
            for status, answer in call["responses"].items():
                if status.startswith("2"):
                    continue
                assert answer["x-codes"], (call["operationId"], status)
                for code in answer["x-codes"]:
                    assert f"- `{code}`: {REMEDIES[code].means}" in answer["description"]
                    assert REMEDIES[code].status == int(status)
                    told.add(code)
                assert ("Retry-After" in answer.get("headers", {})) == (status in ("429", "503"))
        assert {"insufficient_points", "cursor_invalid", "signature_invalid"} <= told

    def test_the_body_of_a_webhook_is_told_in_the_words_of_each_kind(self, spec: dict) -> None:
        body = spec["paths"]["/webhooks/{source}"]["post"]["requestBody"]["content"]
        (place,) = body.values()
        told = {kind["$ref"].rpartition("/")[2] for kind in place["schema"]["oneOf"]}
        assert told == {"GenericMessage", "BalanceMessage", "OneCMessage", "OneCBalance"}
        assert set(place["examples"]) == {"points", "money", "balance", "1c", "1c_balance"}
        for example in place["examples"].values():
            schema = {**place["schema"], "components": spec["components"]}
            jsonschema.validate(example["value"], schema)


def test_every_call_tells_its_keys_problems_and_examples(spec: dict) -> None:
    for path, methods in spec["paths"].items():
        for call in methods.values():
            assert call["summary"].endswith("."), call["summary"]
            assert {"401", "429", "500", "503"} <= set(call["responses"])
            assert ("403" in call["responses"]) == (not path.startswith("/webhooks/"))
            if path in FILES:
                forms = success(call)["content"]
                assert set(forms) == {"application/x-ndjson", "text/csv"}
                assert all(form["example"] for form in forms.values())
            else:
                assert examples(success(call)) or "204" in call["responses"]
            if path == "/api/v1/imports" and "requestBody" in call:
                assert set(call["requestBody"]["content"]) == {
                    "application/octet-stream",
                    "multipart/form-data",
                }
            elif "requestBody" in call:
                assert examples(call["requestBody"])
            for status in {"400", "404", "409", "413", "415", "422"} & set(call["responses"]):
                assert set(call["responses"][status]["content"]) == {"application/problem+json"}


def test_every_schema_is_used_and_every_tag_is_named_once(spec: dict) -> None:
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(spec)))
    assert set(spec["components"]["schemas"]) == used
    named = [tag["name"] for tag in spec["tags"]]
    assert len(named) == len(set(named))
    tagged = (call["tags"] for methods in spec["paths"].values() for call in methods.values())
    assert {tag for tags in tagged for tag in tags} == set(TAGS) <= set(named)


def test_the_page_for_people_shows_every_call_and_asks_no_other_host(client, calls: Calls) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    for method, path in calls:
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert set(re.findall(r"(?:src|href)=\"(https?:[^\"]+)", page.text)) == set()
    assert client.get("/api/docs/static/docs.css").status_code == 200


def test_examples_are_what_the_schemas_say(spec: dict, calls: Calls, in_money: Calls) -> None:
    judged = 0
    for methods in spec["paths"].values():
        for call in methods.values():
            for place in (call.get("requestBody", {}), *call["responses"].values()):
                for example in examples(place):
                    content = place["content"]["application/json"]
                    schema = {**content["schema"], "components": spec["components"]}
                    jsonschema.validate(example, schema)
                    judged += 1
    # An answer each, and a body for each that takes one; both once more where money is counted. A
    # webhook also in 1C's words, and a balance in those of each.
    shown = [*calls.values(), *in_money.values()]
    assert judged == len(shown) + sum(example.body is not None for example in shown) + 3


def test_examples_run(calls: Calls, api, house) -> None:
    """Each body of the document, sent as it is with a card that exists, succeeds, and so does each
    question; the answers have the names that the document tells."""
    made = api.post("members", calls["post", "/api/v1/members"].body)
    assert made.status_code == 201
    offer = api.post("offers", calls["post", "/api/v1/offers"].body).get_json()
    house.run("relay")  # the offer becomes a wave
    assert api.call("PUT", "stores/centre", {"programme": "demo"}).status_code == 200
    assert api.call("PUT", "tills/1", {"programme": "demo", "store": "centre"}).status_code == 200
    assert api.call("PUT", "categories/shoes", {"programme": "demo"}).status_code == 200
    price = {"programme": "demo", "price": {"amount": "1.00", "currency": "RUB"}}
    assert api.call("PUT", "products/SHOE-38", price).status_code == 200
    floor = {"category": "shoes", "price": {"amount": "1.00", "currency": "RUB"}}
    assert api.post("floors/batch", {"programme": "demo", "items": [floor]}).status_code == 200
    sale = {"programme": "demo", "code": "sale", "name": "Sale"}
    gives = [{"kind": "percent", "percent": "10"}]
    assert api.post("promotions", {**sale, "gives": gives}).status_code == 201
    assert api.post("promotions/sale/publish", {"programme": "demo"}).status_code == 200
    segment = {"programme": "demo", "audience": {"kind": "everyone"}}
    assert api.call("PUT", "segments/guests", segment).status_code == 200
    guests = {"programme": "demo", "name": "guests", "members": [{"member": made.get_json()["id"]}]}
    assert api.post("lists", guests).status_code == 201
    real = {
        "{member_id}": made.get_json()["id"],
        "{offer_id}": offer["id"],
        "{wave_id}": api.get("waves").get_json()["items"][0]["id"],
        "{programme}": "demo",
        "{unit}": "points",
        "{store}": "centre",
        "{till}": "1",
        "{sku}": "SHOE-38",
        "{category}": "shoes",
        "{promotion}": "sale",
        "{receipt}": "9f1c7a20",
        "{name}": "guests",
        MEMBER_ID: made.get_json()["id"],
        "{pass_id}": api.get(f"members/{made.get_json()['id']}/passes").get_json()["items"][0][
            "id"
        ],
        CARD: made.get_json()["card"]["number"],
    }

    def filled(text: str) -> str:
        for name, value in real.items():
            text = text.replace(name, value)
        return text

    ran = 0
    alone = [("post", "/api/v1/members")]
    alone += [
        (method, f"/api/v1/{path}") for method, path in (*BOOK, *CAMPAIGNS, *RECEIVERS, *ELSEWHERE)
    ]

    def comes_last(call: tuple[tuple[str, str], Example]) -> tuple[bool, int]:
        """Whoever is erased can be asked nothing any more, what was cancelled is over, and a card
        that does not count is refused."""
        (method, path), _ = call
        last = ("void", "expire", "restore", "cancel")
        end = path.rpartition("/")[2]
        return method == "delete", last.index(end) + 1 if end in last else 0

    for (method, path), example in sorted(calls.items(), key=comes_last):
        if path.startswith("/webhooks/") or (method, path) in alone:
            continue
        address = filled(path + (QUESTIONS.get(path, "") if method == "get" else ""))
        body = json.loads(filled(json.dumps(example.body)))
        answer = api.call(method, address.removeprefix("/api/v1/"), body)
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(example.answer)
        for item in answer.get_json().get("items", []):
            assert set(item) == set(example.answer["items"][0])
        ran += 1
    assert ran == len(calls) - 1 - len(alone)


def test_examples_of_the_book_run(calls: Calls, api, join) -> None:
    """A story in which every call has its turn."""
    anna, boris = join(name="Анна"), join(name="Борис")
    bought = {"member": anna["id"], "points": 1000, "purchase": rub("1000")}
    posting = api.post("accruals", bought).get_json()["id"]
    real = {
        "{member_id}": anna["id"],
        "{posting_id}": posting,
        CARD: anna["card"]["number"],
        OTHER_MEMBER_ID: boris["id"],
    }
    for method, path in BOOK:
        example = calls[method, f"/api/v1/{path}"]
        address, body = path, json.dumps(example.body)
        for name, value in real.items():
            address, body = address.replace(name, value), body.replace(name, value)
        if path.endswith("release"):  # the first one was captured
            place = calls["post", "/api/v1/holds"].body
            address = (
                f"holds/{api.post('holds', {**place, 'card': real[CARD]}).get_json()['id']}/release"
            )
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(example.answer)
        if path == "holds":
            real["{hold_id}"] = answer.get_json()["id"]
        if path == "batches":
            assert [one["status"] for one in answer.get_json()["items"]] == [201, 201]
        if path.endswith("cards"):
            real[CARD] = answer.get_json()["card"]["number"]


def names(value: object) -> object:
    """The names in an answer, however deep; of a list those of the first."""
    if isinstance(value, dict):
        return {name: names(one) for name, one in value.items()}
    return [names(value[0])] if isinstance(value, list) and value else None


def test_examples_in_money_run(in_money: Calls, api, installation, house) -> None:
    """The same story in a programme of gift cards, told in money."""
    with installation.database.transaction() as session:
        terms = Terms("gifts", "Подарки", unit=UnitTerms("money", "money", 2, "RUB"))
        programme = programmes.create(session, terms, house.clock())
        templates.store(session, programme.id, templates.gift_cards("Подарки"), {}, house.clock())
    anna, boris = (api.post("members", {"programme": "gifts"}).get_json() for _ in range(2))
    real = {
        "{member_id}": anna["id"],
        "{programme}": "gifts",
        CARD: anna["card"]["number"],
        OTHER_MEMBER_ID: boris["id"],
    }
    first = [("post", "/api/v1/accruals"), ("post", "/api/v1/redemptions")]
    others = [call for call in in_money if call not in first]
    for method, path in [*first, *sorted(others, key=lambda call: call[0] == "get")]:
        if path.startswith("/webhooks/"):  # test_money.py sends it
            continue
        example = in_money[method, path]
        question = QUESTIONS.get(path, "") if method == "get" else ""
        address, body = path.removeprefix("/api/v1/") + question, json.dumps(example.body)
        for name, value in real.items():
            address, body = address.replace(name, value), body.replace(name, value)
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        given, wanted = names(answer.get_json()), names(example.answer)
        assert given == wanted, address
        if path.endswith("/accruals"):
            real["{posting_id}"] = answer.get_json()["id"]
            assert answer.get_json()["money"] == example.answer["money"]
        if (method, path) == ("post", "/api/v1/holds"):
            real["{hold_id}"] = answer.get_json()["id"]
        if path.endswith("/batches"):
            assert answer.get_json()["items"][0]["status"] == 201


def test_examples_of_campaigns_run(calls: Calls, api, join) -> None:
    real = {
        calls["post", "/api/v1/campaigns/{campaign_id}/preview"].body["member"]: join()["id"],
        "{programme}": "demo",
        "{kind}": "burning",
    }
    for method, path in CAMPAIGNS:
        example = calls[method, f"/api/v1/{path}"]
        address, body = path, json.dumps(example.body)
        for name, value in real.items():
            address, body = address.replace(name, value), body.replace(name, value)
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(example.answer)
        if path == "campaigns":
            real["{campaign_id}"] = answer.get_json()["id"]


def test_examples_of_receivers_run(calls: Calls, api) -> None:
    receiver = ""
    for method, path in RECEIVERS:
        example = calls[method, f"/api/v1/{path}"]
        answer = api.call(method, path.replace("{receiver_id}", receiver), example.body)
        assert answer.status_code in (200, 201, 202), (path, answer.text)
        assert set(answer.get_json()) == set(example.answer)
        receiver = receiver or answer.get_json()["id"]


def test_every_event_is_described_with_an_example_of_its_schema(spec: dict) -> None:
    assert set(spec["webhooks"]) == {*types.TYPES, types.TEST}
    for name, methods in spec["webhooks"].items():
        call = methods["post"]
        assert re.fullmatch(r"[A-Z][^\n]+\.", call["summary"]), name
        content = call["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": spec["components"]}
        jsonschema.validate(content["example"], schema)
        about = spec["components"]["schemas"][
            content["schema"]["allOf"][1]["properties"]["data"]["$ref"].rpartition("/")[2]
        ]
        assert set(content["example"]["data"]) <= set(about.get("properties", {})), name
        of_another = {**content["example"], "type": "member.none"}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(of_another, schema)


@pytest.fixture(scope="module")
def schema_of() -> Callable[[Flask], BaseSchema]:
    """What requests are thought of by; the same for each app, since it reads the whole product for
    values that are worth a try. So a case has to be told which app it is for."""
    read: list[BaseSchema] = []

    def schema_of(app: Flask) -> BaseSchema:
        if not read:
            read.append(schemathesis.openapi.from_wsgi("/api/openapi.json", app))
        return read[0]

    return schema_of


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("tag", TAGS)
def test_no_request_is_answered_in_a_way_that_is_not_told(
    tag: str, mode: GenerationMode, app: Flask, spec: dict, installation, house, member, schema_of
) -> None:
    """Strange requests, each from a stranger, a key that may do little and one that may do all: no
    5xx, no status and no body but those in the document."""
    with installation.database.transaction() as session:
        key = apikeys.issue(session, "narrow", ["members:read"], house.clock())
    headers = [_headers(caller) for caller in (None, key, "sandbox-test-key-of-32-characters")]
    schema = schema_of(app)
    of_tag = [
        (method, path)
        for path, methods in spec["paths"].items()
        for method, call in methods.items()
        if tag in call["tags"]
    ]
    assert of_tag
    for method, path in of_tag:
        strategy = schema[path][method].as_strategy(generation_mode=mode)
        assert _try(strategy, app, headers) >= CASES_PER_CALL, (method, path)


def _headers(key: str | None) -> dict[str, str]:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return headers if key is None else {**headers, "Authorization": f"Bearer {key}"}


def _try(strategy: SearchStrategy[Case], app: Flask, callers: list[dict[str, str]]) -> int:
    """How many requests were sent by each of the callers, and judged. Thinking of a request takes
    longer than answering it, so all send the same."""
    sent: list[Case] = []

    @settings(
        max_examples=CASES_PER_CALL,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def check(case: Case) -> None:
        for headers in callers:
            answer = case.call(headers=headers, app=app)
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code == 422:
                for error in answer.json().get("errors", []):
                    assert error["message"] not in UNFIT, error  # it has words of its own
        sent.append(case)

    check()
    return len(sent)
