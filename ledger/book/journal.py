"""The journal: balanced, immutable postings, written down with all that belongs to them.

`write` takes postings whose every number is decided and puts them on record: posting, entries,
lots, what left which lot, balances, news. On PostgreSQL that is one statement, since each trip to
the server costs as much as the work; SQLite knows no INSERT within a WITH and does it step by step
in process. Nothing else writes these tables, and nothing changes or deletes a posting, an entry or
a move: the database refuses it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Connection, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger import outbox
from ledger.book.accounts import Balance
from ledger.book.lots import Parcel, Take, Term
from ledger.database import EPOCH, MICROSECOND, Base, Identifier, Instant
from ledger.events import Event, to_row
from ledger.points import MOST_POINTS
from ledger.prepared import Wire, wire

Kind = Literal[
    "accrual", "redemption", "expiry", "reversal", "transfer", "merge", "opening", "repayment"
]


class Posting(Base):
    __tablename__ = "ledger_posting"
    __table_args__ = (
        Index(
            "ix_ledger_posting_reverses",
            "reverses_id",
            postgresql_where=text("reverses_id IS NOT NULL"),
            sqlite_where=text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(300))
    receipt: Mapped[str | None] = mapped_column(String(100))
    store: Mapped[str | None] = mapped_column(String(100))
    promotion: Mapped[str | None] = mapped_column(String(100))
    card_id: Mapped[int | None]
    # A reversal says which posting it undoes, and how much of it.
    reverses_id: Mapped[int | None]
    undoes: Mapped[int | None]
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    posted_at: Mapped[datetime] = mapped_column(Instant)


class Entry(Base):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        # Statements. Partial: half of all entries are the programme's, in one key range.
        Index(
            "ix_ledger_entry_statement",
            "account_id",
            "posting_id",
            postgresql_where=text("balance_after IS NOT NULL"),
            sqlite_where=text("balance_after IS NOT NULL"),
        ),
    )

    # No foreign key: nobody but the journal writes here, nothing is ever deleted, and the check of
    # each row would cost as much as the row.
    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    amount: Mapped[int]
    # What the member then had in all; null on the programme's own accounts and on debts.
    balance_after: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a posting is for. `occurred_at` is business time and may lie in the past; `receipt`,
    `store` and `promotion` are the shop's own names for things, `card_id` is the card that was
    shown. A reversal says which posting it undoes, and how much of it."""

    programme_id: int
    kind: Kind
    occurred_at: datetime
    reason: str | None = None
    receipt: str | None = None
    store: str | None = None
    promotion: str | None = None
    card_id: int | None = None
    reverses_id: int | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What a posting does to a member account: points out of lots or back into them, and new
    lots."""

    account_id: int
    takes: Sequence[Take] = ()
    parcels: Sequence[Parcel] = ()

    @property
    def amount(self) -> int:
        return sum(one.amount for one in self.parcels) - sum(one.amount for one in self.takes)


@dataclass(frozen=True, slots=True)
class Owed:
    """The part of a posting that a member owes (negative), or pays back."""

    debt_id: int
    account_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class Own:
    """An account of the programme itself."""

    account_id: int
    amount: int


Leg = Move | Owed | Own


@dataclass(frozen=True, slots=True)
class Draft:
    """A posting to be written. Its legs sum to zero."""

    order: Order
    legs: Sequence[Leg]
    public_id: str = field(default_factory=lambda: str(uuid7()))


@dataclass(frozen=True, slots=True)
class Written:
    """The balances of all member accounts that were touched, after the last posting."""

    balances: Mapping[int, Balance]


@dataclass(slots=True)
class _Shift:
    """By how much a balance row moves."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    next_change_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.available + self.pending + self.held


def write(
    session: Session,
    drafts: Sequence[Draft],
    events: Iterable[Event],
    now: datetime,
    *,
    unless_due: bool = False,
    unless_changed: str | None = None,
) -> Written | None:
    """Put postings on record, in this order, with the news of them.

    The balances are locked by the caller, who knows that they suffice. With `unless_due` they need
    not be: the posting (one, to one member account) is made only if that account is open, nothing
    of it is due by now, it owes nothing and does not grow too large; otherwise nothing happens and
    the answer is None. The same holds for `unless_changed`, the version of the account that
    `lots.look` saw: the posting is made only if nobody has changed the account since."""
    rows = _Rows(now)
    for draft in drafts:
        rows.add(draft)
    rows.finish()
    news = [to_row(event) for event in events]
    if session.get_bind().dialect.name == "sqlite":
        balances = _step_by_step(session.connection(), rows, news, unless_due=unless_due)
    else:
        condition = _Condition(unless_due, unless_changed)
        balances = _at_once(wire(session), rows, news, condition)
    if not balances and (unless_due or unless_changed is not None):
        return None
    if news:
        outbox.announce(session)
    return Written(balances)


