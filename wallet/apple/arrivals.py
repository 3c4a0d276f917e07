"""What is known of a card in iPhones: which versions were fetched and when, and what came between.

Apple says no more than that it took a push. That a phone asked for the pass after it, with the
pass's own token, is the only proof of arrival there is."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Identifier, Instant, insert_or

# removed: a phone took the card out, or switched automatic updates off. device_gone: Apple says
# that the push token is dead. push_refused: Apple will not take a push for this card.
Happening = Literal["removed", "device_gone", "push_refused"]
LONGEST_REASON = 100


class Fetch(Base):
    """The first time that a phone had this version of the pass, or showed that it has it."""

    __tablename__ = "apple_fetch"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fetched_at: Mapped[datetime] = mapped_column(Instant)


class Incident(Base):
    """The last of each kind."""

    __tablename__ = "apple_incident"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    happened_at: Mapped[datetime] = mapped_column(Instant)


_FETCHED = Compiled(
    lambda insert: insert(Fetch).on_conflict_do_nothing(), ["pass_id", "version", "fetched_at"]
)


def fetched(database: Database, pass_id: int, version: int, now: datetime) -> None:
    """A phone has this version, or showed that it has."""
    database.run_one(_FETCHED, pass_id=pass_id, version=version, fetched_at=now)


def note(session: Session, pass_id: int, version: int, now: datetime) -> None:
    """As `fetched`, with what else is being written."""
    _FETCHED.execute(session, pass_id=pass_id, version=version, fetched_at=now)


def happened(
    session: Session,
    pass_ids: Iterable[int],
    kind: Happening,
    now: datetime,
    reason: str | None = None,
) -> None:
    values = {"happened_at": now, "reason": reason[:LONGEST_REASON] if reason else None}
    for pass_id in sorted(pass_ids):
        session.execute(
            insert_or(session, Incident)
            .values(pass_id=pass_id, kind=kind, **values)
            .on_conflict_do_update(index_elements=["pass_id", "kind"], set_=values)
        )
