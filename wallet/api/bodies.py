"""What the API takes and gives, as pydantic models. Strict: a number in quotes is not a number, and
a misspelt name is an error, not a wish that nobody hears."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from ledger.fields import (
    Barcode,
    Birthday,
    Body,
    Code,
    Email,
    ExternalId,
    Hour,
    Id,
    Locale,
    Moment,
    MoneyIn,
    MoneyText,
    Name,
    NotEmpty,
    OfferText,
    Phone,
    Points,
    Readable,
    Reason,
    Receipt,
    Title,
    Version,
    WallTime,
)
from ledger.imports.columns import ImportKind
from ledger.limits import MOST_POINTS
from ledger.money import Amount
from ledger.people.consents import ConsentSource, Purpose
from ledger.points.resolving import Whom
from ledger.segments import documents
from wallet.outreach.audience import Audience
from wallet.outreach.campaigns import ConsentRule as CampaignConsent
from wallet.passes.barcode_settings import MOST_GRACE_HOURS, MOST_RENEW_DAYS, AtGoogle, Numbers
from wallet.passes.codes import CodeKind
from wallet.passes.content import LONGEST_MESSAGE

MOST_ITEMS = 5_000  # of a batch
MessageText = Annotated[str, Readable, Field(max_length=LONGEST_MESSAGE), NotEmpty]


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


def _is_empty(value: object) -> bool:
    return not value


# What came later is left out of the dump where it was not sent: the hash of a request is made of
# the dump, and one of a release that did not know the field must be recognised. For the same reason
# the order of fields is kept.
SentMoney = Annotated[MoneyIn | None, Field(default=None, exclude_if=_is_empty)]


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
    consents: Annotated[
        list[ConsentIn], Field(max_length=10, default_factory=list, exclude_if=_is_empty)
    ]

    def of_profile(self) -> dict[str, Any]:
        """What was given, by the names of `ledger.people.persons.Profile`. Null is given too: it
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

    @property
    def whom(self) -> Whom:
        return Whom(card=self.card, member=self.member)


class Part(Body):
    """How much of something, in `points` or in `money`; all of it without either."""

    money: SentMoney = None
    points: Points | None = None

    @field_validator("points")
    @classmethod
    def at_most_one(cls, points: int | None, sent: ValidationInfo) -> int | None:
        if points is not None and sent.data.get("money") is not None:
            raise PydanticCustomError("points_or_money", "give either points or money")
        return points

    @property
    def amount(self) -> Amount | None:
        return self.points if self.money is None else self.money.money


class HowMuch(Part):
    """How much: `points`, or `money` where the unit is money."""

    points: Points | None = Field(default=None, validate_default=True)

    @field_validator("points")
    @classmethod
    def one_at_least(cls, points: int | None, sent: ValidationInfo) -> int | None:
        # Money that does not fit is told of by itself.
        if points is None and "money" in sent.data and sent.data["money"] is None:
            raise PydanticKnownError("missing")
        return points

    @property
    def amount(self) -> Amount:
        return (self.points or 0) if self.money is None else self.money.money


class Told(Body):
    """Why points move, in the shop's own words."""

    reason: Reason | None = None
    receipt: Receipt | None = None
    store: Receipt | None = None
    promotion: Receipt | None = None
    occurred_at: Moment | None = None


class AccrualIn(HowMuch, ForMember, Told):
    unit: Code | None = None
    activates_at: Moment | None = None
    expires_at: Moment | None = None


class RedemptionIn(HowMuch, ForMember, Told):
    unit: Code | None = None


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


class WaveSearch(PageIn):
    """Those of one programme, or all."""

    programme: Code | None = None


class ScanIn(Body):
    barcode: Barcode


class MoneyOut(Answer):
    """`amount` has all decimals of its unit; what left a member is negative."""

    amount: str
    currency: str


# Beside points, where the unit is money; elsewhere it is left out.
MoneyBeside = Annotated[MoneyOut | None, Field(default=None, exclude_if=_is_empty)]


class CardOut(Answer):
    number: str
    barcode: str


class BalanceOut(Answer):
    available: int
    pending: int
    held: int
    available_money: MoneyBeside = None
    pending_money: MoneyBeside = None
    held_money: MoneyBeside = None


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
    source: ConsentSource
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


class EraseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    write_off: bool = Field(
        default=False, description="take the remaining points out of the book as expired"
    )


