"""Messages that come by themselves: which are on, what they say, what comes with them, and who gets
one tomorrow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal
from ledger.people import cards
from ledger.people.members import Member
from ledger.words import N_
from wallet.access.changes import ChangedThing
from wallet.console import doing, opened, pages
from wallet.console.choices import language_name
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.members import people
from wallet.console.messages import draft_form, told
from wallet.console.messages.draft_form import TypedDraft
from wallet.console.messages.told import HERE, READ, WRITE, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes
from wallet.errors import ConsentNeeded, MessageRefused
from wallet.installation import current_installation
from wallet.outreach import hours, rounds, terms
from wallet.outreach.campaigns import MOST_HELD_OUT
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.gifts import MessageGift
from wallet.outreach.recipients import ConsentRule
from wallet.outreach.terms import MessageTerms, Wanted
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

LIST, PAGE = "console/messages/built_in_list.html", "console/messages/built_in.html"
MOST_DUE = 1_000  # members who are looked for of tomorrow
SHOWN_DUE = 20
MOST_DAYS = 365

# What each is called, when it comes, and what its days mean.
KINDS: Mapping[MessageKind, tuple[str, str, str]] = {
    "accrued": (N_("Points earned"), N_("At once, with the sum of the purchase"), ""),
    "spent": (N_("Points spent"), N_("At once, with what is left"), ""),
    "burning": (
        N_("Points are about to expire"),
        N_("Some days before, once for each day on which some expire"),
        N_("Days before they expire"),
    ),
    "birthday": (
        N_("Birthday"),
        N_("On the day or some days before it, once a year"),
        N_("Days before it"),
    ),
    "lapsed": (
        N_("Not seen for long"),
        N_("After some days without a purchase, once for each absence"),
        N_("Days without a purchase"),
    ),
}
CONSENTS: Mapping[ConsentRule, str] = {
    "any": N_("Everybody: it is about their own points"),
    "given": N_("Those who agreed to messages"),
    "not_refused": N_("Also those who were never asked"),
}
# At which field of the form a refusal of these terms stands.
FIELDS = {"days": "days", "holdout_percent": "held_out", "gift_live_days": "gift_live_days"}

routes = Blueprint("built_in", __name__)


@dataclass(frozen=True, slots=True)
class BuiltInLine:
    """A message in the list, in words."""

    url: str
    name: str
    under: str
    is_on: bool
    days: str
    gift: str


@routes.get(f"{IN_PROGRAMME}/messages/built-in")
@needs(READ)
def listed() -> str:
    """The messages, on or off."""
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        known = terms.of_programme(session, reading.programme.id)
    base = pages.url("console.built_in.listed")
    lines = [
        BuiltInLine(
            f"{base}/{kind}",
            _(KINDS[kind][0]),
            _(KINDS[kind][1]),
            wanted.on,
            counted("%(count)s day", "%(count)s days", wanted.days) if wanted.days else "",
            "" if wanted.gift is None else told.gift(wanted.gift, reading),
        )
        for kind, wanted in known.items()
    ]
    return pages.show(LIST, HERE, lines=lines, tabs=told.tabs("built_in"))


@routes.get(f"{IN_PROGRAMME}/messages/built-in/<message_kind>")
@needs(READ)
def show(message_kind: str) -> str:
    """One of them: its form, and who gets it tomorrow."""
    known = _kind(message_kind)
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        wanted = terms.of_programme(session, reading.programme.id)[known]
        given = _around(session, known, reading)
    return pages.show(PAGE, HERE, typed=_typed(known, wanted, reading), problems={}, **given)


@routes.post(f"{IN_PROGRAMME}/messages/built-in/<message_kind>")
@needs(WRITE)
def save(message_kind: str) -> Response:
    """Set one of them, whole."""
    known, entries, house = _kind(message_kind), FormEntries(), current_installation()

    def work(session: Session) -> tuple[bool, int]:
        entries.problems.clear()  # the work may be repeated
        reading = CampaignReading.begin(session, house.clock())
        programme_changes.hold(session, reading.programme)
        opened.require_fresh(session, entries, [_thing(known, reading)])
        wanted = _read(entries, known, reading)
        if wanted is None:
            raise FormRefused
        terms.decide(session, reading.programme, known, wanted, pages.author(), reading.now)
        return wanted.on, _due_today(session, known, reading)

    saved = doing.made(entries, work, _field_of)
    if saved is not None:
        pages.say(_said(*saved))
        return pages.go("console.built_in.show", message_kind=known)
    with house.database.reading() as session:
        given = _around(session, known, CampaignReading.begin(session, house.clock()))
    return pages.show_again(PAGE, HERE, entries, typed=entries, **given)


def _due_today(session: Session, kind: MessageKind, reading: CampaignReading) -> int:
    """For how many members a message that is on is due today; 0 for one that answers at once."""
    row = session.get(MessageTerms, (reading.programme.id, kind))
    if kind not in terms.DAILY or row is None or not row.is_on:
        return 0
    today = hours.day_of(reading.now, reading.programme.timezone)
    return len(rounds.due(session, reading.programme, kind, row, today, MOST_DUE))


def _said(is_on: bool, today: int) -> str:  # noqa: FBT001 - what `work` answered
    if not is_on:
        return _("Saved. It is off.")
    if not today:
        return _("Saved. It is on.")
    return counted(
        "Saved. It is on: today it goes to %(count)s member, if they may be written to.",
        "Saved. It is on: today it goes to %(count)s members, if they may be written to.",
        today,
    )


def _kind(name: str) -> MessageKind:
    """The message of this name; the request ends with 404 if there is none."""
    found = next((kind for kind in terms.KINDS if kind == name), None)
    if found is None:
        pages.not_there(HERE)
    return found


def _thing(kind: MessageKind, reading: CampaignReading) -> ChangedThing:
    return ChangedThing("message", kind, reading.programme.id)


def _field_of(refusal: Refusal) -> str:
    match refusal:
        case MessageRefused():
            return FIELDS.get(refusal.field, FORM)
        case ConsentNeeded():
            return "consent"
    return draft_form.field_of(refusal)


def _around(session: Session, kind: MessageKind, reading: CampaignReading) -> dict[str, Any]:
    consents = [
        (value, _(words))
        for value, words in CONSENTS.items()
        if kind not in terms.ADVERTISING or value != "any"
    ]
    return {
        "kind": kind,
        "name": _(KINDS[kind][0]),
        "under": _(KINDS[kind][1]),
        "days_label": _(KINDS[kind][2]) if KINDS[kind][2] else "",
        "is_daily": kind in terms.DAILY,
        "compares": kind in terms.ADVERTISING,
        "places": terms.PLACES[kind],
        "consents": consents,
        "spoken": [(tag, language_name(tag)) for tag in reading.programme.languages],
        "unit": reading.unit,
        "zone": reading.programme.timezone,
        "opened": opened.last_change(session, [_thing(kind, reading)]),
        **_tomorrow(session, kind, reading),
    }


def _tomorrow(session: Session, kind: MessageKind, reading: CampaignReading) -> dict[str, Any]:
    """Who gets one tomorrow, as things are now; nothing for what answers at once, or is off."""
    row = session.get(MessageTerms, (reading.programme.id, kind))
    if kind not in terms.DAILY or row is None or not row.is_on:
        return {"due": None}
    day = hours.day_of(reading.now, reading.programme.timezone) + timedelta(days=1)
    ids = rounds.due(session, reading.programme, kind, row, day, MOST_DUE + 1)
    base = pages.url_if_there("console.members.listed", "members:read")
    found = [session.get_one(Member, id_) for id_ in ids[:SHOWN_DUE]]
    number = language.number(min(len(ids), MOST_DUE))
    return {
        "due": _("more than %(count)s", count=number) if len(ids) > MOST_DUE else number,
        "due_members": [
            (people.name_of(session, one), f"{base}/{one.public_id}" if base else "")
            for one in found
            if one.id in cards.newest(session, [one.id])
        ],
    }


def _typed(kind: MessageKind, wanted: Wanted, reading: CampaignReading) -> TypedDraft:
    shown = {draft_form.text_name(tag): text for tag, text in wanted.texts.items()}
    shown |= {
        "on": "yes" if wanted.on else "",
        "days": "" if wanted.days is None else str(wanted.days),
        "from_hour": wanted.from_hour,
        "until_hour": wanted.until_hour,
        "consent": str(wanted.consent),
        "held_out": str(wanted.holdout_percent or ""),
    }
    if wanted.gift is not None:
        shown["gift_points"] = draft_form.amount(wanted.gift.points, reading.unit)
        shown["gift_live_days"] = str(wanted.gift.live_days or "")
    return shown


def _read(entries: FormEntries, kind: MessageKind, reading: CampaignReading) -> Wanted | None:
    """The terms that were typed; None if something of them is none."""
    texts = draft_form.texts(entries, reading.programme.languages)
    days = None
    if kind in (*terms.WITH_DAYS, *terms.AHEAD):
        needed = kind in terms.WITH_DAYS
        least = 1 if needed else 0
        days = draft_form.whole_between(entries, "days", least, MOST_DAYS, required=needed) or None
    gift = None
    if entries["gift_points"].strip():
        points = draft_form.points(entries, "gift_points", reading)
        live = draft_form.live_days(entries, "gift_live_days", required=False)
        gift = MessageGift(points or 0, live)
    elif entries["gift_live_days"].strip():
        entries.refuse("gift_points", _("Say how many, or leave the days empty as well."))
    consent = entries.choice("consent", tuple(CONSENTS))
    from_hour, until_hour = terms.DAY
    if kind in terms.DAILY:
        from_hour, until_hour = draft_form.span(entries, "from_hour", "until_hour")
    held = None
    if kind in terms.ADVERTISING:
        held = draft_form.whole_between(entries, "held_out", 0, MOST_HELD_OUT, required=False)
    if not entries.fit:
        return None
    rule = next(one for one in CONSENTS if one == consent)
    return Wanted(entries.ticked("on"), texts, days, gift, from_hour, until_hour, rule, held or 0)
