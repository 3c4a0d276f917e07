"""Which units of the goods that are meant."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.conditions.units import MOST_UNITS
from ledger.promotions.deals import (
    PromotionReach,
    cheapest_first,
    dearest_first,
    first_units,
)
from ledger.promotions.worksheet import UnitRun

Sorting = Literal[
    "price_up", "price_down", "quantity_up", "quantity_down", "amount_up", "amount_down"
]
Identical = Literal["sku", "model", "price", "category"]

UnitCount = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class Pick(Body):
    """Not all of the goods, but the so many cheapest or dearest units of them, or so many units of
    each line, or one line: the so-manieth after sorting, those that are alike in the order of the
    receipt.

    {"dearest": 1}"""

    cheapest: UnitCount | None = None
    dearest: UnitCount | None = None
    per_line: UnitCount | None = None
    line: UnitCount | None = None
    sorted_by: Sorting | None = None

    @model_validator(mode="after")
    def picks_in_one_way(self) -> Self:
        """Refuses a document that says none of the ways, or several."""
        ways = [self.cheapest, self.dearest, self.per_line, self.line]
        if len([way for way in ways if way is not None]) != 1:
            raise PydanticCustomError("one_pick", "give one of cheapest, dearest, per_line, line")
        if (self.line is None) != (self.sorted_by is None):
            raise PydanticCustomError("line_and_sorting", "give line and sorted_by together")
        return self

    def of(self, reach: PromotionReach, runs: list[UnitRun]) -> list[UnitRun]:
        """The units of these that are picked."""
        if self.cheapest is not None:
            return first_units(cheapest_first(runs), self.cheapest)
        if self.dearest is not None:
            return first_units(dearest_first(runs), self.dearest)
        by_line: dict[int, list[UnitRun]] = {}
        for run in runs:
            by_line.setdefault(run.line, []).append(run)
        if self.per_line is not None:
            most = self.per_line
            return [
                run
                for of_line in by_line.values()
                for run in first_units(dearest_first(of_line), most)
            ]
        return self._line(reach, by_line)

    def _line(self, reach: PromotionReach, by_line: dict[int, list[UnitRun]]) -> list[UnitRun]:
        what, _, direction = (self.sorted_by or "price_up").partition("_")
        sign = -1 if direction == "down" else 1  # so those that are alike keep their order
        ordered = sorted(by_line, key=lambda line: sign * _size(reach, what, line))
        place = (self.line or 1) - 1
        return by_line[ordered[place]] if place < len(ordered) else []


def _size(reach: PromotionReach, what: str, line: int) -> int:
    match what:
        case "price":
            return reach.sheet.lines[line].price
        case "quantity":
            return reach.sheet.lines[line].quantity
    return reach.sheet.remaining[line]


def likeness(reach: PromotionReach, identical: Identical | None, line: int) -> object:
    """What two lines have in common that are identical in this sense. Goods without a model are
    each their own."""
    told = reach.sheet.lines[line]
    match identical:
        case None:
            return None
        case "sku":
            return told.sku
        case "model":
            return told.model or told.sku
        case "price":
            return told.price
        case "category":
            return told.categories[-1] if told.categories else ""


def alike(
    reach: PromotionReach, identical: Identical | None, runs: list[UnitRun]
) -> list[list[UnitRun]]:
    """The units in groups of those that are identical in this sense."""
    groups: dict[object, list[UnitRun]] = {}
    for run in runs:
        groups.setdefault(likeness(reach, identical, run.line), []).append(run)
    return list(groups.values())
