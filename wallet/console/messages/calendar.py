"""The calendar: what goes to members on which day, and how many messages they would get in a
week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from ledger import words
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards
from ledger.people.members import Member
from wallet.console import moments, pages
from wallet.console.members import coupon_words, people
from wallet.console.messages import built_in, told
from wallet.console.messages.told import HERE, READ, BadgeLook, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import campaigns, forecast, hours, occasions
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.forecast import DueByDay, Load, LoadLine
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

PAGE, LOAD = "console/messages/calendar.html", "console/messages/calendar_load.html"
FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_CAMPAIGNS, MOST_OFFERS = 300, 40  # that are shown at once
EXACTLY = 10_000  # members; more of them are told of about
A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
NOON = time(12)
MANY = 4  # messages in a week: those with more stand in one line
ICONS: Mapping[MessageKind, str] = {"burning": "coins", "birthday": "gift", "lapsed": "history"}

CalendarOf = Literal["month", "week"]

routes = Blueprint("calendar", __name__)


@dataclass(frozen=True, slots=True)
class ShownDays:
    """Which days the calendar shows: whole weeks, from Monday on. `middle` is a day of the month or
    of the week that is meant."""

    of: CalendarOf
    middle: date

    @classmethod
    def asked(cls, today: date) -> "ShownDays":
        """Those that the address names: `?month=2026-12`, or a day of a `?week=2026-12-07`. Without
        either, and for what is none, this month."""
        if (day := _day(request.args.get("week", ""))) is not None:
            return cls("week", day)
        return cls("month", _day(request.args.get("month", "") + "-15") or today.replace(day=15))

    @property
    def first(self) -> date:
        day = self.middle if self.of == "week" else self.middle.replace(day=1)
        return day - timedelta(days=day.weekday())

    @property
    def days(self) -> Sequence[date]:
        weeks = 1
        if self.of == "month":
            end = (self.middle.replace(day=28) + A_WEEK).replace(day=1) - A_DAY
            weeks = (end - self.first).days // 7 + 1
        return [self.first + timedelta(days=number) for number in range(7 * weeks)]

    def url(self, by: int = 0) -> str:
        """Its address; or that of the one so many months or weeks away."""
        if self.of == "week":
            return week_url(self.first + by * A_WEEK)
        return _url(month=f"{self.middle + by * timedelta(days=30):%Y-%m}")

    def title(self, today: date) -> str:
        """What it is called."""
        if self.of == "month":
            return moments.month(self.middle)
        return _between(self.days[0], self.days[-1], today)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """Something on a day, in words. `id_` keeps the focus when numbers come."""

    id_: str
    url: str
    name: str
    said: str
    icon: str = ""
    look: BadgeLook = "none"


@dataclass(slots=True)
class CalendarDay:
    """A day: its number, and what it is in full."""

    day: date
    said: str
    is_today: bool
    is_beside: bool
    is_over: bool
    new_url: str
    campaigns: list[CalendarEntry] = field(default_factory=list)
    built_in: list[CalendarEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CalendarBar:
    """An announcement in one week: over how many days from which on, 0 for Monday. Without an
    `entry` these days are empty."""

    days: int
    entry: CalendarEntry | None = None
    goes_on: bool = False
    came: bool = False


@dataclass(frozen=True, slots=True)
class CalendarWeek:
    """A week, with its announcements in as many rows as they need."""

    said: str
    url: str
    days: Sequence[CalendarDay]
    rows: Sequence[Sequence[CalendarBar]]


@dataclass(frozen=True, slots=True)
class LoadInWords:
    """A line of the table: how many messages, how many members, and some of these by name."""

    messages: str
    members: str
    some: Sequence[tuple[str, str]]


def week_url(day: date) -> str:
    """The address of the week of a day."""
    return _url(week=day.isoformat())


@routes.get(f"{IN_PROGRAMME}/messages/calendar")
@needs(READ)
def show() -> str:
    """A month or a week. Built-in messages are counted when the page asks again: it takes a while
    with many members."""
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        today = hours.day_of(reading.now, reading.programme.timezone)
        shown = ShownDays.asked(today)
        to_come = [day for day in shown.days if day >= today]
        switched_on = forecast.daily(session, reading.programme)
        is_counted = "counted" in request.args
        due: DueByDay = {}
        if is_counted and to_come:
            due = forecast.due_by_day(session, reading.programme, to_come, reading.now)
        weeks = _weeks(session, shown, due, reading)
        ends = [
            (_(built_in.KINDS[kind][0]), moments.day_of(last, today))
            for kind in built_in.KINDS
            for wanted in switched_on
            if wanted.kind == kind
            and (last := occasions.known_until(wanted, today)) is not None
            and to_come
            and last < to_come[-1]
        ]
    return pages.show(
        PAGE,
        HERE,
        tabs=told.tabs("calendar"),
        shown=shown,
        heading=shown.title(today),
        weekdays=[
            (moments.weekday(one), moments.weekday(one, is_short=True)) for one in shown.days[:7]
        ],
        weeks=weeks,
        today_url=_url(),
        week_url=week_url(today if today in shown.days else shown.middle),
        month_url=_url(month=f"{shown.middle:%Y-%m}"),
        counts=bool(switched_on and to_come),
        is_counted=is_counted,
        known=ends,
        is_to_come=bool(to_come),
        zone=reading.programme.timezone,
    )


@routes.get(f"{IN_PROGRAMME}/messages/calendar/load")
@needs(READ)
def load() -> str:
    """How many messages members would get in a week, as a part of its page."""
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        today = hours.day_of(reading.now, reading.programme.timezone)
        day = _day(request.args.get("week", "")) or today
        days = ShownDays("week", max(day, today)).days
        found = forecast.load(session, reading.programme, days, reading.now)
        given = _load(session, found, reading)
    return render_template(LOAD, **given)


def _day(text: str) -> date | None:
    """A day of an address; None for none, and for what somebody has changed."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _url(**asked: str) -> str:
    return pages.url("console.calendar.show", **asked)


