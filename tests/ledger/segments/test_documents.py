"""Trees as people write them, and as they are stored."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from ledger.segments import documents
from ledger.segments.kinds.everyone import Everyone
from ledger.segments.kinds.negation import Not
from ledger.segments.kinds.purchase import Purchase
from ledger.segments.registry import MOST_DEEP, MOST_PARTS, Segment

EVERYONE = {"kind": "everyone"}


def negated(levels: int) -> dict:
    """A tree of so many levels."""
    tree: dict = EVERYONE
    for _ in range(levels - 1):
        tree = {"kind": "not", "of": tree}
    return tree


@pytest.mark.parametrize(
    "document",
    [
        EVERYONE,
        {"kind": "purchase"},
        {"kind": "purchase", "since": "2026-12-01T00:00:00Z", "store": "arbat"},
        {"kind": "activity", "days": 3},
        {"kind": "balance", "at_least": 0, "at_most": 2**53 - 1},
        {"kind": "all", "of": [{"kind": "any", "of": [EVERYONE]}, {"kind": "not", "of": EVERYONE}]},
        {"kind": "any", "of": [EVERYONE] * MOST_PARTS},
    ],
)
def test_what_is_stored_is_read_back(document: dict) -> None:
    tree = documents.read(document)
    assert documents.stored(tree) == document
    assert documents.read(documents.stored(tree)) == tree


def test_moments_are_stored_in_utc_and_texts_in_one_form() -> None:
    document = {"kind": "purchase", "since": "2026-12-01T03:00:00+03:00", "store": " arbat "}
    tree = documents.read(document)
    assert isinstance(tree, Purchase)
    assert (tree.since, tree.store) == (datetime(2026, 12, 1, tzinfo=UTC), "arbat")
    assert documents.stored(tree) == {
        "kind": "purchase",
        "since": "2026-12-01T00:00:00Z",
        "store": "arbat",
    }


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        (None, "model_attributes_type", ()),
        ({}, "union_tag_not_found", ()),
        ({"kind": "tier"}, "union_tag_invalid", ()),
        ({"kind": "purchase", "day": 3}, "extra_forbidden", ("purchase", "day")),
        ({"kind": "purchase", "days": "3"}, "int_type", ("purchase", "days")),
        ({"kind": "activity", "days": 0}, "greater_than_equal", ("activity", "days")),
        (
            {"kind": "activity", "days": 1, "since": "2026-12-01T00:00:00Z"},
            "since_or_days",
            ("activity",),
        ),
        ({"kind": "all", "of": []}, "too_short", ("all", "of")),
        ({"kind": "any", "of": [EVERYONE] * (MOST_PARTS + 1)}, "too_long", ("any", "of")),
        (
            {"kind": "all", "of": [EVERYONE, {"kind": "not", "of": {"kind": "tier"}}]},
            "union_tag_invalid",
            ("all", "of", 1, "not", "of"),
        ),
        (negated(MOST_DEEP + 1), "too_deep", ()),
        (negated(200), "too_deep", ()),
    ],
)
def test_what_is_no_tree_is_refused_by_its_place(
    document: object, code: str, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        documents.read(document)
    (error,) = refused.value.errors()
    assert (error["type"], error["loc"]) == (code, place)


@pytest.mark.parametrize("levels", [300, 5_000, 100_000])
def test_no_tree_is_too_deep_to_be_refused(levels: int) -> None:
    with pytest.raises(ValidationError):
        documents.read(negated(levels))
    tree: Segment = Everyone(kind="everyone")
    for _ in range(levels - 1):
        tree = Not.model_construct(kind="not", of=tree)
    assert documents.depth(tree) == levels


def test_a_tree_is_as_deep_as_its_deepest_part() -> None:
    tree = documents.read({"kind": "any", "of": [EVERYONE, negated(MOST_DEEP - 1), EVERYONE]})
    assert documents.depth(tree) == MOST_DEEP


def test_a_tree_that_was_read_is_not_changed() -> None:
    tree = documents.read({"kind": "not", "of": EVERYONE})
    with pytest.raises(ValidationError):
        tree.of = Everyone(kind="everyone")  # type: ignore[attr-defined]
