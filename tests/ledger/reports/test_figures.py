"""Which hour of which day a moment belongs to, and what an entry adds to which figure."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.reports.figures import QUARTER_S, DayHour, hour_of, of_book


def quarter(moment: datetime) -> int:
    return int(moment.timestamp()) // QUARTER_S


@pytest.mark.parametrize(
    ("zone", "moment", "slot"),
    [
        (
            "Europe/Moscow",
            datetime(2026, 5, 20, 20, 59, tzinfo=UTC),
            DayHour(date(2026, 5, 20), 23),
        ),
        ("Europe/Moscow", datetime(2026, 5, 20, 21, 0, tzinfo=UTC), DayHour(date(2026, 5, 21), 0)),
        (
            "Asia/Kathmandu",
            datetime(2026, 5, 20, 18, 14, tzinfo=UTC),
            DayHour(date(2026, 5, 20), 23),
        ),
        (
            "Asia/Kathmandu",
            datetime(2026, 5, 20, 18, 15, tzinfo=UTC),
            DayHour(date(2026, 5, 21), 0),
        ),
        ("Asia/Kamchatka", datetime(2026, 5, 20, 12, 0, tzinfo=UTC), DayHour(date(2026, 5, 21), 0)),
    ],
)
def test_a_moment_belongs_to_an_hour_of_the_programmes_day(zone, moment, slot) -> None:
    assert hour_of(quarter(moment), ZoneInfo(zone)) == slot


def test_where_clocks_are_put_back_an_hour_has_two() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    both = [hour_of(quarter(datetime(2026, 10, 25, hour, tzinfo=UTC)), berlin) for hour in (0, 1)]
    assert both == [DayHour(date(2026, 10, 25), 2)] * 2


def test_entries_of_a_posting_add_up_to_nothing_in_the_figures() -> None:
    """What members hold, without what they owe, is what came in without what went out."""
    entries = [
        ("member", 70, False),
        ("issued", -100, False),
        ("debt", 30, False),
        ("redeemed", 40, False),
        ("expired", 5, False),
        ("member", -45, False),
        ("issued", 20, True),
        ("redeemed", -10, True),
        ("member", -10, True),
        ("opening", -7, False),
        ("member", 7, False),
    ]
    assert sum(amount for _, amount, _ in entries) == 0
    sums: dict[str, int] = {}
    for account, amount, undoes in entries:
        for figure, more in of_book(account, undoes=undoes, amount=amount):
            sums[figure] = sums.get(figure, 0) + more
    assert sums == {
        "owed": 22,
        "debt": -30,
        "issued": 100,
        "brought": 7,
        "spent": 40,
        "expired": 5,
        "taken_back": 20,
        "given_back": 10,
    }
    came = sums["issued"] + sums["brought"] + sums["given_back"]
    went = sums["spent"] + sums["expired"] + sums["taken_back"]
    assert sums["owed"] - sums["debt"] == came - went
