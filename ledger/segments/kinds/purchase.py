"""The kind `purchase`."""

from typing import Literal, Self

from pydantic import model_validator
from sqlalchemy import ColumnElement

from ledger.fields import Body, Moment, Receipt
from ledger.segments import conditions, period
from ledger.segments.period import Days
from ledger.segments.scope import Scope


class Purchase(Body):
    """Bought something: since a moment, or within so many days of the start; in this store, if one
    is named. Turn it round with `not`. What a purchase is: docs/campaigns.md.

    {"kind": "purchase", "days": 30, "store": "arbat"}"""

    kind: Literal["purchase"]
    since: Moment | None = None
    days: Days | None = None
    store: Receipt | None = None

    @model_validator(mode="after")
    def has_one_begin(self) -> Self:
        """Refuses a document with both `since` and `days`."""
        period.require_one_begin(self.since, self.days)
        return self

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Without `since` and `days`, a purchase of any age will do."""
        since = period.begin(self.since, self.days, scope.now)
        return conditions.has_purchase(scope, since, store=self.store)
