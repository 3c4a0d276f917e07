"""The kind `hours`."""

from collections.abc import Iterator
from datetime import time
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Hour
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = (
    ("mon", N_("Mondays")),
    ("tue", N_("Tuesdays")),
    ("wed", N_("Wednesdays")),
    ("thu", N_("Thursdays")),
    ("fri", N_("Fridays")),
    ("sat", N_("Saturdays")),
    ("sun", N_("Sundays")),
)


class AtHours(Body):
    """It is bought on these days of the week, at these hours, by the clock of the store. `until` is
    not included; a time before `from` is on the day after.

    {"kind": "hours", "weekdays": ["mon", "tue"], "from": "09:00", "until": "12:00"}"""

    WORDS: ClassVar = KindWords(
        N_("Days of the week and hours"), N_("By the clock of the store in which it is bought.")
    )

    kind: Literal["hours"]
    weekdays: Annotated[
        list[Weekday] | None,
        Field(min_length=1),
        FieldWords("Days of the week", choices=WEEKDAYS),
    ] = None
    from_: Annotated[Hour | None, Field(alias="from"), FieldWords("From (hours)")] = None
    until: Annotated[Hour | None, FieldWords("Until (hours)")] = None

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

    def told(self, say: Voice) -> str:
        """Days of the week, and hours."""
        called, parts = dict(WEEKDAYS), []
        if self.weekdays is not None:
            # In the order of the week, each once: it is the same rule.
            days = [say(called[day]) for day in WEEK if day in self.weekdays]
            parts.append(say("on {days}", days=say.first(days)))
        if self.from_ is not None:
            parts.append(say("from {begin} until {end}", begin=self.from_, end=self.until))
        return say("it is bought {when}", when=say.joined(parts))
