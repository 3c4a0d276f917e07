"""The kind `not`."""

from typing import Literal

from sqlalchemy import ColumnElement, not_

from ledger.fields import Body
from ledger.segments.registry import Tree
from ledger.segments.scope import AnyScope


class Not(Body, defer_build=True):
    """Does not belong to this segment.

    {"kind": "not", "of": {"kind": "purchase", "days": 90}}"""

    kind: Literal["not"]
    of: Tree

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        return not_(self.of.condition(scope))
