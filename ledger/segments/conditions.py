"""Conditions on `Member` from which kinds of segments are built.

What a member did and has is read from the account that they use. In a household it counts for all
members who share the account."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from ledger.book import accounts, balances
from ledger.book.accounts import Account, BalanceRow
from ledger.book.journal import Entry, Posting
from ledger.people.members import Member
from ledger.segments.scope import Scope

PURCHASE = ("accrual",)
ACTIVITY = ("accrual", "redemption")

_HOLDER = func.coalesce(Member.household_id, Member.id)


def is_active() -> ColumnElement[bool]:
    """The member stands for a person today: neither erased nor merged into another member."""
    return Member.erased_at.is_(None) & Member.merged_into_id.is_(None)


def has_posting(
    scope: Scope,
    kinds: Collection[str],
    since: datetime | None = None,
    until: datetime | None = None,
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
            Account.member_id == _HOLDER,
            Entry.balance_after.is_not(None),
            Posting.kind.in_(list(kinds)),
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
    return postings.correlate(Member).exists()


def has_points(
    scope: Scope, at_least: int | None = None, at_most: int | None = None
) -> ColumnElement[bool]:
    """The member can spend at least and at most so many points; both bounds are included."""
    accounts_so = (
        select(BalanceRow.account_id)
        .join(Account, Account.id == BalanceRow.account_id)
        .where(
            Account.unit_id == scope.unit_id,
            Account.kind == accounts.MEMBER,
            Account.member_id == _HOLDER,
        )
    )
    if at_least is not None:
        accounts_so = accounts_so.where(balances.available(scope.now) >= at_least)
    if at_most is not None:
        accounts_so = accounts_so.where(balances.available(scope.now) <= at_most)
    return accounts_so.correlate(Member).exists()
