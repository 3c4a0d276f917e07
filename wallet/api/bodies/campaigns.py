"""Campaigns: one message to many members."""

from datetime import datetime
from operator import not_
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, Hour, Id, LiveDays, Moment, Title, WallTime, either
from ledger.segments import documents, named
from wallet.api.bodies.amounts import AmountOrAll, MoneyBeside, MoneyOut
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import MEMBER_ID, Example, page_of, rub, shows
from wallet.api.bodies.messages import TextsIn
from wallet.api.bodies.paging import PageIn
from wallet.outreach.audience import AudienceOrSegment
from wallet.outreach.campaigns import (
    MOST_CAP_DAYS,
    MOST_CAPPED,
    MOST_HELD_OUT,
    CampaignPurpose,
    WaitsFor,
)
from wallet.outreach.comparison import Conclusion
from wallet.outreach.effect import Counted
from wallet.outreach.recipients import ConsentRule as CampaignConsent


class QuietIn(Body):
    """Hours of the programme's clock in which no member gets the message. They go over midnight if
    `until` is earlier than `from`."""

    begins: Hour = Field(alias="from")
    ends: Hour = Field(alias="until")

    @model_validator(mode="after")
    def leaves_some_time(self) -> Self:
        """Refuses hours that never end: `always_quiet`."""
        if self.begins == self.ends:
            raise PydanticCustomError(
                "always_quiet", "from and until must differ", {"field": "until"}
            )
        return self


class CapIn(Body):
    """A member gets at most `messages` in `days` days, this campaign's message included. Messages
    that answer a purchase do not count."""

    messages: Annotated[int, Field(ge=1, le=MOST_CAPPED)]
    days: Annotated[int, Field(ge=1, le=MOST_CAP_DAYS)]


class GiftIn(AmountOrAll):
    """What comes with the message to those who are told: points, or money, that live as the unit's
    terms say, or `live_days`, or until `expires_at`; or a `coupon` of this offer, which ends with
    it."""

    live_days: LiveDays | None = None
    expires_at: Moment | None = None
    coupon: Annotated[Id | None, Field(default=None, exclude_if=not_)]

    @model_validator(mode="after")
    def one_end(self) -> Self:
        """Refuses two ends: `days_or_moment`."""
        if self.live_days is not None and self.expires_at is not None:
            raise either("days_or_moment", "live_days", "expires_at")
        return self

    @model_validator(mode="after")
    def one_thing(self) -> Self:
        """Refuses a coupon with points or with dates of its own, and nothing at all:
        `points_or_coupon`."""
        if self.coupon is None:
            if self.amount is None:
                raise either("points_or_coupon", "points", "coupon")
            return self
        of_points = ("points", "money", "live_days", "expires_at")
        if sent := [name for name in of_points if getattr(self, name) is not None]:
            raise either("points_or_coupon", sent[0], "coupon")
        return self


class CampaignPart(Body):
    """Which members a campaign is for, and how many messages a member may get.

    `purpose`: `advertising`, unless it is said to be `service` (as "the shop is closed today"), or
    `consent` is `any`. Advertising goes to members who agreed to it (`given`), also to those who
    were never asked if that is said (`not_refused`), and not between 21:00 and 10:00 of the
    programme's clock unless `quiet_hours` says otherwise; null switches them off. Messages of
    service go to everybody (`any`) at any hour, unless something else is said."""

    audience: AudienceOrSegment = Field(default_factory=lambda: documents.EVERYONE)
    quiet_hours: QuietIn | None = None
    cap: CapIn | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=MOST_HELD_OUT)] = 0
    purpose: Annotated[CampaignPurpose | None, Field(default=None, exclude_if=not_)]
    consent: CampaignConsent | None = None
    gift: Annotated[GiftIn | None, Field(default=None, exclude_if=not_)]

    @field_serializer("consent")
    def as_before(self, consent: CampaignConsent | None) -> CampaignConsent:
        """The dump. The hash of a repeated request is made of it, and earlier releases named the
        default that they had."""
        return consent or "not_refused"

    @model_validator(mode="after")
    def not_too_deep(self) -> Self:
        """Refuses an audience that is nested too deeply for a database: `too_deep`."""
        named.require_shallow(self.audience)
        return self


DRAFT: Example = {
    "programme": "demo",
    "name": "Friday latte",
    "texts": {
        "ru": "{{name|Друг}}, в пятницу латте за полцены. Баллов на карте: {{points}}.",
        "en": "{{name|Friend}}, latte is half price on Friday. Points on your card: {{points}}.",
    },
    "audience": {
        "kind": "all",
        "of": [
            {"kind": "card", "wallet": "any"},
            {"kind": "not", "of": {"kind": "purchase", "days": 30}},
        ],
    },
    "quiet_hours": {"from": "22:00", "until": "09:00"},
    "cap": {"messages": 3, "days": 7},
    "holdout_percent": 10,
    "consent": "given",
    "gift": {"points": 50, "live_days": 30},
}


