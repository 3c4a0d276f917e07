"""Events as receivers are told of them: what each type says, its data, and an example of each."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field

from ledger.words import N_
from wallet.api.bodies.amounts import BalanceOut, MoneyBeside, MoneyOut
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import (
    MEMBER_ID,
    OFFER_ID,
    OTHER_MEMBER_ID,
    POSTING_ID,
    Example,
    rub,
)
from wallet.api.bodies.passes import PASS
from wallet.receivers import types

CAMPAIGN_ID = "01a20f22-f3a1-7b60-b5a2-1c2d3e4f5a6b"
REVERSAL_ID = "01a20f22-f0c8-7e11-8a4d-5b6c7d8e9f0a"

# What happened, by the type of the event.
HAPPENED: Mapping[str, str] = {
    "member.joined": N_("A person became a member."),
    "member.changed": N_("What is known of a member changed: their data, card or household."),
    "member.merged": N_("A member turned out to be another one, and is that one now."),
    "member.erased": N_("A member was erased; the id stands for nobody any more."),
    "card.added": N_("The card, or a coupon, came to a wallet."),
    "card.removed": N_("The card, or a coupon, left a wallet."),
    "points.accrued": N_("A member got points."),
    "points.redeemed": N_("A member spent points."),
    "points.expired": N_("Points of a member ran out."),
    "points.reversed": N_(
        "A posting was undone, in whole or in part. What had been spent meanwhile becomes a debt: "
        "where all of it had been, only `debt_change` is not 0."
    ),
    "points.transferred": N_("Points went from one member to another: an event for each of them."),
    "points.moved": N_(
        "Points went with a member who was merged or joined a household: an event for each account."
    ),
    "points.opened": N_("An import gave a member the points that they had before."),
    "points.repaid": N_("Points of a member paid what they owed."),
    "points.given": N_("A gift came with a message; `promotion` is the name of the campaign."),
    "points.burning": N_(
        "Points of a member run out soon. It is told in the round of the built-in message "
        "`burning`, which has to be on, also of members without a card in a phone."
    ),
    "balance.changed": N_(
        "Without a posting another amount can be spent: points became active, were set aside, or "
        "are free again. `balance` is that of the moment when the event was made."
    ),
    "coupon.used": N_("A till used a coupon up."),
    types.CONFIRMED: N_(
        "A receipt was paid and is on record. Of somebody who is not known `member` is null."
    ),
    "message.told": N_("A message stands on the card."),
    types.FETCHED: N_("An iPhone fetched a card with a message; told half a minute later."),
    types.TEST: N_("Somebody asked for a test of this receiver, which alone is told."),
}


class PersonKnown(AnswerBody):
    """What is known of the person at the moment of sending. Only for receivers that are given
    personal data."""

    name: str | None
    phone: str | None
    email: str | None
    birthday: date | None
    locale: str | None
    external_id: str | None


class MemberTold(AnswerBody):
    """The member. `person` stands in `member.joined` and `member.changed`, for receivers that are
    given personal data."""

    member: str
    person: PersonKnown | None = Field(default=None)


class MergeTold(AnswerBody):
    """The member who is another one now, and that one."""

    member: str
    into: str


class WalletTold(AnswerBody):
    """Which pass came to which wallet, or left it."""

    member: str
    pass_: str = Field(alias="pass")
    wallet: str = Field(json_schema_extra={"enum": ["apple", "google"]})


class PointsTold(AnswerBody):
    """What one posting did to one member. `points` and `debt_change` are changes; `balance_after`
    is all that the member had right after the posting, as in the statement: available, pending and
    held together. What can be spent now is in `GET /members/{member_id}/balances`. Where the unit
    is money, `money` and `balance_after_money` stand beside."""

    member: str
    posting: str
    unit: str
    points: int
    balance_after: int | None
    debt_change: int
    money: MoneyBeside = None
    balance_after_money: MoneyBeside = None
    receipt: str | None
    store: str | None
    promotion: str | None
    reverses: str | None
    purchase: MoneyOut | None
    occurred_at: datetime


class BurningTold(AnswerBody):
    """How many points run out, and when."""

    member: str
    unit: str
    points: int
    until: date


class BalanceOfUnit(BalanceOut):
    """What the member has of this unit, as `balance` in answers: `available` can be spent now,
    `pending` later, `held` is set aside, `debt` is owed."""

    unit: str


class BalanceTold(AnswerBody):
    """What the member has in the main unit of the programme; null if they never had any of it."""

    member: str
    balance: BalanceOfUnit | None


class CouponTold(AnswerBody):
    """Which coupon was used."""

    member: str
    pass_: str = Field(alias="pass")
    offer: str


class MessageTold(AnswerBody):
    """Which message it was. `campaign` is null for built-in messages."""

    member: str
    pass_: str = Field(alias="pass")
    kind: str
    campaign: str | None
    wallets: list[str]


class BookedPointsTold(AnswerBody):
    """Points that were booked for a receipt, in the smallest pieces of the unit."""

    earned: int
    spent: int


class SoldLineTold(AnswerBody):
    """A line of a receipt as it was paid: list - given - discount - points = total."""

    id: str
    sku: str
    quantity: str
    seller: str | None
    list: MoneyOut
    given: MoneyOut
    discount: MoneyOut
    points: MoneyOut
    total: MoneyOut


class GivenPromotionTold(AnswerBody):
    """A promotion that gave something, in this version, and how much money it took off."""

    promotion: str
    version: int
    amount: MoneyOut


class ReceiptTold(AnswerBody):
    """A receipt that was paid, as it is on record. `member` is null where nobody is known."""

    member: str | None
    id: str
    store: str | None
    till: str | None
    shift: str | None
    number: str | None
    cashier: str | None
    at: datetime
    list: MoneyOut
    given: MoneyOut
    discount: MoneyOut
    total: MoneyOut
    due: MoneyOut
    points: BookedPointsTold
    lines: Sequence[SoldLineTold]
    promotions: Sequence[GivenPromotionTold]


class TestTold(AnswerBody):
    """Nothing: that it came is all."""


# The data of an event, by its type.
DATA_OF: Mapping[str, type[AnswerBody]] = {
    "member.joined": MemberTold,
    "member.changed": MemberTold,
    "member.merged": MergeTold,
    "member.erased": MemberTold,
    "card.added": WalletTold,
    "card.removed": WalletTold,
    **dict.fromkeys(types.OF_POSTINGS.values(), PointsTold),
    "points.burning": BurningTold,
    "balance.changed": BalanceTold,
    "coupon.used": CouponTold,
    "message.told": MessageTold,
    types.FETCHED: MessageTold,
    types.CONFIRMED: ReceiptTold,
    types.TEST: TestTold,
}

OF_MEMBER: Example = {"member": MEMBER_ID}
MOVED: Example = {
    **OF_MEMBER,
    "posting": POSTING_ID,
    "unit": "points",
    "points": 100,
    "balance_after": 350,
    "debt_change": 0,
    "receipt": None,
    "store": None,
    "promotion": None,
    "reverses": None,
    "purchase": None,
    "occurred_at": "2026-11-25T09:29:58Z",
}
BOUGHT: Example = {**MOVED, "receipt": "1001", "store": "centre", "purchase": rub("1000.00")}
IN_WALLET: Example = {**OF_MEMBER, "pass": PASS["id"], "wallet": "apple"}
MESSAGE: Example = {
    **OF_MEMBER,
    "pass": PASS["id"],
    "kind": "campaign",
    "campaign": CAMPAIGN_ID,
    "wallets": ["apple"],
}
BURNING: Example = {**OF_MEMBER, "unit": "points", "points": 40, "until": "2026-12-01"}
BALANCE: Example = {"unit": "points", "available": 70, "pending": 0, "held": 30, "debt": 0}

RECEIPT: Example = {
    **OF_MEMBER,
    "id": "9f1c7a20",
    "store": "centre",
    "till": "1",
    "shift": "214",
    "number": "17",
    "cashier": "olga",
    "at": "2026-11-25T09:29:58Z",
    "list": rub("897.00"),
    "given": rub("0.00"),
    "discount": rub("299.00"),
    "total": rub("598.00"),
    "due": rub("598.00"),
    "points": {"earned": 29, "spent": 0},
    "lines": [
        {
            "id": "1",
            "sku": "SOCKS",
            "quantity": "3",
            "seller": "ivan",
            "list": rub("897.00"),
            "given": rub("0.00"),
            "discount": rub("299.00"),
            "points": rub("0.00"),
            "total": rub("598.00"),
        }
    ],
    "promotions": [{"promotion": "socks", "version": 1, "amount": rub("299.00")}],
}

# Examples of `data`, by the type of the event. Each is of a kind that really comes: see the test.
DATA: dict[str, Example] = {
    "member.joined": OF_MEMBER,
    "member.changed": OF_MEMBER,
    "member.merged": {**OF_MEMBER, "into": OTHER_MEMBER_ID},
    "member.erased": OF_MEMBER,
    "card.added": IN_WALLET,
    "card.removed": IN_WALLET,
    "points.accrued": BOUGHT,
    "points.redeemed": {
        **BOUGHT,
        "points": -30,
        "balance_after": 320,
        "receipt": "1002",
        "purchase": rub("470.00"),
    },
    "points.expired": {**MOVED, "points": -40, "balance_after": 280},
    "points.reversed": {
        **BOUGHT,
        "posting": REVERSAL_ID,
        "points": -60,
        "balance_after": 0,
        "debt_change": 40,
        "reverses": POSTING_ID,
        "purchase": rub("-1000.00"),
    },
    "points.transferred": {**MOVED, "points": -50, "balance_after": 230},
    "points.moved": {**MOVED, "points": -230, "balance_after": 0},
    "points.opened": {**MOVED, "points": 1200, "balance_after": 1200},
    "points.repaid": {**MOVED, "points": -40, "balance_after": 160, "debt_change": -40},
    "points.given": {**MOVED, "points": 50, "balance_after": 210, "promotion": "Friday latte"},
    "points.burning": BURNING,
    "balance.changed": {**OF_MEMBER, "balance": BALANCE},
    "coupon.used": {**OF_MEMBER, "pass": PASS["id"], "offer": OFFER_ID},
    "message.told": MESSAGE,
    types.FETCHED: MESSAGE,
    types.CONFIRMED: RECEIPT,
    types.TEST: {},
}


def example(name: str) -> Example:
    """An event of this type, as it is posted."""
    return {
        "type": name,
        "id": 1042,
        "timestamp": "2026-11-25T09:30:00.123456Z",
        "programme": "demo",
        "data": DATA[name],
    }


class EventTold(AnswerBody):
    """What is posted to a receiver, signed as Standard Webhooks has it. `id` grows: an event with a
    greater one was committed later. `webhook-id` is the same on every try. What `data` is depends
    on `type`."""

    type: str = Field(json_schema_extra={"enum": list(HAPPENED)})
    id: int
    timestamp: datetime
    programme: str | None
    # A generated client takes the first that fits: whatever asks for more stands before.
    data: (
        ReceiptTold
        | PointsTold
        | MessageTold
        | BurningTold
        | BalanceTold
        | CouponTold
        | WalletTold
        | MergeTold
        | MemberTold
        | TestTold
    )


def webhooks(place: str) -> dict[str, Any]:
    """The calls that we make, one for each type, as OpenAPI 3.1 has them. `place`: where schemas
    stand."""
    return {name: {"post": _webhook(name, place)} for name in HAPPENED}


def _webhook(name: str, place: str) -> dict[str, Any]:
    schema = {
        "allOf": [
            {"$ref": f"{place}{EventTold.__name__}"},
            {
                "type": "object",
                "properties": {
                    "type": {"const": name},
                    "data": {"$ref": f"{place}{DATA_OF[name].__name__}"},
                },
            },
        ]
    }
    return {
        "tags": ["Receivers"],
        "summary": HAPPENED[name],
        "parameters": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example(name)}},
        },
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "The receiver is switched off."},
            "default": {"description": "Tried again, for three days."},
        },
    }
