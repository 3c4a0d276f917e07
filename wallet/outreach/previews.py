"""What a few members would see of a message, read from the cards as they would be compiled: Apple's
pass.json and Google's message, not the form that somebody types into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from ledger import languages
from ledger.languages import Texts
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from wallet.apple import bundle
from wallet.apple.bundle import Identity, PassTemplate
from wallet.google import objects
from wallet.outreach import campaigns, gifts, messages, wording
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.gifts import MessageGift
from wallet.outreach.wording import Known
from wallet.passes import content, designs, showing, templates
from wallet.passes.content import Design, Facts, LastMessage

SAMPLE = "preview"  # of an id that no phone ever sees
# No pass is made of it: a pass needs a type and a token to be read by a phone.
NOBODYS = Identity(
    "pass.preview", "preview", SAMPLE, "preview-preview-preview", "https://localhost"
)


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """What stands on a lock screen, or on the card: a heading and a text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """The message as one member sees it. `lock_screen`: an iPhone's; None if the design has no
    words for it, so that the phone stays silent. `card`: the field that has it from then on; None
    if no field shows messages. `google`: the notification."""

    member: Member
    name: str
    language: str
    text: str
    lock_screen: SeenNotice | None
    card: SeenNotice | None
    google: SeenNotice | None


def of(
    session: Session,
    programme: Programme,
    draft: CampaignDraft,
    members: Sequence[Member],
    now: datetime,
) -> list[SeenMessage]:
    """The message of this draft as each of these members would see it. Raises what
    `wording.check` raises."""
    campaigns.check_texts(draft, programme)
    return of_texts(session, programme, draft.texts, draft.gift, {}, members, now)


def of_texts(
    session: Session,
    programme: Programme,
    texts: Texts,
    gift: MessageGift | None,
    about: Known,
    members: Sequence[Member],
    now: datetime,
) -> list[SeenMessage]:
    """A message of these texts as each of these members would see it, who have the gift by then.
    `about` fills the places that only this kind of message has."""
    about = {**about, wording.GIFT: gifts.amount(session, programme, gift)}
    design = templates.design(templates.current(session, programme.id))
    facts = showing.facts(session, programme, [one.id for one in members], now)
    face = PassTemplate.prepare(design)
    given = 0 if gift is None else gift.points
    return [
        _seen(
            programme,
            texts,
            about,
            one,
            replace(facts[one.id], points=facts[one.id].points + given),
            design,
            face,
        )
        for one in members
    ]


def _seen(
    programme: Programme,
    texts: Texts,
    about: Known,
    member: Member,
    facts: Facts,
    design: Design,
    face: PassTemplate,
) -> SeenMessage:
    text = messages.text_for(programme, texts, facts, about)
    language = wording.language_for(texts, facts.locale, *programme.languages)
    shown = content.render(design, replace(facts, message=LastMessage(SAMPLE, text)))
    card = orjson.loads(bundle.render(face, NOBODYS, shown))
    field = _message_field(design, card)
    lock_screen = on_card = None
    if field is not None:
        label = _in_language(design, field["key"], "label", language)
        on_card = SeenNotice(label, str(field["value"]))
        if "changeMessage" in field:
            said = _in_language(design, field["key"], "change_message", language)
            lock_screen = SeenNotice(
                _organisation(design, language),
                said.replace(designs.NEW_VALUE, str(field["value"])),
            )
    return SeenMessage(
        member,
        facts.name,
        language,
        text,
        lock_screen,
        on_card,
        _at_google(design, objects.message(design, shown), language),
    )


def _message_field(design: Design, card: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first field of a pass.json that shows the message."""
    keys = [one.key for one in design.fields if one.shows == "message"]
    groups: Mapping[str, Any] = next(
        (card[style] for style in bundle.STYLES.values() if style in card), {}
    )
    found = {field["key"]: field for fields in groups.values() for field in fields}
    return next((found[key] for key in keys if key in found), None)


def _in_language(design: Design, key: str, name: str, language: str) -> str:
    """A text of a field as a phone in this language shows it."""
    field = next(one for one in design.fields if one.key == key)
    return designs.said(getattr(field, name), _spoken(design, language), design.languages[0])


def _organisation(design: Design, language: str) -> str:
    return designs.said(design.names, _spoken(design, language), design.languages[0])


def _spoken(design: Design, language: str) -> str:
    return languages.best(design.languages, language) or design.languages[0]


def _at_google(
    design: Design, message: Mapping[str, Any] | None, language: str
) -> SeenNotice | None:
    if message is None:
        return None
    spoken = _spoken(design, language)
    header = str(message["header"])
    localized = message.get("localizedHeader") or {}
    for one in localized.get("translatedValues", ()):
        if one["language"] == spoken:
            header = str(one["value"])
    return SeenNotice(header, str(message["body"]))