class _Rows:
    """The rows of postings, as they will stand in the tables."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.postings: list[Draft] = []
        # (posting, line, account, amount, what is still to come on the account after this one)
        self.entries: list[tuple[int, int, int, int, int | None]] = []
        self.lots: list[tuple[int, int, Parcel]] = []
        self.moves: list[tuple[int, int, int, int]] = []
        self.lot_shifts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.shifts: dict[int, _Shift] = defaultdict(_Shift)

    def add(self, draft: Draft) -> None:
        if not draft.legs or sum(leg.amount for leg in draft.legs) != 0:
            raise AssertionError("the legs of a posting sum to zero")
        number = len(self.postings)
        self.postings.append(draft)
        for leg in draft.legs:
            if isinstance(leg, Move):
                # Even if nothing moves: a posting is written where its balances are found.
                self.shifts.setdefault(leg.account_id, _Shift())
        for line, leg in enumerate(leg for leg in draft.legs if leg.amount):
            match leg:
                case Own():
                    self.entries.append((number, line, leg.account_id, leg.amount, None))
                case Owed():
                    self.entries.append((number, line, leg.debt_id, leg.amount, None))
                    self.shifts[leg.account_id].debt -= leg.amount
                case Move():
                    self.entries.append((number, line, leg.account_id, leg.amount, 0))
                    self._move(number, leg)

    def _move(self, number: int, leg: Move) -> None:
        shift = self.shifts[leg.account_id]
        moved: Counter[int] = Counter()
        for take in leg.takes:
            setattr(shift, take.purse, getattr(shift, take.purse) - take.amount)
            moved[take.lot_id] += take.amount
            self.lot_shifts[take.lot_id][0] += take.amount
            if take.purse == "held":
                self.lot_shifts[take.lot_id][1] += take.amount
        self.moves += [
            (number, lot_id, amount, line)
            for line, (lot_id, amount) in enumerate(moved.items())
            if amount
        ]
        for parcel in leg.parcels:
            active = parcel.term.activates_at <= self.now
            if active:
                shift.available += parcel.amount
            else:
                shift.pending += parcel.amount
            turns_at = parcel.term.expires_at if active else parcel.term.activates_at
            shift.next_change_at = min(shift.next_change_at or turns_at, turns_at)
            self.lots.append((number, leg.account_id, parcel))

    def finish(self) -> None:
        """Note for each entry what later ones of the same account add: the balance after it is the
        final one less that."""
        later: Counter[int] = Counter()
        for at in range(len(self.entries) - 1, -1, -1):
            number, line, account_id, amount, after = self.entries[at]
            if after is not None:
                self.entries[at] = number, line, account_id, amount, -later[account_id]
                later[account_id] += amount


# --- PostgreSQL: one statement ---------------------------------------------------------------

# Balances come first and the rest waits for them: where the guard finds no row, nothing is written,
# and an account's postings are numbered in the order in which they changed its balance.
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
  AND x.next_change_at > %(now)s AND x.debt = 0 AND NOT x.closed
  AND x.available + x.pending + x.held + d.available + d.pending + d.held <= {MOST_POINTS}"""
# The transaction that wrote the row last. A writer who waits here for another looks at it again.
_UNCHANGED = """
  AND x.xmin = %(version)s::xid"""
