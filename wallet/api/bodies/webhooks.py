"""The answer to a system that posts changes of points by webhook."""

from wallet.api.bodies.amounts import BalanceOut, DebtPaid, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, POSTING_ID, Example, rub, shows
from wallet.api.bodies.points import POSTING, POSTING_IN_MONEY

# A message of the kind `generic`, in our own words.
SENT: Example = {
    "type": "points.accrued",
    "timestamp": "2026-11-24T12:00:00Z",
    "data": {"card": CARD, "points": 100, "reason": "Coffee"},
}
SENT_IN_MONEY: Example = {**SENT, "data": {"card": CARD, "money": rub("199.90")}}
# A message of the kind `1c`, in 1C's words.
SENT_BY_1C: Example = {
    "Вид": "Начисление",
    "КодКлиента": "000042",
    "Баллы": 120,
    "Документ": "Чек ККМ 0000-000123",
    "Дата": "2026-11-24T12:30:00",
}


class WebhookOut(AnswerBody):
    """The posting that was made, and the member's balance right after it. `debt_paid`: how much of
    the points that came in paid what the member owed; left out where nothing was."""

    model_config = shows(
        {"id": POSTING_ID, "balance": POSTING["balance"]},
        in_money={"id": POSTING_ID, "balance": POSTING_IN_MONEY["balance"]},
    )

    id: str
    debt_paid: DebtPaid = None
    debt_paid_money: MoneyBeside = None
    balance: BalanceOut
