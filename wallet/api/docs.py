"""The contract as a page for people, made from the same document as for machines. Nothing comes
from other hosts. Who may call: anybody."""

import json
from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app, make_response, render_template

from wallet.api import contract

routes = Blueprint(
    "api_docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix="/api/docs",
)


@routes.get("")
def show() -> Response:
    """The page `/api/docs`, made from the OpenAPI document."""
    app = cast(APIFlask, current_app)
    spec = cast(dict[str, Any], app.spec)
    return make_response(render_template("api/docs.html", spec=spec, calls=_calls(spec)))


def _calls(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
            "method": method.upper(),
            "path": path,
            "summary": call["summary"],
            "description": call.get("description", ""),
            "parameters": [_parameter(parameter) for parameter in call["parameters"]],
            "fields": _fields(spec, call.get("requestBody")),
            "bodies": _examples(call.get("requestBody")),
            "answers": _examples(next(iter(call["responses"].values()))),
            "statuses": [
                (status, answer["description"]) for status, answer in call["responses"].items()
            ],
        }
        for method, path, _ in contract.declared(spec)
        for call in [spec["paths"][path][method]]
    ]


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "kind": _kind(parameter.get("schema", {})),
    }


def _fields(spec: dict[str, Any], place: dict[str, Any] | None) -> list[dict[str, Any]]:
    schema = _content(place).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    body = spec["components"]["schemas"].get(name, {})
    required = body.get("required", [])
    return [
        {"name": field, "required": field in required, "kind": _kind(rules)}
        for field, rules in body.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words: `string, up to 300`."""
    choices = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    rules = choices[0] if choices else schema
    if "enum" in rules:
        return " | ".join(map(str, rules["enum"]))
    words = [rules.get("format") or rules.get("type", "object" if "$ref" in rules else "any")]
    if "maxLength" in rules:
        words.append(f"up to {rules['maxLength']}")
    if "minimum" in rules and "maximum" in rules:
        words.append(f"{rules['minimum']} to {rules['maximum']}")
    return ", ".join(words)


def _examples(place: dict[str, Any] | None) -> list[str]:
    """The examples of a body, as JSON in several lines."""
    content = _content(place)
    examples = [named["value"] for named in content.get("examples", {}).values()]
    if "example" in content:
        examples.append(content["example"])
    return [json.dumps(example, ensure_ascii=False, indent=2) for example in examples]


def _content(place: dict[str, Any] | None) -> dict[str, Any]:
    return cast(dict[str, Any], (place or {}).get("content", {}).get("application/json", {}))
