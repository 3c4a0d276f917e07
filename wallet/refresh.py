"""From "something happened to this member" to "these phones are to be told".

Renders the cards anew; only where that differs is a version stored, a tag taken, and the pass made
due at its provider. A change for a whole programme is a wave: a row that remembers how far it came,
advanced in bounded steps."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Identifier, Instant, wake_after_commit
from wallet.passes import issuing

WAVES = "waves"

# What a provider does when passes changed: note, in this transaction, who is to be told.
MakeDue = Callable[[Session, Sequence[int], datetime], None]


class Wave(Base):
    """A refresh of all passes of a programme, done up to and with pass `after_id`."""

    __tablename__ = "wallet_wave"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    after_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)


def refresh(
    session: Session, pass_ids: Sequence[int], make_due: Sequence[MakeDue], now: datetime
) -> int:
    """Bring these passes up to date; returns how many changed."""
    changes = issuing.changes(session, issuing.lock(session, pass_ids), now)
    if changes:
        changed = [change.pass_id for change in changes]
        for make in make_due:
            make(session, changed, now)
        issuing.store(session, changes)
    return len(changes)


def start_wave(session: Session, programme_id: int, now: datetime) -> None:
    """All passes of the programme may have changed."""
    session.add(Wave(programme_id=programme_id, after_id=0, created_at=now))
    wake_after_commit(session, WAVES)


def advance_wave(
    session: Session, make_due: Sequence[MakeDue], now: datetime, limit: int = 200
) -> bool:
    """One step of the oldest wave that nobody else is at; False if there is none."""
    wave = session.scalar(select(Wave).order_by(Wave.id).limit(1).with_for_update(skip_locked=True))
    if wave is None:
        return False
    pass_ids = issuing.in_programme(session, wave.programme_id, wave.after_id, limit)
    if pass_ids:
        wave.after_id = pass_ids[-1]
        refresh(session, pass_ids, make_due, now)
    if len(pass_ids) < limit:
        session.execute(delete(Wave).where(Wave.id == wave.id))
    return True
