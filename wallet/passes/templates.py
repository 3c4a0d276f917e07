"""Stored designs. A template is never edited: each change is a new revision. So any version of a
pass, which names its template, can be built again byte by byte."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, ForeignKey, LargeBinary, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import languages
from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from ledger.languages import Language
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet import sentences
from wallet.errors import DesignRefused, ImageRefused
from wallet.passes import artwork, barcode_settings, contrast, designs, symbologies
from wallet.passes.content import Design, FieldDesign
from wallet.passes.designs import NEW_VALUE
from wallet.passes.parts import Named, Translations

DesignPurpose = Literal["card", "offer"]

USUAL = programmes.with_others(programmes.LOCALE)

_DESIGN = TypeAdapter(Design)


class Template(Base):
    """One revision of a design; the newest of a programme and purpose that was published is the
    current one. Rows are never changed. `is_trial`: it was made for a few passes, to be looked at
    in a phone, and never was the design of the others."""

    __tablename__ = "wallet_template"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    design: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # The passes that it is for: the programme's cards, or the coupons of its offers.
    purpose: Mapped[DesignPurpose] = mapped_column(String(10), server_default="card")
    is_trial: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class TemplateImage(Base):
    """A picture of a template as PNG. `name` is as in a bundle: `logo@2x.png` or
    `ru.lproj/logo@2x.png`."""

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
    """Store a new revision, which is the current design of its purpose from now on. If it is the
    same as the current one, that one stays, and nothing is stored.

    Pictures are checked and cleaned; kinds that are not given are drawn in the design's colours.
    Raises `ImageRefused`, `DesignRefused`, `CodeNotCarried`."""
    designs.check(design)
    contrast.require(design)
    return _store(session, programme_id, design, images, now)


def _store(
    session: Session,
    programme_id: int,
    design: Design,
    images: Mapping[str, bytes],
    now: datetime,
) -> Template:
    """`store`, but for rules that a design broke when it was stored first: what is made of a design
    that is in use, or was, is not refused for it."""
    _require_spoken(programmes.by_id(session, programme_id), design)
    barcode_settings.require_carried(session, programme_id, symbologies.offered(design))
    pictures = _pictures(design, images)
    newest = find(session, programme_id, purpose_of(design))
    if newest is not None and _is(session, newest, design, pictures):
        return newest
    return _insert(session, programme_id, design, pictures, now, is_trial=False)


def store_trial(
    session: Session,
    programme_id: int,
    design: Design,
    images: Mapping[str, bytes],
    now: datetime,
) -> Template:
    """Store a revision that is nobody's design until passes are given it, see `issued.try_on`. Of
    what was tried just before there is no second one. Raises what `store` raises."""
    designs.check(design)
    contrast.require(design)
    _require_spoken(programmes.by_id(session, programme_id), design)
    barcode_settings.require_carried(session, programme_id, symbologies.offered(design))
    pictures = _pictures(design, images)
    newest = session.scalar(
        select(Template)
        .where(Template.programme_id == programme_id, Template.purpose == purpose_of(design))
        .order_by(Template.id.desc())
        .limit(1)
    )
    if newest is not None and newest.is_trial and _is(session, newest, design, pictures):
        return newest
    return _insert(session, programme_id, design, pictures, now, is_trial=True)


def _insert(
    session: Session,
    programme_id: int,
    design: Design,
    pictures: Mapping[str, bytes],
    now: datetime,
    *,
    is_trial: bool,
) -> Template:
    template = Template(
        programme_id=programme_id,
        design=asdict(design),
        created_at=now,
        purpose=purpose_of(design),
        is_trial=is_trial,
    )
    session.add(template)
    session.flush()
    session.add_all(
        TemplateImage(template_id=template.id, name=name, data=data)
        for name, data in pictures.items()
    )
    session.flush()
    return template


def _pictures(design: Design, images: Mapping[str, bytes]) -> dict[str, bytes]:
    """The pictures of a design: those that are given, and drawn ones for kinds that are not. Raises
    `ImageRefused`."""
    given = {name: artwork.check(name, data) for name, data in images.items()}
    artwork.check_languages(given, design.languages)
    thumbnails = [name for name in given if artwork.kind(name) == "thumbnail"]
    if thumbnails and design.kind != "generic":
        raise ImageRefused(thumbnails[0], "no_place", "only generic cards have a thumbnail.")
    if design.enrolment is not None and not any(map(_is_enrolment, given)):
        raise ImageRefused(
            "enrolment@2x.png", "missing", "a card that asks who its owner is needs this logo."
        )
    return with_drawn(design, given)


def with_drawn(design: Design, given: Mapping[str, bytes]) -> dict[str, bytes]:
    """Pictures that were checked, and drawn ones for kinds that are not among them."""
    drawn = artwork.default(design.organization_name, design.background, design.foreground)
    # An uploaded logo replaces all sizes of the drawn one, not just the size that was uploaded.
    kinds = set(map(artwork.kind, given))
    kept = {name: data for name, data in drawn.items() if artwork.kind(name) not in kinds}
    return {**kept, **given}


def _is(
    session: Session, template: Template, wanted: Design, pictures: Mapping[str, bytes]
) -> bool:
    """Whether the template is this design with these pictures, byte for byte."""
    return design(template) == wanted and images(session, template.id) == pictures


def revisions(session: Session, programme_id: int, purpose: DesignPurpose) -> Sequence[Template]:
    """All designs that a programme had for this purpose, the first one first: their numbers count
    from 1."""
    return session.scalars(
        select(Template).where(*_published(programme_id, purpose)).order_by(Template.id)
    ).all()


def number_of_revisions(session: Session, programme_id: int, purpose: DesignPurpose) -> int:
    """How many designs a programme had for this purpose: the number of the current one."""
    query = select(func.count()).select_from(Template).where(*_published(programme_id, purpose))
    return session.scalars(query).one()


def _published(programme_id: int, purpose: DesignPurpose) -> Sequence[ColumnElement[bool]]:
    return (
        Template.programme_id == programme_id,
        Template.purpose == purpose,
        Template.is_trial.is_(False),
    )


def bring_back(session: Session, revision: Template, now: datetime) -> Template:
    """An earlier design is the current one again: a new revision with the same content. Raises
    `ImageRefused`, `DesignRefused`, `CodeNotCarried` if it does not fit any more."""
    earlier = design(revision)
    designs.check(earlier)
    pictures = images(session, revision.id)
    return _store(session, revision.programme_id, earlier, pictures, now)


def change(session: Session, revision: Template, wanted: Design, now: datetime) -> Template:
    """Store a revision that differs from this one by what was changed for its programme's sake, not
    by its editor: pictures that were given stay. Raises `ImageRefused`, `CodeNotCarried`."""
    pictures = given_images(session, revision)
    return _store(session, revision.programme_id, wanted, pictures, now)


def _require_spoken(programme: Programme, design: Design) -> None:
    """The languages of a design must be languages of its programme."""
    for language in design.languages:
        if languages.best(programme.languages, language) is None:
            raise DesignRefused(
                "languages",
                "the programme speaks {known}. Let it speak {language} too, or leave that out.",
                known=", ".join(programme.languages),
                language=language,
            )


def _is_enrolment(name: str) -> bool:
    return artwork.kind(name) == "enrolment"


def purpose_of(design: Design) -> DesignPurpose:
    """The purpose of a design follows from its kind."""
    return "offer" if design.kind == "offer" else "card"


def current(session: Session, programme_id: int, purpose: DesignPurpose = "card") -> Template:
    """The current design. Raises LookupError if there is none: every programme has one for its
    cards."""
    found = find(session, programme_id, purpose)
    if found is None:
        raise LookupError(f"programme {programme_id} has no design for {purpose}s")
    return found


def find(session: Session, programme_id: int, purpose: DesignPurpose) -> Template | None:
    """The current design; None for the offers of a programme that has no design for them yet."""
    return session.scalar(
        select(Template)
        .where(*_published(programme_id, purpose))
        .order_by(Template.id.desc())
        .limit(1)
    )


def for_offers(session: Session, programme: Programme, now: datetime) -> Template:
    """The current design for coupons of the programme. If there is none, it is made in the colours
    and with the pictures of the cards."""
    found = find(session, programme.id, "offer")
    if found is not None:
        return found
    cards = current(session, programme.id)
    made = offer_design(design(cards))
    designs.check(made)
    return _store(session, programme.id, made, images(session, cards.id), now)


def design(template: Template) -> Design:
    """The stored design as a value."""
    return _DESIGN.validate_python(template.design)


def design_from(document: Mapping[str, Any]) -> Design:
    """A design from plain data, as a file holds it. Raises pydantic's ValidationError."""
    return _DESIGN.validate_python(document)