def _between(first: date, last: date, today: date) -> str:
    return f"{moments.day_of(first, today)} – {moments.day_of(last, today)}"


def _weeks(
    session: Session, shown: ShownDays, due: DueByDay, reading: CampaignReading
) -> list[CalendarWeek]:
    zone = reading.programme.timezone
    today = hours.day_of(reading.now, zone)
    days = {day: _empty(day, shown, today, reading) for day in shown.days}
    since = hours.begin_of(shown.days[0] - A_DAY, zone)  # quiet hours may lead into the first day
    until = hours.begin_of(shown.days[-1] + A_DAY, zone)
    programme_id = reading.programme.id
    for one in campaigns.between(session, programme_id, since, until, MOST_CAMPAIGNS):
        begins = campaigns.begins(one, reading.programme)
        if begins is not None and (there := days.get(hours.day_of(begins, zone))) is not None:
            there.campaigns.append(_campaign(one, begins, zone))
    for there in days.values():
        there.built_in.extend(_built_in(there.day, due))
    shown_offers: Sequence[Offer] = ()
    if pages.may("offers:read"):
        begin = hours.begin_of(shown.days[0], zone)
        shown_offers = offers.between(session, programme_id, begin, until, MOST_OFFERS)
    weeks = []
    for number in range(0, len(shown.days), 7):
        of_week = shown.days[number : number + 7]
        weeks.append(
            CalendarWeek(
                _between(of_week[0], of_week[-1], today),
                week_url(of_week[0]),
                [days[day] for day in of_week],
                _rows(shown_offers, of_week, today, reading),
            )
        )
    return weeks


