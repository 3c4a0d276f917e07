"""What messages brought and what they cost: who bought something afterwards, of those who were told
and of those who were held out to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    Interval,
    SQLColumnExpression,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from ledger.book import purchases
from ledger.book.accounts import MEMBER, Account
from ledger.book.balances import When
from ledger.book.journal import Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.database.tables import MICROSECOND, dialect_of
from ledger.languages import LANGUAGES, Language
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.segments import conditions, scope
from wallet import sentences
from wallet.outreach.campaigns import Campaign
from wallet.outreach.comparison import Conclusion, Group, Spending
from wallet.outreach.deliveries import Delivery, DeliveryState, MessageKind

# What was counted: purchases as tills tell them; accruals that were no gifts, where none were ever
# told; or both, where the first was told within the time.
Counted = Literal["purchases", "accruals", "both"]
CONTEXT = "comparison"  # in which the catalogue has each conclusion in words
COMPARED: tuple[DeliveryState, DeliveryState] = ("told", "held_out")


@dataclass(frozen=True, slots=True)
class InCurrency:
    """What both groups paid in one currency, in its smallest pieces."""

    currency: str
    told: Spending
    held_out: Spending


@dataclass(frozen=True, slots=True)
class Sales:
    """Purchases from the start of a campaign up to `until`, which may be still to come; or after
    messages that were due from `since` to `until`. `money` is in the order of how much was paid in
    all."""

    since: datetime
    until: datetime
    counted: Counted
    told: Group
    held_out: Group
    money: Sequence[InCurrency]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a campaign or a built-in message cost up to now: how many members were told, and how
    many points of the main unit came with its messages."""

    messages: int
    gifts: int


def in_words(conclusion: Conclusion) -> dict[Language, str]:
    """What may be said of a difference, in each language."""
    return {
        language: sentences.CATALOGUE.text(language, conclusion, CONTEXT) for language in LANGUAGES
    }


def of_campaign(session: Session, campaign: Campaign, days: int, now: datetime) -> Sales | None:
    """What was bought in so many days from the campaign's start; None if it has not begun.

    Both groups are watched from one moment on, whenever each member was told: those who were held
    out were not told at any."""
    if campaign.started_at is None:
        return None
    since, until = campaign.started_at, campaign.started_at + timedelta(days=days)
    theirs = _Watched((Delivery.campaign_id == campaign.id,), since, until)
    return _compared(session, campaign.programme_id, theirs, since, until, now)


def of_message(
    session: Session,
    programme: Programme,
    kind: MessageKind,
    since: datetime,
    until: datetime,
    days: int,
    now: datetime,
) -> Sales:
    """What was bought in so many days after a built-in message, by those for whom it was due at
    `since` or later and before `until`. Whoever it was due for twice counts twice."""
    theirs = _Watched(
        (*_of_message(programme, kind, since), Delivery.created_at < until),
        Delivery.created_at,
        _later(session, Delivery.created_at, days),
    )
    return _compared(session, programme.id, theirs, since, until, now)


def _later(
    session: Session, moment: SQLColumnExpression[datetime], days: int
) -> SQLColumnExpression[Any]:
    """So many days after a moment, as SQL. SQLite has whole microseconds."""
    if dialect_of(session) == "sqlite":
        return type_coerce(moment, BigInteger) + timedelta(days=days) // MICROSECOND
    return type_coerce(moment, DateTime(timezone=True)) + literal(timedelta(days=days), Interval())


@dataclass(frozen=True, slots=True)
class _Watched:
    """Deliveries, by conditions on them, and from when to when each member is watched."""

    deliveries: Sequence[ColumnElement[bool]]
    since: When
    until: When


