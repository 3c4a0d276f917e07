"""Files that name members: people with their cards and balances, points in, points out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from ledger.errors import FileRefused
from ledger.imports import applying, checking, columns, previews
from ledger.imports.cells import Cell
from ledger.imports.checking import Aim
from ledger.imports.columns import PeopleKind, RowContent
from ledger.imports.headers import Layout
from ledger.imports.kind import Destination, ImportWords
from ledger.imports.meanings import LocalForms
from ledger.imports.rows_before import RowsBefore
from ledger.imports.store import Import, Row, Tally
from ledger.languages import Language
from ledger.limits import MOST_POINTS
from ledger.programmes import programmes, units
from ledger.words import N_

FIELDS = {
    "name": N_("name"),
    "phone": N_("phone"),
    "email": N_("e-mail"),
    "card": N_("card number"),
    "external_id": N_("number in another system"),
    "birthday": N_("birthday"),
    "points": N_("points"),
    "expires": N_("last day of the points"),
    "reason": N_("reason"),
    "consent_marketing": N_("agrees to news"),
    "consent_personal_data": N_("agrees that personal data is kept"),
    "consent_date": N_("when they agreed"),
    "consent_source": N_("where they agreed"),
}


@dataclass(frozen=True, slots=True)
class PeopleImport:
    """See `ImportKind`."""

    code: PeopleKind
    words: ImportWords
    concerns: Literal["people"] = "people"
    comes_again: bool = False
    archives: bool = False
    content: type[RowContent] = RowContent
    numbers: Sequence[str] = ("points",)

    def is_column(self, title: str) -> bool:
        return columns.is_column(title)

    def layout(self, header: Sequence[str]) -> Layout:
        return columns.layout(self.code, header)

    def decimals(self, session: Session, to: Destination) -> int:
        return to.unit.scale

    def row(self, number: int, cells: Sequence[Cell], layout: Layout, local: LocalForms) -> Row:
        wish, problems = columns.parse(self.code, layout, cells, local)
        is_foreign = wish.phone is not None and columns.is_foreign(
            layout, cells, wish.phone, local.country
        )
        return Row(number, wish, problems, is_foreign)

    def check(
        self,
        session: Session,
        to: Destination,
        rows: Sequence[Row],
        seen: RowsBefore,
        tally: Tally,
        now: datetime,
    ) -> tuple[list[Row], list[Row]]:
        good: list[Row] = []
        bad: list[Row] = []
        aim = Aim(to.programme, to.unit, self.code)
        for one in checking.judge(session, aim, rows, seen, now):
            points = one.row.wish.points or 0
            tally.rows += 1
            tally.points_in_file += points
            if tally.points_in_file > MOST_POINTS:
                raise FileRefused(
                    "too_many_points",
                    "In all the file has more than {most} points.",
                    most=MOST_POINTS,
                )
            if one.problems:
                tally.bad += 1
                bad.append(Row(one.row.number, one.row.wish, one.problems))
                continue
            tally.points_good += points
            tally.foreign_numbers += one.row.is_foreign
            tally.new_members += one.member is None
            tally.found_members += one.member is not None
            good.append(one.row)
        return good, bad

    def apply(
        self, session: Session, import_: Import, rows: Sequence[Row], now: datetime
    ) -> Sequence[int]:
        programme = programmes.by_id(session, import_.programme_id)
        aim = Aim(programme, units.by_id(session, import_.unit_id), self.code)
        return applying.apply(session, import_, aim, rows, now)

    def close(self, session: Session, import_: Import, now: datetime) -> bool:
        return True

    def as_stored(self, content: Any, to: Destination, language: Language) -> dict[str, str]:
        return previews.as_stored(content, to.unit, language)

    def statement(self, session: Session, import_: Import) -> dict[str, Any]:
        sign = -1 if self.code == "write_off" else 1
        moved, posted = sign * import_.balances_moved, sign * import_.points_posted
        return {
            "unit": units.by_id(session, import_.unit_id).code,
            "members": {"joined": import_.joined, "found": import_.applied - import_.joined},
            "points": {
                "in_file": import_.points_in_file,
                "left_out": import_.points_in_file - import_.points_applied,
                "applied": import_.points_applied,
                "postings": import_.postings,
                "posted": posted,
                "balances_moved": moved,
            },
            "agrees": import_.points_applied == posted == moved
            and import_.applied + import_.left_out == import_.rows,
        }


MEMBERS = PeopleImport(
    "members",
    ImportWords(
        N_("Customers and their points"),
        N_("Names, phones, e-mails, card numbers, birthdays, balances; one customer a row"),
        FIELDS,
    ),
)
ACCRUAL = PeopleImport(
    "accrual",
    ImportWords(N_("Points to give"), N_("Who is meant, and how many points they get"), FIELDS),
)
WRITE_OFF = PeopleImport(
    "write_off",
    ImportWords(N_("Points to take"), N_("Who is meant, and how many points they lose"), FIELDS),
)
