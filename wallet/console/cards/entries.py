"""A design as a form: told in entries, and read from them. What the form has no fields for
(beacons, NFC, formats of numbers) stays as it is: a design that was only looked at is the same as
before."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, get_args

from ledger.languages import LANGUAGES
from ledger.words import N_
from wallet.console.forms import FORM, FormEntries
from wallet.pages.language import gettext as _
from wallet.passes import designs, rules
from wallet.passes.content import Design, Fact, FieldDesign, Slot, Symbology
from wallet.passes.parts import Link, Named, Place, Translations
from wallet.sentences import CATALOGUE

MOST_FIELDS = 40
LONGEST_WORDS = 200  # characters of a label, a name, a message
LONGEST_TEXT = 4_000

SLOTS: Mapping[Slot, str] = {
    "header": N_("Top right"),
    "primary": N_("Large, in the middle"),
    "secondary": N_("First row below"),
    "auxiliary": N_("Second row below"),
    "back": N_("On the back"),
}
FACTS: Mapping[Fact, str] = {
    "points": N_("The balance"),
    "name": N_("Name of the member"),
    "offer": N_("Newest announcement"),
    "offers": N_("All announcements"),
    "message": N_("Last message"),
    "card": N_("Card number"),
    "programme": N_("Name of the programme"),
    "expires": N_("Last day of the card"),
    "text": N_("A text of yours"),
}
SYMBOLOGIES: Mapping[Symbology, str] = {
    "qr": N_("QR code"),
    "pdf417": "PDF417",
    "aztec": N_("Aztec code"),
    "code128": N_("Bar code 128"),
    "code39": N_("Bar code 39"),
    "codabar": "Codabar",
    "ean13": "EAN-13",
    "itf": N_("Bar code ITF"),
}
COLOURS = ("background", "foreground", "label_colour")
WORDS = ("organization", "logo_text", "description")
# What a field of the design has in several languages, by its name in the form.
NAMES = {"label": "label", "change_message": "change", "text": "text", "slot": "slot"}

ChosenWord = TypeVar("ChosenWord", Slot, Symbology)

# What stands for the new value in what a phone says, as people read and type it: a word in braces,
# in any language of ours. The design has Apple's own sign for it.
VALUE = N_("value")
_PLACE = re.compile(
    rf"\{{\s*(?:{'|'.join(re.escape(CATALOGUE.text(one, VALUE)) for one in LANGUAGES)})\s*\}}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,12})?")


@dataclass(slots=True)
class FieldEntry:
    """A field of the card as it stands in the form; texts by language."""

    key: str
    shows: Fact
    slot: str
    label: dict[str, str] = field(default_factory=dict)
    change: dict[str, str] = field(default_factory=dict)  # with `place_of_value` in it
    text: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LinkEntry:
    """A link on the back."""

    key: str
    url: str = ""
    label: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PlaceEntry:
    """A place near which the phone brings up the card."""

    latitude: str = ""
    longitude: str = ""
    text: dict[str, str] = field(default_factory=dict)
    altitude: float | None = None


@dataclass(slots=True)
class DesignEntries:
    """All that stands in the form. `words`: by name, then by language."""

    words: dict[str, dict[str, str]]
    languages: list[str]
    colours: dict[str, str]
    symbology: str
    fields: list[FieldEntry]
    links: list[LinkEntry]
    places: list[PlaceEntry]


def place_of_value() -> str:
    """What stands for the new value, in the reader's language."""
    return f"{{{_(VALUE)}}}"


def change_told(change: Mapping[str, str]) -> dict[str, str]:
    """What a phone says of a change, as it stands in the form."""
    place = place_of_value()
    return {tag: text.replace(designs.NEW_VALUE, place) for tag, text in change.items()}


def change_meant(change: Mapping[str, str]) -> dict[str, str]:
    """What a phone says of a change, as the design has it."""
    return {tag: _PLACE.sub(designs.NEW_VALUE, text) for tag, text in change.items()}


def change_to(label: str) -> str:
    """A sentence for a change that is right with any label."""
    return f"{label}: {place_of_value()}"


def told(design: Design) -> DesignEntries:
    """A design as it stands in the form."""
    return DesignEntries(
        words={
            "organization": dict(design.names),
            "logo_text": dict(design.logo_texts),
            "description": dict(design.description),
        },
        languages=list(design.languages),
        colours={name: getattr(design, name) for name in COLOURS},
        symbology=design.symbology,
        fields=[
            FieldEntry(
                one.key,
                one.shows,
                one.slot,
                dict(one.label),
                change_told(one.change_message or {}),
                dict(one.text or {}),
            )
            for one in design.fields
        ],
        links=[LinkEntry(one.key, one.url, dict(one.label)) for one in design.links],
        places=[
            PlaceEntry(_plain(one.latitude), _plain(one.longitude), dict(one.text), one.altitude)
            for one in design.locations
        ],
    )


