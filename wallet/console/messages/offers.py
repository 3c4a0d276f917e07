"""Announcements on the cards: for all, for a segment, or for one member, with dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.errors import (
    CardBlocked,
    CardExpired,
    CardVoid,
    DateOutOfRange,
    DatesOutOfOrder,
    OfferBegun,
    Refusal,
    TitleMissing,
    UnknownCard,
    UnknownOffer,
    UnknownSegment,
)
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer, OfferDraft
from ledger.people import cards, members
from ledger.segments import documents, named
from wallet.access import changes
from wallet.console import doing, listing, moments, opened, pages
from wallet.console.choices import language_name
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.members import conditions, coupon_words, people
from wallet.console.messages import draft_form, told
from wallet.console.messages.told import HERE, BadgeLook, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.errors import PlaceholderNotFilled
from wallet.installation import current_installation
from wallet.outreach import hours, offer_deeds
from wallet.pages.language import gettext as _

READ, WRITE = "offers:read", "offers:write"
LIST, PAGE = "console/messages/offers.html", "console/messages/offer.html"
LONGEST_TITLE, LONGEST_TEXT = 100, 2_000
# What sounds like a price: no till knows of it.
PROMISES = ("%", "−", "₽", "€", "$", "скидк", "подар", "бесплат", "discount", "free", "gift")

routes = Blueprint("offers", __name__)


@dataclass(frozen=True, slots=True)
class AnnouncementLine:
    """An announcement in the list, in words."""

    url: str
    title: str
    state: str
    look: BadgeLook
    whom: str
    dates: str


@routes.get(f"{IN_PROGRAMME}/messages/offers")
@needs(READ)
def listed() -> str:
    """The announcements of the programme, newest first."""
    after = listing.after()
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        found = offers.listed(
            session, reading.programme.id, None, after[0] if after else None, listing.ROWS + 1
        )
        page = listing.page(found, lambda one: (one.id,))
        base = pages.url("console.offers.listed")
        lines = []
        for one in page.rows:
            said, look = told.offer_state(one, reading.now)
            whom = _whom(session, one, reading)
            lines.append(
                AnnouncementLine(
                    f"{base}/{one.public_id}",
                    coupon_words.title(one),
                    said,
                    look,
                    whom,
                    _dates(one, reading),
                )
            )
    return pages.show(LIST, HERE, lines=lines, page=page, tabs=told.tabs("offers"))


@routes.get(f"{IN_PROGRAMME}/messages/offers/new")
@needs(WRITE)
def new() -> str:
    """The form of a new announcement."""
    typed: dict[str, str] = {"whom": "everyone"}
    if (tree := conditions.read(request.args.get("tree", ""))) is not None:
        typed |= {"whom": "conditions", "tree": conditions.written(tree)}
    if name := request.args.get("segment"):
        typed |= {"whom": "segment", "segment": name}
    with current_installation().database.reading() as session:
        given = _around(session, None, typed.get("tree", ""))
    return pages.show(PAGE, HERE, typed=typed, problems={}, **given)


@routes.post(f"{IN_PROGRAMME}/messages/offers/new")
@needs(WRITE)
def publish() -> Response:
    """Publish it: cards show it from its first day on."""
    entries, house = FormEntries(), current_installation()

    def work(session: Session) -> str:
        entries.problems.clear()  # the work may be repeated
        reading = CampaignReading.begin(session, house.clock())
        titles, texts = _words(entries, reading)
        starts_at, ends_at = _first(entries, reading), _last(entries, reading)
        _in_order(entries, starts_at, ends_at, reading.now)
        audience, member_id = _for(entries, session, reading)
        if not entries.fit:
            raise FormRefused
        draft = OfferDraft(titles, texts, starts_at, ends_at, audience)
        by = pages.author()
        offer = offer_deeds.publish(session, reading.programme, member_id, draft, by, reading.now)
        return offer.public_id

    made = doing.made(entries, work, partial(_field_of, entries))
    if made is not None:
        pages.say(_("It is published: cards show it on its days."))
        return pages.go("console.offers.show", offer_id=made)
    with house.database.reading() as session:
        given = _around(session, None, entries["tree"])
    return pages.show_again(PAGE, HERE, entries, typed=entries, **given)


@routes.get(f"{IN_PROGRAMME}/messages/offers/<offer_id>")
@needs(READ)
def show(offer_id: str) -> str:
    """One announcement."""
    with current_installation().database.reading() as session:
        offer = _here(session, offer_id)
        given = _around(session, offer, "")
        typed = _typed(offer, given["zone"])
    return pages.show(PAGE, HERE, typed=typed, problems={}, **given)


@routes.post(f"{IN_PROGRAMME}/messages/offers/<offer_id>")
@needs(WRITE)
def save(offer_id: str) -> Response:
    """Change what it says, or its days."""
    entries, house = FormEntries(), current_installation()

    def work(session: Session) -> None:
        entries.problems.clear()
        reading = CampaignReading.begin(session, house.clock())
        offer = _here(session, offer_id)
        changes.held(session, offer)
        opened.require_fresh(session, entries, [offer_deeds.of(offer)])
        titles, texts = _words(entries, reading)
        wanted: dict[str, Any] = {"titles": titles, "texts": texts}
        before = _typed(offer, reading.programme.timezone)
        if entries["starts"] != before["starts"] and (first := _first(entries, reading)):
            wanted["starts_at"] = first
        if entries["ends"] != before["ends"]:
            last = _last(entries, reading)
            _in_order(entries, wanted.get("starts_at", offer.starts_at), last, reading.now)
            wanted["ends_at"] = last or NEVER
        if not entries.fit:
            raise FormRefused
        offer_deeds.change(session, offer, wanted, pages.author(), reading.now)

    if doing.done(entries, work, partial(_field_of, entries)):
        pages.say(_("Saved. Cards follow."))
        return pages.go("console.offers.show", offer_id=offer_id)
    with house.database.reading() as session:
        given = _around(session, _here(session, offer_id), "")
    return pages.show_again(PAGE, HERE, entries, typed=entries, **given)


@routes.get(f"{IN_PROGRAMME}/messages/offers/<offer_id>/withdraw")
@needs(WRITE)
def ask(offer_id: str) -> str:
    """What it means to take it off the cards."""
    with current_installation().database.reading() as session:
        offer = _here(session, offer_id)
        given = _around(session, offer, "")
    return pages.show("console/messages/withdraw.html", HERE, **given)


@routes.post(f"{IN_PROGRAMME}/messages/offers/<offer_id>/withdraw")
@needs(WRITE)
def withdraw(offer_id: str) -> Response:
    """Take it off all cards."""
    house = current_installation()

    def work(session: Session) -> None:
        offer_deeds.withdraw(session, _here(session, offer_id), pages.author(), house.clock())

    doing.told(work, _("It is withdrawn: cards stop showing it."))
    return pages.go("console.offers.show", offer_id=offer_id)


def _here(session: Session, offer_id: str) -> Offer:
    """The offer of the page's programme; the request ends with 404 if there is none."""
    try:
        found = offers.by_public_id(session, offer_id)
    except UnknownOffer:
        pages.not_there(HERE)
    if found.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return found


