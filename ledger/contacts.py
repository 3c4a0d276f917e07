"""How names, phone numbers and addresses are written, whoever brings them. Pure; what cannot be one
is `Unfit`, which says what is expected."""

import re
import unicodedata
from datetime import date

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.words import FIELD

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PHONE_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015\u00a0]")


class Unfit(ValueError):
    """What somebody wrote into a field cannot stand there. `code` is the stable word for why. The
    sentence has neither the field's name in front nor a full stop: who quotes it has both."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return self.sentence(ENGLISH)

    def sentence(self, language: Language) -> str:
        return words.catalogue_of(type(self)).text(language, self.code, FIELD)


def readable(text: str) -> str:
    """Text as people write it: no control characters, no loose ends, one form of each letter."""
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text
    ):
        raise Unfit("unreadable")
    return unicodedata.normalize("NFC", text).strip()


def not_empty(text: str) -> str:
    if not text:
        raise Unfit("empty")
    return text


def phone_number(text: str) -> str:
    """`+` and digits (ITU-T E.164). A Russian number may begin with 8."""
    digits = PHONE_PUNCTUATION.sub("", text).removeprefix("+")
    if len(digits) == 11 and digits.startswith("8") and not text.strip().startswith("+"):
        digits = "7" + digits[1:]
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise Unfit("phone")
    return f"+{digits}"


def email_address(text: str) -> str:
    """Only a message can prove an address; this finds what cannot be one."""
    address = text.strip().lower()
    if len(address) > 254 or not EMAIL.fullmatch(address):
        raise Unfit("email")
    return address


def past_day(day: date) -> date:
    if not date(1900, 1, 1) <= day <= date.today():  # noqa: DTZ011 - a day of grace does no harm
        raise Unfit("past_day")
    return day
