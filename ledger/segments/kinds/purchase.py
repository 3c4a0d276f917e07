"""The kind `purchase`."""

from operator import not_
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement

from ledger.errors import AmountTooLarge, TooManyDecimals
from ledger.fields import Body, Moment, MoneyIn, Receipt
from ledger.money import decimals
from ledger.segments import conditions, period
from ledger.segments.period import Days
from ledger.segments.scope import AnyScope


class Purchase(Body):
    """Bought something: since a moment, or within so many days of the start; in this store, if one
    is named; for so much in all, if that is said. Turn it round with `not`. A purchase is a posting
    with `purchase`; where none was ever told, an accrual that is no gift.

    {"kind": "purchase", "days": 30, "at_least": {"amount": "5000", "currency": "RUB"}}"""

    kind: Literal["purchase"]
    since: Moment | None = None
    days: Days | None = None
    store: Receipt | None = None
    # Left out of the dump where it was not sent, as in all bodies.
    at_least: Annotated[MoneyIn | None, Field(default=None, exclude_if=not_)]

    @model_validator(mode="after")
    def has_one_begin(self) -> Self:
        """Refuses a document with both `since` and `days`."""
        period.require_one_begin(self.since, self.days)
        return self

    @model_validator(mode="after")
    def has_an_amount_of_its_currency(self) -> Self:
        """Refuses an amount that nobody can have paid: more decimals than the currency has."""
        try:
            self._pieces()
        except (TooManyDecimals, AmountTooLarge):
            raise PydanticCustomError(
                "amount_malformed", 'must be an amount such as "199.90"', {"field": "at_least"}
            ) from None
        return self

    def _pieces(self) -> int:
        if self.at_least is None:
            return 0
        return self.at_least.money.points(decimals(self.at_least.currency))

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Without `since` and `days`, a purchase of any age will do."""
        since = period.begin(self.since, self.days, scope)
        bought = conditions.has_purchase(scope, since, store=self.store)
        if self.at_least is None:
            return bought
        currency, least = self.at_least.currency, self._pieces()
        return bought & conditions.has_paid(currency, least, since, self.store)
