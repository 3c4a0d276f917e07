"""Programmes, and what they count."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body, LiveDays, Locale, MoneyIn, PercentText, Readable
from ledger.programmes.asking import USUAL_ASKS, AskedField, Asking
from ledger.programmes.programmes import (
    LONGEST,
    LONGEST_NAME,
    MOST_GRACE_DAYS,
    MOST_LANGUAGES,
    SpendByPhone,
)
from ledger.programmes.trades import Called
from ledger.programmes.units import MOST_LIVE_DAYS
from wallet.api.bodies.amounts import HowMuch, MoneyBeside, MoneyOut
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, rub, shows


class ProgrammeLinks(AnswerBody):
    """Where customers join, and where they read what happens to their data."""

    join: str
    privacy: str


UNIT = {"code": "points", "kind": "points", "scale": 0, "currency": None, "live_days": 365}


class UnitOut(AnswerBody):
    """What a programme counts, with `scale` decimal places. `live_days`: how many days it lives;
    null: for ever."""

    model_config = shows(UNIT)

    code: str
    kind: Literal["points", "stamps", "money"]
    scale: int
    currency: str | None
    live_days: int | None


class UnitChange(Body):
    """New terms for points that come from now on. Points that there are keep their dates."""

    model_config = shows({"live_days": 365})

    live_days: Annotated[int, Field(ge=1, le=MOST_LIVE_DAYS)] | None


class ProgrammeTermsOut(AnswerBody):
    """The terms on which points come back and are taken back, and what is kept of people.
    `grace_days`: points that come back after their time live so many days more. `overdrawn`: what a
    reversal does about points that were spent meanwhile: `debt` lets the member owe them, `refuse`
    refuses the reversal. `asks`: what the form asks of who joins; of phone and e-mail one is always
    needed. `spend_by_phone`: how a member spends who is found by a phone number at a shop's counter
    and shows no card: with a `code` that reaches them, as who shows one (`allowed`), or `never`."""

    grace_days: int
    overdrawn: Literal["debt", "refuse"]
    spend_by_phone: SpendByPhone
    keeps_personal: bool
    listed: bool
    called: Called
    asks: dict[AskedField, Asking]


PROGRAMME = {
    "code": "demo",
    "name": "Кофейня «Копилка»",
    "locale": "ru",
    "languages": ["ru", "en"],
    "timezone": "Europe/Moscow",
    "country": "RU",
    "units": [UNIT],
    "terms": {
        "grace_days": 0,
        "overdrawn": "debt",
        "spend_by_phone": "code",
        "keeps_personal": True,
        "listed": False,
        "called": "guest",
        "asks": USUAL_ASKS,
    },
    "benefit": {"ru": "Шестой кофе в подарок", "en": "The sixth coffee is on us"},
    "rules": {},
    "created_at": "2026-11-24T12:00:00Z",
    "links": {
        "join": "https://cards.example.com/join/demo",
        "privacy": "https://cards.example.com/join/demo/privacy",
    },
}


class ProgrammeOut(AnswerBody):
    """`units`: what it counts, the main one first. `languages`: in which texts are written for its
    members. `country`: phone numbers without a country code are read as its people write them.
    `benefit` and `rules`: what the page to join says in the programme's own words, by language."""

    model_config = shows(PROGRAMME)

    code: str
    name: str
    locale: str
    languages: list[str]
    timezone: str
    country: str
    units: list[UnitOut]
    terms: ProgrammeTermsOut
    benefit: dict[str, str]
    rules: dict[str, str]
    created_at: datetime
    links: ProgrammeLinks


class ProgrammesOut(AnswerBody):
    """Programmes in the order in which they were made."""

    model_config = shows(page_of(PROGRAMME))

    items: list[ProgrammeOut]
    next_cursor: str | None


