"""Stored designs. A template is never edited: each change is a new revision, so that a version of a
pass that names it can be put together again byte by byte."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from ledger.programmes.programmes import Programme
from wallet.errors import ImageRefused
from wallet.passes import artwork, barcode_settings, designs, symbologies
from wallet.passes.content import Design, FieldDesign

DesignPurpose = Literal["card", "offer"]

_DESIGN = TypeAdapter(Design)
# Where messages are read, and what tells a phone of them.
_NEWS = FieldDesign(
    "news",
    "back",
    {"ru": "Сообщение", "en": "Message"},
    shows="message",
    change_message={"ru": "%@", "en": "%@"},
)


class Template(Base):
    __tablename__ = "wallet_template"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    design: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # Which passes of the programme it is for: its cards, or its offers.
    purpose: Mapped[DesignPurpose] = mapped_column(String(10), server_default="card")


class TemplateImage(Base):
    __tablename__ = "wallet_template_image"

    template_id: Mapped[int] = mapped_column(ForeignKey("wallet_template.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


def store(
    session: Session,
    programme_id: int,
    design: Design,
    images: Mapping[str, bytes],
    now: datetime,
) -> Template:
    """A new revision, which is the programme's current design of its purpose from now on.

    Pictures are checked and cleaned; those not given are drawn in the design's colours. Raises
    `ImageRefused`, `DesignRefused`, `CodeNotCarried`."""
    designs.check(design)
    barcode_settings.require_carried(session, programme_id, symbologies.offered(design))
    drawn = artwork.default(design.organization, design.background, design.foreground)
    given = {name: artwork.check(name, data) for name, data in images.items()}
    # A logo of one's own replaces all sizes of the drawn one, not just the size that was given.
    artwork.check_languages(given, design.languages)
    thumbnails = [name for name in given if artwork.kind(name) == "thumbnail"]
    if thumbnails and design.kind != "generic":
        raise ImageRefused(thumbnails[0], "no_place", "only generic cards have a thumbnail.")
    if design.enrolment is not None and not any(map(_is_enrolment, given)):
        raise ImageRefused(
            "enrolment@2x.png", "missing", "a card that asks who its owner is needs this logo."
        )
    kinds = set(map(artwork.kind, given))
    kept = {name: data for name, data in drawn.items() if artwork.kind(name) not in kinds}
    template = Template(
        programme_id=programme_id,
        design=asdict(design),
        created_at=now,
        purpose=purpose_of(design),
    )
    session.add(template)
    session.flush()
    session.add_all(
        TemplateImage(template_id=template.id, name=name, data=data)
        for name, data in {**kept, **given}.items()
    )
    session.flush()
    return template


def _is_enrolment(name: str) -> bool:
    return artwork.kind(name) == "enrolment"


def purpose_of(design: Design) -> DesignPurpose:
    return "offer" if design.kind == "offer" else "card"


def current(session: Session, programme_id: int, purpose: DesignPurpose = "card") -> Template:
    found = find(session, programme_id, purpose)
    if found is None:
        raise LookupError(f"programme {programme_id} has no design for {purpose}s")
    return found


def find(session: Session, programme_id: int, purpose: DesignPurpose) -> Template | None:
    """The current design; None for offers that nobody designed yet."""
    return session.scalar(
        select(Template)
        .where(Template.programme_id == programme_id, Template.purpose == purpose)
        .order_by(Template.id.desc())
        .limit(1)
    )


def for_offers(session: Session, programme: Programme, now: datetime) -> Template:
    """The design of the programme's offers; made if there is none yet, in the colours and with the
    pictures of its cards."""
    found = find(session, programme.id, "offer")
    if found is not None:
        return found
    cards = current(session, programme.id)
    return store(session, programme.id, offer_design(design(cards)), images(session, cards.id), now)


def design(template: Template) -> Design:
    return _DESIGN.validate_python(template.design)


def design_from(document: Mapping[str, Any]) -> Design:
    """A design from plain data, as a file holds it. Raises pydantic's ValidationError."""
    return _DESIGN.validate_python(document)