def images(session: Session, template_id: int) -> dict[str, bytes]:
    """The pictures of a template: name -> PNG."""
    rows = session.execute(
        select(TemplateImage.name, TemplateImage.data)
        .where(TemplateImage.template_id == template_id)
        .order_by(TemplateImage.name)
    )
    return {row.name: row.data for row in rows}


def given_images(session: Session, template: Template) -> dict[str, bytes]:
    """The pictures of a template that somebody gave. Those that were drawn are not among them: in
    other colours, or for another name, they are drawn anew."""
    of = design(template)
    drawn = artwork.default(of.organization_name, of.background, of.foreground)
    return {
        name: data for name, data in images(session, template.id).items() if drawn.get(name) != data
    }


def image_names(session: Session, template_id: int) -> Sequence[str]:
    """The names of a template's pictures, sorted."""
    return session.scalars(
        select(TemplateImage.name)
        .where(TemplateImage.template_id == template_id)
        .order_by(TemplateImage.name)
    ).all()


def offer_design(cards: Design) -> Design:
    """A design for the coupons of a programme whose cards have the design `cards`: title, text,
    last day. In a language that we have no words in, our words are in the next language of the
    design."""
    spoken = {one: languages.ours(one, *cards.languages) for one in cards.languages}
    return replace(
        cards,
        kind="offer",
        description=_in_each("Coupon", spoken),
        fields=(
            FieldDesign("offer", "primary", _in_each("Offer", spoken), shows="offer"),
            FieldDesign("name", "secondary", _in_each("Name", spoken), shows="name"),
            FieldDesign("until", "auxiliary", _in_each("Valid until", spoken), shows="expires"),
            FieldDesign("terms", "back", _in_each("Terms", spoken), shows="offers"),
            FieldDesign("card", "back", _in_each("Card number", spoken), shows="card"),
        ),
        messages=(),
        enrolment=None,
        expires=None,
        voided=False,
    )


