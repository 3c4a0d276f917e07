"""Since when: a moment, or so many days back. Fields that several kinds have in common."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

Days = Annotated[int, Field(ge=1, le=3_650)]


def require_one_begin(since: datetime | None, days: int | None) -> None:
    """A period begins at a moment or a number of days ago; it cannot do both."""
    if since is not None and days is not None:
        raise PydanticCustomError("since_or_days", "give either since or days")


def begin(since: datetime | None, days: int | None, now: datetime) -> datetime | None:
    """None: it has no begin, and everything that ever happened counts."""
    return since if days is None else now - timedelta(days=days)
