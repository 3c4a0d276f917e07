"""The kind `amount`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, MoneyIn
from ledger.money import Money, decimals
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import ALL, Goods, in_pieces
from ledger.promotions.situations import Situation, Unmet

BOUNDS = ("at_least", "more_than", "at_most", "less_than")


class AmountOfGoods(Body):
    """These goods cost so much together. `measure`: what they cost on the shelf (`full`), or what
    remains of that after the lanes before (`remaining`).

    {"kind": "amount", "at_least": {"amount": "3000", "currency": "RUB"}}"""

    kind: Literal["amount"]
    goods: Goods = ALL
    measure: Literal["full", "remaining"] = "full"
    at_least: MoneyIn | None = None
    more_than: MoneyIn | None = None
    at_most: MoneyIn | None = None
    less_than: MoneyIn | None = None

    @model_validator(mode="after")
    def has_a_bound(self) -> Self:
        """Refuses a document that says no amount."""
        if all(getattr(self, name) is None for name in BOUNDS):
            raise PydanticCustomError("no_bound", "must say how much: at_least, at_most")
        return self

    @cached_property
    def _least(self) -> int:
        least = 0 if self.at_least is None else in_pieces(self.at_least)
        return max(least, 0 if self.more_than is None else in_pieces(self.more_than) + 1)

    @cached_property
    def _most(self) -> int | None:
        bounds = [] if self.at_most is None else [in_pieces(self.at_most)]
        if self.less_than is not None:
            bounds.append(in_pieces(self.less_than) - 1)
        return min(bounds) if bounds else None

    def unmet(self, situation: Situation) -> Unmet | None:
        """Who has at least half of what is needed is close."""
        sheet, lines = situation.worksheet, situation.counted(self.goods)
        found = sheet.full(lines) if self.measure == "full" else sheet.total(lines)
        if self._most is not None and found > self._most:
            return Unmet("not_met", "costs_too_much")
        if found >= self._least:
            return None
        currency = sheet.basket.currency
        missing = Money.of(self._least - found, decimals(currency), currency)
        is_close = 2 * found >= self._least
        return Unmet("close" if is_close else "not_met", "costs_too_little", {"missing": missing})

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()