def gift_cards(organization: Named, spoken: Sequence[str] = USUAL) -> Design:
    """The design with which gift cards begin: the balance, and the number of the card. In languages
    as in `standard`."""
    own = languages.own_words(spoken)
    return replace(
        standard(organization, spoken),
        kind="gift_card",
        description=_in_each("Gift card", own),
        fields=(
            FieldDesign(
                "balance",
                "primary",
                _in_each("Balance", own),
                shows="points",
                change_message=_in_each("Your card now has %@", own),
            ),
            FieldDesign("until", "auxiliary", _in_each("Until", own), shows="expires"),
            _news(own),
            FieldDesign("card", "back", _in_each("Card number", own), shows="card"),
        ),
    )


def membership(organization: Named, spoken: Sequence[str] = USUAL) -> Design:
    """The design with which membership cards begin: whose card it is, and nothing that is counted.
    In languages as in `standard`."""
    own = languages.own_words(spoken)
    return replace(
        standard(organization, spoken),
        kind="generic",
        description=_in_each("Membership card", own),
        fields=(
            FieldDesign("name", "primary", _in_each("Member", own), shows="name"),
            FieldDesign("card", "secondary", _in_each("Number", own), shows="card"),
            FieldDesign("until", "auxiliary", _in_each("Valid until", own), shows="expires"),
            _news(own),
            FieldDesign("offers", "back", _in_each("Offers", own), shows="offers"),
        ),
    )


def standard(organization: Named, spoken: Sequence[str] = USUAL) -> Design:
    """The design with which a programme begins: points, name, the newest offer. It has those of the
    `spoken` languages in which we have words; if there are none, the first of them with English
    words."""
    own = languages.own_words(spoken)
    return Design(
        organization=organization,
        description=_in_each("Loyalty card", own),
        languages=tuple(own),
        logo_text=organization,
        fields=(
            FieldDesign(
                "points",
                "header",
                _in_each("Points", own),
                shows="points",
                change_message=_in_each("Your points: %@", own),
            ),
            FieldDesign("name", "secondary", _in_each("Name", own), shows="name"),
            FieldDesign(
                "offer",
                "secondary",
                _in_each("Offer", own),
                shows="offer",
                change_message=dict.fromkeys(own, NEW_VALUE),
            ),
            _news(own),
            FieldDesign("offers", "back", _in_each("Offers", own), shows="offers"),
            FieldDesign("card", "back", _in_each("Card number", own), shows="card"),
        ),
    )


def _news(own: Mapping[str, Language]) -> FieldDesign:
    """The field that shows messages, and makes the phone speak of a new one."""
    label, new = _in_each("Message", own), dict.fromkeys(own, NEW_VALUE)
    return FieldDesign("news", "back", label, shows="message", change_message=new)


def _in_each(text: str, spoken: Mapping[str, Language]) -> Translations:
    """A text of ours, known by its English words, in the languages of a design."""
    return {tag: sentences.CATALOGUE.text(language, text) for tag, language in spoken.items()}
