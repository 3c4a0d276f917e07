"""What the columns of a file are called, and what their cells mean. Pure."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from ledger import contacts, money
from ledger.contacts import PhoneNumber
from ledger.errors import AmountTooLarge, FileRefused, TooManyDecimals
from ledger.imports.files import FORMULA, UNREADABLE, Cell
from ledger.limits import MOST_POINTS

ImportKind = Literal["members", "accrual", "write_off"]

NAMES = {
    "name": ("name", "full name", "имя", "фио", "ф и о", "клиент", "покупатель"),
    "phone": ("phone", "phone number", "mobile", "телефон", "номер телефона", "мобильный"),
    "email": ("email", "e mail", "почта", "эл почта", "электронная почта"),
    "birthday": ("birthday", "birth date", "date of birth", "дата рождения", "день рождения"),
    "card": ("card", "card number", "карта", "номер карты", "штрихкод"),
    "external_id": ("external id", "id", "код", "код клиента", "внешний код"),
    "points": ("balance", "points", "баланс", "остаток", "баллы", "бонусы"),
    "expires": ("expires", "expires at", "expiry", "сгорает", "срок действия", "действует до"),
    "reason": ("reason", "comment", "причина", "основание", "комментарий"),
}
FIELD_OF = {name: field for field, names in NAMES.items() for name in names}

# Columns that files often have and the ledger has no place for yet. They are recognised in order to
# say so: otherwise the operator would believe that they were kept.
HOMELESS = {
    "tier": ("tier", "level", "status", "уровень", "статус"),
    "consent": ("consent", "согласие", "согласие на рассылку", "рассылка"),
}
HOMELESS_OF = {name: column for column, names in HOMELESS.items() for name in names}

IDENTIFIERS = ("external_id", "card", "phone", "email")
TAKEN = {
    "members": {*IDENTIFIERS, "name", "birthday", "points", "expires"},
    "accrual": {*IDENTIFIERS, "points", "expires", "reason"},
    "write_off": {*IDENTIFIERS, "points", "reason"},
}

THOUSAND_DIGITS = 3
SHORTEST_CARD, LONGEST_CARD = 4, 32  # characters
CARD = re.compile(r"[!-~]+")
# Spreadsheets keep fifteen digits of a number and show longer numbers as 7.9E+15: the other digits
# are lost.
EXACT = 10**15
ROUNDED = re.compile(r"\d+[.,]\d*E\+?\d+", re.IGNORECASE)
NUMBER = re.compile(r"([+-]?)(\d{1,24})(?:[.,](\d{1,24}))?")
# A thousand to some, one with three decimal places to others.
AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
# What programs put around digits so that a spreadsheet leaves them alone.
AS_TEXT = re.compile(r'="([^"]*)"')
DATA_FRAME = re.compile(r"(\d+)\.0+")
SPACES = re.compile(r"[ \u00a0\u202f\u2009]")
ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00(?::00)?)?")
DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: 0?0:00(?::00)?)?")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be imported: a stable code, the field at fault, and the facts for the
    sentence. The content of the cell is never among them, since it may be personal."""

    code: str
    field: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a file holds which field: `places` has the index of the column, `titles` its
    name in the file. Columns in `unknown` and `homeless` are not imported."""

    places: Mapping[str, int]
    titles: Mapping[str, str]
    unknown: list[str]
    homeless: list[str]


@dataclass(frozen=True, slots=True)
class RowContent:
    """What a row says. `points` is in the smallest piece of the unit; `expires` is the last day on
    which the points live."""

    name: str | None = None
    phone: PhoneNumber | None = None
    email: str | None = None
    birthday: date | None = None
    card: str | None = None
    external_id: str | None = None
    points: int | None = None
    expires: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LocalForms:
    """How numbers and days are written where a file goes: decimal places of the unit, the day by
    the programme's clock, its country."""

    scale: int
    today: date
    country: str


