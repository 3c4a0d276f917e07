"""Receipts that were priced once cost the same for ever, by the arithmetic of their day."""

import json
from pathlib import Path
from typing import Any

import golden
import pytest

from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.pricing import ARITHMETIC, RULES
from ledger.promotions.rewards.registry import REWARDS
from ledger.segments.registry import name_of

CHANGED = """{file} does not cost what it did. If that is meant: raise RULES in
ledger/promotions/pricing.py, keep the older arithmetic callable in ARITHMETIC under its number, and
begin a folder of golden receipts for the new one (tests/kit/golden.py). Files with a quote stay."""

RECEIPTS = [(rules, file) for rules in ARITHMETIC for file in golden.files(rules)]


@pytest.mark.parametrize(
    ("rules", "file"), [pytest.param(*one, id=f"{one[0]}-{one[1].stem}") for one in RECEIPTS]
)
def test_a_receipt_costs_what_it_did(rules: int, file: Path) -> None:
    told = json.loads(file.read_text())
    assert golden.priced(told, rules) == told["quote"], CHANGED.format(file=file.name)


def all_in(told: Any, name: str) -> set[str]:
    """All values that stand under this name, wherever it is."""
    found = {told[name]} if isinstance(told, dict) and isinstance(told.get(name), str) else set()
    parts = list(told.values()) if isinstance(told, dict) else told
    return found.union(*(all_in(one, name) for one in parts if isinstance(one, dict | list)))


def test_every_kind_and_lane_has_a_golden_receipt() -> None:
    told = [json.loads(file.read_text()) for file in golden.files(RULES)]
    given = {code for one in told for code, amount in one["quote"]["applied"].items() if amount}
    kinds = all_in([one["promotions"] for one in told], "kind")
    assert {name_of(kind) for kind in (*CONDITIONS.kinds(), *REWARDS.kinds())} <= kinds
    assert all_in(told, "mode") == {"all", "first", "exclusive", "best", "best_set"}
    assert all_in(told, "rounding") >= {"line", "unit"}
    assert len(given) > len(kinds)


def test_every_arithmetic_has_its_own() -> None:
    assert max(ARITHMETIC) == RULES
    assert all(list(golden.files(rules)) for rules in ARITHMETIC)
