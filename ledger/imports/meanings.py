"""What a cell means, by the kind of its column: numbers, days, answers, phones and cards; and what
means nothing. Pure."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from ledger import contacts, money
from ledger.contacts import PhoneNumber
from ledger.errors import AmountTooLarge, TooManyDecimals
from ledger.imports.cells import FORMULA, NOT_FOUND_IN_SHEET, UNREADABLE, Cell
from ledger.limits import EARLIEST, MOST_POINTS

# Which sign stands before the decimal places; the other one may stand between thousands.
DecimalSign = Literal["comma", "point"]
SIGNS: Mapping[str, DecimalSign] = {",": "comma", ".": "point"}
OTHER_SIGN: Mapping[str, str] = {",": ".", ".": ","}
WRITTEN: Mapping[DecimalSign, str] = {"comma": ",", "point": "."}

CONSENTS = ("consent_marketing", "consent_personal_data")
THOUSAND_DIGITS = 3
SHORTEST_CARD, LONGEST_CARD = 4, 32  # characters
CARD = re.compile(r"[!-~]+")
# Spreadsheets keep fifteen digits of a number and show longer numbers as 7.9E+15: the other digits
# are lost.
EXACT = 10**15
ROUNDED = re.compile(r"\d+[.,]\d*E\+?\d+", re.IGNORECASE)
# A thousand to some, one with three decimal places to others.
AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
# What programs put around digits so that a spreadsheet leaves them alone.
AS_TEXT = re.compile(r'="([^"]*)"')
DATA_FRAME = re.compile(r"(\d+)\.0+")
SPACES = re.compile(r"[ \u00a0\u202f\u2009]")
# A day, and a time of day if there is one: 1C ends days at 23:59:59, MS SQL writes thousandths.
TIME = r"(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?)?"
ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)" + TIME)
DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + TIME)
# How programs write that there is no day: 1C, MySQL, forms that nobody filled in.
NO_DAY = re.compile(r"(?:0?[01]\.0?[01]\.0001|0001-01-01|00\.00\.0000|0000-00-00|[\s._/-]+)" + TIME)
# Days as numbers, in a cell that is formatted as a number: from 1906 to 2199. Smaller numbers could
# be years, or days of a month.
FIRST_SERIAL, LAST_SERIAL = 2_200, 109_574

# What stands for nothing. Programs' own words for it mean nothing in any column; they are compared
# letter by letter, since there are people called Null and Nan. People's words for it mean nothing
# where a name cannot stand; "no" among them, but not where it is the answer.
NO_VALUE = frozenset(
    {"NULL", "<NULL>", "(NULL)", "null", "(null)", "\\N", "NaN", "nan", "NaT", "None", "undefined"}
)
BRACKETED = re.compile(r"<(?:|пуст\w*.*|не .*|неопределено|empty|null|none)>")
DASHES = re.compile(r"[-\u2010-\u2015\u2212_.?\s]+")
NOTHING = frozenset(
    {"н/д", "н.д.", "нд", "нет данных", "не указан", "не указано", "не указана", "неизвестно"}
    | {"отсутствует", "пусто", "n/a", "not available", "unknown", "empty", "none", "null"}
)
NO = frozenset({"нет", "no"})
ZERO_IS_NOTHING = frozenset({"phone", "email"})
DAYS = frozenset({"birthday", "expires", "consent_date"})
# What spreadsheets show in place of a value that they could not make, and of one that is too wide.
SHEET_MISTAKE = re.compile(
    r"#(?:REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|#{2,}"
    r"|ССЫЛКА!|ЗНАЧ!|ДЕЛ/0!|ИМЯ\?|ЧИСЛО!|ПУСТО!)"
)
ANSWERS: Mapping[str, bool] = {
    **dict.fromkeys(("да", "д", "yes", "y", "true", "истина", "1", "1.0", "+", "согласен"), True),
    **dict.fromkeys(("согласна", "есть", "on", "checked"), True),
    **dict.fromkeys(("нет", "н", "no", "n", "false", "ложь", "0", "0.0", "отказ"), False),
    **dict.fromkeys(("не согласен", "не согласна", "off", "unchecked"), False),
}


@dataclass(frozen=True, slots=True)
class LocalForms:
    """How numbers and days are written in a file and where it goes: decimal places of the unit, the
    day by the programme's clock, its country; the decimal sign of the file, None where it is not
    known; the day from which a workbook counts, None for a file that does not count days."""

    scale: int
    today: date
    country: str
    decimal: DecimalSign | None = None
    day_zero: date | None = None


class DecimalSigns:
    """Which decimal sign a column of numbers has. Numbers such as 12,5 and 1.234,50 say it for the
    whole column; 1,000 alone says nothing. `ambiguous` counts the numbers that nothing settles."""

    def __init__(self, scale: int) -> None:
        self._scale = scale
        self._seen: set[DecimalSign] = set()
        self._unclear = 0

    def see(self, cell: Cell) -> None:
        """Take a cell of the column in."""
        if not isinstance(cell, str) or ("," not in cell and "." not in cell):
            return
        written = _digits(cell)
        if _is_unclear(written, self._scale):
            self._unclear += 1
        elif (sign := _decimal_sign(written)) is not None:
            self._seen.add(SIGNS[sign])

    @property
    def settled(self) -> DecimalSign | None:
        """The sign that all numbers agree on; None if they disagree or do not say."""
        return next(iter(self._seen)) if len(self._seen) == 1 else None

    @property
    def ambiguous(self) -> int:
        return 0 if self.settled is not None else self._unclear


class BadCell(Exception):
    """A cell that cannot be read. `code` is one of the codes of `RowProblem`."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def is_nothing(name: str, cell: Cell) -> bool:
    """Whether a cell of this column says that there is nothing to say."""
    if cell is None:
        return True
    if not isinstance(cell, str):
        return cell == 0 and not isinstance(cell, bool) and name in DAYS | ZERO_IS_NOTHING
    text = cell.strip()
    lower = text.casefold()
    if not text or text in NO_VALUE or text in NOT_FOUND_IN_SHEET or BRACKETED.fullmatch(lower):
        return True
    if name in DAYS and NO_DAY.fullmatch(text):
        return True
    if name in CONSENTS:
        return lower in NOTHING or DASHES.fullmatch(text) is not None
    if name in ("name", "reason", "consent_source"):
        return DASHES.fullmatch(text) is not None
    return (
        lower in NOTHING
        or lower in NO
        or DASHES.fullmatch(text) is not None
        or (name in ZERO_IS_NOTHING and text == "0")
    )


