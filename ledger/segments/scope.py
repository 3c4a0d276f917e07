"""What the conditions of a segment are built for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import SQLColumnExpression, bindparam
from sqlalchemy.orm import Session

from ledger.book.balances import When
from ledger.database.tables import Instant
from ledger.programmes import units
from ledger.programmes.programmes import Programme

NOW = "now"


@dataclass(frozen=True)
class Scope:
    """A programme, its unit that is meant if no other is named, and the moment from which numbers
    of days count back."""

    programme_id: int
    unit_id: int
    now: datetime

    @property
    def moment(self) -> When:
        """The moment, for conditions."""
        return self.now

    def days_ago(self, days: int) -> When:
        """The moment so many days before, for conditions."""
        return self.now - timedelta(days=days)


@dataclass(frozen=True)
class LaterScope:
    """The same for conditions that are built once and asked again and again: their moments are
    parameters. `ago`: by name of a parameter, how long before the moment of asking it is."""

    programme_id: int
    unit_id: int
    ago: dict[str, timedelta] = field(default_factory=dict)

    @property
    def moment(self) -> When:
        return self._asked(NOW, timedelta())

    def days_ago(self, days: int) -> When:
        return self._asked(f"days_ago_{days}", timedelta(days=days))

    def _asked(self, name: str, ago: timedelta) -> SQLColumnExpression[datetime]:
        self.ago[name] = ago
        return bindparam(name, type_=Instant)


# What conditions are built for: one moment, or any.
AnyScope = Scope | LaterScope


def in_main_unit(session: Session, programme: Programme, now: datetime) -> Scope:
    """The scope of a programme and its main unit. Raises `UnknownUnit`."""
    return Scope(programme.id, units.named(session, programme.id, None).id, now)
