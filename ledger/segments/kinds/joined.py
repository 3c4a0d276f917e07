"""The kind `joined`."""

from typing import Literal, Self

from pydantic import model_validator
from sqlalchemy import ColumnElement, true

from ledger.fields import Body, Moment
from ledger.people.members import Member
from ledger.segments import period
from ledger.segments.period import Days
from ledger.segments.scope import AnyScope


class JoinedSince(Body):
    """Joined the programme: since a moment, or within so many days of the start.

    {"kind": "joined", "days": 30}"""

    kind: Literal["joined"]
    since: Moment | None = None
    days: Days | None = None

    @model_validator(mode="after")
    def has_one_begin(self) -> Self:
        """Refuses a document with both `since` and `days`."""
        period.require_one_begin(self.since, self.days)
        return self

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Without `since` and `days`, whoever joined at all."""
        since = period.begin(self.since, self.days, scope)
        return true() if since is None else Member.created_at >= since
