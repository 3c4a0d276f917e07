"""Conditions on `Member` from which kinds of segments are built.

What a member did and has is read from the account that they use. In a household it counts for all
members who share the account."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, func, or_, select

from ledger.book import accounts, balances, purchases
from ledger.book.accounts import Account, BalanceRow
from ledger.book.balances import When
from ledger.book.journal import Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.people.members import Member
from ledger.segments.scope import AnyScope

ACCRUAL = ("accrual",)
ACTIVITY = ("accrual", "redemption")

# Conditions on `Posting` for what is given and is no purchase. A package above the ledger that
# gives points adds its own.
GIFTS: list[ColumnElement[bool]] = []
AFTER_ALL = 2**62  # stands for a posting that is yet to come

# Whose accounts a member uses.
HOLDER = func.coalesce(Member.household_id, Member.id)


def is_active() -> ColumnElement[bool]:
    """The member stands for a person today: neither erased nor merged into another member."""
    return _IS_ACTIVE


_IS_ACTIVE = Member.erased_at.is_(None) & Member.merged_into_id.is_(None)


def has_posting(
    scope: AnyScope,
    kinds: Collection[str],
    since: When | None = None,
    until: When | None = None,
    store: str | None = None,
    unless: ColumnElement[bool] | None = None,
) -> ColumnElement[bool]:
    """The member has a posting of one of these kinds that occurred at `since` or later and before
    `until`, in this store if one is given. Postings that fulfil the condition `unless` do not
    count."""
    postings = (
        select(Posting.id)
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Account.unit_id == scope.unit_id,
            Account.kind == accounts.MEMBER,
            Account.member_id == HOLDER,
            Entry.balance_after.is_not(None),
            or_(*(Posting.kind == kind for kind in kinds)),
        )
    )
    if since is not None:
        postings = postings.where(Posting.occurred_at >= since)
    if until is not None:
        postings = postings.where(Posting.occurred_at < until)
    if store is not None:
        postings = postings.where(Posting.store == store)
    if unless is not None:
        postings = postings.where(~unless)
    return postings.correlate_except(Posting, Entry, Account).exists()


def has_purchase(
    scope: AnyScope,
    since: When | None = None,
    until: When | None = None,
    store: str | None = None,
) -> ColumnElement[bool]:
    """The member bought something at `since` or later and before `until`, in this store if one is
    given. Purchases that were undone whole do not count.

    As soon as a programme is told of purchases, these are the purchases. What was posted before the
    first of them, nobody knows as well: there every accrual counts that was no gift."""
    told = (
        select(PurchaseRow.posting_id)
        .join(Account, Account.id == PurchaseRow.account_id)
        .where(Account.member_id == HOLDER, PurchaseRow.stands)
    )
    if since is not None:
        told = told.where(PurchaseRow.occurred_at >= since)
    if until is not None:
        told = told.where(PurchaseRow.occurred_at < until)
    if store is not None:
        told = told.where(PurchaseRow.store == store)
    untold = has_posting(
        scope, ACCRUAL, since, until, store, unless=or_(is_told_of(scope.programme_id), *GIFTS)
    )
    return told.correlate_except(PurchaseRow, Account).exists() | untold


def has_paid(
    currency: str, at_least: int, since: When | None = None, store: str | None = None
) -> ColumnElement[bool]:
    """The member paid at least so much in this currency, in its smallest pieces, for all that they
    bought at `since` or later, in this store if one is given, less what was taken back of it."""
    paid = (
        select(func.coalesce(func.sum(PurchaseRow.amount), 0))
        .join(Account, Account.id == PurchaseRow.account_id)
        .where(Account.member_id == HOLDER, PurchaseRow.currency == currency)
    )
    if since is not None:
        paid = paid.where(PurchaseRow.occurred_at >= since)
    if store is not None:
        paid = paid.where(PurchaseRow.store == store)
    return paid.correlate(Member).scalar_subquery() >= at_least


def is_told_of(programme_id: int) -> ColumnElement[bool]:
    """A condition on `Posting`: it was made when the programme was told of purchases already."""
    return Posting.id >= func.coalesce(purchases.first(programme_id), AFTER_ALL)


def has_points(
    scope: AnyScope, at_least: int | None = None, at_most: int | None = None
) -> ColumnElement[bool]:
    """The member can spend at least and at most so many points; both bounds are included."""
    available = balances.available(scope.moment)
    bounds = [Account.unit_id == scope.unit_id]
    if at_least is not None:
        bounds.append(available >= at_least)
    if at_most is not None:
        bounds.append(available <= at_most)
    return _BALANCES.where(*bounds).exists()


# The balance of the account that a member uses.
_BALANCES = (
    select(BalanceRow.account_id)
    .join(Account, Account.id == BalanceRow.account_id)
    .where(Account.kind == accounts.MEMBER, Account.member_id == HOLDER)
    .correlate(Member)
)
