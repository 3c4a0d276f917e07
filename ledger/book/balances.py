"""What members have, by the clock. Accounts on which lots became active or ran out are settled by a
worker, seconds or minutes later, or by whoever posts to them next. Who only reads adds up the lots
of such an account, and so finds what a posting made at the same moment would find.

Nearly always nothing is due. Then the lots are not looked at: the balance row is the answer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    bindparam,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.orm import Session

from ledger.book.accounts import MEMBER, Account, Balance, BalanceRow
from ledger.book.lots import Lot
from ledger.database.tables import Instant

When = datetime | SQLColumnExpression[datetime]

# Columns of the tables: conditions on them are built for each list of members, and those on
# attributes of classes take several times as long to build.
_ROW, _LOT = BalanceRow.__table__.c, Lot.__table__.c
_KEPT = len(_ROW)  # columns; what counts by the clock stands behind them


def available(now: When) -> ColumnElement[int]:
    """How many points a member can spend now, for queries that have `BalanceRow` among their
    tables."""
    rest = _active(now) - _ROW.debt  # points that become active repay what is owed first
    return case((_ROW.next_change_at > now, _ROW.available), (rest > 0, rest), else_=0)


def of_account(session: Session, account_id: int, now: datetime) -> Balance:
    """What stands on a member account now. Nothing is locked, so it may be outdated at once."""
    rows = session.connection().execute(_OF_ACCOUNT, {"account": account_id, "now": now})
    return by_the_clock(rows.one(), now)


def of_members(
    session: Session, unit_ids: Iterable[int], member_ids: Sequence[int], now: datetime
) -> dict[tuple[int, int], Balance]:
    """What many members have in these units now, by member id and unit id. A member who never had
    any of a unit has none. Nothing is locked."""
    wanted = {"units": list(unit_ids), "members": member_ids, "now": now}
    rows = session.connection().execute(_OF_MEMBERS, wanted)
    return {(row.member_id, row.unit_id): by_the_clock(row, now) for row in rows}


def by_the_clock(row: Sequence[Any], now: datetime) -> Balance:
    """The balance that settling the account would leave, see `postings.settle`. The row begins with
    what `READ` selects."""
    balance = Balance._make(row[:_KEPT])
    if balance.next_change_at > now:
        return balance
    active, pending = row[_KEPT : _KEPT + 2]
    repaid = min(balance.debt, active)
    return Balance(
        balance.account_id,
        available=active - repaid,
        pending=pending,
        held=balance.held,
        debt=balance.debt - repaid,
        next_change_at=balance.next_change_at,
        closed=balance.closed,
    )


def _of_lots(
    points: SQLColumnExpression[int], *conditions: ColumnElement[bool]
) -> ColumnElement[int]:
    """A sum over lots of the account whose balance row is read."""
    return (
        select(cast(func.coalesce(func.sum(points), 0), BigInteger))
        .where(_LOT.account_id == _ROW.account_id, _LOT.remaining > 0, *conditions)
        .correlate(BalanceRow.__table__)
        .scalar_subquery()
    )


def _active(now: When) -> ColumnElement[int]:
    """The free points of lots that count now; those that a hold has set aside are not among
    them."""
    began = _LOT.active | (_LOT.activates_at <= now)
    return _of_lots(_LOT.remaining - _LOT.held, began, _LOT.expires_at > now)


def _pending(now: When) -> ColumnElement[int]:
    return _of_lots(_LOT.remaining, _LOT.active.is_(False), _LOT.activates_at > now)


_NOW: ColumnElement[datetime] = bindparam("now", type_=Instant)
_IS_DUE = _ROW.next_change_at <= _NOW
# What `by_the_clock` needs of an account, for queries that read balances beside other things; they
# are given `now`.
READ = (*_ROW, case((_IS_DUE, _active(_NOW))), case((_IS_DUE, _pending(_NOW))))

# Built once: to build a query costs as much as to have it answered.
_OF_ACCOUNT = select(*READ).where(_ROW.account_id == bindparam("account"))
_OF_MEMBERS = (
    select(*READ, Account.member_id, Account.unit_id)
    .join_from(Account, BalanceRow, BalanceRow.account_id == Account.id)
    .where(
        Account.unit_id.in_(bindparam("units", expanding=True)),
        Account.member_id.in_(bindparam("members", expanding=True)),
        Account.kind == MEMBER,
    )
)
