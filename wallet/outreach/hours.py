"""Hours and days by the wall clock of a programme. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WALL_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of day to another, the last not included; over midnight if it ends earlier than
    it begins, and the whole day if it ends as it begins."""

    begins: time
    ends: time

    @classmethod
    def read(cls, begins: str, ends: str) -> "Span":
        """From `22:00` and `09:00`."""
        return cls(time.fromisoformat(begins), time.fromisoformat(ends))

    def covers(self, moment: time) -> bool:
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends


def on_wall(now: datetime, zone: str) -> datetime:
    """What the clock on the wall shows, without a zone."""
    return now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def off_wall(local: datetime, zone: str) -> datetime:
    """The moment at which the wall clock shows this: the first of two in autumn, and where spring
    skips it, the moment that it would have been."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def end_of(span: Span, now: datetime, zone: str) -> datetime | None:
    """When the span that `now` lies in is over; None outside of it."""
    local = on_wall(now, zone)
    if not span.covers(local.time()):
        return None
    day = local.date()
    if span.begins >= span.ends and local.time() >= span.begins:
        day += timedelta(days=1)
    return max(off_wall(datetime.combine(day, span.ends), zone), now + timedelta(seconds=1))


def day_of(now: datetime, zone: str) -> date:
    return on_wall(now, zone).date()


def begin_of(day: date, zone: str) -> datetime:
    """The moment a calendar day begins."""
    return off_wall(datetime.combine(day, time()), zone)


def celebrates(day: date) -> list[tuple[int, int]]:
    """Whose birthday (month, day) is celebrated: in common years 29 February is on the 28th."""
    days = [(day.month, day.day)]
    if days == [(2, 28)] and not _is_leap(day.year):
        days.append((2, 29))
    return days


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
