"""The contract as a page for people, made from the same document as for machines. Nothing comes
from other hosts. Who may call: anybody."""

import json
from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app, make_response, render_template

from wallet.api.contract import CALLS

routes = Blueprint(
    "api_docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix="/api/docs",
)


@routes.get("")
def show() -> Response:
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
            "parameters": [_parameter(one) for one in call["parameters"]],
            "fields": _fields(spec, call.get("requestBody")),
            "bodies": _examples(call.get("requestBody")),
            "answers": _examples(next(iter(call["responses"].values()))),
            "statuses": [
                (status, answer["description"]) for status, answer in call["responses"].items()
            ],
        }
        for method, path in CALLS
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
    found = spec["components"]["schemas"].get(name, {})
    required = found.get("required", [])
    return [
        {"name": field, "required": field in required, "kind": _kind(rules)}
        for field, rules in found.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words: `string, up to 300`."""
    choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    one = choices[0] if choices else schema
    if "enum" in one:
        return " | ".join(map(str, one["enum"]))
    words = [one.get("format") or one.get("type", "object" if "$ref" in one else "any")]
    if "maxLength" in one:
        words.append(f"up to {one['maxLength']}")
    if "minimum" in one and "maximum" in one:
        words.append(f"{one['minimum']} to {one['maximum']}")
    return ", ".join(words)


def _examples(place: dict[str, Any] | None) -> list[str]:
    """As they are written on the wire, in lines."""
    content = _content(place)
    several = [one["value"] for one in content.get("examples", {}).values()]
    found = several or ([content["example"]] if "example" in content else [])
    return [json.dumps(one, ensure_ascii=False, indent=2) for one in found]


def _content(place: dict[str, Any] | None) -> dict[str, Any]:
    return cast(dict[str, Any], (place or {}).get("content", {}).get("application/json", {}))
