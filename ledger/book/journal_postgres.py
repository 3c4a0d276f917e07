"""How the journal writes on PostgreSQL: in one statement, since each round trip to the server costs
as much as the work.

The statement moves the balances first, and everything else waits for them. Where the guard finds no
row, nothing is written; and the postings of an account are numbered in the order in which they
changed its balance."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ledger.book.accounts import Balance
from ledger.book.rows import PostingRows, facts
from ledger.database.compiled import DriverConnection
from ledger.limits import MOST_POINTS

_BALANCE_COLUMNS = (
    ("account_id", "bigint"),
    ("available", "bigint"),
    ("pending", "bigint"),
    ("held", "bigint"),
    ("debt", "bigint"),
    ("next_change_at", "timestamptz"),
)
_POSTING_COLUMNS = (
    ("id", "bigint"),
    ("public_id", "text"),
    ("programme_id", "bigint"),
    ("kind", "text"),
    ("reason", "text"),
    ("receipt", "text"),
    ("store", "text"),
    ("promotion", "text"),
    ("card_id", "bigint"),
    ("reverses_id", "bigint"),
    ("undoes", "bigint"),
    ("occurred_at", "timestamptz"),
)
_ENTRY_COLUMNS = (
    ("posting_id", "bigint"),
    ("line", "bigint"),
    ("account_id", "bigint"),
    ("amount", "bigint"),
    ("later", "bigint"),
)
_LOT_COLUMNS = (
    ("posting_id", "bigint"),
    ("account_id", "bigint"),
    ("activates_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("amount", "bigint"),
    ("origin_id", "bigint"),
)
_TAKE_COLUMNS = (("lot_id", "bigint"), ("amount", "bigint"), ("held", "bigint"))
_MOVE_COLUMNS = (
    ("posting_id", "bigint"),
    ("lot_id", "bigint"),
    ("amount", "bigint"),
    ("line", "bigint"),
)
_PURCHASE_COLUMNS = (
    ("posting_id", "bigint"),
    ("programme_id", "bigint"),
    ("account_id", "bigint"),
    ("amount", "bigint"),
    ("currency", "text"),
    ("occurred_at", "timestamptz"),
    ("store", "text"),
    ("stands", "boolean"),
)
_NEWS_COLUMNS = (("kind", "text"), ("payload", "jsonb"))

_BALANCES = """
b AS (
  UPDATE ledger_balance AS x
  SET available = x.available + d.available, pending = x.pending + d.pending,
      held = x.held + d.held, debt = x.debt + d.debt,
      next_change_at = least(x.next_change_at, d.next_change_at)
  FROM {balances} AS d
  WHERE x.account_id = d.account_id {guard}
  RETURNING x.account_id, x.available, x.pending, x.held, x.debt, x.next_change_at, x.closed
)"""
_NOTHING_DUE = f"""
  AND x.next_change_at > {{now}} AND x.debt = 0 AND NOT x.closed
  AND x.available + x.pending + x.held + d.available + d.pending + d.held <= {MOST_POINTS}"""
# xmin is the transaction that wrote the row last. If this UPDATE waits for the lock of another
# writer, PostgreSQL checks the condition again afterwards, on the new row.
_UNCHANGED = """
  AND x.xmin = {version}::xid"""
_POSTINGS = """
p AS (
  INSERT INTO ledger_posting (id, public_id, programme_id, kind, reason, receipt, store, promotion,
                              card_id, reverses_id, undoes, occurred_at, posted_at)
  SELECT coalesce(n.id, nextval('ledger_posting_id_seq')), n.public_id, n.programme_id, n.kind,
         n.reason, n.receipt, n.store, n.promotion, n.card_id, n.reverses_id, n.undoes,
         n.occurred_at, {now}
  FROM {postings} AS n WHERE EXISTS (SELECT FROM b)
  RETURNING id
),
e AS (
  INSERT INTO ledger_entry (posting_id, line, account_id, amount, balance_after)
  SELECT {posting_id}, n.line, n.account_id, n.amount, b.available + b.pending + b.held + n.later
  FROM {entries} AS n LEFT JOIN b ON b.account_id = n.account_id
  WHERE EXISTS (SELECT FROM p)
)"""
_LOTS = """
l AS (
  INSERT INTO ledger_lot (account_id, posting_id, activates_at, expires_at, amount, remaining,
                          held, active, origin_id)
  SELECT n.account_id, {posting_id}, n.activates_at, n.expires_at, n.amount, n.amount, 0,
         n.activates_at <= {now}, n.origin_id
  FROM {lots} AS n WHERE EXISTS (SELECT FROM p)
)"""
_TAKES = """
t AS (
  UPDATE ledger_lot AS x SET remaining = x.remaining - d.amount, held = x.held - d.held
  FROM {takes} AS d WHERE x.id = d.lot_id AND EXISTS (SELECT FROM p)
),
m AS (
  INSERT INTO ledger_lot_move (posting_id, lot_id, amount, line)
  SELECT {posting_id}, n.lot_id, n.amount, n.line FROM {moves} AS n WHERE EXISTS (SELECT FROM p)
)"""
_PURCHASES = """
u AS (
  INSERT INTO ledger_purchase (programme_id, posting_id, account_id, amount, currency, occurred_at,
                               store, stands)
  SELECT n.programme_id, {posting_id}, n.account_id, n.amount, n.currency, n.occurred_at, n.store,
         n.stands
  FROM {purchases} AS n WHERE EXISTS (SELECT FROM p)
)"""
_NEWS = """
o AS (
  INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
  SELECT n.kind, n.payload, {now}, {now}, 0 FROM {news} AS n WHERE EXISTS (SELECT FROM p)
)"""

_Columns = tuple[tuple[str, str], ...]
_PARTS: dict[str, _Columns] = {
    "balances": _BALANCE_COLUMNS,
    "postings": _POSTING_COLUMNS,
    "entries": _ENTRY_COLUMNS,
    "lots": _LOT_COLUMNS,
    "takes": _TAKE_COLUMNS,
    "moves": _MOVE_COLUMNS,
    "purchases": _PURCHASE_COLUMNS,
    "news": _NEWS_COLUMNS,
}

# What a statement has only if there are rows for it, by the part that says so.
_OPTIONAL = {"lots": _LOTS, "takes": _TAKES, "purchases": _PURCHASES, "news": _NEWS}


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold for the posting to be made. `nothing_due`: the account is open, nothing of it
    is due, it owes nothing and has room. `version`: the account is as `lots.look` read it. Without
    either, the posting is made in any case."""

    nothing_due: bool
    version: str | None

    @property
    def text(self) -> str:
        """The guard as SQL to be added to the condition on the balance row; empty if there is
        none."""
        if self.nothing_due:
            return _NOTHING_DUE
        return "" if self.version is None else _UNCHANGED


