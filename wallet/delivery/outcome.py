"""How an attempt to deliver something ended. Trouble with a vendor is a value: it is stored and
retried."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The vendor took it. That does not mean that a person saw it."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Try again, not before `until`. With `pause` nothing goes to this vendor before then.
    `needs_operator`: it will not get better by itself."""

    until: datetime
    reason: str
    pause: bool = False
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Never try this again. `gone_at`: the vendor says the address is dead since then."""

    reason: str
    gone_at: datetime | None = None


Outcome = Sent | Deferred | Rejected
