"""What the book says: statements, balances, and what a programme owes its members."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.book.daybook import EntryAccount
from ledger.book.drafts import PostingKind
from ledger.book.statements import LotState
from ledger.fields import Code, Id, Moment, MoneyText, Reason, Receipt, either
from ledger.limits import MOST_POINTS
from wallet.api.bodies.amounts import MoneyBeside, MoneyOut
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, MEMBER_ID, POSTING_ID, page_of, rub, shows
from wallet.api.bodies.paging import PageIn


class PostingFilters(BaseModel):
    """Which postings are wanted: all filters must fit. `since` and `until` bound `occurred_at`;
    `since` itself is included, `until` is not. `at_least_money` and `at_most_money` are written
    `199.90 RUB`."""

    model_config = ConfigDict(extra="forbid")

    unit: Code | None = None
    kind: PostingKind | None = None
    store: Receipt | None = None
    promotion: Receipt | None = None
    receipt: Receipt | None = None
    reason: Reason | None = None
    card: Id | None = None
    at_least: Annotated[int, Field(ge=0, le=MOST_POINTS)] | None = None
    at_most: Annotated[int, Field(ge=0, le=MOST_POINTS)] | None = None
    at_least_money: MoneyText | None = None
    at_most_money: MoneyText | None = None
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def one_of_each(self) -> Self:
        """Refuses a bound in points and in money together: `points_or_money`."""
        if self.at_least is not None and self.at_least_money is not None:
            raise either("points_or_money", "at_least", "at_least_money")
        if self.at_most is not None and self.at_most_money is not None:
            raise either("points_or_money", "at_most", "at_most_money")
        return self


class StatementIn(PageIn, PostingFilters):
    """Which lines of a member's statement are wanted."""


class DaybookIn(PageIn, PostingFilters):
    """Which postings of a programme are wanted."""

    programme: Code


class LotsIn(PageIn):
    """The points of one unit; without `unit`, of the programme's main unit."""

    unit: Code | None = None


class BalancesIn(BaseModel):
    """`at`: the moment whose balances are wanted; without it, now."""

    model_config = ConfigDict(extra="forbid")

    at: Moment | None = None


class UnitIn(BaseModel):
    """What is counted; without `unit`, the programme's main unit."""

    model_config = ConfigDict(extra="forbid")

    unit: Code | None = None


class NextExpiryOut(AnswerBody):
    """Points that run out next, all at one moment, unless they are spent before."""

    points: int
    money: MoneyBeside = None
    expires_at: datetime


class UnitBalanceOut(AnswerBody):
    """What a member has of one unit, counted in its smallest piece (`scale` decimal places). `debt`
    is what they owe. `next_expiry` is null where nothing will run out. For a moment in the past
    only `total` is known."""

    unit: str
    kind: str
    scale: int
    currency: str | None
    total: int
    available: int | None = None
    pending: int | None = None
    held: int | None = None
    debt: int | None = None
    next_expiry: NextExpiryOut | None = None
    total_money: MoneyBeside = None
    available_money: MoneyBeside = None
    pending_money: MoneyBeside = None
    held_money: MoneyBeside = None
    debt_money: MoneyBeside = None


UNIT_BALANCE = {
    "unit": "points",
    "kind": "points",
    "scale": 0,
    "currency": None,
    "total": 170,
    "available": 170,
    "pending": 0,
    "held": 0,
    "debt": 0,
    "next_expiry": {"points": 100, "expires_at": "2027-11-24T21:00:00Z"},
}
UNIT_BALANCE_IN_MONEY = {
    "unit": "money",
    "kind": "money",
    "scale": 2,
    "currency": "RUB",
    "total": 24_990,
    "available": 24_990,
    "pending": 0,
    "held": 0,
    "debt": 0,
    "next_expiry": None,
    "total_money": rub("249.90"),
    "available_money": rub("249.90"),
    "pending_money": rub("0.00"),
    "held_money": rub("0.00"),
    "debt_money": rub("0.00"),
}


class BalancesOut(AnswerBody):
    """What a member has of each unit, the main one first."""

    model_config = shows({"items": [UNIT_BALANCE]}, in_money={"items": [UNIT_BALANCE_IN_MONEY]})

    items: list[UnitBalanceOut]


class LiabilityMonth(AnswerBody):
    """Points that members hold and that run out in this month; `month` is null for those that never
    do."""

    month: date | None
    points: int
    money: MoneyBeside = None
    pending: int
    pending_money: MoneyBeside = None
    lots: int


class LiabilityOut(AnswerBody):
    """What members hold of one unit, by the month in which it runs out."""

    model_config = shows(
        {
            "programme": "demo",
            "unit": "points",
            "total": 170,
            "months": [{"month": "2027-11-01", "points": 170, "pending": 0, "lots": 1}],
        },
        in_money={
            "programme": "gifts",
            "unit": "money",
            "total": 24_990,
            "total_money": rub("249.90"),
            "months": [
                {
                    "month": None,
                    "points": 24_990,
                    "money": rub("249.90"),
                    "pending": 0,
                    "pending_money": rub("0.00"),
                    "lots": 2,
                }
            ],
        },
    )

    programme: str
    unit: str
    total: int
    total_money: MoneyBeside = None
    months: list[LiabilityMonth]


