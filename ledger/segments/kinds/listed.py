"""The kind `listed`."""

from typing import Annotated, Literal

from pydantic import StringConstraints
from sqlalchemy import ColumnElement

from ledger.fields import Body
from ledger.segments import lists
from ledger.segments.scope import AnyScope


class Listed(Body):
    """Is on a list of members, see `POST /lists`. Nobody is on a list that is not there.

    {"kind": "listed", "list": "Guests of the opening"}"""

    kind: Literal["listed"]
    list: Annotated[str, StringConstraints(min_length=1, max_length=lists.LONGEST_NAME)]

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Who was merged into another is meant as that one."""
        return lists.has(scope.programme_id, self.list)
