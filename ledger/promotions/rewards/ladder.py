"""The kind `ladder`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, PercentText
from ledger.money import hundredths
from ledger.promotions.deals import PromotionReach, number, percent_off, spread, worth
from ledger.promotions.goods import ALL, Goods, GoodsMeant, PromotionMoney, UnitCount, in_pieces
from ledger.promotions.situations import Unmet, too_cheap, too_few
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_

MOST_STEPS = 20


class LadderStep(Body):
    """From so many units, or from so much money, so many percent or so much off."""

    WORDS: ClassVar = KindWords(
        N_("Step"), N_("From so many units or so much money on, percent off or an amount off.")
    )

    units: Annotated[UnitCount | None, FieldWords("From so many units", "units")] = None
    amount: Annotated[PromotionMoney | None, FieldWords("From this sum", "money")] = None
    percent: Annotated[PercentText | None, FieldWords("Percent off", "percent")] = None
    off: Annotated[PromotionMoney | None, FieldWords("Amount off", "money")] = None

    @model_validator(mode="after")
    def says_from_where_and_what(self) -> Self:
        """Refuses a step without one begin and one size."""
        if (self.units is None) == (self.amount is None):
            raise PydanticCustomError("units_or_amount", "give either units or amount")
        if (self.percent is None) == (self.off is None):
            raise PydanticCustomError("percent_or_off", "give either percent or off")
        return self

    def told(self, say: Voice) -> str:
        """From where on, and how much off."""
        return f"{self._begin_told(say)} {self._size_told(say)}"

    def _begin_told(self, say: Voice) -> str:
        if self.amount is not None:
            return say("from {money}", money=say.money(self.amount))
        return say.many("from {number} unit", "from {number} units", self.units or 1)

    def _size_told(self, say: Voice) -> str:
        if self.off is not None:
            return say("{money} off the sum", money=say.money(self.off))
        return say("{percent} off", percent=say.percent(self.percent or "0"))


class Ladder(Body):
    """The more of these goods, the more off all of them: the highest step counts that is reached.

    {"kind": "ladder", "steps": [
      {"amount": {"amount": "3000", "currency": "RUB"}, "percent": "5"},
      {"amount": {"amount": "10000", "currency": "RUB"}, "percent": "10"}]}"""

    WORDS: ClassVar = KindWords(
        N_("The more, the cheaper"),
        N_("The discount grows with the sum or with the number of units."),
    )

    kind: Literal["ladder"]
    goods: GoodsMeant = ALL
    steps: Annotated[
        list[LadderStep], Field(min_length=1, max_length=MOST_STEPS), FieldWords("Steps")
    ]

    @model_validator(mode="after")
    def climbs(self) -> Self:
        """Refuses steps by units and by money together, and steps that do not climb."""
        begins = [step.units for step in self.steps if step.units is not None]
        sums = [in_pieces(step.amount) for step in self.steps if step.amount is not None]
        if begins and sums:
            raise PydanticCustomError("mixed_steps", "must count units or money, not both")
        told = begins or sums
        if told != sorted(set(told)):
            raise PydanticCustomError("steps_out_of_order", "must climb from step to step")
        return self

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """By what the goods cost now, or how many there are."""
        runs = reach.counted_runs(self.goods)
        paid, units = worth(runs), number(runs)
        reached = [step for step in self.steps if _is_reached(step, paid, units)]
        if not reached:
            return Deal()
        step = reached[-1]
        if step.percent is not None:
            return percent_off(reach.sheet, runs, hundredths(step.percent), None)
        off = 0 if step.off is None else in_pieces(step.off)
        return spread(reach.sheet, runs, off, elsewhere=True)

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """Units or money until the first step."""
        runs, first = reach.counted_runs(self.goods), self.steps[0]
        paid, units = worth(runs), number(runs)
        if _is_reached(first, paid, units):
            return None
        if first.amount is None:
            return too_few(units, first.units or 1)
        return too_cheap(paid, in_pieces(first.amount), reach.sheet.basket.currency)

    def told(self, say: Voice) -> str:
        """The steps, and of which goods."""
        steps = "; ".join(say.part(step) for step in self.steps)
        return say(
            "the more, the cheaper ({steps}): {goods}", steps=steps, goods=say.part(self.goods)
        )


def _is_reached(step: LadderStep, paid: int, units: int) -> bool:
    if step.units is not None:
        return units >= step.units
    return step.amount is not None and paid >= in_pieces(step.amount)
