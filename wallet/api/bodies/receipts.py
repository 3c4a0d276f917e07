"""Receipts as tills send them, and quotes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.catalogue.goods import GoodsKind
from ledger.catalogue.putting import MOST_PROPERTIES
from ledger.fields import (
    Barcode,
    Body,
    Code,
    Count,
    Email,
    Id,
    Moment,
    MoneyIn,
    NotEmpty,
    PaidIn,
    Phone,
    Readable,
    either,
)
from ledger.money import AMOUNT
from ledger.people.cards import normalise
from ledger.promotions.arithmetic import THOUSAND
from ledger.promotions.conditions.payment import PaymentKind
from ledger.promotions.promotions import MOST_TIMES, PromotionCode
from ledger.sales.receipts import CardToPay, ReceiptLine, TillReceipt
from ledger.sales.records import ConflictCode
from wallet.api.bodies.amounts import BalanceOut, MoneyOut
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, MEMBER_ID, Example, page_of, rub, shows
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.products import PropertyName, PropertyValue, Sku, VatRate

MOST_CODES = 20
MOST_QUANTITY = 1_000_000  # of one line
QUANTITY_PLACES = 3


def thousandths(value: object) -> object:
    """A quantity as it is written, `"1.250"` or 2, in thousandths."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("quantity_malformed", 'must be a quantity such as "1.250" or 2')
    found = AMOUNT.fullmatch(str(value))
    if found is None or found[1] or len(found[3] or "") > QUANTITY_PLACES:
        raise PydanticCustomError("quantity_malformed", 'must be a quantity such as "1.250" or 2')
    size = int(found[2]) * THOUSAND + int((found[3] or "").ljust(QUANTITY_PLACES, "0"))
    if not 0 < size <= MOST_QUANTITY * THOUSAND:
        raise PydanticCustomError(
            "quantity_out_of_range",
            "must be more than 0, and at most {most}",
            {"most": MOST_QUANTITY},
        )
    return size


QUANTITY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,3})?$"},
        {"type": "integer", "minimum": 1, "maximum": MOST_QUANTITY},
    ]
}
Quantity = Annotated[
    int, BeforeValidator(thousandths), Field(json_schema_extra=lambda schema: _quantity(schema))
]
LineId = Annotated[str, Readable, Field(max_length=40), NotEmpty]
LineName = Annotated[str, Readable, Field(max_length=300)]
TillWord = Annotated[str, Readable, Field(max_length=100), NotEmpty]


def _quantity(schema: dict[str, Any]) -> None:
    schema.clear()
    schema.update(QUANTITY_SCHEMA)


class ReceiptLineIn(Body):
    """A line of a receipt. Either `sku` or `barcode` names the product. What the catalogue knows of
    it may be left out, the price too."""

    id: LineId
    sku: Sku | None = None
    barcode: Barcode | None = None
    quantity: Quantity | None = None
    price: PaidIn | None = None
    list: PaidIn | None = None
    name: LineName | None = None
    kind: GoodsKind | None = None
    given: PaidIn | None = None
    given_reason: LineName | None = None
    closed: bool = False
    floor_price: PaidIn | None = None
    marked: str | None = Field(default=None, max_length=200)
    parent: LineId | None = None
    seller: TillWord | None = None
    vat: VatRate | None = None
    properties: Annotated[dict[PropertyName, PropertyValue], Field(max_length=MOST_PROPERTIES)] = (
        Field(default_factory=dict)
    )

    @model_validator(mode="after")
    def names_one_product(self) -> Self:
        """Refuses a line with neither `sku` nor `barcode`, or with both."""
        if (self.sku is None) == (self.barcode is None):
            raise either("sku_or_barcode", "sku", "barcode")
        return self

    @property
    def told(self) -> ReceiptLine:
        """The line as the ledger takes it."""
        return ReceiptLine(
            id=self.id,
            sku=self.sku,
            barcode=self.barcode,
            quantity=self.quantity,
            price=None if self.price is None else self.price.money,
            listed=None if self.list is None else self.list.money,
            kind=self.kind,
            given=None if self.given is None else self.given.money,
            closed=self.closed,
            floor_price=None if self.floor_price is None else self.floor_price.money,
            marked=self.marked is not None,
            parent=self.parent,
            properties=self.properties,
        )


