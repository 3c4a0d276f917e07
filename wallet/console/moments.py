"""Moments and days as people read them: near ones by what they are from today, all by the clock of
a zone, in the reader's language."""

import functools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import dates
from markupsafe import Markup

from ledger import languages, words
from ledger.languages import Language
from wallet.pages import language
from wallet.pages.language import gettext as _

_TIME = Markup('<time datetime="{}" title="{}">{}</time>')


def at(moment: datetime, zone: str, now: datetime) -> str:
    """When it was or will be: "yesterday at 14:05", "3 May at 14:05", "3 May 2025 at 14:05"."""
    there, today = _there(moment, zone), _there(now, zone).date()
    time = _clock(language.current(), there, "short")
    match (there.date() - today).days:
        case 0:
            return _("today at %(time)s", time=time)
        case -1:
            return _("yesterday at %(time)s", time=time)
        case 1:
            return _("tomorrow at %(time)s", time=time)
    return _("%(day)s at %(time)s", day=day(moment, zone, now), time=time)


def element(moment: datetime, zone: str, now: datetime) -> Markup:
    """The same as a part of a page: to the second for whoever points at it."""
    tongue, there = language.current(), _there(moment, zone)
    clock = _clock(tongue, there, "medium")
    whole = f"{words.day_in(tongue, there.date())}, {clock} ({town(zone)})"
    return _TIME.format(words.timestamp(moment), whole, at(moment, zone, now))


def day(moment: datetime, zone: str, now: datetime) -> str:
    """The day of a moment, with its year where that is not this one."""
    return DaysInWords(zone, now).word(moment)


class DaysInWords:
    """The days of many moments, by the clock of one zone, as the page says them."""

    def __init__(self, zone: str, now: datetime) -> None:
        self.tongue = language.current()
        self._zone = ZoneInfo(zone)
        self._this_year = now.astimezone(self._zone).year

    def word(self, moment: datetime) -> str:
        """The day of a moment, with its year where that is not this one."""
        there = moment.astimezone(self._zone)
        return _day(self.tongue, there.date(), with_year=there.year != self._this_year)


def whole_day(one: date) -> str:
    """A day with its year, such as a birthday."""
    return words.day_in(language.current(), one)


def day_of(one: date, today: date) -> str:
    """A day, with its year where that is not this one."""
    return _day(language.current(), one, with_year=one.year != today.year)


def month(one: date) -> str:
    """The month of a day, with its year, as a heading."""
    said = str(dates.format_date(one, "LLLL y", locale=languages.locale(language.current())))
    return said[:1].upper() + said[1:]


def weekday(one: date, *, is_short: bool = False) -> str:
    """How the day of the week is called, as a heading."""
    width = "ccc" if is_short else "cccc"
    said = str(dates.format_date(one, width, locale=languages.locale(language.current())))
    return said[:1].upper() + said[1:]


def last_day(end: datetime, zone: str) -> str:
    """The last day of something that ends at this moment."""
    return words.end_in(language.current(), _there(end, zone))


def clock_time(moment: datetime, zone: str) -> str:
    """The time of day of a moment."""
    return _clock(language.current(), _there(moment, zone), "short")


def town(zone: str) -> str:
    """By the clock of which town a time zone goes: nobody need know "Europe/Moscow"."""
    return words.town_in(language.current(), zone)


def lasting(time: timedelta) -> str:
    """For how long, in one word of time: "5 minutes"."""
    locale = languages.locale(language.current())
    return str(dates.format_timedelta(time, threshold=1.5, locale=locale))


def _there(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _clock(tongue: Language, there: datetime, length: str) -> str:
    return str(dates.format_time(there, length, locale=languages.locale(tongue)))


@functools.lru_cache(4096)  # a list says the same days again and again
def _day(tongue: Language, one: date, *, with_year: bool) -> str:
    if with_year:
        return words.day_in(tongue, one)
    return str(dates.format_skeleton("MMMMd", one, locale=languages.locale(tongue)))
