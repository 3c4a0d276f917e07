"""The parts of a design beyond its fields: where and when a card comes up, where it leads, what
machines read from it. The words are the same for every wallet; a wallet leaves out what it has no
place for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import PlainValidator
from pydantic_core import PydanticKnownError

# One text in several languages: language code -> text. The design's first language is its default.
Translations = Mapping[str, str]


def one_or_several(value: object) -> str | Translations:
    """A text in the design's first language, or in several."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()):
        return dict(value)
    raise PydanticKnownError("string_type")


Named = Annotated[str | Translations, PlainValidator(one_or_several)]

# Types of tap cards under a pass (iOS 27), by Apple's names; only those that suit a shop.
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

CARD_NUMBER = "{card}"  # in texts that are personal to each card: replaced by its number


@dataclass(frozen=True, slots=True)
class Place:
    """A place where the phone brings up the card by itself. `text` is the line that it shows then.
    Latitude and longitude are in degrees, altitude in metres."""

    latitude: float
    longitude: float
    altitude: float | None = None
    text: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beacon:
    """A Bluetooth beacon near which the phone brings up the card. Without `major` and `minor`, all
    beacons with this UUID are meant."""

    uuid: str
    major: int | None = None
    minor: int | None = None
    text: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RelevantTime:
    """When the phone brings up the card: around the moment `begins`, or from then until `ends`.
    Both are in ISO 8601, with a zone."""

    begins: str
    ends: str | None = None


@dataclass(frozen=True, slots=True)
class NearField:
    """The text that a reader receives when the phone is held to it (NFC). `public_key` is the
    reader's."""

    message: str
    public_key: str
    requires_authentication: bool = False


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A card that was issued to an unknown person asks its owner for these facts, once. If there
    are `terms`, only an owner who agrees to them can answer."""

    asks: tuple[Asked, ...]
    text: Translations
    terms: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class App:
    """The shop's own app. `store_ids` are ids in the App Store; `launch_url` is what the app is
    opened with; `android_package` is the app's name on Android."""

    store_ids: tuple[int, ...] = ()
    launch_url: str | None = None
    android_package: str | None = None
    label: Translations = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """A tap card under the pass (iOS 27)."""

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
    """News for all members, on the back of the card. A phone says so when the text changes."""

    key: str
    title: Translations
    text: Translations
