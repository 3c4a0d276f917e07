"""How names, phone numbers and addresses are written, wherever they come from. Pure. What cannot be
one of these raises `Unfit`, which says what is expected."""

import re
import unicodedata
from datetime import date
from email.utils import parseaddr
from typing import NewType

import email_validator
import phonenumbers

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.words import FIELD

LONGEST_EMAIL = 254

# A phone number as it is stored and searched for: `+` and digits (ITU-T E.164).
PhoneNumber = NewType("PhoneNumber", str)

# Dashes that the library does not know; what a data frame makes of a column of numbers.
_DASHES = str.maketrans({"\u2212": "-", "\u00ad": None, "~": "-"})
_DATA_FRAME = re.compile(r"\+?(\d{7,15})\.0+")
# Signs that nobody sees and no word needs: soft hyphens, marks without width, and those that turn
# the direction of all that follows, by which a name could rewrite the line that it stands in.
_UNSEEN = dict.fromkeys(
    [0xAD, 0x200B, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_NOT_A_DIGIT = re.compile(r"\D")
_SHORTEST_ABROAD = 11  # digits of a foreign number that came without its plus


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
    """Text as people write it: in Unicode's form NFC, without white space at its ends, and without
    `_UNSEEN`. Raises `Unfit` for control characters other than line feed and tab."""
    if not text.isprintable():
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
            raise Unfit("unreadable")
        text = text.translate(_UNSEEN)
    return unicodedata.normalize("NFC", text).strip()


def not_empty(text: str) -> str:
    """The text itself. Raises `Unfit` if it is empty."""
    if not text:
        raise Unfit("empty")
    return text


def visible(text: str) -> str:
    """A number, code or address without any sign that nobody sees (Unicode's format characters):
    address books wrap numbers in them, and pages put them into long words. Words of some languages
    need such signs: for them there is `readable`."""
    return "".join(char for char in text if unicodedata.category(char) != "Cf").strip()


def phone_number(text: str, country: str) -> PhoneNumber:
    """A number as people of `country` (ISO 3166, two letters) write it, by the numbering plans of
    the library `phonenumbers`. With a plus in front it may be of any country. Without one it is
    read as a number of this country; if it cannot be one, as a foreign number whose plus was lost.
    Raises `Unfit`."""
    written = visible(text).translate(_DASHES)
    if found := _DATA_FRAME.fullmatch(written):
        written = written.removesuffix(written[found.end(1) :])
    digits = _NOT_A_DIGIT.sub("", unicodedata.normalize("NFKC", written))
    readings = [written] if len(digits) < _SHORTEST_ABROAD else [written, f"+{digits.lstrip('0')}"]
    for reading in readings:
        number = _valid_number(reading, country)
        # A plus says that every digit counts: none may be left out, such as an 8 behind the 7.
        if number is not None and (written[0] != "+" or number == f"+{digits}"):
            return number
    raise Unfit("phone")


_OF_NUMBERS = re.compile(r"\+?[\d\s().\-\u2010-\u2015\u00a0]+")


def digits_of(text: str) -> str | None:
    """The digits of what may be a number that somebody has begun to type, or a part of one; None
    for other text."""
    written = visible(unicodedata.normalize("NFKC", text)).translate(_DASHES)
    return _NOT_A_DIGIT.sub("", written) if _OF_NUMBERS.fullmatch(written) else None


def phone_beginnings(text: str, country: str) -> tuple[str, ...]:
    """How a stored number may begin of which people of `country` have typed the first digits: with
    a plus, with the digit by which they dial out, with the country's code or without it. Empty for
    what cannot begin a number."""
    if not (digits := digits_of(text)):
        return ()
    if has_plus(text):
        return (f"+{digits}",)
    code = str(phonenumbers.country_code_for_region(country))
    dialled = phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True) or ""
    readings = [f"+{code}{digits}"]
    if dialled and digits.startswith(dialled):
        readings.insert(0, f"+{code}{digits.removeprefix(dialled)}")
    if digits.startswith(code):
        readings.insert(0, f"+{digits}")
    return tuple(dict.fromkeys(readings))


def country_or(named: object, home: str) -> str:
    """The country that a phone says its owner is in, if it is one; else this one."""
    return named if isinstance(named, str) and is_country(named) else home


def is_country(code: str) -> bool:
    """Whether this is a country of ISO 3166 that has phone numbers."""
    return code in phonenumbers.SUPPORTED_REGIONS


def is_valid(stored: str) -> bool:
    """Whether this is a number as `phone_number` makes them."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(stored))
    except phonenumbers.NumberParseException:
        return False


def is_foreign(number: PhoneNumber, country: str) -> bool:
    """Whether the number has another calling code than the country's."""
    return not number.startswith(f"+{phonenumbers.country_code_for_region(country)}")


def phone_example(country: str) -> str:
    """A mobile number such as people of this country have, with the spaces with which they read
    it."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(country)
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def international(number: str) -> str:
    """A stored number with the spaces and dashes with which people read it."""
    return phonenumbers.format_number(
        phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )


def has_plus(text: str) -> bool:
    """Whether the number was written with its country code, after a plus."""
    return visible(text).startswith("+")


def phone_digits(text: str) -> str:
    """A number in the form in which hashes of requests have it: releases that knew no countries
    kept numbers so."""
    digits = re.sub(r"[\s().\-\u2010-\u2015\u00a0]", "", text).removeprefix("+")
    if len(digits) == 11 and digits.startswith("8") and not text.strip().startswith("+"):
        digits = "7" + digits[1:]
    return f"+{digits}"


def _valid_number(text: str, country: str) -> PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return None
    return PhoneNumber(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def email_address(text: str) -> str:
    """An address as people paste it: with `mailto:`, with a name in front, with the comma of a
    list. Only a message can prove an address; the library `email-validator` finds what cannot be
    one. Raises `Unfit`."""
    address = visible(text).removeprefix("mailto:").split("?", 1)[0].strip(" ,;.\t\n'\"")
    try:
        checked = email_validator.validate_email(
            parseaddr(address)[1] or address, check_deliverability=False
        )
    except email_validator.EmailNotValidError:
        raise Unfit("email") from None
    if len(normal := checked.normalized.lower()) > LONGEST_EMAIL:
        raise Unfit("email")
    return normal


def past_day(day: date) -> date:
    """The day itself. Raises `Unfit` for a day before 1900 or after today."""
    if not date(1900, 1, 1) <= day <= date.today():  # noqa: DTZ011 - a day of grace does no harm
        raise Unfit("past_day")
    return day