class LineOut(AnswerBody):
    """A line of a statement; `points` is negative for what left the member. `reverses` is the
    posting that it undoes. `debt_change` is what it added to what the member owes, where points
    that were to be taken back had been spent; negative where something of it was paid. `purchase`:
    what was paid in the purchase; negative where a reversal took something of it back."""

    id: str
    kind: str
    points: int
    money: MoneyBeside = None
    balance_after: int
    balance_after_money: MoneyBeside = None
    debt_change: int
    debt_change_money: MoneyBeside = None
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card: str | None
    reverses: str | None
    occurred_at: datetime
    posted_at: datetime
    purchase: MoneyOut | None


LINE = {
    "id": POSTING_ID,
    "kind": "accrual",
    "points": 100,
    "balance_after": 170,
    "debt_change": 0,
    "reason": "Coffee and cake",
    "receipt": "1001",
    "store": "arbat-1",
    "promotion": None,
    "card": CARD,
    "reverses": None,
    "occurred_at": "2026-11-24T12:00:00Z",
    "posted_at": "2026-11-24T12:00:01Z",
    "purchase": rub("1000.00"),
}
LINE_IN_MONEY = {
    **LINE,
    "points": 19_990,
    "money": rub("199.90"),
    "balance_after": 24_990,
    "balance_after_money": rub("249.90"),
    "debt_change_money": rub("0.00"),
    "purchase": None,
}


class StatementOut(AnswerBody):
    """Lines of a statement, newest first."""

    model_config = shows(
        {"items": [LINE], "next_cursor": "MQ"},
        in_money={"items": [LINE_IN_MONEY], "next_cursor": "MQ"},
    )

    items: list[LineOut]
    next_cursor: str | None


LOT = {
    "posting": POSTING_ID,
    "points": 100,
    "left": 70,
    "held": 0,
    "state": "active",
    "activates_at": "2026-11-24T12:00:00Z",
    "expires_at": "2027-11-24T21:00:00Z",
}
LOT_IN_MONEY = {
    **LOT,
    "points": 24_990,
    "money": rub("249.90"),
    "left": 24_990,
    "left_money": rub("249.90"),
    "held_money": rub("0.00"),
    "expires_at": None,
}


class LotOut(AnswerBody):
    """Points with the same dates, of which some are left: `points` is how many there were at first,
    `left` how many there are, `held` how many of those an open hold has set aside. `state` is by
    the clock: `pending` until `activates_at`, then `active`, and `expired` from `expires_at` on,
    for the seconds until they leave the balance; those that are held stay for their hold.
    `posting` brought them, or moved them here from the accounts of another member."""

    model_config = shows(LOT, in_money=LOT_IN_MONEY)

    posting: str
    points: int
    money: MoneyBeside = None
    left: int
    left_money: MoneyBeside = None
    held: int
    held_money: MoneyBeside = None
    state: LotState
    activates_at: datetime
    expires_at: datetime | None


class LotsOut(AnswerBody):
    """Points in the order in which they are spent: those that run out first come first."""

    model_config = shows(page_of(LOT), in_money=page_of(LOT_IN_MONEY))

    items: list[LotOut]
    next_cursor: str | None


class PostingEntryOut(AnswerBody):
    """What a posting did to one member: to their `points`, or to their `debt`. `points` is negative
    for what left the member, and for a debt that grew. `balance_after` is null for a debt."""

    member: str
    unit: str
    account: EntryAccount
    points: int
    money: MoneyBeside = None
    balance_after: int | None
    balance_after_money: MoneyBeside = None


FACTS = {
    "id": POSTING_ID,
    "programme": "demo",
    "kind": "accrual",
    "reason": "Coffee and cake",
    "receipt": "1001",
    "store": "arbat-1",
    "promotion": None,
    "card": CARD,
    "reverses": None,
    "undoes": None,
    "occurred_at": "2026-11-24T12:00:00Z",
    "posted_at": "2026-11-24T12:00:01Z",
    "purchase": rub("1000.00"),
}
ENTRY = {"member": MEMBER_ID, "unit": "points", "account": "points"}
DAYBOOK = {**FACTS, "entries": [{**ENTRY, "points": 100, "balance_after": 170}]}
DAYBOOK_IN_MONEY = {
    **FACTS,
    "purchase": None,
    "entries": [
        {
            **ENTRY,
            "unit": "money",
            "points": 19_990,
            "money": rub("199.90"),
            "balance_after": 24_990,
            "balance_after_money": rub("249.90"),
        }
    ],
}


class PostingFactsOut(AnswerBody):
    """A posting: what it was for, and what it did to each member; a gift has two entries.
    `reverses` is the posting that it undoes, `undoes` how many of its points. `purchase`: what was
    paid in the purchase; negative where a reversal took something of it back."""

    model_config = shows(DAYBOOK, in_money=DAYBOOK_IN_MONEY)

    id: str
    programme: str
    kind: PostingKind
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card: str | None
    reverses: str | None
    undoes: int | None
    occurred_at: datetime
    posted_at: datetime
    purchase: MoneyOut | None
    entries: list[PostingEntryOut]


class DaybookOut(AnswerBody):
    """Postings of a programme, newest first by when they happened."""

    model_config = shows(page_of(DAYBOOK), in_money=page_of(DAYBOOK_IN_MONEY))

    items: list[PostingFactsOut]
    next_cursor: str | None
