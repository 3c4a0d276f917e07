"""Wall clocks: quiet hours over midnight and over the changes of the clock, and leap days."""

from datetime import UTC, date, datetime

import pytest

from wallet.outreach import hours
from wallet.outreach.hours import Span

NIGHT = Span.read("22:00", "09:00")
BERLIN, MOSCOW = "Europe/Berlin", "Europe/Moscow"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "zone", "now", "ends"),
    [
        (NIGHT, MOSCOW, "2026-05-20T18:59:59", None),  # 21:59:59
        (NIGHT, MOSCOW, "2026-05-20T19:00:00", "2026-05-21T06:00:00"),
        (NIGHT, MOSCOW, "2026-05-20T21:30:00", "2026-05-21T06:00:00"),  # after midnight there
        (NIGHT, MOSCOW, "2026-05-21T05:59:59", "2026-05-21T06:00:00"),
        (NIGHT, MOSCOW, "2026-05-21T06:00:00", None),
        # The night of spring has an hour less, that of autumn an hour more.
        (NIGHT, BERLIN, "2026-03-28T21:00:00", "2026-03-29T07:00:00"),
        (NIGHT, BERLIN, "2026-10-24T20:00:00", "2026-10-25T08:00:00"),
        (Span.read("13:00", "15:00"), MOSCOW, "2026-05-20T11:00:00", "2026-05-20T12:00:00"),
        (Span.read("13:00", "15:00"), MOSCOW, "2026-05-20T12:00:00", None),
        # It ends at a time that spring skips: as late as it would have been.
        (Span.read("22:00", "02:30"), BERLIN, "2026-03-28T22:00:00", "2026-03-29T01:30:00"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(span, zone, now, ends) -> None:
    assert hours.end_of(span, at(now), zone) == (ends and at(ends))


def test_an_hour_that_autumn_repeats_is_quiet_till_it_is_over() -> None:
    span, now = Span.read("22:00", "02:30"), at("2026-10-25T01:10:00")  # 02:10 for a second time
    end = hours.end_of(span, now, BERLIN)
    assert end is not None and end > now
    assert hours.end_of(span, at("2026-10-25T01:30:00"), BERLIN) is None


def test_a_local_time_is_a_moment_of_its_zone() -> None:
    for zone, local, moment in (
        (MOSCOW, "2026-12-01T10:00", "2026-12-01T07:00:00"),
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:30:00"),  # there was none: 03:30
        (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30:00"),  # the first of two
    ):
        assert hours.off_wall(datetime.fromisoformat(local), zone) == at(moment)
    assert hours.begin_of(date(2026, 3, 29), BERLIN) == at("2026-03-28T23:00:00")


@pytest.mark.parametrize(
    ("day", "celebrated"),
    [
        (date(2027, 2, 28), [(2, 28), (2, 29)]),
        (date(2028, 2, 28), [(2, 28)]),
        (date(2028, 2, 29), [(2, 29)]),
        (date(2100, 2, 28), [(2, 28), (2, 29)]),
        (date(2000, 2, 28), [(2, 28)]),
        (date(2027, 3, 1), [(3, 1)]),
    ],
)
def test_the_leap_day_is_celebrated_every_year_once(day, celebrated) -> None:
    assert hours.celebrates(day) == celebrated
