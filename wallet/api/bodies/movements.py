"""What every movement of points says: whose they are, and why they move."""

from operator import not_
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from ledger.fields import Body, Id, Moment, PaidIn, Points, Reason, Receipt
from ledger.money import Money
from ledger.points.resolving import Whom
from wallet.api.bodies.amounts import AmountOrAll


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


class ForPurchase(Body):
    """What was paid in the purchase by which points move."""

    # Left out of the dump where it was not sent: see the rules of this package.
    purchase: Annotated[PaidIn | None, Field(default=None, exclude_if=not_)]

    @property
    def paid(self) -> Money | None:
        """What was paid; None if nothing was said of a purchase."""
        return None if self.purchase is None else self.purchase.money


class HowMuchOrEarned(AmountOrAll):
    """How much: `points`, or `money` where the unit is money. A `purchase` without either earns
    what the base programme says."""

    points: Points | None = Field(default=None, validate_default=True)

    @field_validator("points")
    @classmethod
    def one_at_least(cls, points: int | None, sent: ValidationInfo) -> int | None:
        """Refuses a body with neither points nor money, unless a purchase earns them:
        `required`."""
        # What does not fit is missing in what was sent, and pydantic reports it by itself.
        told = sent.data
        has_no_money = "money" in told and told["money"] is None
        has_no_purchase = "purchase" in told and told["purchase"] is None
        earns_nothing = has_no_purchase or told.get("type") == "redemption"
        if points is None and has_no_money and earns_nothing:
            raise PydanticKnownError("missing")
        return points


class Details(Body):
    """Why points move, in the shop's own words."""

    reason: Reason | None = None
    receipt: Receipt | None = None
    store: Receipt | None = None
    promotion: Receipt | None = None
    occurred_at: Moment | None = None
