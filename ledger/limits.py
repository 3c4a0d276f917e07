"""The limits of what the book counts."""

from datetime import UTC, datetime

# The largest integer that every JSON reader keeps exact. No amount and no balance is larger.
MOST_POINTS = 2**53 - 1

# Stands for "no such moment": sorts after every date and exists in every database.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

# Dates outside these years are mistakes of the sender, not history.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
