"""The kinds that ask where, when and how something is bought: `place`, `hours`, `dates`, `code`,
`payment`."""

from collections.abc import Iterator
from datetime import date, time
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Hour
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsWords
from ledger.promotions.situations import Situation, Unmet

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PaymentKind = Literal["card", "cash", "sbp", "gift_card", "prepayment", "credit", "other"]

WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Day = Annotated[date, Field(strict=False)]


def folded(code: str) -> str:
    """A code as it is compared: nobody has to type capitals or blanks as they are printed."""
    return "".join(code.split()).casefold()


class AtPlace(Body):
    """It is bought in one of these stores, or in a store of these groups; at these tills; through
    these channels. What is not named does not matter.

    {"kind": "place", "stores": ["centre"]}"""

    kind: Literal["place"]
    stores: GoodsWords | None = None
    groups: GoodsWords | None = None
    tills: GoodsWords | None = None
    channels: GoodsWords | None = None

    @model_validator(mode="after")
    def names_a_place(self) -> Self:
        """Refuses a document that names nothing."""
        if not (self.stores or self.groups or self.tills or self.channels):
            raise PydanticCustomError("no_place", "give stores, groups, tills or channels")
        return self

    def unmet(self, situation: Situation) -> Unmet | None:
        """Elsewhere it is not met."""
        place = situation.place
        stores, groups = self.stores or (), self.groups or ()
        is_here = not (stores or groups) or place.store in stores or place.group in groups
        is_met = (
            is_here
            and (self.tills is None or place.till in self.tills)
            and (self.channels is None or place.channel in self.channels)
        )
        return None if is_met else Unmet("not_met", "elsewhere")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()


class AtHours(Body):
    """It is bought on these days of the week, at these hours, by the clock of the store. `until` is
    not included; a time before `from` is on the day after.

    {"kind": "hours", "weekdays": ["mon", "tue"], "from": "09:00", "until": "12:00"}"""

    kind: Literal["hours"]
    weekdays: Annotated[list[Weekday] | None, Field(min_length=1)] = None
    from_: Annotated[Hour | None, Field(alias="from")] = None
    until: Hour | None = None

    @model_validator(mode="after")
    def says_when(self) -> Self:
        """Refuses a document that says nothing, or one end of the hours."""
        if (self.from_ is None) != (self.until is None):
            raise PydanticCustomError("half_of_hours", "give both from and until")
        if self.weekdays is None and self.from_ is None:
            raise PydanticCustomError("no_hours", "give weekdays, or from and until")
        return self

    @cached_property
    def _hours(self) -> tuple[time, time] | None:
        if self.from_ is None or self.until is None:
            return None
        return time.fromisoformat(self.from_), time.fromisoformat(self.until)

    def unmet(self, situation: Situation) -> Unmet | None:
        """The day of the week is the business day's, which ends after midnight where bars close
        late."""
        if self.weekdays is not None:
            weekday = WEEK[situation.clock.day.weekday()]
            if weekday not in self.weekdays:
                return Unmet("not_now", "other_weekday")
        if self._hours is not None:
            begin, end = self._hours
            now = situation.clock.at.time()
            is_in = begin <= now < end if begin < end else now >= begin or now < end
            if not is_in:
                return Unmet("not_now", "other_hours", {"begin": self.from_, "end": self.until})
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()


class OnDates(Body):
    """It is bought on one of these business days, both ends included.

    {"kind": "dates", "from": "2026-12-20", "until": "2026-12-31"}"""

    kind: Literal["dates"]
    from_: Annotated[Day | None, Field(alias="from")] = None
    until: Day | None = None

    @model_validator(mode="after")
    def is_in_order(self) -> Self:
        """Refuses a document that says nothing, and an end before its begin."""
        if self.from_ is None and self.until is None:
            raise PydanticCustomError("no_dates", "give from or until")
        if self.from_ is not None and self.until is not None and self.until < self.from_:
            raise PydanticCustomError("ends_before_it_begins", "must not end before it begins")
        return self

    def unmet(self, situation: Situation) -> Unmet | None:
        """By the business day of the store."""
        day = situation.clock.day
        if self.from_ is not None and day < self.from_:
            return Unmet("not_now", "not_yet", {"day": self.from_})
        if self.until is not None and day > self.until:
            return Unmet("not_now", "over", {"day": self.until})
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()


class CodeEntered(Body):
    """One of these codes was typed, or scanned from a coupon.

    {"kind": "code", "codes": ["SPRING"]}"""

    kind: Literal["code"]
    codes: GoodsWords

    @cached_property
    def keys(self) -> frozenset[str]:
        """The codes as they are compared."""
        return frozenset(map(folded, self.codes))

    def unmet(self, situation: Situation) -> Unmet | None:
        """Without a code it is not met."""
        if self.keys.isdisjoint(situation.codes):
            return Unmet("not_met", "no_code")
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()


class PaidBy(Body):
    """All that is due, after what stored value pays, is paid in one of these ways.

    {"kind": "payment", "kinds": ["sbp"]}"""

    kind: Literal["payment"]
    kinds: Annotated[list[PaymentKind], Field(min_length=1)]

    def unmet(self, situation: Situation) -> Unmet | None:
        """A part that is paid in another way is enough not to meet it."""
        if situation.paid_by and situation.paid_by <= set(self.kinds):
            return None
        return Unmet("not_met", "paid_otherwise")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()
