"""Figures of today beside what is usual for this day of the week, up to this hour.

What is compared is what happened before the hour that runs now, on this day and on the same weekday
of the last weeks: half an hour cannot be compared with a whole one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.programmes.programmes import Programme
from ledger.reports import days, usual
from ledger.reports.figures import Amounts, FigureOf
from ledger.reports.usual import Usual, UsualVerdict

# One number may add up several figures, such as the cards in each wallet.
AskedFigures = Mapping[str, Sequence[FigureOf]]


@dataclass(frozen=True, slots=True)
class FigureToday:
    """A figure of today: how much so far, and how much of that before this hour, which is what
    `usual` and `verdict` are about. `usual` is None where too few weeks are known."""

    so_far: int
    before_this_hour: int
    usual: Usual | None

    @property
    def verdict(self) -> UsualVerdict:
        """Whether it is out of the usual range."""
        return "usual" if self.usual is None else self.usual.judge(self.before_this_hour)


@dataclass(frozen=True, slots=True)
class Today:
    """This day of the programme's calendar, and its figures. `hour` is the one that runs."""

    day: date
    hour: int
    figures: Mapping[str, FigureToday]


def look(session: Session, programme: Programme, asked: AskedFigures, now: datetime) -> Today:
    """The figures that are asked for, by the names that the caller has for them."""
    zone = ZoneInfo(programme.timezone)
    local = now.astimezone(zone)
    today, hour = local.date(), local.hour
    # The day on which the programme was made was not a whole one.
    began = programme.created_at.astimezone(zone).date() + timedelta(days=1)
    compared = usual.weekdays(today, began) if hour else []
    names = {counted.figure for sums in asked.values() for counted in sums}
    so_far = days.of_days(session, programme.id, [today], figures=names).get(today, {})
    before = days.of_days(
        session, programme.id, [today, *compared], before_hour=hour, figures=names
    )
    return Today(
        today,
        hour,
        {
            name: FigureToday(
                _sum(so_far, sums),
                _sum(before.get(today, {}), sums),
                usual.range_of([_sum(before.get(day, {}), sums) for day in compared]),
            )
            for name, sums in asked.items()
        },
    )


def _sum(amounts: Amounts, sums: Sequence[FigureOf]) -> int:
    return sum(amounts.get(counted, 0) for counted in sums)
