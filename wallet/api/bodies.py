"""What the API takes and gives, as pydantic models. Strict: a number in quotes is not a number, and
a misspelt name is an error, not a wish that nobody hears."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from wallet.fields import (
    Birthday,
    Body,
    Code,
    Email,
    ExternalId,
    Id,
    Locale,
    Moment,
    Name,
    OfferText,
    Phone,
    Points,
    Reason,
    Receipt,
    Title,
)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(
        from_attributes=True, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )


class MemberIn(Body):
    programme: Code
    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None
    locale: Locale | None = None
    external_id: ExternalId | None = None


class ForMember(Body):
    """A member is named by card number or by id, never by both."""

    card: Id | None = None
    member: Id | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.card is None) == (self.member is None):
            raise PydanticCustomError("card_or_member", "give either card or member")
        return self


class AccrualIn(ForMember):
    points: Points
    reason: Reason | None = None
    receipt: Receipt | None = None
    occurred_at: Moment | None = None
    activates_at: Moment | None = None
    expires_at: Moment | None = None


class RedemptionIn(ForMember):
    points: Points
    reason: Reason | None = None
    receipt: Receipt | None = None
    occurred_at: Moment | None = None


class OfferIn(Body):
    programme: Code
    title: Title
    text: OfferText = ""
    member: Id | None = None
    starts_at: Moment | None = Field(default=None, alias="from")
    ends_at: Moment | None = Field(default=None, alias="until")


class PageIn(BaseModel):
    """How lists are read: `next_cursor` of one page is `cursor` of the next."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class MemberSearch(PageIn):
    """Exactly one of these."""

    card: Id | None = None
    phone: Phone | None = None
    email: Email | None = None
    external_id: ExternalId | None = None

    @model_validator(mode="after")
    def one_of_all(self) -> Self:
        given = [self.card, self.phone, self.email, self.external_id]
        if sum(value is not None for value in given) != 1:
            raise PydanticCustomError(
                "one_search", "give exactly one of card, phone, email and external_id"
            )
        return self


class ScanIn(Body):
    barcode: Id


class CardOut(Answer):
    number: str
    barcode: str


class BalanceOut(Answer):
    available: int
    pending: int
    held: int


class LinksOut(Answer):
    """Where the card is: its page, and where to add it to a wallet (null: not on offer)."""

    card: str
    apple: str | None
    google: str | None


class MemberOut(Answer):
    id: str
    programme: str
    card: CardOut
    balance: BalanceOut
    links: LinksOut


class OfferSeen(Answer):
    id: str
    title: str


class ScanOut(MemberOut):
    """The member a till sees."""

    name: str | None
    offers: list[OfferSeen]


class WebhookOut(Answer):
    """The posting that was made, and the member's balance right after it."""

    id: str
    balance: BalanceOut


class MembersOut(Answer):
    items: list[MemberOut]
    next_cursor: str | None


class PostingOut(Answer):
    """An accrual or a redemption as it was posted, with the balance right after it."""

    id: str
    member: str
    points: int
    balance: BalanceOut


class LineOut(Answer):
    """A line of a statement; `points` is negative for what left the member."""

    id: str
    kind: str
    points: int
    balance_after: int
    reason: str | None
    receipt: str | None
    occurred_at: datetime
    posted_at: datetime


class StatementOut(Answer):
    items: list[LineOut]
    next_cursor: str | None


class OfferOut(Answer):
    id: str
    programme: str
    title: str
    text: str
    member: str | None
    starts_at: datetime = Field(alias="from")
    ends_at: datetime | None = Field(alias="until")


class FieldProblem(Answer):
    field: str
    code: str
    message: str


class Problem(Answer):
    """A refusal (RFC 9457). `code` is stable; `detail` is for people."""

    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None
