"""News of committed changes, waiting to be carried on.

`append` writes in the transaction of the change itself, so the two stand or fall together. The
relay claims rows, lets every subscriber react in one transaction of its own, and deletes them in
that same transaction: a crash at any line leaves the row for the next one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.engine import wake_after_commit
from ledger.database.index_only import by_index
from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from ledger.events import Event, from_row, to_row

RELAY = "relay"


class OutboxRow(Base):
    __tablename__ = "ledger_outbox"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    not_before: Mapped[datetime] = mapped_column(Instant, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(300))


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event with its place in the outbox."""

    id: int
    event: Event
    attempts: int


def append(session: Session, events: Iterable[Event], now: datetime) -> None:
    """Record what happened and have the relay woken after the commit."""
    rows = [
        {"kind": kind, "payload": payload, "created_at": now, "not_before": now, "attempts": 0}
        for kind, payload in map(to_row, events)
    ]
    if rows:
        session.execute(insert(OutboxRow), rows)
        announce(session)


def announce(session: Session) -> None:
    """Have the relay woken after the commit, for news that the journal wrote with its postings."""
    wake_after_commit(session, RELAY)


def claim(session: Session, now: datetime, limit: int) -> list[Waiting]:
    """Up to `limit` due events, oldest first, locked until this transaction ends; rows that another
    relay holds are passed over."""
    due = (
        select(OutboxRow)
        .where(OutboxRow.not_before <= now)
        .order_by(OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with by_index(session):
        rows = session.scalars(due).all()
    return [Waiting(row.id, from_row(row.kind, row.payload), row.attempts) for row in rows]


def forget(session: Session, ids: Sequence[int]) -> None:
    """The events have been heard."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))


def postpone(session: Session, waiting: Waiting, until: datetime, error: str) -> None:
    """An event whose subscriber failed waits apart, so that it does not hold up the others."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == waiting.id)
        .values(not_before=until, attempts=waiting.attempts + 1, last_error=error[:300])
    )
