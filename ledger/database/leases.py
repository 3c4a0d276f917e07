"""Queues of leased work: one row for each thing to be done, however often it was asked for.

A worker claims rows for a time, the lease, and then finishes them, defers them or lets them go. If
the worker is killed, any other worker may claim its rows once the lease has run out. `generation`
counts the requests that were merged into a row: a request that comes in while the work is on its
way raises it, so the row is not deleted with the work. `lease_until` also tells one lease from a
later one: a worker that comes back after its lease changes no row that another has claimed.

A queue is a table of `LeasedRow` columns and a `LeasedQueue`. Pushes to Apple and writes to Google
wait in two of them; docs/architecture.md says what another vendor needs besides."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    bindparam,
    column,
    func,
    literal,
    select,
    text,
)
from sqlalchemy import update as update_of
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.index_only import by_index
from ledger.database.tables import EPOCH, Instant, dialect_of, insert_or


class LeasedRow:
    """The columns of a queue besides its key, which consists of whole numbers, and `last_reason`.
    There are no foreign keys: filling the queue must never wait for another transaction. Due rows
    are found by an index on `due_at` alone, so that claiming a row changes no index.

    A worker has the row until `lease_until`; if that is past, no worker has it. `attempts` counts
    the tries since the last request."""

    due_at: Mapped[datetime] = mapped_column(Instant)
    lease_until: Mapped[datetime] = mapped_column(Instant)
    generation: Mapped[int]
    attempts: Mapped[int]
    last_reason: Mapped[str | None]


class Leased(Protocol):
    """A claimed row. It belongs to its worker until `lease_until`."""

    @property
    def generation(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def lease_until(self) -> datetime: ...


LeasedItem = TypeVar("LeasedItem", bound=Leased)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a claim reads from another table along with the row: these columns, or conditions on
    them, of the row whose `id` is the value of `key` in the queue. Columns are null if there is no
    such row."""

    table: str
    key: str
    columns: tuple[str, ...]