def known_languages(base: Design, spoken: Sequence[str]) -> list[str]:
    """The languages that a card can speak: those of its design, its first one first, then the
    others that the programme speaks."""
    return list(dict.fromkeys([*base.languages, *spoken]))


def typed(entries: FormEntries, spoken: Sequence[str]) -> DesignEntries:
    """What was typed, whatever it is. `spoken`: see `known_languages`."""
    wanted = entries.several("languages")
    chosen = [one for one in spoken if one in wanted] or list(spoken[:1])
    if any(one not in spoken for one in wanted):
        entries.refuse("languages", _("Please choose among the languages of the programme."))

    def in_each(name: str) -> dict[str, str]:
        # Words in a language that is not ticked wait until it is, or until they are saved without.
        written = {one: _tidy(entries[f"{name}-{one}"]) for one in spoken}
        return {one: text for one, text in written.items() if text}

    return DesignEntries(
        words={name: in_each(name) for name in WORDS},
        languages=chosen,
        colours={name: entries[name].strip() for name in COLOURS},
        symbology=entries["symbology"],
        fields=[
            FieldEntry(
                key,
                entries[f"f-{key}-shows"],  # type: ignore[arg-type] # checked in `design_of`
                entries[f"f-{key}-slot"],
                in_each(f"f-{key}-label"),
                in_each(f"f-{key}-change"),
                in_each(f"f-{key}-text"),
            )
            for key in dict.fromkeys(entries.several("field")[: MOST_FIELDS + 1])
        ],
        links=[
            LinkEntry(key, entries[f"l-{key}-url"].strip(), in_each(f"l-{key}-label"))
            for key in dict.fromkeys(entries.several("link")[: rules.LINKS_IN_ALL + 1])
        ],
        places=[
            PlaceEntry(
                entries[f"p-{at}-latitude"].strip(),
                entries[f"p-{at}-longitude"].strip(),
                in_each(f"p-{at}-text"),
                _altitude(entries[f"p-{at}-altitude"]),
            )
            for at in dict.fromkeys(entries.several("place")[: rules.MOST["locations"] + 1])
        ],
    )


def design_of(wanted: DesignEntries, base: Design, entries: FormEntries) -> Design:
    """The design of these entries; what is missing in them comes from `base`. What can be no
    design at all is refused at its field; what no wallet would show is found out by `designs`."""
    _check(wanted, entries)
    wanted = _in_chosen(wanted)
    first = wanted.languages[0]
    known = {one.key: one for one in base.fields}
    return replace(
        base,
        organization=_named(wanted.words["organization"], base.organization, first),
        logo_text=_named(wanted.words["logo_text"], base.logo_text, first),
        description=wanted.words["description"],
        languages=tuple(wanted.languages),
        background=wanted.colours["background"],
        foreground=wanted.colours["foreground"],
        label_colour=wanted.colours["label_colour"],
        symbology=_one_of(SYMBOLOGIES, wanted.symbology, "symbology", entries),
        fields=tuple(_field(one, known.get(one.key), entries) for one in wanted.fields),
        links=tuple(Link(one.key, one.url, one.label) for one in wanted.links),
        locations=tuple(_place(one, at, entries) for at, one in enumerate(wanted.places)),
    )


def _in_chosen(wanted: DesignEntries) -> DesignEntries:
    """The entries with words in the languages that were chosen alone."""

    def kept(texts: Mapping[str, str]) -> dict[str, str]:
        return {tag: text for tag, text in texts.items() if tag in wanted.languages}

    return replace(
        wanted,
        words={name: kept(texts) for name, texts in wanted.words.items()},
        fields=[
            replace(one, label=kept(one.label), change=kept(one.change), text=kept(one.text))
            for one in wanted.fields
        ],
        links=[replace(one, label=kept(one.label)) for one in wanted.links],
        places=[replace(one, text=kept(one.text)) for one in wanted.places],
    )


def with_colours(design: Design, before: Design, unfit: Collection[str]) -> Design:
    """The design with the colours of another in place of those that are none."""
    colours = {name: getattr(before if name in unfit else design, name) for name in COLOURS}
    return replace(
        design,
        background=colours["background"],
        foreground=colours["foreground"],
        label_colour=colours["label_colour"],
    )


def drawn_from(design: Design, organization: str, background: str, foreground: str) -> Design:
    """The design with the name and the colours that pictures are drawn from."""
    return replace(design, organization=organization, background=background, foreground=foreground)


