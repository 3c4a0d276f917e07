"""One part of an import is applied, whatever its kind: one part, one commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.imports import registry, store
from ledger.imports.kind import Destination
from ledger.imports.store import Import
from ledger.programmes import programmes, units


@dataclass(frozen=True, slots=True)
class Step:
    """What one part did. `joined` are the ids of new members, who have no pass yet. `is_last`: all
    is applied, and only the statement is missing."""

    import_: Import
    joined: Sequence[int]
    is_last: bool


def step(session: Session, import_id: int | None, now: datetime) -> Step | None:
    """Apply the next part of this import, or of the oldest import that waits; None if there is
    none."""
    import_ = store.next_to_apply(session, import_id)
    if import_ is None:
        return None
    kind = registry.named(import_.kind)
    rows = store.take_part(session, import_.id, kind.content)
    if not rows:
        return Step(import_, (), is_last=kind.close(session, import_, now))
    joined = kind.apply(session, import_, rows, now)
    session.flush()
    return Step(import_, joined, is_last=False)


def destination(session: Session, import_: Import) -> Destination:
    """Where the rows of this import go."""
    return Destination(
        programmes.by_id(session, import_.programme_id), units.by_id(session, import_.unit_id)
    )
