"""How much: points, or money in a programme that counts money."""

from operator import not_
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from ledger.fields import Body, MoneyIn, Points, either
from ledger.money import Amount
from wallet.api.bodies.answers import AnswerBody

# Left out of the dump where it was not sent: see the rules of this package.
SentMoney = Annotated[MoneyIn | None, Field(default=None, exclude_if=not_)]


class AmountOrAll(Body):
    """How much of something, in `points` or in `money`; without either, all of it."""

    money: SentMoney = None
    points: Points | None = None

    @field_validator("points")
    @classmethod
    def at_most_one(cls, points: int | None, sent: ValidationInfo) -> int | None:
        """Refuses points and money together: `points_or_money`."""
        if points is not None and sent.data.get("money") is not None:
            raise either("points_or_money", "points", "money")
        return points

    @property
    def amount(self) -> Amount | None:
        """The amount that was sent, in points or in money; None for all of it."""
        return self.points if self.money is None else self.money.money


class HowMuch(AmountOrAll):
    """How much: `points`, or `money` where the unit is money."""

    points: Points | None = Field(default=None, validate_default=True)

    @field_validator("points")
    @classmethod
    def one_at_least(cls, points: int | None, sent: ValidationInfo) -> int | None:
        """Refuses a body with neither points nor money: `missing`."""
        # Money that does not fit is missing in what was sent, and pydantic reports it by itself.
        if points is None and "money" in sent.data and sent.data["money"] is None:
            raise PydanticKnownError("missing")
        return points

    @property
    def amount(self) -> Amount:
        """The amount that was sent, in points or in money."""
        return (self.points or 0) if self.money is None else self.money.money


class MoneyOut(AnswerBody):
    """An amount of money. `amount` has all decimal places of its unit, and is negative where money
    left a member."""

    amount: str
    currency: str


# Stands beside points where the unit is money; elsewhere the field is left out.
MoneyBeside = Annotated[MoneyOut | None, Field(default=None, exclude_if=not_)]


class BalanceOut(AnswerBody):
    """A balance at this moment: `available` can be spent now, `pending` can be spent later, `held`
    is set aside by open holds. `debt` is what the member owes: points that were taken back after
    they had been spent. While there is a debt nothing is available; points that come in pay it
    first."""

    available: int
    pending: int
    held: int
    debt: int = 0  # answers that were kept before there was this field have none
    available_money: MoneyBeside = None
    pending_money: MoneyBeside = None
    held_money: MoneyBeside = None
    debt_money: MoneyBeside = None


# How much of what came in paid a debt at once; left out where nothing was owed.
DebtPaid = Annotated[int | None, Field(default=None, exclude_if=not_)]