def _check(wanted: DesignEntries, entries: FormEntries) -> None:
    for name, colour in wanted.colours.items():
        if designs.COLOUR.fullmatch(colour) is None:
            entries.refuse(name, _("A colour is written #rrggbb, for example #1f3a5f."))
    if len(wanted.fields) > MOST_FIELDS:
        entries.refuse(FORM, _("A card has at most %(count)s fields.", count=str(MOST_FIELDS)))
    for name, text in _texts(wanted):
        if designs.UNWRITABLE.search(text):
            entries.refuse(name, _("This has signs that nobody sees. Please type it anew."))
        most = LONGEST_TEXT if "-text-" in name else LONGEST_WORDS
        if len(text) > most:
            entries.refuse(name, _("At most %(count)s characters.", count=str(most)))


def _texts(wanted: DesignEntries) -> list[tuple[str, str]]:
    """Every text, with the name of its entry."""
    found = {**wanted.words}
    for one in wanted.fields:
        found |= {
            f"f-{one.key}-label": one.label,
            f"f-{one.key}-change": one.change,
            f"f-{one.key}-text": one.text,
        }
    found |= {f"l-{one.key}-label": one.label for one in wanted.links}
    found |= {f"p-{at}-text": one.text for at, one in enumerate(wanted.places)}
    return [
        (f"{name}-{language}", text)
        for name, texts in found.items()
        for language, text in texts.items()
    ]


def _field(one: FieldEntry, known: FieldDesign | None, entries: FormEntries) -> FieldDesign:
    """A field as it was typed. Its format stays what it was, as long as it shows the same."""
    if rules.KEY.fullmatch(one.key) is None or one.shows not in get_args(Fact):
        entries.refuse(FORM, _("Part of the form is missing. Please load the page anew."))
        return FieldDesign("unknown", "back", {}, shows="text")
    slot = _one_of(SLOTS, one.slot, f"f-{one.key}-slot", entries)
    before = known if known is not None and known.shows == one.shows else None
    text = one.text if one.shows == "text" else None
    field_ = replace(
        before or FieldDesign(one.key, slot, {}, shows=one.shows),
        slot=slot,
        label=one.label,
        change_message=change_meant(one.change) or None,
        text=text,
    )
    if field_.linked is not None and (before is None or before.text != text):
        field_ = replace(field_, linked=None)
    if slot in ("primary", "back") and field_.alignment is not None:
        field_ = replace(field_, alignment=None)
    if slot != "back" and (field_.detectors is not None or field_.linked is not None):
        field_ = replace(field_, detectors=None, linked=None)
    return field_


def _place(one: PlaceEntry, at: int, entries: FormEntries) -> Place:
    latitude = _degrees(one.latitude, f"p-{at}-latitude", 90, entries)
    longitude = _degrees(one.longitude, f"p-{at}-longitude", 180, entries)
    return Place(latitude, longitude, one.altitude, one.text)


def _degrees(written: str, name: str, most: int, entries: FormEntries) -> float:
    number = written.replace(",", ".").replace("\u2212", "-")
    if _NUMBER.fullmatch(number) is None or abs(float(number)) > most:
        entries.refuse(
            name, _("In degrees, from −%(most)s to %(most)s, such as 55.7522.", most=str(most))
        )
        return 0.0
    return float(number)


def _named(written: Translations, before: Named, first: str) -> Named:
    """One text, if it is in the first language alone and was one before."""
    if isinstance(before, str) and not written.keys() - {first}:
        return written.get(first, "")
    return dict(written)


def _one_of(
    known: Mapping[ChosenWord, str], typed: str, name: str, entries: FormEntries
) -> ChosenWord:
    """The known word that was typed; the first of them, and a problem, for any other."""
    for one in known:
        if one == typed:
            return one
    entries.refuse(name, _("Please choose one of them."))
    return next(iter(known))


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _plain(degrees: float) -> str:
    return f"{degrees:.12f}".rstrip("0").rstrip(".")


def _altitude(written: str) -> float | None:
    return float(written) if _NUMBER.fullmatch(written) else None


# --- Where the form has something --------------------------------------------------------------


def anchor(place: str, design: Design) -> str:
    """The entry that a part of the design stands in, as refusals and advice name parts."""
    head, _dot, rest = place.partition(".")
    first = design.languages[0] if design.languages else ""
    if head == "fields" and rest:
        key, _dot, name = rest.rpartition(".")
        key, name = (key, name) if name in NAMES else (rest, "label")
        return f"f-{key}-{NAMES[name]}" + ("" if name == "slot" else f"-{first}")
    if head in ("links", "locations") and rest:
        number, _dot, name = rest.partition(".")
        if head == "locations":
            return f"p-{number}-{name or 'latitude'}"
        links = design.links
        at = int(number) if number.isdigit() else 0
        key = links[at].key if at < len(links) else ""
        return f"l-{key}-url" if name == "url" else f"l-{key}-label-{first}"
    if head in WORDS:
        return f"{head}-{first}"
    return "fields" if head == "fields" else head
