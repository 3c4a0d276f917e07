"""The OpenAPI document: whole, true, and proof against strange requests."""

import json
import re
import uuid

import jsonschema
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from wallet import apikeys
from wallet.api.contract import CALLS

CASES_PER_CALL = 40  # of each kind: requests that fit, and requests that do not
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def spec(client) -> dict:
    return client.get("/api/openapi.json").get_json()


def test_every_call_tells_its_keys_problems_and_examples(spec: dict) -> None:
    calls = {(method, path) for path, methods in spec["paths"].items() for method in methods}
    assert calls == set(CALLS)
    for method, path in calls:
        call = spec["paths"][path][method]
        assert call["summary"]
        assert {"401", "403", "429", "500"} <= set(call["responses"])
        success = next(status for status in call["responses"] if status.startswith("2"))
        assert call["responses"][success]["content"]["application/json"]["example"]
        if method == "post":
            assert call["requestBody"]["content"]["application/json"]["example"]


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
                content = (place or {}).get("content", {}).get("application/json")
                if content and "example" in content:
                    schema = {**content["schema"], "components": spec["components"]}
                    jsonschema.validate(content["example"], schema)
                    judged += 1
    assert judged >= 2 * len(CALLS) - 3  # an answer each, and a body for each that takes one


def test_examples_run(spec: dict, api, join) -> None:
    """Each body of the document, sent as it is with a card that exists, succeeds."""
    made = api.post("members", CALLS["post", "/api/v1/members"].body)
    assert made.status_code == 201
    card = made.get_json()["card"]["number"]
    for path in ("accruals", "redemptions", "offers", "scans"):
        told = CALLS["post", f"/api/v1/{path}"]
        body = json.loads(json.dumps(told.body).replace("7167993484019286", card))
        answer = api.post(path, body)
        assert answer.status_code in (200, 201), answer.text
        assert set(answer.get_json()) == set(told.answer)


@pytest.mark.parametrize("who", ["admin", "narrow", "anonymous"])
def test_no_request_is_answered_in_a_way_that_is_not_told(
    who: str, app: Flask, installation, house, member
) -> None:
    """Hundreds of strange requests: no 5xx, no status and no body but those in the document."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    if who == "admin":
        headers["Authorization"] = "Bearer sandbox-test-key-of-32-characters"
    elif who == "narrow":
        with installation.database.transaction() as session:
            key = apikeys.issue(session, "narrow", ["members:read"], house.clock())
        headers["Authorization"] = f"Bearer {key}"
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                tried += _try(strategy, headers)
            except Unsatisfiable:  # nothing in this call can be got wrong that way
                continue
    assert tried >= len(CALLS) * CASES_PER_CALL


def _try(strategy: SearchStrategy[Case], headers: dict[str, str]) -> int:
    """How many requests were sent and judged."""
    sent: list[int] = []

    @settings(
        max_examples=CASES_PER_CALL,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def check(case: Case) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS)
        sent.append(answer.status_code)

    check()
    return len(sent)
