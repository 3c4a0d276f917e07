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
        """A span from texts such as `22:00` and `09:00`."""
        return cls(time.fromisoformat(begins), time.fromisoformat(ends))

    def covers(self, moment: time) -> bool:
        """Whether this time of day lies in the span."""
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends


def on_wall(now: datetime, zone: str) -> datetime:
    """What the wall clock of this zone shows, without a zone."""
    return now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def off_wall(local: datetime, zone: str) -> datetime:
    """The moment at which the wall clock shows `local`. Where it shows that twice, in autumn, the
    first; where it skips it, in spring, the moment at which it would have shown it."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def end_of(span: Span, now: datetime, zone: str) -> datetime | None:
    """When the span that `now` lies in ends; None if `now` is outside of it."""
    local = on_wall(now, zone)
    if not span.covers(local.time()):
        return None
    day = local.date()
    if span.begins >= span.ends and local.time() >= span.begins:
        day += timedelta(days=1)
    return max(off_wall(datetime.combine(day, span.ends), zone), now + timedelta(seconds=1))


def day_of(now: datetime, zone: str) -> date:
    """The calendar day that it is in this zone."""
    return on_wall(now, zone).date()


def begin_of(day: date, zone: str) -> datetime:
    """The moment a calendar day begins."""
    return off_wall(datetime.combine(day, time()), zone)


def celebrates(day: date) -> list[tuple[int, int]]:
    """The birthdays (month, day) that are celebrated on this day: in common years, those of 29
    February on the 28th."""
    days = [(day.month, day.day)]
    if days == [(2, 28)] and not _is_leap(day.year):
        days.append((2, 29))
    return days


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
