"""The schemas of the OpenAPI document: one for each thing, every property of it described."""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ledger.segments.registry import KINDS
from wallet.api.bodies import glossary

# A schema of the document, or a part of one.
Schema = dict[str, Any]

PLACE = "#/components/schemas/"
# Where a JSON Schema has schemas of its own, by name or in a list.
_NAMED = ("properties", "patternProperties", "$defs")
_LISTED = ("anyOf", "oneOf", "allOf")


def of_models(*models: type[BaseModel]) -> dict[str, Schema]:
    """The schemas of these models, and of all that they are made of, by name."""
    wanted = [(model, "validation") for model in models]
    _, together = models_json_schema(cast(Any, wanted), ref_template=PLACE + "{model}")
    return _led_to(cast(dict[str, Schema], together.get("$defs", {})), models)


def _led_to(schemas: dict[str, Schema], models: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """The schemas of these models and those that something in them leads to. Pydantic also keeps
    those in whose place a field shows a schema of its own."""
    kept = {model.__name__ for model in models} & set(schemas)
    waiting = list(kept)
    while waiting:
        more = names_used(schemas[waiting.pop()]) - kept
        kept |= more
        waiting += more
    return {name: schema for name, schema in schemas.items() if name in kept}


def one_for_each_thing(spec: Schema) -> None:
    """Give each thing one schema under its own name. The framework writes a schema once more for
    each body that it stands in: `PostingOut.MoneyOut`. Raises ValueError if two different things
    have one name."""
    schemas = spec["components"]["schemas"]
    names = {name: _own_name(name) for name in schemas}
    _rename(spec, names)
    found: dict[str, Schema] = {}
    for name, schema in schemas.items():
        if found.setdefault(names[name], schema) != schema:
            raise ValueError(f"two different schemas have the name {names[name]}")
    spec["components"]["schemas"] = dict(sorted(found.items()))


def _own_name(name: str) -> str:
    """The name of the class alone. Conditions of an audience have general names, such as `Not`;
    outside their package it takes the word that says what they are."""
    own = name.rpartition(".")[2]
    conditions = {kind.__name__ for kind in KINDS.kinds()}
    return f"{own}Condition" if own in conditions else own


def _rename(part: Any, names: dict[str, str]) -> None:
    """Let all that leads to a schema lead to its new name."""
    if isinstance(part, list):
        for one in part:
            _rename(one, names)
    elif isinstance(part, dict):
        for key, value in part.items():
            if isinstance(value, str) and value.startswith(PLACE):
                part[key] = PLACE + names[value.removeprefix(PLACE)]
            else:
                _rename(value, names)


def describe(schemas: dict[str, Schema]) -> None:
    """Write into each property what its name means. The names of `schemas` are the owners that the
    glossary knows."""
    for owner, schema in schemas.items():
        schema.pop("title", None)
        if "description" in schema:
            schema["description"] = in_one_line(schema["description"])
        for name, rules in _properties(schema):
            # A title is the name once more; generators would make words of it.
            rules.pop("title", None)
            # That nothing is given is no value; generators would have people give it.
            if rules.get("default", ...) is None:
                del rules["default"]
            meaning = glossary.of(owner, name)
            if meaning is not None:
                rules["description"] = meaning


def _properties(schema: Schema) -> list[tuple[str, Schema]]:
    """The properties of a schema and of all schemas that stand within it."""
    found: list[tuple[str, Schema]] = list(schema.get("properties", {}).items())
    for inner in schema.get("properties", {}).values():
        found += _properties(inner)
    for key in _LISTED:
        for inner in schema.get(key, ()):
            found += _properties(inner)
    if isinstance(schema.get("items"), dict):
        found += _properties(schema["items"])
    return found


def tell_maps_by_their_values(part: Any) -> None:
    """Describe each map with keys of one form, such as texts by language, as generators of clients
    read maps: what a value is as `additionalProperties`, what a key is as `propertyNames`. Of
    `patternProperties` they make an empty model, and lose what is put into it."""
    if isinstance(part, list):
        for one in part:
            tell_maps_by_their_values(one)
    elif isinstance(part, dict):
        patterns = part.get("patternProperties", {})
        if len(patterns) == 1:
            ((pattern, value),) = part.pop("patternProperties").items()
            part["additionalProperties"] = value
            part["propertyNames"] = {**part.get("propertyNames", {}), "pattern": pattern}
        for one in part.values():
            tell_maps_by_their_values(one)


def without_defaults(schema: Schema) -> None:
    """Take the defaults out of a body that changes what is there: what is not named stays as it is,
    and a generated client would name all that has a default."""
    for rules in schema.get("properties", {}).values():
        rules.pop("default", None)


def in_one_line(text: str) -> str:
    """A docstring without the line breaks that stand in it for the source's sake alone."""
    return re.sub(r"(?<!\n)\n(?!\n)\s*", " ", text).strip()


def told_by(schema: Schema) -> list[str]:
    """What a schema says of itself, paragraph by paragraph; one that begins with a brace is an
    example. For the catalogue, too."""
    return in_one_line(schema.get("description", "")).split("\n\n")


def names_used(spec: Schema) -> set[str]:
    """The names of all schemas that something in the document leads to."""
    return set(re.findall(rf'"{PLACE}([^"]+)"', json.dumps(spec)))