# --- What was typed -----------------------------------------------------------------------------


def _words(entries: FormEntries, reading: CampaignReading) -> tuple[dict[str, str], dict[str, str]]:
    """Title and text by language; what is empty is left out."""
    spoken = reading.programme.languages
    titles, texts = {}, {}
    for tag in spoken:
        title, text = f"title_{tag}", draft_form.text_name(tag)
        said = entries.text(title, required=False, most=LONGEST_TITLE)
        if found := draft_form.readable_text(entries, title, said):
            titles[tag] = found
        said = entries.text(text, required=False, most=LONGEST_TEXT).replace("\r\n", "\n")
        if found := draft_form.readable_text(entries, text, said):
            texts[tag] = found
    if not titles and entries.fit:
        entries.refuse(f"title_{spoken[0]}", _("Give it a title, in one language at least."))
    return titles, texts


def _first(entries: FormEntries, reading: CampaignReading) -> datetime | None:
    day = entries.day("starts", required=False)
    if day is None or day == hours.day_of(reading.now, reading.programme.timezone):
        return None
    return hours.begin_of(day, reading.programme.timezone)


def _last(entries: FormEntries, reading: CampaignReading) -> datetime | None:
    day = entries.day("ends", required=False)
    if day is None:
        return None
    try:
        return hours.begin_of(day + timedelta(days=1), reading.programme.timezone)
    except OverflowError:
        entries.refuse("ends", _("This is not a day."))
        return None


def _in_order(
    entries: FormEntries, begins: datetime | None, ends: datetime | None, now: datetime
) -> None:
    if ends is not None and ends <= (begins or now):
        words = _("This day is over.") if begins is None else _("It is before the first day.")
        entries.refuse("ends", words)


