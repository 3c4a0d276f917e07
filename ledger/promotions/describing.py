"""All kinds as data: what each is called in a language, its fields, its JSON Schema and an example.
Forms and blocks are made of it. Pure."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ledger import words
from ledger.languages import Language
from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.promotions import PromotionRules
from ledger.promotions.rewards.registry import REWARDS, Discount, PresentReward
from ledger.promotions.telling import FieldWords, KindWords
from ledger.segments.registry import name_of

KindFamily = Literal["condition", "discount", "points", "present"]
DEFINITION = "#/$defs/{model}"
# Of JSON Schema, what pydantic fills with names and docstrings of the code.
OF_CODE = ("title", "description")
# How small, how large and how long a value may be, in the words of JSON Schema.
BOUNDS = (
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"),
    *("minProperties", "maxProperties"),
)


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field of a document. `unit`: what its number counts. `bounds`: as JSON Schema names them,
    and what it is by default. `choices`: what each value is called, where there are a few."""

    name: str
    label: str
    required: bool
    unit: str | None
    bounds: Mapping[str, object]
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DescribedPart:
    """A part of documents, such as goods: what it is called, and its fields. `definition`: its name
    among the schemas."""

    definition: str
    name: str
    help: str
    fields: Sequence[DescribedField]


@dataclass(frozen=True, slots=True)
class DescribedKind:
    """A kind: the word for it in documents, what people call it, and an example that is a whole
    document of it."""

    kind: str
    family: KindFamily
    part: DescribedPart
    example: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DescribedKinds:
    """All kinds, in the order in which forms offer them; the parts that they are made of, a
    promotion among them; and the JSON Schema of each by the name of its definition."""

    kinds: Sequence[DescribedKind]
    parts: Sequence[DescribedPart]
    schemas: Mapping[str, Mapping[str, Any]]


@functools.cache  # a tenth of a second, and kinds do not change while a process lives
def described(language: Language) -> DescribedKinds:
    """All kinds in the words of this language."""
    kinds: list[type[Any]] = [*CONDITIONS.kinds(), *REWARDS.kinds()]
    parts = list(_parts_of([PromotionRules, *kinds]))
    models: list[type[BaseModel]] = [*kinds, *parts]
    places, whole = models_json_schema(
        [(model, "validation") for model in models], ref_template=DEFINITION
    )
    schemas: dict[str, dict[str, Any]] = whole["$defs"]
    for schema in schemas.values():
        _without_words_of_code(schema)
    told = {}
    for model in models:
        definition = places[model, "validation"]["$ref"].rpartition("/")[2]
        told[model] = _part(model, definition, schemas[definition], language)
    return DescribedKinds(
        [DescribedKind(name_of(one), family_of(one), told[one], example_of(one)) for one in kinds],
        [told[model] for model in parts],
        schemas,
    )


def family_of(kind: type[Any]) -> KindFamily:
    """What a kind is for."""
    if hasattr(kind, "unmet"):
        return "condition"
    if issubclass(kind, PresentReward):
        return "present"
    return "discount" if issubclass(kind, Discount) else "points"


def example_of(kind: type[Any]) -> Mapping[str, object]:
    """The document at the end of the kind's docstring."""
    said = kind.__doc__ or ""
    example: Mapping[str, object] = json.loads(said[said.index('{"kind"') :])
    return example


def _parts_of(models: Sequence[type[Any]]) -> Iterator[type[BaseModel]]:
    """The models that fields of these hold and that have words, each once; kinds are none."""
    seen: set[type[BaseModel]] = {PromotionRules}
    yield PromotionRules
    waiting = list(models)
    while waiting:
        for field in waiting.pop(0).model_fields.values():
            for model in _models_in(field.annotation):
                if model not in seen and hasattr(model, "WORDS"):
                    seen.add(model)
                    waiting.append(model)
                    yield model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _part(
    model: type[BaseModel], definition: str, schema: dict[str, Any], language: Language
) -> DescribedPart:
    """What the model is called. Its schema gets the same words."""
    catalogue = words.catalogue_of(model)
    called: KindWords = model.WORDS  # type: ignore[attr-defined]
    name, help_ = (catalogue.text(language, text) for text in (called.name, called.help))
    schema |= {"title": name, "description": help_}
    fields = []
    for attribute, info in model.model_fields.items():
        in_words = next((one for one in info.metadata if isinstance(one, FieldWords)), None)
        if in_words is None:
            continue
        of_field = schema["properties"][info.alias or attribute]
        of_field["title"] = catalogue.text(language, in_words.label)
        fields.append(
            DescribedField(
                name=info.alias or attribute,
                label=of_field["title"],
                required=info.is_required(),
                unit=in_words.unit,
                bounds=_bounds(of_field),
                choices={value: catalogue.text(language, text) for value, text in in_words.choices},
            )
        )
    return DescribedPart(definition, name, help_, fields)


def _bounds(schema: Mapping[str, Any]) -> dict[str, object]:
    """Of a field that may be left out, those of what it holds otherwise; and what it is then."""
    arms = [schema, *(one for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    found = {name: arm[name] for arm in arms[:2] for name in BOUNDS if name in arm}
    if isinstance(schema.get("default"), bool | int | str):
        found["default"] = schema["default"]
    return found


def _without_words_of_code(schema: dict[str, Any]) -> None:
    """Names of classes and docstrings are for programmers, and a whole document as a default says
    no more than that the field may be left out."""
    for name in OF_CODE:
        schema.pop(name, None)
    if isinstance(schema.get("default"), dict):
        del schema["default"]
    for one in schema.get("properties", {}).values():
        _without_words_of_code(one)
    for one in (*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(one, dict):
            _without_words_of_code(one)
