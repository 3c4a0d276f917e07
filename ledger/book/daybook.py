"""The daybook: the postings of a programme in the order in which they happened, each with all that
it did to members. Every filter has an index that serves it (see `Posting`); of several, the
database takes the one that leaves fewest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import BigInteger, Select, and_, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session, aliased

from ledger.book import accounts, purchases, statements
from ledger.book.accounts import Account
from ledger.book.journal import PURCHASE, Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.book.statements import Filter
from ledger.database.tables import batched, placed
from ledger.money import Money
from ledger.people.cards import Card
from ledger.people.members import Member

EntryAccount = Literal["points", "debt"]


@dataclass(frozen=True, slots=True)
class DaybookEntry:
    """What a posting did to one member: to their points, or to what they owe. `points` is negative
    for what left them, and for a debt that grew. `balance_after` is known of points alone."""

    member: str
    unit_id: int
    account: EntryAccount
    points: int
    balance_after: int | None


@dataclass(frozen=True, slots=True)
class DaybookPosting:
    """One posting. `reverses` is the public id of the one that it undoes, `undoes` how many of its
    points. `card` is the number that was shown. `paid` counts whole pieces of the `currency`."""

    entries: Sequence[DaybookEntry]
    posting_id: int
    id: str
    kind: str
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card: str | None
    reverses: str | None
    undoes: int | None
    occurred_at: datetime
    posted_at: datetime
    paid: int | None = None
    currency: str | None = None

    @property
    def purchase(self) -> Money | None:
        """What was paid in the purchase; negative where a reversal took something of it back."""
        return purchases.optional(self.paid, self.currency)


# Where in the daybook one stands: when a posting happened, and its id.
DaybookPlace = tuple[datetime, int]


def page(
    session: Session,
    programme_id: int,
    wanted: Filter,
    unit_id: int | None,
    behind: DaybookPlace | None,
    limit: int,
    *,
    oldest_first: bool = False,
    bought: bool = False,
) -> list[DaybookPosting]:
    """Postings of a programme that fit, newest first by when they happened, or `oldest_first`, from
    behind the place `behind`. With `unit_id`, those that moved this unit; `bought`: purchases as
    they were told, which are found among all postings. Bounds of points are for the points of one
    member that the posting moved."""
    wanted, behind = _begun(wanted, behind, oldest_first=oldest_first)
    order = (Posting.occurred_at, Posting.id)
    query = _facts().where(Posting.programme_id == programme_id).limit(limit)
    query = query.order_by(*(order if oldest_first else (one.desc() for one in order)))
    if bought:
        query = query.where(PurchaseRow.posting_id.is_not(None), Posting.reverses_id.is_(None))
    if behind is not None:
        place = placed(*behind)
        ahead = tuple_(*order) > place if oldest_first else tuple_(*order) < place
        query = query.where(ahead)
    return _with_entries(session, _filtered(query, wanted, unit_id))


def _begun(
    wanted: Filter, behind: DaybookPlace | None, *, oldest_first: bool
) -> tuple[Filter, DaybookPlace | None]:
    """The same with one place at which the scan of the index begins. With two such bounds
    PostgreSQL may begin at the farther one and walk to the other through all in between."""
    if oldest_first and wanted.since is not None:
        since = (wanted.since, 0)
        return replace(wanted, since=None), since if behind is None else max(since, behind)
    if not oldest_first and wanted.until is not None:
        until = (wanted.until, 0)
        return replace(wanted, until=None), until if behind is None else min(until, behind)
    return wanted, behind


def one(session: Session, posting_id: int) -> DaybookPosting:
    """The posting with this id, which must exist."""
    (found,) = _with_entries(session, _facts().where(Posting.id == posting_id))
    return found


_UNDONE = aliased(Posting)


def _facts() -> Select[Any]:
    facts: Any = (
        select(
            Posting.id,
            Posting.public_id,
            Posting.kind,
            Posting.reason,
            Posting.receipt,
            Posting.store,
            Posting.promotion,
            Card.number,
            _UNDONE.public_id,
            Posting.undoes,
            Posting.occurred_at,
            Posting.posted_at,
            PurchaseRow.amount,
            PurchaseRow.currency,
        )
        .outerjoin(Card, Card.id == Posting.card_id)
        .outerjoin(_UNDONE, _UNDONE.id == Posting.reverses_id)
        .outerjoin(PurchaseRow, PURCHASE)
    )
    return cast(Select[Any], facts)


def _filtered(query: Select[Any], wanted: Filter, unit_id: int | None) -> Select[Any]:
    query = query.where(*statements.exactly(wanted))
    if wanted.card is not None:
        shown = select(Card.id).where(Card.number == wanted.card).scalar_subquery()
        query = query.where(Posting.card_id == shown)
    if wanted.since is not None:
        query = query.where(Posting.occurred_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Posting.occurred_at < wanted.until)
    if unit_id is None and wanted.at_least is None and wanted.at_most is None:
        return query
    return query.where(Posting.id.in_(_moving(wanted, unit_id)))


def _moving(wanted: Filter, unit_id: int | None) -> Select[Any]:
    """The ids of postings that moved so many points of a member."""
    moved = select(Entry.posting_id).where(Entry.balance_after.is_not(None))
    if unit_id is not None:
        moved = moved.join(Account, Account.id == Entry.account_id).where(
            Account.unit_id == unit_id, Account.kind == accounts.MEMBER
        )
    if wanted.at_least is not None:
        moved = moved.where(or_(Entry.amount >= wanted.at_least, Entry.amount <= -wanted.at_least))
    if wanted.at_most is not None:
        moved = moved.where(and_(Entry.amount >= -wanted.at_most, Entry.amount <= wanted.at_most))
    return moved


def _with_entries(session: Session, query: Select[Any]) -> list[DaybookPosting]:
    rows = session.execute(query).all()
    entries = _entries(session, [row[0] for row in rows])
    return [DaybookPosting(entries.get(row[0], ()), *row) for row in rows]


def _entries(session: Session, posting_ids: Sequence[int]) -> dict[int, list[DaybookEntry]]:
    found: dict[int, list[DaybookEntry]] = {}
    for part in batched(posting_ids):
        rows = session.execute(
            select(
                Entry.posting_id,
                Member.public_id,
                Account.unit_id,
                Account.kind,
                Entry.amount,
                type_coerce(Entry.balance_after, BigInteger),
            )
            .join(Account, Account.id == Entry.account_id)
            .join(Member, Member.id == Account.member_id)
            .where(Entry.posting_id.in_(part))
            .order_by(Entry.posting_id, Entry.line)
        )
        for posting_id, member, unit_id, kind, points, after in rows:
            account: EntryAccount = "debt" if kind == accounts.DEBT else "points"
            entry = DaybookEntry(member, unit_id, account, points, after)
            found.setdefault(posting_id, []).append(entry)
    return found