class ErasedOut(Answer):
    """Who is erased, and since when: the member and those who were merged into them. `written_off`:
    how many points this call wrote off."""

    id: str
    erased_at: datetime
    members: list[str]
    written_off: int


class OfferSeen(Answer):
    id: str
    title: str


class CouponSeen(Answer):
    """`id` is the pass, which `POST /passes/{id}/use` takes; `state` is `active`, `used`, `void` or
    `expired`."""

    id: str
    offer: str
    title: str
    text: str
    state: str
    until: datetime | None


class ScanOut(MemberOut):
    """The member a till sees; with the coupon, where it was one's barcode."""

    name: str | None
    offers: list[OfferSeen]
    coupon: CouponSeen | None


class WebhookOut(Answer):
    """The posting that was made, and the member's balance right after it."""

    id: str
    balance: BalanceOut


class MembersOut(Answer):
    items: list[MemberInFull | MemberOut]
    next_cursor: str | None


class HoldIn(HowMuch, ForMember, Told):
    """Points to be set aside. Without `lasts_seconds` they are free again after half an hour."""

    unit: Code | None = None
    lasts_seconds: Annotated[int, Field(ge=1, le=30 * 86_400)] = 1_800


class CaptureIn(Part):
    """How much of the hold is spent; all of it unless `points` or `money` says less."""


class ReversalIn(Part, Told):
    """How much of the posting is undone; all that is left of it unless `points` or `money` says
    less. Points that come back after their time live until `expires_at`."""

    expires_at: Moment | None = None


class Sides(Body):
    giver: ForMember = Field(alias="from")
    taker: ForMember = Field(alias="to")


class TransferIn(HowMuch, Sides, Told):
    unit: Code | None = None


class Keyed(Body):
    key: Annotated[str, Readable, Field(min_length=1, max_length=255)]
    type: Literal["accrual", "redemption"]


class BatchItemIn(HowMuch, Keyed, ForMember, Told):
    """One accrual or redemption, with an idempotency key of its own."""

    unit: Code | None = None
    activates_at: Moment | None = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def dates_of_accruals(self) -> Self:
        if self.type == "redemption" and (self.activates_at or self.expires_at):
            raise PydanticCustomError("no_dates", "a redemption has no activates_at or expires_at")
        return self


class BatchIn(Body):
    items: Annotated[list[BatchItemIn], Field(min_length=1, max_length=MOST_ITEMS)]


class IntoIn(Body):
    """The member that stays."""

    into: Id


class HeadIn(Body):
    """The member whose account the household shares."""

    head: Id


class NothingIn(Body):
    """The body of a call that needs none."""


class CouponIn(Body):
    """Who is to have the offer as a pass."""

    member: Id


class ExpireIn(Body):
    """When the pass ends; now, unless `at` says otherwise."""

    at: Moment | None = None


class StatementIn(PageIn):
    """Which lines of a statement are wanted: all filters must fit. The dates bound `occurred_at`,
    `since` included and `until` not. `at_least_money` and `at_most_money` are written
    `199.90 RUB`."""

    unit: Code | None = None
    kind: Code | None = None
    store: Receipt | None = None
    promotion: Receipt | None = None
    receipt: Receipt | None = None
    card: Id | None = None
    at_least: Annotated[int, Field(ge=0, le=MOST_POINTS)] | None = None
    at_most: Annotated[int, Field(ge=0, le=MOST_POINTS)] | None = None
    at_least_money: MoneyText | None = None
    at_most_money: MoneyText | None = None
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def one_of_each(self) -> Self:
        if self.at_least is not None and self.at_least_money is not None:
            raise PydanticCustomError("points_or_money", "give either at_least or at_least_money")
        if self.at_most is not None and self.at_most_money is not None:
            raise PydanticCustomError("points_or_money", "give either at_most or at_most_money")
        return self


class BalancesIn(BaseModel):
    """`at`: what the member had in all at that moment, instead of now."""

    model_config = ConfigDict(extra="forbid")

    at: Moment | None = None


class UnitIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit: Code | None = None


class PostingOut(Answer):
    """An accrual or a redemption as it was posted, with the balance right after it."""

    id: str
    member: str
    points: int
    money: MoneyBeside = None
    balance: BalanceOut


