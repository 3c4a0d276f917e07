"""Occasions of daily messages: how each is named, and for whom there will be one on which day, as
things are now. Each kind is asked in one query for any number of days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    case,
    cast,
    exists,
    extract,
    func,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.book import accounts, statements
from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.segments import conditions, scope
from wallet.outreach import deliveries, hours
from wallet.outreach.deliveries import Delivery
from wallet.outreach.terms import MessageTerms

Ids = ColumnElement[int] | InstrumentedAttribute[int]
# A member, and the number of the day: 0 is the first of those that were asked for.
DueQuery = Select[int, int]


def burning(day: date) -> str:
    """Points run out on this day."""
    return f"burning:{day}"


def birthday(day: date) -> str:
    """A birthday that is celebrated on this day. By year: one that is corrected within the year is
    not celebrated twice."""
    return f"birthday:{day.year}"


def lapsed(day: date) -> str:
    """The last purchase was on this day."""
    return f"lapsed:{day}"


def born_on(days: Sequence[date]) -> ColumnElement[bool]:
    """A condition on `Person`: they celebrate their birthday on one of these days."""
    return Person.birthday.is_not(None) & _BORN.in_(_births(days))


def known_until(wanted: MessageTerms, today: date) -> date | None:
    """The last day of which it can be known by now for whom there is an occasion; None: there is no
    such day. Who bought something today may do so again until the day is over."""
    return today + timedelta(days=(wanted.days or 0) - 1) if wanted.kind == "lapsed" else None


def due(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    days: Sequence[date],
    now: datetime,
) -> DueQuery:
    """Members for whom a daily message will be due on which of these days, which follow one another
    and begin today or later. Those who had theirs are not among them. Whether each may be told is
    not asked. Days after `known_until` stay empty."""
    today = hours.day_of(now, programme.timezone)
    last = known_until(wanted, today)
    days = [day for day in days if last is None or day <= last]
    if not days:
        return select(Member.id, _NOTHING).where(Member.id.is_(None))
    match wanted.kind:
        case "burning":
            return _burning(session, programme, wanted, days, now)
        case "birthday":
            return _birthdays(programme, wanted, days)
    return _lapsed(session, programme, wanted, days, now)


def _birthdays(programme: Programme, wanted: MessageTerms, days: Sequence[date]) -> DueQuery:
    ahead = timedelta(days=wanted.days or 0)
    numbers = {born: at for at, day in enumerate(days) for born in _births([day + ahead])}
    names = {born: birthday(days[at] + ahead) for born, at in numbers.items()}
    return (
        select(Member.id, case(numbers, value=_BORN))
        .join(Person, Person.member_id == Member.id)
        .where(
            Member.programme_id == programme.id,
            conditions.is_active(),
            born_on([day + ahead for day in days]),
            ~_had(Member.id, case(names, value=_BORN)),
        )
    )


def _burning(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    days: Sequence[date],
    now: datetime,
) -> DueQuery:
    """The message of a day speaks of points that run out `days` later. That of today also of those
    that run out before, if the member was not told yet."""
    unit = units.named(session, programme.id, None)
    ahead, today = wanted.days or 0, hours.day_of(now, programme.timezone)
    begins_today = days[0] == today
    first = today if begins_today else days[0] + timedelta(days=ahead)
    late = ahead if begins_today else 0  # so many ends belong to the first day besides its own
    ends = [first + timedelta(days=at) for at in range(len(days) + late)]
    found = statements.that_run_out(
        unit.id,
        now if begins_today else hours.begin_of(first, programme.timezone),
        [hours.begin_of(end + timedelta(days=1), programme.timezone) for end in ends],
        but_gifts=wanted.present is not None,
    ).subquery()
    member_id, place = found.c
    names = {at: burning(end) for at, end in enumerate(ends)}
    number = case((place <= late, 0), else_=place - late)
    return select(member_id, number).where(~_had(member_id, case(names, value=place))).distinct()


def _lapsed(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    days: Sequence[date],
    now: datetime,
) -> DueQuery:
    ago = timedelta(days=wanted.days or 0)
    bought = [day - ago for day in days]
    begin = hours.begin_of(bought[0], programme.timezone)
    ends = [hours.begin_of(day + timedelta(days=1), programme.timezone) for day in bought]
    newest = (
        select(Account.member_id, func.max(Posting.occurred_at).label("at"))
        .join(Entry, Entry.account_id == Account.id)
        .join(Posting, Posting.id == Entry.posting_id)
        .where(
            Account.unit_id == units.named(session, programme.id, None).id,
            Account.kind == accounts.MEMBER,
            Entry.balance_after.is_not(None),
            Posting.programme_id == programme.id,
            Posting.kind.in_(conditions.ACTIVITY),
            Posting.occurred_at >= begin,
            Posting.occurred_at < ends[-1],
            ~deliveries.GIFT,
        )
        .group_by(Account.member_id)
        .subquery()
    )
    number = case(*((newest.c.at < end, at) for at, end in enumerate(ends)))
    names = {at: lapsed(day) for at, day in enumerate(bought)}
    in_scope = scope.in_main_unit(session, programme, now)
    since = conditions.has_posting(in_scope, conditions.ACTIVITY, ends[-1], unless=deliveries.GIFT)
    return (
        select(Member.id, number)
        .join(newest, newest.c.member_id == conditions.HOLDER)
        .where(
            Member.programme_id == programme.id,
            conditions.is_active(),
            ~since,
            ~_had(Member.id, case(names, value=number)),
        )
    )


def _had(member_id: Ids, occasion: ColumnElement[str]) -> ColumnElement[bool]:
    """They have a delivery of this occasion, whatever became of it."""
    return exists(
        select(Delivery.id).where(Delivery.member_id == member_id, Delivery.occasion == occasion)
    )


def _births(days: Sequence[date]) -> list[int]:
    """The birthdays that are celebrated on these days, as `_BORN` has them."""
    return [month * 100 + day for one in days for month, day in hours.celebrates(one)]


# A birthday without its year: 229 is 29 February.
_BORN = cast(extract("month", Person.birthday) * 100 + extract("day", Person.birthday), Integer)
_NOTHING = func.coalesce(0)
