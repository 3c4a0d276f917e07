"""Tens of thousands of rows on PostgreSQL, and the plans by which it finds a few of them. What a
plan reads at ten thousand it reads at ten million."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import RawCursor
from sqlalchemy import event, text

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database

MANY = 20_000  # members, half of them of another programme; and as many of all else

# One in a hundred is rare. Every second row belongs to the other programme.
CROWD = """
INSERT INTO ledger_member
    (id, public_id, programme_id, created_at, household_id, merged_into_id, erased_at)
SELECT n, 'm-' || n, :here + (:there - :here) * (n % 2), now() - n * interval '1 minute',
       CASE WHEN n % 100 = 4 THEN n - 2 END, CASE WHEN n % 100 = 6 THEN n - 4 END,
       CASE WHEN n % 100 = 8 THEN now() END
FROM generate_series(1000, 999 + :many) n;
INSERT INTO ledger_person (member_id, programme_id, name, phone, email, external_id)
SELECT id, programme_id, 'Имя N' || id, '+7' || (9000000000 + id), id || '@example.com', 'c-' || id
FROM ledger_member WHERE id >= 1000;
INSERT INTO ledger_search_word (member_id, word, programme_id)
SELECT id, word, programme_id FROM ledger_member,
       LATERAL (VALUES ('имя'), ('n' || id), (right(id::text, 4)), ('@' || id)) AS of_each (word)
WHERE id >= 1000;
INSERT INTO ledger_card (id, number, member_id, programme_id, created_at, blocked_at, blocked_for,
                         void_at, expires_at)
SELECT id, lpad(id::text, 16, '4'), id, programme_id, created_at,
       CASE WHEN id % 100 IN (2, 10) THEN now() END,
       CASE WHEN id % 100 = 2 THEN 'replaced' WHEN id % 100 = 10 THEN 'blocked' END,
       CASE WHEN id % 100 = 4 THEN now() END, CASE WHEN id % 100 = 6 THEN created_at END
FROM ledger_member WHERE id >= 1000;
INSERT INTO ledger_account (id, programme_id, unit_id, kind, member_id)
SELECT m.id, m.programme_id, u.id, 'member', m.id
FROM ledger_member m JOIN ledger_unit u ON u.programme_id = m.programme_id AND u.main
WHERE m.id >= 1000;
INSERT INTO ledger_balance (account_id, available, pending, held, debt, next_change_at, closed)
SELECT id, 1, 0, 0, 0, '9999-12-31', false FROM ledger_account WHERE id >= 1000;
INSERT INTO ledger_posting (id, public_id, programme_id, kind, reason, receipt, store, promotion,
                            card_id, occurred_at, posted_at)
SELECT id, 'p-' || id, programme_id, CASE WHEN id % 100 = 2 THEN 'transfer' ELSE 'accrual' END,
       CASE WHEN id % 100 = 4 THEN 'Rare' ELSE 'Often' END, 'r-' || id,
       CASE WHEN id % 100 = 6 THEN 'rare' ELSE 'often' END,
       CASE WHEN id % 100 = 8 THEN 'rare' WHEN id % 2 = 0 THEN 'often' END, id,
       now() - id * interval '1 minute', now()
FROM ledger_account WHERE id >= 1000;
INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
SELECT id, line, CASE line WHEN 0 THEN id ELSE 1 END,
       CASE line WHEN 0 THEN 1 ELSE -1 END * CASE WHEN id % 1000 = 2 THEN 5000 ELSE 1 + id % 7 END,
       CASE line WHEN 0 THEN 1 END
FROM ledger_account, generate_series(0, 1) line WHERE id >= 1000;
INSERT INTO ledger_purchase (programme_id, posting_id, account_id, amount, currency, occurred_at,
                             stands)
SELECT programme_id, id, id, 100, 'RUB', now(), true FROM ledger_account WHERE id >= 1000;
INSERT INTO ledger_lot (id, account_id, posting_id, activates_at, expires_at, amount, remaining,
                        active)
SELECT id, id, id, now(), now() + interval '1 year', 1, 1, true
FROM ledger_account WHERE id >= 1000;
INSERT INTO ledger_hold (id, public_id, programme_id, account_id, amount, captured, state,
                         placed_at, expires_at)
SELECT id, 'h-' || id, programme_id, id, 1, 0,
       CASE WHEN id % 100 = 2 THEN 'open' ELSE 'captured' END, now(), now()
FROM ledger_account WHERE id >= 1000;
INSERT INTO wallet_change (id, at, author_kind, author_name, programme_id, code, of_kind, of_id,
                           fields)
SELECT id, now() - id * interval '1 minute', 'key', 'crm', programme_id, 'member.changed',
       CASE WHEN id % 100 = 2 THEN 'key' ELSE 'member' END, 'c-' || id, '{}'
FROM ledger_account WHERE id >= 1000;
ANALYZE
"""


def gather(database: Database, here: int, there: int) -> None:
    """A crowd, half of it in the programme `here`, half of it `there`."""
    with database.engine.connect() as connection:
        for statement in CROWD.split(";"):
            named = {"here": here, "there": there, "many": MANY}
            used = {name: value for name, value in named.items() if f":{name}" in statement}
            connection.execute(text(statement), used)
        connection.commit()


@contextmanager
def explained(database: Database) -> Iterator[list[str]]:
    """The plans of the statements of this block, in order."""
    plans: list[str] = []
    by_driver, all_by_driver = DriverConnection.execute, DriverConnection.execute_all

    def explain(cursor: Any, sql: str, values: Any) -> None:
        if sql.lstrip().startswith("SELECT"):
            with type(cursor)(cursor.connection) as beside:
                beside.execute(f"EXPLAIN {sql}", values)
                plans.append("\n".join(line for (line,) in beside.fetchall()))

    def execute(wire: DriverConnection, sql: str, values: Any = (), **how: Any) -> Any:
        found = by_driver(wire, sql, values, **how)
        explain(RawCursor(wire.connection.dbapi_connection), sql, values)
        return found

    def execute_all(wire: DriverConnection, asked: Any) -> Any:
        found = all_by_driver(wire, asked)
        for sql, values in asked:
            explain(RawCursor(wire.connection.dbapi_connection), sql, values)
        return found

    def on_statement(_c: object, cursor: Any, sql: str, values: Any, *_: object) -> None:
        explain(cursor, sql, values)

    DriverConnection.execute, DriverConnection.execute_all = execute, execute_all
    event.listen(database.engine, "before_cursor_execute", on_statement)
    try:
        yield plans
    finally:
        DriverConnection.execute, DriverConnection.execute_all = by_driver, all_by_driver
        event.remove(database.engine, "before_cursor_execute", on_statement)
