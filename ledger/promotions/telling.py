"""How documents tell themselves to people: what kinds and their fields are called, and `Voice`,
which says a part of a sentence in one language.

Each text is known by its English words, which stand beside the rule that they tell, and is
translated by the catalogue of the package that says it. So a kind that comes from an installed
package brings its words along."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import Literal, Protocol

from babel import dates

from ledger import languages, words
from ledger.fields import MoneyIn
from ledger.languages import ENGLISH, Language
from ledger.money import Money, decimals, hundredths
from ledger.programmes.base_words import PercentOf, RoundMoney
from ledger.segments.registry import Segment
from ledger.words import Catalogue

# What a number in a field counts.
FieldUnit = Literal["percent", "money", "units", "days", "points", "times"]

MOST_SAID = 20  # names of one list; of the others it is said how many there are
PLAIN_NAME = re.compile(r"[\w.\-/№#]+")  # a name that is one word needs no quotation marks
ENDINGS = {1: "st", 2: "nd", 3: "rd"}
TEENS = range(11, 14)

HOUSE = words.catalogue("ledger")

# Who says segments in words of their own, such as a console that knows the names of lists.
SegmentWords = Callable[[Segment, Language], str]


@dataclass(frozen=True, slots=True)
class KindWords:
    """What a kind, or a part of a document, is called, and one sentence of help."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class FieldWords:
    """What a field is called in a form. `unit`: what its number counts. `choices`: what each value
    is called, where there are a few."""

    label: str
    unit: FieldUnit | None = None
    choices: tuple[tuple[str, str], ...] = ()


class Sayable(Protocol):
    """A document, or a part of one, that can be told."""

    def told(self, say: "Voice") -> str:
        """It as a part of a sentence, beginning with a small letter."""


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A place in a row, such as 2nd; of languages whose words agree with it, the bare number."""

    number: int

    def written(self, language: str) -> str:
        """As that language writes it."""
        number = words.number_in(language, self.number)
        if language != ENGLISH:
            return number
        is_teen = self.number % 100 in TEENS
        return f"{number}{'th' if is_teen else ENDINGS.get(self.number % 10, 'th')}"


@dataclass(frozen=True, slots=True)
class Voice:
    """Says parts of sentences in one language. `segment`: who says segments, if not
    `segment_words`; `zone`: by which clock moments are told."""

    language: Language
    catalogue: Catalogue = HOUSE
    segment: SegmentWords | None = None
    zone: tzinfo = UTC

    def __call__(self, text: str, /, **facts: object) -> str:
        """The text with `facts` in its places."""
        return self.catalogue.sentence(self.language, text, facts)

    def many(self, one: str, more: str, number: int, /, **facts: object) -> str:
        """The same, in the form for a number, which is the place `number`."""
        told = {"number": number, **facts}
        return self.catalogue.sentence(self.language, one, told, number=number, plural=more)

    def part(self, told: Sayable) -> str:
        """A part of a document, by the words of the package that it comes from."""
        return told.told(replace(self, catalogue=words.catalogue_of(type(told))))

    def names(self, names: Sequence[str]) -> str:
        """Names of which one is enough: shoes or boots."""
        return self.one_of([self.name(name) for name in names])

    def one_of(self, texts: Sequence[str]) -> str:
        """Texts of which one is enough; of a long list the first, and how many there are."""
        say = self._house()
        return self._first(texts, " {} ".format(say("or")))

    def first(self, texts: Sequence[str]) -> str:
        """Texts one after the other; of a long list the first, and how many there are."""
        return self._first(texts, ", ")

    def _first(self, texts: Sequence[str], between: str) -> str:
        said, say = between.join(texts[:MOST_SAID]), self._house()
        if len(texts) <= MOST_SAID:
            return said
        more = len(texts) - MOST_SAID
        return say.many("{said} and {number} more", "{said} and {number} more", more, said=said)

    def name(self, name: str) -> str:
        """A name that somebody gave; in quotation marks if it is more than one word."""
        say = self._house()
        return name if PLAIN_NAME.fullmatch(name) else say("“{name}”", name=name)

    def joined(self, parts: Iterable[str]) -> str:
        """Parts that all hold, in their order; without those that say nothing."""
        return ", ".join(part for part in parts if part)

    def money(self, told: MoneyIn) -> RoundMoney:
        """An amount, without decimals where they say nothing."""
        places = decimals(told.currency)
        return RoundMoney(Money.of(told.money.points(places), places, told.currency))

    def percent(self, told: str) -> PercentOf:
        """A percent as the language writes it."""
        return PercentOf(hundredths(told))

    def units(self, number: int) -> str:
        """So many units."""
        say = self._house()
        return say.many("{number} unit", "{number} units", number)

    def days(self, number: int) -> str:
        """So many days."""
        say = self._house()
        return say.many("{number} day", "{number} days", number)

    def points(self, number: int) -> str:
        """So many points."""
        say = self._house()
        return say.many("{number} point", "{number} points", number)

    def times(self, number: int | None) -> str:
        """So often on one receipt at most; empty where it is not said."""
        if number is None:
            return ""
        say = self._house()
        return say.many(
            "at most {number} time a receipt", "at most {number} times a receipt", number
        )

    def day(self, day: date) -> str:
        """A day with its year."""
        return words.day_in(self.language, day)

    def begin(self, moment: datetime) -> str:
        """When something begins: the day, and the time unless it is midnight."""
        at = moment.astimezone(self.zone)
        clock = at.time()
        if clock == time.min:
            return self.day(at.date())
        return f"{self.day(at.date())}, {self._clock(clock)}"

    def end(self, moment: datetime) -> str:
        """When something ends that is not included: its last day, or the time on it."""
        at = moment.astimezone(self.zone)
        if at.time().second and not words.ends_with_a_day(at):
            return f"{self.day(at.date())}, {self._clock(at.time())}"
        return words.end_in(self.language, at)

    def _clock(self, clock: time) -> str:
        length: Literal["short", "medium"] = "medium" if clock.second else "short"
        return dates.format_time(clock, length, locale=languages.locale(self.language))

    def _house(self) -> "Voice":
        """The same with the words of this package, for parts that every kind is made of."""
        return replace(self, catalogue=HOUSE)
