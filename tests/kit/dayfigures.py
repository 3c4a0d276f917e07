"""The table of days of one programme: kept turn by turn, and read whole."""

from dataclasses import dataclass
from datetime import date

from clocks import StoppedClock
from sealing import KEYS
from sqlalchemy import select

from ledger.database.engine import Database
from ledger.reports import days
from ledger.reports.days import DayRow, DaySum, MembersByDay
from ledger.reports.figures import FigureOf
from ledger.seals import sealing

# Programme, day, hour, figure, of what: amount.
Table = dict[tuple[int, date, int, str, str], int]


@dataclass
class Days:
    database: Database
    clock: StoppedClock

    def seal(self) -> None:
        while self.database.run(lambda session: sealing.turn(session, KEYS, self.clock())):
            pass

    def turn(self, limit: int = days.BATCH, *, wait: bool = False) -> bool:
        return self.database.run(
            lambda session: days.turn(session, [MembersByDay()], self.clock(), limit, wait=wait)
        )

    def run(self, limit: int = days.BATCH) -> None:
        """Seal what was posted, and count it."""
        self.seal()
        while self.turn(limit):
            pass

    def rebuild(self, limit: int = days.BATCH) -> None:
        self.database.run(days.begin_anew)
        while self.turn(limit):
            pass

    def table(self) -> Table:
        """All rows but those of nothing."""
        with self.database.reading() as session:
            return {
                (row.programme_id, row.day, row.hour, row.figure, row.of): row.amount
                for row in session.scalars(select(DayRow))
                if row.amount
            }

    def sums(self) -> dict[tuple[int, str, str], int]:
        """What stands as the sums over all days, which must be those of the rows."""
        added: dict[tuple[int, str, str], int] = {}
        for (programme_id, _, _, figure, of), amount in self.table().items():
            key = (programme_id, figure, of)
            added[key] = added.get(key, 0) + amount
        with self.database.reading() as session:
            kept = {
                (row.programme_id, row.figure, row.of): row.amount
                for row in session.scalars(select(DaySum))
                if row.amount
            }
        assert kept == {key: amount for key, amount in added.items() if amount}
        return kept

    def on(self, day: date, programme_id: int = 1) -> dict[str, int]:
        """The figures of a day that are of the points, or of nothing in particular; of others with
        what they are of: `paid RUB`."""
        with self.database.reading() as session:
            found = days.of_days(session, programme_id, [day]).get(day, {})
        return {_named(counted): amount for counted, amount in found.items() if amount}


def _named(counted: FigureOf) -> str:
    return counted.figure if counted.of in ("", "points") else f"{counted.figure} {counted.of}"
