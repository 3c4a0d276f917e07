"""The kind `balance`."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import ColumnElement

from ledger.fields import Body
from ledger.segments import conditions
from ledger.segments.scope import AnyScope

Bound = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what JSON of any language can count to


class Points(Body):  # the published schema has this name
    """Has so many points to spend; both bounds are included.

    {"kind": "balance", "at_least": 100, "at_most": 500}"""

    kind: Literal["balance"]
    at_least: Bound | None = None
    at_most: Bound | None = None

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Only points that can be spent count: neither pending nor held ones."""
        return conditions.has_points(scope, self.at_least, self.at_most)
