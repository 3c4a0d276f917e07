"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta


class StoppedClock:
    def __init__(self, now: datetime = datetime(2026, 5, 20, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **how_far: float) -> datetime:
        """`advance(days=1, minutes=5)`; the new moment."""
        self.now += timedelta(**how_far)
        return self.now