def images(session: Session, template_id: int) -> dict[str, bytes]:
    rows = session.execute(
        select(TemplateImage.name, TemplateImage.data)
        .where(TemplateImage.template_id == template_id)
        .order_by(TemplateImage.name)
    )
    return {row.name: row.data for row in rows}


def image_names(session: Session, template_id: int) -> Sequence[str]:
    return session.scalars(
        select(TemplateImage.name)
        .where(TemplateImage.template_id == template_id)
        .order_by(TemplateImage.name)
    ).all()


def offer_design(cards: Design) -> Design:
    """A design for the offers of a programme whose cards look like this: title, text, last day."""
    default = cards.languages[0]

    def said(russian: str, english: str) -> dict[str, str]:
        words = {one: russian if one.startswith("ru") else english for one in cards.languages}
        return {default: words[default], **words}

    return replace(
        cards,
        kind="offer",
        description=said("Купон", "Coupon"),
        fields=(
            FieldDesign("offer", "primary", said("Предложение", "Offer"), shows="offer"),
            FieldDesign("name", "secondary", said("Имя", "Name"), shows="name"),
            FieldDesign("until", "auxiliary", said("Действует до", "Valid until"), shows="expires"),
            FieldDesign("terms", "back", said("Условия", "Terms"), shows="offers"),
            FieldDesign("card", "back", said("Номер карты", "Card number"), shows="card"),
        ),
        messages=(),
        enrolment=None,
        expires=None,
        voided=False,
    )


def gift_cards(organization: str) -> Design:
    """The design that gift cards begin with: what is left on it, and its number."""
    return replace(
        standard(organization),
        kind="gift_card",
        description={"ru": "Подарочная карта", "en": "Gift card"},
        fields=(
            FieldDesign(
                "balance",
                "primary",
                {"ru": "Остаток", "en": "Balance"},
                shows="points",
                change_message={"ru": "На карте теперь %@", "en": "Your card now has %@"},
            ),
            FieldDesign("until", "auxiliary", {"ru": "До", "en": "Until"}, shows="expires"),
            _NEWS,
            FieldDesign("card", "back", {"ru": "Номер карты", "en": "Card number"}, shows="card"),
        ),
    )


def membership(organization: str) -> Design:
    """The design that membership cards begin with: whose it is, and nothing that is counted."""
    return replace(
        standard(organization),
        kind="generic",
        description={"ru": "Карта участника", "en": "Membership card"},
        fields=(
            FieldDesign("name", "primary", {"ru": "Участник", "en": "Member"}, shows="name"),
            FieldDesign("card", "secondary", {"ru": "Номер", "en": "Number"}, shows="card"),
            FieldDesign(
                "until", "auxiliary", {"ru": "Действует до", "en": "Valid until"}, shows="expires"
            ),
            _NEWS,
            FieldDesign("offers", "back", {"ru": "Предложения", "en": "Offers"}, shows="offers"),
        ),
    )


def standard(organization: str) -> Design:
    """The design a programme begins with: points, name, the newest offer; Russian and English."""
    return Design(
        organization=organization,
        description={"ru": "Карта лояльности", "en": "Loyalty card"},
        languages=("ru", "en"),
        logo_text=organization,
        fields=(
            FieldDesign(
                "points",
                "header",
                {"ru": "Баллы", "en": "Points"},
                shows="points",
                change_message={"ru": "Теперь у вас баллов: %@", "en": "You now have %@ points"},
            ),
            FieldDesign("name", "secondary", {"ru": "Имя", "en": "Name"}, shows="name"),
            FieldDesign(
                "offer",
                "secondary",
                {"ru": "Предложение", "en": "Offer"},
                shows="offer",
                change_message={"ru": "%@", "en": "%@"},
            ),
            _NEWS,
            FieldDesign("offers", "back", {"ru": "Предложения", "en": "Offers"}, shows="offers"),
            FieldDesign("card", "back", {"ru": "Номер карты", "en": "Card number"}, shows="card"),
        ),
    )
