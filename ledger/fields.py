"""What people and programs write into forms and requests, as types that pydantic checks.

The checks are strict: a number in quotes is not a number. Lengths are counted after the text was
brought into one form, since that is what the database keeps."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, LiteralString

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    TypeAdapter,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from ledger.contacts import (
    Unfit,
    email_address,
    not_empty,
    past_day,
    phone_digits,
    readable,
    visible,
)
from ledger.languages import LANGUAGES, LONGEST_TAG, TAG, Language
from ledger.limits import MOST_POINTS
from ledger.money import AMOUNT, Money, currencies, hundredths

DATE = re.compile(r"\d{4}-\d\d-\d\d")
# In an address a plus sign is a blank, unless it is written as %2B.
PLUS_LOST = re.compile(r" (\d\d:?\d\d)$")
WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
CURRENCY = re.compile(r"[A-Z]{3}")
WRITTEN = r"(0|[1-9][0-9]*)(\.[0-9]+)?"
PERCENT = r"^(100(\.0{1,2})?|[1-9]?[0-9](\.[0-9]{1,2})?)$"
LONGEST_AMOUNT = 40
MOST_LIVE_DAYS = 36_500
MOST_TEXTS = 20  # languages of one text
# Of a phone number, however it is dialled.
FEWEST_DIGITS, MOST_DIGITS = 5, 20
FRAMES = "\r\n\t \x02\x03\x04\x1d"
HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def either(code: LiteralString, one: str, other: str) -> PydanticCustomError:
    """The error for two fields of which exactly one must be given."""
    return PydanticCustomError(code, "give either {one} or {other}", {"one": one, "other": other})


def written_out(value: object) -> object:
    """Dates must be text that begins with year, month and day: a bare number could mean seconds,
    milliseconds or a year. Raises `Unfit`."""
    if not isinstance(value, str) or not DATE.match(value):
        raise Unfit("not_a_moment")
    return PLUS_LOST.sub(r"+\1", value)


def on_the_wall(value: object) -> object:
    """A date and time as the programme's own clock shows it, without a zone. Raises `Unfit`."""
    if not isinstance(value, str) or not WALL.fullmatch(value):
        raise Unfit("wall_time")
    return value


def written_phone(value: str) -> str:
    """What may be a number in some country; the rest need not be asked for its programme."""
    text = visible(value)
    if not FEWEST_DIGITS <= sum(char.isdigit() for char in text) <= MOST_DIGITS:
        raise Unfit("phone")
    return text


def unframed(value: object) -> object:
    """What a scanner read or a person pasted, without signs that nobody sees and without what a
    scanner puts around it: CR and LF, STX and ETX, FNC1. Many come from the factory so."""
    return visible(value).strip(FRAMES) if isinstance(value, str) else value


def hour(value: str) -> str:
    """An hour and minute of the day as `HH:MM`, on a clock of 24 hours. Raises `Unfit`."""
    if not HOUR.fullmatch(value):
        raise Unfit("hour")
    return value


def amount(value: str) -> str:
    """An amount of money: digits, and a point before decimals, so that it can be read in one way
    only."""
    if not AMOUNT.fullmatch(value):
        raise PydanticCustomError("amount_malformed", 'must be an amount such as "199.90"')
    return value


def not_negative(value: str) -> str:
    """Refuses an amount with a minus sign."""
    if value.startswith("-"):
        raise PydanticCustomError("amount_negative", "must not be negative")
    return value


def not_zero(value: str) -> str:
    """Refuses an amount whose digits are all 0."""
    if not value.strip("0."):
        raise PydanticCustomError("amount_zero", "must be more than 0")
    return value


def percent(value: str) -> str:
    """A percent with at most two decimals, from 0 to 100. Raises `Unfit`."""
    hundredths(value)
    return value


def currency(value: str) -> str:
    """A currency of ISO 4217."""
    if not CURRENCY.fullmatch(value):
        raise PydanticCustomError(
            "currency_malformed", "must be a currency of three capital letters, such as RUB"
        )
    if value not in currencies():
        raise PydanticCustomError(
            "currency_unknown", "must be a currency that ISO 4217 knows, such as RUB"
        )
    return value


def language(value: str) -> str:
    """A BCP 47 tag as `TAG` allows it. Any language will do, also one that our own words are not
    in."""
    if not TAG.fullmatch(value):
        raise PydanticCustomError(
            "language_malformed", "must be a language such as ru, kk or de-AT"
        )
    return value


def our_language(value: Language) -> Language:
    """One of `LANGUAGES`, those that our own words are in."""
    if value not in LANGUAGES:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, LANGUAGES))})
    return value


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises `Unfit` for one that leaves the calendar by the conversion."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unfit("off_the_calendar") from None


