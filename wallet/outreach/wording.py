"""The words of a message: a text in several languages with places to be filled. A place is written
`{{points}}`, or `{{name|friend}}` with what to say where nothing is known. Pure."""

import re
from collections.abc import Collection, Mapping

from ledger import languages, words
from ledger.money import Amount
from wallet.errors import (
    LanguageNotSpoken,
    PlaceholderMalformed,
    TextMissing,
    UnknownPlaceholder,
)
from wallet.passes.content import LONGEST_MESSAGE

Texts = Mapping[str, str]

PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*(?:\|([^{}|]*))?\}\}")
# What a place that is left out leaves behind: people would read "Hello, !".
_BEFORE_STOP = re.compile(r"[ ,]+([!?.,:;])")
_SPACES = re.compile(r" {2,}")

PERSONAL = ("name", "points", "card", "programme")


def check(texts: Texts, places: Collection[str], spoken: Collection[str]) -> None:
    """Texts are in languages that the programme speaks. Raises `TextMissing`,
    `LanguageNotSpoken`, `UnknownPlaceholder`, `PlaceholderMalformed`."""
    if not texts:
        raise TextMissing(", ".join(spoken), LONGEST_MESSAGE)
    for language, text in texts.items():
        if languages.best(spoken, language) is None:
            raise LanguageNotSpoken(language, ", ".join(spoken))
        if not text.strip() or len(text) > LONGEST_MESSAGE:
            raise TextMissing(language, LONGEST_MESSAGE)
        for match in PLACE.finditer(text):
            if match[1] not in places:
                raise UnknownPlaceholder(language, match[1], ", ".join(places))
        rest = PLACE.sub("", text)
        if "{{" in rest or "}}" in rest:
            raise PlaceholderMalformed(language)


def mentions(texts: Texts, place: str) -> bool:
    """Whether any of the texts has this place."""
    return any(match[1] == place for text in texts.values() for match in PLACE.finditer(text))


def language_for(texts: Texts, *wanted: str | None) -> str:
    """The first of these languages that there is a text in, or any."""
    return languages.best(texts, *wanted) or next(iter(texts))


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text for one person. A place for which nothing is known gets its fallback, or is left
    out."""
    gaps = False

    def put(match: re.Match[str]) -> str:
        nonlocal gaps
        value = known.get(match[1]) or (match[2] or "").strip()
        gaps = gaps or not value
        # A Russian date ends in a full stop of its own.
        ends = match.string.startswith(".", match.end()) and value.endswith(".")
        return value[:-1] if ends else value

    filled = PLACE.sub(put, text)
    if gaps:
        filled = _SPACES.sub(" ", _BEFORE_STOP.sub(r"\1", filled))
    return filled.strip()[:LONGEST_MESSAGE]


def amount(value: Amount, language: str) -> str:
    """Points as a number; money as people write it in that language, with kopecks."""
    return words.value_in(language, value)
