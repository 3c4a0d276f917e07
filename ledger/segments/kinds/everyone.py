"""The kind `everyone`."""

from typing import Literal

from sqlalchemy import ColumnElement, true

from ledger.fields import Body
from ledger.segments.scope import AnyScope


class Everyone(Body):
    """All members of the programme.

    {"kind": "everyone"}"""

    kind: Literal["everyone"]

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        return true()
