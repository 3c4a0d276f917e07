"""Languages. What people write for people (the texts of a campaign, a card's design, what a
programme says of itself) may be in any language. Our own words are in the languages that there are
catalogues for.

A language is named by its BCP 47 tag, as folders and vendors write it: `ru`, `de-AT`, `zh-Hans`."""

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NewType

from babel import Locale, UnknownLocaleError

# One text in several languages, by their tags.
Texts = Mapping[str, str]

# One of LANGUAGES. The language of a text that others wrote may be any, and is a plain str.
Language = NewType("Language", str)

TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST_TAG = 10  # characters, as wide as the columns that hold a language

# Our languages are those that have a catalogue. A test checks that each package has the same ones.
_CATALOGUES = Path(__file__).parent / "locale"
LANGUAGES: tuple[Language, ...] = tuple(
    sorted(Language(file.parts[-3]) for file in _CATALOGUES.glob("*/LC_MESSAGES/*.mo"))
)
ENGLISH = Language("en")

# The country whose way of writing dates and amounts is used for a language of ours.
_COUNTRY = {ENGLISH: "en_GB"}


def widened(tag: str) -> Iterator[str]:
    """The tag itself, then the wider ones: de-AT, de (RFC 4647, 3.4)."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def best(available: Collection[str], *wanted: str | None) -> str | None:
    """The first wanted language that is available; a wider one will do (de for de-AT). The answer
    is spelled as in `available`: ru-RU and RU both find ru. None if there is none."""
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


def said(texts: Texts, *wanted: str | None) -> str:
    """What is said in the first of these languages that there is a text in; if there is none, in
    any. Empty if there is no text at all."""
    return texts[chosen] if (chosen := of_texts(texts, *wanted)) is not None else ""


def of_texts(texts: Collection[str], *wanted: str | None) -> str | None:
    """The first of these languages that there is a text in, or else any; None without texts."""
    return best(texts, *wanted) or next(iter(texts), None)


def ours(*wanted: str | None) -> Language:
    """The first of these languages that our own words are in; English if there is none."""
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
    """Those of these languages that our own words are in, each with the language of the catalogue.
    If there is none, the answer has the first of them alone, with English."""
    known = {tag: ours(tag) for tag in tags if best(LANGUAGES, tag) is not None}
    return known or {tags[0]: ENGLISH}


def accepted(header: Iterable[tuple[str, float]]) -> list[str]:
    """The languages of an Accept-Language header (pairs of tag and quality, the best first),
    without those of quality 0, which the reader does not want (RFC 9110, 12.4.2)."""
    return [tag for tag, quality in header if quality > 0]


@functools.cache
def locale(tag: str) -> Locale:
    """How numbers and dates are written in a language, by CLDR; as in English if CLDR does not know
    the language."""
    for wider in widened(_COUNTRY.get(Language(tag), tag).replace("_", "-")):
        try:
            return Locale.parse(wider, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(_COUNTRY[ENGLISH])


def own_name(language: str) -> str:
    """What a language is called in that language itself, so that its readers find it in a list."""
    name = locale(language).get_language_name(language.partition("-")[0])
    return (name or language).capitalize()