def _compared(
    session: Session,
    programme_id: int,
    theirs: _Watched,
    since: datetime,
    until: datetime,
    now: datetime,
) -> Sales:
    """Purchases of a household count for each of its members."""
    in_scope = scope.in_main_unit(session, programmes.by_id(session, programme_id), now)
    bought = conditions.has_purchase(in_scope, theirs.since, theirs.until)
    counts = session.execute(
        select(Delivery.state, func.count(), func.sum(case((bought, 1), else_=0)))
        .select_from(Delivery)
        .join(Member, Member.id == Delivery.member_id)
        .where(*theirs.deliveries, Delivery.state.in_(COMPARED))
        .group_by(Delivery.state)
    )
    groups = {state: Group(members, int(buyers)) for state, members, buyers in counts}
    told, held_out = (groups.get(state, Group(0, 0)) for state in COMPARED)
    money = _money(session, theirs, told, held_out)
    return Sales(since, until, _counted(session, programme_id, since), told, held_out, money)


def cost(session: Session, campaign: Campaign) -> Cost:
    """What the campaign cost up to now."""
    return _cost(session, Delivery.campaign_id == campaign.id)


def cost_of_message(
    session: Session, programme: Programme, kind: MessageKind, since: datetime
) -> Cost:
    """What a built-in message cost since this moment."""
    return _cost(session, *_of_message(programme, kind, since))


def ends_of_message(
    session: Session, programme: Programme, kind: MessageKind, since: datetime
) -> dict[str, int]:
    """How many deliveries of a built-in message, made since this moment, are in which state."""
    query = select(Delivery.state, func.count()).where(*_of_message(programme, kind, since))
    return {row[0]: row[1] for row in session.execute(query.group_by(Delivery.state))}


def _of_message(
    programme: Programme, kind: MessageKind, since: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.programme_id == programme.id,
        Delivery.kind == kind,
        Delivery.created_at >= since,
    )


def _cost(session: Session, *theirs: ColumnElement[bool]) -> Cost:
    gifts = session.scalar(
        select(func.sum(Entry.amount))
        .join(Account, Account.id == Entry.account_id)
        .join(Delivery, Delivery.gift_posting_id == Entry.posting_id)
        .where(*theirs, Account.kind == MEMBER, Entry.amount > 0)
    )
    told = select(func.count()).where(*theirs, Delivery.state == "told")
    return Cost(session.scalars(told).one(), int(gifts or 0))


def _money(session: Session, theirs: _Watched, told: Group, held_out: Group) -> list[InCurrency]:
    """What members paid, less what was taken back of it."""
    by_member = (
        select(
            Delivery.state.label("state"),
            PurchaseRow.currency.label("currency"),
            func.sum(PurchaseRow.amount).label("paid"),
        )
        .select_from(Delivery)
        .join(Member, Member.id == Delivery.member_id)
        .join(Account, Account.member_id == conditions.HOLDER)
        .join(PurchaseRow, PurchaseRow.account_id == Account.id)
        .where(
            *theirs.deliveries,
            Delivery.state.in_(COMPARED),
            PurchaseRow.occurred_at >= theirs.since,
            PurchaseRow.occurred_at < theirs.until,
        )
        .group_by(Delivery.id, Delivery.state, PurchaseRow.currency)
        .subquery()
    )
    paid = by_member.c.paid
    rows = session.execute(
        select(
            by_member.c.state,
            by_member.c.currency,
            func.sum(case((paid > 0, 1), else_=0)),
            func.sum(paid),
            # Squares of large sums do not fit into an integer.
            func.sum(cast(paid, Float) * cast(paid, Float)),
        ).group_by(by_member.c.state, by_member.c.currency)
    )
    found = {(row[0], row[1]): (int(row[2]), int(row[3]), float(row[4])) for row in rows}
    nothing = 0, 0, 0.0
    money = [
        InCurrency(
            currency,
            Spending(told.members, *found.get(("told", currency), nothing)),
            Spending(held_out.members, *found.get(("held_out", currency), nothing)),
        )
        for currency in sorted({currency for _, currency in found})
    ]
    return sorted(money, key=lambda one: -(one.told.total + one.held_out.total))


def _counted(session: Session, programme_id: int, since: datetime) -> Counted:
    first = session.scalar(
        select(Posting.posted_at).where(Posting.id == purchases.first(programme_id))
    )
    if first is None:
        return "accruals"
    return "purchases" if first <= since else "both"
