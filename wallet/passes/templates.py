"""Stored designs. A template is never edited: each change is a new revision, so that a version of a
pass that names it can be put together again byte by byte."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Identifier, Instant, JsonDocument
from wallet.passes import artwork, designs
from wallet.passes.content import Design, FieldDesign

_DESIGN = TypeAdapter(Design)


class Template(Base):
    __tablename__ = "wallet_template"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    design: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)


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
    """A new revision, which is the programme's current design from now on.

    Pictures are checked and cleaned; those not given are drawn in the design's colours. Raises
    `ImageRefused`, `DesignRefused`."""
    designs.check(design)
    drawn = artwork.default(design.organization, design.background, design.foreground)
    given = {name: artwork.check(name, data) for name, data in images.items()}
    # A logo of one's own replaces all sizes of the drawn one, not just the size that was given.
    artwork.check_languages(given, design.languages)
    kinds = set(map(artwork.kind, given))
    kept = {name: data for name, data in drawn.items() if artwork.kind(name) not in kinds}
    template = Template(programme_id=programme_id, design=asdict(design), created_at=now)
    session.add(template)
    session.flush()
    session.add_all(
        TemplateImage(template_id=template.id, name=name, data=data)
        for name, data in {**kept, **given}.items()
    )
    session.flush()
    return template


def current(session: Session, programme_id: int) -> Template:
    return session.scalars(
        select(Template)
        .where(Template.programme_id == programme_id)
        .order_by(Template.id.desc())
        .limit(1)
    ).one()


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
            FieldDesign(
                "news",
                "back",
                {"ru": "Сообщение", "en": "Message"},
                shows="message",
                change_message={"ru": "%@", "en": "%@"},
            ),
            FieldDesign("offers", "back", {"ru": "Предложения", "en": "Offers"}, shows="offers"),
            FieldDesign("card", "back", {"ru": "Номер карты", "en": "Card number"}, shows="card"),
        ),
    )
