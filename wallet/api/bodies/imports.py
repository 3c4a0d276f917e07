"""Files with members, points, goods and stores: how they are read, and how far an import is."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ledger.fields import Body, Code, OurLanguage, Reason
from ledger.imports.meanings import DecimalSign
from ledger.imports.registry import ImportKindCode
from wallet.api.bodies.amounts import MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import Example, page_of, shows
from wallet.api.bodies.paging import PageIn


class ImportAsked(BaseModel):
    """What the file holds, and whose it is. If the file is sent in a form, these may be fields of
    the form instead."""

    model_config = ConfigDict(extra="forbid")

    programme: Code | None = None
    kind: ImportKindCode | None = None
    unit: Code | None = None
    reason: Reason | None = None
    decimal: DecimalSign | None = None


class ImportIn(BaseModel):
    """All that is needed to read a file, from the query or from the form."""

    model_config = ConfigDict(extra="forbid")

    programme: Code
    kind: ImportKindCode
    unit: Code | None = None
    reason: Reason | None = None
    decimal: DecimalSign | None = None


BINARY = {"type": "string", "format": "binary"}
FORM = {
    "type": "object",
    "properties": {
        "file": BINARY,
        **{
            name: {**rules, "description": "In place of the same in the address."}
            for name, rules in ImportIn.model_json_schema()["properties"].items()
        },
    },
    "required": ["file"],
    "additionalProperties": False,
}
# The body of a call that sends a file.
FILE = {
    "application/octet-stream": {"schema": BINARY},
    "multipart/form-data": {"schema": FORM},
}


class ApplyIn(Body):
    """`skip_bad`: apply the good rows of a file that has bad ones. `archive_gone`: archive
    products, or close stores, that were in the last file of this kind and are not in this one; only
    if no row is left out, and never for prices."""

    model_config = shows({"skip_bad": True})

    skip_bad: bool = False
    archive_gone: bool = False


class ImportFileOut(AnswerBody):
    """The file: its SHA-256 in hexadecimal, its size in bytes, and `csv` or `xlsx`; once it is
    looked through, how many rows it has, and how it was understood. `decimal`: the sign before
    decimal places, as it was asked for or as the numbers of the file say; `ambiguous_numbers`: how
    many numbers, such as 1,000, mean a thousand or one as long as nothing says which;
    `hidden_rows` are read like all others."""

    sha256: str
    bytes: int
    format: str
    rows: int | None
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    other_sheets: int | None
    hidden_rows: int | None
    decimal: DecimalSign | None
    ambiguous_numbers: int


class ImportRefusalOut(AnswerBody):
    """Why a file cannot be imported: the same code and problem for every file with this fault."""

    code: str
    problem: str
    detail: str


class SampleFieldOut(AnswerBody):
    """`field` is our name for the column, `column` its name in the file; `text` is what will be
    stored, written for people."""

    field: str
    column: str
    text: str


class SampleRowOut(AnswerBody):
    """One of the first rows that can be applied, as it will be stored."""

    row: int
    fields: list[SampleFieldOut]


class LeftAsideOut(AnswerBody):
    """A column of the file that is not imported, and why."""

    column: str
    code: str
    message: str


class ThingsOut(AnswerBody):
    """What a file of products, prices or stores changes: as the check found it, and once it is
    applied as it came. `gone`: what was in the last file of this kind and is not in this one;
    `archived`: how much of that was archived, or closed, since it was asked for; `gone_codes`: the
    first hundred of the others, when the import is done."""

    new: int
    changed: int
    unchanged: int
    gone: int
    archived: int
    gone_codes: list[str]


IMPORT: Example = {
    "id": "01a20f23-11aa-7d20-8b11-6a2f9d4e5c40",
    "programme": "demo",
    "kind": "members",
    "unit": "points",
    "state": "checked",
    "file": {
        "sha256": "9b" * 32,
        "bytes": 48211,
        "format": "csv",
        "rows": 500,
        "encoding": "cp1251",
        "delimiter": ";",
        "sheet": None,
        "other_sheets": None,
        "hidden_rows": None,
        "decimal": "comma",
        "ambiguous_numbers": 0,
    },
    "refusal": None,
    "rows": 500,
    "bad": 2,
    "new_members": 480,
    "found_members": 18,
    "points_in_file": 120000,
    "points_good": 119400,
    "foreign_numbers": 0,
    "left_aside": [
        {
            "column": "Уровень",
            "code": "homeless_column",
            "message": "Столбцу «Уровень» в системе пока нет места: он не загружается.",
        }
    ],
    "sample": [
        {
            "row": 2,
            "fields": [
                {"field": "name", "column": "ФИО", "text": "Анна Иванова"},
                {"field": "phone", "column": "Телефон", "text": "+7 999 123-45-67"},
                {"field": "points", "column": "Остаток", "text": "1 250"},
            ],
        }
    ],
    "things": None,
    "applied": 0,
    "left_out": 0,
    "joined": 0,
    "points_applied": 0,
    "created_at": "2026-11-24T12:00:00Z",
    "started_at": None,
    "finished_at": None,
    "proof": None,
}
APPLYING = {
    **IMPORT,
    "state": "applying",
    "sample": [],
    "started_at": "2026-11-24T12:01:00Z",
}
COUNTED = ("rows", "bad", "new_members", "found_members", "points_in_file", "points_good")
READING = {
    **IMPORT,
    **dict.fromkeys(COUNTED, 0),
    "state": "reading",
    "file": {
        **dict.fromkeys(IMPORT["file"]),
        "sha256": "9b" * 32,
        "bytes": 48211,
        "format": "csv",
        "ambiguous_numbers": 0,
    },
    "left_aside": [],
    "sample": [],
}
WITHDRAWN = {**IMPORT, "state": "withdrawn", "sample": []}


class ImportOut(AnswerBody):
    """What the check found, and how far applying it is. `state` is `reading`, `checked`,
    `applying` or `done`; or `refused`, and `refusal` says why; or `withdrawn`. `rows` grows while
    the file is checked, up to `file.rows`. `foreign_numbers` counts phone numbers without a plus
    that were read as those of another country than the programme's. `sample` shows the first rows
    that wait to be applied, to keys with the scope `personal:read`. `things` counts products,
    prices or stores; it is null for members and points. `proof` is the signed statement
    of a finished import."""

    model_config = shows(IMPORT)

    id: str
    programme: str
    kind: ImportKindCode
    unit: str
    state: str
    file: ImportFileOut
    refusal: ImportRefusalOut | None
    rows: int
    bad: int
    new_members: int
    found_members: int
    points_in_file: int
    points_in_file_money: MoneyBeside = None
    points_good: int
    points_good_money: MoneyBeside = None
    foreign_numbers: int
    left_aside: list[LeftAsideOut]
    sample: list[SampleRowOut]
    things: ThingsOut | None
    applied: int
    left_out: int
    joined: int
    points_applied: int
    points_applied_money: MoneyBeside = None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    proof: dict[str, Any] | None


class ImportsOut(AnswerBody):
    """Imports, newest first."""

    model_config = shows(page_of(IMPORT))

    items: list[ImportOut]
    next_cursor: str | None


class ImportReadIn(BaseModel):
    """In which language to write the sample. Without: as Accept-Language asks, else in the
    programme's."""

    model_config = ConfigDict(extra="forbid")

    lang: OurLanguage | None = None


class ImportRowsIn(PageIn):
    """In which language to say what is wrong. Without: as Accept-Language asks, else in the
    programme's."""

    lang: OurLanguage | None = None


class ImportRowOut(AnswerBody):
    """Why a row is left out. `field` is our name for the column, `column` its name in the file."""

    row: int
    field: str | None
    column: str | None
    code: str
    message: str


IMPORT_ROW = {
    "row": 17,
    "field": "phone",
    "column": "Телефон",
    "code": "duplicate_in_file",
    "message": "То же, что в строке 4 файла.",
}


class ImportRowsOut(AnswerBody):
    """Rows that are left out, each with what is wrong with it."""

    model_config = shows(page_of(IMPORT_ROW))

    items: list[ImportRowOut]
    next_cursor: str | None
