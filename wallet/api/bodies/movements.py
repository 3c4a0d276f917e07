"""What every movement of points says: whose they are, and why they move."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Id, Moment, Reason, Receipt
from ledger.points.resolving import Whom


class ForMember(Body):
    """A member is named by card number or by id, never by both."""

    card: Id | None = None
    member: Id | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuses a member who is named twice or not at all: `card_or_member`."""
        if (self.card is None) == (self.member is None):
            raise PydanticCustomError(
                "card_or_member", "give either card or member", {"field": "card"}
            )
        return self

    @property
    def whom(self) -> Whom:
        """The member who is meant, as `ledger.points.resolving` takes it."""
        return Whom(card=self.card, member=self.member)


class Details(Body):
    """Why points move, in the shop's own words."""

    reason: Reason | None = None
    receipt: Receipt | None = None
    store: Receipt | None = None
    promotion: Receipt | None = None
    occurred_at: Moment | None = None
