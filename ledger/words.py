"""What is said to people: texts by language, from gettext's catalogues, and the values in them.

Each package has a catalogue of its own, `locale/<language>/LC_MESSAGES/<package>.po` and, compiled,
`.mo`. There are two kinds of messages. One is known by a code within a context, such as
`unknown_card` within `refusal`; every language has its text in a catalogue, English too. The other
has no context and is known by its English text, which stands in the code that says it. See
docs/decisions/0015."""

import functools
import gettext
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Protocol, runtime_checkable

from babel import dates, numbers

from ledger import languages
from ledger.languages import Language

# Contexts that both packages have.
REFUSAL = "refusal"
REFUSAL_OF_MONEY = "refusal of money"
FIELD = "field"

PEOPLE_COUNT_TO = 1001  # by then every language has used all its forms but that of a million

# What a Russian adjective ends in, and what it ends in after "на".
_ADJECTIVE, _AFTER_NA = "ий", "ом"

_LAST_MINUTE = time(23, 58, 59)  # the last that counts of what ends at 23:59


@runtime_checkable
class Localised(Protocol):
    """A value, such as money, that is written differently in each language."""

    def written(self, language: str) -> str: ...


class Catalogue:
    """The texts of one package."""

    def __init__(self, folder: Path, package: str) -> None:
        self._folder = folder
        self._package = package

    def text(
        self,
        language: Language,
        message: str,
        context: str = "",
        number: int | None = None,
        plural: str = "",
    ) -> str:
        """The text of a message. With a number, the text is in the plural form for that number;
        `plural` is the message's own in English, where that is no code."""
        texts = _texts(self._folder, self._package, language)
        if number is not None:
            if not context:
                return texts.ngettext(message, plural or message, abs(number))
            return texts.npgettext(context, message, message, abs(number))
        return texts.pgettext(context, message) if context else texts.gettext(message)

    def sentence(
        self,
        language: Language,
        message: str,
        facts: Mapping[str, object],
        context: str = "",
        number: int | None = None,
        plural: str = "",
    ) -> str:
        """The text of a message with `facts` in its places, which are named in braces. With a
        number, it is in the plural form for that number."""
        written = {name: value_in(language, value) for name, value in facts.items()}
        return self.text(language, message, context, number, plural).format_map(written)


@functools.cache
def catalogue(package: str) -> Catalogue:
    """The catalogue of a package, `ledger` or `wallet`."""
    with resources.as_file(resources.files(package)) as folder:
        return Catalogue(folder / "locale", package)


def N_(text: str) -> str:
    """Marks a text for the catalogue at a place where it is not translated yet. The name is
    gettext's."""
    return text


def catalogue_of(kind: type) -> Catalogue:
    """The catalogue of the package in which this class is defined."""
    return catalogue(kind.__module__.partition(".")[0])


def value_in(language: str, value: object) -> str:
    """A fact as people read it. Text stays as it is: a person wrote it, or it is a name."""
    if isinstance(value, int) and not isinstance(value, bool):
        return number_in(language, value)
    if isinstance(value, list | tuple):
        return ", ".join(value_in(language, one) for one in value)
    # Asked last: whether it is Localised is asked of its methods, which takes its time.
    return value.written(language) if isinstance(value, Localised) else str(value)


@functools.lru_cache(4096)  # a page has dozens of numbers, and most of them are small
def number_in(language: str, value: int) -> str:
    """A whole number with the separator that this language puts between thousands."""
    return with_minus(numbers.format_decimal(value, locale=languages.locale(language)))


def decimal_in(language: str, value: Decimal) -> str:
    """A number with all its decimal places, as this language writes it."""
    return with_minus(
        numbers.format_decimal(value, locale=languages.locale(language), decimal_quantization=False)
    )


def with_minus(number: str) -> str:
    """The same number with a minus instead of the hyphen that keyboards have."""
    return number.replace("-", "\N{MINUS SIGN}")