def is_blank(cell: Cell) -> bool:
    """Whether a cell says that there is nothing to say, whatever its column."""
    return is_nothing("name", cell)


def is_no_number(cell: Cell) -> bool:
    """The same for a cell in which no word can stand."""
    return is_nothing("points", cell)


def is_no_day(cell: Cell) -> bool:
    """The same for a cell in which only a day can stand."""
    return is_nothing("expires", cell)


def require_readable(cell: Cell) -> None:
    """Raises `BadCell` for a formula, and for what a spreadsheet shows in place of a value."""
    if cell is FORMULA:
        raise BadCell("formula")
    if cell is UNREADABLE or (isinstance(cell, str) and SHEET_MISTAKE.fullmatch(cell.strip())):
        raise BadCell("unreadable")


def read(name: str, cell: Cell, local: LocalForms) -> object:
    require_readable(cell)
    if name in CONSENTS:
        return _answer(cell)
    if name == "points":
        return _points(cell, local)
    if name in DAYS:
        return _day(name, _moment(cell, local.day_zero), local.today)
    if name == "phone":
        return _phone(as_text(cell), local.country)
    return _TEXTS[name](as_text(cell))


def as_text(cell: Cell) -> str:
    """A cell as text. Refuses a number that a spreadsheet has rounded."""
    if isinstance(cell, str):
        if cell.startswith("="):
            if (wrapped := AS_TEXT.fullmatch(cell.strip())) is None:
                raise BadCell("formula")
            cell = wrapped[1]
        try:
            return contacts.readable(cell)
        except ValueError:
            raise BadCell("unreadable") from None
    if isinstance(cell, bool):
        raise BadCell("unreadable")
    if isinstance(cell, int) or (isinstance(cell, float) and cell.is_integer()):
        if abs(cell) >= EXACT:
            raise BadCell("number_rounded")
        return str(int(cell))
    if isinstance(cell, datetime | date):
        raise BadCell("date_instead")
    raise BadCell("unreadable")


