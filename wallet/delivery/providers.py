"""What every wallet vendor can do for us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from wallet.configuration.clock import Clock
from wallet.passes.issued import Pass

MOST_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Lag:
    """How far phones are behind: pushes that are due, counted as far as `MOST_COUNTED`, and how
    many seconds after its change a card is fetched now by those that are quick. None: hardly
    anybody fetched anything."""

    pushes_due: int
    fetched_after_s: float | None


class Provider(Protocol):
    """Hosts passes in people's phones. `name` is also the queue its pump listens to."""

    name: str

    def link(self, pass_: Pass) -> str:
        """Where a person adds the pass."""

    def make_due(self, session: Session, pass_ids: Sequence[int], now: datetime) -> None:
        """These passes changed: note in this transaction who is to be told."""

    def deliver(self, clock: Clock) -> bool:
        """Claim a batch of what is due, talk to the vendor with no transaction open, record the
        outcomes in another. True if there may be more."""
