"""When a period begins: at a moment, or a number of days back. Several kinds of segments have these
fields."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from ledger.book.balances import When
from ledger.segments.scope import AnyScope

Days = Annotated[int, Field(ge=1, le=3_650)]


def require_one_begin(since: datetime | None, days: int | None) -> None:
    """Refuses a period that has both: it begins at a moment or a number of days ago."""
    if since is not None and days is not None:
        raise PydanticCustomError("since_or_days", "give either since or days", {"field": "since"})


def begin(since: datetime | None, days: int | None, scope: AnyScope) -> When | None:
    """The moment at which the period begins; None if it has no begin and includes everything."""
    return since if days is None else scope.days_ago(days)
