"""The kinds of nodes that there are, and `Tree`, the type of a tree of them.

A kind of this package is listed in `kinds`. A package above the ledger registers its own kinds when
it is imported, since their conditions need tables that the ledger does not know."""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Protocol, TypeVar, get_args, get_type_hints

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from sqlalchemy import ColumnElement

from ledger.segments.scope import AnyScope


class Segment(Protocol):
    """A node of a tree: a document as people wrote it, and a condition for the members whom it
    means."""

    @property
    def kind(self) -> str:
        """The word that stands for this kind in documents."""

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """A condition on `Member` for those who belong to the segment; never null for any
        member."""


KindT = TypeVar("KindT")


class Registry(Generic[KindT]):
    """The kinds of nodes, in the order in which documents and refusals list them. `of`: of what
    they are kinds, in a word.

    Pydantic asks the registry what a field of type `Tree` may hold when such a field is first used.
    From then on the registry is closed: a kind that was added later would be known to some fields
    and not to others."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._kinds: list[type[KindT]] = []
        self._closed = False

    def register(self, *kinds: type[KindT], before: type[KindT] | None = None) -> None:
        """Add these kinds at the end, or in front of one that is there. Raises ValueError for a
        name that is taken, RuntimeError once the registry is closed."""
        if self._closed:
            raise RuntimeError(f"kinds of {self._of} are registered before the first is read")
        place = len(self._kinds) if before is None else self._kinds.index(before)
        listed = [*self._kinds[:place], *kinds, *self._kinds[place:]]
        names = [name_of(kind) for kind in listed]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two kinds of {self._of} with the name {name!r}")
        self._kinds = listed

    def kinds(self) -> Sequence[type[KindT]]:
        """The kinds in their order, as classes."""
        return tuple(self._kinds)

    def __get_pydantic_core_schema__(
        self, _source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return self.schema(handler)

    def schema(self, handler: GetCoreSchemaHandler, *more: type[Any]) -> CoreSchema:
        """What pydantic takes for a field of any kind, or of one of these. Closes the registry."""
        self._closed = True
        any_kind: Any = functools.reduce(operator.or_, (*self._kinds, *more))
        return handler.generate_schema(Annotated[any_kind, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class TreeOr:
    """For fields that hold a tree or a document of another `kind`, which no tree may hold."""

    registry: Registry[Segment]
    other: type[Any]

    def __get_pydantic_core_schema__(
        self, _source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return self.registry.schema(handler, self.other)


def name_of(kind: type[Any]) -> str:
    """The name of a kind in documents: the one value that its field `kind` allows."""
    (name,) = get_args(get_type_hints(kind)["kind"])
    return str(name)


# Limits of a tree: levels of nodes, and parts (`of`) of one node.
MOST_DEEP = 6
MOST_PARTS = 20

KINDS: Registry[Segment] = Registry("segments")

# A model that has such a field and may be imported before all kinds are registered must be built
# when it is first used, not when it is defined: pydantic's `defer_build`.
Tree = Annotated[Segment, KINDS]
