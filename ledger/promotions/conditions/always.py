"""The kind `always`."""

from collections.abc import Iterator
from typing import Literal

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.situations import Situation, Unmet


class Always(Body):
    """Every purchase.

    {"kind": "always"}"""

    kind: Literal["always"]

    def unmet(self, _situation: Situation) -> Unmet | None:
        """It is always met."""
        return None

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()
