"""The kind `birthday`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.promotions.facts import FactAsked, IsMember, IsNearBirthday
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

MOST_DAYS = 60

WindowDays = Annotated[int, Field(ge=0, le=MOST_DAYS)]


class NearBirthday(Body):
    """A member buys at most so many days before or after their birthday.

    {"kind": "birthday", "before": 3, "after": 7}"""

    WORDS: ClassVar = KindWords(
        N_("Birthday"), N_("The member's birthday, and some days before or after it.")
    )

    kind: Literal["birthday"]
    before: Annotated[WindowDays, FieldWords("Days before", "days")] = 0
    after: Annotated[WindowDays, FieldWords("Days after", "days")] = 0

    def unmet(self, situation: Situation) -> Unmet | None:
        """It says nothing of when the birthday is."""
        if not situation.facts.get(IsMember().key):
            return Unmet("not_met", "no_member")
        asked = IsNearBirthday(self.before, self.after)
        return None if situation.facts.get(asked.key) else Unmet("not_met", "no_birthday")

    def asks(self) -> Iterator[FactAsked]:
        """Whether it is a member, and whether the birthday is near."""
        yield IsMember()
        yield IsNearBirthday(self.before, self.after)

    def told(self, say: Voice) -> str:
        """The day, and how far around it."""
        parts = [say("it is the member's birthday")]
        if self.before:
            parts.append(
                say.many(
                    "or up to {number} day before it",
                    "or up to {number} days before it",
                    self.before,
                )
            )
        if self.after:
            parts.append(
                say.many(
                    "or up to {number} day after it", "or up to {number} days after it", self.after
                )
            )
        return say.joined(parts)
