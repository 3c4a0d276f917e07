"""Every kind tells itself: what it is called, its fields, and a sentence for each document."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from ledger.languages import LANGUAGES, Language
from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.describing import described, example_of
from ledger.promotions.promotions import PromotionRules
from ledger.promotions.rewards.registry import REWARDS
from ledger.promotions.sentences import sentence
from ledger.segments.registry import name_of

EN, RU = Language("en"), Language("ru")
KINDS = [*CONDITIONS.kinds(), *REWARDS.kinds()]
SUM = {"amount": "777", "currency": "RUB"}
GOODS = {
    "skus": ["A"],
    "models": ["M"],
    "categories": ["shoes"],
    "brands": ["Lelia"],
    "properties": {"colour": ["red"]},
    "price_from": {"amount": "10", "currency": "RUB"},
    "price_to": {"amount": "20.50", "currency": "RUB"},
    "full_price": True,
    "but": {"categories": ["outlet"]},
}
PICKS = (
    {"cheapest": 1},
    {"cheapest": 2},
    {"dearest": 1},
    {"per_line": 1},
    *({"line": 2, "sorted_by": f"{what}_{way}"} for what in ("price", "quantity", "amount")
      for way in ("up", "down")),
    {"line": 3, "sorted_by": "price_up"},
)  # fmt: skip


def rules(**more: object) -> dict[str, Any]:
    return {"name": "x", "gives": [{"kind": "points_fixed", "points": 5}], **more}


def of(kind: type[Any], example: object) -> dict[str, Any]:
    return rules(when=example) if hasattr(kind, "unmet") else rules(gives=[example])


def told(document: dict[str, Any], language: Language) -> str:
    return sentence(PromotionRules.model_validate(document), language)


def with_goods(document: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    yield {**document, name: {}}
    yield {**document, name: GOODS}
    for field in GOODS:
        yield {**document, name: {key: value for key, value in GOODS.items() if key != field}}


MORE: dict[str, list[dict[str, Any]]] = {
    "amount of a purchase": [
        {"kind": "amount", "at_least": SUM, "measure": "remaining"},
        *({"kind": "amount", one: SUM}
          for one in ("at_least", "more_than", "at_most", "less_than")),
        {"kind": "amount", "at_least": SUM, "at_most": {"amount": "999", "currency": "RUB"}},
    ],
    "units": [{"kind": "units", "goods": {}, "at_least": 2},
              {"kind": "units", "goods": {}, "at_least": 2, "at_most": 4}],
    "member": [{"kind": "member", "id": "7"}, {"kind": "member", "list": "7"}],
    "purchase_number": [{"kind": "purchase_number", one: number}
                        for one in ("is", "at_least", "every") for number in (2, 3)],
    "birthday": [{"kind": "birthday"}, {"kind": "birthday", "before": 1},
                 {"kind": "birthday", "after": 1}, {"kind": "birthday", "before": 1, "after": 1}],
    "place": [{"kind": "place", one: names} for one in ("stores", "groups", "tills", "channels")
              for names in (["a"], ["a", "b"], ["a or b"])],
    "hours": [{"kind": "hours", "weekdays": ["sat"]}, {"kind": "hours", "weekdays": ["sat", "sun"]},
              {"kind": "hours", "from": "09:00", "until": "12:30"},
              {"kind": "hours", "weekdays": ["sat"], "from": "09:00", "until": "12:00"}],
    "dates": [{"kind": "dates", "from": "2026-12-20"}, {"kind": "dates", "until": "2026-12-20"},
              {"kind": "dates", "from": "2026-12-20", "until": "2026-12-20"}],
    "code": [{"kind": "code", "codes": ["A", "B"]}],
    "payment": [{"kind": "payment", "kinds": [one]} for one in
                ("card", "cash", "sbp", "gift_card", "prepayment", "credit", "other")],
    "audience": [
        {"kind": "audience", "segment": segment} for segment in (
            {"kind": "everyone"}, {"kind": "consent"}, {"kind": "listed", "list": "L"},
            {"kind": "balance", "at_least": 100}, {"kind": "balance", "at_most": 100},
            {"kind": "purchase"}, {"kind": "purchase", "days": 7}, {"kind": "activity", "days": 7},
            {"kind": "purchase", "days": 7, "store": "c"}, {"kind": "joined", "days": 7},
            {"kind": "purchase", "days": 7, "at_least": SUM},
            {"kind": "joined", "since": "2026-12-01T00:00:00Z"},
            {"kind": "not", "of": {"kind": "consent"}},
            {"kind": "all", "of": [{"kind": "consent"}, {"kind": "purchase"}]},
            {"kind": "any", "of": [{"kind": "consent"}, {"kind": "purchase"}]})
    ],
    "percent": [
        *({"kind": "percent", "percent": "10", "pick": pick} for pick in PICKS),
        {"kind": "percent", "percent": "10", "most": SUM},
        {"kind": "percent", "percent": "10.5"},
    ],
    "other rewards": [
        *({"kind": kind, "amount": SUM, "pick": {"dearest": 1}}
          for kind in ("amount", "amount_per_unit")),
        *({"kind": kind, "amount": SUM}
          for kind in ("amount", "amount_per_unit", "amount_per_line")),
        {"kind": "price_list", "prices": [{"sku": "A", "price": SUM}]},
        {"kind": "price_list", "prices": [{"sku": "B", "price": SUM}]},
        {"kind": "bundle", "price": SUM, "slots": [{"goods": {}, "units": 3}]},
        {"kind": "bundle", "price": SUM, "slots": [{"goods": {}, "units": 2}]},
        {"kind": "bundle", "price": SUM, "slots": [{"goods": {}, "units": 2}], "times": 1},
        {"kind": "bundle", "price": SUM, "slots": [{"goods": {}}, {"goods": {}}]},
        *({"kind": "nth_unit", "every": 2, "goods": {}, **more} for more in (
            {}, {"percent": "50"}, {"times": 2}, {"identical": "sku"}, {"identical": "model"},
            {"identical": "price"}, {"identical": "category"})),
        {"kind": "nth_unit", "every": 3, "goods": {}},
        *({"kind": "free_units", "buy": 2, "goods": {}, **more} for more in (
            {}, {"get": 2}, {"get_goods": {}}, {"get_goods": {"skus": ["A"]}}, {"times": 2})),
        *({"kind": "ladder", "steps": [step]} for step in (
            {"units": 2, "percent": "5"}, {"units": 2, "off": SUM}, {"units": 3, "percent": "5"},
            {"amount": SUM, "percent": "5"}, {"amount": SUM, "off": SUM})),
        *({"kind": "first_and_further", "first": "0", "further": "20", "goods": {}, **more}
          for more in ({}, {"first": "5"}, {"further": "5"}, {"identical": "sku"})),
        *({"kind": "per_group", "units": 3, "amount": SUM, "goods": {}, **more}
          for more in ({}, {"units": 4}, {"identical": "sku"}, {"times": 1})),
        *({"kind": "gift", "sku": "A", **more}
          for more in ({}, {"units": 2}, {"comes_with": {"skus": ["B"]}}, {"sku": "B"})),
        *({"kind": "points_for_money", "points": 1, "each": SUM, **more}
          for more in ({}, {"points": 2}, {"parts": True}, {"goods": {"skus": ["A"]}})),
        {"kind": "points_for_visit", "points": 6}, {"kind": "points_fixed", "points": 6},
        {"kind": "points_multiplied", "times": 2}, {"kind": "points_multiplied", "times": 3},
        {"kind": "points_percent", "percent": "5"}, {"kind": "points_percent", "percent": "6"},
    ],
    "goods": [
        *with_goods({"kind": "contains"}, "goods"),
        {"kind": "contains", "goods": {"skus": ["A", "B"]}},
        {"kind": "contains", "goods": {"skus": ["A or B"]}},
    ],
}  # fmt: skip

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"from": "2026-12-01T00:00:00Z"},
    {"from": "2026-12-01T09:00:00Z"},
    {"from": "2026-12-01T09:00:30Z"},
    {"until": "2026-12-31T00:00:00Z"},
    {"until": "2026-12-31T18:00:00Z"},
    {"lane": "club"},
    {"priority": 5},
    {"priority": -5},
    {"not_with": ["club"]},
    {"not_with": ["club", "vip"]},
    {"alone": True},
    {"adds_to_given": True},
    {"keeps_units": True},
    *({"limits": {one: 3}} for one in ("total", "member", "member_day", "code")),
    {"budget": {"money": SUM}},
    {"budget": {"points": 777}},
    {"points_dates": {"active_after_days": 3}},
    {"points_dates": {"live_days": 3}},
    {"gives": [{"kind": "points_fixed", "points": 5}, {"kind": "points_fixed", "points": 6}]},
    {"gives": [{"kind": "points_fixed", "points": 6}, {"kind": "points_fixed", "points": 5}]},
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_documents_never_have_one_sentence(language: Language) -> None:
    conditions = {name_of(kind) for kind in CONDITIONS.kinds()}
    documents = [rules(**more) for more in OPTIONS]
    documents += [of(kind, example_of(kind)) for kind in KINDS if name_of(kind) != "always"]
    for name, more in MORE.items():
        for one in more:
            is_condition = one["kind"] in conditions and name != "other rewards"
            documents.append(rules(when=one) if is_condition else rules(gives=[one]))
    distinct: list[PromotionRules] = []
    said: dict[str, object] = {}
    for document in documents:
        parsed = PromotionRules.model_validate(document)
        if any(parsed == other for other in distinct):
            continue
        distinct.append(parsed)
        text = told(document, language)
        assert text not in said, (said.get(text), document)
        said[text] = document


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_every_kind_is_in_a_document_above(language: Language) -> None:
    """So that a field that is added later is told, or this test speaks."""
    used: dict[str, set[str]] = {}

    def look(node: object) -> None:
        if isinstance(node, dict):
            if "kind" in node:
                used.setdefault(node["kind"], set()).update(node)
            for one in node.values():
                look(one)
        elif isinstance(node, list):
            for one in node:
                look(one)

    for more in MORE.values():
        look(more)
    look([example_of(kind) for kind in KINDS])
    missing = {
        (one.kind, field.name)
        for one in described(language).kinds
        for field in one.part.fields
        if field.name not in used[one.kind] | {"goods", "most", "times"}
    }
    assert missing == set()


def test_the_sentence_of_the_first_promotion() -> None:
    document = rules(
        gives=[
            {
                "kind": "nth_unit",
                "every": 2,
                "percent": "50",
                "goods": {"categories": ["shoes"]},
            }
        ],
        not_with=["club"],
    )
    assert told(document, EN) == "Every 2nd unit at 50% off: category shoes; not together with club"
    assert told(document, RU) == (
        "Каждая 2-я единица со скидкой 50\u00a0%: категория shoes; не вместе с club"
    )


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 единицы"), (3, "3 единиц"), (21, "21 единицы")]
)
def test_words_agree_with_numbers(number: int, words: str) -> None:
    document = rules(when={"kind": "units", "goods": {}, "at_least": number})
    assert told(document, RU).endswith(f"если в чеке не меньше {words} (все товары)")


def test_a_long_list_says_how_many_more() -> None:
    skus = [f"S{number}" for number in range(1_021)]
    document = rules(when={"kind": "contains", "goods": {"skus": skus}})
    assert told(document, EN).endswith(" or S19 and 1,001 more)")
    assert told(document, RU).endswith(" или S19 и ещё 1\u00a0001)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_described(language: Language) -> None:
    told_kinds = described(language)
    assert orjson.loads(orjson.dumps(told_kinds))["kinds"]  # an answer can be made of it
    assert [one.kind for one in told_kinds.kinds] == [name_of(kind) for kind in KINDS]
    for kind, one in zip(KINDS, told_kinds.kinds, strict=True):
        fields = {info.alias or name for name, info in kind.model_fields.items()} - {"kind"}
        assert {field.name for field in one.part.fields} == fields, one.kind
        PromotionRules.model_validate(of(kind, one.example))
        assert one.example["kind"] == one.kind
        schema = told_kinds.schemas[one.part.definition]
        assert schema["title"] == one.part.name
        assert set(schema["properties"]) == fields | {"kind"}
    for part in (*told_kinds.parts, *(one.part for one in told_kinds.kinds)):
        schema = told_kinds.schemas[part.definition]
        assert {field.name for field in part.fields} == set(schema["properties"]) - {"kind"}
        for field in part.fields:
            assert field.label == schema["properties"][field.name]["title"]
            enum = values_of(schema["properties"][field.name])
            assert set(field.choices) == set(enum), (part.definition, field.name)


def values_of(schema: dict[str, Any]) -> list[str]:
    """The values of a field that has a few."""
    for one in (schema, schema.get("items") or {}, *schema.get("anyOf", ())):
        if "enum" in one:
            return list(one["enum"])
        if "enum" in (one.get("items") or {}):
            return list(one["items"]["enum"])
    return []


def test_every_reference_of_the_schemas_is_there() -> None:
    schemas = described(EN).schemas

    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for one in node.values():
                yield from references(one)
        elif isinstance(node, list):
            for one in node:
                yield from references(one)

    assert {one.removeprefix("#/$defs/") for one in references(dict(schemas))} <= set(schemas)


def test_bounds_and_units_are_described() -> None:
    kinds = {one.kind: one for one in described(RU).kinds if one.family != "condition"}
    every = next(one for one in kinds["nth_unit"].part.fields if one.name == "every")
    assert (every.unit, every.bounds["minimum"], every.required) == ("units", 2, True)
    percent = next(one for one in kinds["percent"].part.fields if one.name == "percent")
    assert (percent.label, percent.unit) == ("Скидка в процентах", "percent")
    assert {one.family for one in kinds.values()} == {"discount", "points", "present"}


def test_an_amount_that_nobody_can_pay_is_refused() -> None:
    with pytest.raises(ValueError, match="amount such as"):
        told(
            rules(gives=[{"kind": "amount", "amount": {"amount": "0.001", "currency": "RUB"}}]),
            EN,
        )
