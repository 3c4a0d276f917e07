"""The kind `dates`."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

Day = Annotated[date, Field(strict=False)]


class OnDates(Body):
    """It is bought on one of these business days, both ends included.

    {"kind": "dates", "from": "2026-12-20", "until": "2026-12-31"}"""

    WORDS: ClassVar = KindWords(
        N_("Dates"), N_("By the business day of the store; both days are included.")
    )

    kind: Literal["dates"]
    from_: Annotated[Day | None, Field(alias="from"), FieldWords("From this day on")] = None
    until: Annotated[Day | None, FieldWords("Up to this day, included")] = None

    @model_validator(mode="after")
    def is_in_order(self) -> Self:
        """Refuses a document that says nothing, and an end before its begin."""
        if self.from_ is None and self.until is None:
            raise PydanticCustomError("no_bound_of_dates", "give from or until")
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

    def told(self, say: Voice) -> str:
        """The first day and the last."""
        parts = []
        if self.from_ is not None:
            parts.append(say("from {day} on", day=say.day(self.from_)))
        if self.until is not None:
            parts.append(say("until {day}, this day included", day=say.day(self.until)))
        return say("it is bought {when}", when=say.joined(parts))