class Body(BaseModel):
    """A document that a person or a program wrote. An unknown name in it is an error, so that a
    misspelt wish is not ignored silently."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def in_a_word(value: str) -> str:
    """Money in an address: `199.90 RUB`."""
    number, _, code = value.partition(" ")
    currency(code)
    return f"{not_negative(amount(number))} {code}"


WrittenOut = BeforeValidator(written_out)
Readable = AfterValidator(readable)
NotEmpty = AfterValidator(not_empty)
Name = Annotated[str, Readable, Field(max_length=300)]
Reason = Annotated[str, Readable, Field(max_length=300)]
Receipt = Annotated[str, Readable, Field(max_length=100)]
ExternalId = Annotated[str, BeforeValidator(unframed), Readable, Field(max_length=100), NotEmpty]
Code = Annotated[str, Readable, Field(max_length=40)]
Id = Annotated[str, BeforeValidator(unframed), Readable, Field(max_length=64)]
Barcode = Annotated[str, BeforeValidator(unframed), Readable, Field(max_length=400)]
# As it came. Which number it is depends on the programme's country: `contacts.phone_number`.
Phone = Annotated[
    str, Field(max_length=60), AfterValidator(written_phone), PlainSerializer(phone_digits)
]
Email = Annotated[str, Field(max_length=300), AfterValidator(email_address)]
Birthday = Annotated[date, Field(strict=False), WrittenOut, AfterValidator(past_day)]
Moment = Annotated[AwareDatetime, Field(strict=False), WrittenOut, AfterValidator(in_utc)]
WallTime = Annotated[datetime, Field(strict=False), BeforeValidator(on_the_wall)]
Hour = Annotated[str, AfterValidator(hour)]
# `Locale` is any language, `OurLanguage` one that our own words are in.
Locale = Annotated[
    str,
    Field(max_length=LONGEST_TAG, json_schema_extra={"pattern": f"^{TAG.pattern}$"}),
    AfterValidator(language),
]
OurLanguage = Annotated[
    Language, Field(json_schema_extra={"enum": list(LANGUAGES)}), AfterValidator(our_language)
]
Points = Annotated[int, Field(ge=1, le=MOST_POINTS, description="whole points, at least 1")]
# How many points there are: it may be none.
Count = Annotated[int, Field(ge=0, le=MOST_POINTS, description="whole points, or 0")]
LiveDays = Annotated[int, Field(ge=1, le=MOST_LIVE_DAYS)]
MoneyText = Annotated[str, Field(max_length=LONGEST_AMOUNT), AfterValidator(in_a_word)]
# Amounts are text, since programs read a number with decimals only approximately.
AmountText = Annotated[
    str,
    Field(max_length=LONGEST_AMOUNT, json_schema_extra={"pattern": f"^{WRITTEN}$"}),
    AfterValidator(amount),
    AfterValidator(not_negative),
    AfterValidator(not_zero),
]
# The same, or nothing at all.
PaidText = Annotated[
    str,
    Field(max_length=LONGEST_AMOUNT, json_schema_extra={"pattern": f"^{WRITTEN}$"}),
    AfterValidator(amount),
    AfterValidator(not_negative),
]
Currency = Annotated[
    str, Field(json_schema_extra={"pattern": f"^{CURRENCY.pattern}$"}), AfterValidator(currency)
]
# Percents are text, as amounts are.
PercentText = Annotated[
    str,
    Field(max_length=6, json_schema_extra={"pattern": PERCENT}),
    AfterValidator(percent),
]
TextVersion = Annotated[str, Readable, Field(max_length=100), NotEmpty]
Title = Annotated[str, Readable, Field(max_length=100), NotEmpty]
OfferText = Annotated[str, Readable, Field(max_length=2000)]


@dataclass(frozen=True)
class ByLanguage:
    """Marks a text that may be written in several languages: plain, or by language. Each is checked
    as the type `text`; by language there are `least` of them."""

    text: Any
    least: int = 0

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        plain, by_language = TypeAdapter(self.text), self._by_language()

        def read(value: object) -> object:
            # A ValidationError in here becomes part of that of the body, with its places.
            if isinstance(value, str):
                return plain.validate_python(value, strict=True)
            if not isinstance(value, dict):
                raise PydanticCustomError("text_or_texts", "must be text, or texts by language")
            if len(value) < self.least:
                raise PydanticCustomError("text_or_texts", "must be text, or texts by language")
            if len(value) > MOST_TEXTS:
                raise PydanticKnownError(
                    "too_long",
                    {"field_type": "Text", "max_length": MOST_TEXTS, "actual_length": len(value)},
                )
            return by_language.validate_python(value, strict=True)

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        by_language = self._by_language().json_schema()
        bounds = {"minProperties": self.least, "maxProperties": MOST_TEXTS}
        return {"anyOf": [TypeAdapter(self.text).json_schema(), {**by_language, **bounds}]}

    def _by_language(self) -> TypeAdapter[dict[str, str]]:
        texts: Any = dict
        return TypeAdapter(texts[Locale, self.text])


Titles = Annotated[str | dict[str, str], ByLanguage(Title, least=1)]
OfferTexts = Annotated[str | dict[str, str], ByLanguage(OfferText)]


class MoneyIn(Body):
    """Money as it is written: `{"amount": "199.90", "currency": "RUB"}`."""

    amount: AmountText
    currency: Currency

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class PaidIn(Body):
    """What was paid in a purchase, written as money; it may be nothing."""

    amount: PaidText
    currency: Currency

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)
