"""How names, phone numbers and addresses are written, whoever brings them. Pure; what cannot be one
is refused with a ValueError that says what is expected."""

import re
import unicodedata
from datetime import date

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PHONE_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015\u00a0]")


def readable(text: str) -> str:
    """Text as people write it: no control characters, no loose ends, one form of each letter."""
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text
    ):
        raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", text).strip()


def not_empty(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def phone_number(text: str) -> str:
    """`+` and digits (ITU-T E.164). A Russian number may begin with 8."""
    digits = PHONE_PUNCTUATION.sub("", text).removeprefix("+")
    if len(digits) == 11 and digits.startswith("8") and not text.strip().startswith("+"):
        digits = "7" + digits[1:]
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise ValueError("must be a phone number such as +79991234567")
    return f"+{digits}"


def email_address(text: str) -> str:
    """Only a message can prove an address; this finds what cannot be one."""
    address = text.strip().lower()
    if len(address) > 254 or not EMAIL.fullmatch(address):
        raise ValueError("must be an e-mail address such as name@example.com")
    return address


def past_day(day: date) -> date:
    if not date(1900, 1, 1) <= day <= date.today():  # noqa: DTZ011 - a day of grace does no harm
        raise ValueError("must be a day in the past, not before 1900")
    return day