def _for(
    entries: FormEntries, session: Session, reading: CampaignReading
) -> tuple[dict[str, Any] | None, int | None]:
    """The audience, or the one member; neither for all."""
    match entries["whom"]:
        case "segment":
            name = entries["segment"]
            if not name:
                entries.refuse("segment", _("Choose a segment."))
            return {"kind": "segment", "name": name}, None
        case "conditions":
            tree = conditions.read(entries["tree"])
            if tree is not None and conditions.parts(tree):
                return documents.stored(tree), None
        case "member":
            number = entries.text("card", most=64)
            if not number:
                return None, None
            owner = cards.owner(session, number, reading.now, reading.programme.id)
            return None, owner.member.id
        case "everyone":
            return None, None
    entries.refuse("whom", _("Please choose one of them."))
    return None, None


def _field_of(entries: FormEntries, refusal: Refusal) -> str:
    match refusal:
        case UnknownCard() | CardBlocked() | CardVoid() | CardExpired():
            return "card"
        case UnknownSegment():
            return "segment"
        case TitleMissing():
            return f"title_{refusal.language}"
        case PlaceholderNotFilled():
            return _quoted_in(entries, refusal)
        case OfferBegun():
            return "starts"
        case DatesOutOfOrder() | DateOutOfRange():
            return "ends"
    return FORM


def _quoted_in(entries: FormEntries, refusal: PlaceholderNotFilled) -> str:
    """The field that has what is quoted."""
    title = f"title_{refusal.language}"
    has = refusal.written.removesuffix("…") in entries[title]
    return title if has else draft_form.text_name(refusal.language)


# --- In words -----------------------------------------------------------------------------------


def _whom(session: Session, offer: Offer, reading: CampaignReading) -> str:
    if offer.member_id is not None:
        return people.name_of(session, members.by_id(session, offer.member_id))
    return told.whom(offer.audience or {"kind": "everyone"}, reading)


def _dates(offer: Offer, reading: CampaignReading) -> str:
    zone = reading.programme.timezone
    begins = moments.day(offer.starts_at, zone, reading.now)
    if offer.ends_at == NEVER:
        return _("from %(day)s", day=begins)
    ends = moments.last_day(offer.ends_at, zone)
    return _("%(begins)s to %(ends)s", begins=begins, ends=ends)


def _typed(offer: Offer, zone: str) -> dict[str, str]:
    shown = {f"title_{tag}": text for tag, text in offer.titles.items()}
    shown |= {draft_form.text_name(tag): text for tag, text in offer.texts.items()}
    local = ZoneInfo(zone)
    shown["starts"] = offer.starts_at.astimezone(local).date().isoformat()
    shown["ends"] = ""
    if offer.ends_at != NEVER:
        last = words.last_moment(offer.ends_at.astimezone(local))
        shown["ends"] = last.date().isoformat()
    return shown


def _promises(texts: Sequence[Mapping[str, str]]) -> bool:
    """Whether any of the words sound like a price."""
    said = " ".join(text.casefold() for by_language in texts for text in by_language.values())
    return any(word in said for word in PROMISES)


def _around(session: Session, offer: Offer | None, tree: str) -> dict[str, Any]:
    house = current_installation()
    reading = CampaignReading.begin(session, house.clock())
    programme = reading.programme
    (segments,) = house.database.answers(named.names(programme.id))
    chosen = conditions.read(tree)
    given: dict[str, Any] = {
        "offer": offer,
        "spoken": [(tag, language_name(tag)) for tag in programme.languages],
        "segments": [(name, name) for name in segments],
        "tree": tree,
        "sentence": "" if chosen is None else conditions.sentence(chosen, reading.of_conditions),
        "zone": programme.timezone,
        "today": hours.day_of(reading.now, programme.timezone).isoformat(),
        "facts": [],
        "opened": None,
        "may_change": offer is None and pages.may(WRITE),
    }
    if offer is None:
        return given
    said, look = told.offer_state(offer, reading.now)
    is_open = offer.withdrawn_at is None and offer.ends_at > reading.now
    return {
        **given,
        "title": coupon_words.title(offer),
        "state": said,
        "look": look,
        "is_open": is_open,
        "has_begun": offer.starts_at <= reading.now,
        "may_change": is_open and pages.may(WRITE),
        "warns": _promises([offer.titles, offer.texts]),
        "opened": opened.last_change(session, [offer_deeds.of(offer)]),
        "facts": [
            (_("For"), _whom(session, offer, reading)),
            (_("When"), _dates(offer, reading)),
            (_("Published"), reading.at(offer.created_at)),
            (
                _("Withdrawn"),
                "" if offer.withdrawn_at is None else reading.at(offer.withdrawn_at),
            ),
        ],
    }