class HoldOut(Answer):
    """Points set aside. `posting` is the redemption that captured them."""

    id: str
    member: str
    points: int
    money: MoneyBeside = None
    state: Literal["open", "captured", "released", "timed_out"]
    captured: int
    captured_money: MoneyBeside = None
    posting: str | None
    placed_at: datetime
    expires_at: datetime
    balance: BalanceOut


class SideOut(Answer):
    """A member whom a posting concerns, with the balance right after it."""

    member: str
    balance: BalanceOut


class ReversalOut(Answer):
    """A posting that undid `points` of another one."""

    id: str
    reverses: str
    points: int
    money: MoneyBeside = None
    members: list[SideOut]


class TransferOut(Answer):
    id: str
    points: int
    money: MoneyBeside = None
    giver: SideOut = Field(alias="from")
    taker: SideOut = Field(alias="to")


class BatchItemOut(Answer):
    """What became of one item: the posting, or why there is none."""

    key: str
    status: int
    posting: PostingOut | None = None
    code: str | None = None
    detail: str | None = None


class BatchOut(Answer):
    items: list[BatchItemOut]


class UnitBalanceOut(Answer):
    """What a member has of one unit, in its smallest piece: `scale` decimal places. `debt` is what
    they owe. For a moment in the past only `total` is known."""

    unit: str
    kind: str
    scale: int
    currency: str | None
    total: int
    available: int | None = None
    pending: int | None = None
    held: int | None = None
    debt: int | None = None
    total_money: MoneyBeside = None
    available_money: MoneyBeside = None
    pending_money: MoneyBeside = None
    held_money: MoneyBeside = None
    debt_money: MoneyBeside = None


class BalancesOut(Answer):
    items: list[UnitBalanceOut]


class LiabilityMonth(Answer):
    """Points that members hold and that run out in this month; null: never."""

    month: date | None
    points: int
    money: MoneyBeside = None
    pending: int
    pending_money: MoneyBeside = None
    lots: int


class LiabilityOut(Answer):
    programme: str
    unit: str
    total: int
    total_money: MoneyBeside = None
    months: list[LiabilityMonth]


class LineOut(Answer):
    """A line of a statement; `points` is negative for what left the member."""

    id: str
    kind: str
    points: int
    money: MoneyBeside = None
    balance_after: int
    balance_after_money: MoneyBeside = None
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card: str | None
    occurred_at: datetime
    posted_at: datetime


class StatementOut(Answer):
    items: list[LineOut]
    next_cursor: str | None


class SealedEntry(Answer):
    """`account` is a number of the book's own; `kind` says whose it is."""

    account: int
    amount: int
    balance_after: int | None
    kind: str
    line: int
    unit: str


class SealedFacts(Answer):
    """What was sealed of a posting. `note` stands for its words."""

    card: int | None
    entries: list[SealedEntry]
    form: int
    id: str
    kind: str
    note: str | None
    occurred_at: str
    posted_at: str
    programme: str
    promotion: str | None
    receipt: str | None
    reverses: str | None
    store: str | None
    undoes: int | None


class SealedWords(Answer):
    reason: str
    salt: str


class RootOut(Answer):
    """The root of a closed day, and all that it is made of."""

    programme: str
    day: str
    first: int
    last: int
    head: str
    merkle: str
    previous: str
    root: str
    key: str
    signature: str


class ProofOut(Answer):
    form: int
    facts: SealedFacts
    words: SealedWords | None
    index: int
    path: list[str]
    root: RootOut


class OfferOut(Answer):
    id: str
    programme: str
    title: str
    text: str
    member: str | None
    starts_at: datetime = Field(alias="from")
    ends_at: datetime | None = Field(alias="until")
    withdrawn_at: datetime | None


class PassOut(Answer):
    """`state` is `active`, `void`, `expired`, `used`, or `erased` where its member was. `offer` is
    what a coupon is of; a member's card has none."""

    id: str
    member: str
    offer: str | None
    programme: str
    pass_type: str
    state: str
    expires_at: datetime | None
    version: int
    changed_at: datetime
    apple: str
    google: str | None


class PassesOut(Answer):
    """`bundle` leads to all that count, in one file for an iPhone."""

    items: list[PassOut]
    next_cursor: str | None
    bundle: str


class OffersOut(Answer):
    items: list[OfferOut]
    next_cursor: str | None


class WaveOut(Answer):
    """A change for a whole programme: it has seen so many of all cards, and changed those that
    differed. It is expected to be done at its present pace."""

    id: str
    programme: str
    state: str
    total: int
    seen: int
    changed: int
    passes_per_second: int
    created_at: datetime
    expected_at: datetime | None
    finished_at: datetime | None


