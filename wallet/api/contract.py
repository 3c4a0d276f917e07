"""What the framework cannot know of our API: names of calls, keys, refusals, manners, examples.
Completes the OpenAPI document that it makes from routes and models."""

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import current_app

from ledger.errors import IdempotencyConflict, MemberErased, Refusal
from ledger.languages import ENGLISH, Language
from ledger.words import N_
from wallet import problems, sentences
from wallet.api import calls, schemas
from wallet.api.bodies import events, glossary
from wallet.api.bodies.answers import Problem
from wallet.api.bodies.events import EventTold
from wallet.api.bodies.examples import in_points_and_money
from wallet.api.calls import JSON, Declaration
from wallet.api.remedies import REMEDIES
from wallet.api.schemas import Schema
from wallet.errors import ScopeMissing
from wallet.installation import current_installation

PROBLEM = "Problem"
# Codes of refusals that have no class: of any call; of a key; of a signature; of a call with a
# body; with a body of JSON; of a call that takes none; with an
# Idempotency-Key; with a query; with a list.
ALWAYS = ("too_many_requests", "internal_error", "database_unavailable", "storage_full")
OF_KEY = ("key_missing", "key_unknown", "key_expired")
OF_SIGNATURE = ("signature_invalid", "timestamp_outside_window", "malformed_json")
WITH_BODY = ("bad_request", "body_too_large", "body_compressed", "invalid_request")
WITH_JSON = ("malformed_json", "not_json")
WITHOUT_BODY = ("malformed_json", "not_json", "body_too_large", "invalid_request")
OF_IDEMPOTENCY_KEY = ("idempotency_key_invalid",)
WITH_QUERY = ("invalid_request",)
WITH_CURSOR = ("cursor_invalid", "cursor_of_another_list")
# Refusals of a call that takes an Idempotency-Key.
WITH_KEY = (IdempotencyConflict, MemberErased)
# Answers that say when to ask again.
ASK_AGAIN = {429, 503}

PLACE_IN_PATH = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")  # as Flask writes it
MEGABYTE = 1024 * 1024

TAGS: Mapping[str, str] = {
    N_("Programmes"): N_("What programmes there are, and what the barcodes of their cards hold."),
    N_("Members"): N_(
        "People who joined: added, found, corrected, merged, erased; and their cards."
    ),
    N_("Statements"): N_("What happened to points, what members have, and the proof of it."),
    N_("Points"): N_("Points in, points out, undone, given to others; one by one or in thousands."),
    N_("Holds"): N_("Points set aside while a sale goes on."),
    N_("Imports"): N_("Members, balances and consents from files."),
    N_("Offers"): N_("What cards show, and coupons."),
    N_("Waves"): N_("Changes for all cards of a programme, on their way."),
    N_("Campaigns"): N_("One message to many members."),
    N_("Messages"): N_("Built-in messages, and what became of those to one member."),
    N_("Passes"): N_("Cards and coupons in phones."),
    N_("Scans"): N_("What a till sees when it scans."),
    N_("Receivers"): N_("Systems that are told what happens."),
    N_("Exports"): N_("Members and postings as files, and who took which."),
    N_("Stores"): N_("Where a programme is at home: stores, and the tills in them."),
    N_("Catalogue"): N_("What is sold: products, categories, prices and floors."),
    N_("Webhooks"): N_("Changes of points from systems that would rather send than ask."),
}

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "receipt-1001",
}
PREFER_HEADER = {"name": "Prefer", "in": "header", "schema": {"type": "string"}}
MATCH_HEADER = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string", "maxLength": 40},
    "example": '"3"',
}
SIGNATURE_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
]

Document = Schema
# Name of a schema -> examples of its model: one, or one in points and one in money.
Examples = dict[str, list[Any]]


