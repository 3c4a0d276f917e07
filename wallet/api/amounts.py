"""Points in answers, and beside them the money that they stand for."""

from typing import Any

from ledger.book.accounts import Balance
from ledger.programmes.units import Unit
from wallet.api.bodies.amounts import BalanceOut, MoneyOut

POINTS = "points"


def in_money(unit: Unit, **counts: int) -> dict[str, Any]:
    """The money that these counts stand for, under the names that answers use: `money` for
    `points`, `<name>_money` for any other. Empty where the unit is not money."""
    amounts: dict[str, Any] = {}
    for name, points in counts.items():
        money = unit.money(points)
        if money is not None:
            amount = MoneyOut(amount=money.amount, currency=money.currency)
            amounts["money" if name == POINTS else f"{name}_money"] = amount
    return amounts


def balance_out(balance: Balance, unit: Unit) -> BalanceOut:
    """A balance as answers have it: in points, and beside them in money where the unit is money."""
    return BalanceOut(
        available=balance.available,
        pending=balance.pending,
        held=balance.held,
        debt=balance.debt,
        **in_money(
            unit,
            available=balance.available,
            pending=balance.pending,
            held=balance.held,
            debt=balance.debt,
        ),
    )


def debt_paid(points: int, unit: Unit) -> dict[str, Any]:
    """What came in and paid a debt at once, under the name that answers use. Empty for nothing."""
    return {"debt_paid": points, **in_money(unit, debt_paid=points)} if points else {}
