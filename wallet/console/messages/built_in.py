"""Messages that come by themselves: which are on, what they say, what comes with them, and who gets
one tomorrow."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
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
from wallet.console.messages import draft_form, outcome, seen, told
from wallet.console.messages.draft_form import TypedDraft
from wallet.console.messages.told import HERE, READ, WRITE, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes
from wallet.errors import ConsentNeeded, MessageRefused
from wallet.installation import current_installation
from wallet.outreach import effect, hours, previews, reach, results, rounds, terms
from wallet.outreach.campaigns import MOST_HELD_OUT, CampaignDraft
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.gifts import MessageGift
from wallet.outreach.recipients import ConsentRule
from wallet.outreach.terms import MessageTerms, Wanted
from wallet.outreach.wording import Known, LastDay
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

LIST, PAGE = "console/messages/built_in_list.html", "console/messages/built_in.html"
PREVIEW = "console/messages/built_in_preview.html"
LATELY = 30  # days of which the page says what became of it
EXAMPLE = 100  # points, or pieces of money, in the words of a preview
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
# The same within a sentence.
WHO: Mapping[ConsentRule, str] = {
    "any": N_("everybody whom it is about"),
    "given": N_("those who agreed to messages"),
    "not_refused": N_("those who agreed to messages, and those who were never asked"),
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
        with suppress(Refusal):  # in languages that the programme has given up since
            given |= _seen(session, known, wanted, reading)
    return pages.show(PAGE, HERE, typed=_typed(known, wanted, reading), problems={}, **given)


@routes.post(f"{IN_PROGRAMME}/messages/built-in/<message_kind>/preview")
@needs(READ)
def preview(message_kind: str) -> str:
    """The message as it would be with what is typed, for three members; nothing is saved."""
    known, entries = _kind(message_kind), FormEntries()
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        wanted = _read(entries, known, reading, is_whole=False)
        given: dict[str, Any] = {"cards": [], "comes_to": []}
        if wanted is not None:
            try:
                given = _seen(session, known, wanted, reading)
            except Refusal as refusal:
                entries.refused(refusal, draft_form.field_of(refusal))
    return render_template(PREVIEW, problems=entries.problems, **given)


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
        "lately": _lately(session, kind, reading),
        "cards": [],
        "comes_to": [],
    }


def _lately(session: Session, kind: MessageKind, reading: CampaignReading) -> list[tuple[str, str]]:
    """What became of it in the last days, and what it cost; empty where there was nothing."""
    since = reading.now - timedelta(days=LATELY)
    ends = effect.ends_of_message(session, reading.programme, kind, since)
    if not ends:
        return []
    found = [
        (outcome.heading(state), language.number(ends[state]))
        for state in ("told", "waiting", *results.NOT_TOLD)
        if state in ends
    ]
    points = effect.cost_of_message(session, reading.programme, kind, since).gifts
    spent = told.worth(session, points, reading) if points else ""
    return [*found, (_("Gifts"), spent)]


def _seen(
    session: Session, kind: MessageKind, wanted: Wanted, reading: CampaignReading
) -> dict[str, Any]:
    """What three members would see of it, with numbers as an example; and to whom it comes. Raises
    what `wording.check` raises."""
    programme = reading.programme
    terms.check_texts(kind, wanted, programme, reading.unit)
    draft = CampaignDraft("", wanted.texts, consent=wanted.consent)
    members = reach.some(session, programme, draft, seen.SEEN, reading.now)
    about = _example(kind, wanted, reading)
    shown = previews.of_texts(
        session, programme, wanted.texts, wanted.gift, about, members, reading.now
    )
    return {
        "cards": seen.faces(session, shown),
        "on_lock_screen": seen.ON_LOCK_SCREEN,
        "comes_to": _comes_to(kind, wanted, reading),
    }


def _example(kind: MessageKind, wanted: Wanted, reading: CampaignReading) -> Known:
    """What fills the places of this kind of message, as an example."""
    some = reading.unit.amount(EXAMPLE * 10**reading.unit.scale)
    if kind in terms.DAILY and kind != "burning":
        return {"days": wanted.days or 0}
    end = hours.begin_of(
        hours.day_of(reading.now, reading.programme.timezone)
        + timedelta(days=(wanted.days or 0) + 1),
        reading.programme.timezone,
    )
    return {kind: some, "day": LastDay(end.astimezone(ZoneInfo(reading.programme.timezone)))}


def _comes_to(kind: MessageKind, wanted: Wanted, reading: CampaignReading) -> list[str]:
    """Who gets the words, and who the gift, in sentences."""
    said = [_("Who gets it: %(who)s.", who=_(WHO[wanted.consent]))]
    if wanted.gift is None:
        return said
    gift = told.gift(wanted.gift, reading)
    said.append(_("Each of them gets %(gift)s with it, once for each occasion.", gift=gift))
    if kind in terms.DAILY:
        said.append(_("Because of the gift it also comes to cards that are in no phone yet."))
    return said


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


def _read(
    entries: FormEntries, kind: MessageKind, reading: CampaignReading, *, is_whole: bool = True
) -> Wanted | None:
    """The terms that were typed; None if something of them is none. While they are typed (not
    `is_whole`), texts are enough."""
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
    if not is_whole:
        draft_form.leave_for_later(entries)
        gift = gift if gift is not None and gift.points else None
    if not entries.fit:
        return None
    rule = next(one for one in CONSENTS if one == consent)
    return Wanted(entries.ticked("on"), texts, days, gift, from_hour, until_hour, rule, held or 0)