class LeasedQueue(Generic[LeasedItem]):
    """`item` builds a claimed row from its key, generation, attempts, what a claim reads from
    another table (`beside`), and the end of its lease.

    `newest_share`: if more rows are due than a claim takes, it takes some of the newest as well,
    one for each `newest_share` old ones. `unless`: an SQL condition on the row, called `waiting`,
    that is fulfilled if something of it is `{passed_over}`, among the names that a claim is given;
    such rows are not claimed then."""

    def __init__(
        self,
        table: Any,
        item: Callable[..., LeasedItem],
        *,
        beside: Beside | None = None,
        newest_share: int | None = None,
        unless: str = "",
    ) -> None:
        self._row = table
        self._item = item
        self._newest_share = newest_share
        self._keys: tuple[str, ...] = tuple(table.__table__.primary_key.columns.keys())
        self._compared_names = (*self._keys, "generation", "lease_until")
        self._longest_reason: int = table.__table__.c.last_reason.type.length
        self._statements = _Statements(table.__tablename__, self._keys, beside, unless)

    def make_due(self, session: Session, keys: Select[*tuple[Any, ...]], now: datetime) -> None:
        """The work of these keys is to be done. `keys` is a query for the columns of the key, in
        the order of locks. A row that still waits takes the request in. A row that a worker has
        claimed will be done once more after that."""
        names = [*self._keys, "due_at", "lease_until", "generation", "attempts"]
        values = (literal(now, Instant), literal(EPOCH, Instant), literal(1), literal(0))
        session.execute(
            insert_or(session, self._row)
            .from_select(names, keys.add_columns(*values))
            .on_conflict_do_update(index_elements=self._keys, set_=self._asked_again(now))
        )

    def make_due_again(self, session: Session, which: ColumnElement[bool], now: datetime) -> None:
        """The work of the rows that fulfil `which` is to be done (again). No row is added."""
        session.execute(update_of(self._row).where(which).values(self._asked_again(now)))

    def add(self, session: Session, key: Sequence[int], due_at: datetime) -> None:
        """Add a row for this key, due at `due_at`, which may lie in the future. If the key has a
        row already, that one stays as it is."""
        session.execute(
            insert_or(session, self._row)
            .values(
                **dict(zip(self._keys, key, strict=True)),
                due_at=due_at,
                lease_until=EPOCH,
                generation=1,
                attempts=0,
            )
            .on_conflict_do_nothing()
        )

    def claim(
        self,
        session: Session,
        now: datetime,
        limit: int,
        lease: timedelta,
        passed_over: Collection[str] = (),
    ) -> list[LeasedItem]:
        """Lease due rows to the caller for `lease`. Returns them in no particular order; rows that
        another worker has are passed over. It takes the `limit` rows that have waited longest, and
        some of the newest if the queue has a `newest_share`."""
        until = now + lease
        values: dict[str, object] = {"now": now, "until": until, "oldest": limit}
        if self._newest_share is not None:
            values["newest"] = limit // self._newest_share
        dialect = dialect_of(session)
        if passed_over:
            names = list(passed_over)
            values["passed_over"] = names if dialect == "postgresql" else json.dumps(names)
        statement = self._statements.claiming(
            dialect, with_newest=self._newest_share is not None, passes_over=bool(passed_over)
        )
        with by_index(session):
            rows = statement.tuples(session, **values)
        return [self._item(*row, until) for row in rows]

    def claim_one(
        self, session: Session, key: Sequence[int], now: datetime, lease: timedelta
    ) -> LeasedItem | None:
        """Lease the row of this key, whether it is due or not. None if another worker has it, or
        there is no such row."""
        until = now + lease
        row = session.execute(
            update_of(self._row)
            .where(self._has_key(key), self._row.lease_until <= now)
            .values(lease_until=until)
            .returning(self._row.generation, self._row.attempts)
        ).first()
        return None if row is None else self._item(*key, row.generation, row.attempts, until)

    def finish(self, session: Session, items: Sequence[LeasedItem]) -> bool:
        """The work of these rows is done, and they are deleted. A row into which a newer request
        was merged meanwhile stays due. True if there was such a row."""
        if not items or self.remove(session, items) == len(items):
            return False
        return self.let_go(session, items) > 0

    def remove(self, session: Session, items: Sequence[LeasedItem]) -> int:
        """Delete those of these rows into which no request was merged since they were claimed.
        Returns how many they were."""
        return self._change(session, "DELETE FROM", "", items, unchanged=True)

    def let_go(self, session: Session, items: Sequence[LeasedItem]) -> int:
        """Give back rows whose work was not done. Those that still belong to the caller are as due
        as before the claim. Returns how many they are."""
        self._lock(session, items)
        return self._change(session, "UPDATE", LET_GO, items)

    def defer(
        self, session: Session, item: LeasedItem, until: datetime, reason: str, attempts: int
    ) -> None:
        """The work is to be tried again, not before `until`. `attempts` is how often it has been
        tried now; `reason` is kept for operators, shortened to the column."""
        session.execute(
            update_of(self._row)
            .where(self._has_key(self._key_of(item)), self._row.lease_until == item.lease_until)
            .values(
                due_at=until,
                lease_until=EPOCH,
                attempts=attempts,
                last_reason=reason[: self._longest_reason],
            )
        )

    def number_due(self, session: Session, now: datetime, most: int) -> int:
        """How many rows are due, leased or not. Counting stops at `most`."""
        due = select(self._row.due_at).where(self._row.due_at <= now).limit(most).subquery()
        return session.scalars(select(func.count()).select_from(due)).one()

    def end_leases(self, session: Session) -> None:
        """End all leases: a backup was restored, and the workers that had claimed rows do not exist
        any more."""
        session.execute(update_of(self._row).values(lease_until=EPOCH))

    def _asked_again(self, now: datetime) -> dict[str, Any]:
        return {"generation": self._row.generation + 1, "due_at": now, "attempts": 0}

    def _has_key(self, key: Sequence[int]) -> ColumnElement[bool]:
        columns = self._row.__table__.primary_key.columns
        (first, *others) = (one == value for one, value in zip(columns, key, strict=True))
        condition: ColumnElement[bool] = first
        for other in others:
            condition &= other
        return condition

    def _key_of(self, item: LeasedItem) -> list[int]:
        return [getattr(item, name) for name in self._keys]

    def _change(
        self,
        session: Session,
        verb: str,
        assignment: str,
        items: Sequence[LeasedItem],
        *,
        unchanged: bool = False,
    ) -> int:
        """Change those of these rows that still belong to the caller; with `unchanged`, only those
        into which no request was merged. Returns how many they were."""
        if not items:
            return 0
        which = (verb, assignment, unchanged)
        if dialect_of(session) == "postgresql":
            changing = self._statements.changing_together(*which)
            ((changed,),) = changing.execute(session, **self._given(items))
            return cast(int, changed)
        names = self._compared_names
        rows = [dict(zip(names, row, strict=True)) for row in self._compared(items)]
        return session.connection().execute(self._statements.changing_one(*which), rows).rowcount

    def _lock(self, session: Session, items: Sequence[LeasedItem]) -> None:
        """Lock these rows before they are given back. PostgreSQL needs a statement of its own for
        it: one that waits for a row and changes it looks at rows as they were when it began, and
        misses the one that it waited for. Of a row to be deleted that is right: it was asked for
        meanwhile."""
        if items and dialect_of(session) == "postgresql":
            self._statements.locking.execute(session, **self._given(items))

    def _given(self, items: Sequence[LeasedItem]) -> dict[str, str]:
        """What tells these rows from others, as arrays."""
        columns = zip(*self._compared(items), strict=True)
        return {
            name: _array(column) for name, column in zip(self._compared_names, columns, strict=True)
        }

    def _compared(self, items: Sequence[LeasedItem]) -> list[tuple[Any, ...]]:
        """Key, generation and end of the lease of these rows, in the order of locks."""
        return sorted(map(attrgetter(*self._compared_names), items))


