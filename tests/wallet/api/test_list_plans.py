"""How PostgreSQL finds the rows of a list among some ten thousand: by the index of the filter, and
without reading a whole table. What a plan reads at ten thousand it reads at ten million."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from psycopg import RawCursor
from sqlalchemy import event, text

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms

MANY = 20_000  # members, half of them of another programme; and as many of all else

# One in a hundred is rare. Every second row belongs to the other programme.
CROWD = """
INSERT INTO ledger_member
    (id, public_id, programme_id, created_at, household_id, merged_into_id, erased_at)
SELECT n, 'm-' || n, :here + (:there - :here) * (n % 2), now() - n * interval '1 minute',
       CASE WHEN n % 100 = 4 THEN n - 2 END, CASE WHEN n % 100 = 6 THEN n - 4 END,
       CASE WHEN n % 100 = 8 THEN now() END
FROM generate_series(1000, 999 + :many) n;
INSERT INTO ledger_person (member_id, programme_id, name)
SELECT id, programme_id, 'N' FROM ledger_member WHERE id >= 1000;
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

# What is asked, and by which index it is found.
QUESTIONS = {
    "members?programme=demo": "ix_ledger_member_listed",
    "members?programme=demo&since={long_ago}&until={later}": "ix_ledger_member_listed",
    "members?programme=demo&state=active": "ix_ledger_member_active",
    "members?programme=demo&state=merged": "ix_ledger_member_merged",
    "members?programme=demo&state=erased": "ix_ledger_member_erased",
    "members?programme=demo&household=m-1002": "ix_ledger_member_household_id",
    "cards?programme=demo": "ix_ledger_card_listed",
    "cards?programme=demo&state=active": "ix_ledger_card_listed",
    "cards?programme=demo&state=blocked": "ix_ledger_card_blocked",
    "cards?programme=demo&blocked_for=blocked": "ix_ledger_card_blocked_for",
    "cards?programme=demo&state=void": "ix_ledger_card_void",
    "cards?programme=demo&state=expired": "ix_ledger_card_ending",
    "members/m-1002/cards?": "ix_ledger_card_member",
    "members/m-1002/lots?": "ix_ledger_lot_open",
    "members/m-1002/postings?": "ix_ledger_entry_statement",
    "holds?programme=demo": "ix_ledger_hold_listed",
    "holds?programme=demo&state=open": "ix_ledger_hold_state",
    "holds?programme=demo&member=m-1002": "ix_ledger_hold_account",
    "postings?programme=demo": "ix_ledger_posting_listed",
    "postings?programme=demo&since={long_ago}&until={later}": "ix_ledger_posting_listed",
    "postings?programme=demo&kind=transfer": "ix_ledger_posting_kind",
    "postings?programme=demo&store=rare": "ix_ledger_posting_store",
    "postings?programme=demo&promotion=rare": "ix_ledger_posting_promotion",
    "postings?programme=demo&receipt=r-1002": "ix_ledger_posting_receipt",
    "postings?programme=demo&reason=Rare": "ix_ledger_posting_reason",
    "postings?programme=demo&card=4444444444441002": "ix_ledger_posting_card",
    "postings?programme=demo&at_least=4000": "ix_ledger_entry_amount",
    "exports?programme=demo": None,
    "changes?": "ix_wallet_change_listed",
    "changes?programme=demo": "ix_wallet_change_programme",
    "changes?since={long_ago}&until={later}": "ix_wallet_change_listed",
    "changes?kind=key": "ix_wallet_change_kind",
    "changes?of=c-1002": "ix_wallet_change_of",
}
LARGE = (
    *("member", "person", "card", "account", "balance"),
    *("posting", "purchase", "entry", "lot", "hold"),
)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def crowd(installation, house) -> None:
    with installation.database.transaction() as session:
        here = programmes.by_code(session, "demo").id
        there = programmes.create(session, Terms("other", "Other"), house.clock()).id
    with installation.database.engine.connect() as connection:
        for statement in CROWD.split(";"):
            named = {"here": here, "there": there, "many": MANY}
            used = {name: value for name, value in named.items() if f":{name}" in statement}
            connection.execute(text(statement), used)
        connection.commit()


@contextmanager
def explained(database: Database) -> Iterator[list[str]]:
    """The plans of the statements of this block, in order."""
    plans: list[str] = []
    by_driver = DriverConnection.execute

    def explain(cursor: Any, sql: str, values: Any) -> None:
        if sql.lstrip().startswith("SELECT"):
            with type(cursor)(cursor.connection) as beside:
                beside.execute(f"EXPLAIN {sql}", values)
                plans.append("\n".join(line for (line,) in beside.fetchall()))

    def execute(wire: DriverConnection, sql: str, values: Any = (), **how: Any) -> Any:
        found = by_driver(wire, sql, values, **how)
        explain(RawCursor(wire.connection.dbapi_connection), sql, values)
        return found

    def on_statement(_c: object, cursor: Any, sql: str, values: Any, *_: object) -> None:
        explain(cursor, sql, values)

    DriverConnection.execute = execute
    event.listen(database.engine, "before_cursor_execute", on_statement)
    try:
        yield plans
    finally:
        DriverConnection.execute = by_driver
        event.remove(database.engine, "before_cursor_execute", on_statement)


def test_every_filter_has_an_index(crowd: None, installation, api, house) -> None:
    moments = {
        "long_ago": (house.clock() - timedelta(days=10)).isoformat().replace("+00:00", "Z"),
        "later": (house.clock() - timedelta(days=9)).isoformat().replace("+00:00", "Z"),
    }
    wrong = []
    for question, index in QUESTIONS.items():
        with explained(installation.database) as plans:
            answer = api.get(f"{question.format(**moments)}&limit=5")
        assert answer.status_code == 200, answer.text
        told = "\n".join(plans)
        reads_all = [table for table in LARGE if f"Seq Scan on ledger_{table} " in told]
        reads_all += ["change"] * ("Seq Scan on wallet_change " in told)
        if reads_all or (index is not None and f" {index} " not in told):
            wrong.append(f"{question}: {reads_all}, {index}\n{told}")
        if index is not None:
            assert answer.get_json()["items"], question
        # Where a scan begins is said once: see `roster.page`.
        assert "created_at >= " not in told and "occurred_at < " not in told, told
    assert not wrong, "\n\n".join(wrong)


def test_a_later_page_is_found_as_the_first(crowd: None, installation, api) -> None:
    for question in ("members?programme=demo", "postings?programme=demo&store=often"):
        cursor = api.get(f"{question}&limit=200").get_json()["next_cursor"]
        with explained(installation.database) as plans:
            api.get(f"{question}&limit=200&cursor={cursor}")
        told = "\n".join(plans)
        assert "Index Cond: " in told and "ROW(" in told
        places = [line for line in told.splitlines() if "ROW(" in line]
        assert all("Index Cond" in line for line in places), told
