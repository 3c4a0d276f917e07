"""Statements that are compiled once and executed by the driver itself.

At each execution SQLAlchemy builds keys for its caches, a context and a result, which costs more
than what the database does. A statement that every request needs is worth doing that only once.
Types, errors and lost connections are treated as everywhere else.

Parameters are numbered, as the databases have them: the driver of PostgreSQL has names of its own
for them, and would read all of a long statement at each execution to number them.

BEGIN has no answer, so it needs no round trip of its own to PostgreSQL: it waits beside the
connection and goes ahead of the first statement, whether SQLAlchemy or the driver executes that.
The same holds for settings of the transaction."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

import psycopg
from psycopg import RawCursor
from psycopg.pq import Format
from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

# An INSERT that can say `on_conflict_do_nothing` or `on_conflict_do_update`: the same words in both
# dialects, but a class of its own in each, hence the loose type.
INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

Values = Sequence[Any]
AnswerT = TypeVar("AnswerT")

# What carries out a statement with its values and returns the rows: `Database.fetch`, or a
# `Compiled` in the transaction of a session (`within`).
Fetching = Callable[..., list[Any]]

AHEAD = "ahead"
CONNECTION = "wire"


_NUMBERED: Dialect = cast(Any, PGDialect_psycopg)(paramstyle="numeric_dollar")


class Compiled:
    """One statement, compiled for each database when it is first used there. Rows are named tuples.

    `statement` may be a function that builds it from the INSERT of the database. `columns` are the
    columns that such an INSERT fills, if the statement does not name them itself."""

    def __init__(
        self,
        statement: Executable | Callable[[Any], Executable],
        columns: Sequence[str] | None = None,
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _DialectForm] = {}

    def execute(self, session: Session, **values: Any) -> list[Any]:
        """Execute it in the session's transaction. Objects that were added to the session are not
        flushed before. Raises `DBAPIError`."""
        return self.execute_on(driver_connection(session), **values)

    def tuples(self, session: Session, **values: Any) -> Sequence[Sequence[Any]]:
        """The same, with rows as they come: for who makes something else of thousands of them."""
        connection = driver_connection(session)
        form = self.form(connection.dialect)
        return form.read(connection.execute(form.sql, form.parameters(values), reads=form.reads))

    def execute_on(self, connection: "DriverConnection", **values: Any) -> list[Any]:
        """Execute it on this connection; outside a transaction the statement is a transaction by
        itself. Raises `DBAPIError`."""
        form = self.form(connection.dialect)
        rows = connection.execute(form.sql, form.parameters(values), reads=form.reads)
        return form.named(rows)

    def form(self, dialect: Dialect) -> "_DialectForm":
        """The statement as this database has it, compiled at the first use."""
        form = self._forms.get(dialect.name)
        if form is None:
            statement: Any = self._statement
            if not isinstance(statement, Executable):
                statement = statement(INSERTS[dialect.name])
            form = self._forms[dialect.name] = _DialectForm(statement, dialect, self._columns)
        return form


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """A statement that reads, with its values, and what its rows say. Several that need nothing of
    each other are asked together (`Database.answers`)."""

    statement: Compiled
    values: Mapping[str, Any]
    read: Callable[[list[Any]], AnswerT]

    def answer(self, fetch: Fetching) -> AnswerT:
        """What the rows say that `fetch` returns."""
        return self.read(fetch(self.statement, **self.values))


def ask_all(connection: "DriverConnection", questions: Sequence[Question[Any]]) -> list[Any]:
    """The answers to all of them, outside a transaction: each statement sees its own moment.
    PostgreSQL is asked in one round trip. Raises `DBAPIError`."""
    forms = [one.statement.form(connection.dialect) for one in questions]
    asked = [
        (form.sql, form.parameters(one.values)) for form, one in zip(forms, questions, strict=True)
    ]
    found = connection.execute_all(asked)
    return [
        one.read(form.named(rows)) for form, one, rows in zip(forms, questions, found, strict=True)
    ]


class _DialectForm:
    """A statement as text of one database, with the conversions of its parameters and columns."""

    def __init__(self, statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> None:
        numbered = dialect if dialect.name == "sqlite" else _NUMBERED
        compiled = statement.compile(dialect=numbered, column_keys=columns)
        self.sql = str(compiled)
        if "[POSTCOMPILE" in self.sql:
            raise ValueError("a list of any length cannot be compiled once: use OneOf")
        self._defaults = dict(compiled.params)
        self._order: Sequence[str] = compiled.positiontup
        self._binding = [
            (name, bind)
            for name in self._defaults
            if (bind := _impl(compiled.binds[name].type, dialect).bind_processor(dialect))
        ]
        columns_out = list(statement.exported_columns)
        # rename=True: a column may have no name, or the name of another column.
        names = [str(getattr(one, "name", "")) for one in columns_out]
        self.reads = bool(columns_out)
        self._row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        self._reading = [
            (place, read)
            for place, one in enumerate(columns_out)
            if (read := _impl(one.type, dialect).result_processor(dialect, None))
        ]

    def parameters(self, values: Mapping[str, Any]) -> Values:
        every = {**self._defaults, **values}
        for name, bind in self._binding:
            every[name] = bind(every[name])
        return [every[name] for name in self._order]

    def named(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [self._row._make(row) for row in self.read(rows)]

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        return [self._read(row) for row in rows] if self._reading else rows

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, read in self._reading:
            values[place] = read(values[place])
        return values


def _impl(type_: Any, dialect: Dialect) -> Any:
    return type_.dialect_impl(dialect)


class DriverConnection(NamedTuple):
    """The driver's connection, and the dialect of its SQL."""

    connection: PoolProxiedConnection
    dialect: Dialect

    def begin(self, sql: str) -> None:
        """Begin a transaction. On PostgreSQL the BEGIN is sent together with the first
        statement."""
        if self.dialect.name == "sqlite":  # in this process: there is no round trip to save
            self.execute(sql, reads=False)
        else:
            self.connection.info[AHEAD] = [sql]

    def ahead(self, sql: str) -> None:
        """Send this to PostgreSQL together with the statement that follows in the transaction, and
        not at all if none does. Nobody hears its answer."""
        self.connection.info.setdefault(AHEAD, []).append(sql)

    def send_ahead(self) -> None:
        """Send what still waits. To be called before other code uses the connection."""
        waiting = self.connection.info.pop(AHEAD, None)
        if waiting:
            *before, last = waiting
            self.connection.info[AHEAD] = before
            self.execute(last, reads=False)

    def drop_ahead(self) -> None:
        """Drop what still waits: the transaction ends without another statement."""
        self.connection.info.pop(AHEAD, None)

    def execute(self, sql: str, values: Values = (), *, reads: bool) -> Sequence[Sequence[Any]]:
        """Execute SQL in the database's own form, parameters being `?` on SQLite and `$1` on
        PostgreSQL; returns the rows if it `reads`. A connection that turns out to be lost does not
        go back to the pool. Raises `DBAPIError`."""
        errors = self.dialect.loaded_dbapi.Error
        ahead = self.connection.info.pop(AHEAD, None)
        cursor = self._cursor()
        try:
            if ahead:
                with self._pipeline():
                    for one in ahead:
                        self.connection.cursor().execute(one)
                    cursor.execute(sql, values)
            else:
                cursor.execute(sql, values)
            return cursor.fetchall() if reads else ()
        except errors as error:
            raise self._told(error, sql, cursor) from error
        finally:
            cursor.close()

    def execute_all(self, asked: Sequence[tuple[str, Values]]) -> list[Sequence[Sequence[Any]]]:
        """Execute statements that read, outside a transaction, and return the rows of each.
        PostgreSQL gets them together. Raises `DBAPIError`."""
        if self.dialect.name == "sqlite" or len(asked) == 1:
            return [self.execute(sql, values, reads=True) for sql, values in asked]
        errors = self.dialect.loaded_dbapi.Error
        cursors = [self._cursor() for _ in asked]
        try:
            with self._pipeline():
                for cursor, (sql, values) in zip(cursors, asked, strict=True):
                    cursor.execute(sql, values)
            return [cursor.fetchall() for cursor in cursors]
        except errors as error:
            raise self._told(error, asked[0][0], cursors[0]) from error
        finally:
            for cursor in cursors:
                cursor.close()

    def _told(self, error: Any, sql: str, cursor: Any) -> DBAPIError:
        """An error of the driver as SQLAlchemy tells it."""
        lost = self.dialect.is_disconnect(error, self.connection.dbapi_connection, cursor)
        if lost:
            self.connection.invalidate(error)
        # Values hold names and phone numbers, and errors are logged.
        told: DBAPIError = DBAPIError.instance(
            sql,
            None,
            error,
            self.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self.dialect,
        )
        return told

    def _cursor(self) -> Any:
        if self.dialect.name == "sqlite":
            return self.connection.cursor()
        cursor = RawCursor(cast(psycopg.Connection[Any], self.connection.dbapi_connection))
        cursor.format = Format.BINARY  # values as the server has them: neither side writes texts
        return cursor

    def _pipeline(self) -> AbstractContextManager[Any]:
        """Statements within it go to PostgreSQL together and come back together. If one of them
        fails, the later ones are not carried out."""
        driver: Any = self.connection
        return cast(AbstractContextManager[Any], driver.pipeline())


def within(session: Session) -> Fetching:
    """What carries out statements in the session's transaction."""

    def fetch(statement: Compiled, **values: Any) -> list[Any]:
        return statement.execute(session, **values)

    return fetch


def driver_connection(session: Session) -> DriverConnection:
    """The driver's connection that the session's transaction uses."""
    found: DriverConnection | None = session.info.get(CONNECTION)
    if found is None or not found.connection.is_valid:  # of a transaction that is over
        connection = session.connection()
        found = session.info[CONNECTION] = DriverConnection(
            connection.connection, connection.dialect
        )
    return found
