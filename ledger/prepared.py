"""Statements that are put together once and carried out by the driver itself.

What SQLAlchemy does at each execution costs more than what the database does: keys for its caches,
a context, a result. For a statement of every request it pays to do that once. Types, errors and
lost connections are as everywhere else."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

# An INSERT that can say `on_conflict_do_nothing` or `on_conflict_do_update`: the same words in both
# dialects, but a class of its own in each, hence the loose type.
INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

Values = Mapping[str, Any] | Sequence[Any]


class Prepared:
    """One statement, in the words of each database. Rows are named tuples.

    `statement` may be a function that makes it of the database's own INSERT. `columns` are those
    that such an INSERT fills, if it does not say so itself."""

    def __init__(
        self,
        statement: Executable | Callable[[Any], Executable],
        columns: Sequence[str] | None = None,
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def execute(self, session: Session, **values: Any) -> list[Any]:
        """In the session's transaction; what was added to the session is not flushed before."""
        connection = session.connection()
        return self.ask(connection.connection, connection.dialect, **values)

    def ask(self, connection: PoolProxiedConnection, dialect: Dialect, **values: Any) -> list[Any]:
        """Outside a transaction it is one by itself. Raises `DBAPIError`."""
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = self._form(dialect)
        given = form.given(values)
        return form.named(carry_out(connection, dialect, form.words, given, reads=form.reads))

    def _form(self, dialect: Dialect) -> "_Form":
        statement: Any = self._statement
        if not isinstance(statement, Executable):
            statement = statement(INSERTS[dialect.name])
        return _Form(statement, dialect, self._columns)


class _Form:
    """A statement as one database takes it."""

    def __init__(self, statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.words = str(compiled)
        self._given = dict(compiled.params)
        self._order: Sequence[str] | None = compiled.positiontup
        self._binding = [
            (name, bind)
            for name in self._given
            if (bind := _impl(compiled.binds[name].type, dialect).bind_processor(dialect))
        ]
        columns_out = list(statement.exported_columns)
        # Renamed: a column may have no name, or that of another one.
        names = [str(getattr(one, "name", "")) for one in columns_out]
        self.reads = bool(columns_out)
        self._row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        self._reading = [
            (place, read)
            for place, one in enumerate(columns_out)
            if (read := _impl(one.type, dialect).result_processor(dialect, None))
        ]

    def given(self, values: Mapping[str, Any]) -> Values:
        every = {**self._given, **values}
        for name, bind in self._binding:
            every[name] = bind(every[name])
        return every if self._order is None else [every[name] for name in self._order]

    def named(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        if not self._reading:
            return [self._row._make(row) for row in rows]
        return [self._row._make(self._read(row)) for row in rows]

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, read in self._reading:
            values[place] = read(values[place])
        return values


def _impl(type_: Any, dialect: Dialect) -> Any:
    return type_.dialect_impl(dialect)


def carry_out(
    connection: PoolProxiedConnection,
    dialect: Dialect,
    words: str,
    values: Values = (),
    *,
    reads: bool,
) -> Sequence[Sequence[Any]]:
    """The rows of a statement in the driver's own words, if it has any. A connection that turns out
    to be lost does not go back to the pool. Raises `DBAPIError`."""
    errors = dialect.loaded_dbapi.Error
    cursor = connection.cursor()
    try:
        cursor.execute(words, values)
        return cursor.fetchall() if reads else ()
    except errors as error:
        lost = dialect.is_disconnect(error, connection.dbapi_connection, cursor)
        if lost:
            connection.invalidate(error)
        # Values hold names and phone numbers, and errors are logged.
        raise DBAPIError.instance(
            words,
            None,
            error,
            errors,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        ) from error
    finally:
        cursor.close()
