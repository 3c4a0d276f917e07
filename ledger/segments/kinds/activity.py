"""The kind `activity`."""

from typing import Literal, Self

from pydantic import model_validator
from sqlalchemy import ColumnElement

from ledger.fields import Body, Moment
from ledger.segments import conditions, period
from ledger.segments.period import Days
from ledger.segments.scope import AnyScope


class Activity(Body):
    """Earned or spent points: since a moment, or within so many days of the start.

    {"kind": "activity", "since": "2026-12-01T00:00:00+03:00"}"""

    kind: Literal["activity"]
    since: Moment | None = None
    days: Days | None = None

    @model_validator(mode="after")
    def has_one_begin(self) -> Self:
        """Refuses a document with both `since` and `days`."""
        period.require_one_begin(self.since, self.days)
        return self

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Without `since` and `days`, a posting of any age will do. It counts by when it
        occurred."""
        since = period.begin(self.since, self.days, scope)
        return conditions.has_posting(scope, conditions.ACTIVITY, since)
