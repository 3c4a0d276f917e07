"""The parts of a design beyond its fields: where and when a card is at hand, what it leads to, what
machines read of it. One vocabulary for every wallet; what a wallet has no place for it leaves out.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# One text in several languages: language code -> text. The design's first language is its default.
Translations = Mapping[str, str]

# Tap cards under a pass (iOS 27); Apple's names, those that suit a shop.
SemanticAction = Literal[
    "addToBalance",
    "bookAppointment",
    "bookCar",
    "bookFlight",
    "bookStay",
    "call",
    "membershipBenefits",
    "order",
    "place",
    "shop",
    "viewOffersRewards",
]

Asked = Literal["name", "phone", "email"]

CARD_NUMBER = "{card}"  # stands for the number in texts that each card has of its own


@dataclass(frozen=True, slots=True)
class Place:
    """Where the card comes up by itself. `text` is the line that it then shows."""

    latitude: float
    longitude: float
    altitude: float | None = None
    text: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beacon:
    """A Bluetooth beacon near which the card comes up; with `major` and `minor` only that one."""

    uuid: str
    major: int | None = None
    minor: int | None = None
    text: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RelevantTime:
    """When the card comes up: around a moment, or from a moment to another."""

    begins: str
    ends: str | None = None


@dataclass(frozen=True, slots=True)
class NearField:
    """What a reader gets when the phone is held to it; `public_key` is the reader's."""

    message: str
    public_key: str
    requires_authentication: bool = False


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A card that was issued to nobody in particular asks its owner for these, once; with `terms`
    only who agrees to them can answer."""

    asks: tuple[Asked, ...]
    text: Translations
    terms: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class App:
    """The shop's own app. `launch_url` is what the app is opened with."""

    store_ids: tuple[int, ...] = ()
    launch_url: str | None = None
    android_package: str | None = None
    label: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """A tap card under the pass."""

    identifier: str
    type: SemanticAction
    url: str


@dataclass(frozen=True, slots=True)
class Link:
    """A web page, a telephone number or a mail address on the back."""

    key: str
    url: str
    label: Translations


@dataclass(frozen=True, slots=True)
class BackMessage:
    """News for everybody, on the back; a phone says so when the text changes."""

    key: str
    title: Translations
    text: Translations