class WavesOut(Answer):
    items: list[WaveOut]
    next_cursor: str | None


class ProgrammeLinks(Answer):
    """Where customers join, and where they read what happens to their data."""

    join: str
    privacy: str


class UnitOut(Answer):
    """What a programme counts. `live_days`: null where it lives for ever."""

    code: str
    kind: Literal["points", "stamps", "money"]
    scale: int
    currency: str | None
    live_days: int | None


class ProgrammeOut(Answer):
    """`units`: what it counts, the main one first."""

    code: str
    name: str
    locale: str
    timezone: str
    units: list[UnitOut]
    links: ProgrammeLinks


class ProgrammesOut(Answer):
    items: list[ProgrammeOut]
    next_cursor: str | None


class CardCodeOut(Answer):
    """`kind`: what the barcode holds. `numbers`: whether a till may give the plain number instead.
    `at_google`: whether the card there shows a code of its own that changes every half minute.
    A code is replaced after each scan and every `renew_days` (0: after scans only); the one before
    is good once more for `grace_hours`. `converting`: not all cards follow these terms yet."""

    kind: CodeKind
    numbers: Numbers
    at_google: AtGoogle
    renew_days: int
    grace_hours: int
    converting: bool


class CardCodeChange(Body):
    """What is not named stays as it is."""

    kind: CodeKind | None = None
    numbers: Numbers | None = None
    at_google: AtGoogle | None = None
    renew_days: int | None = Field(None, ge=0, le=MOST_RENEW_DAYS)
    grace_hours: int | None = Field(None, ge=0, le=MOST_GRACE_HOURS)


class CheckingKeyOut(Answer):
    """`secret` (of `hmac`) or `public_key` (of `ed25519`): 32 bytes in hexadecimal."""

    id: str
    secret: str | None
    public_key: str | None


class CheckingKeysOut(Answer):
    """`keys`: the one in use first."""

    programme: str
    kind: CodeKind
    keys: list[CheckingKeyOut]


class ImportAsked(BaseModel):
    """What the file is to be read as, in the address; in a form it may stand there instead."""

    model_config = ConfigDict(extra="forbid")

    programme: Code | None = None
    kind: ImportKind | None = None
    unit: Code | None = None
    reason: Reason | None = None


class ImportIn(BaseModel):
    """All that is needed to read a file, wherever it stood."""

    model_config = ConfigDict(extra="forbid")

    programme: Code
    kind: ImportKind
    unit: Code | None = None
    reason: Reason | None = None


class ApplyIn(Body):
    """`skip_bad`: apply the good rows of a file that has bad ones."""

    skip_bad: bool = False


class ImportFileOut(Answer):
    sha256: str
    bytes: int
    format: str


class LeftAsideOut(Answer):
    """A column that is not imported."""

    column: str
    code: str
    message: str


class ImportOut(Answer):
    """What the check found, and how far applying it is. `state` is reading, checked, applying or
    done; `proof` is the signed statement of a finished import."""

    id: str
    programme: str
    kind: ImportKind
    unit: str
    state: str
    file: ImportFileOut
    rows: int
    bad: int
    new_members: int
    found_members: int
    points_in_file: int
    points_in_file_money: MoneyBeside = None
    points_good: int
    points_good_money: MoneyBeside = None
    left_aside: list[LeftAsideOut]
    applied: int
    left_out: int
    joined: int
    points_applied: int
    points_applied_money: MoneyBeside = None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    proof: dict[str, Any] | None


class ImportSearch(PageIn):
    """Those of one programme, or all."""

    programme: Code | None = None


class ImportsOut(Answer):
    items: list[ImportOut]
    next_cursor: str | None


class ImportRowsIn(PageIn):
    lang: Locale | None = None


class ImportRowOut(Answer):
    """Why a row is left out. `field` is our name of the column and `column` the file's."""

    row: int
    field: str | None
    column: str | None
    code: str
    message: str


class ImportRowsOut(Answer):
    items: list[ImportRowOut]
    next_cursor: str | None


