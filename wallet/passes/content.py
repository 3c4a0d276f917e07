"""A card before any vendor sees it: its design, and what one member's card shows right now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Slot = Literal["header", "primary", "secondary", "auxiliary", "back"]
Symbology = Literal["qr", "pdf417", "aztec", "code128"]

# One text in several languages: language code -> text. The design's first language is its default.
Translations = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FieldDesign:
    """One field of the card. `shows` names the fact it shows: see `FACTS` in `wallet.passes.issuing`.

    A field with a `change_message` makes the phone say so when its value changes; `%@` stands for the new value."""

    key: str
    slot: Slot
    label: Translations
    shows: str
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
class Shown:
    """A field with its value. Numbers stay numbers: the phone formats them in its own language."""

    key: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Content:
    """All that one member's card shows at a moment, and nothing else: two equal contents are the same card."""

    barcode: str
    card_number: str
    values: tuple[Shown, ...]
    voided: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