def plural_forms(language: str) -> int:
    """How many forms a word has in this language beside whole numbers: in Russian three, as in 1
    балл, 2 балла, 5 баллов."""
    return len(_categories(language))


def plural_form(language: str, number: int | Decimal, forms: Sequence[str]) -> str:
    """The form of a word that stands beside this number. `forms` are in the order in which CLDR
    lists the categories of whole numbers (zero, one, two, few, many, other). Forms of which the
    language has another number are taken as English ones: for one, and for all others."""
    categories = _categories(language)
    if len(forms) != len(categories):
        return forms[0] if abs(number) == 1 else forms[-1]
    size = number if number >= 0 else -number
    if size == int(size):
        size = int(size)  # 5.00 is no fraction
    category = languages.locale(language).plural_form(size)
    if category not in categories:  # a fraction: in Russian 1,5 балла
        category = "few" if "few" in categories else categories[-1]
    return forms[categories.index(category)]


@functools.cache
def _categories(language: str) -> tuple[str, ...]:
    """The plural categories of whole numbers that people count to, in CLDR's order."""
    rule = languages.locale(language).plural_form
    used = {rule(number) for number in range(PEOPLE_COUNT_TO)}
    return tuple(one for one in ("zero", "one", "two", "few", "many", "other") if one in used)


def timestamp(moment: datetime) -> str:
    """A moment as programs read it, wherever it stands: RFC 3339, in UTC with a Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def day_in(language: str, value: date) -> str:
    """A day such as 31 December 2026, in the order and words of this language."""
    return dates.format_date(value, "long", locale=languages.locale(language))


def short_day_in(language: str, value: date) -> str:
    """The same day without its year, for where there is little room: 31 Dec."""
    return dates.format_skeleton("MMMd", value, locale=languages.locale(language))


def tongues_in(language: str, tags: Sequence[str]) -> str:
    """Languages as they stand behind a preposition: "in Russian, English", "на русском,
    английском". What is none stays as it is."""
    return ", ".join(_tongue(language, tag) for tag in tags)


def _tongue(language: str, tag: str) -> str:
    base = tag.replace("_", "-").partition("-")[0].lower()
    name: str | None = languages.locale(language).languages.get(base)
    if languages.ours(language) != "ru":
        return name or tag
    if name is None or not name.endswith(_ADJECTIVE):
        return f"языке {name or tag}"
    return name.removesuffix(_ADJECTIVE) + _AFTER_NA


def town_in(language: str, zone: str) -> str:
    """The town whose clock a time zone has: Moscow for Europe/Moscow."""
    named = languages.locale(language).time_zones.get(zone, {}).get("city")
    return str(named or zone.rpartition("/")[2].replace("_", " "))


def end_in(language: str, end: datetime) -> str:
    """When something ends, as people read it, by the clock of `end`'s own zone: its last day, such
    as 31 December 2026. If it ends within a day, with the time: 31 December 2026, 18:00."""
    day = day_in(language, last_moment(end).date())
    if ends_with_a_day(end):
        return day
    return f"{day}, {dates.format_time(end, 'short', locale=languages.locale(language))}"


def ends_with_a_day(end: datetime) -> bool:
    """Whether something that ends at this moment lasts for all of its last day: it ends at
    midnight, or in the minute before, which is how many people write that."""
    return last_moment(end).time() >= _LAST_MINUTE


def last_moment(end: datetime) -> datetime:
    """The last moment before an end that is not included. What ends at midnight of 1 January has 31
    December as its last day."""
    # In UTC: where clocks are changed at midnight, a day begins at another hour.
    return (end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(end.tzinfo)


@functools.cache
def _texts(folder: Path, package: str, language: Language) -> gettext.NullTranslations:
    """The catalogue is read once in each process, when a text is first asked for. No file stays
    open, so the process may fork before and after. An installed package may have no catalogue in a
    language: its English words are said then."""
    try:
        with (folder / language / "LC_MESSAGES" / f"{package}.mo").open("rb") as file:
            return gettext.GNUTranslations(file)
    except FileNotFoundError:
        return gettext.NullTranslations()