def text(cell: Cell, local: LocalForms) -> str:
    """Words, without an apostrophe in front that keeps a spreadsheet from calculating."""
    return as_text(cell).removeprefix("'")


def code(cell: Cell, local: LocalForms) -> str:
    """A code of the shop's own: a SKU, an article, a barcode."""
    written = as_text(cell)
    if ROUNDED.fullmatch(written):
        raise BadCell("number_rounded")
    return _identifier(written)


def codes(cell: Cell, local: LocalForms) -> list[str]:
    """Several codes in one cell, separated by commas, semicolons, bars or lines."""
    if not isinstance(cell, str):
        return [code(cell, local)]
    parts = [part.strip() for part in re.split(r"[,;|\n]+", cell)]
    return [code(part, local) for part in parts if part]


def yes_or_no(cell: Cell, local: LocalForms) -> bool:
    """Yes or no."""
    return _answer(cell)


def amount(cell: Cell, local: LocalForms) -> str:
    """An amount of money as `Money` has it, with all the decimal places that stand there."""
    whole, decimals = _written_number(cell, local)
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{decimals}" if decimals else whole


def day(cell: Cell, local: LocalForms) -> date:
    """A day, of whatever year."""
    return _moment(cell, local.day_zero).date()


def _answer(cell: Cell) -> bool:
    """Yes or no."""
    if isinstance(cell, bool):
        return cell
    answer = ANSWERS.get(as_text(cell).casefold())
    if answer is None:
        raise BadCell("not_yes_or_no")
    return answer


def _digits(text: str) -> str:
    """A number without what does not count in it: spaces between thousands, an apostrophe in
    front."""
    return SPACES.sub("", text).strip().removeprefix("'").replace("\u2212", "-")


def _is_unclear(written: str, scale: int) -> bool:
    return scale < THOUSAND_DIGITS and AMBIGUOUS.fullmatch(written) is not None


def _decimal_sign(written: str) -> str | None:
    """The sign that can only stand before decimal places in this number, or the one that the number
    leaves for it; None for what is no number."""
    signs = [char for char in written if char in SIGNS]
    for sign in (signs[-1], OTHER_SIGN[signs[-1]]) if signs else ():
        if _number(sign).fullmatch(written):
            return sign
    return None


@functools.cache
def _number(decimal: str) -> re.Pattern[str]:
    """A number with this decimal sign. The other sign may stand between all its thousands."""
    other, decimal = re.escape(OTHER_SIGN[decimal]), re.escape(decimal)
    return re.compile(
        rf"([+-]?)(\d{{1,24}}|\d{{1,3}}(?:{other}\d{{3}})+)(?:{decimal}(\d{{1,24}}))?"
    )


def _points(cell: Cell, local: LocalForms) -> int:
    whole, decimals = _written_number(cell, local)
    try:
        return money.pieces(whole, decimals, local.scale)
    except TooManyDecimals:
        raise BadCell("too_many_decimals", scale=local.scale) from None
    except AmountTooLarge:
        raise BadCell("too_many_points", most=MOST_POINTS) from None


