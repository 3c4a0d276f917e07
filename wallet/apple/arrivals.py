"""What is known of a card in iPhones: which versions were fetched and when, and what happened
otherwise.

Apple tells only that it accepted a push. The only proof of arrival is that a phone asks for the
pass afterwards, with the pass's own token, and that all of the answer left this machine."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.reports import days
from ledger.reports.figures import RecountedFigure
from wallet.passes.issued import Pass

# removed: a phone removed the card, or its owner switched automatic updates off. device_gone: Apple
# says that the push token is dead. push_refused: Apple does not accept a push for this card.
Happening = Literal["removed", "device_gone", "push_refused"]
LONGEST_REASON = 100  # characters


class Fetch(Base):
    """When a phone first fetched this version of the pass."""

    __tablename__ = "apple_fetch"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fetched_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Incident(Base):
    """The last event of each kind for a pass. `reason` is Apple's word, if it gave one."""

    __tablename__ = "apple_incident"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    happened_at: Mapped[datetime] = mapped_column(Instant)


_FETCHED = Compiled(
    lambda insert: insert(Fetch).on_conflict_do_nothing(), ["pass_id", "version", "fetched_at"]
)


def fetched(database: Database, pass_id: int, version: int, now: datetime) -> None:
    """Note that a phone has this version. Only the first time of a version is kept."""
    database.run_one(_FETCHED, pass_id=pass_id, version=version, fetched_at=now)


@dataclass(frozen=True, slots=True)
class FetchesByDay:
    """First fetches of versions, by when they were: for the table of days."""

    figure: RecountedFigure = "fetched"

    def quarters(
        self, session: Session, programme_ids: Collection[int], since: datetime
    ) -> Iterable[tuple[int, int, int]]:
        """See `ledger.reports.days.CountedAgain`."""
        at = days.quarter(session, Fetch.fetched_at)
        rows = session.execute(
            select(Pass.programme_id, at, func.count())
            .select_from(Fetch)
            .join(Pass, Pass.id == Fetch.pass_id)
            .where(Fetch.fetched_at >= since)
            .group_by(Pass.programme_id, at)
        )
        return [(row[0], row[1], row[2]) for row in rows if row[0] in programme_ids]


def happened(
    session: Session,
    pass_ids: Iterable[int],
    kind: Happening,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Note an event of these passes, in place of the last one of its kind. Passes are written in
    ascending order, so that no deadlock arises."""
    values = {"happened_at": now, "reason": reason[:LONGEST_REASON] if reason else None}
    for pass_id in sorted(pass_ids):
        session.execute(
            insert_or(session, Incident)
            .values(pass_id=pass_id, kind=kind, **values)
            .on_conflict_do_update(index_elements=["pass_id", "kind"], set_=values)
        )
