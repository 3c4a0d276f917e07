"""Values as people read them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ledger import words

DAY_31 = "31 December 2026"


@pytest.mark.parametrize(
    ("end", "zone", "english", "russian"),
    [
        ("2027-01-01T00:00:00+03:00", "Europe/Moscow", DAY_31, "31 декабря 2026\u202fг."),
        ("2026-12-31T21:00:00Z", "Europe/Moscow", DAY_31, "31 декабря 2026\u202fг."),
        ("2026-12-31T23:59:59+03:00", "Europe/Moscow", DAY_31, "31 декабря 2026\u202fг."),
        ("2026-12-31T23:59:00+03:00", "Europe/Moscow", DAY_31, "31 декабря 2026\u202fг."),
        ("2026-12-31T18:00:00+03:00", "Europe/Moscow", f"{DAY_31}, 18:00", None),
        ("2026-12-31T00:00:01+03:00", "Europe/Moscow", f"{DAY_31}, 00:00", None),
        # Clocks went forward at midnight: this day began at one o'clock.
        ("2026-04-24T01:00:00+03:00", "Africa/Cairo", "23 April 2026", None),
    ],
)
def test_an_end_is_told_by_its_last_day(
    end: str, zone: str, english: str, russian: str | None
) -> None:
    moment = datetime.fromisoformat(end).astimezone(ZoneInfo(zone))
    assert words.end_in("en", moment) == english
    if russian is not None:
        assert words.end_in("ru", moment) == russian
