"""Columns by name, and what cells mean."""

from datetime import date, datetime

import pytest

from ledger.errors import FileRefused
from ledger.imports import wording
from ledger.imports.columns import LocalForms, RowContent, layout, parse
from ledger.imports.files import FORMULA, UNREADABLE
from ledger.limits import MOST_POINTS

TODAY = date(2026, 5, 20)


def at(year: int, month: int, day: int) -> datetime:
    """A moment as a workbook has it: without a zone."""
    return datetime(year, month, day)  # noqa: DTZ001


def parsed(name: str, cell: object, *, kind="members", scale=0) -> object:
    """The value of a cell, or the code of its problem."""
    header = ["external_id", name] if name != "external_id" else ["phone", name]
    found, problems = parse(
        kind, layout(kind, header), ["79990000000", cell], LocalForms(scale, TODAY, "RU")
    )
    if problems:
        assert [one.field for one in problems] == [name]
        assert wording.sentence(problems[0].code, problems[0].facts, "ru")
        return problems[0].code
    return getattr(found, name)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("ФИО", "name"),
        ("Ф.И.О.", "name"),
        (" имя ", "name"),
        ("Номер  телефона", "phone"),
        ("E-Mail", "email"),
        ("ДАТА_РОЖДЕНИЯ", "birthday"),
        ("External ID", "external_id"),
        ("Код", "external_id"),
        ("Остаток", "points"),
        ("Сгорает", "expires"),
        ("Номер карты", "card"),
    ],
)
def test_columns_are_known_in_two_languages(header: str, field: str) -> None:
    assert field in layout("members", [header, "phone" if field != "phone" else "email"]).places


@pytest.mark.parametrize(
    ("kind", "header", "problem"),
    [
        ("members", ["79991234567", "Анна"], "header_missing"),
        ("members", ["phone", "name", "Телефон"], "column_repeated"),
        ("members", ["phone", "phone"], "column_repeated"),
        ("members", ["name", "balance"], "column_missing"),
        ("accrual", ["phone", "reason"], "column_missing"),
        ("write_off", ["points"], "column_missing"),
    ],
)
def test_a_table_that_cannot_be_meant(kind, header: list[str], problem: str) -> None:
    with pytest.raises(FileRefused) as refused:
        layout(kind, header)
    assert refused.value.problem == problem


def test_columns_that_stay_behind_are_named() -> None:
    found = layout("members", ["phone", "Цвет", "Уровень", "", "consent"])
    assert (found.unknown, found.homeless) == (["Цвет"], ["Уровень", "consent"])
    assert layout("accrual", ["phone", "points", "birthday"]).unknown == ["birthday"]


@pytest.mark.parametrize(
    ("cell", "scale", "meant"),
    [
        ("1250", 0, 1250),
        ("1 250", 0, 1250),
        ("1\u00a0250,00", 0, 1250),
        ("0", 0, 0),
        (12, 2, 1200),
        ("12,5", 2, 1250),
        (12.5, 2, 1250),
        ("0.07", 2, 7),
        (0.07, 2, 7),
        (str(MOST_POINTS), 0, MOST_POINTS),
        ("12.5", 0, "too_many_decimals"),
        ("1,234", 2, "ambiguous_number"),
        ("1,000", 0, "ambiguous_number"),
        ("12.000", 0, "ambiguous_number"),
        ("1.000", 2, "ambiguous_number"),
        ("1,000", 3, 1000),
        ("0,500", 2, 50),
        ("1000,000", 0, 1000),
        ("1,00", 2, 100),
        ("1 000", 0, 1000),
        ("-5", 0, "negative"),
        ("−5", 0, "negative"),
        (-5, 0, "negative"),
        (str(MOST_POINTS + 1), 0, "too_many_points"),
        ("9" * 30, 0, "not_a_number"),
        ("9" * 24, 2, "too_many_points"),
        (1e300, 0, "too_many_points"),
        (float("nan"), 0, "not_a_number"),
        ("1e3", 0, "not_a_number"),
        ("1.234,5", 0, "not_a_number"),
        ("=1+1", 0, "not_a_number"),
        ("+1-1", 0, "not_a_number"),
        ("@1", 0, "not_a_number"),
        ("٣", 0, 3),
        (FORMULA, 0, "formula"),
        (UNREADABLE, 0, "unreadable"),
        (at(2026, 1, 1), 0, "not_a_number"),
    ],
)
def test_points(cell: object, scale: int, meant: object) -> None:
    assert parsed("points", cell, scale=scale) == meant


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("29.02.1992", date(1992, 2, 29)),
        ("1992-02-29", date(1992, 2, 29)),
        ("1.2.1992", date(1992, 2, 1)),
        (at(1992, 2, 29), date(1992, 2, 29)),
        (TODAY.isoformat(), TODAY),
        ("29.02.1993", "no_such_day"),
        ("1993-02-29", "no_such_day"),
        ("31.12.92", "not_a_date"),
        ("12/31/1992", "not_a_date"),
        (33000, "not_a_date"),
        ("21.05.2026", "birthday_out_of_range"),
        ("31.12.1899", "birthday_out_of_range"),
        (FORMULA, "formula"),
    ],
)
def test_birthdays(cell: object, meant: object) -> None:
    assert parsed("birthday", cell) == meant


