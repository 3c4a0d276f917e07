"""The kind `consent`."""

from typing import Literal

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import aliased

from ledger.fields import Body
from ledger.people.consents import Consent
from ledger.people.members import Member
from ledger.segments.scope import AnyScope


class Agreed(Body):
    """Agreed to receive messages, as far as the newest decision says.

    {"kind": "consent"}"""

    kind: Literal["consent"]

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Who was never asked has not agreed."""
        decided = aliased(Consent)
        newest = (
            select(decided.given)
            .where(decided.member_id == Member.id, decided.purpose == "marketing")
            .order_by(decided.happened_at.desc(), decided.id.desc())
            .limit(1)
            .correlate(Member)
        )
        return func.coalesce(newest.scalar_subquery(), false())
