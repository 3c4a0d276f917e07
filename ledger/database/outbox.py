"""Events of committed changes, which wait to be carried on.

`append` writes in the transaction of the change itself, so the two are committed or rolled back
together. The relay claims rows, lets every subscriber react in one transaction of its own, and
deletes them in that same transaction. A crash at any line leaves the row for the next turn."""

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
    """One event that was not heard yet. `kind` is the name of its class in `ledger.events`,
    `payload` its fields. It is due from `not_before` on; `attempts` and `last_error` tell of
    subscribers that failed."""

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
    """Record events, and have the relay woken after the commit."""
    rows = [
        {"kind": kind, "payload": payload, "created_at": now, "not_before": now, "attempts": 0}
        for kind, payload in map(to_row, events)
    ]
    if rows:
        session.execute(insert(OutboxRow), rows)
        announce(session)


def announce(session: Session) -> None:
    """Have the relay woken after the commit. For events that the journal wrote itself, with its
    postings."""
    wake_after_commit(session, RELAY)


def claim(session: Session, now: datetime, limit: int) -> list[Waiting]:
    """Up to `limit` due events, oldest first, locked until this transaction ends. Rows that another
    relay has locked are passed over."""
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
    """Delete events that all subscribers have heard."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))


def postpone(session: Session, waiting: Waiting, until: datetime, error: str) -> None:
    """A subscriber failed: the event waits until `until` and does not hold up the others. `error`
    is kept for operators."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == waiting.id)
        .values(not_before=until, attempts=waiting.attempts + 1, last_error=error[:300])
    )
