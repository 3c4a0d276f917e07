"""What was taken out of an installation: who exported what, with which filters, and how it ended.
The record stays; nothing of what was exported is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing

ExportKind = Literal["members", "postings", "days", "changes", "results", "coupons"]
ExportFormat = Literal["csv", "ndjson"]


class Export(Base):
    """One export. `by` is the key or the command that asked for it; `personal`: it has what is
    known of people. `ended_at` is null while it runs, and stays so if its process died; `complete`:
    it ended with the last row. `rows` are those that were handed over."""

    __tablename__ = "wallet_export"
    __table_args__ = (Index("ix_wallet_export_listed", "programme_id", "id"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    what: Mapped[ExportKind] = mapped_column(String(20))
    format: Mapped[ExportFormat] = mapped_column(String(10))
    personal: Mapped[bool]
    filters: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    complete: Mapped[bool]
    rows: Mapped[int]


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What somebody wants to have. `filters` by their names, as they were asked."""

    programme_id: int
    what: ExportKind
    format: ExportFormat
    personal: bool
    filters: Mapping[str, Any]
    by: Author


# Filters that name a person, or may: that they were used is kept, and what was asked is not.
NOT_KEPT = frozenset({"card", "reason", "receipt", "household"})
WITHHELD = "…"


def begin(session: Session, order: ExportOrder, now: datetime) -> Export:
    """Note that an export begins. To be committed before the first row leaves."""
    filters = {
        name: WITHHELD if name in NOT_KEPT else value for name, value in order.filters.items()
    }
    export = Export(
        public_id=str(uuid7()),
        programme_id=order.programme_id,
        what=order.what,
        format=order.format,
        personal=order.personal,
        filters=filters,
        by=order.by.said,
        started_at=now,
        ended_at=None,
        complete=False,
        rows=0,
    )
    session.add(export)
    session.flush()
    of = ChangedThing("export", export.public_id, order.programme_id)
    asked = {"what": order.what, "format": order.format, "personal": order.personal, **filters}
    changes.note(session, order.by, "export.began", of, now, {}, asked)
    return export


def end(session: Session, export_id: int, rows: int, now: datetime, *, complete: bool) -> None:
    """Note how an export ended, and how many rows went out. It ends once."""
    session.execute(
        update(Export)
        .where(Export.id == export_id, Export.ended_at.is_(None))
        .values(rows=rows, complete=complete, ended_at=now)
    )


def listed(
    session: Session, programme_id: int | None, before_id: int | None, limit: int
) -> Sequence[Export]:
    """Exports of a programme, or of all, newest first, from before export `before_id`."""
    query = select(Export).order_by(Export.id.desc()).limit(limit)
    if programme_id is not None:
        query = query.where(Export.programme_id == programme_id)
    if before_id is not None:
        query = query.where(Export.id < before_id)
    return session.scalars(query).all()
