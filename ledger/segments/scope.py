"""What the conditions of a segment are built for."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.programmes import units
from ledger.programmes.programmes import Programme


@dataclass(frozen=True, slots=True)
class Scope:
    """A programme, its unit that is meant if no other is named, and the moment from which numbers
    of days count back."""

    programme_id: int
    unit_id: int
    now: datetime


def in_main_unit(session: Session, programme: Programme, now: datetime) -> Scope:
    """The scope of a programme and its main unit. Raises `UnknownUnit`."""
    return Scope(programme.id, units.named(session, programme.id, None).id, now)
