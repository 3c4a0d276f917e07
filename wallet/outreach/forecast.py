"""What members are going to get: on which day how many built-in messages are due, and how many
messages each member would get in a week, all kinds together. As things are now, and each in one
statement for all members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session

from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from ledger.segments import conditions, scope
from wallet.outreach import campaigns, deliveries, hours, occasions, reach, terms
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import Delivery
from wallet.outreach.terms import DAILY, MessageTerms

MOST_CAMPAIGNS = 10  # of one week: each is a part of one statement over all members
MOST_NAMED = 5  # members of each line
# From the moment a delivery is noted to the moment its member is told: quiet hours and pauses.
LONGEST_WAY = timedelta(days=2)

DueByDay = Mapping[tuple[str, date], int]


@dataclass(frozen=True, slots=True)
class LoadLine:
    """So many members would get so many messages in a week; a few of them by their ids."""

    messages: int
    members: int
    some: Sequence[int]


@dataclass(frozen=True, slots=True)
class Load:
    """The messages of a week, those that get the most first. `of`: the campaigns that are counted;
    `uncounted`: how many more there are. Members of a hold-out are counted with the others."""

    lines: Sequence[LoadLine]
    of: Sequence[Campaign]
    uncounted: int


def daily(session: Session, programme: Programme) -> Sequence[MessageTerms]:
    """The messages of a day that the programme has on."""
    switched_on = terms.switched_on(session, DAILY)
    return [one for one in switched_on if one.programme_id == programme.id]


def due_by_day(
    session: Session, programme: Programme, days: Sequence[date], now: datetime
) -> DueByDay:
    """For how many members each daily message that is on will be due on these days, which follow
    one another and begin today or later. Whether each may be told is not asked."""
    counts: dict[tuple[str, date], int] = {}
    for wanted in daily(session, programme):
        found = occasions.due(session, programme, wanted, days, now).subquery()
        place = found.c[1]
        for number, count in session.execute(select(place, func.count()).group_by(place)):
            counts[wanted.kind, days[number]] = count
    return counts


def load(session: Session, programme: Programme, days: Sequence[date], now: datetime) -> Load:
    """How many messages members got and would get on these days, which are the next ones or have
    today among them. Answers to what a member did do not count. A campaign is for its audience of
    this moment, and its limit of messages looks at those of this moment."""
    today = hours.day_of(now, programme.timezone)
    to_come = [day for day in days if day >= today]
    planned = _campaigns(session, programme, days, now)
    counted = planned[:MOST_CAMPAIGNS]
    parts = [_of_campaign(session, programme, one, now) for one in counted]
    if to_come:
        parts += [
            _of_day(session, programme, wanted, to_come, now)
            for wanted in daily(session, programme)
        ]
    if today in days:
        parts.append(_told(session, programme, hours.begin_of(days[0], programme.timezone)))
    lines = _lines(session, parts) if parts else []
    return Load(lines, counted, len(planned) - len(counted))


def _campaigns(
    session: Session, programme: Programme, days: Sequence[date], now: datetime
) -> list[Campaign]:
    """Those that will tell members on these days: after their quiet hours, if they begin in
    them."""
    end = hours.begin_of(days[-1] + timedelta(days=1), programme.timezone)
    found = []
    for one in campaigns.open_until(session, programme.id, end):
        day = hours.day_of(max(campaigns.begins(one, programme) or now, now), programme.timezone)
        if days[0] <= day <= days[-1]:
            found.append(one)
    return found


def _of_campaign(
    session: Session, programme: Programme, campaign: Campaign, now: datetime
) -> Select[int]:
    if campaign.frozen_at is not None:
        return select(Delivery.member_id).where(
            Delivery.campaign_id == campaign.id, Delivery.state == "waiting"
        )
    draft = campaigns.drafted(campaign)
    return select(Member.id).where(reach.told(session, programme, draft, now))


def _of_day(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    days: Sequence[date],
    now: datetime,
) -> Select[int]:
    found = occasions.due(session, programme, wanted, days, now).subquery()
    in_scope = scope.in_main_unit(session, programme, now)
    return (
        select(Member.id)
        .join(found, found.c[0] == Member.id)
        .where(conditions.is_active(), reach.told_of_day(wanted, in_scope))
    )


def _told(session: Session, programme: Programme, since: datetime) -> Select[int]:
    """Members who were told since then, once for each message."""
    older = select(Delivery.id).where(Delivery.created_at < since - LONGEST_WAY)
    newest = session.scalar(older.order_by(Delivery.id.desc()).limit(1)) or 0
    return select(Delivery.member_id).where(
        Delivery.id > newest,
        Delivery.programme_id == programme.id,
        Delivery.told_at >= since,
        Delivery.kind.not_in(deliveries.ANSWERS),
    )


def _lines(session: Session, parts: Sequence[Select[int]]) -> list[LoadLine]:
    sent = union_all(*parts).subquery()
    member_id = sent.c[0]
    each = (
        select(member_id.label("member_id"), func.count().label("messages"))
        .group_by(member_id)
        .subquery()
    )
    ranked = select(
        each.c.messages,
        each.c.member_id,
        func.count().over(partition_by=each.c.messages).label("members"),
        func.row_number()
        .over(partition_by=each.c.messages, order_by=each.c.member_id)
        .label("place"),
    ).subquery()
    rows = session.execute(
        select(ranked.c.messages, ranked.c.members, ranked.c.member_id)
        .where(ranked.c.place <= MOST_NAMED)
        .order_by(ranked.c.messages.desc(), ranked.c.member_id)
    )
    some: dict[tuple[int, int], list[int]] = {}
    for messages, members, member in rows:
        some.setdefault((messages, members), []).append(member)
    return [LoadLine(*of, named) for of, named in some.items()]