class RewardIn(Body):
    """A reward that the member takes for points, and how often."""

    promotion: PromotionCode
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1


class GiftCardIn(Body):
    """A gift card that is to pay so much, or `most` for as much as it can."""

    card: Barcode
    amount: Literal["most"] | MoneyIn


class PayIn(Body):
    """How much is paid with points: this many, or `most` for as many as may be; and what the member
    takes for points, which comes before that. `gift_cards` pay of what is left to pay then."""

    points: Literal["most"] | Count | None = None
    rewards: Annotated[list[RewardIn], Field(max_length=MOST_CODES)] = Field(default_factory=list)
    gift_cards: Annotated[list[GiftCardIn], Field(max_length=MOST_CODES)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def names_each_once(self) -> Self:
        """Refuses a reward or a card that stands there twice."""
        codes = [one.promotion for one in self.rewards]
        if len(set(codes)) < len(codes):
            raise PydanticCustomError("reward_twice", "must name each reward once")
        cards = [normalise(one.card) for one in self.gift_cards]
        if len(set(cards)) < len(cards):
            raise PydanticCustomError("card_twice", "must name each card once")
        return self


class PaymentIn(Body):
    """One of the ways in which the purchase is paid. `amount`: how much is paid so; without it, all
    that is left."""

    kind: PaymentKind
    amount: MoneyIn | None = None


class ReceiptIn(Body):
    """A receipt before it is paid. One of `card`, `member`, `phone`, `email` and `barcode` says who
    buys; without them nobody is known. `at`: when it is bought; without it, now."""

    model_config = shows(
        {
            "programme": "demo",
            "store": "centre",
            "till": "1",
            "card": CARD,
            "lines": [
                {"id": "1", "sku": "SHOE-38", "quantity": "1", "price": rub("4990.00")},
                {"id": "2", "sku": "SOCKS", "quantity": "3", "price": rub("299.00")},
                {"id": "3", "sku": "BAG", "quantity": "1", "price": rub("15.00"), "kind": "bag"},
            ],
            "pay": {"points": "most"},
        }
    )

    id: TillWord | None = None
    programme: Code
    store: Code | None = None
    till: Code | None = None
    shift: TillWord | None = None
    number: TillWord | None = None
    cashier: TillWord | None = None
    channel: Code | None = None
    at: Moment | None = None
    card: Barcode | None = None
    member: Id | None = None
    phone: Phone | None = None
    email: Email | None = None
    barcode: Barcode | None = None
    lines: Annotated[list[ReceiptLineIn], Field(min_length=1)]
    codes: Annotated[list[TillWord], Field(max_length=MOST_CODES)] = Field(default_factory=list)
    pay: PayIn = PayIn()
    payments: Annotated[list[PaymentIn], Field(max_length=20)] = Field(default_factory=list)

    @model_validator(mode="after")
    def names_one_buyer(self) -> Self:
        """Refuses a receipt that says in two ways who buys."""
        ways = [self.card, self.member, self.phone, self.email, self.barcode]
        if len([way for way in ways if way is not None]) > 1:
            raise PydanticCustomError(
                "one_buyer", "give one of card, member, phone, email, barcode"
            )
        return self

    @property
    def names_an_address(self) -> bool:
        """Whether the buyer is named by a phone number or an e-mail address, which others may know
        too."""
        return self.phone is not None or self.email is not None

    @property
    def told(self) -> TillReceipt:
        """The receipt as the ledger takes it."""
        return TillReceipt(
            lines=[line.told for line in self.lines],
            store=self.store,
            till=self.till,
            channel=self.channel,
            at=self.at,
            codes=self.codes,
            paid_by=frozenset(one.kind for one in self.payments),
            pays=self.pay.points,
            rewards={one.promotion: one.times for one in self.pay.rewards},
            gift_cards=[
                CardToPay(one.card, one.amount if one.amount == "most" else one.amount.money)
                for one in self.pay.gift_cards
            ],
        )


class PieceOut(AnswerBody):
    """A part of a line as a fiscal device prints it: price x quantity, rounded half up, is
    exactly `total`."""

    quantity: str
    price: MoneyOut
    total: MoneyOut


class LineReasonOut(AnswerBody):
    """Why a line costs what it does; the amounts of a line add up to its discount."""

    promotion: str | None
    amount: MoneyOut
    text: str


class QuoteLineOut(AnswerBody):
    """A line, priced: list - given - discount - points = total."""

    id: str
    list: MoneyOut
    given: MoneyOut
    discount: MoneyOut
    points: MoneyOut
    total: MoneyOut
    percent: str
    pieces: Sequence[PieceOut]
    reasons: Sequence[LineReasonOut]


class PointsReasonOut(AnswerBody):
    """What points are earned for: a promotion, or the base programme (null)."""

    promotion: str | None
    points: int
    text: str


class BoughtRewardOut(AnswerBody):
    """A reward that was taken for points, how often, and for how many in all; 0 times for one that
    was wished and cannot be had."""

    promotion: str
    times: int
    points: int


class QuotePointsOut(AnswerBody):
    """What a receipt earns and spends in points, and how many it may spend at most. `paid` is the
    money that the spent ones stand for; `rewards`: what was taken for the others. `spend_needs`:
    `code` where the member must say a code to spend."""

    earned: int
    spent: int
    most: int
    paid: MoneyOut
    spend_needs: Literal["code"] | None = None
    rewards: Sequence[BoughtRewardOut]
    reasons: Sequence[PointsReasonOut]


class PresentOut(AnswerBody):
    """A gift that the till hands out and adds to the receipt."""

    sku: str
    quantity: int
    promotion: str


class PaidByOut(AnswerBody):
    """What pays beside the money of the customer: a gift card, or points that are a payment."""

    kind: Literal["gift_card", "points"]
    amount: MoneyOut
    card: str | None = None


class EnteredCodeOut(AnswerBody):
    """A code that was entered, and what became of it."""

    code: str
    state: Literal["applied", "unused", "unknown"]
    text: str


class PromotionOutcomeOut(AnswerBody):
    """What became of a promotion that could touch the basket."""

    promotion: str
    version: int
    outcome: str
    lost_to: str | None = None
    amount: MoneyOut
    text: str


QUOTE_LINE = {
    "id": "1",
    "list": rub("4990.00"),
    "given": rub("0.00"),
    "discount": rub("0.00"),
    "points": rub("446.49"),
    "total": rub("4543.51"),
    "percent": "0",
    "pieces": [{"quantity": "1", "price": rub("4543.51"), "total": rub("4543.51")}],
    "reasons": [],
}
QUOTE = {
    "lines": [QUOTE_LINE],
    "list": rub("5902.00"),
    "given": rub("0.00"),
    "discount": rub("299.00"),
    "points": {
        "earned": 254,
        "spent": 500,
        "most": 500,
        "paid": rub("500.00"),
        "spend_needs": None,
        "rewards": [],
        "reasons": [{"promotion": None, "points": 254, "text": "5 % of every purchase"}],
    },
    "total": rub("5103.00"),
    "due": rub("5103.00"),
    "paid_by": [],
    "gifts": [],
    "codes": [],
    "promotions": [
        {
            "promotion": "socks",
            "version": 1,
            "outcome": "applied",
            "lost_to": None,
            "amount": rub("299.00"),
            "text": "Three pairs of socks for two",
        }
    ],
    "rounding": None,
    "slip": ["You saved RUB 299", "Points spent: 500", "Points earned: 254", "Points left: 740"],
    "rules": 1,
}


class QuoteOut(AnswerBody):
    """A receipt, priced; the lines add up to it. `rounding`: where percents are rounded for each
    line or unit, how much more was taken off by that than the exact percents. `slip`: lines for the
    foot of the receipt, of 40 signs at most. `rules`: by which edition of the arithmetic."""

    model_config = shows(QUOTE)

    lines: Sequence[QuoteLineOut]
    list: MoneyOut
    given: MoneyOut
    discount: MoneyOut
    points: QuotePointsOut
    total: MoneyOut
    due: MoneyOut
    paid_by: Sequence[PaidByOut]
    gifts: Sequence[PresentOut]
    codes: Sequence[EnteredCodeOut]
    promotions: Sequence[PromotionOutcomeOut]
    rounding: MoneyOut | None
    slip: Sequence[str]
    rules: int


class ReceiptPaid(ReceiptIn):
    """A receipt that was paid, and so is confirmed at once. It is known for ever by its `id`; or
    without one by store, till, business day and `number`."""

    model_config = shows(
        {
            "id": "9f1c7a20",
            "programme": "demo",
            "store": "centre",
            "till": "1",
            "number": "17",
            "cashier": "olga",
            "card": CARD,
            "lines": [{"id": "1", "sku": "SHOE-38", "quantity": "1", "price": rub("4990.00")}],
            "payments": [{"kind": "card"}],
            "confirm": True,
        }
    )

    confirm: Literal[True]

    @property
    def ticket_facts(self) -> dict[str, Any]:
        """What it is called beside its key, and by whom it was rung up."""
        return {
            "shift": self.shift,
            "number": self.number,
            "cashier": self.cashier,
            "payments": [one.model_dump(mode="json", exclude_none=True) for one in self.payments],
            "sellers": {line.id: line.seller for line in self.lines if line.seller is not None},
        }

    @property
    def as_sent(self) -> str:
        """What it says, to be compared with what comes again. What is not said is left out, so a
        later release that takes more reads the same."""
        return self.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)