# Rows are chosen and locked in the order of the index, and found again by their physical place
# (ctid, rowid). So only one plan is possible, whatever PostgreSQL believes about their number.
_PLACES = {
    "postgresql": """
        ARRAY (SELECT ctid FROM {table} waiting
            WHERE due_at <= :now AND lease_until <= :now {unless}
            ORDER BY due_at {order} LIMIT :{limit} FOR UPDATE SKIP LOCKED)""",
    "sqlite": """
        SELECT * FROM (SELECT rowid FROM {table} waiting
            WHERE due_at <= :now AND lease_until <= :now {unless}
            ORDER BY due_at {order} LIMIT :{limit})""",
}
_BOTH = {"postgresql": " || ", "sqlite": " UNION "}
_CLAIM = {
    "postgresql": """
    WITH claimed AS (
        UPDATE {table} SET lease_until = :until WHERE ctid = ANY ({places})
        RETURNING {keys}, generation, attempts)
    SELECT claimed.*{beside} FROM claimed {join}""",
    "sqlite": """
    UPDATE {table} SET lease_until = :until WHERE rowid IN ({places})
    RETURNING {keys}, generation, attempts{beside}""",
}
# On PostgreSQL the rows are sent together, as arrays, and each is found by its key. The lock in the
# subquery leaves only this plan, and takes them in the order of their keys, as `make_due` does.
# SQLite is in this process: there it is one row after another.
_CHANGE_TOGETHER = """
    WITH changed AS (
        {verb} {table} {assignment} WHERE ctid = ANY (ARRAY (
            SELECT held.ctid FROM unnest({arrays}) AS given ({names})
            CROSS JOIN LATERAL (
                SELECT ctid FROM {table} waiting WHERE {ours} FOR UPDATE) held))
        RETURNING 1)
    SELECT count(*) FROM changed"""
_CHANGE_ONE = "{verb} {table} {assignment} WHERE {ours}"
_LOCK = """
    SELECT 1 FROM unnest({arrays}) AS given ({names})
    CROSS JOIN LATERAL (SELECT FROM {table} waiting WHERE {ours} FOR UPDATE) held"""
LET_GO = "SET lease_until = due_at"


