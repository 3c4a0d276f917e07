"""A card before any vendor sees it: its design, and what one member's card shows right now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ledger.money import Amount, Money
from wallet.passes.parts import (
    Action,
    App,
    BackMessage,
    Beacon,
    Enrolment,
    Link,
    NearField,
    Place,
    RelevantTime,
    Translations,
)

Slot = Literal["header", "primary", "secondary", "auxiliary", "back"]
Symbology = Literal["qr", "pdf417", "aztec", "code128", "code39", "codabar", "ean13", "itf"]
Fact = Literal[
    "points", "name", "offer", "offers", "card", "programme", "expires", "text", "message"
]
PassKind = Literal["loyalty", "offer", "gift_card", "generic"]
PassState = Literal["active", "void", "expired", "used"]
NumberFormat = Literal["decimal", "percent", "scientific", "spelled"]
DateFormat = Literal["none", "short", "medium", "long", "full"]
Alignment = Literal["left", "center", "right", "natural"]
Detector = Literal["phone", "link", "address", "calendar"]

LONGEST_MESSAGE = 500  # a lock screen shows a fraction of it
NOTHING = "—"  # a field is there from the start: one that appears later may not be announced


@dataclass(frozen=True, slots=True)
class FieldDesign:
    """One field of the card; `shows` names the fact in it.

    A field with a `change_message` makes the phone say so when its value changes; `%@` stands for
    the new value. `text` is what a field shows that shows "text", `linked` the same with links in
    it. Of the formats one at most: `number` or `currency`, or `date` with `time`."""

    key: str
    slot: Slot
    label: Translations
    shows: Fact
    change_message: Translations | None = None
    text: Translations | None = None
    linked: Translations | None = None
    number: NumberFormat | None = None
    currency: str | None = None
    date: DateFormat | None = None
    time: DateFormat | None = None
    relative: bool = False
    ignores_time_zone: bool = False
    alignment: Alignment | None = None
    detectors: tuple[Detector, ...] | None = None
    semantics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Design:
    """How the cards of a programme look and which words they use; colours are `#rrggbb`.

    `kind`: of a member's card, of an offer, of a gift card, or of a card that says who its holder
    is and not what they have. `pass_type`: Apple's, where it is not the one of all. `fallback` is
    the barcode for phones that cannot draw `symbology`. `grouping` stacks cards with the same word.
    `semantics` and `user_info` are for machines, and never shown."""

    organization: str
    description: Translations
    languages: tuple[str, ...]
    fields: tuple[FieldDesign, ...]
    kind: PassKind = "loyalty"
    pass_type: str | None = None
    logo_text: str = ""
    background: str = "#1f3a5f"
    foreground: str = "#ffffff"
    label_colour: str = "#d7e3f4"
    symbology: Symbology = "qr"
    fallback: Symbology | None = None
    relevant_dates: tuple[RelevantTime, ...] = ()
    locations: tuple[Place, ...] = ()
    beacons: tuple[Beacon, ...] = ()
    max_distance: int | None = None
    nfc: NearField | None = None
    enrolment: Enrolment | None = None
    app: App | None = None
    featured_actions: tuple[Action, ...] = ()
    links: tuple[Link, ...] = ()
    messages: tuple[BackMessage, ...] = ()
    expires: str | None = None
    voided: bool = False
    sharing_prohibited: bool = True
    grouping: str | None = None
    semantics: Mapping[str, Any] = field(default_factory=dict)
    user_info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OfferShown:
    """An offer as a member sees it; `until` is already in words, or empty."""

    title: str
    text: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The message that was last written for a member. `points`: the balance it speaks of, if it
    does; `id` tells it from one with the same words."""

    id: str
    text: str
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a member now, as far as a card may show it. Offers: newest first. A card that
    is void has neither number nor barcode. `points` are whole pieces; where they are money they
    have a `currency` and so many decimal places. `rotating`: where a wallet can draw a code that
    changes by itself, it is to. `locale`: the language that the member reads, if they chose one."""

    programme: str
    card_number: str
    barcode: str
    name: str
    points: int
    offers: tuple[OfferShown, ...] = ()
    voided: bool = False
    message: LastMessage | None = None
    scale: int = 0
    currency: str | None = None
    rotating: bool = False
    locale: str | None = None

    @property
    def amount(self) -> Amount:
        """The points as people are told of them: as money, where they are money."""
        if self.currency is None:
            return self.points
        return Money.of(self.points, self.scale, self.currency)


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a pass counts: what was decided about this one, apart from what it shows. `expires`
    is the moment from which it does not, in ISO 8601. `asks`: it is to find out whose it is."""

    state: PassState = "active"
    expires: str = ""
    asks: bool = False


GOOD = Validity()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field with its value. Numbers stay numbers: the phone formats them in its own language.
    `announce` says whether the phone may tell its owner of this value. Money is in whole pieces,
    with so many decimal places."""

    key: str
    value: str | int
    announce: bool = True
    scale: int = 0
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """All that one member's card shows at a moment, and nothing else: two equal contents are the
    same card. `values` stand in the order of the design's fields. `voided`: its member was erased,
    for good; what can be taken back is `state`. `asks` its owner who they are. `message` is the id
    of the message among the values. `rotating`: where a wallet can draw a code that changes by
    itself, it does."""

    barcode: str
    card_number: str
    values: tuple[FieldValue, ...]
    voided: bool = False
    state: PassState = "active"
    expires: str = ""
    asks: bool = False
    message: str = ""
    rotating: bool = False


def render(design: Design, facts: Facts, standing: Validity = GOOD) -> Content:
    """Fill the design's fields. What was decided about one pass comes before the design."""
    expires = standing.expires or design.expires or ""
    shown = any(field.shows == "message" for field in design.fields)
    return Content(
        barcode=facts.barcode,
        card_number=facts.card_number,
        values=tuple(_shown(field, design, facts, expires) for field in design.fields),
        voided=facts.voided,
        state="void" if design.voided and standing.state == "active" else standing.state,
        expires=expires,
        asks=standing.asks and not facts.voided,
        message=facts.message.id if facts.message is not None and shown else "",
        rotating=facts.rotating,
    )


def announces_messages(design: Design) -> bool:
    """Whether a phone tells its owner of a message: some field shows it, with a change message."""
    return any(
        field.shows == "message" and field.change_message is not None for field in design.fields
    )


def _shown(field: FieldDesign, design: Design, facts: Facts, expires: str) -> FieldValue:
    value: str | int
    match field.shows:
        case "text":
            value = (field.text or {}).get(design.languages[0], "")
        case "expires":
            value = expires
        case "points":
            # A card that becomes void does so in silence. A balance that the message speaks of
            # needs no second announcement: a phone that has two makes one empty sentence of them.
            told = facts.message is not None and facts.message.points == facts.points
            announce = not (facts.voided or told)
            return FieldValue(field.key, facts.points, announce, facts.scale, facts.currency)
        case "name":
            value = facts.name
        case "card":
            value = facts.card_number
        case "programme":
            value = facts.programme
        case "offer":
            value = facts.offers[0].title if facts.offers else ""
        case "offers":
            value = "\n\n".join(map(_in_full, facts.offers))
        case "message":
            value = facts.message.text if facts.message is not None else ""
    # An offer that ended leaves silently: nobody wants a notification that says "—".
    return FieldValue(field.key, value or NOTHING, announce=bool(value))


def _in_full(offer: OfferShown) -> str:
    return "\n".join(part for part in (offer.title, offer.text, offer.until) if part)