def complete(spec: Document) -> Document:
    """The framework's OpenAPI document with all that it lacks: keys, refusals, manners and examples
    of each call, and what every name in it means. Changes `spec` and returns it."""
    settings = current_installation().settings
    spec["info"]["description"] = (
        "Members, points and offers. Errors are application/problem+json with a stable code;"
        " points are integers, and where they are money it stands beside them as text with its"
        " currency; times are RFC 3339 with a zone. Guides, and this document for people, are at"
        f" {settings.public_url}/api/docs."
    )
    spec["externalDocs"] = {"url": f"{settings.public_url}/api/docs"}
    # From the settings, not from the Host header of the first caller: clients send their keys here.
    spec["servers"] = [{"url": settings.public_url}]
    # Several nouns may share a tag.
    named = list(dict.fromkeys(tag["name"] for tag in spec["tags"]))
    spec["tags"] = [
        {"name": name, "description": TAGS[name]} if name in TAGS else {"name": name}
        for name in named
    ]
    components = spec["components"]
    examples = _take_examples(components["schemas"])
    _add_problem(components["schemas"])
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key. The scopes at a call are what the key must be allowed.",
        }
    }
    _add_events(spec)
    for call in declared(spec):
        components["schemas"].update(schemas.of_models(*call.declaration.models))
        _complete(call, examples, settings.rate_limits)
        if call.method == "patch":
            schemas.without_defaults(_body_of(spec, call))
    schemas.one_for_each_thing(spec)
    schemas.describe(spec["components"]["schemas"])
    schemas.tell_maps_by_their_values(spec)
    return spec


def _body_of(spec: Document, call: "DeclaredCall") -> Document:
    """The schema of what this call is sent as JSON, itself no reference."""
    schema: Document = call.operation["requestBody"]["content"][JSON]["schema"]
    name = schema.get("$ref", "").removeprefix(schemas.PLACE)
    return spec["components"]["schemas"][name] if name else schema


@dataclass(frozen=True, slots=True)
class DeclaredCall:
    """A call of the document with what its view declares. `operation` is the document's own.
    `summary` and `description`: the first paragraph of what the view says of itself, and the
    rest."""

    method: str
    path: str
    operation: Document
    declaration: Declaration
    summary: str
    description: str


