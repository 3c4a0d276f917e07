"""What is usual for a day of the week, and whether a figure is out of it. Pure.

The range is that of the same weekday of the last weeks, up to the same hour: a Monday morning is
compared with Monday mornings. A figure stands out only if it is beyond all of them, and by more
than chance makes of such a number: so "lower than on Mondays of the last 8 weeks" is literally
true, and a shop with five purchases a day is not alarmed by four."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

WEEKS = 8
FEWEST_WEEKS = 4  # before anything is called usual
SHARE = 10  # a tenth beyond the range is no news yet
FEW = 3  # nor are these

UsualVerdict = Literal["lower", "usual", "higher"]


@dataclass(frozen=True, slots=True)
class Usual:
    """The least and the most that a figure was on the same weekday of so many weeks."""

    least: int
    most: int
    weeks: int

    def judge(self, amount: int) -> UsualVerdict:
        """Whether the figure is out of the range, by more than chance."""
        if amount < self.least - _margin(self.least):
            return "lower"
        if amount > self.most + _margin(self.most):
            return "higher"
        return "usual"


def _margin(bound: int) -> int:
    """By so much a number of such a size may differ without a reason: twice the spread of a count,
    or a tenth, and in any case a few."""
    return max(FEW, 2 * math.isqrt(max(bound, 0)), bound // SHARE)


def weekdays(today: date, since: date) -> list[date]:
    """The same weekday of the last weeks, the latest first, but none before `since`."""
    days = (today - timedelta(weeks=number) for number in range(1, WEEKS + 1))
    return [day for day in days if day >= since]


def range_of(amounts: Sequence[int]) -> Usual | None:
    """The range of what a figure was on those days; None if there are too few of them."""
    if len(amounts) < FEWEST_WEEKS:
        return None
    return Usual(min(amounts), max(amounts), len(amounts))
