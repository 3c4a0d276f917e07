"""A clock that stands still until it is moved."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class StoppedClock:
    def __init__(self, now: datetime = datetime(2026, 5, 20, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **how_far: float) -> datetime:
        """Move on, as in `advance(days=1, minutes=5)`; returns the new moment."""
        self.now += timedelta(**how_far)
        return self.now


class Pause:
    """How an installation waits on a stopped clock: the clock moves on, and no real time passes.
    `do` is what a test wants to happen meanwhile."""

    def __init__(self, clock: StoppedClock) -> None:
        self.do: Callable[[float], object] = lambda seconds: clock.advance(seconds=seconds)

    def __call__(self, seconds: float) -> None:
        self.do(seconds)
