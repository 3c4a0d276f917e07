"""Queues of leased work: one row for each thing to be done, however often it was asked for.

A worker claims rows for a time, the lease, and then finishes them, defers them or lets them go. The
rows of a worker that was killed are anybody's when its lease runs out. `generation` counts the
requests that were merged into a row, so that one that came while the work was on its way is not
forgotten with it. `lease_until` also tells one lease from a later one: who comes back too late
changes nothing that is another's.

A queue is a table of `LeasedRow` columns and a `LeasedQueue`. Pushes to Apple and writes to Google
wait in two of them; docs/architecture.md says what another vendor needs beside."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, TextClause, bindparam, func, literal, select, text
from sqlalchemy import update as update_of
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.index_only import by_index
from ledger.database.tables import EPOCH, Instant, dialect_of, insert_or


class LeasedRow:
    """The columns of a queue beside its key, which is of whole numbers, and `last_reason`. It has
    no foreign keys: filling the queue must never wait for anybody. Due rows are found by an index
    on `due_at` alone, so that claiming a row changes no index."""

    due_at: Mapped[datetime] = mapped_column(Instant)
    lease_until: Mapped[datetime] = mapped_column(Instant)
    generation: Mapped[int]
    attempts: Mapped[int]
    last_reason: Mapped[str | None]


class Leased(Protocol):
    """A claimed row: the worker's until `lease_until`."""

    @property
    def generation(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def lease_until(self) -> datetime: ...


LeasedItem = TypeVar("LeasedItem", bound=Leased)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a claim reads along from another table: the columns of the row whose `id` is the value
    of `key` in the queue. They are null where there is none."""

    table: str
    key: str
    columns: tuple[str, ...]


class LeasedQueue(Generic[LeasedItem]):
    """`item` makes a claimed row from its key, generation, attempts and the end of its lease, and
    what a claim reads along (`beside`).

    `newest_share`: where more rows are due than a claim takes, it takes one in so many of the
    newest along. `unless`: an SQL condition on a row, `waiting`, and on the names that a claim
    passes over, `:passed_over`; rows for which it holds are not claimed then."""

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
        self._longest_reason: int = table.__table__.c.last_reason.type.length
        self._statements = _Statements(table.__tablename__, self._keys, beside, unless)

    def make_due(self, session: Session, keys: Select[*tuple[Any, ...]], now: datetime) -> None:
        """The work of these keys is to be done: a question for the columns of the key, in the order
        of locks. A row that still waits takes the request in; one that is being worked at is
        followed by another turn."""
        names = [*self._keys, "due_at", "lease_until", "generation", "attempts"]
        values = (literal(now, Instant), literal(EPOCH, Instant), literal(1), literal(0))
        session.execute(
            insert_or(session, self._row)
            .from_select(names, keys.add_columns(*values))
            .on_conflict_do_update(index_elements=self._keys, set_=self._asked_again(now))
        )

    def make_due_again(self, session: Session, which: ColumnElement[bool], now: datetime) -> None:
        """The same for those rows alone that are there, waiting or being worked at."""
        session.execute(update_of(self._row).where(which).values(self._asked_again(now)))

    def add(self, session: Session, key: Sequence[int], due_at: datetime) -> None:
        """A row for this key, due at a moment to come, unless it has one."""
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
        """Due rows, leased to the caller, in no order; those of others are passed over. `limit` of
        those that have waited longest and, where more are due, some of the newest."""
        until = now + lease
        values: dict[str, object] = {"now": now, "until": until, "oldest": limit}
        if self._newest_share is not None:
            values["newest"] = limit // self._newest_share
        if passed_over:
            values["passed_over"] = list(passed_over)
        statement = self._statements.claiming(
            dialect_of(session),
            with_newest=self._newest_share is not None,
            passes_over=bool(passed_over),
        )
        with by_index(session):
            rows = session.execute(statement, values).all()
        own = len(self._keys) + 2
        return [self._item(*row[:own], until, *row[own:]) for row in rows]

    def claim_one(
        self, session: Session, key: Sequence[int], now: datetime, lease: timedelta
    ) -> LeasedItem | None:
        """The row of this key, whenever it is due; None if another has it, or there is none."""
        until = now + lease
        row = session.execute(
            update_of(self._row)
            .where(self._has_key(key), self._row.lease_until <= now)
            .values(lease_until=until)
            .returning(self._row.generation, self._row.attempts)
        ).first()
        return None if row is None else self._item(*key, row.generation, row.attempts, until)

    def finish(self, session: Session, items: Sequence[LeasedItem]) -> bool:
        """The work of these rows is done. One that a newer request was merged into meanwhile stays
        due: True if there was one."""
        if not items or self.remove(session, items) == len(items):
            return False
        return self.let_go(session, items) > 0

    def remove(self, session: Session, items: Sequence[LeasedItem]) -> int:
        """Delete those of these rows that no request was merged into; how many they were."""
        return self._change(session, "DELETE FROM", "", items, unchanged=True)

    def let_go(self, session: Session, items: Sequence[LeasedItem]) -> int:
        """Those of these rows that are still there, and ours, are as due as before they were
        claimed; how many that is."""
        return self._change(session, "UPDATE", "SET lease_until = due_at", items)

    def defer(
        self, session: Session, item: LeasedItem, until: datetime, reason: str, attempts: int
    ) -> None:
        """The work is to be tried again, not before `until`; it has been tried `attempts` times."""
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
        """How many rows are due, whether leased or not, counted as far as `most`."""
        due = select(self._row.due_at).where(self._row.due_at <= now).limit(most).subquery()
        return session.scalars(select(func.count()).select_from(due)).one()

    def end_leases(self, session: Session) -> None:
        """Whoever had claimed rows is no more: a backup was restored."""
        session.execute(update_of(self._row).values(lease_until=EPOCH))

    def _asked_again(self, now: datetime) -> dict[str, Any]:
        return {"generation": self._row.generation + 1, "due_at": now, "attempts": 0}

    def _has_key(self, key: Sequence[int]) -> ColumnElement[bool]:
        columns = self._row.__table__.primary_key.columns
        (first, *others) = (column == value for column, value in zip(columns, key, strict=True))
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
        """Change those of these rows that are ours, and `unchanged` since; how many they were."""
        connection = session.connection()
        dialect = connection.dialect.name
        statement = self._statements.changing(dialect, verb, assignment, unchanged=unchanged)
        rows = [(*self._key_of(item), item.generation, item.lease_until) for item in items]
        names = (*self._keys, "generation", "lease_until")
        given: Any
        if dialect == "postgresql":
            columns = zip(*rows, strict=True)
            given = {name: _array(column) for name, column in zip(names, columns, strict=True)}
        else:
            given = [dict(zip(names, row, strict=True)) for row in rows]
        return connection.execute(statement, given).rowcount


# Rows are chosen and locked in the order of the index, and reached again by the place where they
# lie: however many there are, and whatever PostgreSQL believes of that, no other plan is left.
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
# On PostgreSQL rows travel together, as arrays, and each is found by its key and locked, in their
# order: as for claims, no other plan is left. SQLite is in process, one by one is as good.
_CHANGE = {
    "postgresql": """
    {verb} {table} {assignment} WHERE ctid = ANY (ARRAY (
        SELECT held.ctid FROM unnest({arrays}) AS given ({names})
        CROSS JOIN LATERAL (
            SELECT ctid FROM {table} waiting WHERE {ours} FOR UPDATE) held))""",
    "sqlite": "{verb} {table} {assignment} WHERE {ours}",
}


class _Statements:
    """Those of one queue, put together once for each dialect."""

    def __init__(self, table: str, keys: Sequence[str], beside: Beside | None, unless: str) -> None:
        self._table = table
        self._keys = keys
        self._beside = beside
        self._unless = unless
        self.claiming = cache(self._claiming)
        self.changing = cache(self._changing)

    def _claiming(self, dialect: str, *, with_newest: bool, passes_over: bool) -> TextClause:
        orders = [("", "oldest"), ("DESC", "newest")] if with_newest else [("", "oldest")]
        places = [
            _PLACES[dialect].format(
                table=self._table,
                unless=f"AND NOT {self._unless}" if passes_over else "",
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
            beside="".join(f", {column}" for column in read_along),
            join=join,
        )
        return text(statement).bindparams(
            bindparam("now", type_=Instant),
            bindparam("until", type_=Instant),
            *([bindparam("passed_over", expanding=True)] if passes_over else []),
        )

    def _beside_parts(self, dialect: str) -> tuple[list[str], str]:
        """The columns that a claim reads along, and the join that brings them if it needs one."""
        if self._beside is None:
            return [], ""
        table, key, columns = self._beside.table, self._beside.key, self._beside.columns
        if dialect == "postgresql":
            join = f"LEFT JOIN {table} beside ON beside.id = claimed.{key}"
            return [f"beside.{column}" for column in columns], join
        one = "(SELECT {column} FROM {table} WHERE id = {key})"
        return [one.format(column=column, table=table, key=key) for column in columns], ""

    def _changing(self, dialect: str, verb: str, assignment: str, *, unchanged: bool) -> TextClause:
        names = (*self._keys, "generation", "lease_until")
        compared = [*self._keys, "lease_until", *(["generation"] if unchanged else [])]
        if dialect == "postgresql":
            types = {"lease_until": "timestamptz[]"}
            arrays = [f"CAST(:{name} AS {types.get(name, 'bigint[]')})" for name in names]
            ours = [f"waiting.{name} = given.{name}" for name in compared]
        else:
            arrays = []
            ours = [f"{name} = :{name}" for name in compared]
        statement = text(
            _CHANGE[dialect].format(
                verb=verb,
                table=self._table,
                assignment=assignment,
                arrays=", ".join(arrays),
                names=", ".join(names),
                ours=" AND ".join(ours),
            )
        )
        if dialect == "postgresql":
            return statement
        return statement.bindparams(bindparam("lease_until", type_=Instant))


def _array(column: Iterable[int | datetime]) -> str:
    return "{" + ",".join(map(str, column)) + "}"
