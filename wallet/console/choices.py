"""What one chooses from by name instead of typing a code: languages, countries, time zones, each in
the reader's language."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from ledger import contacts, languages, words
from ledger.languages import Language
from ledger.programmes import programmes
from wallet.pages import language

Choice = tuple[str, str]  # the code, and its name

# Languages that shops are likely to write in, besides those that a programme has already. Others
# are set by the API.
_OFTEN_WRITTEN = (
    "ru en ar az ba be bg cs de el es et fa fi fr he hi hu hy it ja ka kk ko ky lt lv mn nl pl pt"
    " ro sr tg tk tr tt uk uz vi zh"
)
OFTEN_WRITTEN: Sequence[str] = _OFTEN_WRITTEN.split()


def language_name(tag: str) -> str:
    """A language in the reader's words; what is none stays as it is."""
    try:
        named = Locale.parse(tag, sep="-", resolve_likely_subtags=True).get_display_name(
            language.current()
        )
    except (UnknownLocaleError, ValueError):
        return tag
    return f"{named[:1].upper()}{named[1:]}" if named else tag


def written(here: Sequence[str] = ()) -> Sequence[Choice]:
    """Languages to write in: those that are here, in their order, then others by their names."""
    others = [(tag, language_name(tag)) for tag in OFTEN_WRITTEN if tag not in here]
    own = [(tag, language_name(tag)) for tag in here]
    return [*own, *sorted(others, key=lambda one: one[1].casefold())]


def countries() -> Sequence[Choice]:
    """All countries by their names."""
    return _countries(language.current())


@functools.cache
def _countries(tongue: Language) -> Sequence[Choice]:
    names = languages.locale(tongue).territories
    found = [(code, name) for code, name in names.items() if contacts.is_country(code)]
    return sorted(found, key=lambda one: one[1].casefold().replace("ё", "е"))


def zones(here: str = "") -> Sequence[Choice]:
    """Time zones that people live in, by their clocks from west to east, each with the places that
    have it. `here` is among them, whatever it is."""
    found = _zones(language.current(), datetime.now(UTC).date().toordinal())
    if here and all(zone != here for zone, _name in found):
        return [(here, here), *found]
    return found


@functools.lru_cache(4)
def _zones(tongue: Language, _day: int) -> Sequence[Choice]:
    locale, now = languages.locale(tongue), datetime.now(UTC)
    aliases, countries_of = get_global("zone_aliases"), get_global("zone_territories")
    found = []
    for zone in programmes.timezones():
        if zone in aliases or zone not in countries_of:
            continue  # another name of one that is there, or no place
        offset = now.astimezone(ZoneInfo(zone)).utcoffset()
        minutes = 0 if offset is None else int(offset.total_seconds()) // 60
        sign, size = "−" if minutes < 0 else "+", abs(minutes)
        town = words.town_in(tongue, zone)
        country = locale.territories.get(countries_of[zone], countries_of[zone])
        name = f"UTC{sign}{size // 60:02}:{size % 60:02} · {town}, {country}"
        found.append((minutes, name.casefold(), zone, name))
    return [(zone, name) for _minutes, _key, zone, name in sorted(found)]
