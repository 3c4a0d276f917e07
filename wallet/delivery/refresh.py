"""From "something happened to this member" to "these phones are to be told".

Renders the cards anew. Only for a card that differs from its newest version, it stores a version,
takes a tag, and makes the pass due at its providers."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wallet.passes import issued, versioning
from wallet.passes.versioning import Change

# What a provider does when passes changed: note, in this transaction, who is to be told.
MakeDue = Callable[[Session, Sequence[int], datetime], None]


def refresh(
    session: Session, pass_ids: Sequence[int], make_due: Sequence[MakeDue], now: datetime
) -> int:
    """Lock these passes and bring them up to date; returns how many changed."""
    changes = versioning.changes(session, issued.lock(session, pass_ids), now)
    publish(session, changes, make_due, now)
    return len(changes)


def publish(
    session: Session, changes: Sequence[Change], make_due: Sequence[MakeDue], now: datetime
) -> None:
    """Store the next versions of locked passes, and make these due at their providers."""
    if changes:
        changed = [change.pass_id for change in changes]
        for make in make_due:
            make(session, changed, now)
        versioning.store(session, changes)


def remind(
    session: Session, pass_ids: Sequence[int], make_due: Sequence[MakeDue], now: datetime
) -> None:
    """Tell the phones again of the newest version, which they may have missed."""
    issued.lock(session, pass_ids)
    for make in make_due:
        make(session, pass_ids, now)
