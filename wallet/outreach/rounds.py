"""Messages that a day brings: points about to burn, birthdays, members who have not been for long.

A round is one kind of message in one programme on one day of its calendar. It remembers how far it
came and is advanced in bounded steps; a day on which no worker ran is made up for, up to a week
later. What makes a message unique is its occasion, not the round."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import Date, ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import words
from ledger.book import statements
from ledger.database.tables import Base, Instant, insert_or
from ledger.people import consents
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.segments import conditions, membership, scope
from wallet import happenings
from wallet.delivery.refresh import MakeDue
from wallet.happenings import Note
from wallet.outreach import (
    campaigns,
    deliveries,
    gifts,
    hours,
    messages,
    occasions,
    recipients,
    terms,
)
from wallet.outreach.deliveries import NotTold, Occasion
from wallet.outreach.in_phone import InPhone
from wallet.outreach.messages import Message
from wallet.outreach.recipients import Candidate, ConsentRule
from wallet.outreach.terms import DAILY, MessageTerms
from wallet.outreach.wording import Known, LastDay

BATCH = 100  # members in one step
# So long after a round of points that run out it looks again at those that were given meanwhile.
LOOK_AGAIN = timedelta(minutes=15)
# Postings that were under way when it looked become visible within this time.
UNDER_WAY = timedelta(minutes=5)
MADE_UP_FOR = timedelta(days=7)


class Round(Base):
    """A round's row. It is done up to and with member `after_id`. `begun_at` is when it last began
    to look; it looks only at points that were given after the posting `from_posting_id`."""

    __tablename__ = "outreach_round"
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    after_id: Mapped[int] = mapped_column(default=0)
    from_posting_id: Mapped[int] = mapped_column(default=0, server_default="0")
    begun_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A member whose day it is, with what the text may say of it. `burning`: how many points run
    out on which day, for receivers outside."""

    member_id: int
    occasion: str
    about: Known
    burning: Mapping[str, object] | None = None