_POSTINGS = """
p AS (
  INSERT INTO ledger_posting (id, public_id, programme_id, kind, reason, receipt, store, promotion,
                              card_id, reverses_id, undoes, occurred_at, posted_at)
  SELECT coalesce(n.id, nextval('ledger_posting_id_seq')), n.public_id, n.programme_id, n.kind,
         n.reason, n.receipt, n.store, n.promotion, n.card_id, n.reverses_id, n.undoes,
         n.occurred_at, %(now)s
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
         n.activates_at <= %(now)s, n.origin_id
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
_NEWS = """
o AS (
  INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
  SELECT n.kind, n.payload, %(now)s, %(now)s, 0 FROM {news} AS n WHERE EXISTS (SELECT FROM p)
)"""

_Columns = tuple[tuple[str, str], ...]
_PARTS: dict[str, _Columns] = {
    "balances": _BALANCE_COLUMNS,
    "postings": _POSTING_COLUMNS,
    "entries": _ENTRY_COLUMNS,
    "lots": _LOT_COLUMNS,
    "takes": _TAKE_COLUMNS,
    "moves": _MOVE_COLUMNS,
    "news": _NEWS_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class _Condition:
    """What must hold for the posting to be made; without any, it always is."""

    nothing_due: bool
    version: str | None

    @property
    def text(self) -> str:
        if self.nothing_due:
            return _NOTHING_DUE
        return "" if self.version is None else _UNCHANGED


def _at_once(
    line: Wire,
    rows: _Rows,
    news: Sequence[tuple[str, Any]],
    condition: _Condition,
) -> dict[int, Balance]:
    ids: list[int | None] = [None]
    if len(rows.postings) > 1:
        # Here the balances are locked, so that these numbers are in the order of the changes.
        wanted = "SELECT nextval('ledger_posting_id_seq') FROM generate_series(1, %(count)s)"
        found = line.carry_out(wanted, {"count": len(rows.postings)}, reads=True)
        ids = [posting_id for (posting_id,) in found]
    tables: dict[str, list[tuple[Any, ...]]] = {
        "balances": [
            (account_id, one.available, one.pending, one.held, one.debt, one.next_change_at)
            for account_id, one in rows.shifts.items()
        ],
        "postings": [
            (posting_id, draft.public_id, *_facts(draft.order))
            for posting_id, draft in zip(ids, rows.postings, strict=True)
        ],
        "entries": [(ids[number], *entry) for number, *entry in rows.entries],
        "lots": [
            (ids[number], account_id, *_dates(one.term), one.amount, one.origin_id)
            for number, account_id, one in rows.lots
        ],
        "takes": [(lot_id, *amounts) for lot_id, amounts in rows.lot_shifts.items()],
        "moves": [(ids[number], *move) for number, *move in rows.moves],
        "news": [(kind, json.dumps(payload)) for kind, payload in news],
    }
    if len(rows.postings) == 1:
        statement = _one_posting(*(len(tables[part]) for part in _PARTS), guard=condition.text)
        values = _as_values(tables)
    else:
        statement = _many_postings(*(bool(tables[part]) for part in ("lots", "takes", "news")))
        values = _as_arrays(tables)
    values["now"] = rows.now
    values["version"] = condition.version
    changed = line.carry_out(statement, values, reads=True)
    if not condition.text and len(changed) != len(rows.shifts):
        raise AssertionError("a posting to an account without a balance")
    return {row[0]: Balance(*row) for row in changed}


def _dates(term: Term) -> tuple[datetime, datetime]:
    return term.activates_at, term.expires_at


def _facts(order: Order) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    return (
        order.programme_id,
        order.kind,
        order.reason,
        order.receipt,
        order.store,
        order.promotion,
        order.card_id,
        order.reverses_id,
        order.undoes,
        order.occurred_at,
    )


# One posting goes in as single values: a text for each number of rows, which the server has
# prepared after some uses.


@lru_cache(512)
def _one_posting(*counts: int, guard: str) -> str:
    sources = {}
    for (part, columns), count in zip(_PARTS.items(), counts, strict=True):
        lines = (
            ", ".join(f"%({part}_{row}_{name})s::{kind}" for name, kind in columns)
            for row in range(count)
        )
        names = ", ".join(name for name, _ in columns)
        values = ", ".join(f"({line})" for line in lines)
        sources[part] = f"(SELECT * FROM (VALUES {values}) AS v({names}))"  # noqa: S608
    counted = dict(zip(_PARTS, counts, strict=True))
    wanted = (bool(counted["lots"]), bool(counted["takes"]), bool(counted["news"]))
    return _assembled(sources, wanted, "(SELECT id FROM p)", guard)


def _as_values(tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> dict[str, Any]:
    return {
        f"{part}_{number}_{name}": _plain(value)
        for part, columns in _PARTS.items()
        for number, row in enumerate(tables[part])
        for (name, _), value in zip(columns, row, strict=True)
    }


def _plain(value: Any) -> Any:
    """Integers as text: the driver gives them the smallest type that holds them, and the server
    would prepare a statement anew for each combination of types."""
    return str(value) if isinstance(value, int) else value


# Many go in as arrays: one text for any number of them.


@cache
def _many_postings(*wanted: bool) -> str:
    sources = {}
    for part, columns in _PARTS.items():
        arrays = ", ".join(f"%({part}_{name})s::{kind}[]" for name, kind in columns)
        names = ", ".join(name for name, _ in columns)
        sources[part] = f"(SELECT * FROM unnest({arrays}) AS v({names}))"  # noqa: S608
    return _assembled(sources, wanted, "n.posting_id", "")


def _as_arrays(tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part, columns in _PARTS.items():
        lists = zip(*tables[part], strict=True) if tables[part] else ((),) * len(columns)
        for (name, kind), column in zip(columns, lists, strict=False):
            values[f"{part}_{name}"] = _array(column, quoted=kind in ("text", "jsonb"))
    return values


def _array(column: Sequence[Any], *, quoted: bool) -> str:
    """An array as PostgreSQL writes it: many times as fast as having the driver look at every
    element."""
    if quoted:
        words = ("NULL" if one is None else _QUOTED.format(_escaped(one)) for one in column)
    else:
        words = ("NULL" if one is None else str(one) for one in column)
    return "{" + ",".join(words) + "}"


_QUOTED = '"{}"'


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _assembled(
    sources: Mapping[str, str], wanted: Sequence[bool], posting_id: str, guard: str
) -> str:
    parts = [_BALANCES, _POSTINGS]
    parts += [
        part for part, is_wanted in zip((_LOTS, _TAKES, _NEWS), wanted, strict=True) if is_wanted
    ]
    texts = [part.format(**sources, posting_id=posting_id, guard=guard) for part in parts]
    return "WITH" + ",".join(texts) + "SELECT * FROM b"  # noqa: S608 - texts of this module


# --- SQLite: step by step, in process --------------------------------------------------------

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
_STEP_NEWS = """
INSERT INTO ledger_outbox (kind, payload, created_at, not_before, attempts)
VALUES (?, ?, ?, ?, 0)"""


def _step_by_step(
    connection: Connection, rows: _Rows, news: Sequence[tuple[str, Any]], *, unless_due: bool
) -> dict[int, Balance]:
    """The rows, table by table; no balances where one was not to be moved: then nothing is
    written."""
    balances = _shift_balances(connection, rows, unless_due=unless_due)
    if not balances and unless_due:
        return {}
    ids = [_add_posting(connection, draft, rows.now) for draft in rows.postings]
    takes = [(amount, held, lot_id) for lot_id, (amount, held) in rows.lot_shifts.items()]
    moves = [(ids[number], lot_id, amount, line) for number, lot_id, amount, line in rows.moves]
    for statement, values in (
        (_STEP_ENTRY, _entry_values(rows, ids, balances)),
        (_STEP_LOT, _lot_values(rows, ids)),
        (_STEP_TAKE, takes),
        (_STEP_MOVE, moves),
        (_STEP_NEWS, _news_values(news, rows.now)),
    ):
        if values:
            connection.exec_driver_sql(statement, values)
    return balances


def _shift_balances(connection: Connection, rows: _Rows, *, unless_due: bool) -> dict[int, Balance]:
    """Move the balances; what they are then. With `unless_due` there is one, and it may stay as it
    is: then there are none in the answer."""
    balances: dict[int, Balance] = {}
    for account_id, shift in rows.shifts.items():
        balance = _shift_balance(connection, account_id, shift, rows.now if unless_due else None)
        if balance is None:
            if unless_due:
                return {}
            raise AssertionError("a posting to an account without a balance")
        balances[account_id] = balance
    return balances


def _shift_balance(
    connection: Connection, account_id: int, shift: _Shift, unless_due_at: datetime | None
) -> Balance | None:
    values: dict[str, int | None] = {
        "account": account_id,
        "available": shift.available,
        "pending": shift.pending,
        "held": shift.held,
        "debt": shift.debt,
        "next": None if shift.next_change_at is None else _micros(shift.next_change_at),
    }
    guard = ""
    if unless_due_at is not None:
        guard = _STEP_GUARD
        values |= {"now": _micros(unless_due_at), "total": shift.total}
    row = connection.exec_driver_sql(_STEP_BALANCE.format(guard=guard), values).one_or_none()
    if row is None:
        return None
    next_change_at = EPOCH + row[5] * MICROSECOND
    return Balance(row[0], row[1], row[2], row[3], row[4], next_change_at, bool(row[6]))


def _add_posting(connection: Connection, draft: Draft, now: datetime) -> int:
    """One at a time: only so does the driver tell its id."""
    facts = _facts(draft.order)[:-1]
    values = (draft.public_id, *facts, _micros(draft.order.occurred_at), _micros(now))
    return int(connection.exec_driver_sql(_STEP_POSTING, values).lastrowid)


def _entry_values(
    rows: _Rows, ids: Sequence[int], balances: Mapping[int, Balance]
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
    rows: _Rows, ids: Sequence[int]
) -> list[tuple[int, int, int, int, int, int, bool, int | None]]:
    return [
        (
            account_id,
            ids[number],
            _micros(parcel.term.activates_at),
            _micros(parcel.term.expires_at),
            parcel.amount,
            parcel.amount,
            parcel.term.activates_at <= rows.now,
            parcel.origin_id,
        )
        for number, account_id, parcel in rows.lots
    ]


def _news_values(news: Sequence[tuple[str, Any]], now: datetime) -> list[tuple[str, str, int, int]]:
    at = _micros(now)
    return [(kind, json.dumps(payload), at, at) for kind, payload in news]


def _micros(moment: datetime) -> int:
    """As `Instant` keeps it on SQLite."""
    return (moment - EPOCH) // MICROSECOND
