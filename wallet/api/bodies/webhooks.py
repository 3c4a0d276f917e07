"""The answer to a system that posts changes of points by webhook."""

from operator import not_
from typing import Annotated

from pydantic import Field

from ledger.points.told import ToldOutcome
from wallet.api.bodies.amounts import BalanceOut, DebtPaid, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, POSTING_ID, Example, rub, shows
from wallet.api.bodies.points import POSTING, POSTING_IN_MONEY

# A message of the kind `generic`, in our own words.
SENT: Example = {
    "type": "points.accrued",
    "timestamp": "2026-11-24T12:00:00Z",
    "data": {"card": CARD, "points": 100, "reason": "Coffee", "purchase": rub("1000.00")},
}
SENT_IN_MONEY: Example = {**SENT, "data": {"card": CARD, "money": rub("199.90")}}
# What a member has in all.
SENT_BALANCE: Example = {
    "type": "balance.is",
    "timestamp": "2026-11-24T12:00:00Z",
    "data": {"card": CARD, "points": 350, "reason": "Synchronised"},
}
SENT_BALANCE_BY_1C: Example = {
    "Вид": "Остаток",
    "КодКлиента": "000042",
    "Баллы": 350,
    "Дата": "2026-11-24T12:30:00",
}
# A message of the kind `1c`, in 1C's words.
SENT_BY_1C: Example = {
    "Вид": "Начисление",
    "КодКлиента": "000042",
    "Баллы": 120,
    "Оплачено": "1200.00",
    "Валюта": "RUB",
    "Документ": "Чек ККМ 0000-000123",
    "Дата": "2026-11-24T12:30:00",
}


def _not_told(value: object) -> bool:
    return value is None


class WebhookOut(AnswerBody):
    """The posting that was made, and the member's balance right after it. `debt_paid`: how much of
    the points that came in paid what the member owed; left out where nothing was.

    The answer to a balance says besides what came of it (`outcome`). `posted`: by the posting `id`
    so many points came in, or went out (`difference`). `unchanged`: the member had as much already;
    `outdated`: a newer balance was told before. Then `id` is null."""

    model_config = shows(
        {"id": POSTING_ID, "balance": POSTING["balance"]},
        in_money={"id": POSTING_ID, "balance": POSTING_IN_MONEY["balance"]},
    )

    id: str | None
    debt_paid: DebtPaid = None
    debt_paid_money: MoneyBeside = None
    balance: BalanceOut
    outcome: Annotated[ToldOutcome | None, Field(default=None, exclude_if=not_)]
    difference: Annotated[int | None, Field(default=None, exclude_if=_not_told)]
    difference_money: MoneyBeside = None
