"""What a design looks like in phones, before any phone has it: the pass and Google's card are made
as real ones are, read again as the virtual phones read them, and handed to a template as plain
values. Nothing here looks at the design itself to know what a phone shows."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from ledger import languages
from ledger.people import cards
from ledger.programmes.units import Unit
from ledger.words import N_
from wallet.apple import bundle, reading
from wallet.apple.bundle import Identity, PassTemplate
from wallet.apple.reading import OpenedPass, PassField
from wallet.google import objects
from wallet.google.objects import Pictures
from wallet.google.reading import AndroidCard, CardLine
from wallet.passes import barcodes, symbologies
from wallet.passes.content import (
    Content,
    Design,
    Facts,
    LastMessage,
    OfferShown,
    Symbology,
    render,
)
from wallet.sentences import CATALOGUE

SERIAL = "preview"
SAMPLE_DIGITS = "421700064008115"
SAMPLE_NUMBER = SAMPLE_DIGITS + cards.check_digit(SAMPLE_DIGITS)
SAMPLE_POINTS, SAMPLE_EARNED = 1_250, 75
# Pass type, team and addresses are of no pass: nobody is given what is made here.
IDENTITY = Identity("pass.preview", "PREVIEW000", SERIAL, "0" * 32, "https://preview.invalid/apple")
ISSUER, PICTURES = "preview", Pictures("logo.png", "hero.png")

PROGRAMME = N_("Our programme")
NAME = N_("Anna Petrova")
OFFER = N_("A croissant with your coffee")
OFFER_TEXT = N_("From eight to eleven in the morning.")
MESSAGE = N_("We are open until midnight on Friday.")
OTHER_OFFER = N_("Second cappuccino at half price")
CARD_CHANGED = N_("The card has changed.")  # an iPhone's own words, where it has nothing to say


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A barcode: drawn, if browsers and we can; else its kind alone."""

    drawing: Markup
    kind: str
    caption: str


@dataclass(frozen=True, slots=True)
class AppleFace:
    """A pass as an iPhone draws it. Colours are background, text, labels. `rows` are below the
    picture; `pictures`: name -> a mark that changes with its bytes."""

    colours: tuple[str, str, str]
    organization: str
    title: str
    header: Sequence[ShownLine]
    primary: Sequence[ShownLine]
    rows: Sequence[Sequence[ShownLine]]
    back: Sequence[ShownLine]
    pictures: Mapping[str, str]
    code: ShownCode | None
    style: str


@dataclass(frozen=True, slots=True)
class GoogleFace:
    """A card as an Android phone draws it."""

    colour: str
    ink: str
    issuer: str
    programme: str
    rows: Sequence[Sequence[ShownLine]]
    details: Sequence[ShownLine]
    code: ShownCode | None


@dataclass(frozen=True, slots=True)
class LockScreenNotice:
    """What the lock screen of an iPhone says when something happens; None: it stays silent."""

    occasion: str
    text: str | None


def sample(design: Design, unit: Unit | None, programme: str, tag: str) -> Facts:
    """What a card might show of somebody, in the language of this tag."""
    tongue = languages.ours(tag, *design.languages)

    def said(text: str) -> str:
        return CATALOGUE.text(tongue, text)

    scale, currency = (unit.scale, unit.currency) if unit is not None else (0, None)
    return Facts(
        programme=programme or said(PROGRAMME),
        card_number=SAMPLE_NUMBER,
        barcode=SAMPLE_NUMBER,
        name=said(NAME),
        points=SAMPLE_POINTS * (10**scale if currency else 1),
        scale=scale if currency else 0,
        currency=currency,
        offers=(OfferShown(said(OFFER), said(OFFER_TEXT)),),
        message=LastMessage("0", said(MESSAGE)),
        locale=tag,
    )


def opened(design: Design, images: Mapping[str, bytes], content: Content) -> OpenedPass:
    """The pass of this content, made and read again. Raises `DesignRefused`."""
    pass_json = bundle.render(PassTemplate.prepare(design), IDENTITY, content)
    return reading.opened({**bundle.files_of(design, images), "pass.json": pass_json})


def handed_over(design: Design, content: Content, pictures: Pictures = PICTURES) -> AndroidCard:
    """Google's card of this content, as a phone is handed it."""
    class_id = objects.class_id(ISSUER, "preview")
    offer = OfferShown(_first(content, design)) if design.kind == "offer" else None
    class_ = objects.class_body(class_id, design, pictures, None, offer)
    id_ = objects.object_id(ISSUER, SERIAL)
    object_ = objects.object_body(id_, class_id, design, content, pictures)
    # It goes through JSON, as it does on its way.
    return AndroidCard(id_, *json.loads(json.dumps([class_, object_])))


