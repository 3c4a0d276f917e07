"""The kind `any`."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, or_

from ledger.fields import Body
from ledger.segments.registry import MOST_PARTS, Tree
from ledger.segments.scope import AnyScope


class AnyOf(Body, defer_build=True):
    """Belongs to one of these segments at least.

    {"kind": "any", "of": [{"kind": "activity", "days": 7}, {"kind": "balance", "at_least": 100}]}
    """

    kind: Literal["any"]
    of: Annotated[list[Tree], Field(min_length=1, max_length=MOST_PARTS)]

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        return or_(*(part.condition(scope) for part in self.of))
