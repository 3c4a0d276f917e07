"""Points in answers, and beside them the money that they stand for."""

from ledger.book.accounts import Balance
from ledger.programmes.units import Unit
from wallet.api.bodies.amounts import BalanceOut, MoneyOut

POINTS = "points"


def in_money(unit: Unit, **counts: int) -> dict[str, MoneyOut]:
    """The money that these counts stand for, under the names that answers use: `money` for
    `points`, `<name>_money` for any other. Empty where the unit is not money."""
    amounts: dict[str, MoneyOut] = {}
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
        **in_money(unit, available=balance.available, pending=balance.pending, held=balance.held),
    )