def declared(spec: Document) -> Iterator[DeclaredCall]:
    """Every call in the document, in the order in which the nouns and their views are listed."""
    for rule in current_app.url_map.iter_rules():
        path = PLACE_IN_PATH.sub(r"{\1}", rule.rule)
        for method, operation in spec["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or ()):
                view = current_app.view_functions[rule.endpoint]
                yield DeclaredCall(method, path, operation, calls.of(view), *told_by(view))


def told_by(view: Callable[..., Any]) -> tuple[str, str]:
    """What a view says of itself: its first paragraph, and the rest. For the catalogue, too."""
    first, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
    return schemas.in_one_line(first), schemas.in_one_line(rest)


def refusals_of(declaration: Declaration) -> set[type[Refusal]]:
    """Every refusal of an operation that this call may have: those that its view declares, and
    those of its API key and its Idempotency-Key."""
    refusals = set(declaration.refusals)
    if not declaration.signed:
        refusals.add(ScopeMissing)
    if declaration.key is not None:
        refusals.update(WITH_KEY)
    return refusals


def _take_examples(models: Document) -> Examples:
    """Take the examples out of the schemas and return them: each call shows its own, so the schemas
    need not show them again."""
    taken: Examples = {name: schema.pop("examples", []) for name, schema in models.items()}
    return {name: examples for name, examples in taken.items() if examples}


def _add_problem(models: Document) -> None:
    models.update(schemas.of_models(Problem))
    models[PROBLEM]["additionalProperties"] = True


def _add_events(spec: Document) -> None:
    """What receivers are told: calls that we make ourselves."""
    spec["components"]["schemas"].update(schemas.of_models(EventTold))
    spec["webhooks"] = events.webhooks(schemas.PLACE)


def codes_of(call: DeclaredCall) -> dict[int, list[str]]:
    """The codes of all refusals that this call may have, by status."""
    operation, declaration = call.operation, call.declaration
    codes = {*ALWAYS, *declaration.codes, *(OF_SIGNATURE if declaration.signed else OF_KEY)}
    codes |= {refusal.code for refusal in refusals_of(declaration)}
    if "requestBody" in operation:
        codes.update(WITH_BODY)
        if declaration.takes_json and not declaration.signed:
            codes.update(WITH_JSON)
    elif call.method != "get":
        codes.update(WITHOUT_BODY)
    if declaration.key is not None:
        codes.update(OF_IDEMPOTENCY_KEY)
    if declaration.key == "required":
        codes.add("idempotency_key_missing")
    query = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    codes.update(WITH_QUERY if query else ())
    codes.update(WITH_CURSOR if "cursor" in query else ())
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(REMEDIES[code].status, []).append(code)
    return dict(sorted(by_status.items()))


def manners_of(call: DeclaredCall, limits: Mapping[str, str], language: Language) -> list[str]:
    """Who may call, whether it may be repeated, and how often and how much: a sentence each."""
    declaration = call.declaration

    def say(text: str, **facts: object) -> str:
        return sentences.of_text(text, language, **facts)

    said = []
    if declaration.signed:
        said.append(say(N_("Signed by Standard Webhooks with the secret of the source.")))
    elif declaration.scope is not None:
        said.append(say(N_("Scope: `{scope}`."), scope=declaration.scope))
    if declaration.more_with is not None:
        said.append(say(N_("With `{scope}` it shows more."), scope=declaration.more_with))
    said.append(say(_repeating(call.method, declaration)))
    group = "webhooks" if declaration.signed else "api"
    limit = pace(limits[group], language)
    said.append(say(N_("Limit: {limit} by one key; then 429 with `Retry-After`."), limit=limit))
    if declaration.most_bytes is not None:
        most = declaration.most_bytes // MEGABYTE
        said.append(say(N_("Body: at most {most} MB."), most=most))
    return said


def pace(limit: str, language: Language) -> str:
    """A limit such as `100/second`, in the reader's words."""
    most, _, each = limit.partition("/")
    match each:
        case "second":
            return sentences.of_text(N_("{most} a second"), language, most=most)
        case "minute":
            return sentences.of_text(N_("{most} a minute"), language, most=most)
        case "hour":
            return sentences.of_text(N_("{most} an hour"), language, most=most)
    return limit


def _complete(call: DeclaredCall, examples: Examples, limits: Mapping[str, str]) -> None:
    operation, declaration = call.operation, call.declaration
    operation["security"] = (
        [] if declaration.signed else [{"key": [declaration.scope] if declaration.scope else []}]
    )
    _complete_parameters(operation, declaration)
    if declaration.content is not None:
        content = copy.deepcopy(dict(declaration.content))
        operation["requestBody"] = {"content": content}
        for place in content.values():
            schemas.describe({operation["operationId"]: place["schema"]})
    if "requestBody" in operation:
        operation["requestBody"]["required"] = not declaration.optional
        _show_examples(operation["requestBody"]["content"], examples)
    if declaration.answer is not None:
        operation["responses"]["200"] = {"content": copy.deepcopy(dict(declaration.answer))}
    for status, answer in operation["responses"].items():
        answer["description"] = HTTPStatus(int(status)).phrase
        _show_examples(answer.get("content", {}), examples)
    for status, codes in codes_of(call).items():
        operation["responses"][str(status)] = _refusal(status, codes)
    manners = manners_of(call, limits, ENGLISH)
    operation["summary"] = call.summary
    operation["description"] = "\n\n".join([*filter(None, [call.description]), *manners])


def _complete_parameters(operation: Document, declaration: Declaration) -> None:
    if declaration.signed:
        operation["parameters"] += [dict(header) for header in SIGNATURE_HEADERS]
    if declaration.key is not None:
        operation["parameters"].append({**KEY_HEADER, "required": declaration.key == "required"})
    if declaration.prefer is not None:
        operation["parameters"].append({**PREFER_HEADER, "description": declaration.prefer})
    if declaration.revised:
        operation["parameters"].append(dict(MATCH_HEADER))
    for parameter in operation["parameters"]:
        parameter.get("schema", {}).pop("title", None)
        meaning = glossary.of(operation["operationId"], parameter["name"])
        if meaning is not None:
            parameter.setdefault("description", meaning)


def _repeating(method: str, declaration: Declaration) -> str:
    """What happens to the same request when it comes again."""
    if declaration.signed:
        return N_("The same `webhook-id` with the same body has one effect and one answer.")
    if declaration.key == "required":
        return N_("Needs an `Idempotency-Key`: a repetition has one effect and the first answer.")
    if declaration.key == "optional":
        return N_(
            "Send an `Idempotency-Key`: then a repetition has one effect and the first answer."
        )
    if method == "get":
        return N_("Changes nothing.")
    if method in ("put", "patch", "delete"):
        return N_("Sent again, it changes nothing more.")
    return N_("Takes no `Idempotency-Key`.")


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


def _refusal(status: int, codes: list[str]) -> Document:
    listed = "\n".join(f"- `{code}`: {REMEDIES[code].means}" for code in codes)
    answer: Document = {
        "description": f"{HTTPStatus(status).phrase}\n\n{listed}",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": f"{schemas.PLACE}{PROBLEM}"}}},
        "x-codes": codes,
    }
    if status in ASK_AGAIN:
        answer["headers"] = {
            "Retry-After": {
                "description": "After how many seconds to ask again.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return answer
