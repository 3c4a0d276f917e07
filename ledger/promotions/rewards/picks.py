"""Which units of the goods that are meant."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.deals import (
    PromotionReach,
    cheapest_first,
    dearest_first,
    first_units,
    number,
)
from ledger.promotions.goods import MOST_UNITS, Goods, UnitCount
from ledger.promotions.situations import Unmet, too_few
from ledger.promotions.telling import FieldWords, KindWords, Ordinal, Voice
from ledger.promotions.worksheet import UnitRun
from ledger.words import N_

Sorting = Literal[
    "price_up", "price_down", "quantity_up", "quantity_down", "amount_up", "amount_down"
]
Identical = Literal["sku", "model", "price", "category"]

SORTINGS = (
    ("price_up", N_("by shelf price, the lowest first")),
    ("price_down", N_("by shelf price, the highest first")),
    ("quantity_up", N_("by quantity, the smallest first")),
    ("quantity_down", N_("by quantity, the largest first")),
    ("amount_up", N_("by sum, the smallest first")),
    ("amount_down", N_("by sum, the largest first")),
)
LIKENESSES = (
    ("sku", N_("with the same SKU")),
    ("model", N_("of the same model")),
    ("price", N_("of the same price")),
    ("category", N_("of the same category")),
)

AlikeBy = Annotated[Identical | None, FieldWords("Only units that are alike", choices=LIKENESSES)]
TimesAtMost = Annotated[UnitCount | None, FieldWords("So often on a receipt at most", "times")]


class Pick(Body):
    """Not all of the goods, but the so many cheapest or dearest units of them, or so many units of
    each line, or one line: the so-manieth after sorting, those that are alike in the order of the
    receipt.

    {"dearest": 1}"""

    WORDS: ClassVar = KindWords(
        N_("Only some units"), N_("The cheapest or dearest units, or so many of each item.")
    )

    cheapest: Annotated[UnitCount | None, FieldWords("Cheapest units", "units")] = None
    dearest: Annotated[UnitCount | None, FieldWords("Dearest units", "units")] = None
    per_line: Annotated[UnitCount | None, FieldWords("Units of each item", "units")] = None
    line: Annotated[UnitCount | None, FieldWords("One item, by its place")] = None
    sorted_by: Annotated[Sorting | None, FieldWords("Order of items", choices=SORTINGS)] = None

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

    def repeated(self, times: int) -> "Pick | None":
        """So many times as many of the cheapest or dearest; None where others are picked."""
        if self.cheapest is not None:
            return Pick(cheapest=min(MOST_UNITS, self.cheapest * times))
        if self.dearest is not None:
            return Pick(dearest=min(MOST_UNITS, self.dearest * times))
        return None

    def told(self, say: Voice) -> str:
        """Which units."""
        if self.cheapest is not None:
            return say.many(
                "only the {number} cheapest unit", "only the {number} cheapest units", self.cheapest
            )
        if self.dearest is not None:
            return say.many(
                "only the {number} dearest unit", "only the {number} dearest units", self.dearest
            )
        if self.per_line is not None:
            return say.many(
                "at most {number} unit of each item",
                "at most {number} units of each item",
                self.per_line,
            )
        place, order = self.line or 1, say(dict(SORTINGS)[self.sorted_by or "price_up"])
        facts = {"number": place, "place": Ordinal(place), "order": order}
        return say("only the {place} item {order}", **facts)

    def _line(self, reach: PromotionReach, by_line: dict[int, list[UnitRun]]) -> list[UnitRun]:
        what, _, direction = (self.sorted_by or "price_up").partition("_")
        sign = -1 if direction == "down" else 1  # so those that are alike keep their order
        ordered = sorted(by_line, key=lambda line: sign * _size(reach, what, line))
        place = (self.line or 1) - 1
        return by_line[ordered[place]] if place < len(ordered) else []


UnitsPicked = Annotated[Pick | None, FieldWords("Only some units")]


def picked_told(goods: Goods, pick: Pick | None, say: Voice) -> str:
    """The goods in words, and which units of them."""
    return say.joined([say.part(goods), say.part(pick) if pick is not None else ""])


def alike_told(identical: Identical | None, say: Voice) -> str:
    """Which units make a group; empty where any do."""
    if identical is None:
        return ""
    return say("each group of units {likeness}", likeness=say(dict(LIKENESSES)[identical]))


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


def group_missing(
    reach: PromotionReach, goods: Goods, identical: Identical | None, size: int
) -> Unmet | None:
    """How many units are missing until there is a group of so many that are alike."""
    groups = alike(reach, identical, reach.counted_runs(goods))
    most = max(map(number, groups), default=0)
    return None if most >= size else too_few(most, size)
