"""Built-in messages, and what became of the messages to one member."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_serializer, model_validator

from ledger.fields import (
    Body,
    Hour,
    LiveDays,
    Locale,
    Moment,
    NotEmpty,
    Points,
    Readable,
    either,
)
from wallet.api.bodies.amounts import MoneyBeside, SentMoney
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows
from wallet.outreach.recipients import ConsentRule
from wallet.passes.content import LONGEST_MESSAGE

MessageText = Annotated[str, Readable, Field(max_length=LONGEST_MESSAGE), NotEmpty]


class TextsIn(RootModel[dict[Locale, MessageText | None]]):
    """What is said, by language: `{{name|friend}}` is filled for each member."""

    model_config = ConfigDict(strict=True)

    def given(self) -> dict[str, str]:
        """The texts by language; a null counts as not sent."""
        return {language: text for language, text in self.root.items() if text is not None}

    @model_serializer
    def as_before(self) -> dict[str, str | None]:
        """The dump. An earlier release knew two languages and always named both; the hash of a
        repeated request is made of the dump, so both are named still."""
        return {"ru": None, "en": None, **self.root}


TERMS = {
    "on": True,
    "texts": {"en": "{{name|Hello}}, {{burning}} points run out on {{day}}."},
    "days": 7,
    "from": "10:00",
    "until": "21:00",
}


class MessageTermsIn(Body):
    """How a built-in message is wanted. `days`: how many days before points run out, or after the
    last visit, it is sent. `gift`: points that come with the message, once for each occasion; they
    live `gift_live_days`, or as the unit's terms say. It is sent between `from` and `until` of the
    programme's clock. `consent`: to members who agreed to news (`given`), also to those who were
    never asked (`not_refused`), or to `any`. Left out, it is `given` for `lapsed`, which is
    advertising and cannot have `any`, and `any` for the others. `holdout_percent`, of `lapsed`
    alone: so many of those who would be told are not, to compare with."""

    model_config = shows(TERMS)

    on: bool
    texts: TextsIn | None = None
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    gift: Points | None = None
    gift_money: SentMoney = None
    gift_live_days: LiveDays | None = None
    begins: Hour = Field(alias="from", default="10:00")
    ends: Hour = Field(alias="until", default="21:00")
    consent: ConsentRule | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=90)] = 0

    @model_validator(mode="after")
    def one_gift(self) -> Self:
        """Refuses a gift in points and in money together: `points_or_money`."""
        if self.gift is not None and self.gift_money is not None:
            raise either("points_or_money", "gift", "gift_money")
        return self


TERMS_OUT = {
    "kind": "burning",
    **TERMS,
    "gift": None,
    "gift_live_days": None,
    "consent": "any",
    "holdout_percent": 0,
    "placeholders": ["name", "points", "card", "programme", "burning", "day", "gift"],
}


class MessageTermsOut(AnswerBody):
    """A built-in message of a programme. `placeholders`: the names that its texts may have in
    braces."""

    model_config = shows(TERMS_OUT)

    kind: str
    on: bool
    texts: dict[str, str]
    days: int | None
    gift: int | None
    gift_money: MoneyBeside = None
    gift_live_days: int | None
    begins: str = Field(alias="from")
    ends: str = Field(alias="until")
    consent: ConsentRule
    holdout_percent: int
    placeholders: list[str]


class MessageResultsIn(BaseModel):
    """Messages that were due at `since` or later (three months ago without it) and before `until`
    (now without it), and for how many days after each purchases are counted."""

    model_config = ConfigDict(extra="forbid")

    since: Moment | None = None
    until: Moment | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 30


class MessagesTermsOut(AnswerBody):
    """All built-in messages, whether on or off."""

    model_config = shows({"items": [TERMS_OUT]})

    items: list[MessageTermsOut]


class WhyOut(AnswerBody):
    """Why a message was not shown, or may not have been: a stable code, and a sentence in each
    language."""

    code: str
    ru: str
    en: str


class MessageOut(AnswerBody):
    """A message to a member and what is known of it. `text` is null for keys without the scope
    `personal:read`."""

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


class CardStateOut(AnswerBody):
    """The member's card in phones. `alerts_left`: how many of the three notifications in 24 hours
    that Google allows are left."""

    version: int
    phones: int
    last_fetch_at: datetime | None
    fetched_version: int | None
    pushes_waiting: int
    google_saved: bool | None
    google_version: int | None
    alerts_left: int | None


CARD_STATE = {
    "version": 4,
    "phones": 1,
    "last_fetch_at": "2026-11-24T12:05:09Z",
    "fetched_version": 4,
    "pushes_waiting": 0,
    "google_saved": True,
    "google_version": 4,
    "alerts_left": 2,
}
MESSAGE = {
    "kind": "campaign",
    "campaign": "01a20f24-5d3c-7f11-9c0e-3b8f0e6a7d21",
    "state": "told",
    "text": "Anna, latte is half price on Friday. Points on your card: 70.",
    "told_at": "2026-11-24T12:05:01Z",
    "apple": "fetched",
    "fetched_at": "2026-11-24T12:05:09Z",
    "google": "accepted",
    "accepted_at": "2026-11-24T12:05:02Z",
    "why": [
        {
            "code": "notifications_unknown",
            "ru": "Текст доставлен. Если уведомления не было, у этой карты отключены уведомления.",
            "en": "The text arrived. If nothing was shown, notifications are off for this card.",
        }
    ],
}


class MessagesOut(AnswerBody):
    """Messages to a member, newest first, and what is known of their card in phones."""

    model_config = shows({"card": CARD_STATE, **page_of(MESSAGE)})

    card: CardStateOut
    items: list[MessageOut]
    next_cursor: str | None
