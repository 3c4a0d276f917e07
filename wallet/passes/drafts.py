"""Drafts of designs: what is worked on, and no card shows. A programme has one for its cards and
one for its coupons; it begins as the current design. Only `templates.store` makes cards of it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from ledger.programmes.programmes import Programme
from wallet.passes import artwork, templates
from wallet.passes.content import Design
from wallet.passes.templates import DesignPurpose


class Draft(Base):
    """The draft of a programme for one purpose. `revision` counts what was saved, pictures
    included; `changed_by` is who saved last. Whoever writes it has locked the programme."""

    __tablename__ = "wallet_design_draft"
    __table_args__ = (UniqueConstraint("programme_id", "purpose"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    purpose: Mapped[DesignPurpose] = mapped_column(String(10))
    design: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    revision: Mapped[int]
    changed_by: Mapped[str] = mapped_column(String(254))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class DraftImage(Base):
    """A picture that was given for a draft, as PNG; named as in `TemplateImage`."""

    __tablename__ = "wallet_design_draft_image"

    draft_id: Mapped[int] = mapped_column(ForeignKey("wallet_design_draft.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


def find(session: Session, programme_id: int, purpose: DesignPurpose) -> Draft | None:
    """The draft for this purpose; None if nobody has begun one."""
    return session.scalar(
        select(Draft)
        .where(Draft.programme_id == programme_id, Draft.purpose == purpose)
        .execution_options(populate_existing=True)
    )


def begin(
    session: Session, programme: Programme, purpose: DesignPurpose, by: str, now: datetime
) -> Draft:
    """The draft for this purpose; if there is none, one that looks as cards do now."""
    known = find(session, programme.id, purpose)
    if known is not None:
        return known
    design, images = current(session, programme, purpose)
    draft = Draft(
        programme_id=programme.id,
        purpose=purpose,
        design=asdict(design),
        revision=1,
        changed_by=by,
        changed_at=now,
    )
    session.add(draft)
    session.flush()
    put_images(session, draft, images)
    return draft


def current(
    session: Session, programme: Programme, purpose: DesignPurpose
) -> tuple[Design, dict[str, bytes]]:
    """What a draft begins with: the current design and the pictures that somebody gave for it. The
    first design for coupons is made from that of the cards."""
    template = templates.find(session, programme.id, purpose)
    if template is not None:
        return templates.design(template), templates.given_images(session, template)
    cards = templates.current(session, programme.id)
    images = templates.given_images(session, cards)
    return templates.offer_design(templates.design(cards)), images


def save(session: Session, draft: Draft, wanted: Design, by: str, now: datetime) -> None:
    """The draft looks like this from now on. It need not be fit to be published yet."""
    draft.design = asdict(wanted)
    touch(draft, by, now)
    session.flush()


def touch(draft: Draft, by: str, now: datetime) -> None:
    """Note that somebody has changed the draft."""
    draft.revision += 1
    draft.changed_by, draft.changed_at = by, now


def put_images(session: Session, draft: Draft, images: Mapping[str, bytes]) -> None:
    """Give the draft these pictures. Of a kind that is among them, all that were there before are
    gone, those of single languages included."""
    for kind in {artwork.kind(name) for name in images}:
        remove_images(session, draft, kind)
    session.add_all(
        DraftImage(draft_id=draft.id, name=name, data=data) for name, data in images.items()
    )
    session.flush()


def remove_images(session: Session, draft: Draft, kind: str) -> None:
    """Take the pictures of this kind away: one is drawn in their place."""
    gone = [name for name in image_names(session, draft) if artwork.kind(name) == kind]
    session.execute(
        delete(DraftImage).where(DraftImage.draft_id == draft.id, DraftImage.name.in_(gone))
    )


def image_names(session: Session, draft: Draft) -> list[str]:
    """The names of the pictures that were given."""
    names = select(DraftImage.name).where(DraftImage.draft_id == draft.id)
    return list(session.scalars(names.order_by(DraftImage.name)))


def images(session: Session, draft: Draft) -> dict[str, bytes]:
    """The pictures that were given, by their names."""
    rows = session.execute(
        select(DraftImage.name, DraftImage.data)
        .where(DraftImage.draft_id == draft.id)
        .order_by(DraftImage.name)
    )
    return {row.name: row.data for row in rows}


def design(draft: Draft) -> Design:
    """The draft as a value."""
    return templates.design_from(draft.design)


def drop(session: Session, draft: Draft) -> None:
    """Give the draft up: the next one begins as cards look then."""
    session.execute(delete(DraftImage).where(DraftImage.draft_id == draft.id))
    session.execute(delete(Draft).where(Draft.id == draft.id))
