"""Programmes, and what they count."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ledger.fields import Body
from ledger.programmes.units import MOST_LIVE_DAYS
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows


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
    refuses the reversal."""

    grace_days: int
    overdrawn: Literal["debt", "refuse"]
    keeps_personal: bool


PROGRAMME = {
    "code": "demo",
    "name": "Кофейня «Копилка»",
    "locale": "ru",
    "languages": ["ru", "en"],
    "timezone": "Europe/Moscow",
    "country": "RU",
    "units": [UNIT],
    "terms": {"grace_days": 0, "overdrawn": "debt", "keeps_personal": True},
    "created_at": "2026-11-24T12:00:00Z",
    "links": {
        "join": "https://cards.example.com/join/demo",
        "privacy": "https://cards.example.com/join/demo/privacy",
    },
}


class ProgrammeOut(AnswerBody):
    """`units`: what it counts, the main one first. `languages`: in which texts are written for its
    members. `country`: phone numbers without a country code are read as its people write them."""

    model_config = shows(PROGRAMME)

    code: str
    name: str
    locale: str
    languages: list[str]
    timezone: str
    country: str
    units: list[UnitOut]
    terms: ProgrammeTermsOut
    created_at: datetime
    links: ProgrammeLinks


class ProgrammesOut(AnswerBody):
    """Programmes in the order in which they were made."""

    model_config = shows(page_of(PROGRAMME))

    items: list[ProgrammeOut]
    next_cursor: str | None