class _Bad(Exception):
    """A cell that cannot be read. `code` is one of the codes of `RowProblem`."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def plain_name(title: str) -> str:
    """The name of a column without differences that people do not notice: case, punctuation, ё for
    е."""
    text = unicodedata.normalize("NFKC", title).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def is_column(title: str) -> bool:
    """Whether this is the name of a column that we know, imported or not."""
    name = plain_name(title)
    return name in FIELD_OF or name in HOMELESS_OF


def layout(kind: ImportKind, header: Sequence[str]) -> Layout:
    """Which fields the columns of this header hold. Raises `FileRefused` for a header that cannot
    be one: two columns of one field, no known column, no column that names members, or no
    points."""
    places: dict[str, int] = {}
    unknown: list[str] = []
    homeless: list[str] = []
    for place, title in enumerate(header):
        found = FIELD_OF.get(plain_name(title))
        if not title:
            continue
        if found in places:
            raise FileRefused(
                "column_repeated",
                "Two columns mean the same: {first} and {column}.",
                first=header[places[found]],
                column=title,
            )
        if found in TAKEN[kind]:
            places[found] = place
        elif plain_name(title) in HOMELESS_OF:
            homeless.append(title)
        else:
            unknown.append(title)
    if not places:
        raise FileRefused(
            "header_missing",
            "The first row must name the columns: {names}.",
            names=", ".join(sorted(TAKEN[kind])),
        )
    if not any(one in places for one in IDENTIFIERS):
        raise FileRefused(
            "column_missing",
            "A column is missing that says who is meant: phone, email, card or external_id.",
            column="phone",
        )
    if kind != "members" and "points" not in places:
        raise FileRefused("column_missing", "The column points is missing.", column="points")
    return Layout(places, {one: header[at] for one, at in places.items()}, unknown, homeless)


def parse(
    kind: ImportKind, layout: Layout, cells: Sequence[Cell], local: LocalForms
) -> tuple[RowContent, list[RowProblem]]:
    """What a row says, and what is wrong with it."""
    values: dict[str, Any] = {}
    problems: list[RowProblem] = []
    for name, place in layout.places.items():
        cell = cells[place] if place < len(cells) else None
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        try:
            values[name] = _read(name, cell, local)
        except _Bad as bad:
            problems.append(RowProblem(bad.code, name, bad.facts))
    wrong = {problem.field for problem in problems}
    if not any(name in values or name in wrong for name in IDENTIFIERS):
        problems.append(RowProblem("nobody_named"))
    if kind != "members" and "points" not in wrong and not values.get("points"):
        problems.append(RowProblem("points_missing", "points"))
    return RowContent(**values), problems


def is_foreign(layout: Layout, cells: Sequence[Cell], number: PhoneNumber, country: str) -> bool:
    """Whether this number, of a cell that names no country, is one of another country."""
    return not contacts.has_plus(_text(cells[layout.places["phone"]])) and contacts.is_foreign(
        number, country
    )


def _read(name: str, cell: Cell, local: LocalForms) -> object:
    if cell is FORMULA:
        raise _Bad("formula")
    if cell is UNREADABLE:
        raise _Bad("unreadable")
    if name == "points":
        return _points(cell, local.scale)
    if name in ("birthday", "expires"):
        day = _day(cell)
        if name == "birthday" and not date(1900, 1, 1) <= day <= local.today:
            raise _Bad("birthday_out_of_range")
        if name == "expires" and not local.today <= day < date(2199, 12, 31):
            raise _Bad("expires_out_of_range")
        return day
    if name == "phone":
        return _phone(_text(cell), local.country)
    return _TEXTS[name](_text(cell))


def _text(cell: Cell) -> str:
    """A cell as text. Refuses a number that a spreadsheet has rounded."""
    if isinstance(cell, str):
        if cell.startswith("="):
            if (wrapped := AS_TEXT.fullmatch(cell.strip())) is None:
                raise _Bad("formula")
            cell = wrapped[1]
        try:
            return contacts.readable(cell)
        except ValueError:
            raise _Bad("unreadable") from None
    if isinstance(cell, int) or (isinstance(cell, float) and cell.is_integer()):
        if abs(cell) >= EXACT:
            raise _Bad("number_rounded")
        return str(int(cell))
    if isinstance(cell, datetime | date):
        raise _Bad("date_instead")
    raise _Bad("unreadable")


def _points(cell: Cell, scale: int) -> int:
    text = repr(cell) if isinstance(cell, float) else str(cell).strip()
    if isinstance(cell, datetime | date):
        raise _Bad("not_a_number")
    if isinstance(cell, float) and abs(cell) >= EXACT:
        raise _Bad("too_many_points", most=MOST_POINTS)
    written = SPACES.sub("", text).removeprefix("'").replace("\u2212", "-")
    if isinstance(cell, str) and scale < THOUSAND_DIGITS and AMBIGUOUS.fullmatch(written):
        raise _Bad("ambiguous_number")
    found = NUMBER.fullmatch(written)
    if found is None:
        raise _Bad("not_a_number")
    sign, whole, decimals = found.groups()
    if sign == "-" and (whole + (decimals or "")).strip("0"):
        raise _Bad("negative")
    try:
        return money.pieces(whole, decimals or "", scale)
    except TooManyDecimals:
        raise _Bad("too_many_decimals", scale=scale) from None
    except AmountTooLarge:
        raise _Bad("too_many_points", most=MOST_POINTS) from None


def _day(cell: Cell) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = cell.strip() if isinstance(cell, str) else ""
    if found := ISO_DAY.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := DOTTED_DAY.fullmatch(text):
        day, month, year = map(int, found.groups())
    else:
        raise _Bad("not_a_date")
    try:
        return date(year, month, day)
    except ValueError:
        raise _Bad("no_such_day") from None


def _phone(text: str, country: str) -> PhoneNumber:
    try:
        return contacts.phone_number(text, country)
    except ValueError:
        raise _Bad("number_rounded" if ROUNDED.fullmatch(text) else "phone") from None


def _email(text: str) -> str:
    try:
        return contacts.email_address(text)
    except ValueError:
        raise _Bad("email") from None


def _identifier(text: str) -> str:
    """A card number or a code without what programs add to it: signs that nobody sees, an
    apostrophe in front, or the `.0` of a data frame."""
    text = contacts.visible(text).removeprefix("'")
    return whole[1] if (whole := DATA_FRAME.fullmatch(text)) else text


def _card(text: str) -> str:
    number = "".join(_identifier(text).split())
    if ROUNDED.fullmatch(number):
        raise _Bad("number_rounded")
    if not SHORTEST_CARD <= len(number) <= LONGEST_CARD or not CARD.fullmatch(number):
        raise _Bad("card", shortest=SHORTEST_CARD, longest=LONGEST_CARD)
    return number


def _external_id(text: str) -> str:
    if ROUNDED.fullmatch(text):
        raise _Bad("number_rounded")
    return _short(100)(_identifier(text))


def _short(most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(text) > most:
            raise _Bad("too_long", most=most)
        return text

    return check


_TEXTS: Mapping[str, Callable[[str], str]] = {
    "name": _short(300),
    "email": _email,
    "card": _card,
    "external_id": _external_id,
    "reason": _short(300),
}
