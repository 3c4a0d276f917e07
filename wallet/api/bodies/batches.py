"""Many accruals and redemptions in one call."""

from operator import not_
from typing import Annotated, Literal, Self, cast

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, Moment, Readable
from wallet.api.bodies.answers import AnswerBody, FieldProblem
from wallet.api.bodies.examples import CARD, rub, shows
from wallet.api.bodies.items import MalformedItem, fails_alone
from wallet.api.bodies.movements import Details, ForMember, ForPurchase, HowMuchOrEarned
from wallet.api.bodies.points import POSTING, POSTING_IN_MONEY, PostingOut

MOST_ITEMS = 5_000


class Keyed(Body):
    """What an item of a batch is, and the key by which it is recognised when it is sent again."""

    key: Annotated[str, Readable, Field(min_length=1, max_length=255)]
    type: Literal["accrual", "redemption"]


class BatchItemIn(HowMuchOrEarned, Keyed, ForMember, Details, ForPurchase):
    """One accrual or redemption, with an idempotency key of its own. An accrual with a `purchase`
    and no `points` earns what the base programme says."""

    unit: Code | None = None
    activates_at: Moment | None = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def dates_of_accruals(self) -> Self:
        """Refuses dates on a redemption: `no_dates`."""
        if self.type == "redemption" and (self.activates_at or self.expires_at):
            raise PydanticCustomError(
                "no_dates",
                "a redemption has no activates_at or expires_at",
                {"field": "activates_at" if self.activates_at else "expires_at"},
            )
        return self


ITEM = {"key": "receipt-1", "type": "accrual", "card": CARD}


class BatchIn(Body):
    """Accruals and redemptions, posted in this order."""

    model_config = shows(
        {
            "items": [
                {**ITEM, "points": 100, "purchase": rub("1000.00")},
                {"key": "receipt-2", "type": "redemption", "card": CARD, "points": 900},
            ]
        },
        in_money={"items": [{**ITEM, "money": rub("199.90")}]},
    )

    items: Annotated[
        list[Annotated[BatchItemIn, fails_alone("key")]],
        Field(min_length=1, max_length=MOST_ITEMS),
    ]

    @property
    def all_items(self) -> list[BatchItemIn | MalformedItem]:
        """The items as they came, those that do not fit among them."""
        return cast(list[BatchItemIn | MalformedItem], self.items)


class BatchItemOut(AnswerBody):
    """The outcome of one item: the posting, or the code and the sentence of the refusal; of an item
    that does not fit, also every field at fault."""

    key: str | None
    status: int
    posting: PostingOut | None = None
    code: str | None = None
    detail: str | None = None
    errors: Annotated[list[FieldProblem] | None, Field(exclude_if=not_)] = None


POSTED = {
    "key": "receipt-1",
    "status": 201,
    "posting": POSTING,
    "code": None,
    "detail": None,
}
REFUSED = {
    "key": "receipt-2",
    "status": 409,
    "posting": None,
    "code": "insufficient_points",
    "detail": "900 points were asked for and 170 can be spent.",
}


class BatchOut(AnswerBody):
    """The outcomes of all items, in the order in which they were sent."""

    model_config = shows(
        {"items": [POSTED, REFUSED]}, in_money={"items": [{**POSTED, "posting": POSTING_IN_MONEY}]}
    )

    items: list[BatchItemOut]