class CampaignIn(CampaignPart):
    """A new campaign. It is a draft until it is started."""

    model_config = shows(DRAFT)

    programme: Code
    name: Title
    texts: TextsIn


class CampaignChange(CampaignPart):
    """Changes of a campaign that tells nobody at present. What is not named stays as it is."""

    model_config = shows({"holdout_percent": 5})

    name: Title | None = None
    texts: TextsIn | None = None


class StartIn(Body):
    """The campaign starts when the programme's clock shows `at`; without it, at once."""

    model_config = shows({"at": "2027-03-01T10:00"})

    at: WallTime | None = None


class PreviewIn(Body):
    """The member whose text is wanted."""

    model_config = shows({"member": MEMBER_ID})

    member: Id | None = None


class CampaignSearch(PageIn):
    """The campaigns of one programme."""

    programme: Code


class GiftOut(AnswerBody):
    """What comes with the message to those who are told: `points`, or a `coupon` of this offer."""

    points: int | None
    money: MoneyBeside = None
    live_days: int | None
    expires_at: datetime | None
    coupon: Annotated[str | None, Field(default=None, exclude_if=not_)]


class ProgressOut(AnswerBody):
    """`done` of `recipients` are settled: told, or found not to be told. `frozen`: the list of
    recipients is complete. `ends_about`: when all will be settled at the present pace.

    `waits_for`: why no member is told at present: `start` is still to come, it is `quiet_hours`,
    the offer of its `coupon` is not on the cards yet, phones are behind with what they were told
    before (`pace`), or it is `paused`. `waits_until`:
    when it goes on by itself."""

    recipients: int
    done: int
    frozen: bool
    ends_about: datetime | None
    waits_for: WaitsFor | None
    waits_until: datetime | None


CAMPAIGN: Example = {
    "id": "01a20f24-5d3c-7f11-9c0e-3b8f0e6a7d21",
    **DRAFT,
    "purpose": "advertising",
    "gift": {"points": 50, "live_days": 30, "expires_at": None},
    "state": "draft",
    "starts_at": None,
    "started_at": None,
    "finished_at": None,
    "created_at": "2026-11-24T12:00:00Z",
    "progress": {
        "recipients": 0,
        "done": 0,
        "frozen": False,
        "ends_about": None,
        "waits_for": None,
        "waits_until": None,
    },
}
RUNNING: Example = {
    **CAMPAIGN,
    "state": "running",
    "starts_at": "2026-11-24T12:05:00Z",
    "started_at": "2026-11-24T12:05:00Z",
    "progress": {
        "recipients": 4000,
        "done": 1200,
        "frozen": True,
        "ends_about": "2026-11-24T12:07:00Z",
        "waits_for": None,
        "waits_until": None,
    },
}
CHANGED = {**CAMPAIGN, "holdout_percent": 5}
SCHEDULED = {
    **CAMPAIGN,
    "state": "scheduled",
    "starts_at": "2027-03-01T07:00:00Z",
    "progress": {
        **CAMPAIGN["progress"],
        "waits_for": "start",
        "waits_until": "2027-03-01T07:00:00Z",
    },
}
STOPPED = {**RUNNING["progress"], "ends_about": None}
PAUSED = {**RUNNING, "state": "paused", "progress": {**STOPPED, "waits_for": "paused"}}
CANCELLED = {
    **RUNNING,
    "state": "cancelled",
    "finished_at": "2026-11-24T12:06:00Z",
    "progress": STOPPED,
}


class CampaignOut(AnswerBody):
    """A campaign. `state`: `draft`, `scheduled`, `running`, `paused`, `done` or `cancelled`."""

    model_config = shows(RUNNING)

    id: str
    programme: str
    name: str
    texts: dict[str, str]
    audience: dict[str, Any]
    quiet_hours: dict[str, str] | None
    cap: dict[str, int] | None
    holdout_percent: int
    purpose: CampaignPurpose
    consent: CampaignConsent
    gift: GiftOut | None
    state: str
    starts_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    progress: ProgressOut


class CampaignsOut(AnswerBody):
    """Campaigns, newest first."""

    model_config = shows(page_of(RUNNING))

    items: list[CampaignOut]
    next_cursor: str | None


class PreviewOut(AnswerBody):
    """`audience`: how many members are meant. `in_phones`: how many of them have their card in a
    phone. `text`: what the named member would read."""

    model_config = shows(
        {
            "audience": 4000,
            "in_phones": 3100,
            "text": "Anna, latte is half price on Friday. Points on your card: 70.",
        }
    )

    audience: int
    in_phones: int
    text: str | None