def write(
    connection: DriverConnection, rows: PostingRows, news: Sequence[tuple[str, Any]], guard: Guard
) -> dict[int, Balance]:
    """Write the rows and the `news` (kind and payload of each event). Returns the balances after
    them, by account; empty if the guard did not hold: then nothing was written."""
    ids: list[int | None] = [None]
    if len(rows.drafts) > 1:
        # The caller has locked the balances, so these ids are in the order of the changes.
        wanted = "SELECT nextval('ledger_posting_id_seq') FROM generate_series(1, $1)"
        found = connection.execute(wanted, [len(rows.drafts)], reads=True)
        ids = [posting_id for (posting_id,) in found]
    tables: dict[str, list[tuple[Any, ...]]] = {
        "balances": [
            (account_id, one.available, one.pending, one.held, one.debt, one.next_change_at)
            for account_id, one in rows.balance_changes.items()
        ],
        "postings": [
            (posting_id, draft.public_id, *facts(draft))
            for posting_id, draft in zip(ids, rows.drafts, strict=True)
        ],
        "entries": [(ids[number], *entry) for number, *entry in rows.entries],
        "lots": [
            (
                ids[number],
                account_id,
                lot.term.activates_at,
                lot.term.expires_at,
                lot.amount,
                lot.origin_id,
            )
            for number, account_id, lot in rows.lots
        ],
        "takes": [(lot_id, one.taken, one.held) for lot_id, one in rows.lot_changes.items()],
        "moves": [(ids[number], *move) for number, *move in rows.moves],
        "purchases": [(ids[number], *purchase) for number, *purchase in rows.purchases],
        "news": [(kind, json.dumps(payload)) for kind, payload in news],
    }
    if len(rows.drafts) == 1:
        statement = _one_posting(*(len(tables[part]) for part in _PARTS), guard=guard.text)
        values = _as_values(tables)
    else:
        statement = _many_postings(*(part for part in _PARTS if tables[part]))
        values = _as_arrays(tables)
    values.append(rows.now)
    if guard.version is not None:
        values.append(guard.version)
    changed = connection.execute(statement, values, reads=True)
    if not guard.text and len(changed) != len(rows.balance_changes):
        raise AssertionError("a posting to an account without a balance")
    return {row[0]: Balance(*row) for row in changed}


