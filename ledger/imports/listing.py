"""Rows that name members, and nothing is written of them: who they are, and which rows name nobody.
They come in a file or one by one."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.errors import FileRefused
from ledger.imports import checking, columns, files
from ledger.imports.cells import Cell
from ledger.imports.checking import Aim
from ledger.imports.columns import IDENTIFIERS
from ledger.imports.headers import Layout, RowProblem
from ledger.imports.meanings import LocalForms
from ledger.imports.store import Row
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.programmes import Programme

NumberedCells = tuple[int, Sequence[Cell]]

MOST_LISTED = 50_000  # rows: the file is read while somebody waits
AT_ONCE = 500
MEMBER = "member"
MOST_TOLD = 200  # rows that name nobody, each with its reason


@dataclass(frozen=True, slots=True)
class NamedMembers:
    """Members in the order in which they were named, each once; how many rows there are, how many
    of them name nobody, and of the first of these why. `first`: the row that names a member first;
    `again`: rows that name one who was named before, and by which row."""

    first: Mapping[int, int]
    rows: int
    left_out: int
    problems: Sequence[tuple[int, RowProblem]]
    again: Mapping[int, int]

    @property
    def member_ids(self) -> Sequence[int]:
        """The members."""
        return list(self.first)


def read(session: Session, programme: Programme, file: BinaryIO, now: datetime) -> NamedMembers:
    """The members whom a file names by phone, e-mail, card or their number in another system. A
    second row of one member is no fault. Raises `FileRefused`."""
    table = files.read(file, columns.is_column)
    layout = columns.layout("list", table.header)
    rows = _Rows(session, programme, layout, table.day_zero, now)
    for some in _batches(table.rows()):
        rows.take(some)
        if rows.number > MOST_LISTED:
            raise FileRefused("too_many_rows", "A file has at most {most} rows.", most=MOST_LISTED)
    return rows.named()


def of_values(
    session: Session,
    programme: Programme,
    rows: Sequence[Mapping[str, str]],
    now: datetime,
) -> NamedMembers:
    """The same of rows that did not come in a file, numbered from 1: values by the names of
    `IDENTIFIERS`, or by `MEMBER` its public id, beside which nothing stands."""
    taken = _Rows(
        session, programme, columns.layout("list", IDENTIFIERS), None, now, most_told=None
    )
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        ids = [one[MEMBER] for one in some if MEMBER in one]
        known = members.by_public_ids(session, ids) if ids else {}
        by_id = [
            (number, known.get(one[MEMBER]))
            for number, one in enumerate(some, begin + 1)
            if MEMBER in one
        ]
        others = [
            (number, [one.get(name) for name in IDENTIFIERS])
            for number, one in enumerate(some, begin + 1)
            if MEMBER not in one
        ]
        taken.take(others, by_id)
    return taken.named()


class _Rows:
    """Rows that were looked at, and whom they name."""

    def __init__(
        self,
        session: Session,
        programme: Programme,
        layout: Layout,
        day_zero: date | None,
        now: datetime,
        most_told: int | None = MOST_TOLD,
    ) -> None:
        unit = units.named(session, programme.id, None)
        today = now.astimezone(ZoneInfo(programme.timezone)).date()
        self._session, self._layout, self._now, self._most_told = session, layout, now, most_told
        self._local = LocalForms(unit.scale, today, programme.country, None, day_zero)
        self._aim = Aim(programme, unit, "list")
        self._first: dict[int, int] = {}
        self._again: dict[int, int] = {}
        self._problems: list[tuple[int, RowProblem]] = []
        self._left_out = self.number = 0

    def take(
        self,
        cells: Sequence[NumberedCells],
        by_id: Sequence[tuple[int, Member | None]] = (),
    ) -> None:
        """Look at the next rows: cells, and members who were named by their ids."""
        rows = []
        for place, row in cells:
            wish, wrong = columns.parse("list", self._layout, row, self._local)
            rows.append(Row(place, wish, wrong))
        judged = [
            (one.row.number, one.member, one.problems[0] if one.problems else None)
            for one in checking.judge(self._session, self._aim, rows, None, self._now)
        ]
        judged += [(number, *self._of_id(member)) for number, member in by_id]
        for number, member, problem in sorted(judged, key=lambda one: one[0]):
            if problem is not None or member is None:
                self._left_out += 1
                if self._most_told is None or len(self._problems) < self._most_told:
                    self._problems.append((number, problem or RowProblem("unknown_member")))
            elif (first := self._first.setdefault(member.id, number)) != number:
                self._again[number] = first
        self.number += len(judged)

    def named(self) -> NamedMembers:
        """Whom they named."""
        return NamedMembers(self._first, self.number, self._left_out, self._problems, self._again)

    def _of_id(self, member: Member | None) -> tuple[Member | None, RowProblem | None]:
        """Who was merged into another is meant as that one."""
        if member is not None and member.merged_into_id is not None:
            member = members.by_id(self._session, member.merged_into_id)
        is_here = member is not None and member.programme_id == self._aim.programme.id
        if member is None or not is_here or member.erased_at is not None:
            return None, RowProblem("unknown_member", MEMBER)
        return member, None


def _batches(rows: Iterator[NumberedCells]) -> Iterator[list[NumberedCells]]:
    while some := list(itertools.islice(rows, AT_ONCE)):
        yield some
