"""The form of a campaign: what was typed, as a draft, and a draft as it stands in the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger import words
from ledger.contacts import Unfit, readable
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    OfferOver,
    Refusal,
    UnknownOffer,
    UnknownSegment,
)
from ledger.limits import MOST_POINTS
from ledger.offers import offers
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.segments import documents, named
from wallet.console.forms import FORM, FormEntries
from wallet.console.members import conditions, people
from wallet.console.messages import told
from wallet.console.messages.told import CampaignReading
from wallet.errors import (
    ConsentNeeded,
    OfferForOne,
    PlaceholderMalformed,
    PluralFormsWrong,
    TextMissing,
    UnknownPlaceholder,
)
from wallet.outreach import hours
from wallet.outreach.campaigns import (
    LONGEST_NAME,
    MOST_CAP_DAYS,
    MOST_CAPPED,
    MOST_HELD_OUT,
    NIGHT,
    CampaignDraft,
    CampaignPurpose,
)
from wallet.outreach.gifts import MessageGift
from wallet.outreach.recipients import ConsentRule
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes.content import LONGEST_MESSAGE

# Whom a campaign may reach, and what it is for then.
ALLOWED: Mapping[str, tuple[CampaignPurpose, ConsentRule]] = {
    "given": ("advertising", "given"),
    "not_refused": ("advertising", "not_refused"),
    "any": ("service", "any"),
}
WHOM = ("everyone", "segment", "conditions")
LIVES = ("usual", "days", "until")
# What comes with the message, as the form has it: nothing, points, or a coupon.
NOTHING, POINTS, COUPON = "", "yes", "coupon"

# What must be right, besides the texts, before anything can be shown of a message.
SEEN_AT_ONCE = ("whom", "segment", "condition", "allow")

TypedDraft = dict[str, str]


@dataclass(frozen=True, slots=True)
class WrittenDraft:
    """What was typed, as far as it could be read. `at`: by the clock of the programme's wall; None
    for at once."""

    draft: CampaignDraft
    at: datetime | None


def text_name(tag: str) -> str:
    """The field of the text in this language."""
    return f"text_{tag}"


def read(
    entries: FormEntries, session: Session, reading: CampaignReading, *, is_whole: bool = True
) -> WrittenDraft | None:
    """The draft that was typed; None if something of it is none, which the entries then say. A
    draft that is not `is_whole` is looked at while it is typed: its words and its recipients are
    enough, and what is missing elsewhere is said when it is saved."""
    name = _line(entries, "name", required=is_whole)
    said = texts(entries, reading.programme.languages)
    allowed = ALLOWED.get(entries["allow"])
    if allowed is None:
        entries.refuse("allow", _("Please choose one of them."))
    audience = _audience(entries, session, reading.programme)
    gift, coupon = _gift(entries, reading), _coupon(entries, session, reading)
    quiet, cap = _quiet(entries), _cap(entries)
    held = whole_between(entries, "held_out", 0, MOST_HELD_OUT, required=False)
    at = _at(entries)
    if not is_whole:
        leave_for_later(entries)
    if not entries.fit or allowed is None or audience is None:
        return None
    purpose, consent = allowed
    moment = None if at is None else hours.off_wall(at, reading.programme.timezone)
    return WrittenDraft(
        CampaignDraft(
            name or _("A message"),
            said,
            audience,
            quiet,
            cap,
            held or 0,
            consent,
            purpose,
            gift,
            coupon,
            moment,
        ),
        at,
    )


def leave_for_later(entries: FormEntries) -> None:
    """Say nothing of what is missing where the words and their readers can be shown without it."""
    for name in list(entries.problems):
        if name not in SEEN_AT_ONCE and not name.startswith(text_name("")):
            del entries.problems[name]


def read_on_the_way(
    entries: FormEntries, draft: CampaignDraft, reading: CampaignReading
) -> CampaignDraft | None:
    """The draft of a campaign that has begun, with what can be changed of it
    (`campaigns.CHANGES_ON_THE_WAY`); None if something typed is none."""
    name = _line(entries, "name", required=True)
    said = texts(entries, reading.programme.languages)
    quiet, cap = _quiet(entries), _cap(entries)
    return replace(draft, name=name, texts=said, quiet=quiet, cap=cap) if entries.fit else None


def field_of(refusal: Refusal) -> str:
    """At which field of the form a refusal is said."""
    match refusal:
        case DateOutOfRange():
            return "at"
        case UnknownPlaceholder() | PluralFormsWrong() | PlaceholderMalformed():
            return text_name(refusal.language)
        case TextMissing():
            return text_name(refusal.languages[0])
        case UnknownSegment():
            return "segment"
        case ConsentNeeded():
            return "allow"
        case UnknownOffer() | OfferForOne() | OfferOver():
            return "coupon"
        case DatesOutOfOrder(earlier="gift.coupon"):
            return "coupon"
        case DatesOutOfOrder():
            return "gift_until"
    return FORM


def fresh() -> TypedDraft:
    """What stands in the form of a new campaign."""
    return {
        "name": "",
        "allow": "given",
        "whom": "everyone",
        "tree": "",
        "segment": "",
        "quiet": "yes",
        "quiet_from": NIGHT[0],
        "quiet_until": NIGHT[1],
        "cap_messages": "3",
        "cap_days": "7",
        "held_out": "",
        "gift_lives": "usual",
        "when": "now",
    }


def typed(draft: CampaignDraft, reading: CampaignReading, at: str) -> TypedDraft:
    """A draft as it stands in the form. `at`: when it shall go, as browsers write it; empty: as the
    draft says, while that is still to come."""
    shown = fresh()
    shown |= {text_name(tag): text for tag, text in draft.texts.items()}
    shown |= {"name": draft.name, "allow": str(draft.consent)}
    match draft.audience["kind"]:
        case "everyone":
            pass
        case "segment":
            shown |= {"whom": "segment", "segment": str(draft.audience["name"])}
        case _:
            tree = documents.read(draft.audience)
            shown |= {"whom": "conditions", "tree": conditions.written(tree)}
    shown["quiet"] = "" if draft.quiet is None else "yes"
    if draft.quiet is not None:
        shown["quiet_from"], shown["quiet_until"] = draft.quiet
    if draft.cap is not None:
        shown |= {
            "cap": "yes",
            "cap_messages": str(draft.cap[0]),
            "cap_days": str(draft.cap[1]),
        }
    if draft.holdout_percent:
        shown["held_out"] = str(draft.holdout_percent)
    if draft.gift is not None:
        shown |= _typed_gift(draft.gift, reading)
    at = at or planned(draft, reading)
    if draft.coupon is not None:
        shown |= {"gift": COUPON, "coupon": draft.coupon}
    if at:
        shown |= {"when": "at", "at": at}
    return shown


def planned(draft: CampaignDraft, reading: CampaignReading) -> str:
    """When a draft is meant to go, as browsers write it; empty where it says nothing, and where
    that is over."""
    if draft.at is None or draft.at <= reading.now:
        return ""
    return hours.on_wall(draft.at, reading.programme.timezone).isoformat()[:16]


def _typed_gift(gift: MessageGift, reading: CampaignReading) -> TypedDraft:
    shown = {"gift": POINTS, "gift_points": amount(gift.points, reading.unit)}
    if gift.live_days is not None:
        shown |= {"gift_lives": "days", "gift_days": str(gift.live_days)}
    if gift.expires_at is not None:
        zone = ZoneInfo(reading.programme.timezone)
        last = words.last_moment(gift.expires_at.astimezone(zone)).date()
        shown |= {"gift_lives": "until", "gift_until": last.isoformat()}
    return shown


def amount(points: int, unit: Unit) -> str:
    """So many points as they stand in a form."""
    money = unit.money(points)
    return str(points) if money is None else money.amount


def _line(entries: FormEntries, name: str, *, required: bool) -> str:
    typed_ = entries.text(name, required=required, most=LONGEST_NAME)
    return readable_text(entries, name, typed_)


def readable_text(entries: FormEntries, name: str, text: str) -> str:
    """The text without signs that nobody sees."""
    try:
        return readable(text)
    except Unfit:
        entries.refuse(name, _("This has signs that nobody can read."))
        return ""


def texts(entries: FormEntries, spoken: Sequence[str]) -> dict[str, str]:
    """The texts by language; a language without one is left out."""
    written = {}
    for tag in spoken:
        name = text_name(tag)
        text = entries[name].replace("\r\n", "\n").strip()
        if len(text) > LONGEST_MESSAGE:
            entries.refuse(
                name,
                _(
                    "At most %(most)s characters; these are %(count)s.",
                    most=language.number(LONGEST_MESSAGE),
                    count=language.number(len(text)),
                ),
            )
        if text := readable_text(entries, name, text):
            written[tag] = text
    if not written and not any(text_name(tag) in entries.problems for tag in spoken):
        entries.refuse(text_name(spoken[0]), _("Write the message, in one language at least."))
    return written


def _audience(
    entries: FormEntries, session: Session, programme: Programme
) -> dict[str, Any] | None:
    match entries["whom"]:
        case "everyone":
            return documents.stored(documents.EVERYONE)
        case "segment":
            name = entries["segment"]
            if named.find(session, programme.id, name) is None:
                entries.refuse(
                    "segment",
                    _("There is no such segment any more. Choose another one.")
                    if name
                    else _("Choose a segment."),
                )
            return {"kind": "segment", "name": name}
        case "conditions":
            tree = conditions.read(entries["tree"])
            if tree is None or not conditions.parts(tree):
                entries.refuse("condition", _("Add a condition, or choose everybody."))
                return None
            return documents.stored(tree)
    entries.refuse("whom", _("Please choose one of them."))
    return None


def _gift(entries: FormEntries, reading: CampaignReading) -> MessageGift | None:
    if entries["gift"] not in (NOTHING, POINTS, COUPON):
        entries.refuse("gift", _("Please choose one of them."))
    if entries["gift"] != POINTS:
        return None
    count = points(entries, "gift_points", reading) or 0
    match entries.choice("gift_lives", LIVES):
        case "days":
            return MessageGift(count, live_days(entries, "gift_days"))
        case "until":
            last = entries.day("gift_until")
            if last is None:
                return None
            zone = reading.programme.timezone
            try:
                end = hours.begin_of(last + timedelta(days=1), zone)
            except OverflowError:
                entries.refuse("gift_until", _("This is not a day."))
                return None
            if end <= reading.now:
                entries.refuse("gift_until", _("This day is over."))
            return MessageGift(count, None, end)
    return MessageGift(count)


def _coupon(entries: FormEntries, session: Session, reading: CampaignReading) -> str | None:
    """The announcement of which a coupon comes with the message; None if none does."""
    if entries["gift"] != COUPON:
        return None
    chosen = entries["coupon"]
    if not chosen:
        entries.refuse("coupon", _("Choose an announcement."))
        return None
    open_now = offers.open_for_many(session, reading.programme.id, reading.now, told.MOST_COUPONS)
    if chosen not in {one.public_id for one in open_now}:
        entries.refuse("coupon", _("This announcement is over. Choose another one."))
        return None
    return chosen


def points(entries: FormEntries, name: str, reading: CampaignReading) -> int | None:
    """How many points somebody typed, one at least; None for what is none."""
    found = people.typed_amount(entries, name, reading.unit)
    if found is not None and not 1 <= found <= MOST_POINTS:
        most = language.amount(reading.unit, MOST_POINTS)
        entries.refuse(name, _("From 1 to %(most)s.", most=most))
    return found


def live_days(entries: FormEntries, name: str, *, required: bool = True) -> int | None:
    """For how many days points live that come with a message; None for nothing."""
    return whole_between(entries, name, 1, units.MOST_LIVE_DAYS, required=required)


def _quiet(entries: FormEntries) -> tuple[str, str] | None:
    return span(entries, "quiet_from", "quiet_until") if entries.ticked("quiet") else None


def span(entries: FormEntries, begins: str, ends: str) -> tuple[str, str]:
    """From one time of day to another, which differ."""
    found = []
    for name in (begins, ends):
        moment = entries[name].strip()[:5]
        if not hours.WALL_TIME.fullmatch(moment):
            entries.refuse(name, _("A time of day, such as 21:00."))
        found.append(moment)
    if entries.fit and found[0] == found[1]:
        entries.refuse(ends, _("They would never end: the two have to differ."))
    return found[0], found[1]


def _cap(entries: FormEntries) -> tuple[int, int] | None:
    if not entries.ticked("cap"):
        return None
    messages = whole_between(entries, "cap_messages", 1, MOST_CAPPED)
    days = whole_between(entries, "cap_days", 1, MOST_CAP_DAYS)
    return (messages or 1, days or 1)


def whole_between(
    entries: FormEntries, name: str, least: int, most: int, *, required: bool = True
) -> int | None:
    """A whole number between these, both included; None for nothing, or for what is none."""
    found = entries.whole(name, required=required)
    if found is not None and not least <= found <= most:
        entries.refuse(
            name,
            _(
                "From %(least)s to %(most)s.",
                least=language.number(least),
                most=language.number(most),
            ),
        )
    return found


def _at(entries: FormEntries) -> datetime | None:
    if entries["when"] != "at":
        return None
    return moment_typed(entries)


def moment_typed(entries: FormEntries, name: str = "at") -> datetime | None:
    """A moment by the wall clock of the programme, as browsers send it; None for what is none."""
    try:
        moment = datetime.fromisoformat(entries.text(name))
    except ValueError:
        entries.refuse(name, _("Choose a day and a time."))
        return None
    if moment.tzinfo is not None:
        entries.refuse(name, _("Choose a day and a time."))
        return None
    return moment.replace(second=0, microsecond=0)


def moment_of(text: str) -> datetime | None:
    """A moment of an address; None for none, and for what somebody has changed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is not None else moment.replace(second=0, microsecond=0)
