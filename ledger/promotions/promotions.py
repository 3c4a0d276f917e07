"""A promotion: when it gives something, what, and how it stands beside others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, LiveDays, Moment, MoneyIn, NotEmpty, Points, Titles
from ledger.promotions.baskets import Basket
from ledger.promotions.conditions.always import Always
from ledger.promotions.conditions.circumstances import CodeEntered
from ledger.promotions.conditions.registry import AnyCondition, Condition
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import keys_of
from ledger.promotions.rewards.points import PointsForVisit
from ledger.promotions.rewards.registry import (
    AnyReward,
    Discount,
    PointsReward,
    PresentReward,
)

MOST_REWARDS = 10
MOST_EXCLUDED = 100
MOST_USES = 1_000_000_000

PromotionCode = Annotated[Code, NotEmpty]
UseCount = Annotated[int, Field(ge=1, le=MOST_USES)]

ALWAYS = Always(kind="always")


class UseLimits(Body):
    """How often it is given: in all, to one member, to one member on one business day, and for one
    code that was entered."""

    total: UseCount | None = None
    member: UseCount | None = None
    member_day: UseCount | None = None
    code: UseCount | None = None


class GivingBudget(Body):
    """How much it may give in all: in money that is taken off, and in points."""

    money: MoneyIn | None = None
    points: Points | None = None


class PointsDates(Body):
    """When points of this promotion become active, and how long they live from then on, in days;
    what is not said is as for all points."""

    active_after_days: Annotated[int, Field(ge=0, le=3650)] = 0
    live_days: LiveDays | None = None


class PromotionRules(Body, defer_build=True):
    """What a promotion is, as people wrote it. `when`: the condition; without one it always holds.
    `gives`: the rewards. `lane`: where it is decided; the first without one. `priority`: the
    larger goes first. `not_with`: promotions with which it never stands on one receipt. `alone`:
    it excludes all others, in every lane. `adds_to_given`: also on lines that the till made
    cheaper. `keeps_units`: the units that take part are for no other promotion afterwards."""

    name: Titles
    from_: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None
    when: AnyCondition = ALWAYS
    gives: Annotated[list[AnyReward], Field(min_length=1, max_length=MOST_REWARDS)]
    lane: PromotionCode | None = None
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    not_with: Annotated[list[PromotionCode], Field(max_length=MOST_EXCLUDED)] = Field(
        default_factory=list
    )
    alone: bool = False
    adds_to_given: bool = False
    keeps_units: bool = False
    limits: UseLimits = UseLimits()
    budget: GivingBudget = GivingBudget()
    points_dates: PointsDates = PointsDates()

    @model_validator(mode="after")
    def is_in_order(self) -> Self:
        """Refuses an end that is not after the begin."""
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise PydanticCustomError("ends_before_it_begins", "must not end before it begins")
        return self

    @cached_property
    def discounts(self) -> Sequence[Discount]:
        """What makes the purchase cheaper, in order."""
        return [reward for reward in self.gives if isinstance(reward, Discount)]

    @cached_property
    def point_rewards(self) -> Sequence[PointsReward]:
        """What gives points."""
        return [reward for reward in self.gives if isinstance(reward, PointsReward)]

    @cached_property
    def presents(self) -> Sequence[PresentReward]:
        """What the till hands out."""
        return [reward for reward in self.gives if isinstance(reward, PresentReward)]

    @cached_property
    def codes(self) -> frozenset[str]:
        """Codes that it asks for, as they are compared."""
        return frozenset(
            key
            for condition in _conditions(self.when)
            if isinstance(condition, CodeEntered)
            for key in condition.keys
        )

    def asks(self) -> Iterator[FactAsked]:
        """What has to be known of whoever buys."""
        yield from self.when.asks()
        for reward in self.gives:
            if isinstance(reward, PointsForVisit):
                yield reward.asks()


def _conditions(root: Condition) -> Iterator[Condition]:
    yield root
    for part in getattr(root, "of", ()):
        yield from _conditions(part)


@dataclass(frozen=True)
class Promotion:
    """A version of a promotion, which never changes."""

    code: str
    version: int
    rules: PromotionRules

    def is_on(self, moment: datetime) -> bool:
        """Whether it is between its begin and its end."""
        rules = self.rules
        begins, ends = rules.from_, rules.until
        return (begins is None or begins <= moment) and (ends is None or moment < ends)

    def may_stand_with(self, other: "Promotion") -> bool:
        """Whether neither excludes the other."""
        return self.code not in other.rules.not_with and other.code not in self.rules.not_with


class Shelf:
    """The promotions of a programme, found by what is in a basket: of a thousand, a receipt looks
    only at those that can give something for it."""

    def __init__(self, promotions: Iterable[Promotion]) -> None:
        self.all: Sequence[Promotion] = sorted(
            promotions, key=lambda one: (-one.rules.priority, one.code)
        )
        self._by_key: dict[tuple[str, str], list[int]] = {}
        self._for_any: list[int] = []
        for place, promotion in enumerate(self.all):
            keys = _keys(promotion)
            if keys is None:
                self._for_any.append(place)
            for key in keys or ():
                self._by_key.setdefault(key, []).append(place)
        self.by_entered: Mapping[str, Sequence[Promotion]] = self._entered()

    def touching(self, basket: Basket) -> list[Promotion]:
        """Those that could give something for this basket, by priority and code."""
        found = set(self._for_any)
        for line in basket.lines:
            for key in keys_of(line):
                found.update(self._by_key.get(key, ()))
        return [self.all[place] for place in sorted(found)]

    def _entered(self) -> dict[str, list[Promotion]]:
        found: dict[str, list[Promotion]] = {}
        for promotion in self.all:
            for code in promotion.rules.codes:
                found.setdefault(code, []).append(promotion)
        return found


def _keys(promotion: Promotion) -> set[tuple[str, str]] | None:
    """By what the goods of all its discounts can be found; None where any basket will do."""
    rules, found = promotion.rules, set()
    if len(rules.discounts) < len(rules.gives):
        return None
    for discount in rules.discounts:
        keys = set(discount.touches().keys())
        if not keys:
            return None
        found |= keys
    return found
