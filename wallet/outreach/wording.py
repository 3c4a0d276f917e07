"""The words of a message: a text in several languages with places to be filled. A place is written
`{{points}}`; `{{name|friend}}` has what to say where nothing is known; `{{points:point|points}}` is
the word that stands beside the number, in as many forms as its language has. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger import languages, words
from ledger.errors import LanguageNotSpoken
from ledger.languages import Texts
from ledger.money import Money
from wallet.errors import (
    PlaceholderMalformed,
    PluralFormsWrong,
    TextMissing,
    UnknownPlaceholder,
)
from wallet.passes import plain
from wallet.passes.content import LONGEST_MESSAGE

# What is known for the places, by their names: text, numbers, money, or what is `words.Localised`.
Known = Mapping[str, object]

PLACE = re.compile(
    r"\{\{\s*(?P<name>[a-z_]+)\s*(?:\|(?P<fallback>[^{}|]*)|:(?P<forms>[^{}]*))?\}\}"
)
# What a place that is left out leaves behind: people would read "Hello, !".
_BEFORE_STOP = re.compile(r"[ ,]+([!?.,:;])")
_SPACES = re.compile(r" {2,}")

PERSONAL = ("name", "points", "card", "programme")
# Places that hold a number: a word may stand beside them in the form that the number asks for.
GIFT = "gift"
COUNTED = ("points", "accrued", "spent", "burning", "days", GIFT)


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day of something that ends at `end`, by the clock of its zone."""

    end: datetime

    def written(self, language: str) -> str:
        """The day as people write it in this language, with the time if it ends within the day."""
        return words.end_in(language, self.end)


def check(texts: Texts, places: Collection[str], spoken: Collection[str]) -> None:
    """Texts are in languages that the programme speaks. Raises `TextMissing`, `LanguageNotSpoken`,
    `UnknownPlaceholder`, `PluralFormsWrong`, `PlaceholderMalformed`."""
    if not texts:
        raise TextMissing(spoken, LONGEST_MESSAGE)
    for language, text in texts.items():
        if languages.best(spoken, language) is None:
            raise LanguageNotSpoken(language, spoken)
        if not text.strip() or len(text) > LONGEST_MESSAGE:
            raise TextMissing([language], LONGEST_MESSAGE)
        for match in PLACE.finditer(text):
            _check_place(match, places, language)
        if (written := plain.place_in(PLACE.sub("", text))) is not None:
            raise PlaceholderMalformed(language, written)


def _check_place(match: re.Match[str], places: Collection[str], language: str) -> None:
    name, forms = match["name"], match["forms"]
    fit = places if forms is None else [one for one in places if one in COUNTED]
    if name not in fit:
        raise UnknownPlaceholder(language, name, fit, match[0])
    needed = words.plural_forms(language)
    if forms is not None and len(_forms(forms)) != needed:
        raise PluralFormsWrong(language, name, needed, match[0])


def with_gift(places: Collection[str], *, has_gift: bool) -> Collection[str]:
    """These places, but for that of a gift where nothing is given."""
    return [one for one in places if has_gift or one != GIFT]


def mentions(texts: Texts, place: str) -> bool:
    """Whether any of the texts has this place."""
    return any(match["name"] == place for text in texts.values() for match in PLACE.finditer(text))


def language_for(texts: Texts, *wanted: str | None) -> str:
    """The first of these languages that there is a text in, or any."""
    return languages.of_texts(texts, *wanted) or ""


def fill(text: str, known: Known, language: str) -> str:
    """The text for one person. A place for which nothing is known gets its fallback, or is left
    out; so is the word beside it."""
    gaps = False

    def put(match: re.Match[str]) -> str:
        nonlocal gaps
        value = known.get(match["name"])
        if match["forms"] is not None:
            written = _beside(value, _forms(match["forms"]), language)
        else:
            written = _written(value, language) or (match["fallback"] or "").strip()
        gaps = gaps or not written
        # A Russian date ends in a full stop of its own.
        ends = match.string.startswith(".", match.end()) and written.endswith(".")
        return written[:-1] if ends else written

    filled = PLACE.sub(put, text)
    if gaps:
        filled = _SPACES.sub(" ", _BEFORE_STOP.sub(r"\1", filled))
    return filled.strip()[:LONGEST_MESSAGE]


def _forms(written: str) -> list[str]:
    return [form.strip() for form in written.split("|")]


def _written(value: object, language: str) -> str:
    return "" if value is None else words.value_in(language, value)


def _beside(value: object, forms: list[str], language: str) -> str:
    """The word beside a number or an amount of money; nothing where there is none."""
    match value:
        case int():
            return words.plural_form(language, value, forms)
        case Money():
            return words.plural_form(language, Decimal(value.amount), forms)
    return ""
