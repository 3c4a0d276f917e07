"""The kind `all`."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, and_

from ledger.fields import Body
from ledger.segments.registry import MOST_PARTS, Tree
from ledger.segments.scope import AnyScope


class All(Body, defer_build=True):
    """Belongs to each of these segments.

    {"kind": "all", "of": [{"kind": "card"}, {"kind": "purchase", "days": 30}]}"""

    kind: Literal["all"]
    of: Annotated[list[Tree], Field(min_length=1, max_length=MOST_PARTS)]

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        return and_(*(part.condition(scope) for part in self.of))
