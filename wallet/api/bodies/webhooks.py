"""The answer to a system that posts changes of points by webhook."""

from wallet.api.bodies.amounts import BalanceOut, DebtPaid, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, POSTING_ID, Example, in_points_and_money, rub, shows
from wallet.api.bodies.points import POSTING, POSTING_IN_MONEY

# A message of the kind `generic`, in our own words; other kinds of sources have theirs.
SENT: Example = {
    "type": "points.accrued",
    "timestamp": "2026-11-24T12:00:00Z",
    "data": {"card": CARD, "points": 100, "reason": "Coffee"},
}
SENT_IN_MONEY: Example = {**SENT, "data": {"card": CARD, "money": rub("199.90")}}
MESSAGE = {
    "application/json": {
        "schema": {"type": "object"},
        "examples": in_points_and_money(SENT, SENT_IN_MONEY),
    }
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
