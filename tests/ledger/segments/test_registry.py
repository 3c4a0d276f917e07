"""Which kinds there are, and who may add to them."""

from typing import Annotated, Literal

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, true

from ledger.fields import Body
from ledger.segments.registry import KINDS, Registry, Segment, name_of
from ledger.segments.scope import Scope


class Sunny(Body):
    kind: Literal["sunny"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        return true()


class Rainy(Body):
    kind: Literal["rainy"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        return true()


class AlsoSunny(Body):
    kind: Literal["sunny"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        return true()


def test_a_kind_stands_where_it_was_registered() -> None:
    registry = Registry("segments")
    registry.register(Sunny)
    registry.register(Rainy, before=Sunny)
    assert [name_of(kind) for kind in registry.kinds()] == ["rainy", "sunny"]


@pytest.mark.parametrize("second", [Sunny, AlsoSunny])
def test_of_two_kinds_with_one_name_the_second_is_refused(second: type[Segment]) -> None:
    registry = Registry("segments")
    registry.register(Sunny)
    with pytest.raises(ValueError, match="'sunny'"):
        registry.register(Rainy, second)
    assert registry.kinds() == (Sunny,)  # neither of them was added
    with pytest.raises(ValueError, match="'rainy'"):
        registry.register(Rainy, Rainy)


def test_no_kind_is_added_once_a_tree_was_read() -> None:
    registry = Registry("segments")
    registry.register(Sunny)
    tree = TypeAdapter[Segment](Annotated[Segment, registry])
    assert tree.validate_python({"kind": "sunny"}) == Sunny(kind="sunny")
    with pytest.raises(RuntimeError):
        registry.register(Rainy)
    with pytest.raises(ValidationError):
        tree.validate_python({"kind": "rainy"})


def test_the_kinds_of_the_ledger_are_listed_in_order_with_those_of_the_wallet_among_them() -> None:
    names = [name_of(kind) for kind in KINDS.kinds()]
    assert names == [
        "everyone",
        "purchase",
        "activity",
        "card",
        "balance",
        "joined",
        "consent",
        "listed",
        "all",
        "any",
        "not",
    ]


def test_each_kind_shows_how_it_is_written() -> None:
    for kind in KINDS.kinds():
        example = (kind.__doc__ or "").strip().splitlines()[-1].strip()
        tree = TypeAdapter[Segment](kind).validate_json(example)
        assert tree.kind == name_of(kind), example
