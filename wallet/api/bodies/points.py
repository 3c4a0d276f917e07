"""Points in and points out."""

from ledger.fields import Code, Moment
from wallet.api.bodies.amounts import BalanceOut, DebtPaid, HowMuch, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, MEMBER_ID, POSTING_ID, balance_in_rub, rub, shows
from wallet.api.bodies.movements import Details, ForMember, ForPurchase, HowMuchOrEarned


class AccrualIn(HowMuchOrEarned, ForMember, Details, ForPurchase):
    """Points to give a member. They can be spent from `activates_at` (at once without it) until
    `expires_at` (as the programme's terms say without it). `purchase`: what was paid, if they are
    for a purchase; without `points` and `money` it earns what the base programme says."""

    model_config = shows(
        {
            "card": CARD,
            "points": 100,
            "reason": "Coffee and cake",
            "receipt": "1001",
            "purchase": rub("1000.00"),
            "expires_at": "2027-11-24T23:59:59+03:00",
        },
        in_money={"card": CARD, "money": rub("199.90"), "receipt": "1001"},
    )

    unit: Code | None = None
    activates_at: Moment | None = None
    expires_at: Moment | None = None


class RedemptionIn(HowMuch, ForMember, Details, ForPurchase):
    """Points that a member pays with; those that run out first are spent first. `purchase`: what
    was paid besides, in money."""

    model_config = shows(
        {"card": CARD, "points": 30, "receipt": "1002", "purchase": rub("470.00")},
        in_money={"card": CARD, "money": rub("50"), "receipt": "1002"},
    )

    unit: Code | None = None


POSTING = {
    "id": POSTING_ID,
    "member": MEMBER_ID,
    "points": 100,
    "balance": {"available": 170, "pending": 0, "held": 0, "debt": 0},
}
POSTING_IN_MONEY = {
    **POSTING,
    "points": 19_990,
    "money": rub("199.90"),
    "balance": balance_in_rub(available="249.90"),
}
SPENT = {**POSTING, "points": 30}
SPENT_IN_MONEY = {
    **POSTING,
    "points": 5_000,
    "money": rub("50.00"),
    "balance": balance_in_rub(available="199.90"),
}


class PostingOut(AnswerBody):
    """An accrual or a redemption as it was posted, with the balance right after it. `debt_paid`:
    how much of the points that came in paid what the member owed; left out where nothing was."""

    model_config = shows(POSTING, in_money=POSTING_IN_MONEY)

    id: str
    member: str
    points: int
    money: MoneyBeside = None
    debt_paid: DebtPaid = None
    debt_paid_money: MoneyBeside = None
    balance: BalanceOut
