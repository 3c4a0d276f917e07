"""How the journal writes on SQLite: in steps, since SQLite has no INSERT within a WITH. The
database is in the same process, so steps cost little."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.book.accounts import Balance
from ledger.book.drafts import PostingDraft
from ledger.book.rows import BalanceChange, PostingRows, facts
from ledger.database.tables import EPOCH, MICROSECOND
from ledger.limits import MOST_POINTS

_STEP_BALANCE = """
UPDATE ledger_balance
SET available = available + :available, pending = pending + :pending, held = held + :held,
    debt = debt + :debt, next_change_at = min(next_change_at, coalesce(:next, next_change_at))
WHERE account_id = :account {guard}
RETURNING account_id, available, pending, held, debt, next_change_at, closed"""
_STEP_GUARD = f"""
AND next_change_at > :now AND debt = 0 AND NOT closed
AND available + pending + held + :total <= {MOST_POINTS}"""
_STEP_POSTING = """
INSERT INTO ledger_posting (public_id, programme_id, kind, reason, receipt, store, promotion,
                            card_id, reverses_id, undoes, occurred_at, posted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_STEP_ENTRY = """
INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
VALUES (?, ?, ?, ?, ?)"""
_STEP_LOT = """
INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount, remaining, held,
                        active, origin_id)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)"""
_STEP_TAKE = "UPDATE ledger_lot SET remaining = remaining - ?, held = held - ? WHERE id = ?"
_STEP_MOVE = """
INSERT INTO ledger_lot_move (posting_id, lot_id, amount, line) VALUES (?, ?, ?, ?)"""
_STEP_PURCHASE = """
INSERT INTO ledger_purchase (posting_id, programme_id, account_id, amount, currency, occurred_at,
                             store, stands)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_STEP_NEWS = """
INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
VALUES (?, ?, ?, ?, 0)"""


def write(
    connection: Connection, rows: PostingRows, news: Sequence[tuple[str, Any]], *, unless_due: bool
) -> dict[int, Balance]:
    """Write the rows and the `news` (kind and payload of each event). Returns the balances after
    them, by account; empty if `unless_due` is set and the account did not pass its guard: then
    nothing was written."""
    balances = _change_balances(connection, rows, unless_due=unless_due)
    if not balances and unless_due:
        return {}
    ids = [_add_posting(connection, draft, rows.now) for draft in rows.drafts]
    takes = [(one.taken, one.held, lot_id) for lot_id, one in rows.lot_changes.items()]
    moves = [(ids[number], lot_id, amount, line) for number, lot_id, amount, line in rows.moves]
    for statement, values in (
        (_STEP_ENTRY, _entry_values(rows, ids, balances)),
        (_STEP_LOT, _lot_values(rows, ids)),
        (_STEP_TAKE, takes),
        (_STEP_MOVE, moves),
        (_STEP_PURCHASE, _purchase_values(rows, ids)),
        (_STEP_NEWS, _news_values(news, rows.now)),
    ):
        if values:
            connection.exec_driver_sql(statement, values)
    return balances


def _change_balances(
    connection: Connection, rows: PostingRows, *, unless_due: bool
) -> dict[int, Balance]:
    """Move the balances and return them as they are then. With `unless_due` there is one account,
    and if it does not pass the guard, the answer is empty and nothing has changed."""
    balances: dict[int, Balance] = {}
    for account_id, change in rows.balance_changes.items():
        balance = _change_balance(connection, account_id, change, rows.now if unless_due else None)
        if balance is None:
            if unless_due:
                return {}
            raise AssertionError("a posting to an account without a balance")
        balances[account_id] = balance
    return balances


def _change_balance(
    connection: Connection, account_id: int, change: BalanceChange, unless_due_at: datetime | None
) -> Balance | None:
    values: dict[str, int | None] = {
        "account": account_id,
        "available": change.available,
        "pending": change.pending,
        "held": change.held,
        "debt": change.debt,
        "next": None if change.next_change_at is None else _micros(change.next_change_at),
    }
    guard = ""
    if unless_due_at is not None:
        guard = _STEP_GUARD
        values |= {"now": _micros(unless_due_at), "total": change.total}
    row = connection.exec_driver_sql(_STEP_BALANCE.format(guard=guard), values).one_or_none()
    if row is None:
        return None
    next_change_at = EPOCH + row[5] * MICROSECOND
    return Balance(row[0], row[1], row[2], row[3], row[4], next_change_at, bool(row[6]))


def _add_posting(connection: Connection, draft: PostingDraft, now: datetime) -> int:
    """One posting at a time: only so the driver tells the id of the row."""
    occurred_at = _micros(draft.header.occurred_at)
    values = (draft.public_id, *facts(draft)[:-1], occurred_at, _micros(now))
    return int(connection.exec_driver_sql(_STEP_POSTING, values).lastrowid)


def _entry_values(
    rows: PostingRows, ids: Sequence[int], balances: Mapping[int, Balance]
) -> list[tuple[int, int, int, int, int | None]]:
    return [
        (
            ids[number],
            line,
            account_id,
            amount,
            None if later is None else balances[account_id].total + later,
        )
        for number, line, account_id, amount, later in rows.entries
    ]


def _lot_values(
    rows: PostingRows, ids: Sequence[int]
) -> list[tuple[int, int, int, int, int, int, bool, int | None]]:
    return [
        (
            account_id,
            ids[number],
            _micros(lot.term.activates_at),
            _micros(lot.term.expires_at),
            lot.amount,
            lot.amount,
            lot.term.activates_at <= rows.now,
            lot.origin_id,
        )
        for number, account_id, lot in rows.lots
    ]


def _purchase_values(
    rows: PostingRows, ids: Sequence[int]
) -> list[tuple[int, int, int, int, str, int, str | None, bool]]:
    return [
        (
            ids[one.posting],
            one.programme_id,
            one.account_id,
            one.amount,
            one.currency,
            _micros(one.occurred_at),
            one.store,
            one.stands,
        )
        for one in rows.purchases
    ]


def _news_values(news: Sequence[tuple[str, Any]], now: datetime) -> list[tuple[str, str, int, int]]:
    at = _micros(now)
    return [(kind, json.dumps(payload), at, at) for kind, payload in news]


def _micros(moment: datetime) -> int:
    """Microseconds since 1970, as `Instant` keeps a moment on SQLite."""
    return (moment - EPOCH) // MICROSECOND
