"""What the API takes and gives, as pydantic models. Strict: a number in quotes is not a number, and
a misspelt name is an error, not a wish that nobody hears."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.consents import Purpose, Source
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
    Version,
)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(
        from_attributes=True, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )


class ConsentIn(Body):
    """What a member agreed to or took back, where the integration asked them; `text_version` names
    the text that stood before them, in its own words."""

    purpose: Purpose
    given: bool
    text_version: Version | None = None
    at: Moment | None = None


def _is_empty(value: list[ConsentIn]) -> bool:
    return not value


class InProgramme(Body):
    programme: Code


class PersonIn(Body):
    """What is known of a person, and what they decided."""

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None
    locale: Locale | None = None
    external_id: ExternalId | None = None
    # Left out of the dump while empty: the hash of a request is made of the dump, and one of a
    # release that did not know this field must be recognised.
    consents: Annotated[
        list[ConsentIn], Field(max_length=10, default_factory=list, exclude_if=_is_empty)
    ]

    def of_profile(self) -> dict[str, Any]:
        """What was given, by the names of `ledger.members.Profile`. Null is given too: it
        forgets."""
        return self.model_dump(exclude_unset=True, include=PROFILE)


PROFILE = set(PersonIn.model_fields) - {"consents"}


class MemberIn(PersonIn, InProgramme):
    """Somebody who joins."""


class MemberChange(PersonIn):
    """What is not named stays as it is."""


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


class OfferSearch(PageIn):
    """All offers of a programme; with a member, those that this member is or was shown."""

    programme: Code
    member: Id | None = None


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


class ConsentOut(Answer):
    """The decision that holds for a purpose."""

    purpose: Purpose
    given: bool
    text_version: str | None
    source: Source
    at: datetime


class MemberInFull(MemberOut):
    """A member with what is known of the person. Only keys that may `personal:read` see more than
    `MemberOut` has."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birthday: date | None = None
    locale: str | None = None
    external_id: str | None = None
    consents: Annotated[list[ConsentOut], Field(default_factory=list)]


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
    items: list[MemberInFull | MemberOut]
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
    withdrawn_at: datetime | None


class OffersOut(Answer):
    items: list[OfferOut]
    next_cursor: str | None


class ProgrammeLinks(Answer):
    """Where customers join, and where they read what happens to their data."""

    join: str
    privacy: str


class ProgrammeOut(Answer):
    """`points_live_days`: null where points live for ever."""

    code: str
    name: str
    locale: str
    timezone: str
    points_live_days: int | None
    links: ProgrammeLinks


class ProgrammesOut(Answer):
    items: list[ProgrammeOut]
    next_cursor: str | None


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
