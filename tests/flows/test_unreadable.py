"""Text that no database holds, wherever a stranger can send text: an answer, and never a fault of
ours. PostgreSQL refuses NUL and half a surrogate pair where SQLite takes them."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.routing import Rule

NUL = "a\x00b"
UNREADABLE = (NUL, "\ud800")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def addresses(rule: Rule) -> Iterator[str]:
    """The rule's address with NUL in each of its parts in turn."""
    for spoilt in sorted(rule.arguments):
        values = {name: "1" if name == "number" else "x" for name in rule.arguments}
        with_nul = {**values, spoilt: NUL}
        address = rule.rule
        for name, value in with_nul.items():
            for kind in ("", "int:", "path:", "string:"):
                address = address.replace(f"<{kind}{name}>", quote(value))
        yield address


def test_an_address(app: Flask, client, api) -> None:
    asked = 0
    for rule in app.url_map.iter_rules():
        for address in addresses(rule):
            for method in sorted(set(METHODS) & (rule.methods or set())):
                body = {} if method != "GET" else None
                key = {"Authorization": "Bearer sandbox-test-key-of-32-characters"}
                answer = client.open(address, method=method, json=body, headers=key)
                assert answer.status_code < 500, f"{method} {address}: {answer.text}"
                asked += 1
    assert asked > 60


def test_a_query(client, api) -> None:
    asked = 0
    for path, operations in client.get("/api/openapi.json").get_json()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query":
                answer = api.get(f"{path.removeprefix('/api/v1/')}?{parameter['name']}=a%00b")
                assert answer.status_code in (401, 404, 422), f"{path}: {answer.text}"
                asked += 1
    assert asked > 20
    for page in ("/join/demo?lang", "/card/x?symbology", "/ledger/roots/demo?since"):
        assert client.get(f"{page}=a%00b").status_code < 500


def bodies(example: Any) -> Iterator[Any]:
    """The document with each of its texts spoilt in turn."""
    match example:
        case str():
            yield from UNREADABLE
        case dict():
            for name, value in example.items():
                for spoilt in bodies(value):
                    yield {**example, name: spoilt}
            yield {**example, NUL: 1}
        case list():
            for at, value in enumerate(example):
                for spoilt in bodies(value):
                    yield [*example[:at], spoilt, *example[at + 1 :]]


@pytest.fixture
def examples(client) -> list[tuple[str, str, Any]]:
    """Method, path and body of every call that takes JSON, as the contract shows it."""
    contract = client.get("/api/openapi.json").get_json()
    return [
        (method, path, _example(body))
        for path, operations in contract["paths"].items()
        if path.startswith("/api/")
        for method, operation in operations.items()
        if (body := operation.get("requestBody", {}).get("content", {}).get("application/json"))
    ]


def _example(body: dict[str, Any]) -> Any:
    """The only example of a body, or the first of several."""
    return body["example"] if "example" in body else next(iter(body["examples"].values()))["value"]


def test_a_body(api, member, examples) -> None:
    asked = 0
    for method, path, example in examples:
        address = path.removeprefix("/api/v1/").replace("{member_id}", member["id"])
        for body in bodies(example):
            answer = api.call(method.upper(), address, body)
            assert answer.status_code < 500, f"{method} {path} {json.dumps(body)}: {answer.text}"
            asked += 1
    assert asked > 60
