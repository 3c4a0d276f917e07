"""A promotion: when it gives something, what, and how it stands beside others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, LiveDays, Moment, MoneyIn, NotEmpty, Points, Titles
from ledger.promotions import (
    installed,  # noqa: F401  # kinds of installed packages
    needs,
)
from ledger.promotions.baskets import Basket
from ledger.promotions.conditions.always import Always
from ledger.promotions.conditions.audience import MemberOfAudience
from ledger.promotions.conditions.code import CodeEntered, folded
from ledger.promotions.conditions.registry import AnyCondition, Condition
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsKey, PromotionMoney
from ledger.promotions.needs import Needed
from ledger.promotions.rewards.points_for_visit import PointsForVisit
from ledger.promotions.rewards.registry import (
    AnyReward,
    Discount,
    PointsReward,
    PresentReward,
    RepeatableReward,
    changed,
)
from ledger.promotions.situations import SalePlace
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

MOST_REWARDS = 10
MOST_EXCLUDED = 100
MOST_USES = 1_000_000_000
MOST_TIMES = 100  # that a reward is bought on one receipt

PromotionCode = Annotated[Code, NotEmpty]
UseCount = Annotated[int, Field(ge=1, le=MOST_USES)]

ALWAYS = Always(kind="always")


class UseLimits(Body):
    """How often it is given: in all, to one member, to one member on one business day, and for one
    code that was entered."""

    WORDS: ClassVar = KindWords(N_("Limits"), N_("How often the promotion is given at most."))

    total: Annotated[UseCount | None, FieldWords("In all", "times")] = None
    member: Annotated[UseCount | None, FieldWords("To one member", "times")] = None
    member_day: Annotated[UseCount | None, FieldWords("To one member a day", "times")] = None
    code: Annotated[UseCount | None, FieldWords("For one code", "times")] = None

    def told(self, say: Voice) -> str:
        """Each limit; empty without any."""
        parts = []
        if self.total is not None:
            parts.append(
                say.many(
                    "at most {number} time in all", "at most {number} times in all", self.total
                )
            )
        if self.member is not None:
            parts.append(
                say.many(
                    "at most {number} time for a member",
                    "at most {number} times for a member",
                    self.member,
                )
            )
        if self.member_day is not None:
            parts.append(
                say.many(
                    "at most {number} time a day for a member",
                    "at most {number} times a day for a member",
                    self.member_day,
                )
            )
        if self.code is not None:
            parts.append(
                say.many(
                    "at most {number} time for one code",
                    "at most {number} times for one code",
                    self.code,
                )
            )
        return say.joined(parts)


class GivingBudget(Body):
    """How much it may give in all: in money that is taken off, and in points."""

    WORDS: ClassVar = KindWords(N_("Budget"), N_("How much the promotion may give in all."))

    money: Annotated[PromotionMoney | None, FieldWords("In money", "money")] = None
    points: Annotated[Points | None, FieldWords("In points", "points")] = None

    def told(self, say: Voice) -> str:
        """The budgets; empty without any."""
        parts = []
        if self.money is not None:
            parts.append(say("budget {money}", money=say.money(self.money)))
        if self.points is not None:
            parts.append(say("budget {points}", points=say.points(self.points)))
        return say.joined(parts)


class PointsDates(Body):
    """When points of this promotion become active, and how long they live from then on, in days;
    what is not said is as for all points."""

    WORDS: ClassVar = KindWords(
        N_("Dates of the points"), N_("When these points can be spent, and when they expire.")
    )

    active_after_days: Annotated[
        int, Field(ge=0, le=3650), FieldWords("Can be spent after", "days")
    ] = 0
    live_days: Annotated[LiveDays | None, FieldWords("Expire after", "days")] = None

    def told(self, say: Voice) -> str:
        """What differs from all points; empty where nothing does."""
        parts = []
        if self.active_after_days:
            days = say.days(self.active_after_days)
            parts.append(say("these points can be spent after {days}", days=days))
        if self.live_days is not None:
            parts.append(say("they live for {days}", days=say.days(self.live_days)))
        return say.joined(parts)


class PointsPrice(Body):
    """What it costs in points. `at_once`: it is bought as soon as there are points for it; else the
    guest chooses. `times`: so often on one receipt at most."""

    WORDS: ClassVar = KindWords(
        N_("Price in points"), N_("The member pays for it with points: a reward to choose.")
    )

    points: Annotated[Points, FieldWords("Points", "points")]
    at_once: Annotated[bool, FieldWords("Bought without asking the guest")] = False
    times: Annotated[
        int | None, Field(ge=1, le=MOST_TIMES), FieldWords("So often on a receipt at most", "times")
    ] = None

    def told(self, say: Voice) -> str:
        """How many points, whether the guest is asked, and how often."""
        price = say("for {points}", points=say.points(self.points))
        at_once = say("without asking the guest") if self.at_once else ""
        return say.joined([price, at_once, say.times(self.times)])


class PromotionRules(Body, defer_build=True):
    """What a promotion is, as people wrote it. `when`: the condition; without one it always holds.
    `gives`: the rewards. `lane`: where it is decided; the first without one. `priority`: the
    larger goes first. `not_with`: promotions with which it never stands on one receipt. `alone`:
    it excludes all others, in every lane. `adds_to_given`: also on lines that the till made
    cheaper. `keeps_units`: the units that take part are for no other promotion afterwards. `costs`:
    what the member pays for it in points."""

    WORDS: ClassVar = KindWords(
        N_("Promotion"), N_("When it holds, what the member gets, and how it stands with others.")
    )

    name: Annotated[Titles, FieldWords("Name that people read")]
    from_: Annotated[Moment | None, Field(alias="from"), FieldWords("From")] = None
    until: Annotated[Moment | None, FieldWords("Until (not included)")] = None
    when: Annotated[AnyCondition, FieldWords("Condition")] = ALWAYS
    gives: Annotated[
        list[AnyReward],
        Field(min_length=1, max_length=MOST_REWARDS),
        FieldWords("What the member gets"),
    ]
    lane: Annotated[PromotionCode | None, FieldWords("Group of promotions")] = None
    priority: Annotated[
        int, Field(ge=-1_000_000, le=1_000_000), FieldWords("Priority, the larger goes first")
    ] = 0
    not_with: Annotated[
        list[PromotionCode], Field(max_length=MOST_EXCLUDED), FieldWords("Not together with")
    ] = Field(default_factory=list)
    alone: Annotated[bool, FieldWords("Excludes all other promotions")] = False
    adds_to_given: Annotated[bool, FieldWords("Also on items with a discount of the till")] = False
    keeps_units: Annotated[bool, FieldWords("Its units take part in no other promotion")] = False
    limits: Annotated[UseLimits, FieldWords("Limits")] = UseLimits()
    budget: Annotated[GivingBudget, FieldWords("Budget")] = GivingBudget()
    points_dates: Annotated[PointsDates, FieldWords("Dates of the points")] = PointsDates()
    costs: Annotated[PointsPrice | None, FieldWords("Price in points")] = None

    @model_validator(mode="after")
    def is_in_order(self) -> Self:
        """Refuses an end that is not after the begin."""
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise PydanticCustomError("ends_before_it_begins", "must not end before it begins")
        return self

    @model_validator(mode="after")
    def has_one_currency(self) -> Self:
        """Refuses amounts in two currencies: no receipt has both."""
        if len(set(_currencies(self))) > 1:
            raise PydanticCustomError("two_currencies", "must have all amounts in one currency")
        return self

    @model_validator(mode="after")
    def sells_no_points(self) -> Self:
        """Refuses points that are to be bought with points."""
        if self.costs is not None and self.point_rewards:
            raise PydanticCustomError("points_for_points", "must not sell points for points")
        return self

    def repeated(self, times: int) -> "PromotionRules | None":
        """It, so many times; None if it can be had but once on a receipt."""
        found = [
            one.repeated(times) if isinstance(one, RepeatableReward) else None for one in self.gives
        ]
        if any(one is None for one in found):
            return None
        return changed(self, gives=found)

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

    @cached_property
    def currency(self) -> str | None:
        """The one currency of all amounts in it; None where there are none."""
        return next(_currencies(self), None)

    def told(self, say: Voice) -> str:
        """All of it but its name: what it gives, when, and how it stands beside others."""
        rewards = [say.part(reward) for reward in self.gives]
        parts = [say("; then ").join(rewards), *self._when_told(say), *self._standing_told(say)]
        parts += [say.part(self.limits), say.part(self.budget), say.part(self.points_dates)]
        parts += [say.part(self.costs)] if self.costs is not None else []
        return "; ".join(part for part in parts if part)

    def _when_told(self, say: Voice) -> Iterator[str]:
        if not isinstance(self.when, Always):
            yield say("if {condition}", condition=say.part(self.when))
        if self.from_ is not None:
            yield say("from {day} on", day=say.begin(self.from_))
        if self.until is not None:
            yield say("until {day}", day=say.end(self.until))

    def _standing_told(self, say: Voice) -> Iterator[str]:
        if self.not_with:
            yield say("not together with {names}", names=say.names(self.not_with))
        if self.alone:
            yield say("excludes all other promotions")
        if self.lane is not None:
            yield say("in the group of promotions {name}", name=say.name(self.lane))
        if self.priority:
            yield say("priority {number}", number=self.priority)
        if self.adds_to_given:
            yield say("also on items with a discount of the till")
        if self.keeps_units:
            yield say("its units take part in no other promotion")

    def asks(self) -> Iterator[FactAsked]:
        """What has to be known of whoever buys."""
        yield from self.when.asks()
        for reward in self.gives:
            if isinstance(reward, PointsForVisit):
                yield reward.asks()


def _currencies(part: object) -> Iterator[str]:
    """Of all amounts in a document, however deep they stand."""
    match part:
        case MoneyIn():
            yield part.currency
        case MemberOfAudience():
            pass  # what members did before may be in any currency
        case Body():
            for name in type(part).model_fields:
                yield from _currencies(getattr(part, name))
        case list() | tuple():
            for one in part:
                yield from _currencies(one)


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
    """The promotions of a programme, found by what a receipt has: of a thousand, it looks only at
    those that have something to say of it."""

    def __init__(self, promotions: Iterable[Promotion]) -> None:
        self.all: Sequence[Promotion] = sorted(
            promotions, key=lambda one: (-one.rules.priority, one.code)
        )
        self._goods = [needs.of_rewards(one.rules.gives) for one in self.all]
        self._further = [list(needs.of_condition(one.rules.when)) for one in self.all]
        self._by_key: dict[GoodsKey, list[int]] = {}
        self._for_any: list[int] = []
        for number, (goods, further) in enumerate(zip(self._goods, self._further, strict=True)):
            needed = further if goods is None else [*further, goods]
            for key in min(needed, key=_commonness) if needed else ():
                self._by_key.setdefault(key, []).append(number)
            if not needed:
                self._for_any.append(number)
        self._by_code: dict[str, list[int]] = {}
        for number, promotion in enumerate(self.all):
            for code in promotion.rules.codes:
                self._by_code.setdefault(code, []).append(number)

    def touching(self, basket: Basket) -> list[Promotion]:
        """Those that give something for such goods, by priority and code, whatever keeps them
        out."""
        had = needs.goods_had(basket)
        found = zip(self.all, self._goods, strict=True)
        return [one for one, goods in found if goods is None or not goods.isdisjoint(had)]

    def near(self, basket: Basket, place: SalePlace, codes: Iterable[str]) -> list[Promotion]:
        """Those of them that this receipt is told of: their conditions could be met, or nearly,
        here and with these codes; or their code was entered, so somebody asks for them."""
        entered = frozenset(map(folded, codes))
        had = needs.had(basket, place, entered)
        found = set(self._for_any)
        for key in self._by_key.keys() & had:
            found.update(self._by_key[key])
        asked = {number for code in entered for number in self._by_code.get(code, ())}
        near = []
        for number in sorted(found | asked):
            goods = self._goods[number]
            if goods is not None and goods.isdisjoint(had):
                continue
            if number in asked or not any(map(had.isdisjoint, self._further[number])):
                near.append(self.all[number])
        return near

    def asking_for(self, code: str) -> list[Promotion]:
        """Those with this code in their conditions, by priority and code."""
        return [self.all[number] for number in self._by_code.get(folded(code), ())]


def _commonness(needed: Needed) -> tuple[bool, int]:
    """Receipts have few codes, and everything that is bought in a store has the store."""
    field = next(iter(needed))[0]
    return field in ("stores", "groups"), len(needed) * (field != "codes")