MORE: Example = {
    "code": "more",
    "ru": "Среди получивших сообщение больше, и случайностью это вряд ли объяснить.",
    "en": "More among those who were told, and chance hardly explains it.",
}
MAY_BE_CHANCE: Example = {
    "code": "may_be_chance",
    "ru": "Разница может быть случайной.",
    "en": "The difference may be chance.",
}


class ResultsIn(BaseModel):
    """For how many days from the campaign's start purchases are counted."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=1, le=365)] = 30


class GroupOut(AnswerBody):
    """Members, how many of them bought something, and which part of them that is."""

    members: int
    bought: int
    percent: str


class ShareDifference(AnswerBody):
    """How much greater the share of buyers is among those who were told, in percentage points; it
    lies between `low` and `high` in 19 of 20 comparisons."""

    percent: str
    low: str
    high: str


class ConclusionOut(AnswerBody):
    """What may be said of a difference: a stable code (`more`, `less`, `may_be_chance`, `too_few`,
    `nobody_held_out`), and a sentence in each language."""

    code: Conclusion
    ru: str
    en: str


class SpentOut(AnswerBody):
    """What a group paid, less what was taken back, and what that is for each of its members,
    whether they bought something or not."""

    total: MoneyOut
    average: MoneyOut


class AverageDifference(AnswerBody):
    """How much more a member who was told paid on average; it lies between `low` and `high` in 19
    of 20 comparisons."""

    average: MoneyOut
    low: MoneyOut
    high: MoneyOut


class InCurrencyOut(AnswerBody):
    """What both groups paid in one currency. `difference` is null where there is nothing to compare
    with."""

    told: SpentOut
    held_out: SpentOut
    difference: AverageDifference | None
    conclusion: ConclusionOut


EFFECT: Example = {
    "since": "2026-11-24T12:05:00Z",
    "until": "2026-12-24T12:05:00Z",
    "counted": "purchases",
    "told": {"members": 3422, "bought": 584, "percent": "17.07"},
    "held_out": {"members": 402, "bought": 51, "percent": "12.69"},
    "difference": {"percent": "4.38", "low": "0.56", "high": "7.55"},
    "conclusion": MORE,
    "money": [
        {
            "told": {"total": rub("419312.40"), "average": rub("122.53")},
            "held_out": {"total": rub("38190.00"), "average": rub("95.00")},
            "difference": {
                "average": rub("27.53"),
                "low": rub("-4.10"),
                "high": rub("59.16"),
            },
            "conclusion": MAY_BE_CHANCE,
        }
    ],
}


class EffectOut(AnswerBody):
    """What members bought from the start of the campaign up to `until` (or up to now, if that is
    still to come); of a built-in message, after those that were due from `since` to `until`: those
    who were told, and those who would have been and were held out.

    `counted`: `purchases` as tills tell them; `accruals` that were no gifts, where none were ever
    told; or `both`, where the first was told within the time. `difference` is null where there is
    nothing to compare with."""

    model_config = shows(EFFECT)

    since: datetime
    until: datetime
    counted: Counted
    told: GroupOut
    held_out: GroupOut
    difference: ShareDifference | None
    conclusion: ConclusionOut
    money: list[InCurrencyOut]


class CostOut(AnswerBody):
    """What the campaign cost: how many members were told, and how many points came with its
    messages."""

    messages: int
    gifts: int
    gifts_money: MoneyBeside = None


class CouponsOut(AnswerBody):
    """Coupons that came with the messages: how many were `given`, how many members `had` one of the
    offer already and were only told, and how many of those that were given were `used`."""

    given: int
    had: int
    used: int


class ResultsOut(AnswerBody):
    """How many members of the audience got how far. `apple` and `google` count those who were told
    by what became of the message in that wallet; a member with both is counted in both.
    `purchases` is null before the campaign has begun, and `coupons` where none come with it."""

    model_config = shows(
        {
            "audience": 4000,
            "held_out": 402,
            "no_consent": 120,
            "capped": 55,
            "no_card": 0,
            "gone": 1,
            "no_field": 0,
            "refused": 0,
            "no_coupon": 0,
            "waiting": 0,
            "told": 3422,
            "apple": {
                "queued": 0,
                "accepted": 310,
                "fetched": 2360,
                "replaced": 12,
                "removed": 20,
                "device_gone": 8,
                "refused": 0,
                "never_fetched": 0,
            },
            "google": {
                "queued": 0,
                "accepted": 690,
                "accepted_silently": 14,
                "removed": 8,
                "refused": 0,
            },
            "purchases": EFFECT,
            "coupons": {"given": 3310, "had": 112, "used": 241},
            "cost": {"messages": 3422, "gifts": 0},
        }
    )

    audience: int
    held_out: int
    no_consent: int
    capped: int
    no_card: int
    gone: int
    no_field: int
    refused: int
    no_coupon: int
    waiting: int
    told: int
    apple: dict[str, int]
    google: dict[str, int]
    purchases: EffectOut | None
    coupons: CouponsOut | None
    cost: CostOut