def test_points_expire_today_at_the_earliest() -> None:
    assert parsed("expires", "20.05.2026") == TODAY
    assert parsed("expires", "19.05.2026") == "expires_out_of_range"
    assert parsed("expires", "01.01.2200") == "expires_out_of_range"


@pytest.mark.parametrize(
    ("name", "cell", "meant"),
    [
        ("name", "=1+1", "formula"),
        ("name", "'t Hooft", "'t Hooft"),
        ("name", '="Анна"', "Анна"),
        ("card", '="4006381333931"', "4006381333931"),
        ("card", "'4006381333931", "4006381333931"),
        ("card", "4006381333931.0", "4006381333931"),
        ("external_id", "'000777", "000777"),
        ("external_id", '="000777"', "000777"),
        ("external_id", "42.0", "42"),
        ("name", "@SUM(A1)", "@SUM(A1)"),
        ("name", "и\u0306", "й"),
        ("name", "a\u0007", "unreadable"),
        ("name", "я" * 301, "too_long"),
        ("phone", "8 (999) 123-45-67", "+79991234567"),
        ("phone", 79991234567, "+79991234567"),
        ("phone", 79991234567.0, "+79991234567"),
        ("phone", "7,99912E+10", "number_rounded"),
        ("phone", "12", "phone"),
        ("email", "Anna@Example.COM", "anna@example.com"),
        ("email", "anna@", "email"),
        ("card", "4000 1234", "40001234"),
        ("card", "A-77/3", "A-77/3"),
        ("card", 1234, "1234"),
        ("card", "123", "card"),
        ("card", "1" * 33, "card"),
        ("card", "карта1", "card"),
        ("card", 1234567890123456, "number_rounded"),
        ("card", "1,23457E+15", "number_rounded"),
        ("external_id", "000042", "000042"),
        ("external_id", 42, "42"),
        ("external_id", 1.5, "unreadable"),
        ("external_id", at(2026, 1, 2), "date_instead"),
    ],
)
def test_texts(name: str, cell: object, meant: object) -> None:
    assert parsed(name, cell) == meant


def test_a_row_says_who_and_how_many() -> None:
    found = layout("accrual", ["phone", "points"])
    assert [
        one.code for one in parse("accrual", found, [" ", ""], LocalForms(0, TODAY, "RU"))[1]
    ] == [
        "nobody_named",
        "points_missing",
    ]
    assert [
        one.code for one in parse("accrual", found, ["x", "0"], LocalForms(0, TODAY, "RU"))[1]
    ] == [
        "phone",
        "points_missing",
    ]
    assert parse(
        "members", layout("members", ["phone", "card"]), ["79991234567"], LocalForms(0, TODAY, "RU")
    ) == (
        RowContent(phone="+79991234567"),
        [],
    )