# How a row is compared with names that a claim is given.
_AMONG = {
    "postgresql": "= ANY (CAST(:passed_over AS text[]))",
    "sqlite": "IN (SELECT value FROM json_each(:passed_over))",
}


class _Statements:
    """The SQL of one queue, put together once for each dialect."""

    def __init__(self, table: str, keys: Sequence[str], beside: Beside | None, unless: str) -> None:
        self._table = table
        self._keys = keys
        self._beside = beside
        self._unless = unless
        types = dict.fromkeys((*keys, "generation"), "bigint[]") | {"lease_until": "timestamptz[]"}
        self._names = ", ".join(types)
        self._arrays = ", ".join(f"CAST(:{name} AS {type_})" for name, type_ in types.items())
        ours = self._ours(keys)
        parts = {"table": table, "arrays": self._arrays, "names": self._names, "ours": ours}
        self.locking = Compiled(text(_LOCK.format(**parts)).columns(column("one")))
        self.claiming = cache(self._claiming)
        self.changing_together = cache(self._changing_together)
        self.changing_one = cache(self._changing_one)

    def _claiming(self, dialect: str, *, with_newest: bool, passes_over: bool) -> Compiled:
        orders = [("", "oldest"), ("DESC", "newest")] if with_newest else [("", "oldest")]
        unless = self._unless.format(passed_over=_AMONG[dialect])
        places = [
            _PLACES[dialect].format(
                table=self._table,
                unless=f"AND NOT {unless}" if passes_over else "",
                order=order,
                limit=limit,
            )
            for order, limit in orders
        ]
        read_along, join = self._beside_parts(dialect)
        statement = _CLAIM[dialect].format(
            table=self._table,
            places=_BOTH[dialect].join(places),
            keys=", ".join(self._keys),
            beside="".join(f", {one}" for one in read_along),
            join=join,
        )
        moments = bindparam("now", type_=Instant), bindparam("until", type_=Instant)
        count = len(self._keys) + 2 + len(read_along)
        read: list[ColumnElement[Any]] = [column(f"read_{number}") for number in range(count)]
        return Compiled(text(statement).bindparams(*moments).columns(*read))

    def _beside_parts(self, dialect: str) -> tuple[list[str], str]:
        """The columns that a claim reads from another table, and the join that brings them if one
        is needed."""
        if self._beside is None:
            return [], ""
        table, key, columns = self._beside.table, self._beside.key, self._beside.columns
        if dialect == "postgresql":
            join = f"LEFT JOIN {table} beside ON beside.id = claimed.{key}"
            return [f"beside.{one}" for one in columns], join
        form = "(SELECT {column} FROM {table} WHERE id = {key})"
        return [form.format(column=one, table=table, key=key) for one in columns], ""

    def _changing_together(self, verb: str, assignment: str, unchanged: bool) -> Compiled:  # noqa: FBT001
        statement = _CHANGE_TOGETHER.format(
            verb=verb,
            table=self._table,
            assignment=assignment,
            arrays=self._arrays,
            names=self._names,
            ours=self._ours(self._compared(unchanged)),
        )
        return Compiled(text(statement).columns(column("changed")))

    def _changing_one(self, verb: str, assignment: str, unchanged: bool) -> TextClause:  # noqa: FBT001
        compared = self._compared(unchanged)
        ours = " AND ".join(f"{name} = :{name}" for name in compared)
        statement = _CHANGE_ONE.format(
            verb=verb, table=self._table, assignment=assignment, ours=ours
        )
        return text(statement).bindparams(bindparam("lease_until", type_=Instant))

    def _compared(self, unchanged: bool) -> list[str]:  # noqa: FBT001
        return [*self._keys, "lease_until", *(["generation"] if unchanged else [])]

    @staticmethod
    def _ours(compared: Sequence[str]) -> str:
        return " AND ".join(f"waiting.{name} = given.{name}" for name in compared)


def _array(column: Sequence[int | datetime]) -> str:
    # The rows of one claim end at one moment, and to write a moment costs more than all the rest.
    written = {value: str(value) for value in set(column)}
    return "{" + ",".join([written[value] for value in column]) + "}"
