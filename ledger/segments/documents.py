"""Trees as documents: in the form in which people and programs write them, and as they are
stored."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter
from pydantic_core import PydanticCustomError

from ledger.segments.kinds.all_of import All
from ledger.segments.kinds.any_of import AnyOf
from ledger.segments.kinds.everyone import Everyone
from ledger.segments.kinds.listed import Listed
from ledger.segments.kinds.negation import Not
from ledger.segments.registry import MOST_DEEP, Segment, Tree

EVERYONE = Everyone(kind="everyone")


def require_shallow(tree: Segment) -> Segment:
    """The tree, if it is not nested too deeply for a query. Code that checks a field of type `Tree`
    has to call this; pydantic alone allows some 250 levels."""
    if depth(tree) > MOST_DEEP:
        raise PydanticCustomError("too_deep", "is nested too deeply", {"field": "audience"})
    return tree


def depth(tree: Segment) -> int:
    """How many levels of nodes the tree has. It is counted level by level, without recursion, so
    that any tree can be measured."""
    return sum(1 for _ in _levels(tree))


def lists_of(tree: Segment) -> set[str]:
    """The names of the lists of members that a tree means."""
    nodes = [node for level in _levels(tree) for node in level]
    return {node.list for node in nodes if isinstance(node, Listed)}


def _levels(tree: Segment) -> Iterator[Sequence[Segment]]:
    nodes: Sequence[Segment] = [tree]
    while nodes:
        yield nodes
        nodes = [part for node in nodes for part in _parts(node)]


def _parts(node: Segment) -> Sequence[Segment]:
    match node:
        case All() | AnyOf():
            return node.of
        case Not():
            return [node.of]
    return []


# Built when it is first used: packages above the ledger register kinds of their own before that.
_READER: TypeAdapter[Segment] = TypeAdapter(
    Annotated[Tree, AfterValidator(require_shallow)], config=ConfigDict(defer_build=True)
)


def read(document: object) -> Segment:
    """The tree of a stored document. Raises pydantic's `ValidationError`."""
    return _READER.validate_python(document)


def stored(tree: Segment) -> dict[str, Any]:
    """The tree as a document of plain data, without fields that were not given."""
    document: dict[str, Any] = _READER.dump_python(tree, mode="json", exclude_none=True)
    return document
