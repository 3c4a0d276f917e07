"""How names, phone numbers and addresses are written, wherever they come from. Pure. What cannot be
one of these raises `Unfit`, which says what is expected."""

import re
import unicodedata
from datetime import date

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.words import FIELD

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PHONE_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015\u00a0]")


class Unfit(ValueError):
    """What was written into a field cannot stand there. `code` is the stable word for the reason.
    The sentence has neither the field's name at its begin nor a full stop: the caller adds both."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return self.sentence(ENGLISH)

    def sentence(self, language: Language) -> str:
        """What is expected instead, from the ledger's catalogue."""
        return words.catalogue_of(type(self)).text(language, self.code, FIELD)


def readable(text: str) -> str:
    """Text as people write it: in Unicode's form NFC, without white space at its ends. Raises
    `Unfit` for control characters other than line feed and tab."""
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text
    ):
        raise Unfit("unreadable")
    return unicodedata.normalize("NFC", text).strip()


def not_empty(text: str) -> str:
    """The text itself. Raises `Unfit` if it is empty."""
    if not text:
        raise Unfit("empty")
    return text


def phone_number(text: str) -> str:
    """`+` and 7 to 15 digits (ITU-T E.164). A Russian number of 11 digits may begin with 8. Raises
    `Unfit`."""
    digits = PHONE_PUNCTUATION.sub("", text).removeprefix("+")
    if len(digits) == 11 and digits.startswith("8") and not text.strip().startswith("+"):
        digits = "7" + digits[1:]
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise Unfit("phone")
    return f"+{digits}"


def email_address(text: str) -> str:
    """The address in small letters. Raises `Unfit` for what cannot be an address; that it exists,
    only a message can prove."""
    address = text.strip().lower()
    if len(address) > 254 or not EMAIL.fullmatch(address):
        raise Unfit("email")
    return address


def past_day(day: date) -> date:
    """The day itself. Raises `Unfit` for a day before 1900 or after today."""
    if not date(1900, 1, 1) <= day <= date.today():  # noqa: DTZ011 - a day of grace does no harm
        raise Unfit("past_day")
    return day
