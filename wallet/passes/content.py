"""A card before any vendor sees it: its design, and what one member's card shows right now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Slot = Literal["header", "primary", "secondary", "auxiliary", "back"]
Symbology = Literal["qr", "pdf417", "aztec", "code128"]
Fact = Literal["points", "name", "offer", "offers", "card", "programme", "message"]

# One text in several languages: language code -> text. The design's first language is its default.
Translations = Mapping[str, str]

LONGEST_MESSAGE = 500  # a lock screen shows a fraction of it
NOTHING = "—"  # a field is there from the start: one that appears later may not be announced


@dataclass(frozen=True, slots=True)
class FieldDesign:
    """One field of the card; `shows` names the fact in it.

    A field with a `change_message` makes the phone say so when its value changes; `%@` stands for
    the new value."""

    key: str
    slot: Slot
    label: Translations
    shows: Fact
    change_message: Translations | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """How the cards of a programme look and which words they use; colours are `#rrggbb`."""

    organization: str
    description: Translations
    languages: tuple[str, ...]
    fields: tuple[FieldDesign, ...]
    logo_text: str = ""
    background: str = "#1f3a5f"
    foreground: str = "#ffffff"
    label_colour: str = "#d7e3f4"
    symbology: Symbology = "qr"


@dataclass(frozen=True, slots=True)
class OfferShown:
    """An offer as a member sees it; `until` is already in words, or empty."""

    title: str
    text: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The message that was last written for a member. `points`: the balance it speaks of, if it
    does; `id` tells it from one with the same words."""

    id: str
    text: str
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a member now, as far as a card may show it. Offers: newest first. A card that
    is void has neither number nor barcode."""

    programme: str
    card_number: str
    barcode: str
    name: str
    points: int
    offers: tuple[OfferShown, ...] = ()
    voided: bool = False
    message: Told | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A field with its value. Numbers stay numbers: the phone formats them in its own language.
    `announce` says whether the phone may tell its owner of this value."""

    key: str
    value: str | int
    announce: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """All that one member's card shows at a moment, and nothing else: two equal contents are the
    same card. `values` stand in the order of the design's fields; `message` is the id of the
    message among them."""

    barcode: str
    card_number: str
    values: tuple[Shown, ...]
    voided: bool = False
    message: str = ""


def render(design: Design, facts: Facts) -> Content:
    """Fill the design's fields."""
    shown = any(field.shows == "message" for field in design.fields)
    return Content(
        barcode=facts.barcode,
        card_number=facts.card_number,
        values=tuple(_shown(field, facts) for field in design.fields),
        voided=facts.voided,
        message=facts.message.id if facts.message is not None and shown else "",
    )


def announces_messages(design: Design) -> bool:
    """Whether a phone tells its owner of a message: some field shows it, with a change message."""
    return any(
        field.shows == "message" and field.change_message is not None for field in design.fields
    )


def _shown(field: FieldDesign, facts: Facts) -> Shown:
    value: str | int
    match field.shows:
        case "points":
            # A card that becomes void does so in silence. A balance that the message speaks of
            # needs no second announcement: a phone that has two makes one empty sentence of them.
            told = facts.message is not None and facts.message.points == facts.points
            return Shown(field.key, facts.points, announce=not (facts.voided or told))
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
    return Shown(field.key, value or NOTHING, announce=bool(value))


def _in_full(offer: OfferShown) -> str:
    return "\n".join(part for part in (offer.title, offer.text, offer.until) if part)
