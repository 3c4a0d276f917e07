"""Columns by name, and what cells mean."""

from datetime import date, datetime

import pytest

from ledger.errors import FileRefused
from ledger.imports import wording
from ledger.imports.cells import FORMULA, STRAY_QUOTE, UNREADABLE
from ledger.imports.columns import RowContent, layout, parse
from ledger.imports.meanings import DecimalSigns, LocalForms
from ledger.limits import MOST_POINTS

TODAY = date(2026, 5, 20)


def at(year: int, month: int, day: int) -> datetime:
    """A moment as a workbook has it: without a zone."""
    return datetime(year, month, day)  # noqa: DTZ001


def parsed(name: str, cell: object, *, kind="members", scale=0, **forms: object) -> object:
    """The value of a cell, or the code of its problem."""
    header = ["external_id", name] if name != "external_id" else ["phone", name]
    found, problems = parse(
        kind, layout(kind, header), ["79990000000", cell], LocalForms(scale, TODAY, "RU", **forms)
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
        ("consent_marketing", "consent_marketing"),
        ("Согласие на рассылку", "consent_marketing"),
        ("Согласие на обработку персональных данных", "consent_personal_data"),
        ("Дата согласия", "consent_date"),
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
    assert found.left_aside == [
        ("Цвет", "unknown_column"),
        ("Уровень", "homeless_column"),
        ("consent", "unclear_consent"),
    ]
    found = layout("accrual", ["phone", "points", "birthday"])
    assert found.left_aside == [("birthday", "unknown_column")]


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
        ("1.234,5", 0, "too_many_decimals"),
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
        ("1992-02-29 00:00:00.000", date(1992, 2, 29)),
        ("29.02.1992 23:59:59", date(1992, 2, 29)),
        ("1992-02-29T07:30", date(1992, 2, 29)),
        ("29.02.1992 25:00", "no_such_day"),
        ("1992-02-29T00:00:00Z", "not_a_date"),
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


NO_DAYS = ("01.01.0001", "1.1.0001 0:00:00", "0001-01-01T00:00:00", "  .  .    ", "00.00.0000")
PROGRAMS_SAY = ("NULL", "<NULL>", "\\N", "<>", "<Пустая ссылка>", "#N/A", "#Н/Д", "nan", "-", "—")
PEOPLE_SAY = ("н/д", "нет", "Не указан", "n/a")


@pytest.mark.parametrize("name", ["birthday", "expires"])
@pytest.mark.parametrize(
    "cell", [*NO_DAYS, "0000-00-00 00:00:00", *PROGRAMS_SAY, *PEOPLE_SAY, 0, 0.0]
)
def test_no_day_is_written_in_many_ways(name: str, cell: object) -> None:
    assert parsed(name, cell) is None


@pytest.mark.parametrize("name", ["phone", "email", "card", "name", "points"])
@pytest.mark.parametrize("cell", PROGRAMS_SAY)
def test_what_programs_write_for_nothing_is_nothing(name: str, cell: str) -> None:
    assert parsed(name, cell) is None


@pytest.mark.parametrize(
    ("name", "cell", "meant"),
    [
        ("name", "Null", "Null"),
        ("name", "Nan", "Nan"),
        ("name", "Нет", "Нет"),
        ("name", "#VIP", "#VIP"),
        ("name", "#REF!", "unreadable"),
        ("name", "#####", "unreadable"),
        ("card", "#ССЫЛКА!", "unreadable"),
        ("external_id", "#1234", "#1234"),
        ("external_id", "0", "0"),
        ("external_id", 0, "0"),
        ("external_id", "нет", None),
        ("phone", "0", None),
        ("phone", "нет", None),
        ("email", "Н/Д", None),
        ("name", True, "unreadable"),
        ("points", True, "not_a_number"),
    ],
)
def test_a_real_value_is_not_nothing(name: str, cell: object, meant: object) -> None:
    assert parsed(name, cell) == meant


EXCEL = date(1899, 12, 30)


@pytest.mark.parametrize(
    ("cell", "day_zero", "meant"),
    [
        (33663, EXCEL, date(1992, 2, 29)),
        (33663.999, EXCEL, date(1992, 2, 29)),
        (32201, date(1904, 1, 1), date(1992, 2, 29)),
        (1992, EXCEL, "not_a_date"),
        (29, EXCEL, "not_a_date"),
        (19920229, EXCEL, "not_a_date"),
        ("33663", EXCEL, "not_a_date"),
        (True, EXCEL, "not_a_date"),
    ],
)
def test_a_day_that_a_workbook_shows_as_a_number(cell, day_zero: date, meant: object) -> None:
    assert parsed("birthday", cell, day_zero=day_zero) == meant


@pytest.mark.parametrize(
    ("cells", "settled", "ambiguous"),
    [
        (["1,000", "12,5"], "comma", 0),
        (["1,000", "12.5"], "point", 0),
        (["1.234,50", "2.000"], "comma", 0),
        (["1,234.50"], "point", 0),
        (["1.234.567"], "comma", 0),
        (["1,000", "2,000", "7", ""], None, 2),
        (["1,000", "12,5", "12.5"], None, 1),
        (["1,000", 12.5, "1000"], None, 1),
        (["0,500"], "comma", 0),
        (["1,2,3", "a.b", "."], None, 0),
    ],
)
def test_a_column_says_which_decimal_sign_it_has(cells, settled, ambiguous: int) -> None:
    signs = DecimalSigns(2)
    for cell in cells:
        signs.see(cell)
    assert (signs.settled, signs.ambiguous) == (settled, ambiguous)


@pytest.mark.parametrize(
    ("cell", "decimal", "meant"),
    [
        ("1,000", "comma", 100),
        ("1,000", "point", 100000),
        ("1.000", "comma", 100000),
        ("1 234.50", "point", 123450),
        ("1.234,50", None, 123450),
        ("1,234,567", None, 123456700),
        ("1.234,50", "point", "not_a_number"),
        ("12.5", "comma", "not_a_number"),
        ("1,00,000", "point", "not_a_number"),
        (12.5, "comma", 1250),
        ("1,000", None, "ambiguous_number"),
    ],
)
def test_numbers_are_read_by_the_sign_of_their_file(cell, decimal, meant: object) -> None:
    assert parsed("points", cell, scale=2, decimal=decimal) == meant


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        *(("да", True), ("Yes", True), (1, True), (True, True), ("+", True), ("ИСТИНА", True)),
        *(("нет", False), ("no", False), (0, False), (False, False), ("Ложь", False)),
        *(("-", None), ("н/д", None), ("", None)),
        *(("может быть", "not_yes_or_no"), (2, "not_yes_or_no")),
    ],
)
def test_consents_are_yes_or_no(cell: object, meant: object) -> None:
    assert parsed("consent_marketing", cell) == meant


def test_a_consent_has_its_moment() -> None:
    assert parsed("consent_date", "19.05.2026 14:30") == at(2026, 5, 19).replace(hour=14, minute=30)
    assert parsed("consent_date", "19.05.2026") == at(2026, 5, 19)
    assert parsed("consent_date", "21.05.2026") == "consent_out_of_range"
    assert parsed("consent_date", "31.12.1999") == "consent_out_of_range"


def test_a_row_that_cannot_be_divided_into_cells_says_so() -> None:
    found = layout("members", ["phone"])
    _, problems = parse("members", found, [STRAY_QUOTE], LocalForms(0, TODAY, "RU"))
    assert [(one.code, one.field) for one in problems] == [("stray_quote", None)]