def _empty(day: date, shown: ShownDays, today: date, reading: CampaignReading) -> CalendarDay:
    said = f"{moments.weekday(day)}, {moments.day_of(day, today)}"
    moment = datetime.combine(day, NOON)
    if day == today:
        now = hours.on_wall(reading.now, reading.programme.timezone)
        moment = max(moment, now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
    new_url = ""
    if day >= today and moment.date() == day:
        at = moment.isoformat()[:16]
        new_url = pages.url_if_there("console.composer.new", "campaigns:write", at=at)
    is_beside = shown.of == "month" and day.month != shown.middle.month
    return CalendarDay(day, said, day == today, is_beside, day < today, new_url)


def _campaign(one: Campaign, begins: datetime, zone: str) -> CalendarEntry:
    said, look = told.state(one)
    url = pages.url("console.campaign.show", campaign_id=one.public_id)
    said = f"{moments.clock_time(begins, zone)} · {said}"
    return CalendarEntry(f"campaign-{one.public_id}", url, one.name, said, look=look)


def _built_in(day: date, due: DueByDay) -> list[CalendarEntry]:
    entries = []
    for kind, icon in ICONS.items():
        if count := due.get((kind, day), 0):
            url = pages.url("console.built_in.show", message_kind=kind)
            name, said = _(built_in.KINDS[kind][0]), _about(count)
            entries.append(CalendarEntry(f"{kind}-{day}", url, name, said, icon))
    return entries


def _about(count: int) -> str:
    """So many members, as far as it can be known before."""
    return _("about %(count)s", count=_number(count))


def _number(count: int) -> str:
    return language.number(count) if count <= EXACTLY else language.roughly(count)


def _rows(
    found: Sequence[Offer], week: Sequence[date], today: date, reading: CampaignReading
) -> list[list[CalendarBar]]:
    """Announcements of a week, each in the first row in which its days are free."""
    rows: list[list[CalendarBar]] = []
    free: list[int] = []  # from which day on each row is
    for one in found:
        first, last = _days_of(one, reading.programme.timezone)
        if last < week[0] or first > week[-1]:
            continue
        begin, end = max((first - week[0]).days, 0), min((last - week[0]).days, 6) + 1
        at = next((at for at, day in enumerate(free) if day <= begin), len(rows))
        if at == len(rows):
            rows.append([])
            free.append(0)
        if begin > free[at]:
            rows[at].append(CalendarBar(begin - free[at]))
        entry = _offer(one, first, last, today, reading)
        rows[at].append(CalendarBar(end - begin, entry, last > week[-1], first < week[0]))
        free[at] = end
    for row, day in zip(rows, free, strict=True):
        if day < len(week):
            row.append(CalendarBar(len(week) - day))
    return rows


def _days_of(one: Offer, zone: str) -> tuple[date, date]:
    """The first and the last day of an announcement."""
    first = hours.day_of(one.starts_at, zone)
    if one.ends_at == NEVER:
        return first, date.max
    return first, max(hours.day_of(words.last_moment(one.ends_at), zone), first)


def _offer(
    one: Offer, first: date, last: date, today: date, reading: CampaignReading
) -> CalendarEntry:
    state, look = told.offer_state(one, reading.now)
    begins = moments.day_of(first, today)
    dates = (
        _("from %(day)s", day=begins)
        if last == date.max
        else _("%(begins)s to %(ends)s", begins=begins, ends=moments.day_of(last, today))
    )
    url = pages.url("console.offers.show", offer_id=one.public_id)
    return CalendarEntry("", url, coupon_words.title(one), f"{dates} · {state}", look=look)


def _load(session: Session, found: Load, reading: CampaignReading) -> dict[str, Any]:
    """The load of a week in words."""
    lines = [one for one in found.lines if one.messages < MANY]
    if many := [one for one in found.lines if one.messages >= MANY]:
        members = sum(one.members for one in many)
        some = [member_id for one in many for member_id in one.some][: forecast.MOST_NAMED]
        lines = [LoadLine(MANY, members, some), *lines]
    most = found.lines[0] if found.lines else None
    in_words = [
        LoadInWords(
            _("4 and more") if one.messages == MANY else language.number(one.messages),
            _number(one.members),
            _named(session, one.some),
        )
        for one in lines
    ]
    limits = []
    for campaign in found.of:
        draft = campaigns.drafted(campaign)
        said = (
            _("no limit of messages")
            if draft.cap is None
            else _("at most %(limit)s", limit=told.limit(draft.cap))
        )
        if draft.holdout_percent:
            held = f"{draft.holdout_percent} %"
            said = _("%(limit)s; control group of %(share)s", limit=said, share=held)
        url = pages.url("console.campaign.show", campaign_id=campaign.public_id)
        limits.append((url, campaign.name, said))
    return {
        "lines": in_words,
        "most": in_words[0].some[0] if in_words and most and most.messages > 1 else None,
        "most_messages": ""
        if most is None
        else counted("%(count)s message", "%(count)s messages", most.messages),
        "limits": limits,
        "uncounted": language.number(found.uncounted) if found.uncounted else "",
    }


def _named(session: Session, member_ids: Sequence[int]) -> list[tuple[str, str]]:
    """What these members are called, and the addresses of their records for who may see them."""
    base = pages.url_if_there("console.members.listed", "members:read")
    with_card = cards.newest(session, member_ids)
    found = [session.get_one(Member, id_) for id_ in member_ids if id_ in with_card]
    return [
        (people.name_of(session, one), f"{base}/{one.public_id}" if base else "") for one in found
    ]
