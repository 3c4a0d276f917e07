"""Points that are set aside while a sale goes on."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ledger.book.holds import HoldState
from ledger.fields import Code, Id
from wallet.api.bodies.amounts import AmountOrAll, BalanceOut, HowMuch, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import (
    CARD,
    MEMBER_ID,
    Example,
    balance_in_rub,
    page_of,
    rub,
    shows,
)
from wallet.api.bodies.movements import Details, ForMember, ForPurchase
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.points import POSTING


class HoldIn(HowMuch, ForMember, Details):
    """Points to be set aside. Without `lasts_seconds` they are free again after half an hour."""

    model_config = shows(
        {"card": CARD, "points": 60, "receipt": "1003", "lasts_seconds": 1800},
        in_money={"card": CARD, "money": rub("60.50"), "receipt": "1003"},
    )

    unit: Code | None = None
    lasts_seconds: Annotated[int, Field(ge=1, le=30 * 86_400)] = 1_800


class CaptureIn(AmountOrAll, ForPurchase):
    """How much of the hold is spent; all of it unless `points` or `money` says less. `purchase`:
    what was paid besides, in money."""

    model_config = shows(
        {"points": 45, "purchase": rub("455.00")}, in_money={"money": rub("45.00")}
    )


HOLD: Example = {
    "id": "01a20f22-ea11-7a51-9c0f-5d1f0f0c9a10",
    "member": MEMBER_ID,
    "unit": "points",
    "points": 60,
    "state": "open",
    "captured": 0,
    "posting": None,
    "receipt": "1003",
    "store": None,
    "promotion": None,
    "placed_at": "2026-11-24T12:00:00Z",
    "expires_at": "2026-11-24T12:30:00Z",
    "closed_at": None,
    "balance": {"available": 110, "pending": 0, "held": 60, "debt": 0},
}
HOLD_IN_MONEY: Example = {
    **HOLD,
    "unit": "money",
    "points": 6_050,
    "money": rub("60.50"),
    "captured_money": rub("0.00"),
    "balance": balance_in_rub(available="189.40", held="60.50"),
}
CAPTURED = {**POSTING, "points": 45}
CAPTURED_IN_MONEY = {
    **POSTING,
    "points": 4_500,
    "money": rub("45.00"),
    "balance": balance_in_rub(available="204.90"),
}
RELEASED = {
    **HOLD,
    "state": "released",
    "closed_at": "2026-11-24T12:10:00Z",
    "balance": {"available": 170, "pending": 0, "held": 0, "debt": 0},
}


class HoldSearch(PageIn):
    """The holds of a programme: all filters must fit. `member`: those on the accounts that this
    member uses."""

    programme: Code
    member: Id | None = None
    state: HoldState | None = None


LISTED = {name: value for name, value in HOLD.items() if name != "balance"}
LISTED_IN_MONEY = {name: value for name, value in HOLD_IN_MONEY.items() if name != "balance"}


class ListedHoldOut(AnswerBody):
    """A hold in a list. `state`: `open` until it is captured, released, or found to have reached
    `expires_at`, which takes seconds."""

    model_config = shows(LISTED, in_money=LISTED_IN_MONEY)

    id: str
    member: str
    unit: str
    points: int
    money: MoneyBeside = None
    state: HoldState
    captured: int
    captured_money: MoneyBeside = None
    posting: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    placed_at: datetime
    expires_at: datetime
    closed_at: datetime | None


class HoldsOut(AnswerBody):
    """Holds, newest first."""

    model_config = shows(page_of(LISTED), in_money=page_of(LISTED_IN_MONEY))

    items: list[ListedHoldOut]
    next_cursor: str | None


class HoldOut(ListedHoldOut):
    """Points set aside, and the member's balance now. `posting` is the redemption that captured
    them."""

    model_config = shows(HOLD, in_money=HOLD_IN_MONEY)

    balance: BalanceOut
