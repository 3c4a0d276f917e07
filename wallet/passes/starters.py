"""Designs to begin with, by trade: colours that can be read, fields where people look for them, and
our words in each language. Name, pictures, places and links of the shop stay its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger import languages
from ledger.words import N_
from wallet import sentences
from wallet.passes.content import Design, Fact, FieldDesign, PassKind, Slot
from wallet.passes.designs import NEW_VALUE
from wallet.passes.parts import Translations
from wallet.passes.templates import DesignPurpose

# What a field that shows this is called on most cards, and what a phone says when it changes.
LABELS: Mapping[Fact, str] = {
    "points": N_("Points"),
    "name": N_("Name"),
    "offer": N_("Offer"),
    "offers": N_("Offers"),
    "message": N_("Message"),
    "card": N_("Card number"),
    "programme": N_("Programme"),
    "expires": N_("Valid until"),
    "text": N_("About us"),
}
CHANGES: Mapping[Fact, str] = {
    "points": N_("Your points: %@"),
    "offer": NEW_VALUE,
    "message": NEW_VALUE,
}
ON_THE_BACK: tuple[tuple[Slot, Fact], ...] = (
    ("back", "message"),
    ("back", "offers"),
    ("back", "card"),
)
USUAL_FACE: tuple[tuple[Slot, Fact], ...] = (
    ("header", "points"),
    ("secondary", "name"),
    ("secondary", "offer"),
)
LARGE_FACE: tuple[tuple[Slot, Fact], ...] = (
    ("primary", "points"),
    ("secondary", "name"),
    ("secondary", "offer"),
)
NUMBER_FACE: tuple[tuple[Slot, Fact], ...] = (
    ("header", "points"),
    ("secondary", "name"),
    ("auxiliary", "card"),
)
GIFT_FACE: tuple[tuple[Slot, Fact], ...] = (("primary", "points"), ("auxiliary", "expires"))
CLUB_FACE: tuple[tuple[Slot, Fact], ...] = (
    ("primary", "name"),
    ("secondary", "card"),
    ("auxiliary", "expires"),
)
COUPON_FACE: tuple[tuple[Slot, Fact], ...] = (
    ("primary", "offer"),
    ("secondary", "name"),
    ("auxiliary", "expires"),
    ("back", "offers"),
    ("back", "card"),
)


@dataclass(frozen=True, slots=True)
class Starter:
    """A design to begin with. Colours are background, text and labels."""

    name: str
    words: str
    colours: tuple[str, str, str]
    face: tuple[tuple[Slot, Fact], ...] = USUAL_FACE
    kind: PassKind = "loyalty"

    @property
    def purpose(self) -> DesignPurpose:
        """What it is a design of."""
        return "offer" if self.kind == "offer" else "card"


STARTERS: tuple[Starter, ...] = (
    Starter("coffee", N_("Coffee shop"), ("#3b2417", "#fff7ec", "#e3c9a6")),
    Starter("bakery", N_("Bakery"), ("#f7e6c8", "#4a2a10", "#7a4d22")),
    Starter("restaurant", N_("Restaurant"), ("#571428", "#ffffff", "#f0c6ce"), LARGE_FACE),
    Starter("grocery", N_("Grocery shop"), ("#14532d", "#ffffff", "#c2e6cc")),
    Starter("clothes", N_("Clothes"), ("#17171b", "#ffffff", "#c6c6cf"), NUMBER_FACE),
    Starter("beauty", N_("Beauty salon"), ("#fbe8ee", "#571c38", "#8a3f5e"), LARGE_FACE),
    Starter("fuel", N_("Filling station"), ("#0b3a86", "#ffffff", "#ffd95c"), NUMBER_FACE),
    Starter("pharmacy", N_("Pharmacy"), ("#e4f4ef", "#0d4a42", "#28695f")),
    Starter(
        "gift", N_("Gift card, festive"), ("#8f1a30", "#fff8e7", "#f3d08b"), GIFT_FACE, "gift_card"
    ),
    Starter(
        "gift-calm",
        N_("Gift card, calm"),
        ("#1c2a3a", "#ffffff", "#b9cbe0"),
        GIFT_FACE,
        "gift_card",
    ),
    Starter("club", N_("Sports club"), ("#101820", "#ffffff", "#9fe06a"), CLUB_FACE, "generic"),
    Starter(
        "library", N_("Library, museum"), ("#f3efe4", "#2f2a1f", "#6b5f45"), CLUB_FACE, "generic"
    ),
    Starter(
        "coupon", N_("Coupon, bright"), ("#b0350a", "#ffffff", "#ffe0cf"), COUPON_FACE, "offer"
    ),
    Starter(
        "coupon-calm", N_("Coupon, calm"), ("#123b5d", "#ffffff", "#c5dcf0"), COUPON_FACE, "offer"
    ),
)


def of_kind(kind: PassKind) -> Sequence[Starter]:
    """Those that are designs of such cards."""
    return [one for one in STARTERS if one.kind == kind]


def named(name: str) -> Starter | None:
    """The one of this name; None if there is none."""
    return next((one for one in STARTERS if one.name == name), None)


def made(starter: Starter, base: Design, spoken: Sequence[str]) -> Design:
    """The design of this starter for a shop whose design was `base`, in the languages of its
    programme."""
    background, foreground, labels = starter.colours
    kept = {one.key: one for one in base.fields if one.shows == "text"}
    tags = base.languages or tuple(spoken[:1])
    face = starter.face if starter.kind == "offer" else (*starter.face, *ON_THE_BACK)
    taken = {key for part in (base.links, base.messages) for key in (one.key for one in part)}
    fields: list[FieldDesign] = []
    for slot, fact in face:
        label, change = words_of(fact, tags)
        key = fact if fact not in {*taken, *kept} else f"{fact}-field"
        if any(one.shows == fact for one in fields):
            continue
        fields.append(FieldDesign(key, slot, label, shows=fact, change_message=change or None))
    return replace(
        base,
        kind=starter.kind,
        background=background,
        foreground=foreground,
        label_colour=labels,
        # Texts of the shop's own stay, where there is room.
        fields=(*fields, *(replace(one, slot="back", alignment=None) for one in kept.values())),
    )


def words_of(fact: Fact, tags: Sequence[str]) -> tuple[Translations, Translations]:
    """The label of a field that shows this, and what is said when it changes (nothing for most), in
    each of these languages, or in the nearest that we have words in."""
    spoken = {tag: languages.ours(tag, *tags) for tag in tags}
    change = CHANGES.get(fact)
    return (
        {tag: sentences.CATALOGUE.text(tongue, LABELS[fact]) for tag, tongue in spoken.items()},
        {}
        if change is None
        else {
            tag: NEW_VALUE if change == NEW_VALUE else sentences.CATALOGUE.text(tongue, change)
            for tag, tongue in spoken.items()
        },
    )
