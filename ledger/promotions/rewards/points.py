"""The kinds of rewards in points."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body, MoneyIn, PercentText, Points
from ledger.money import WHOLE, hundredths
from ledger.promotions.facts import FactAsked, PurchasesToday
from ledger.promotions.goods import ALL, Goods, in_pieces
from ledger.promotions.rewards.registry import Earnings

MOST_TIMES = 100


class PointsPercent(Body):
    """So many percent of what is paid for these goods comes back in points, rounded down once for
    the receipt.

    {"kind": "points_percent", "percent": "5"}"""

    kind: Literal["points_percent"]
    percent: PercentText
    goods: Goods = ALL

    @cached_property
    def _size(self) -> int:
        return hundredths(self.percent)

    def points(self, earnings: Earnings) -> int:
        """Worth so much by what a point pays; none where no point has a worth."""
        if earnings.rates is None:
            return 0
        paid = earnings.amount(self.goods)
        return paid * self._size * earnings.pieces // (WHOLE * earnings.rates.worth)


class PointsForMoney(Body):
    """So many points for each full amount that is paid for these goods. `parts`: for a part of it
    too, in proportion, rounded down.

    {"kind": "points_for_money", "points": 1, "each": {"amount": "100", "currency": "RUB"}}"""

    kind: Literal["points_for_money"]
    points_: Annotated[Points, Field(alias="points")]
    each: MoneyIn
    goods: Goods = ALL
    parts: bool = False

    @cached_property
    def _each(self) -> int:
        return in_pieces(self.each)

    def points(self, earnings: Earnings) -> int:
        """Counted once for the receipt, not for each line."""
        paid = earnings.amount(self.goods)
        if self.parts:
            return paid * self.points_ * earnings.pieces // self._each
        return paid // self._each * self.points_ * earnings.pieces


class PointsForUnits(Body):
    """So many points for each unit of these goods.

    {"kind": "points_for_units", "points": 10, "goods": {"brands": ["Lelia"]}}"""

    kind: Literal["points_for_units"]
    points_: Annotated[Points, Field(alias="points")]
    goods: Goods

    def points(self, earnings: Earnings) -> int:
        """What is weighed or measured counts as one."""
        lines = earnings.situation.worksheet.lines
        units = sum(lines[n].units for n in earnings.lines(self.goods))
        return units * self.points_ * earnings.pieces


class PointsFixed(Body):
    """So many points for the purchase.

    {"kind": "points_fixed", "points": 200}"""

    kind: Literal["points_fixed"]
    points_: Annotated[Points, Field(alias="points")]

    def points(self, earnings: Earnings) -> int:
        """Whatever is bought."""
        return self.points_ * earnings.pieces


class PointsForVisit(Body):
    """So many points for a visit: once for a member, a store and a business day.

    {"kind": "points_for_visit", "points": 5}"""

    kind: Literal["points_for_visit"]
    points_: Annotated[Points, Field(alias="points")]

    def asks(self) -> FactAsked:
        """Whether they were there today."""
        return PurchasesToday()

    def points(self, earnings: Earnings) -> int:
        """None for the second purchase of a day."""
        if earnings.situation.facts.get(self.asks().key):
            return 0
        return self.points_ * earnings.pieces


class PointsMultiplied(Body):
    """The base programme's points, so many times. `times`: 2 gives as many again.

    {"kind": "points_multiplied", "times": 3}"""

    kind: Literal["points_multiplied"]
    times: Annotated[int, Field(ge=2, le=MOST_TIMES)]
    goods: Goods = ALL

    def points(self, earnings: Earnings) -> int:
        """What comes on top of what the base programme gives for these goods."""
        if earnings.rates is None:
            return 0
        return earnings.rates.earned(earnings.amount(self.goods)) * (self.times - 1)