def _written_number(cell: Cell, local: LocalForms) -> tuple[str, str]:
    """The digits of a number that is not negative: those before its decimal sign, and those
    behind it."""
    if isinstance(cell, datetime | date | bool):
        raise BadCell("not_a_number")
    if isinstance(cell, float) and abs(cell) >= EXACT:
        raise BadCell("too_many_points", most=MOST_POINTS)
    if isinstance(cell, str):
        written = _digits(cell)
        if local.decimal is None and _is_unclear(written, local.scale):
            raise BadCell("ambiguous_number")
        decimal = WRITTEN[local.decimal] if local.decimal else _decimal_sign(written) or "."
    else:
        written, decimal = repr(cell), "."
    found = _number(decimal).fullmatch(written)
    if found is None:
        raise BadCell("not_a_number")
    sign, whole, decimals = found[1], found[2].replace(OTHER_SIGN[decimal], ""), found[3] or ""
    if sign == "-" and (whole + decimals).strip("0"):
        raise BadCell("negative")
    return whole, decimals


def _day(name: str, moment: datetime, today: date) -> date:
    """The day in this column; of a consent, its moment."""
    day = moment.date()
    if name == "birthday" and not date(1900, 1, 1) <= day <= today:
        raise BadCell("birthday_out_of_range")
    if name == "expires" and not today <= day < date(2199, 12, 31):
        raise BadCell("expires_out_of_range")
    if name == "consent_date" and not EARLIEST.date() < day <= today:
        raise BadCell("consent_out_of_range")
    return moment if name == "consent_date" else day


def _moment(cell: Cell, day_zero: date | None) -> datetime:
    """A day with its time of day, at midnight if there is none."""
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - by the programme's clock
    if isinstance(cell, int | float) and not isinstance(cell, bool) and day_zero is not None:
        return _counted(cell, day_zero)
    text = cell.strip() if isinstance(cell, str) else ""
    if found := ISO_DAY.fullmatch(text):
        year, month, day, *clock = found.groups()
    elif found := DOTTED_DAY.fullmatch(text):
        day, month, year, *clock = found.groups()
    else:
        raise BadCell("not_a_date")
    hours, minutes, seconds = (int(part or 0) for part in clock)
    try:
        return datetime(int(year), int(month), int(day), hours, minutes, seconds)  # noqa: DTZ001
    except ValueError:
        raise BadCell("no_such_day") from None


def _counted(number: float, day_zero: date) -> datetime:
    """A day that a workbook has as the number of days since its first one."""
    if not FIRST_SERIAL <= number <= LAST_SERIAL:
        raise BadCell("not_a_date")
    first = datetime(day_zero.year, day_zero.month, day_zero.day)  # noqa: DTZ001
    return first + timedelta(seconds=round(number * 86_400))


def _phone(text: str, country: str) -> PhoneNumber:
    try:
        return contacts.phone_number(text, country)
    except ValueError:
        raise BadCell("number_rounded" if ROUNDED.fullmatch(text) else "phone") from None


def _email(text: str) -> str:
    try:
        return contacts.email_address(text)
    except ValueError:
        raise BadCell("email") from None


def _identifier(text: str) -> str:
    """A card number or a code without what programs add to it: signs that nobody sees, an
    apostrophe in front, or the `.0` of a data frame."""
    text = contacts.visible(text).removeprefix("'")
    return whole[1] if (whole := DATA_FRAME.fullmatch(text)) else text


def _card(text: str) -> str:
    number = "".join(_identifier(text).split())
    if ROUNDED.fullmatch(number):
        raise BadCell("number_rounded")
    if not SHORTEST_CARD <= len(number) <= LONGEST_CARD or not CARD.fullmatch(number):
        raise BadCell("card", shortest=SHORTEST_CARD, longest=LONGEST_CARD)
    return number


def _external_id(text: str) -> str:
    if ROUNDED.fullmatch(text):
        raise BadCell("number_rounded")
    return _short(100)(_identifier(text))


def _short(most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(text) > most:
            raise BadCell("too_long", most=most)
        return text

    return check


_TEXTS: Mapping[str, Callable[[str], str]] = {
    "name": _short(300),
    "email": _email,
    "card": _card,
    "external_id": _external_id,
    "reason": _short(300),
    "consent_source": _short(100),
}
