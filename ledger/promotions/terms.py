"""How a programme's promotions stand together, and what holds for all of them."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, Count, Hour, MoneyIn, NotEmpty, PercentText, Points
from ledger.limits import MOST_POINTS
from ledger.money import hundredths

MOST_LANES = 20

LaneMode = Literal["all", "first", "exclusive", "best", "best_set"]
RoundingPlace = Literal["total", "line", "unit"]
PointsAre = Literal["discount", "payment"]

LaneCode = Annotated[Code, NotEmpty]


class Lane(Body):
    """Promotions that are decided together. `all`: each applies to what the one before left.
    `first`: only the first that gives anything. `exclusive`: each line goes to the first that takes
    something off it. `best`: the one that takes off most, of the receipt or, with `by` `line`, of
    each line for itself. `best_set`: those together that take off most, of all sets of promotions
    that may stand together."""

    code: LaneCode
    mode: LaneMode
    by: Literal["receipt", "line"] = "receipt"


class Ceilings(Body):
    """The most that may be taken off a line, and off a receipt, as a percent of what it costs on
    the shelf, whatever promotions meet. `with_points`: what points pay counts too. `with_given`:
    what the till gave counts too."""

    line: PercentText | None = None
    receipt: PercentText | None = None
    with_points: bool = False
    with_given: bool = False

    @cached_property
    def of_line(self) -> int | None:
        """The ceiling of a line, in hundredths of a percent."""
        return None if self.line is None else hundredths(self.line)

    @cached_property
    def of_receipt(self) -> int | None:
        """The ceiling of the receipt, in hundredths of a percent."""
        return None if self.receipt is None else hundredths(self.receipt)


class Paying(Body):
    """How points pay. `points_are`: a discount, which lowers each line, or a payment, which lowers
    what is due. `step`: points go in multiples of it. `least`: so many at least, or none. `line`:
    the most of a line that points may pay, as a percent. `stays`: so much stays to be paid in
    money. How much of the receipt they may pay, and what one is worth, the base programme says."""

    points_are: PointsAre = "discount"
    step: Points = 1
    least: Count = 0
    line: PercentText = "100"
    stays: MoneyIn | None = None


class Earning(Body):
    """What points are earned on. `before_points`: also on what points pay. `discounted`: also on
    lines that became cheaper."""

    before_points: bool = False
    discounted: bool = True


class PromotionTerms(Body):
    """What holds for all promotions of a programme. `rounding`: where a percent is rounded: once
    for all that it is of, so that it is exact, or for each line or unit, for tills that insist.
    `lowest_line`: the least that a line may cost, in the smallest pieces of the currency.
    `day_ends`: what is sold before this hour belongs to the business day before."""

    lanes: Annotated[list[Lane], Field(min_length=1, max_length=MOST_LANES)] = Field(
        default_factory=lambda: [Lane(code="main", mode="best", by="line")]
    )
    ceilings: Ceilings = Ceilings()
    rounding: RoundingPlace = "total"
    lowest_line: Annotated[int, Field(ge=0, le=MOST_POINTS)] = 1
    day_ends: Hour = "00:00"
    paying: Paying = Paying()
    earning: Earning = Earning()

    @model_validator(mode="after")
    def names_each_lane_once(self) -> Self:
        """Refuses two lanes with one code."""
        codes = [lane.code for lane in self.lanes]
        if len(set(codes)) < len(codes):
            raise PydanticCustomError("lane_twice", "must have a code of its own for each group")
        return self


USUAL = PromotionTerms()