def apple(pass_: OpenedPass, tag: str) -> AppleFace:
    """The pass as it is drawn for readers of this language."""
    document = pass_.document
    style = next(one for one in reading.STYLES if one in document)

    def lines(*groups: str) -> list[ShownLine]:
        return [_line(pass_, one, tag) for one in pass_.fields if one.group in groups]

    rows = [lines("secondaryFields"), lines("auxiliaryFields")]
    if style != "generic":
        rows = [lines("secondaryFields", "auxiliaryFields")]
    return AppleFace(
        colours=(
            str(document.get("backgroundColor", "")),
            str(document.get("foregroundColor", "")),
            str(document.get("labelColor", "")),
        ),
        organization=pass_.said(pass_.organization, tag),
        title=pass_.said(str(document.get("logoText", "")), tag),
        header=lines("headerFields"),
        primary=lines("primaryFields"),
        rows=[row for row in rows if row],
        back=lines("backFields"),
        pictures=_marks(pass_, tag),
        code=_apple_code(pass_),
        style=style,
    )


def google(card: AndroidCard, tag: str) -> GoogleFace:
    """The card as it is drawn for readers of this language."""
    return GoogleFace(
        colour=card.colour,
        ink=AndroidCard.ink_on(card.colour),
        issuer=card.issuer(tag),
        programme=card.programme(tag),
        rows=[_lines(row) for row in card.face(tag)],
        details=_lines(card.details(tag)),
        code=_code(_GOOGLE_KINDS.get(card.code_type), card.code, card.caption, card.code_type),
    )


def changes_said(design: Design, content: Content, tag: str) -> dict[str, str]:
    """What an iPhone says when a field has a new value, such as it shows now: by key. Raises
    `DesignRefused`."""
    pass_ = opened(design, {}, content)
    return {
        one.key: pass_.said(one.change_message, tag).replace(
            reading.NEW_VALUE, pass_.value(one, tag)
        )
        for one in pass_.fields
        if one.change_message
    }


def notices(design: Design, facts: Facts, tag: str) -> list[LockScreenNotice]:
    """What the lock screen says of a few things that happen."""
    tongue = languages.ours(tag, *design.languages)

    def said(text: str) -> str:
        return CATALOGUE.text(tongue, text)

    before = opened(design, {}, render(design, facts))
    found = []
    for occasion, after in (
        (N_("Points were earned"), replace(facts, points=facts.points + SAMPLE_EARNED)),
        (N_("You send a message"), replace(facts, message=LastMessage("1", said(OTHER_OFFER)))),
        (
            N_("A new announcement"),
            replace(facts, offers=(OfferShown(said(OTHER_OFFER)), *facts.offers)),
        ),
    ):
        now = opened(design, {}, render(design, after))
        text = reading.lock_screen(before, now, tag, said(CARD_CHANGED))
        found.append(LockScreenNotice(occasion, text))
    return found


def _line(pass_: OpenedPass, field: PassField, tag: str) -> ShownLine:
    return ShownLine(pass_.label(field, tag), pass_.value(field, tag))


def _lines(lines: Iterable[CardLine]) -> list[ShownLine]:
    return [ShownLine(one.label, one.value) for one in lines]


def _marks(pass_: OpenedPass, tag: str) -> dict[str, str]:
    """The pictures of the pass, and marks of their bytes."""
    found = {}
    for name in ("icon", "logo", "strip", "thumbnail"):
        data = finest(pass_.images, name, tag)
        if data is not None:
            found[name] = f"{zlib.crc32(data):08x}"
    return found


def finest(images: Mapping[str, bytes], kind: str, tag: str) -> bytes | None:
    """A picture in its finest size: that for all languages, or else the one of this language, or
    of any."""
    folders = {one.partition(".lproj/")[0] + ".lproj/" for one in images if ".lproj/" in one}
    for folder in ("", *sorted(folders, key=lambda one: (one != f"{tag}.lproj/", one))):
        for scale in ("@3x", "@2x", ""):
            if (found := images.get(f"{folder}{kind}{scale}.png")) is not None:
                return found
    return None


_APPLE_KINDS: Mapping[str, Symbology] = {
    written: symbology for symbology, written in bundle.BARCODE_FORMATS.items()
}
_GOOGLE_KINDS: Mapping[str, Symbology] = {
    written: symbology for symbology, written in objects.BARCODES.items()
}


def _apple_code(pass_: OpenedPass) -> ShownCode | None:
    code = pass_.barcode
    if code is None:
        return None
    kind = code.format.removeprefix("PKBarcodeFormat")
    return _code(_APPLE_KINDS.get(code.format), code.message, code.caption, kind)


def _code(symbology: Symbology | None, text: str, caption: str, kind: str) -> ShownCode | None:
    if not text:
        return None
    can_draw = symbology is not None and symbologies.carries(symbology, text)
    drawing = barcodes.svg(symbology, text) if can_draw and symbology is not None else ""
    return ShownCode(Markup(drawing), kind, caption)  # noqa: S704 - our own drawing


def _first(content: Content, design: Design) -> str:
    """The title that a coupon shows; what kind of pass it is, if it shows none."""
    key = next((one.key for one in design.fields if one.shows == "offer"), None)
    shown = next((str(one.value) for one in content.values if one.key == key), "")
    return shown or design.description.get(design.languages[0], "")
