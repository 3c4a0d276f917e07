"""Postings that are undone, and points that one member gives to another."""

from operator import not_
from typing import Annotated

from pydantic import Field

from ledger.fields import Body, Code, Moment
from wallet.api.bodies.amounts import (
    AmountOrAll,
    BalanceOut,
    DebtPaid,
    HowMuch,
    MoneyBeside,
    MoneyOut,
)
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import (
    CARD,
    MEMBER_ID,
    OTHER_MEMBER_ID,
    POSTING_ID,
    balance_in_rub,
    rub,
    shows,
)
from wallet.api.bodies.movements import Details, ForMember


class ReversalIn(AmountOrAll, Details):
    """How much of the posting is undone, in `points` or in `money`; without either, all that is
    left of it. Points that come back after their expiry live until `expires_at`, or as the
    programme's terms say without it."""

    model_config = shows(
        {"points": 40, "reason": "Cake returned", "receipt": "1001-R"},
        in_money={"money": rub("9.90"), "reason": "Paid twice"},
    )

    expires_at: Moment | None = None


class Sides(Body):
    """The member who gives, and the member who gets."""

    giver: ForMember = Field(alias="from")
    taker: ForMember = Field(alias="to")


SIDES = {"from": {"card": CARD}, "to": {"member": OTHER_MEMBER_ID}}


class TransferIn(HowMuch, Sides, Details):
    """Points or money that one member gives to another."""

    model_config = shows(
        {**SIDES, "points": 25, "reason": "A present"}, in_money={**SIDES, "money": rub("25.00")}
    )

    unit: Code | None = None


class SideOut(AnswerBody):
    """A member whom a posting concerns, with the balance right after it. `debt_paid`: how much of
    the points that came in paid what the member owed; left out where nothing was."""

    member: str
    debt_paid: DebtPaid = None
    debt_paid_money: MoneyBeside = None
    balance: BalanceOut


REVERSAL = {"id": "01a20f22-ec30-7c19-8f3e-0f6f0b7d1c22", "reverses": POSTING_ID}


class PurchaseUndone(AnswerBody):
    """What a reversal took back of a purchase, and what is left of it."""

    taken_back: MoneyOut
    left: MoneyOut


class ReversalOut(AnswerBody):
    """A posting that undid `points` of the posting `reverses`. `members`: those whose balance it
    changed. `purchase`: what became of what was paid, in proportion to the points; left out where
    nothing was said of a purchase."""

    model_config = shows(
        {
            **REVERSAL,
            "points": 40,
            "members": [
                {
                    "member": MEMBER_ID,
                    "balance": {"available": 130, "pending": 0, "held": 0, "debt": 0},
                }
            ],
            "purchase": {"taken_back": rub("400.00"), "left": rub("600.00")},
        },
        in_money={
            **REVERSAL,
            "points": 990,
            "money": rub("9.90"),
            "members": [{"member": MEMBER_ID, "balance": balance_in_rub(available="240.00")}],
        },
    )

    id: str
    reverses: str
    points: int
    money: MoneyBeside = None
    members: list[SideOut]
    purchase: Annotated[PurchaseUndone | None, Field(default=None, exclude_if=not_)]


TRANSFER = {"id": "01a20f22-ed52-7b6a-9d7a-3c1c5b0e7a31"}


class TransferOut(AnswerBody):
    """A transfer as it was posted, with both balances right after it."""

    model_config = shows(
        {
            **TRANSFER,
            "points": 25,
            "from": {
                "member": MEMBER_ID,
                "balance": {"available": 45, "pending": 0, "held": 0, "debt": 0},
            },
            "to": {
                "member": OTHER_MEMBER_ID,
                "balance": {"available": 25, "pending": 0, "held": 0, "debt": 0},
            },
        },
        in_money={
            **TRANSFER,
            "points": 2_500,
            "money": rub("25.00"),
            "from": {"member": MEMBER_ID, "balance": balance_in_rub(available="215.00")},
            "to": {"member": OTHER_MEMBER_ID, "balance": balance_in_rub(available="25.00")},
        },
    )

    id: str
    points: int
    money: MoneyBeside = None
    giver: SideOut = Field(alias="from")
    taker: SideOut = Field(alias="to")
