"""What time it is. Edges read the clock; everything else takes `now`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The time now, in UTC. For edges alone."""
    return datetime.now(UTC)
