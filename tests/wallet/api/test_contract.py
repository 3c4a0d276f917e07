"""The OpenAPI document: whole, true, and proof against strange requests."""

import json
import os
import re
import uuid

import jsonschema
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.access import apikeys
from wallet.api.contract import CALLS, CARD, MEMBER
from wallet.passes import templates
from wallet.sentences import UNFIT

# Calls that need something to have happened before.
BOOK = (
    ("post", "holds"),
    ("get", "holds/{hold_id}"),
    ("post", "holds/{hold_id}/capture"),
    ("post", "holds/{hold_id}/release"),
    ("post", "postings/{posting_id}/reverse"),
    ("post", "transfers"),
    ("post", "batches"),
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
)
# Of each kind: requests that fit, and requests that do not. More of them in `make proofs`.
CASES_PER_CALL = int(os.environ.get("KOPILKA_REQUEST_CASES", "20"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def _noun(path: str) -> str:
    """What a call is about: the first word after those that all have in common."""
    return path.removeprefix("/api/v1/").removeprefix("/").partition("/")[0]


NOUNS = sorted({_noun(path) for _, path in CALLS})


@pytest.fixture
def spec(client) -> dict:
    return client.get("/api/openapi.json").get_json()


def examples(content: dict) -> list[dict]:
    several = [one["value"] for one in content.get("examples", {}).values()]
    return several or ([content["example"]] if "example" in content else [])


def test_every_call_tells_its_keys_problems_and_examples(spec: dict) -> None:
    calls = {(method, path) for path, methods in spec["paths"].items() for method in methods}
    assert calls == set(CALLS)
    for method, path in calls:
        call = spec["paths"][path][method]
        assert call["summary"]
        assert {"401", "403", "429", "500"} <= set(call["responses"])
        success = next(status for status in call["responses"] if status.startswith("2"))
        assert all(examples(call["responses"][success]["content"]["application/json"]))
        if CALLS[method, path].takes_file:
            assert set(call["requestBody"]["content"]) == {
                "application/octet-stream",
                "multipart/form-data",
            }
        elif CALLS[method, path].body is not None:
            assert examples(call["requestBody"]["content"]["application/json"])
        else:
            assert "requestBody" not in call


def test_the_page_for_people_shows_every_call_and_asks_no_other_host(client) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    for method, path in CALLS:
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert set(re.findall(r"(?:src|href)=\"(https?:[^\"]+)", page.text)) == set()
    assert client.get("/api/docs/static/docs.css").status_code == 200


def test_examples_are_what_the_schemas_say(spec: dict) -> None:
    judged = 0
    for methods in spec["paths"].values():
        for call in methods.values():
            for place in (call.get("requestBody"), *call["responses"].values()):
                content = (place or {}).get("content", {}).get("application/json", {})
                for example in examples(content):
                    schema = {**content["schema"], "components": spec["components"]}
                    jsonschema.validate(example, schema)
                    judged += 1
    # An answer each, and a body for each that takes one; both once more where money is counted.
    shown = [*CALLS.values(), *(told.money for told in CALLS.values() if told.money)]
    assert judged == len(shown) + sum(one.body is not None for one in shown)


def test_examples_run(spec: dict, api, house) -> None:
    """Each body of the document, sent as it is with a card that exists, succeeds, and so does each
    question; the answers have the names that the document tells."""
    made = api.post("members", CALLS["post", "/api/v1/members"].body)
    assert made.status_code == 201
    offer = api.post("offers", CALLS["post", "/api/v1/offers"].body).get_json()
    house.run("relay")  # the offer becomes a wave
    real = {
        "{member_id}": made.get_json()["id"],
        "{offer_id}": offer["id"],
        "{wave_id}": api.get("waves").get_json()["items"][0]["id"],
        "{programme}": "demo",
        MEMBER["id"]: made.get_json()["id"],
        "{pass_id}": api.get(f"members/{made.get_json()['id']}/passes").get_json()["items"][0][
            "id"
        ],
        "7167993484019286": made.get_json()["card"]["number"],
    }
    questions = {
        "/api/v1/members": "?external_id=c-1001",
        "/api/v1/offers": "?programme=demo",
        "/api/v1/campaigns": "?programme=demo",
    }

    def filled(text: str) -> str:
        for example, value in real.items():
            text = text.replace(example, value)
        return text

    ran = 0
    alone = [("post", "/api/v1/members")]
    alone += [(method, f"/api/v1/{path}") for method, path in (*BOOK, *CAMPAIGNS, *ELSEWHERE)]
    # Whoever is erased can be asked nothing any more.
    for (method, path), told in sorted(CALLS.items(), key=lambda call: call[0][0] == "delete"):
        if path.startswith("/webhooks/") or (method, path) in alone:
            continue
        address = filled(path) + (questions.get(path, "") if method == "get" else "")
        body = json.loads(filled(json.dumps(told.body)))
        answer = api.call(method, address.removeprefix("/api/v1/"), body)
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(told.answer)
        for item in answer.get_json().get("items", []):
            assert set(item) == set(told.answer["items"][0])
        ran += 1
    assert ran == len(CALLS) - 1 - len(alone)


def test_examples_of_the_book_run(api, join) -> None:
    """A story in which every call has its turn."""
    anna, boris = join(name="Анна"), join(name="Борис")
    posting = api.post("accruals", {"member": anna["id"], "points": 1000}).get_json()["id"]
    real = {
        "{member_id}": anna["id"],
        "{posting_id}": posting,
        CARD: anna["card"]["number"],
        "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40": boris["id"],
    }
    for method, path in BOOK:
        told = CALLS[method, f"/api/v1/{path}"]
        address, body = path, json.dumps(told.body)
        for example, value in real.items():
            address, body = address.replace(example, value), body.replace(example, value)
        if path.endswith("release"):  # the first one was captured
            place = CALLS["post", "/api/v1/holds"].body
            address = (
                f"holds/{api.post('holds', {**place, 'card': real[CARD]}).get_json()['id']}/release"
            )
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(told.answer)
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


def test_examples_in_money_run(api, installation, house) -> None:
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
        "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40": boris["id"],
    }
    first = [("post", "/api/v1/accruals"), ("post", "/api/v1/redemptions")]
    told_in_money = [call for call, told in CALLS.items() if told.money and call not in first]
    for method, path in [*first, *sorted(told_in_money, key=lambda call: call[0] == "get")]:
        if path.startswith("/webhooks/"):  # test_money.py sends it
            continue
        told = CALLS[method, path].money
        address, body = path.removeprefix("/api/v1/"), json.dumps(told.body)
        for example, value in real.items():
            address, body = address.replace(example, value), body.replace(example, value)
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        given, wanted = names(answer.get_json()), names(told.answer)
        assert given == wanted, address
        if path.endswith("/accruals"):
            real["{posting_id}"] = answer.get_json()["id"]
            assert answer.get_json()["money"] == told.answer["money"]
        if path.endswith("/holds"):
            real["{hold_id}"] = answer.get_json()["id"]
        if path.endswith("/batches"):
            assert answer.get_json()["items"][0]["status"] == 201


def test_examples_of_campaigns_run(api, join) -> None:
    real = {
        CALLS["post", "/api/v1/campaigns/{campaign_id}/preview"].body["member"]: join()["id"],
        "{programme}": "demo",
        "{kind}": "burning",
    }
    for method, path in CAMPAIGNS:
        told = CALLS[method, f"/api/v1/{path}"]
        address, body = path, json.dumps(told.body)
        for example, value in real.items():
            address, body = address.replace(example, value), body.replace(example, value)
        answer = api.call(method, address, json.loads(body))
        assert answer.status_code in (200, 201), (address, answer.text)
        assert set(answer.get_json()) == set(told.answer)
        if path == "campaigns":
            real["{campaign_id}"] = answer.get_json()["id"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("noun", NOUNS)
def test_no_request_is_answered_in_a_way_that_is_not_told(
    noun: str, mode: GenerationMode, app: Flask, installation, house, member
) -> None:
    """Strange requests, each from a stranger, a key that may do little and one that may do all: no
    5xx, no status and no body but those in the document."""
    with installation.database.transaction() as session:
        key = apikeys.issue(session, "narrow", ["members:read"], house.clock())
    headers = [_headers(caller) for caller in (None, key, "sandbox-test-key-of-32-characters")]
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    for method, path in CALLS:
        if _noun(path) == noun:
            strategy = schema[path][method].as_strategy(generation_mode=mode)
            assert _try(strategy, headers) >= CASES_PER_CALL, (method, path)


def _headers(key: str | None) -> dict[str, str]:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return headers if key is None else {**headers, "Authorization": f"Bearer {key}"}


def _try(strategy: SearchStrategy[Case], callers: list[dict[str, str]]) -> int:
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
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code == 422:
                for error in answer.json().get("errors", []):
                    assert error["message"] not in UNFIT, error  # it has words of its own
        sent.append(case)

    check()
    return len(sent)
