"""The contract for people: every call and every thing, guides, and what each code means. Made from
the same document as for machines. Nothing comes from other hosts. Who may call: anybody."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import flask_babel
from apiflask import APIFlask
from flask import Blueprint, Response, current_app, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from ledger import languages, words
from ledger.languages import Language
from ledger.words import FIELD
from wallet import sentences
from wallet.access import apikeys
from wallet.api import contract, schemas
from wallet.api.remedies import FIELD_CODES, REMEDIES
from wallet.api.schemas import Schema
from wallet.errors import SCOPE
from wallet.installation import current_installation
from wallet.sentences import CATALOGUE

PLACE = re.compile(r"{\w+}")
CODE = re.compile("`([^`]+)`")
LIMITS = ("api", "webhooks")
SPEC = "kopilka_api_spec"
PAGES = "kopilka_api_docs"  # pages that were made, by name and language

home = Blueprint("api_home", __name__)
routes = Blueprint(
    "api_docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix="/api/docs",
)


@home.get("/api")
def lead() -> ResponseReturnValue:
    """Whoever asks for the API itself is led to what describes it."""
    return redirect("/api/docs")


@routes.get("")
def show() -> Response:
    """The page `/api/docs`: all calls by subject, and all things that they take and give."""

    def facts() -> dict[str, Any]:
        spec = _spec()
        return {
            "groups": _groups(spec),
            "events": _events(spec),
            "things": _things(spec),
            "places": {
                place: sentences.of_text(place, _language())
                for place in ("path", "query", "header")
            },
        }

    return _page("reference", facts)


@routes.get("/guide")
def guide() -> Response:
    """The page `/api/docs/guide`: what a list of calls cannot tell."""

    def facts() -> dict[str, Any]:
        settings, language = current_installation().settings, _language()
        return {
            "scopes": [(one, CATALOGUE.text(language, one, SCOPE)) for one in apikeys.SCOPES],
            "limits": [
                (group, contract.pace(settings.rate_limits[group], _language())) for group in LIMITS
            ],
            "keys": _keys(_spec()),
            "conditions": _conditions(_spec()),
        }

    return _page("guide", facts)


def _keys(spec: Schema) -> dict[str, list[str]]:
    """Names of the calls that are sent by POST, by what they make of an Idempotency-Key."""
    found: dict[str, list[str]] = {"required": [], "optional": [], "none": []}
    for call in contract.declared(spec):
        if call.method == "post" and not call.declaration.signed:
            found[call.declaration.key or "none"].append(call.operation["operationId"])
    return found


def _conditions(spec: Schema) -> list[tuple[str, str]]:
    """The schemas of the conditions of an audience, and the `kind` of each."""
    things = spec["components"]["schemas"]
    return [
        (name, things[name]["properties"]["kind"]["const"])
        for name in things
        if name.endswith("Condition")
    ]


@routes.get("/errors")
def errors() -> Response:
    """The page `/api/docs/errors`, to which the `type` of each problem leads."""

    def facts() -> dict[str, Any]:
        by_status: dict[int, list[str]] = {}
        for code, remedy in REMEDIES.items():
            by_status.setdefault(remedy.status, []).append(code)
        return {
            "statuses": dict(sorted(by_status.items())),
            "remedies": REMEDIES,
            "fields": [(code, _wrong_with_a_field(code)) for code in FIELD_CODES],
        }

    return _page("errors", facts)


def _wrong_with_a_field(code: str) -> str:
    """What this code of a field means; a limit that differs from field to field is left open."""
    language = _language()
    said = CATALOGUE.text(language, code, FIELD)
    if said == code:  # the ledger checks it, and has the words
        said = words.catalogue("ledger").text(language, code, FIELD)
    return PLACE.sub("…", said)


@routes.app_template_filter("coded")
def coded(text: str) -> Markup:
    """Text with its words in backquotes as code, and its paragraphs as paragraphs."""
    paragraphs = str(escape(text)).split("\n\n")
    marked = (CODE.sub(r"<code>\1</code>", paragraph) for paragraph in paragraphs)
    return Markup("<br>").join(Markup(paragraph) for paragraph in marked)  # noqa: S704 - escaped


def _page(name: str, facts: Callable[[], dict[str, Any]]) -> Response:
    """A page in the reader's language. It is the same for everybody until the application starts
    anew, so it is made once."""
    pages: dict[tuple[str, Language], str] = current_app.extensions.setdefault(PAGES, {})
    place = name, _language()
    if place not in pages:
        base = current_installation().settings.public_url
        pages[place] = render_template(
            f"api/{name}.html", page=name, spec=_spec(), base=base, **facts()
        )
    return make_response(pages[place])


def _spec() -> Schema:
    """The document for machines. The framework would work it out at every look, which takes a
    second."""
    known: Schema | None = current_app.extensions.get(SPEC)
    if known is None:
        known = current_app.extensions[SPEC] = cast(Schema, cast(APIFlask, current_app).spec)
    return known


def _language() -> Language:
    return languages.ours(str(flask_babel.get_locale()))


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a property, as a reader sees it. `things`: the schemas that it may be."""

    name: str
    place: str
    kind: str
    things: list[str]
    required: bool
    meaning: str


