"""What a barcode on goods says: which other writings are the same number, and how much was weighed.

Numbers of GS1 (EAN-8, UPC-A, EAN-13, ITF-14) end with a check digit and mean the same with zeros in
front: some scanners read a UPC-A as twelve digits, others as an EAN-13 that begins with 0. Whatever
is no such number is taken letter by letter.

Scales of a shop print an EAN-13 of their own: two digits from 20 to 29, five of the product, five
of its weight in grams, the check digit."""

from dataclasses import dataclass
from decimal import Decimal

from ledger.catalogue.goods import KILOGRAMS, Measure

LONGEST = 80
SCALES = range(20, 30)  # what the codes of scales begin with
OF_PRODUCT = 7  # digits of such a code that say which product it is
OF_WEIGHT = 12  # the digits behind them and before this one are grams
GRAMS = Decimal("0.001")  # in kilograms


@dataclass(frozen=True, slots=True)
class CodeReading:
    """What a scanned code may stand for: the product with the barcode `key`. `quantity`: so many
    kilograms of it, if it is sold by weight; None: the code says nothing of that."""

    key: str
    quantity: Decimal | None = None


def key(code: str) -> str:
    """The one writing of all those that mean the same."""
    if not (code.isascii() and code.isdecimal() and 8 <= len(code) <= 14 and _is_checked(code)):
        return code
    number = code.lstrip("0")
    return number.zfill(8) if len(number) <= 8 else number.zfill(13)


def readings(code: str) -> tuple[CodeReading, ...]:
    """What this code may stand for, the likeliest first: the barcode of a product as it is; or
    the weight of one whose barcode is the beginning, or the whole code with no weight."""
    own = key(code)
    is_number = len(own) == 13 and own.isascii() and own.isdecimal() and _is_checked(own)
    if not is_number or int(own[:2]) not in SCALES:
        return (CodeReading(own),)
    product, grams = own[:OF_PRODUCT], own[OF_PRODUCT:OF_WEIGHT]
    weight = int(grams) * GRAMS
    return (
        CodeReading(own),
        CodeReading(product, weight),
        CodeReading(_with_check(f"{product}00000"), weight),
    )


def fits(reading: CodeReading, unit: Measure) -> bool:
    """Whether a product that is counted so can be meant: only what is sold by the kilogram is
    weighed."""
    return reading.quantity is None or unit == KILOGRAMS


def _is_checked(digits: str) -> bool:
    return _with_check(digits[:-1]) == digits


def _with_check(digits: str) -> str:
    """With the check digit of GS1: from the right every other digit counts three times."""
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return f"{digits}{-total % 10}"