class ProgrammeChangeIn(Body):
    """What is to be different about a programme. What is left out stays as it is. Dates of points
    that were given, texts that were said and numbers that were read stay as well. An empty text of
    `benefit` or `rules` takes back the one in that language."""

    model_config = shows(
        {
            "grace_days": 14,
            "overdrawn": "debt",
            "called": "guest",
            "asks": {"phone": "required", "email": "off"},
            "benefit": {"ru": "Шестой кофе в подарок"},
        }
    )

    names: dict[Locale, Annotated[str, Readable, Field(min_length=1, max_length=LONGEST_NAME)]] = (
        Field(default_factory=dict)
    )
    languages: Annotated[list[Locale], Field(min_length=1, max_length=MOST_LANGUAGES)] | None = None
    country: Annotated[str, Field(min_length=2, max_length=2)] | None = None
    timezone: Annotated[str, Readable, Field(max_length=60)] | None = None
    grace_days: Annotated[int, Field(ge=0, le=MOST_GRACE_DAYS)] | None = None
    overdrawn: Literal["debt", "refuse"] | None = None
    spend_by_phone: SpendByPhone | None = None
    keeps_personal: bool | None = None
    listed: bool | None = None
    called: Called | None = None
    asks: dict[AskedField, Asking] | None = None
    benefit: dict[Locale, Annotated[str, Readable, Field(max_length=LONGEST["benefit"])]] = Field(
        default_factory=dict
    )
    rules: dict[Locale, Annotated[str, Readable, Field(max_length=LONGEST["rules"])]] = Field(
        default_factory=dict
    )


class WelcomeIn(HowMuch):
    """Points, or money, for a new member. They live `live_days`, or as the unit's terms say."""

    live_days: LiveDays | None = None


class BirthdayGiftIn(WelcomeIn):
    """Points, or money, for a birthday: on the day, or so many days before it. They come with the
    words of the built-in message `birthday`."""

    days_before: Annotated[int, Field(ge=0, le=60)] = 0


class LapsedGiftIn(WelcomeIn):
    """Points, or money, for who has bought nothing for `days`. They come with the words of the
    built-in message `lapsed`."""

    days: Annotated[int, Field(ge=1, le=365)] = 60


BASE = {
    "percent_back": "5",
    "percent_payable": "30",
    "point_worth": rub("1.00"),
    "live_days": 365,
    "welcome": {"points": 100, "live_days": 30},
    "birthday": None,
    "lapsed": None,
}


class BaseIn(Body):
    """The base programme, whole. `percent_back`: of what is paid in money, how much comes back in
    points. `percent_payable`: how much of a purchase points may pay. `point_worth`: what one point
    pays; left out where the programme counts money. A gift that is null is not given any more."""

    model_config = shows(BASE)

    percent_back: PercentText
    percent_payable: PercentText
    point_worth: MoneyIn | None = None
    live_days: LiveDays | None
    welcome: WelcomeIn | None = None
    birthday: BirthdayGiftIn | None = None
    lapsed: LapsedGiftIn | None = None


class WelcomeOut(AnswerBody):
    """What a new member is given."""

    points: int
    money: MoneyBeside = None
    live_days: int | None


class BirthdayGiftOut(WelcomeOut):
    """What is given for a birthday, and so many days before it."""

    days_before: int


class LapsedGiftOut(WelcomeOut):
    """What is given to who has bought nothing for so many days."""

    days: int


class BaseOut(AnswerBody):
    """The base programme. `sentence`: all of it but for the gifts in one sentence, by language."""

    model_config = shows(
        {
            **BASE,
            "sentence": {
                "en": "Members get 5% back in points, may pay up to 30% of a purchase with them,"
                " 1 point = RUB\u00a01, points live for 365 days."
            },
        }
    )

    percent_back: str
    percent_payable: str
    point_worth: MoneyOut | None
    live_days: int | None
    welcome: WelcomeOut | None
    birthday: BirthdayGiftOut | None
    lapsed: LapsedGiftOut | None
    sentence: dict[str, str]