def _groups(spec: Schema) -> list[tuple[Schema, list[dict[str, Any]]]]:
    """Tags with their calls, in the order in which the calls are listed."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for call in contract.declared(spec):
        calls.setdefault(call.operation["tags"][0], []).append(_call(call))
    tags = {tag["name"]: tag for tag in spec["tags"]}
    return [(tags[name], of_tag) for name, of_tag in calls.items()]


def _call(call: contract.DeclaredCall) -> dict[str, Any]:
    operation, language = call.operation, _language()
    limits = current_installation().settings.rate_limits
    body = _content(operation.get("requestBody"))
    (answer,) = (
        answer for status, answer in operation["responses"].items() if status.startswith("2")
    )
    return {
        "id": operation["operationId"],
        "method": call.method.upper(),
        "path": call.path,
        "summary": call.summary,
        "description": call.description,
        "manners": contract.manners_of(call, limits, language),
        "parameters": [_parameter(one) for one in operation["parameters"]],
        "body": list(_fields(_of_body(body))) if body else [],
        "bodies": _examples(body),
        "answer": _thing(_content(answer).get("schema", {})),
        "answers": _examples(_content(answer)),
        "codes": contract.codes_of(call),
    }


def _places() -> dict[str, str]:
    """Where a parameter stands, in the reader's words."""
    language = _language()
    return {
        "path": sentences.of_text("in the path", language),
        "query": sentences.of_text("in the query", language),
        "header": sentences.of_text("in a header", language),
    }


def _events(spec: Schema) -> list[dict[str, Any]]:
    """The calls that we make: what each says, the thing that its data is, and an example."""
    told = []
    for name, methods in spec["webhooks"].items():
        content = _content(methods["post"]["requestBody"])
        own = content["schema"]["allOf"][1]["properties"]
        told.append(
            {
                "type": name,
                "summary": methods["post"]["summary"],
                "data": _thing(own["data"]),
                "examples": _examples(content),
            }
        )
    return told


def _things(spec: Schema) -> list[tuple[str, list[str], list[Field]]]:
    """Schemas: the name, what it is, its fields."""
    return [
        (name, schemas.told_by(schema), list(_fields(schema)))
        for name, schema in spec["components"]["schemas"].items()
    ]


def _parameter(parameter: Schema) -> Field:
    rules = parameter.get("schema", {})
    return Field(
        parameter["name"],
        parameter["in"],
        _kind(rules),
        [],
        parameter.get("required", False),
        parameter["description"],
    )


def _of_body(content: Schema) -> Schema:
    """The schema of a body. Of one that may be in several words, each is a thing of its own."""
    name = _thing(content["schema"])
    return cast(Schema, _spec()["components"]["schemas"][name] if name else content["schema"])


def _fields(schema: Schema) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, rules in schema.get("properties", {}).items():
        yield Field(
            name, "body", _kind(rules), _all_things(rules), name in required, rules["description"]
        )
    for choice in schema.get("oneOf", ()):
        name = _thing(choice)
        yield Field(name, "body", "", [name], required=False, meaning="")


def _thing(rules: Schema) -> str:
    """The name of the schema that this is, or a list of; empty if there is none, or several."""
    things = _all_things(rules)
    return things[0] if len(things) == 1 else ""


def _all_things(rules: Schema) -> list[str]:
    """The names of all schemas that this may be, or be a list of."""
    found = []
    for choice in _choices(rules):
        if isinstance(choice.get("items"), dict):
            found += _all_things(choice["items"])
        elif "$ref" in choice:
            found.append(choice["$ref"].removeprefix(schemas.PLACE))
    return found


def _choices(rules: Schema) -> list[Schema]:
    return [part for part in _all_choices(rules) if part.get("type") != "null"]


def _all_choices(rules: Schema) -> list[Schema]:
    """What this may be; one that may be several things itself stands as these."""
    listed: list[Schema] = rules.get("anyOf") or rules.get("oneOf") or []
    return [one for part in listed for one in _all_choices(part)] or [rules]


def _kind(rules: Schema) -> str:
    """A schema in a few words: `text, up to 300 or null`."""
    kind, language = _kind_of_value(rules), _language()
    if len(_choices(rules)) == len(_all_choices(rules)):
        return kind
    if not kind:
        return sentences.of_text("or null", language)
    return sentences.of_text("{kind} or null", language, kind=kind)


def _kind_of_value(rules: Schema) -> str:
    language = _language()
    choices = _choices(rules)
    if len(choices) != 1 or "$ref" in choices[0]:
        return ""
    (rules,) = choices
    if "const" in rules:
        return f"`{rules['const']}`"
    if "enum" in rules:
        return " | ".join(f"`{one}`" for one in rules["enum"])
    if "items" in rules:
        inner = _kind(rules["items"])
        listed = sentences.of_text("list", language)
        return f"{listed}: {inner}" if inner else listed
    words = [_named(rules.get("format") or rules.get("type", "object"), language)]
    if "maxLength" in rules:
        words.append(sentences.of_text("up to {most}", language, most=rules["maxLength"]))
    if "minimum" in rules and "maximum" in rules:
        least, most = rules["minimum"], rules["maximum"]
        words.append(sentences.of_text("{least} to {most}", language, least=least, most=most))
    return ", ".join(words)


def _named(kind: str, language: Language) -> str:
    match kind:
        case "string":
            return sentences.of_text("text", language)
        case "integer":
            return sentences.of_text("whole number", language)
        case "boolean":
            return sentences.of_text("true or false", language)
        case "date":
            return sentences.of_text("day", language)
        case "date-time":
            return sentences.of_text("moment (RFC 3339)", language)
        case "binary":
            return sentences.of_text("file", language)
    return sentences.of_text("object", language)


def _examples(content: Schema) -> list[str]:
    """The examples of a body, as JSON in several lines."""
    examples = [named["value"] for named in content.get("examples", {}).values()]
    if "example" in content:
        examples.append(content["example"])
    return [json.dumps(example, ensure_ascii=False, indent=2) for example in examples]


def _content(place: Schema | None) -> Schema:
    """What a body or an answer is: as JSON, or as the first of its other media types."""
    content = (place or {}).get("content", {})
    return cast(Schema, content.get("application/json", next(iter(content.values()), {})))
