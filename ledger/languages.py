"""Languages. What people write for people (the texts of a campaign, a card's design, what a
programme says of itself) may be in any language; what we write is in those that there are
catalogues for.

A language is named by its BCP 47 tag, as folders and vendors write it: `ru`, `de-AT`, `zh-Hans`."""

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NewType

from babel import Locale, UnknownLocaleError

# One of LANGUAGES. Any other language, that of a text by somebody else, is a plain str.
Language = NewType("Language", str)

TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST_TAG = 10

# Languages are what catalogues there are. Each package has the same ones: a test sees to it.
_CATALOGUES = Path(__file__).parent / "locale"
LANGUAGES: tuple[Language, ...] = tuple(
    sorted(Language(file.parts[-3]) for file in _CATALOGUES.glob("*/LC_MESSAGES/*.mo"))
)
ENGLISH = Language("en")

# Which of its countries a language of ours is written as in: it decides on dates and amounts.
_COUNTRY = {ENGLISH: "en_GB"}


def widened(tag: str) -> Iterator[str]:
    """The language itself, then what it is a kind of: de-AT, de (RFC 4647, 3.4)."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def best(available: Collection[str], *wanted: str | None) -> str | None:
    """The first of the wanted languages that is available, be it only as what it is a kind of. It
    is in the letters that `available` has: ru-RU and RU are the same as ru."""
    known = {tag.casefold(): tag for tag in available}
    return next(
        (
            known[tag]
            for language in wanted
            if language
            for tag in widened(language.casefold().replace("_", "-"))
            if tag in known
        ),
        None,
    )


def ours(*wanted: str | None) -> Language:
    """The first of these languages that our own words are in; English if they are in none."""
    return Language(best(LANGUAGES, *wanted) or ENGLISH)


def canonical(tag: str) -> str:
    """The tag in the letters that everybody writes it in: de-AT, zh-Hans (RFC 5646, 2.1.1). What is
    no tag stays as it is."""
    if not TAG.fullmatch(tag):
        return tag
    first, *others = tag.split("-")
    forms = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(forms.get(len(one), str.lower)(one) for one in others)])


def own_words(tags: Sequence[str]) -> dict[str, Language]:
    """Those of these languages that our own words are in, each with ours. If they are in none, the
    first of them has to be content with English."""
    known = {tag: ours(tag) for tag in tags if best(LANGUAGES, tag) is not None}
    return known or {tags[0]: ENGLISH}


def accepted(header: Iterable[tuple[str, float]]) -> list[str]:
    """The languages of an Accept-Language header, as pairs of tag and quality, the one that a
    reader likes best first. Quality 0 is one that they do not want (RFC 9110, 12.4.2)."""
    return [tag for tag, quality in header if quality > 0]


@functools.cache
def locale(tag: str) -> Locale:
    """How numbers and dates are written in a language, by CLDR. As in English if nobody knows."""
    for wider in widened(_COUNTRY.get(Language(tag), tag).replace("_", "-")):
        try:
            return Locale.parse(wider, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(_COUNTRY[ENGLISH])


def own_name(language: str) -> str:
    """What a language is called by those who speak it: people look for theirs."""
    name = locale(language).get_language_name(language.partition("-")[0])
    return (name or language).capitalize()