# One posting goes in as single values: there is one text of SQL for each combination of numbers of
# rows, and the server has prepared it after some uses.


@lru_cache(512)
def _one_posting(*counts: int, guard: str) -> str:
    sources, numbers = {}, itertools.count(1)
    for (part, columns), count in zip(_PARTS.items(), counts, strict=True):
        if count:
            lines = (
                ", ".join(f"${next(numbers)}::{kind}" for _, kind in columns) for _ in range(count)
            )
            names = ", ".join(name for name, _ in columns)
            values = ", ".join(f"({line})" for line in lines)
            sources[part] = f"(SELECT * FROM (VALUES {values}) AS v({names}))"  # noqa: S608
    return _assembled(sources, "(SELECT id FROM p)", guard, next(numbers))


def _as_values(tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> list[Any]:
    return [_plain(value) for part in _PARTS for row in tables[part] for value in row]


def _plain(value: Any) -> Any:
    """Integers are sent as text. The driver would give each the smallest type that holds it, and
    the server would prepare the statement anew for each combination of types."""
    return str(value) if isinstance(value, int) else value


# Many postings go in as arrays: one text of SQL does for any number of them.


@cache
def _many_postings(*parts: str) -> str:
    sources, numbers = {}, itertools.count(1)
    for part in parts:
        columns = _PARTS[part]
        arrays = ", ".join(f"${next(numbers)}::{kind}[]" for _, kind in columns)
        names = ", ".join(name for name, _ in columns)
        sources[part] = f"(SELECT * FROM unnest({arrays}) AS v({names}))"  # noqa: S608
    return _assembled(sources, "n.posting_id", "", next(numbers))


def _as_arrays(tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> list[Any]:
    return [
        _array(column, quoted=kind in ("text", "jsonb"))
        for part, columns in _PARTS.items()
        if tables[part]
        for (_, kind), column in zip(columns, zip(*tables[part], strict=True), strict=True)
    ]


def _array(column: Sequence[Any], *, quoted: bool) -> str:
    """An array in PostgreSQL's own notation. That is many times faster than letting the driver look
    at every element."""
    if quoted:
        words = ("NULL" if one is None else _QUOTED.format(_escaped(one)) for one in column)
    else:
        words = ("NULL" if one is None else str(one) for one in column)
    return "{" + ",".join(words) + "}"


_QUOTED = '"{}"'


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _assembled(sources: Mapping[str, str], posting_id: str, guard: str, number: int) -> str:
    """`number` is that of the parameter `now`; the guard's `version` is the next."""
    parts = [_BALANCES, _POSTINGS, *(text for part, text in _OPTIONAL.items() if part in sources)]
    moment, version = f"${number}", f"${number + 1}"
    condition = guard.format(now=moment, version=version)
    texts = [
        part.format(**sources, posting_id=posting_id, guard=condition, now=moment) for part in parts
    ]
    return "WITH" + ",".join(texts) + "SELECT * FROM b"  # noqa: S608 - texts of this module
