"""Tallies: what leaves no rows behind is counted where it happens, in its transaction.

A tally is a row of its own that nobody else touches, so that whoever notes one waits for nobody.
`ledger.reports.days` adds tallies up, and deletes them in the same transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import String, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.index_only import by_index
from ledger.database.tables import Base, Identifier, Instant
from ledger.reports.figures import FigureOf, TalliedFigure


class TallyRow(Base):
    """So many more of a figure, at this moment."""

    __tablename__ = "ledger_day_tally"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int]
    figure: Mapped[str] = mapped_column(String(20))
    of: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Instant)
    amount: Mapped[int]


def note(
    session: Session,
    figure: TalliedFigure,
    of: str,
    by_programme: Mapping[int, int],
    now: datetime,
) -> None:
    """Note that there are so many more of a figure in each of these programmes."""
    rows = [
        {"programme_id": programme_id, "figure": figure, "of": of, "at": now, "amount": amount}
        for programme_id, amount in by_programme.items()
        if amount
    ]
    if rows:
        session.execute(insert(TallyRow), rows)


def counted(programme_ids: Iterable[int]) -> Mapping[int, int]:
    """How often each programme is among these."""
    return Counter(programme_ids)


def take(session: Session, limit: int) -> list[tuple[int, FigureOf, datetime, int]]:
    """The oldest tallies, which are deleted by this transaction: programme, figure, when, how
    many."""
    with by_index(session):
        rows = session.scalars(select(TallyRow).order_by(TallyRow.id).limit(limit)).all()
        if rows:
            session.execute(
                delete(TallyRow)
                .where(TallyRow.id.in_([row.id for row in rows]))
                .execution_options(synchronize_session=False)
            )
    return [(row.programme_id, FigureOf(row.figure, row.of), row.at, row.amount) for row in rows]
