"""What the framework cannot know of our API: keys, problems, examples. Completes the OpenAPI
document that it makes from routes and models."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import current_app

from ledger.errors import IdempotencyConflict, MemberErased, Refusal
from wallet import problems
from wallet.api import calls
from wallet.api.bodies import events
from wallet.api.bodies.answers import Problem
from wallet.api.bodies.events import EventOut
from wallet.api.bodies.examples import in_points_and_money
from wallet.api.calls import JSON, Declaration
from wallet.errors import ScopeMissing
from wallet.installation import current_installation

PROBLEM, EVENT = "Problem", "Event"
# Statuses of refusals: of any call; of a call with a body; of a call with a query.
ALWAYS = {401, 403, 429, 500}
WITH_BODY = {400, 413, 415, 422}
WITH_QUERY = {422}
# Refusals of a call that takes an Idempotency-Key.
WITH_KEY = (IdempotencyConflict, MemberErased)

PLACE_IN_PATH = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")  # as Flask writes it

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "New for each operation, the same when it is repeated.",
    "example": "receipt-1001",
}
PREFER_HEADER = {"name": "Prefer", "in": "header", "schema": {"type": "string"}}
SIGNATURE_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
]

Document = dict[str, Any]
# Name of a schema -> examples of its model: one, or one in points and one in money.
Examples = dict[str, list[Any]]


def complete(spec: Document) -> Document:
    """The framework's OpenAPI document with all that it lacks: keys, refusals and examples of each
    call. Changes `spec` and returns it."""
    spec["info"]["description"] = (
        "Members, points and offers. Errors are application/problem+json with a stable code;"
        " points are integers, and where they are money it stands beside them as text with its"
        " currency; times are RFC 3339 with a zone."
    )
    # From the settings, not from the Host header of the first caller: clients send their keys here.
    spec["servers"] = [{"url": current_installation().settings.public_url}]
    # Several nouns may share a tag.
    spec["tags"] = list({tag["name"]: tag for tag in spec["tags"]}.values())
    components = spec["components"]
    examples = _take_examples(components["schemas"])
    _add_problem(components["schemas"])
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key."}
    }
    _add_events(spec)
    for method, path, declaration in declared(spec):
        _complete(spec["paths"][path][method], declaration, examples)
    return spec


def declared(spec: Document) -> Iterator[tuple[str, str, Declaration]]:
    """Method, path and declaration of every call in the document, in the order in which the nouns
    and their views are listed."""
    for rule in current_app.url_map.iter_rules():
        path = PLACE_IN_PATH.sub(r"{\1}", rule.rule)
        for method in spec["paths"].get(path, {}):
            if method.upper() in (rule.methods or ()):
                yield method, path, calls.of(current_app.view_functions[rule.endpoint])


def refusals_of(declaration: Declaration) -> set[type[Refusal]]:
    """Every refusal of an operation that this call may have: those that its view declares, and
    those of its API key and its Idempotency-Key."""
    refusals = set(declaration.refusals)
    if not declaration.signed:
        refusals.add(ScopeMissing)
    if declaration.key is not None:
        refusals.update(WITH_KEY)
    return refusals


def _take_examples(schemas: Document) -> Examples:
    """Take the examples out of the schemas and return them: each call shows its own, so the schemas
    need not show them again."""
    taken: Examples = {name: schema.pop("examples", []) for name, schema in schemas.items()}
    return {name: examples for name, examples in taken.items() if examples}


def _add_problem(schemas: Document) -> None:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs"))
    schemas[PROBLEM] = {**schema, "additionalProperties": True}


def _add_events(spec: Document) -> None:
    """What receivers are told: a call that we make ourselves."""
    schema = EventOut.model_json_schema()
    schema.pop("examples")
    spec["components"]["schemas"][EVENT] = schema
    spec["x-webhooks"] = {"event": events.webhook(f"#/components/schemas/{EVENT}")}


def _complete(operation: Document, declaration: Declaration, examples: Examples) -> None:
    operation["security"] = [] if declaration.signed else [{"key": []}]
    if declaration.signed:
        operation["parameters"] += SIGNATURE_HEADERS
    if declaration.key is not None:
        operation["parameters"].append({**KEY_HEADER, "required": declaration.key == "required"})
    if declaration.prefer is not None:
        operation["parameters"].append({**PREFER_HEADER, "description": declaration.prefer})
    if declaration.content is not None:
        operation["requestBody"] = {"content": dict(declaration.content)}
    if "requestBody" in operation:
        operation["requestBody"]["required"] = not declaration.optional
        _show_examples(operation["requestBody"]["content"], examples)
    for answer in operation["responses"].values():
        _show_examples(answer["content"], examples)
    for status in sorted(_refused(operation, declaration)):
        operation["responses"][str(status)] = _refusal(status)


def _show_examples(content: Document, examples: Examples) -> None:
    """Write the examples of the model into this place, unless the view has an example of its
    own."""
    place = content.get(JSON, {})
    name = place.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if name not in examples or "example" in place or "examples" in place:
        return
    usual, *in_money = examples[name]
    if in_money:
        place["examples"] = in_points_and_money(usual, *in_money)
    else:
        place["example"] = usual


def _refused(operation: Document, declaration: Declaration) -> set[int]:
    """The statuses of all refusals that this call may have."""
    statuses = ALWAYS | {problems.status_of_kind(kind) for kind in refusals_of(declaration)}
    if "requestBody" in operation:
        statuses |= WITH_BODY
    if any(parameter["in"] == "query" for parameter in operation["parameters"]):
        statuses |= WITH_QUERY
    return statuses


def _refusal(status: int) -> Document:
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {problems.MEDIA_TYPE: {"schema": schema}},
    }
