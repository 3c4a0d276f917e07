"""The engine against a second till that knows docs/promotions.md alone (tests/kit)."""

import os
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_sales import priced, sale
from second_evaluator import Case, Document, SecondTill

# Kinds of rewards that give nothing until there is enough of something.
COUNTING = ("nth_unit", "free_units", "per_group", "ladder", "bundle")
CASES = int(os.environ.get("LEDGER_TILLS", "100"))


def by_engine(case: Case) -> dict[str, Any]:
    quote = priced(case)
    given_by: dict[str, dict[int, int]] = {}
    for place, line in enumerate(quote.lines):
        for reason in line.reasons:
            if reason.code == "gave" and reason.promotion is not None:
                given_by.setdefault(reason.promotion, {})[place] = reason.amount
    return {
        "discounts": [line.discount for line in quote.lines],
        "given_by": given_by,
        "fates": {
            one.promotion: plainly(one.outcome, case.promotions[one.promotion])
            for one in quote.promotions
        },
        "points": [line.points for line in quote.lines],
        "spent, most, earned": (quote.spent, quote.most, quote.earned),
    }


def by_second_till(case: Case, fates_of: set[str]) -> dict[str, Any]:
    answer = SecondTill(case).answer()
    applied = {code for code, fate in answer.fates.items() if fate == "applied"}
    assert applied <= fates_of, "it gives something that the engine has not even looked at"
    return {
        "discounts": answer.discounts,
        "given_by": {code: lines for code, lines in answer.given_by.items() if lines},
        "fates": {
            code: plainly(fate, case.promotions[code])
            for code, fate in answer.fates.items()
            if code in fates_of
        },
        "points": answer.points,
        "spent, most, earned": (answer.spent, answer.most, answer.earned),
    }


def plainly(fate: str, promotion: Document) -> str:
    """Whether it lost to another, had nothing to take or lacks a unit for its group, the receipt is
    the same."""
    lacks = fate == "close" and any(one["kind"] in COUNTING for one in promotion["gives"])
    return "out" if lacks or fate in ("lost", "nothing_to_take") else fate


@settings(
    max_examples=CASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.randoms(use_true_random=False))
def test_two_tills_agree(random: Random) -> None:
    case = sale(random)
    told = by_engine(case)
    assert told == by_second_till(case, set(told["fates"]))