class ConflictOut(AnswerBody):
    """What could not be had any more when a receipt that was paid came in. `points`, `rewards` and
    `gift_cards`: less was there than was to pay or to be bought; `card`: it is not valid any more,
    so the receipt is nobody's; `clock`: the time cannot be, so the server's stands."""

    code: ConflictCode
    detail: str


class BookedPointsOut(AnswerBody):
    """Points that were booked for a receipt, in whole pieces of the unit."""

    earned: int
    spent: int


RECEIPT: Example = {
    "id": "9f1c7a20",
    "programme": "demo",
    "state": "confirmed",
    "store": "centre",
    "till": "1",
    "shift": None,
    "number": "17",
    "cashier": "olga",
    "member": MEMBER_ID,
    "at": "2026-12-01T09:00:00Z",
    "quote": QUOTE,
    "points": {"earned": 254, "spent": 500},
    "balance": {"available": 254, "pending": 0, "held": 0, "debt": 0},
    "conflicts": [],
}


class ReceiptOut(AnswerBody):
    """A receipt on record. `balance`: what the member has now; null for an anonymous one."""

    model_config = shows(RECEIPT)

    id: str
    programme: str
    state: Literal["confirmed"]
    store: str | None
    till: str | None
    shift: str | None
    number: str | None
    cashier: str | None
    member: str | None
    at: datetime
    quote: QuoteOut
    points: BookedPointsOut
    balance: BalanceOut | None
    conflicts: Sequence[ConflictOut]


