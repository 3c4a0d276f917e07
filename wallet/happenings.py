"""What happened that receivers outside may want to be told: noted here, in the transaction of what
happened, and described later by `wallet.receivers`.

A note has ids alone. While nobody listens none is written, and a transaction pays one small query.
Postings are not noted at all: their seals tell of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Boolean, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import wake_after_commit
from ledger.database.tables import Base, Identifier, Instant, JsonDocument

PUMP = "events"
ONLY_ROW = 1

HappeningType = Literal[
    "member.joined",
    "member.changed",
    "member.merged",
    "member.erased",
    "card.added",
    "card.removed",
    "balance.changed",
    "points.burning",
    "coupon.used",
    "message.told",
    "receipt.confirmed",
]


class HappeningRow(Base):
    """One note that was not described yet. `member_id` is null where the pass in `about` tells
    whose it is, and for a receipt of nobody who is known. `about`: ids of the tables, by what they
    are of, and plain values."""

    __tablename__ = "wallet_happening"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[int | None]
    about: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    happened_at: Mapped[datetime] = mapped_column(Instant)


class ListeningRow(Base):
    """The one row that says whether anybody listens, and how far the describing has come:
    `last_event` is the id of the newest event, and until `fetched_until` the fetches of phones were
    looked through. Who gives ids to events holds its lock."""

    __tablename__ = "wallet_listening"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    is_on: Mapped[bool] = mapped_column(Boolean)
    last_event: Mapped[int]
    fetched_until: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Note:
    """Whom something happened to, and what belongs to it."""

    member_id: int | None
    about: Mapping[str, object] = field(default_factory=dict)


_ON = Compiled(select(ListeningRow.is_on).where(ListeningRow.id == ONLY_ROW))


def is_listened_to(session: Session) -> bool:
    """Whether there is a receiver that wants to be told of anything."""
    [[on]] = _ON.execute(session)
    return bool(on)


def note(session: Session, kind: HappeningType, notes: Iterable[Note], now: datetime) -> None:
    """Note what happened, to be described after the commit."""
    rows = [
        {"type": kind, "member_id": one.member_id, "about": dict(one.about), "happened_at": now}
        for one in notes
    ]
    if rows and is_listened_to(session):
        session.execute(insert(HappeningRow), rows)
        wake_after_commit(session, PUMP)
