"""What every wallet vendor can do for us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from wallet.configuration.clock import Clock
from wallet.passes.issued import Pass

MOST_COUNTED = 20_000  # pushes; whether more wait makes no difference


@dataclass(frozen=True, slots=True)
class Lag:
    """How far phones are behind. `pushes_due`: pushes that wait, counted as far as `MOST_COUNTED`.
    `fetched_after_s`: how many seconds after its change a card is fetched now, by the quickest
    quarter of phones; None if too few fetched to tell."""

    pushes_due: int
    fetched_after_s: float | None


class Provider(Protocol):
    """Hosts passes in people's phones. `name` is also the queue its pump listens to."""

    name: str

    def link(self, pass_: Pass) -> str:
        """The address at which a person adds the pass to this wallet."""

    def make_due(self, session: Session, pass_ids: Sequence[int], now: datetime) -> None:
        """These passes changed: note, in this transaction, which phones are to be told."""

    def deliver(self, clock: Clock) -> bool:
        """Claim a batch of what is due, talk to the vendor with no transaction open, record the
        outcomes in another. True if there may be more."""
