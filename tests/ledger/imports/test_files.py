"""Tables out of files, and files that are none."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import datetime

import pytest
from openpyxl import Workbook
from tables import csv_file, with_part, xlsx_file

from ledger.errors import FileRefused
from ledger.imports import files, workbooks
from ledger.imports.cells import FORMULA, STRAY_QUOTE, UNREADABLE
from ledger.imports.columns import is_column

SHEET = "xl/worksheets/sheet1.xml"
ROWS = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = "</sheetData></worksheet>"


def read(file: io.BytesIO) -> tuple[list[str], list[tuple[int, list[object]]]]:
    table = files.read(file, is_column)
    return table.header, [(number, list(cells)) for number, cells in table.rows()]


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(FileRefused) as refused:
        read(file)
    return refused.value.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
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


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ('1;"Ромашка" ООО', ["1", '"Ромашка" ООО']),
        ('"1";"Ромашка" ООО', ["1", '"Ромашка" ООО']),
        ('1;ООО "Ромашка"', ["1", 'ООО "Ромашка"']),
        ('1;"a"b', ["1", '"a"b']),
        ('1;"Анна', [STRAY_QUOTE]),
        ('1;"Ромашка;" ООО', [STRAY_QUOTE]),
        ('1;2;"a" b', [STRAY_QUOTE]),
    ],
)
def test_a_stray_quotation_mark_is_the_matter_of_its_row(line: str, meant: list[object]) -> None:
    """The rows behind it are what they are, also where a later mark could close the first."""
    file = csv_file("phone;name", "0;before", line, '2;"and, after"', "3;z")
    _, found = read(file)
    rest = [(4, ["2", "and, after"]), (5, ["3", "z"])]
    assert found == [(2, ["0", "before"]), (3, meant), *rest]


def test_quotation_marks_without_end_are_no_table() -> None:
    rows = ['1;"Анна'] * 2_000
    assert refusal(csv_file("phone;name", *rows)) == "broken"
    assert refusal(io.BytesIO(b"phone;name\n" + b"x" * (5 << 20))) == "broken"


def test_a_cell_of_several_lines_is_one_cell() -> None:
    assert read(csv_file("phone;name", '1;"Анна', 'Петровна"', "2;b"))[1] == [
        (2, ["1", "Анна\r\nПетровна"]),
        (3, ["2", "b"]),
    ]


def test_cells_of_a_workbook_are_values_and_formulas_are_named() -> None:
    day = datetime(2000, 2, 29)  # noqa: DTZ001 - as a workbook has it
    file = xlsx_file(["phone", "b", "c", "d"], [79991234567, 12.5, day, "=1+1"], ["x", True, "=A1"])
    _, found = read(file)
    assert found == [(2, [79991234567, 12.5, day, FORMULA]), (3, ["x", True, FORMULA])]


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
    monkeypatch.setattr(
        workbooks, "MOST_ROWS", 50_000 if "without end" in bomb else workbooks.MOST_ROWS
    )
    monkeypatch.setattr(
        workbooks, "MOST_SHEET", 4 << 20 if "large" in bomb else workbooks.MOST_SHEET
    )
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
    assert refusal(csv_file(";".join(map(str, range(513))))) == "too_many_columns"
    assert refusal(xlsx_file(list(range(513)))) == "too_many_columns"
    assert len(read(xlsx_file(list(range(512))))[0]) == 512


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


def edited(change: Callable[[Workbook], None]) -> io.BytesIO:
    """A workbook with one row, after this change."""
    book = Workbook()
    book.active.title = "Клиенты"
    for row in (["phone", "name"], ["79990000001", "Анна"], ["79990000002", "Борис"]):
        book.active.append(row)
    change(book)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


ANNA = [(2, ["79990000001", "Анна"]), (3, ["79990000002", "Борис"])]


def hidden_first(book: Workbook) -> None:
    book.create_sheet("Служебный", 0).append(["phone", "name"])
    book["Служебный"].sheet_state = "veryHidden"


def chart_first(book: Workbook) -> None:
    book.move_sheet(book.active)
    book._sheets.insert(0, book.create_chartsheet("График"))
    book._sheets.pop()


def test_the_first_sheet_that_is_seen_is_read() -> None:
    table = files.read(edited(hidden_first), is_column)
    assert [(number, list(cells)) for number, cells in table.rows()] == ANNA
    assert table.facts == {"sheet": "Клиенты", "other_sheets": 1, "hidden_rows": 0}
    assert read(edited(chart_first))[1] == ANNA


def test_hidden_rows_are_read_and_counted() -> None:
    def hide(book: Workbook) -> None:
        book.active.row_dimensions[3].hidden = True

    table = files.read(edited(hide), is_column)
    assert [(number, list(cells)) for number, cells in table.rows()] == ANNA
    assert table.facts["hidden_rows"] == 1


def renamed(file: io.BytesIO, change: Callable[[str], str]) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            new.writestr(change(entry.filename), old.read(entry))
    return made


def in_strict_words(file: io.BytesIO) -> io.BytesIO:
    made = io.BytesIO()
    pairs = (
        (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", STRICT + b"/main"),
        (
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ),
    )
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            for transitional, strict in pairs:
                data = data.replace(transitional, strict)
            new.writestr(entry.filename, data)
    return made


STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml"
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dcterms="http://purl.org/dc/terms/"><dcterms:created>01.01.2026'
    " 10:00:00</dcterms:created></cp:coreProperties>"
)
FAULTY = {
    "properties with a date of their own": lambda file: with_part(
        file, "docProps/core.xml", CORE.encode()
    ),
    "a fill that is none": lambda file: with_part(
        file,
        "xl/styles.xml",
        b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fills>'
        b'<fill><patternFill patternType="shiny"/></fill></fills></styleSheet>',
    ),
    "styles that are no XML": lambda file: with_part(file, "xl/styles.xml", b"<styleSheet"),
    "backslashes": lambda file: renamed(file, lambda name: name.replace("/", "\\")),
    "capital letters": lambda file: renamed(file, str.upper),
    "the strict vocabulary": in_strict_words,
}


@pytest.mark.parametrize("fault", FAULTY)
def test_what_spreadsheet_programs_open_is_read(fault: str) -> None:
    assert read(FAULTY[fault](edited(lambda _: None)))[1] == ANNA


def test_what_was_not_found_is_nothing_and_other_mistakes_are_mistakes() -> None:
    file = xlsx_file(["phone", "name"], ["1", "#N/A"], ["#N/A", "#REF!"])
    assert read(file)[1] == [(2, ["1", None]), (3, [None, UNREADABLE])]


def test_rows_can_be_read_twice() -> None:
    for file in (csv_file("phone", "1", "2"), xlsx_file(["phone"], ["1"], ["2"])):
        table = files.read(file, is_column)
        assert list(map(list, table.rows())) == list(map(list, table.rows())) != []
