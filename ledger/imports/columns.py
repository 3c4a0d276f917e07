"""What the columns of a file of members are called, and what its rows say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

from ledger import contacts
from ledger.contacts import PhoneNumber
from ledger.errors import FileRefused
from ledger.imports import headers, meanings
from ledger.imports.cells import STRAY_QUOTE, Cell
from ledger.imports.headers import Layout, RowProblem, plain_name
from ledger.imports.meanings import CONSENTS, BadCell, LocalForms

PeopleKind = Literal["members", "accrual", "write_off"]
PEOPLE_KINDS: tuple[PeopleKind, ...] = get_args(PeopleKind)
# `list`: rows that only name members, and nothing is written of them.
RowsKind = PeopleKind | Literal["list"]
MOVES_POINTS = ("accrual", "write_off")

NAMES = {
    "name": (
        "name",
        "full name",
        "имя",
        "фио",
        "ф и о",
        "фамилия имя отчество",
        "наименование",  # 1C calls people so in its catalogues
        "клиент",
        "покупатель",
    ),
    "phone": (
        "phone",
        "phone number",
        "mobile",
        "mobile phone",
        "телефон",
        "номер телефона",
        "мобильный",
        "мобильный телефон",
    ),
    "email": (
        "email",
        "e mail",
        "почта",
        "эл почта",
        "электронная почта",
        "адрес электронной почты",
    ),
    "birthday": ("birthday", "birth date", "date of birth", "дата рождения", "день рождения"),
    "card": ("card", "card number", "карта", "номер карты", "штрихкод"),
    "external_id": ("external id", "id", "код", "код клиента", "внешний код"),
    "points": ("balance", "points", "баланс", "остаток", "баллы", "бонусы"),
    "expires": ("expires", "expires at", "expiry", "сгорает", "срок действия", "действует до"),
    "reason": ("reason", "comment", "причина", "основание", "комментарий"),
    "consent_marketing": (
        "consent marketing",
        "marketing consent",
        "marketing",
        "согласие на рассылку",
        "согласие на рассылки",
        "согласие на рекламу",
        "рассылка",
    ),
    "consent_personal_data": (
        "consent personal data",
        "personal data consent",
        "согласие на обработку персональных данных",
        "согласие на обработку данных",
        "согласие на обработку пдн",
    ),
    "consent_date": ("consent date", "дата согласия"),
    "consent_source": ("consent source", "источник согласия"),
}
FIELD_OF = {name: field for field, names in NAMES.items() for name in names}

# Columns that files often have and the ledger has no place for yet. They are recognised in order to
# say so: otherwise the operator would believe that they were kept.
# A consent that does not say what it is for is none.
HOMELESS = {
    "homeless_column": ("tier", "level", "status", "уровень", "статус"),
    "unclear_consent": ("consent", "согласие"),
}
HOMELESS_OF = {name: code for code, names in HOMELESS.items() for name in names}

IDENTIFIERS = ("external_id", "card", "phone", "email")
TAKEN = {
    "members": {
        *IDENTIFIERS,
        *CONSENTS,
        "consent_date",
        "consent_source",
        "name",
        "birthday",
        "points",
        "expires",
    },
    "accrual": {*IDENTIFIERS, "points", "expires", "reason"},
    "write_off": {*IDENTIFIERS, "points", "reason"},
    "list": {*IDENTIFIERS},
}


@dataclass(frozen=True, slots=True)
class RowContent:
    """What a row says. `points` is in the smallest piece of the unit; `expires` is the last day on
    which the points live. `consent_date` is by the programme's clock."""

    name: str | None = None
    phone: PhoneNumber | None = None
    email: str | None = None
    birthday: date | None = None
    card: str | None = None
    external_id: str | None = None
    points: int | None = None
    expires: date | None = None
    reason: str | None = None
    consent_marketing: bool | None = None
    consent_personal_data: bool | None = None
    consent_date: datetime | None = None
    consent_source: str | None = None

    def plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name in self.__slots__
            if (value := getattr(self, name)) is not None
        }

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> Self:
        """What `plain` made."""
        for name in ("birthday", "expires"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        if "consent_date" in values:
            values["consent_date"] = datetime.fromisoformat(values["consent_date"])
        return cls(**values)


def is_column(title: str) -> bool:
    """Whether this is the name of a column that we know, imported or not."""
    name = plain_name(title)
    return name in FIELD_OF or name in HOMELESS_OF


def layout(kind: RowsKind, header: Sequence[str]) -> Layout:
    """Which fields the columns of this header hold. Raises `FileRefused` for a header that cannot
    be one: two columns of one field, no known column, no column that names members, or no
    points."""
    names = [plain_name(title) for title in header]
    found = headers.placed(
        header,
        [FIELD_OF.get(name) for name in names],
        TAKEN[kind],
        [HOMELESS_OF.get(name, "unknown_column") for name in names],
    )
    if not any(one in found.places for one in IDENTIFIERS):
        raise FileRefused(
            "column_missing",
            "A column is missing that says who is meant: phone, email, card or external_id.",
            column="phone",
        )
    if kind in MOVES_POINTS and "points" not in found.places:
        raise FileRefused("column_missing", "The column points is missing.", column="points")
    return found


def parse(
    kind: RowsKind, layout: Layout, cells: Sequence[Cell], local: LocalForms
) -> tuple[RowContent, list[RowProblem]]:
    """What a row says, and what is wrong with it."""
    if cells[0] is STRAY_QUOTE:
        return RowContent(), [RowProblem("stray_quote")]
    values: dict[str, Any] = {}
    problems: list[RowProblem] = []
    for name, place in layout.places.items():
        cell = cells[place] if place < len(cells) else None
        if meanings.is_nothing(name, cell):
            continue
        try:
            values[name] = meanings.read(name, cell, local)
        except BadCell as bad:
            problems.append(RowProblem(bad.code, name, bad.facts))
    wrong = {problem.field for problem in problems}
    if not any(name in values or name in wrong for name in IDENTIFIERS):
        problems.append(RowProblem("nobody_named"))
    if kind in MOVES_POINTS and "points" not in wrong and not values.get("points"):
        problems.append(RowProblem("points_missing", "points"))
    return RowContent(**values), problems


def is_foreign(layout: Layout, cells: Sequence[Cell], number: PhoneNumber, country: str) -> bool:
    """Whether this number, of a cell that names no country, is one of another country."""
    written = meanings.as_text(cells[layout.places["phone"]])
    return not contacts.has_plus(written) and contacts.is_foreign(number, country)
