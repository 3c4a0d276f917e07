"""The words of a message: a text in several languages with places to be filled, such as
`{{points}}` or, with what to say where nothing is known, `{{name|friend}}`. Pure."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from babel import numbers

from ledger.money import Amount
from wallet.errors import PlaceholderMalformed, TextMissing, UnknownPlaceholder
from wallet.passes.content import LONGEST_MESSAGE

Texts = Mapping[str, str]

LANGUAGES = ("ru", "en")
PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*(?:\|([^{}|]*))?\}\}")
DAY = {"ru": "{:%d.%m.%Y}", "en": "{:%Y-%m-%d}"}
# What a gap leaves behind: "Hello, !" is what people would read.
_BEFORE_STOP = re.compile(r"[ ,]+([!?.,:;])")
_SPACES = re.compile(r" {2,}")

PERSONAL = ("name", "points", "card", "programme")


def check(texts: Texts, places: Collection[str]) -> None:
    """Raises `TextMissing`, `UnknownPlaceholder`, `PlaceholderMalformed`."""
    if not texts or set(texts) - set(LANGUAGES):
        raise TextMissing(", ".join(LANGUAGES), LONGEST_MESSAGE)
    for language, text in texts.items():
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
    return next(
        (one for one in (*wanted, *texts) if one is not None and one in texts), LANGUAGES[0]
    )


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text for one person. A place that nothing is known for takes its fallback, or goes."""
    gaps = False

    def put(match: re.Match[str]) -> str:
        nonlocal gaps
        value = known.get(match[1]) or (match[2] or "").strip()
        gaps = gaps or not value
        return value

    filled = PLACE.sub(put, text)
    if gaps:
        filled = _SPACES.sub(" ", _BEFORE_STOP.sub(r"\1", filled))
    return filled.strip()[:LONGEST_MESSAGE]


def number(value: int, language: str) -> str:
    """With spaces or commas between thousands."""
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", "\u00a0")


def amount(value: Amount, language: str) -> str:
    """Points as a number; money as people of that language write it, kopecks and all."""
    if isinstance(value, int):
        return number(value, language)
    symbol = numbers.get_currency_symbol(value.currency, language)
    parted = "¤\u00a0#,##0.00" if language == "en" and symbol.isalpha() else None  # not RUB5
    return numbers.format_currency(Decimal(value.amount), value.currency, parted, language)


def day(value: date, language: str) -> str:
    return DAY.get(language, DAY["en"]).format(value)