class TextsIn(Body):
    """What is said, in one language or in both: `{{name|friend}}` is filled for each member."""

    ru: MessageText | None = None
    en: MessageText | None = None

    def given(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class QuietIn(Body):
    """Hours of the programme's clock in which nobody is told; over midnight where `until` is the
    earlier."""

    begins: Hour = Field(alias="from")
    ends: Hour = Field(alias="until")

    @model_validator(mode="after")
    def leaves_some_time(self) -> Self:
        if self.begins == self.ends:
            raise PydanticCustomError("always_quiet", "from and until must differ")
        return self


class CapIn(Body):
    """At most so many messages to a member in so many days, the campaign's own included."""

    messages: Annotated[int, Field(ge=1, le=100)]
    days: Annotated[int, Field(ge=1, le=365)]


class CampaignPart(Body):
    audience: Audience = Field(default_factory=lambda: documents.EVERYONE)
    quiet_hours: QuietIn | None = None
    cap: CapIn | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=90)] = 0
    consent: CampaignConsent = "not_refused"

    @model_validator(mode="after")
    def not_too_deep(self) -> Self:
        documents.require_shallow(self.audience)
        return self


class CampaignIn(CampaignPart):
    """A campaign to be; it is a draft until it is started."""

    programme: Code
    name: Title
    texts: TextsIn


class CampaignChange(CampaignPart):
    """What is not named stays as it is."""

    name: Title | None = None
    texts: TextsIn | None = None


class StartIn(Body):
    """When the clock of the programme shows `at`, or at once."""

    at: WallTime | None = None


class PreviewIn(Body):
    """Whose words are wanted."""

    member: Id | None = None


class CampaignSearch(PageIn):
    programme: Code


class ProgressOut(Answer):
    """`done` of `recipients` are settled; `ends_about`: when all will be, at the pace of now."""

    recipients: int
    done: int
    frozen: bool
    ends_about: datetime | None


class CampaignOut(Answer):
    """`state`: draft, scheduled, running, paused, done or cancelled."""

    id: str
    programme: str
    name: str
    texts: dict[str, str]
    audience: dict[str, Any]
    quiet_hours: dict[str, str] | None
    cap: dict[str, int] | None
    holdout_percent: int
    consent: CampaignConsent
    state: str
    starts_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    progress: ProgressOut


class CampaignsOut(Answer):
    items: list[CampaignOut]
    next_cursor: str | None


class PreviewOut(Answer):
    """How many are meant, how many of them have a card in a phone, and what the member would
    read."""

    audience: int
    in_phones: int
    text: str | None


class ResultsOut(Answer):
    """The funnel. `apple` and `google` count the told by what became of the message there."""

    audience: int
    held_out: int
    no_consent: int
    capped: int
    no_card: int
    gone: int
    no_field: int
    waiting: int
    told: int
    apple: dict[str, int]
    google: dict[str, int]


class MessageTermsIn(Body):
    """A built-in message. `days`: how long before points run out, or since the last visit. `gift`:
    points that come with a birthday's message."""

    on: bool
    texts: TextsIn | None = None
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    gift: Points | None = None
    gift_money: SentMoney = None
    begins: Hour = Field(alias="from", default="10:00")
    ends: Hour = Field(alias="until", default="21:00")

    @model_validator(mode="after")
    def one_gift(self) -> Self:
        if self.gift is not None and self.gift_money is not None:
            raise PydanticCustomError("points_or_money", "give either gift or gift_money")
        return self


class MessageTermsOut(Answer):
    """`placeholders`: what its texts may name."""

    kind: str
    on: bool
    texts: dict[str, str]
    days: int | None
    gift: int | None
    gift_money: MoneyBeside = None
    begins: str = Field(alias="from")
    ends: str = Field(alias="until")
    placeholders: list[str]


class MessagesTermsOut(Answer):
    items: list[MessageTermsOut]


class WhyOut(Answer):
    code: str
    ru: str
    en: str


class MessageOut(Answer):
    """A message to a member and what is known of it. `text` is for keys that may personal:read."""

    kind: str
    campaign: str | None
    state: str
    text: str | None
    told_at: datetime | None
    apple: str | None
    fetched_at: datetime | None
    google: str | None
    accepted_at: datetime | None
    why: list[WhyOut]


class CardStateOut(Answer):
    """The card in phones. `alerts_left`: how many of Google's three in 24 hours."""

    version: int
    phones: int
    last_fetch_at: datetime | None
    fetched_version: int | None
    pushes_waiting: int
    google_saved: bool | None
    google_version: int | None
    alerts_left: int | None


class MessagesOut(Answer):
    card: CardStateOut
    items: list[MessageOut]
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