def step(session: Session, make_due: Sequence[MakeDue], now: datetime, limit: int = BATCH) -> bool:
    """One bounded piece of work at an open round; False if there is none at this hour."""
    wanted = {(one.programme_id, one.kind): one for one in terms.switched_on(session, DAILY)}
    open_now = []
    for one in wanted.values():
        programme = programmes.by_id(session, one.programme_id)
        if one.hours.covers(hours.on_wall(now, programme.timezone).time()):
            _begin(session, one, programme, now)
            if one.kind == "burning":
                _look_again(session, programme, now)
            open_now.append((one.programme_id, one.kind))
    for programme_id, kind in open_now:
        found = session.scalar(
            select(Round)
            .where(
                Round.programme_id == programme_id,
                Round.kind == kind,
                Round.finished_at.is_(None),
            )
            .order_by(Round.day)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if found is not None:
            _advance(session, found, wanted[programme_id, kind], make_due, now, limit)
            session.flush()
            return True
    return False


def due(
    session: Session, programme: Programme, kind: str, wanted: MessageTerms, day: date, most: int
) -> list[int]:
    """The members for whom a daily message would be due on this day, as things are now, and who had
    none on that occasion: up to `most` of them. Whether each may be told is not asked."""
    now = hours.begin_of(day, programme.timezone)
    round_ = Round(programme_id=programme.id, kind=kind, day=day, after_id=0, from_posting_id=0)
    due_ids: list[int] = []
    while len(due_ids) < most:
        found, last = _found(session, round_, wanted, programme, now, BATCH)
        occasions = [(one.member_id, one.occasion) for one in found]
        had = deliveries.known(session, occasions) if occasions else set()
        due_ids += [id_ for id_, occasion in occasions if (id_, occasion) not in had]
        if last is None:
            break
        round_.after_id = last
    return due_ids[:most]


def _begin(session: Session, wanted: MessageTerms, programme: Programme, now: datetime) -> None:
    """Begin a round for today, and for the days since the last one on which no worker ran."""
    today = hours.day_of(now, programme.timezone)
    last = session.scalar(
        select(func.max(Round.day)).where(
            Round.programme_id == programme.id, Round.kind == wanted.kind
        )
    )
    since = hours.day_of(wanted.since, programme.timezone)
    first = max(since, today - MADE_UP_FOR, last + timedelta(days=1) if last else since)
    for offset in range((today - first).days + 1):
        session.execute(
            insert_or(session, Round)
            .values(
                programme_id=programme.id,
                kind=wanted.kind,
                day=first + timedelta(days=offset),
                after_id=0,
                begun_at=now,
            )
            .on_conflict_do_nothing()
        )


def _look_again(session: Session, programme: Programme, now: datetime) -> None:
    """Let today's round of points that run out look at those that were given since it did: they may
    be gone before the round of tomorrow."""
    today = hours.day_of(now, programme.timezone)
    done = session.scalar(
        select(Round).where(
            Round.programme_id == programme.id,
            Round.kind == "burning",
            Round.day == today,
            Round.finished_at <= now - LOOK_AGAIN,
        )
    )
    if done is None:
        return
    session.execute(
        update(Round)
        .where(
            Round.programme_id == programme.id,
            Round.kind == "burning",
            Round.day == today,
            Round.finished_at == done.finished_at,  # unless another worker was faster
        )
        .values(
            after_id=0,
            from_posting_id=statements.newest_before(session, done.begun_at - UNDER_WAY),
            begun_at=now,
            finished_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _advance(
    session: Session,
    round_: Round,
    wanted: MessageTerms,
    make_due: Sequence[MakeDue],
    now: datetime,
    limit: int,
) -> None:
    programme = programmes.by_id(session, round_.programme_id)
    found, last = _found(session, round_, wanted, programme, now, limit)
    _tell(session, programme, wanted, found, make_due, now)
    if last is None:
        round_.finished_at = now
    else:
        round_.after_id = last


def _found(
    session: Session,
    round_: Round,
    wanted: MessageTerms,
    programme: Programme,
    now: datetime,
    limit: int,
) -> tuple[list[Occurrence], int | None]:
    """The next members for whom the message is due, and with whom to go on; None at the end."""
    match round_.kind:
        case "burning":
            return _burning(session, round_, wanted, programme, now, limit)
        case "birthday":
            return _birthdays(session, round_, wanted, programme, limit)
    return _lapsed(session, round_, wanted, programme, limit)


def _tell(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    found: Sequence[Occurrence],
    make_due: Sequence[MakeDue],
    now: datetime,
) -> None:
    """Send the message to each of these members who has had none on this occasion, with the gift
    that goes with it: points and words together, or neither. Lock order: deliveries, balances,
    passes."""
    fresh = _note(session, programme, wanted, found, now)
    burning = [(one.member_id, one.burning) for one in fresh.values() if one.burning is not None]
    happenings.note(session, "points.burning", [Note(*one) for one in burning], now)
    fresh = _who_agreed(session, wanted, fresh)
    fresh = _but_for_held_out(session, programme, wanted, fresh, now)
    given = _give(session, programme, wanted, fresh, now)
    candidates = recipients.lock(session, [entry.member_id for entry in fresh.values()])
    chosen, ended = _choose(wanted, fresh, given, candidates)
    deliveries.end(session, ended)
    readers = recipients.read(session, programme, chosen.values(), now)
    batch = [
        Message(
            readers[candidate.member_id],
            [delivery_id],
            wanted.texts,
            fresh[delivery_id].about,
            states_balance=delivery_id in given,
        )
        for delivery_id, candidate in chosen.items()
    ]
    messages.tell(session, programme, batch, make_due, now)


def _note(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    found: Sequence[Occurrence],
    now: datetime,
) -> dict[int, Occurrence]:
    """Make a delivery for each of these who has none on this occasion; returns them by delivery."""
    occasions = [Occasion(entry.member_id, wanted.kind, entry.occasion) for entry in found]
    ids = deliveries.note(session, programme.id, occasions, now)
    return {
        ids[entry.member_id, entry.occasion]: entry
        for entry in found
        if (entry.member_id, entry.occasion) in ids
    }


def _who_agreed(
    session: Session, wanted: MessageTerms, fresh: Mapping[int, Occurrence]
) -> dict[int, Occurrence]:
    """Those who may be told, by delivery; the deliveries of the others are ended. Nobody else gets
    the gift that goes with the words."""
    agreed = consents.agreed_to_news(session, [entry.member_id for entry in fresh.values()])
    rule = cast(ConsentRule, wanted.consent)
    may_be = {
        id_: entry
        for id_, entry in fresh.items()
        if recipients.may_be_told(rule, agreed=agreed.get(entry.member_id))
    }
    deliveries.end(session, {"no_consent": [id_ for id_ in fresh if id_ not in may_be]})
    return may_be


def _but_for_held_out(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    fresh: Mapping[int, Occurrence],
    now: datetime,
) -> dict[int, Occurrence]:
    """Those who are not held out by lot, by delivery; the deliveries of the others are ended. Drawn
    anew for each occasion, and of those alone who would be told: without a gift, whose card is in a
    phone."""
    if not wanted.holdout_percent:
        return dict(fresh)
    meant = select(Member).where(Member.id.in_([entry.member_id for entry in fresh.values()]))
    if not wanted.gift:
        in_scope = scope.in_main_unit(session, programme, now)
        meant = meant.where(InPhone(kind="card").condition(in_scope))
    names = {one.id: one.public_id for one in session.scalars(meant)}
    held_out = [
        id_
        for id_, entry in fresh.items()
        if entry.member_id in names
        and campaigns.is_held_out(
            f"{programme.code}:{entry.occasion}", names[entry.member_id], wanted.holdout_percent
        )
    ]
    deliveries.end(session, {"held_out": held_out})
    return {id_: entry for id_, entry in fresh.items() if id_ not in set(held_out)}


def _choose(
    wanted: MessageTerms,
    fresh: Mapping[int, Occurrence],
    given: Collection[int],
    candidates: Mapping[int, Candidate],
) -> tuple[dict[int, Candidate], dict[NotTold, list[int]]]:
    """The members who get the message, by delivery, and the other deliveries, by the reason against
    them. `given`: deliveries that came with points. Their members get the words even if their card
    is in no phone: the words are then on the card when it comes into one."""
    chosen: dict[int, Candidate] = {}
    ended: dict[NotTold, list[int]] = {}
    for delivery_id, entry in fresh.items():
        candidate = candidates.get(entry.member_id)
        if wanted.present is not None and delivery_id not in given:
            ended.setdefault("refused", []).append(delivery_id)
        elif candidate is None:
            ended.setdefault("gone", []).append(delivery_id)
        elif delivery_id in given or candidate.in_phone:
            chosen[delivery_id] = candidate
        else:
            ended.setdefault("no_card", []).append(delivery_id)
    return chosen, ended


def _give(
    session: Session,
    programme: Programme,
    wanted: MessageTerms,
    fresh: Mapping[int, Occurrence],
    now: datetime,
) -> set[int]:
    """Give each the points that come with the message, if any do; returns the deliveries that got
    them."""
    if wanted.present is None:
        return set()
    of = {delivery_id: one.member_id for delivery_id, one in fresh.items()}
    people = gifts.lock(session, programme, of.values())
    return gifts.give(session, programme, wanted.present, people, of, wanted.kind, now)


def _burning(
    session: Session,
    round_: Round,
    wanted: MessageTerms,
    programme: Programme,
    now: datetime,
    limit: int,
) -> tuple[list[Occurrence], int | None]:
    """Members whose points run out by the end of the day that is `days` ahead. Each is told of the
    soonest such day that they were not told of, with the amounts of this moment. If the message
    brings a gift, points of a gift are no occasion: one gift would bring the next for ever."""
    unit = units.named(session, programme.id, None)
    end = hours.begin_of(round_.day + timedelta(days=(wanted.days or 0) + 1), programme.timezone)
    rows = statements.running_out(
        session,
        unit.id,
        now,
        end,
        round_.after_id,
        limit,
        round_.from_posting_id,
        but_gifts=wanted.present is not None,
    )
    sums: dict[tuple[int, date], int] = {}
    ends: dict[tuple[int, date], datetime] = {}  # the first moment of that day at which some go
    changed: set[tuple[int, date]] = set()  # what the round has not looked at before
    for row in rows:
        end = row.expires_at.astimezone(ZoneInfo(programme.timezone))
        place = row.member_id, words.last_moment(end).date()
        sums[place] = sums.get(place, 0) + row.points
        ends.setdefault(place, end)
        if row.posting_id > round_.from_posting_id:
            changed.add(place)
    told = deliveries.known(
        session, [(member_id, occasions.burning(day)) for member_id, day in sums]
    )
    found: dict[int, Occurrence] = {}
    for (member_id, day), points in sums.items():
        occasion = occasions.burning(day)
        if member_id in found or (member_id, occasion) in told or (member_id, day) not in changed:
            continue
        about = {
            "burning": unit.amount(points),
            "day": LastDay(ends[member_id, day]),
            "gift": gifts.amount(session, programme, wanted.present),
        }
        burning: dict[str, object] = {"unit": unit.code, "points": points, "until": day.isoformat()}
        if (money := unit.money(points)) is not None:
            burning["money"] = {"amount": money.amount, "currency": money.currency}
        found[member_id] = Occurrence(member_id, occasion, about, burning)
    seen = sorted({row.member_id for row in rows})
    return list(found.values()), seen[-1] if len(seen) == limit else None


def _birthdays(
    session: Session, round_: Round, wanted: MessageTerms, programme: Programme, limit: int
) -> tuple[list[Occurrence], int | None]:
    """Members whose birthday is `days` ahead of the round's day."""
    birthday = round_.day + timedelta(days=wanted.days or 0)
    ids = session.scalars(
        select(Member.id)
        .join(Person, Person.member_id == Member.id)
        .where(
            Member.programme_id == programme.id,
            conditions.is_active(),
            Member.id > round_.after_id,
            occasions.born_on([birthday]),
        )
        .order_by(Member.id)
        .limit(limit)
    ).all()
    about = {
        "gift": gifts.amount(session, programme, wanted.present),
        "days": wanted.days or 0,
    }
    # By year: a birthday that is corrected within the year is not celebrated twice.
    found = [Occurrence(id_, occasions.birthday(birthday), about) for id_ in ids]
    return found, ids[-1] if len(ids) == limit else None


def _lapsed(
    session: Session, round_: Round, wanted: MessageTerms, programme: Programme, limit: int
) -> tuple[list[Occurrence], int | None]:
    """Members whose last points were earned or spent on the day that is `days` ago. Gifts of ours
    are not among them: who gets points for having been away has not come back."""
    day = round_.day - timedelta(days=wanted.days or 0)
    begin = hours.begin_of(day, programme.timezone)
    end = hours.begin_of(day + timedelta(days=1), programme.timezone)
    in_scope = scope.in_main_unit(session, programme, end)
    condition = (
        (Member.programme_id == programme.id)
        & conditions.is_active()
        & conditions.has_posting(in_scope, conditions.ACTIVITY, begin, end, unless=deliveries.GIFT)
        & ~conditions.has_posting(in_scope, conditions.ACTIVITY, end, unless=deliveries.GIFT)
    )
    newest = session.scalar(select(func.max(Member.id))) or 0
    found = membership.page(session, condition, round_.after_id, newest, limit)
    about = {
        "gift": gifts.amount(session, programme, wanted.present),
        "days": wanted.days or 0,
    }
    people = [Occurrence(one.id, occasions.lapsed(day), about) for one in found]
    return people, found[-1].id if len(found) == limit else None
