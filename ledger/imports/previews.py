"""What a file says, as people are shown it before it is applied: how it was understood, and a few
rows as they will be stored."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel import dates

from ledger import contacts, languages, words
from ledger.imports import wording
from ledger.imports.columns import RowContent
from ledger.languages import Language
from ledger.programmes.units import Unit

MOST_SAMPLE = 5  # rows
ORDER = (
    *("name", "phone", "email", "card", "external_id", "birthday", "points", "expires", "reason"),
    *("consent_marketing", "consent_personal_data", "consent_date", "consent_source"),
)


def as_stored(wish: RowContent, unit: Unit, language: Language) -> dict[str, str]:
    """What a row says, field by field, written for people: so a wrong column or a wrong code page
    is seen at once."""
    found = {name: getattr(wish, name) for name in ORDER}
    return {
        name: _written(name, value, unit, language)
        for name, value in found.items()
        if value is not None
    }


def understood(facts: Mapping[str, Any], language: Language) -> Iterator[str]:
    """How a file was understood, where people should know: sentences."""
    if facts.get("other_sheets"):
        yield wording.note("sheet_read", {"sheet": facts["sheet"]}, language)
    if hidden := facts.get("hidden_rows"):
        yield wording.note("hidden_rows", {"rows": hidden}, language)
    if numbers := facts.get("ambiguous_numbers"):
        yield wording.note("ambiguous_numbers", {"numbers": numbers}, language)


def _written(name: str, value: object, unit: Unit, language: Language) -> str:
    if name == "points" and isinstance(value, int):
        return _amount(value, unit, language)
    if name == "phone":
        return contacts.international(str(value))
    if isinstance(value, bool):
        return wording.yes_or_no(value, language)
    if isinstance(value, datetime):
        return dates.format_datetime(value, "short", locale=languages.locale(language))
    if isinstance(value, date):
        return words.day_in(language, value)
    return str(value)


def _amount(points: int, unit: Unit, language: Language) -> str:
    money = unit.money(points)
    if money is not None:
        return money.written(language)
    return words.decimal_in(language, Decimal(points).scaleb(-unit.scale))
