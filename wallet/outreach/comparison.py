"""Whether two groups differ, and by how much: shares and averages, each with an interval that
covers the true difference in 19 of 20 comparisons. Pure.

The groups are drawn by lot, so a difference that is no chance was brought about by what only one of
them was told. Shares: the score intervals of Wilson, joined as by Newcombe (Interval estimation for
the difference between independent proportions, 1998, method 10), which hold for small groups and
for shares near 0. Averages: Welch's interval, which does not ask that both groups scatter alike."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
# Fewer tell nothing, whatever the interval says.
FEWEST_MEMBERS = 30  # in each group
FEWEST_BUYERS = 10  # in both together; for averages, in each

# Of the first group against the second. nobody_held_out: there is nothing to compare with.
Conclusion = Literal["more", "less", "may_be_chance", "too_few", "nobody_held_out"]


@dataclass(frozen=True, slots=True)
class Interval:
    """The difference that was found, and between which bounds the true one lies."""

    found: float
    low: float
    high: float

    @property
    def conclusion(self) -> Conclusion:
        """What may be said of the difference."""
        if self.low > 0:
            return "more"
        return "less" if self.high < 0 else "may_be_chance"


@dataclass(frozen=True, slots=True)
class Group:
    """Members of whom some bought something."""

    members: int
    buyers: int

    @property
    def share(self) -> float:
        """Which part of them bought something; 0 of nobody."""
        return self.buyers / self.members if self.members else 0.0


@dataclass(frozen=True, slots=True)
class Spending:
    """What each of so many members paid, added up, and its squares added up. Who bought nothing is
    among them, with nothing."""

    members: int
    buyers: int
    total: int
    squares: float

    @property
    def average(self) -> float:
        """What a member paid on average, buyers or not; 0 for nobody."""
        return self.total / self.members if self.members else 0.0

    @property
    def variance(self) -> float:
        """How far the members are apart, as seen from this sample of all that there might be."""
        if self.members < 2:
            return 0.0
        spread = self.squares - self.total * self.average
        return max(0.0, spread) / (self.members - 1)


def wilson(group: Group) -> tuple[float, float]:
    """Between which bounds the true share of buyers lies."""
    n, share = group.members, group.share
    if not n:
        return 0.0, 1.0
    middle = share + Z * Z / (2 * n)
    reach = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def of_shares(one: Group, other: Group) -> Interval:
    """By how much the share of buyers is greater in the first group."""
    (low, high), (other_low, other_high) = wilson(one), wilson(other)
    found = one.share - other.share
    return Interval(
        found,
        found - sqrt((one.share - low) ** 2 + (other_high - other.share) ** 2),
        found + sqrt((high - one.share) ** 2 + (other.share - other_low) ** 2),
    )


def of_averages(one: Spending, other: Spending) -> Interval:
    """By how much more a member of the first group paid on average. Each group has two members at
    least."""
    parts = one.variance / one.members, other.variance / other.members
    found, error = one.average - other.average, sqrt(sum(parts))
    if not error:
        return Interval(found, found, found)
    freedom = sum(parts) ** 2 / (
        parts[0] ** 2 / (one.members - 1) + parts[1] ** 2 / (other.members - 1)
    )
    reach = student(freedom) * error
    return Interval(found, found - reach, found + reach)


def student(freedom: float) -> float:
    """Student's t for `CONFIDENCE` and so many degrees of freedom, by the expansion around the
    normal quantile (Abramowitz and Stegun, 26.7.5): to three places from 8 degrees on."""
    z, n = Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def share_conclusion(one: Group, other: Group) -> Conclusion:
    """What may be said of the shares of two groups."""
    if not other.members:
        return "nobody_held_out"
    few = one.buyers + other.buyers < FEWEST_BUYERS
    if few or min(one.members, other.members) < FEWEST_MEMBERS:
        return "too_few"
    return of_shares(one, other).conclusion


def spending_conclusion(one: Spending, other: Spending) -> Conclusion:
    """What may be said of the averages of two groups."""
    if not other.members:
        return "nobody_held_out"
    few = min(one.buyers, other.buyers) < FEWEST_BUYERS
    if few or min(one.members, other.members) < FEWEST_MEMBERS:
        return "too_few"
    return of_averages(one, other).conclusion
