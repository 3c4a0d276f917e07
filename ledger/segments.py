"""Which members are meant: predicates over members as SQL conditions on `Member`, to be joined with
`and_`, `or_` and `not_`.

What a member did is what stands on the account they use: in a household it counts for everybody."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from ledger.book import accounts
from ledger.book.accounts import Account, BalanceRow
from ledger.book.journal import Entry, Posting
from ledger.people.members import Member

PURCHASE = ("accrual",)
ACTIVITY = ("accrual", "redemption")

_HOLDER = func.coalesce(Member.household_id, Member.id)


def alive() -> ColumnElement[bool]:
    """Members who stand for a person today."""
    return Member.erased_at.is_(None) & Member.merged_into_id.is_(None)


def did(
    unit_id: int,
    kinds: Collection[str],
    since: datetime | None = None,
    until: datetime | None = None,
    store: str | None = None,
) -> ColumnElement[bool]:
    """Who did one of these things in a time (the end of it not included), in this store if one is
    named."""
    account, entry, posting = aliased(Account), aliased(Entry), aliased(Posting)
    found = (
        select(posting.id)
        .join(entry, entry.posting_id == posting.id)
        .join(account, account.id == entry.account_id)
        .where(
            account.unit_id == unit_id,
            account.kind == accounts.MEMBER,
            account.member_id == _HOLDER,
            entry.balance_after.is_not(None),
            posting.kind.in_(list(kinds)),
        )
    )
    if since is not None:
        found = found.where(posting.occurred_at >= since)
    if until is not None:
        found = found.where(posting.occurred_at < until)
    if store is not None:
        found = found.where(posting.store == store)
    return found.correlate(Member).exists()


def has_points(
    unit_id: int, at_least: int | None = None, at_most: int | None = None
) -> ColumnElement[bool]:
    """Whose points to spend lie in these bounds, both included."""
    account, balance = aliased(Account), aliased(BalanceRow)
    found = (
        select(balance.account_id)
        .join(account, account.id == balance.account_id)
        .where(
            account.unit_id == unit_id,
            account.kind == accounts.MEMBER,
            account.member_id == _HOLDER,
        )
    )
    if at_least is not None:
        found = found.where(balance.available >= at_least)
    if at_most is not None:
        found = found.where(balance.available <= at_most)
    return found.correlate(Member).exists()