class ReceiptAsked(Body):
    """Of which programme."""

    programme: Code


class ReceiptsIn(PageIn):
    """Which receipts are listed; what is not said may be anything. `since` and `until`: when they
    were bought, the first included, the second not."""

    programme: Code
    member: Id | None = None
    store: Code | None = None
    till: Code | None = None
    shift: TillWord | None = None
    number: TillWord | None = None
    cashier: TillWord | None = None
    since: Moment | None = None
    until: Moment | None = None


class ReceiptsOut(AnswerBody):
    """Receipts on record, the newest first."""

    model_config = shows(page_of(RECEIPT))

    items: Sequence[ReceiptOut]
    next_cursor: str | None


class LaneOut(AnswerBody):
    """What a group of promotions that are decided together came to. `exact`: whether every set was
    tried, where the best set was looked for."""

    lane: str
    mode: str
    taken_off: MoneyOut
    exact: bool


class TraceOut(AnswerBody):
    """How a quote came about: what became of every promotion, and of every group of them. `facts`:
    what was asked about the buyer, with the answers; 1 is yes. `unreadable`: promotions that name
    a kind that is not installed any more."""

    promotions: Sequence[PromotionOutcomeOut]
    lanes: Sequence[LaneOut]
    facts: dict[str, int]
    unreadable: Sequence[str]


class CheckOut(AnswerBody):
    """What a receipt would cost, and how that came about."""

    model_config = shows(
        {
            "quote": QUOTE,
            "trace": {
                "promotions": QUOTE["promotions"],
                "lanes": [
                    {"lane": "main", "mode": "best", "taken_off": rub("299.00"), "exact": True}
                ],
                "facts": {"member": 1},
                "unreadable": [],
            },
        }
    )

    quote: QuoteOut
    trace: TraceOut
