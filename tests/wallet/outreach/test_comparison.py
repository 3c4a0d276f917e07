"""Intervals, judged by examples that are published, by tables, and by how often they are right."""

import math
import random
import statistics

import pytest

from wallet.outreach import comparison
from wallet.outreach.comparison import Group, Spending


def spending(paid: list[int]) -> Spending:
    return Spending(
        len(paid), sum(one > 0 for one in paid), sum(paid), float(sum(one * one for one in paid))
    )


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # Newcombe (1998), table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_shares_differ_as_newcombe_has_it(one, other, low, high) -> None:
    (bought, members), (also_bought, others) = one, other
    found = comparison.of_shares(Group(members, bought), Group(others, also_bought))
    assert found.found == pytest.approx(bought / members - also_bought / others)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("freedom", "t"), [(8, 2.3060), (10, 2.2281), (30, 2.0423), (100, 1.9840), (1e6, 1.9600)]
)
def test_student_is_that_of_the_tables(freedom, t) -> None:
    assert comparison.student(freedom) == pytest.approx(t, abs=6e-4)


def test_variance_is_that_of_a_sample() -> None:
    paid = [0, 0, 12_345, 700, 0, 99_900]
    assert spending(paid).variance == pytest.approx(statistics.variance(paid))
    assert spending(paid).average == pytest.approx(statistics.fmean(paid))
    assert spending([7]).variance == spending([]).variance == spending([]).average == 0


def test_the_interval_of_averages_has_the_truth_in_19_of_20() -> None:
    """Of people most of whom buy nothing and some of whom buy much, in groups of unlike size."""
    lot = random.Random(20261129)  # noqa: S311 - the same numbers each time

    def person(chance: float) -> int:
        return int(lot.lognormvariate(7, 0.8)) if lot.random() < chance else 0

    average = math.exp(7 + 0.8**2 / 2)
    truth = average * (0.30 - 0.20)
    covered, rounds = 0, 400
    for _ in range(rounds):
        told = spending([person(0.30) for _ in range(400)])
        held_out = spending([person(0.20) for _ in range(80)])
        found = comparison.of_averages(told, held_out)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / rounds <= 0.98


def test_groups_that_paid_alike_to_the_last_piece_have_no_width() -> None:
    found = comparison.of_averages(spending([5, 5]), spending([3, 3]))
    assert (found.low, found.found, found.high) == (2, 2, 2)


@pytest.mark.parametrize(
    ("told", "held_out", "conclusion"),
    [
        ((400, 80), (100, 8), "more"),
        ((400, 20), (100, 16), "less"),
        ((400, 80), (100, 18), "may_be_chance"),
        ((400, 5), (100, 4), "too_few"),  # purchases
        ((400, 300), (29, 1), "too_few"),  # members
        ((400, 300), (0, 0), "nobody_held_out"),
    ],
)
def test_what_may_be_said_of_shares(told, held_out, conclusion) -> None:
    assert comparison.share_conclusion(Group(*told), Group(*held_out)) == conclusion


@pytest.mark.parametrize(
    ("told", "held_out", "conclusion"),
    [
        ([100] * 40 + [0] * 40, [100] * 10 + [0] * 70, "more"),
        ([100] * 10 + [0] * 70, [100] * 40 + [0] * 40, "less"),
        ([100] * 12 + [0] * 68, [100] * 10 + [0] * 70, "may_be_chance"),
        ([100] * 40 + [0] * 40, [100] * 9 + [0] * 71, "too_few"),
        ([100] * 40, [100] * 20, "too_few"),
        ([100] * 40, [], "nobody_held_out"),
    ],
)
def test_what_may_be_said_of_averages(told, held_out, conclusion) -> None:
    assert comparison.spending_conclusion(spending(told), spending(held_out)) == conclusion
