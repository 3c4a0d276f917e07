"""A file that names members, and nothing is written of them: who they are, and which rows name
nobody."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.errors import FileRefused
from ledger.imports import checking, columns, files
from ledger.imports.cells import Cell
from ledger.imports.checking import Aim
from ledger.imports.columns import RowProblem
from ledger.imports.meanings import LocalForms
from ledger.imports.store import Row
from ledger.programmes import units
from ledger.programmes.programmes import Programme

NumberedCells = tuple[int, Sequence[Cell]]

MOST_LISTED = 50_000  # rows: the file is read while somebody waits
AT_ONCE = 500
MOST_TOLD = 200  # rows that name nobody, each with its reason


@dataclass(frozen=True, slots=True)
class ListedFile:
    """Members in the order of their rows, each once; how many rows there are, how many of them name
    nobody, and of the first of these why."""

    member_ids: Sequence[int]
    rows: int
    left_out: int
    problems: Sequence[tuple[int, RowProblem]]


def read(session: Session, programme: Programme, file: BinaryIO, now: datetime) -> ListedFile:
    """The members whom a file names by phone, e-mail, card or their number in another system. A
    second row of one member is no fault. Raises `FileRefused`."""
    table = files.read(file, columns.is_column)
    layout = columns.layout("list", table.header)
    unit = units.named(session, programme.id, None)
    today = now.astimezone(ZoneInfo(programme.timezone)).date()
    local = LocalForms(unit.scale, today, programme.country, None, table.day_zero)
    aim = Aim(programme, unit, "list")
    found: dict[int, None] = {}
    problems: list[tuple[int, RowProblem]] = []
    number = left_out = 0
    for some in _batches(table.rows()):
        rows = []
        for place, cells in some:
            wish, wrong = columns.parse("list", layout, cells, local)
            rows.append(Row(place, wish, wrong))
        for one in checking.judge(session, aim, rows, None, now):
            if one.member is not None and not one.problems:
                found[one.member.id] = None
                continue
            left_out += 1
            if len(problems) < MOST_TOLD:
                problems.append((one.row.number, one.problems[0]))
        number += len(rows)
        if number > MOST_LISTED:
            raise FileRefused("too_many_rows", "A file has at most {most} rows.", most=MOST_LISTED)
    return ListedFile(list(found), number, left_out, problems)


def _batches(rows: Iterator[NumberedCells]) -> Iterator[list[NumberedCells]]:
    while some := list(itertools.islice(rows, AT_ONCE)):
        yield some
