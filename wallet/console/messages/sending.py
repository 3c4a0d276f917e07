"""Before a campaign is sent: the page that says all that this brings, and a test to one card."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import (
    CardBlocked,
    CardExpired,
    CardVoid,
    DateOutOfRange,
    Refusal,
    UnknownCard,
    UnknownSegment,
)
from ledger.offers import offers
from ledger.people import cards
from ledger.segments import named
from wallet.access import changes
from wallet.console import doing, opened, pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.messages import draft_form, seen, told
from wallet.console.messages.told import HERE, WRITE, CampaignReading, here
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.errors import NoMessageField
from wallet.installation import current_installation
from wallet.outreach import campaign_deeds, campaigns, hours, reach, trial
from wallet.outreach.campaigns import Campaign, CampaignDraft
from wallet.outreach.reach import Reach
from wallet.outreach.trial import SentTrial
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import templates
from wallet.passes.content import announces_messages

SEND = "console/messages/send.html"

routes = Blueprint("sending", __name__)


@routes.get(f"{IN_PROGRAMME}/messages/<campaign_id>/send")
@needs(WRITE)
def confirm(campaign_id: str) -> Response | str:
    """All that sending brings, in one paragraph; and a test to one card."""
    house = current_installation()
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        if campaign.state != "draft":
            return pages.go("console.campaign.show", campaign_id=campaign_id)
        reading = CampaignReading.begin(session, house.clock())
        typed = request.args.get("at", draft_form.planned(campaigns.drafted(campaign), reading))
        at = draft_form.moment_of(typed)
        given = _before_sending(session, campaign, at)
    return pages.show(SEND, HERE, typed={}, problems={}, **given)


@routes.post(f"{IN_PROGRAMME}/messages/<campaign_id>/send")
@needs(WRITE)
def send(campaign_id: str) -> Response:
    """Send it, now or at the time that was chosen. Whoever presses second is told so."""
    entries, house = FormEntries(), current_installation()
    at = draft_form.moment_of(entries["at"])
    with house.database.reading() as session:
        here(session, campaign_id)

    def work(session: Session) -> Campaign:
        campaign = here(session, campaign_id)
        changes.held(session, campaign)
        if campaign.state == "draft":
            opened.require_fresh(session, entries, [campaign_deeds.of(campaign)])
        return campaign_deeds.start(session, campaign, at, pages.author(), house.clock())

    if doing.done(entries, work, _field_of_sending):
        pages.say(_("It is planned.") if at is not None else _("It is on its way."))
        return pages.go("console.campaign.show", campaign_id=campaign_id)
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        if campaign.state != "draft":
            pages.say(_("It was sent before: it goes out once."), "wait")
            return pages.go("console.campaign.show", campaign_id=campaign_id)
        given = _before_sending(session, campaign, at)
    return pages.show_again(SEND, HERE, entries, typed=entries, **given)


@routes.post(f"{IN_PROGRAMME}/messages/<campaign_id>/test")
@needs(WRITE)
def test(campaign_id: str) -> Response:
    """Send it to one card alone, without the gift."""
    entries, house = FormEntries(), current_installation()
    number = entries.text("card", most=64)
    at = draft_form.moment_of(entries["at"])
    with house.database.reading() as session:
        here(session, campaign_id)

    def work(session: Session) -> SentTrial:
        now = house.clock()
        campaign = here(session, campaign_id)
        programme = pages.programme_row(session)
        member = cards.owner(session, number, now, programme.id).member
        draft = campaigns.drafted(campaign)
        sent = trial.send(
            session, programme, member, draft.texts, house.make_due, now, gift=draft.gift
        )
        if sent is None:
            entries.refuse("card", _("This card is blocked, or nobody has it."))
            raise FormRefused
        return sent

    if entries.fit and (sent := doing.made(entries, work, _field_of_test)) is not None:
        for sentence, state in _arrives(sent):
            pages.say(sentence, state)
        return pages.go(
            "console.sending.confirm", campaign_id=campaign_id, at=entries["at"] or None
        )
    with house.database.reading() as session:
        given = _before_sending(session, here(session, campaign_id), at)
    return pages.show_again(SEND, HERE, entries, typed=entries, **given)


def _arrives(sent: SentTrial) -> Iterator[tuple[str, str]]:
    """What the phones make of it, in words, with the state of each note."""
    if not (sent.on_apple or sent.on_google):
        yield _("It is written on the card, but this card is in no phone yet."), "wait"
        return
    yield _("Sent to this card. The phone shows it in a few seconds."), "good"
    if sent.on_apple and sent.repeats:
        yield _("The words are those of the message before: an iPhone stays silent then."), "wait"
    if sent.on_google and not sent.alerts:
        said = _("Google brings it without a sound: this card had three alerts within 24 hours.")
        yield said, "wait"


def _field_of_test(refusal: Refusal) -> str:
    is_of_card = isinstance(refusal, UnknownCard | CardBlocked | CardVoid | CardExpired)
    return "card" if is_of_card else FORM


def _field_of_sending(refusal: Refusal) -> str:
    return "at" if isinstance(refusal, DateOutOfRange) else FORM


def _before_sending(session: Session, campaign: Campaign, at: datetime | None) -> Mapping[str, Any]:
    reading = CampaignReading.begin(session, current_installation().clock())
    draft = campaigns.drafted(campaign)
    moment = None if at is None else hours.off_wall(at, reading.programme.timezone)
    given: dict[str, Any] = {
        "campaign": campaign,
        "opened": opened.last_change(session, [campaign_deeds.of(campaign)]),
        "at": "" if at is None else at.isoformat()[:16],
        "when": "" if moment is None else reading.at(moment),
        "obstacle": _obstacle(session, draft, moment, reading),
        "paragraph": "",
        "cards": [],
        "has_gift": draft.gift is not None or draft.coupon is not None,
        "on_lock_screen": seen.ON_LOCK_SCREEN,
    }
    try:
        found: Reach = reach.of(session, reading.programme, draft, reading.now)
        readers = reach.tongues(session, reading.programme, draft, reading.now)
        sentences = told.paragraph(session, draft, found, readers, moment, reading)
        given |= {
            "paragraph": " ".join(sentences),
            "cards": seen.cards(session, draft, reading),
            "told": found.told - found.held_out(draft.holdout_percent),
        }
    except Refusal as refusal:
        given["obstacle"] = refusal.sentence(language.current())
    return given


def _obstacle(
    session: Session, draft: CampaignDraft, moment: datetime | None, reading: CampaignReading
) -> str:
    """Why it cannot be sent as it is, in words; empty if it can."""
    design = templates.design(templates.current(session, reading.programme.id))
    refusal: Refusal | None = None
    if not announces_messages(design):
        refusal = NoMessageField(reading.programme.code)
    elif draft.audience["kind"] == "segment":
        name = str(draft.audience["name"])
        if named.find(session, reading.programme.id, name) is None:
            refusal = UnknownSegment(name)
    if refusal is None and draft.gift is not None and draft.gift.expires_at is not None:
        begins = moment or reading.now
        if draft.gift.expires_at <= begins:
            return _("The points of the gift would be over before it goes out.")
    if refusal is None and draft.coupon is not None:
        return _no_coupon(session, draft.coupon, moment or reading.now)
    return "" if refusal is None else refusal.sentence(language.current())


def _no_coupon(session: Session, coupon: str, begins: datetime) -> str:
    """Why nobody could have the coupon when it goes out; empty if they could."""
    offer = offers.by_public_id(session, coupon)
    if offer.withdrawn_at is not None:
        return _("The announcement of the coupon was taken off the cards. Choose another gift.")
    if offer.ends_at <= begins:
        return _("The coupon would be over before it goes out.")
    if offer.starts_at > begins:
        return _("The announcement of the coupon has not begun by then. Send it later.")
    return ""
