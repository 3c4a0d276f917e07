"""Money, and the whole pieces of it that the book counts. Only this module turns one into the
other. It is exact: decimals are moved as digits, nothing is ever rounded. So it is with percents,
which are counted in hundredths."""

import functools
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from babel import numbers
from babel.core import get_global

from ledger import languages, words
from ledger.contacts import Unfit
from ledger.errors import AmountTooLarge, TooManyDecimals
from ledger.limits import MOST_POINTS

NO_BREAK = "\u00a0"
AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
PERCENT = re.compile(r"(0|[1-9][0-9]{0,2})(?:\.([0-9]{1,2}))?")
HUNDREDTHS = 100  # of a percent in one percent
WHOLE = 100 * HUNDREDTHS  # hundredths of a percent in all of something


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as people write it, such as "199.90", and a currency by ISO 4217."""

    amount: str
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def written(self, language: str) -> str:
        """The amount as readers of that language write it, with all decimals."""
        locale = languages.locale(language)
        text = numbers.format_currency(
            Decimal(self.amount), self.currency, locale=locale, decimal_quantization=False
        )
        symbol = numbers.get_currency_symbol(self.currency, locale)
        if symbol.isalpha():  # a space in between: not RUB5
            text = re.sub(rf"{symbol}(?=\d)", f"{symbol}{NO_BREAK}", text)
        return words.with_minus(text)

    @classmethod
    def of(cls, points: int, scale: int, currency: str) -> Self:
        """The money that so many whole pieces are. A piece is 1 in the last of `scale` decimal
        places: with scale 2 and roubles, a kopeck."""
        sign, digits = "-" if points < 0 else "", str(abs(points)).rjust(scale + 1, "0")
        whole, decimals = digits[: len(digits) - scale], digits[len(digits) - scale :]
        return cls(f"{sign}{whole}.{decimals}" if scale else f"{sign}{whole}", currency)

    def points(self, scale: int) -> int:
        """The amount in whole pieces. Raises `TooManyDecimals`, `AmountTooLarge`; ValueError if the
        text is not an amount, which the caller has checked before."""
        found = AMOUNT.fullmatch(self.amount)
        if found is None:
            raise ValueError(f"{self.amount!r} is not an amount")
        sign, whole, decimals = found.groups(default="")
        return -pieces(whole, decimals, scale) if sign else pieces(whole, decimals, scale)


@functools.cache
def currencies() -> frozenset[str]:
    """All currencies of ISO 4217, those of the past as well."""
    return frozenset(numbers.list_currencies())


# Decimal places of currencies by ISO 4217; all others have two. The book keeps what was paid by
# them, so a currency that is listed here keeps its number for ever.
DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
USUAL_DECIMALS = 2


def usual_in(country: str) -> str | None:
    """The currency that people pay with in this country; None where that is not known."""
    if country not in get_global("territory_currencies"):
        return None
    return next(iter(numbers.get_territory_currencies(country)), None)


def decimals(currency: str) -> int:
    """How many decimal places amounts in this currency have."""
    return DECIMALS.get(currency, USUAL_DECIMALS)


# How much is meant: whole pieces as the book counts them, or money.
Amount = int | Money


def pieces(whole: str, decimals: str, scale: int) -> int:
    """The digits before the point and behind it, as one number of pieces. Zeros at the end do not
    count as decimals. Raises `TooManyDecimals`, `AmountTooLarge`."""
    told = decimals.rstrip("0")
    if len(told) > scale:
        raise TooManyDecimals(scale)
    digits = (whole + told.ljust(scale, "0")).lstrip("0") or "0"
    if len(digits) > len(str(MOST_POINTS)) or int(digits) > MOST_POINTS:
        raise AmountTooLarge(Money.of(MOST_POINTS, scale, "").amount)
    return int(digits)


def hundredths(percent: str) -> int:
    """A percent as it is written, `5` or `2.75`, in hundredths. Raises `Unfit` for what is none,
    has more than two decimals, or is more than 100."""
    found = PERCENT.fullmatch(percent)
    if found is None:
        raise Unfit("percent")
    whole, decimals = found.groups(default="")
    size = int(whole) * HUNDREDTHS + int(decimals.ljust(2, "0"))
    if size > WHOLE:
        raise Unfit("percent")
    return size


def percent(size: int) -> str:
    """So many hundredths as a percent: `5`, `2.75`, never with a zero at the end."""
    whole, decimals = divmod(size, HUNDREDTHS)
    return f"{whole}.{decimals:02}".rstrip("0") if decimals else str(whole)
