"""A design as browsers need it: its colours as a stylesheet, its pictures as files.

A revision of a design never changes, so browsers may keep both for good."""

from dataclasses import dataclass

from flask import Blueprint, Response, abort, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from ledger import languages
from ledger.languages import LANGUAGES
from ledger.programmes.units import Unit
from wallet.google import pictures
from wallet.installation import current_installation
from wallet.pages import language
from wallet.passes import (
    artwork,
    barcodes,
    designs,
    drawing,
    issued,
    starters,
    symbologies,
    templates,
)
from wallet.passes.content import Design, Symbology
from wallet.passes.issued import Pass
from wallet.passes.templates import Template, TemplateImage

LARGEST_ID = 2**63 - 1  # PostgreSQL fails when it is asked for a larger one
NO_BREAK_SPACE = "\u00a0"
# What a picture of a card on a home screen is made as: see `pictures.LOGO`.
APP_ICON_SIZES = "{}x{}".format(*pictures.LOGO)
FOR_GOOD = "public, max-age=31536000, immutable"

routes = Blueprint("designs", __name__, url_prefix=f"/designs/<int(max={LARGEST_ID}):template_id>")


@dataclass(frozen=True, slots=True)
class Picture:
    """`src` and `srcset` of an `img`, and its largest size, for what takes only one."""

    src: str
    srcset: str
    largest: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a page needs to draw the card."""

    stylesheet: str
    pictures: dict[str, Picture]


@dataclass(frozen=True, slots=True)
class BalanceWords:
    """What a page calls the balance: a label before the number, or the unit's word after it."""

    label: str
    unit: str


@dataclass(frozen=True, slots=True)
class WebCard:
    """A card as browsers show it. Texts are in the language of the page; `code` is a drawing."""

    programme: str
    look: Look
    shows_points: bool
    label: str
    points: str
    unit: str
    debt: str
    name: str
    number: str
    code: Markup


def balance_words(design: Design, unit: Unit | None, count: int) -> BalanceWords:
    """A label that the shop chose stands before the number, as on the card in a phone. The usual
    one says no more than the word of the unit, which has the right form for every number."""
    shown = next((field for field in design.fields if field.shows == "points"), None)
    label = (
        "" if shown is None else designs.said(shown.label, _tongue_of(design), design.languages[0])
    )
    usual = {text.casefold() for text in starters.words_of("points", LANGUAGES)[0].values()}
    if not label or label.casefold() in usual:
        return BalanceWords("", language.unit_word(unit, count))
    return BalanceWords(label, "")


def in_fours(number: str) -> str:
    """A number as people read it aloud."""
    return _grouped(number, 4)


def in_threes(code: str) -> str:
    """A code of six digits as people read it aloud."""
    return _grouped(code, 3)


def _grouped(number: str, size: int) -> str:
    return NO_BREAK_SPACE.join(number[i : i + size] for i in range(0, len(number), size))


def _tongue_of(design: Design) -> str:
    """The language of the page, if the design has it; else the design's first."""
    return languages.best(design.languages, language.current()) or design.languages[0]


def look(session: Session, template_id: int) -> Look:
    """The addresses of a design's colours and pictures, in the page's language."""
    sizes: dict[str, list[tuple[str, str]]] = {}
    for name in _spoken(session, template_id):
        match = artwork.NAME.fullmatch(artwork.split(name)[1])
        if match is not None:
            address = url_for("pages.designs.picture", template_id=template_id, name=name)
            sizes.setdefault(match[1], []).append((match[2] or "1", address))
    return Look(
        stylesheet=url_for("pages.designs.colours", template_id=template_id),
        pictures={
            kind: Picture(
                src=found[0][1],
                srcset=", ".join(f"{address} {scale}x" for scale, address in found),
                largest=found[-1][1],
            )
            for kind, found in sizes.items()
        },
    )


def counts(design: Design) -> bool:
    """Whether cards of this design say how many points there are. A membership card counts
    nothing."""
    return design.kind != "generic" or any(field.shows == "points" for field in design.fields)


def symbology(session: Session, pass_: Pass) -> Symbology:
    """The symbology that the wallet draws: another than the design's if what this pass says does
    not fit that."""
    design = templates.design(session.get_one(Template, pass_.template_id))
    return symbologies.drawn(design, issued.content(pass_).barcode)


def drawn(symbology: Symbology, text: str) -> Markup:
    """A barcode as a part of a page."""
    return Markup(barcodes.svg(symbology, text))  # noqa: S704 - numbers and paths, made by us


def _spoken(session: Session, template_id: int) -> list[str]:
    """The pictures for all languages, and those in the page's language; if the design does not have
    that language, those in the design's first."""
    names = templates.image_names(session, template_id)
    languages = templates.design(session.get_one(Template, template_id)).languages
    spoken = language.current() if language.current() in languages else languages[0]
    return [name for name in names if artwork.split(name)[0] in (None, spoken)]


@routes.get("/colours.css")
def colours(template_id: int) -> Response:
    """The design's colours as a stylesheet: our security policy forbids styles inside a page."""
    with current_installation().database.reading() as session:
        template = session.get(Template, template_id)
    if template is None:
        abort(404)
    design = templates.design(template)
    style = ";".join(
        f"--card-{name}:{_hex(colour)}"
        for name, colour in (
            ("background", design.background),
            ("foreground", design.foreground),
            ("label", design.label_colour),
        )
    )
    return _kept(Response(f".card{{{style}}}\n", mimetype="text/css"))


@routes.get("/app-icon.png")
def app_icon(template_id: int) -> Response:
    """The design's icon, large and square, as a phone shows it on its home screen."""
    with current_installation().database.reading() as session:
        template = session.get(Template, template_id)
        images = templates.images(session, template_id)
    if template is None:
        abort(404)
    return _kept(Response(pictures.logo(templates.design(template), images), mimetype="image/png"))


@routes.get("/<path:name>")
def picture(template_id: int, name: str) -> Response:
    """A picture of the design: a PNG. 404 if the design has none of that name."""
    if not artwork.NAME.fullmatch(artwork.split(name)[1]):
        abort(404)
    with current_installation().database.reading() as session:
        image = session.get(TemplateImage, (template_id, name))
    if image is None:
        abort(404)
    return _kept(Response(image.data, mimetype="image/png"))


def _hex(colour: str) -> str:
    """The colour, read as numbers and written anew: nothing else can get into the stylesheet."""
    return f"#{bytes(drawing.colour(colour)).hex()}"


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = FOR_GOOD
    return response
