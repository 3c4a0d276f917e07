"""Tables out of files, and files that are none."""

import io
import tracemalloc
from datetime import datetime

import pytest
from openpyxl import Workbook
from tables import csv_file, with_part, xlsx_file

from ledger.errors import FileRefused
from ledger.imports import files
from ledger.imports.columns import is_column
from ledger.imports.files import FORMULA, UNREADABLE

SHEET = "xl/worksheets/sheet1.xml"
ROWS = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = "</sheetData></worksheet>"


def read(file: io.BytesIO) -> tuple[list[str], list[tuple[int, list[object]]]]:
    table = files.read(file, is_column)
    return table.header, [(number, list(cells)) for number, cells in table.rows]


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(FileRefused) as refused:
        read(file)
    return refused.value.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_in_every_usual_form(encoding: str, delimiter: str) -> None:
    rows = [["Телефон", "Имя"], ["8 999", f'"Анна{delimiter} ""Аня"""'], ["1", "Пётр №1"]]
    header, found = read(csv_file(*map(delimiter.join, rows), encoding=encoding))
    assert header == ["Телефон", "Имя"]
    assert found == [(2, ["8 999", f'Анна{delimiter} "Аня"']), (3, ["1", "Пётр №1"])]


def test_rows_keep_their_numbers_when_some_are_empty() -> None:
    _, found = read(csv_file("", "phone,name", ",", "1,a", "", "2,b"))
    assert found == [(4, ["1", "a"]), (6, ["2", "b"])]
    _, found = read(xlsx_file(["phone"], [], ["1"], [None, "  "], ["2"]))
    assert [number for number, _ in found] == [3, 5]


def test_a_hint_of_the_delimiter_is_not_a_header() -> None:
    assert read(csv_file("sep=;", "phone;name", "1;a"))[0] == ["phone", "name"]


@pytest.mark.parametrize("data", [b"", b"\n\r\n", "\ufeff".encode(), b";;\n;;"])
def test_nothing_in_it(data: bytes) -> None:
    assert refusal(io.BytesIO(data)) == "empty"


def test_a_broken_byte_does_not_turn_utf_8_into_nonsense() -> None:
    whole = "phone;имя\n1;Анна\n2;Борис\n".encode()
    assert refusal(io.BytesIO(whole + b"3;\xd0\n")) == "encoding"
    assert refusal(io.BytesIO(whole + b"3;\xff\xfe\n")) == "encoding"
    assert refusal(io.BytesIO(whole + b"3;\0\n")) == "encoding"
    assert refusal(io.BytesIO("phone;имя\n1;Анна".encode("utf-16"))) == "encoding"
    assert refusal(io.BytesIO("phone;имя\n1;Анна".encode("cp1251") + b"\x98")) == "encoding"


def test_a_quotation_mark_too_many() -> None:
    assert refusal(csv_file("phone;name", '1;"Анна', "2;b")) == "broken"
    assert refusal(csv_file("phone;name", '1;"a"b', "2;b")) == "broken"


def test_cells_of_a_workbook_are_values_and_formulas_are_named() -> None:
    day = datetime(2000, 2, 29)  # noqa: DTZ001 - as a workbook has it
    file = xlsx_file(["phone", "b", "c", "d"], [79991234567, 12.5, day, "=1+1"], ["x", True, "=A1"])
    _, found = read(file)
    assert found == [(2, [79991234567, 12.5, day, FORMULA]), (3, ["x", UNREADABLE, FORMULA])]


def test_text_that_looks_like_a_formula_is_text_in_csv() -> None:
    assert read(csv_file("phone;name", "1;=1+1"))[1] == [(2, ["1", "=1+1"])]


def test_macros_passwords_and_old_files_are_refused() -> None:
    assert refusal(with_part(xlsx_file(["phone"]), "xl/vbaProject.bin", b"x")) == "macros"
    assert refusal(io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)) == (
        "old_or_encrypted"
    )


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500, xlsx_file(["phone"]).getvalue()[:-30]],
)
def test_a_workbook_that_is_cut_is_refused(data: bytes) -> None:
    assert refusal(io.BytesIO(data)) == "broken"


BOMBS = {
    "one row without an end": f'{ROWS}<row r="1">{"<c/>" * 2_000_000}</row>{END}',
    "rows without end": f"{ROWS}{'<row/>' * 800_000}{END}",
    "a row that hides its size": (
        f'{ROWS}<row r="1">{("<c/>" * 50_000 + "<!-- <row> -->") * 30}</row>{END}'
    ),
    "entities": (
        '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        f'{ROWS}<row r="1"><c t="inlineStr"><is><t>&b;</t></is></c></row>{END}'
    ),
    "a part that is too large": f"{ROWS}{'<row/>' * 700_000}{END}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_fill_the_memory_is_refused_before(bomb: str, monkeypatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 50_000 if "without end" in bomb else files.MOST_ROWS)
    monkeypatch.setattr(files, "MOST_SHEET", 4 << 20 if "large" in bomb else files.MOST_SHEET)
    file = with_part(xlsx_file(["phone"]), SHEET, BOMBS[bomb].encode())
    tracemalloc.start()
    assert refusal(file) in ("too_large_inside", "broken")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 64 << 20


def test_a_row_far_below_is_not_waited_for() -> None:
    first = '<row r="1"><c t="inlineStr"><is><t>phone</t></is></c></row>'
    sheet = f'{ROWS}{first}<row r="999999999"/>{END}'
    header, rows = read(with_part(xlsx_file(["phone"]), SHEET, sheet.encode()))
    assert (header, rows) == (["phone"], [])


def test_a_table_has_so_many_columns_and_no_more() -> None:
    assert refusal(csv_file(";".join(map(str, range(65))))) == "too_many_columns"
    assert refusal(xlsx_file(list(range(65)))) == "too_many_columns"
    assert len(read(xlsx_file(list(range(64))))[0]) == 64


def test_numbers_are_what_they_look_like() -> None:
    """Codes of 1C and EAN-13 have zeros in front, which the number format alone shows."""
    book = Workbook()
    book.active.append(["external_id", "card", "points"])
    book.active.append([42, 1234567, 5])
    row = book.active[2]
    row[0].number_format, row[1].number_format = "000000000", "0000000000000"
    file = io.BytesIO()
    book.save(file)
    assert read(file)[1] == [(2, ["000000042", "0000001234567", 5])]


def test_names_of_a_till_in_dos_are_read() -> None:
    """Where the names of the columns are Latin, nothing else says which code page it is."""
    rows = ("phone;name", "79990000001;Иванов Пётр", "79990000002;ЩЁКИНА АННА")
    for encoding in ("cp866", "cp1251"):
        _, found = read(csv_file(*rows, encoding=encoding))
        assert [cells[1] for _, cells in found] == ["Иванов Пётр", "ЩЁКИНА АННА"]
