"""Reading the book: what a member has and had, what happened to it, and what the programme owes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from ledger.book import accounts, balances, purchases
from ledger.book.accounts import Account, Balance
from ledger.book.journal import PURCHASE, Entry, Posting
from ledger.book.lots import Lot
from ledger.book.purchases import PurchaseRow
from ledger.database.tables import MICROSECOND, placed
from ledger.limits import NEVER
from ledger.money import Money
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.units import Unit

_UNDONE = aliased(Posting)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a member's statement. `points` is negative for what left the member.
    `balance_after` is all that the member had after it, active or not. `id` is the public id of the
    posting, `reverses` that of the one it undoes. `debt_change` is what it added to what the
    member owes, negative where that was paid. `paid` counts whole pieces of the `currency`."""

    posting_id: int
    id: str
    kind: str
    points: int
    balance_after: int
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card: str | None
    occurred_at: datetime
    posted_at: datetime
    paid: int | None = None
    currency: str | None = None
    reverses: str | None = None
    debt_change: int = 0

    @property
    def purchase(self) -> Money | None:
        """What was paid in the purchase; negative where a reversal took something of it back."""
        return purchases.optional(self.paid, self.currency)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are wanted. `at_least` and `at_most` bound the points without their sign. `since`
    and `until` bound `occurred_at`; `since` is included, `until` is not."""

    kind: str | None = None
    store: str | None = None
    promotion: str | None = None
    receipt: str | None = None
    reason: str | None = None
    card: str | None = None
    at_least: int | None = None
    at_most: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Liability:
    """Points of members that run out in this month of the programme's calendar: how many, how many
    of them are not active yet, and in how many lots. `month` is the first day of it; None for
    points that never run out."""

    month: date | None
    points: int
    pending: int
    lots: int


def statement(
    session: Session,
    account_id: int,
    wanted: Filter,
    before_posting_id: int | None,
    limit: int,
) -> list[StatementLine]:
    """Lines of an account, newest first, from before posting `before_posting_id`."""
    query: Any = (
        select(
            Posting.id,
            Posting.public_id,
            Posting.kind,
            Entry.amount,
            type_coerce(Entry.balance_after, BigInteger),
            Posting.reason,
            Posting.receipt,
            Posting.store,
            Posting.promotion,
            Card.number,
            Posting.occurred_at,
            Posting.posted_at,
            PurchaseRow.amount,
            PurchaseRow.currency,
            _UNDONE.public_id,
            _owed_more(account_id),
        )
        .join(Entry, Entry.posting_id == Posting.id)
        .outerjoin(Card, Card.id == Posting.card_id)
        .outerjoin(_UNDONE, _UNDONE.id == Posting.reverses_id)
        .outerjoin(PurchaseRow, PURCHASE)
        .where(Entry.account_id == account_id, Entry.balance_after.is_not(None))
        .order_by(Entry.posting_id.desc())
        .limit(limit)
    )
    if before_posting_id is not None:
        query = query.where(Entry.posting_id < before_posting_id)
    query = query.where(*exactly(wanted))
    if wanted.card is not None:
        query = query.where(Card.number == wanted.card)
    if wanted.at_least is not None:
        query = query.where(func.abs(Entry.amount) >= wanted.at_least)
    if wanted.at_most is not None:
        query = query.where(func.abs(Entry.amount) <= wanted.at_most)
    if wanted.since is not None:
        query = query.where(Posting.occurred_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Posting.occurred_at < wanted.until)
    return [StatementLine(*row) for row in session.execute(query)]


def exactly(wanted: Filter) -> list[ColumnElement[bool]]:
    """The filters that ask what a posting says of itself, word for word."""
    asked = (
        (Posting.kind, wanted.kind),
        (Posting.store, wanted.store),
        (Posting.promotion, wanted.promotion),
        (Posting.receipt, wanted.receipt),
        (Posting.reason, wanted.reason),
    )
    return [column == value for column, value in asked if value is not None]


def _owed_more(account_id: int) -> ColumnElement[int]:
    """What a posting added to what the owner of this account owes."""
    theirs, owed, entry = aliased(Account), aliased(Account), aliased(Entry)
    debts = (
        select(owed.id)
        .join(theirs, and_(owed.unit_id == theirs.unit_id, owed.member_id == theirs.member_id))
        .where(theirs.id == account_id, owed.kind == accounts.DEBT)
    )
    paid_back = select(func.sum(entry.amount)).where(
        entry.posting_id == Posting.id, entry.account_id.in_(debts)
    )
    return cast(-func.coalesce(paid_back.scalar_subquery(), 0), BigInteger)


def all_balances(session: Session, member: Member, now: datetime) -> list[tuple[Unit, Balance]]:
    """What a member has of each unit of the programme, the main unit first. Units of which they
    never had any are left out."""
    found = units.of_programme(session, member.programme_id)
    standing = balances.of_members(session, [unit.id for unit in found], [member.holder_id], now)
    return [
        (unit, standing[member.holder_id, unit.id])
        for unit in found
        if (member.holder_id, unit.id) in standing
    ]


def main_balances(
    session: Session, programme_id: int, members: Sequence[Member], now: datetime
) -> dict[int, Balance]:
    """The balance in the main unit of each of these members of one programme, by member id. In a
    household it is the balance that all share."""
    unit = units.named(session, programme_id, None)
    found = balances.of_members(session, [unit.id], list({one.holder_id for one in members}), now)
    return {one.id: found[one.holder_id, unit.id] for one in members}


@dataclass(frozen=True, slots=True)
class RunningOut:
    """Points of one member that run out at one moment and are free to be spent until then.
    `posting_id` is the newest posting that brought some of them."""

    member_id: int
    expires_at: datetime
    points: int
    posting_id: int


def running_out(
    session: Session,
    unit_id: int,
    since: datetime,
    until: datetime,
    after_member_id: int,
    limit: int,
    from_posting_id: int = 0,
    *,
    but_gifts: bool = False,
) -> list[RunningOut]:
    """Points that count at `since` and run out after it, up to `until`, for the next members after
    `after_member_id`, at most `limit` members with all that each has. Ordered by member, then
    soonest first. With `from_posting_id`, of members to whom a later posting brought some.
    `but_gifts`: points that came as a gift are left out."""
    burning = (
        *_run_out(unit_id, since, until, but_gifts=but_gifts),
        Account.member_id > after_member_id,
    )
    newer = (Lot.posting_id > from_posting_id,) if from_posting_id else ()
    next_members = (
        select(Account.member_id)
        .join(Lot, Lot.account_id == Account.id)
        .where(*burning, *newer)
        .group_by(Account.member_id)
        .order_by(Account.member_id)
        .limit(limit)
    )
    rows = session.execute(
        select(
            Account.member_id,
            Lot.expires_at,
            func.sum(Lot.remaining - Lot.held),
            func.max(Lot.posting_id),
        )
        .join(Lot, Lot.account_id == Account.id)
        .where(*burning, Account.member_id.in_(next_members))
        .group_by(Account.member_id, Lot.expires_at)
        .order_by(Account.member_id, Lot.expires_at)
    )
    return [RunningOut(row[0], row[1], int(row[2]), row[3]) for row in rows]


def that_run_out(
    unit_id: int, since: datetime, ends: Sequence[datetime], *, but_gifts: bool = False
) -> Select[int, int]:
    """A query of members with points that count at `since` and run out after it, and of the time in
    which they do: 0 is up to the first of `ends`, 1 up to the second. A member stands in it once
    for each time. `but_gifts` as in `running_out`."""
    place = case(*((Lot.expires_at <= end, number) for number, end in enumerate(ends)))
    return (
        select(Account.member_id, place)
        .join(Lot, Lot.account_id == Account.id)
        .where(*_run_out(unit_id, since, ends[-1], but_gifts=but_gifts))
        .distinct()
    )


def _run_out(
    unit_id: int, since: datetime, until: datetime, *, but_gifts: bool
) -> tuple[ColumnElement[bool], ...]:
    """Conditions on lots, joined with their accounts: points of members that count at `since`, and
    run out after it, up to `until`."""
    gifts = select(Posting.id).where(Posting.id == Lot.posting_id, Posting.kind == "gift")
    return (
        Account.unit_id == unit_id,
        Account.kind == accounts.MEMBER,
        Lot.active | (Lot.activates_at <= since),
        Lot.remaining > Lot.held,
        Lot.expires_at > since,
        Lot.expires_at <= until,
        *((~gifts.exists(),) if but_gifts else ()),
    )


def newest_before(session: Session, moment: datetime) -> int:
    """The id of the newest posting that was made before this moment; 0 if there is none. It looks
    through the postings since, so the moment should not be long ago."""
    older = select(Posting.id).where(Posting.posted_at < moment)
    return session.scalar(older.order_by(Posting.id.desc()).limit(1)) or 0


@dataclass(frozen=True, slots=True)
class AccountPosting:
    """A posting on a member account. `member_id` is the member whose card was shown; without a
    card, the owner of the account. `points` are without their sign. `receipt`: what the shop calls
    the sale."""

    posting_id: int
    id: str
    kind: str
    member_id: int
    points: int
    receipt: str | None
    posted_at: datetime


def newest(
    session: Session,
    unit_id: int,
    holder_ids: Sequence[int],
    kinds: Collection[str],
    since: datetime,
    limit: int,
    *,
    unless: ColumnElement[bool],
) -> list[AccountPosting]:
    """The newest postings of these kinds on the accounts of these members, made at `since` or
    later. `unless` is a condition on `Posting`: postings that fulfil it are left out."""
    rows = session.execute(
        select(
            Posting.id,
            Posting.public_id,
            Posting.kind,
            func.coalesce(Card.member_id, Account.member_id),
            func.abs(Entry.amount),
            Posting.receipt,
            Posting.posted_at,
        )
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .outerjoin(Card, Card.id == Posting.card_id)
        .where(
            Account.unit_id == unit_id,
            Account.kind == accounts.MEMBER,
            Account.member_id.in_(holder_ids),
            Entry.balance_after.is_not(None),
            Posting.kind.in_(list(kinds)),
            Posting.posted_at >= since,
            ~unless,
        )
        .order_by(Posting.id.desc())
        .limit(limit)
    )
    return [AccountPosting(*row) for row in rows]


LotState = Literal["pending", "active", "expired"]


@dataclass(frozen=True, slots=True)
class LotLine:
    """Points of an account with the same dates, of which some are left. `points` is how many there
    were at first, `left` how many there are, `held` how many of those a hold has set aside.
    `posting` is the public id of the posting that brought them here."""

    lot_id: int
    posting: str
    points: int
    left: int
    held: int
    activates_at: datetime
    expires_at: datetime

    def state(self, now: datetime) -> LotState:
        """What the points are by the clock. Those that ran out leave the account within seconds,
        but for those that a hold has set aside."""
        if self.expires_at <= now:
            return "expired"
        return "active" if self.activates_at <= now else "pending"


def lot_lines(
    session: Session, account_id: int, after: tuple[datetime, int] | None, limit: int
) -> list[LotLine]:
    """The lots of an account in which something is left, in the order in which they are spent, from
    behind the one with this end and id."""
    query = (
        select(
            Lot.id,
            Posting.public_id,
            Lot.amount,
            Lot.remaining,
            Lot.held,
            Lot.activates_at,
            Lot.expires_at,
        )
        .join(Posting, Posting.id == Lot.posting_id)
        .where(Lot.account_id == account_id, Lot.remaining > 0)
        .order_by(Lot.expires_at, Lot.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Lot.expires_at, Lot.id) > placed(*after))
    return [LotLine(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class NextExpiry:
    """How many points of an account run out next, and when."""

    points: int
    expires_at: datetime


def next_expiries(
    session: Session, account_ids: Sequence[int], now: datetime
) -> dict[int, NextExpiry]:
    """What runs out next on each of these accounts, as far as it is free to be spent until then;
    accounts of which nothing will run out are left out."""
    running = (
        Lot.remaining > 0,
        Lot.remaining > Lot.held,
        Lot.expires_at > now,
        Lot.expires_at < NEVER,
    )
    soonest = (
        select(Lot.account_id, func.min(Lot.expires_at).label("expires_at"))
        .where(Lot.account_id.in_(account_ids), *running)
        .group_by(Lot.account_id)
        .subquery()
    )
    rows = session.execute(
        select(Lot.account_id, Lot.expires_at, func.sum(Lot.remaining - Lot.held))
        .join(
            soonest,
            and_(soonest.c.account_id == Lot.account_id, soonest.c.expires_at == Lot.expires_at),
        )
        .where(*running)
        .group_by(Lot.account_id, Lot.expires_at)
    )
    return {row[0]: NextExpiry(int(row[2]), row[1]) for row in rows}


def balance_at(session: Session, account_id: int, moment: datetime) -> int:
    """What the account held in all at a moment, by the postings made until then (`posted_at`)."""
    after = session.scalar(
        select(type_coerce(Entry.balance_after, BigInteger))
        .join(Posting, Posting.id == Entry.posting_id)
        .where(
            Entry.account_id == account_id,
            Entry.balance_after.is_not(None),
            Posting.posted_at <= moment,
        )
        .order_by(Entry.posting_id.desc())
        .limit(1)
    )
    return int(after or 0)


def liability(session: Session, unit: Unit, timezone: str, now: datetime) -> list[Liability]:
    """What members hold in a unit, by the month in which it runs out; points without an end come
    last. Of points that have run out, those count that a hold has set aside. `timezone` is the
    programme's."""
    zone = ZoneInfo(timezone)
    active = Lot.active | (Lot.activates_at <= now)
    rows = session.execute(
        select(
            Lot.expires_at,
            active.label("is_active"),
            func.sum(case((Lot.expires_at > now, Lot.remaining), else_=Lot.held)),
            func.count(),
        )
        .join(Account, Account.id == Lot.account_id)
        .where(
            Account.unit_id == unit.id,
            Lot.remaining > 0,
            (Lot.expires_at > now) | (Lot.held > 0),
        )
        .group_by(Lot.expires_at, "is_active")
    )
    months: dict[date | None, list[int]] = {}
    for expires_at, active, remaining, count in rows:
        # Points that run out at midnight belong to the day that ends there.
        last = None if expires_at == NEVER else (expires_at - MICROSECOND).astimezone(zone)
        sums = months.setdefault(
            None if last is None else date(last.year, last.month, 1), [0, 0, 0]
        )
        sums[0] += int(remaining)
        sums[1] += 0 if active else int(remaining)
        sums[2] += count
    return [
        Liability(month, *months[month])
        for month in sorted(months, key=lambda month: month or date.max)
    ]
