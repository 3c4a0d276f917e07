"""What is usual, and what stands out."""

from datetime import date

import pytest

from ledger.reports.usual import range_of, weekdays


def test_mondays_are_compared_with_mondays_since_the_programme_is_there() -> None:
    monday = date(2026, 5, 18)
    found = weekdays(monday, date(2026, 1, 1))
    assert len(found) == 8
    assert {day.weekday() for day in found} == {0}
    assert (found[0], found[-1]) == (date(2026, 5, 11), date(2026, 3, 23))
    assert weekdays(monday, date(2026, 4, 20)) == [
        date(2026, 5, 11),
        date(2026, 5, 4),
        date(2026, 4, 27),
        date(2026, 4, 20),
    ]


def test_of_three_weeks_nothing_is_called_usual() -> None:
    assert range_of([5, 6, 7]) is None
    assert range_of([5, 6, 7, 9]) is not None


@pytest.mark.parametrize(
    ("amounts", "today", "verdict"),
    [
        ([100, 120, 110, 130], 115, "usual"),
        ([100, 120, 110, 130], 85, "usual"),  # chance makes as much of a hundred
        ([100, 120, 110, 130], 79, "lower"),
        ([100, 120, 110, 130], 153, "higher"),
        ([4, 5, 6, 5], 0, "usual"),  # of so few it may well be
        ([9, 10, 12, 11], 2, "lower"),
        ([0, 0, 0, 0], 3, "usual"),
        ([0, 0, 0, 0], 4, "higher"),
        ([0, 0, 0, 0], 0, "usual"),
        ([10_000, 12_000, 11_000, 10_500], 9_001, "usual"),
        ([10_000, 12_000, 11_000, 10_500], 8_999, "lower"),
        ([-20, -10, 5, 0], 5, "usual"),
    ],
)
def test_a_figure_stands_out_by_more_than_chance(amounts, today, verdict) -> None:
    usual = range_of(amounts)
    assert usual is not None
    assert usual.judge(today) == verdict
