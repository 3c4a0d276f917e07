"""What the columns of a file are called, and what its rows say. Pure."""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from ledger import contacts
from ledger.contacts import PhoneNumber
from ledger.errors import FileRefused
from ledger.imports import meanings
from ledger.imports.cells import STRAY_QUOTE, Cell
from ledger.imports.meanings import CONSENTS, BadCell, LocalForms

ImportKind = Literal["members", "accrual", "write_off"]
# `list`: rows that only name members, and nothing is written of them.
RowsKind = ImportKind | Literal["list"]
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
class RowProblem:
    """Why a row cannot be imported: a stable code, the field at fault, and the facts for the
    sentence. The content of the cell is never among them, since it may be personal."""

    code: str
    field: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a file holds which field: `places` has the index of the column, `titles` its
    name in the file. Columns in `left_aside` are not imported: name and code of the reason."""

    places: Mapping[str, int]
    titles: Mapping[str, str]
    left_aside: list[tuple[str, str]]


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


def plain_name(title: str) -> str:
    """The name of a column without differences that people do not notice: case, punctuation, ё for
    е."""
    text = unicodedata.normalize("NFKC", title).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def is_column(title: str) -> bool:
    """Whether this is the name of a column that we know, imported or not."""
    name = plain_name(title)
    return name in FIELD_OF or name in HOMELESS_OF


def layout(kind: RowsKind, header: Sequence[str]) -> Layout:
    """Which fields the columns of this header hold. Raises `FileRefused` for a header that cannot
    be one: two columns of one field, no known column, no column that names members, or no
    points."""
    places: dict[str, int] = {}
    left_aside: list[tuple[str, str]] = []
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
        else:
            left_aside.append((title, HOMELESS_OF.get(plain_name(title), "unknown_column")))
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
    if kind in MOVES_POINTS and "points" not in places:
        raise FileRefused("column_missing", "The column points is missing.", column="points")
    return Layout(places, {one: header[at] for one, at in places.items()}, left_aside)


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
