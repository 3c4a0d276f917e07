"""What tables are declared with: column types, the base of table classes, INSERTs that know what to
do on a conflict. Alike for SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Tuple,
    bindparam,
    literal,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

from ledger.database.compiled import INSERTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_ROWS = 500  # in one statement, see `batched`

Identifier = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys
JsonDocument = JSON().with_variant(JSONB(), "postgresql")
# A document that may be missing: None is null, and not a document that says null.
OptionalDocument = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

T = TypeVar("T")
R = TypeVar("R", bound="Base")


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, whole microseconds since 1970 on SQLite.
    SQLite could keep it as text, but then one careless comparison would lose its zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return (value - EPOCH) // MICROSECOND

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """None on PostgreSQL: connections of ours are in UTC, and the driver's moments with
        them."""
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class IdentifierList(TypeDecorator[list[int]]):
    """Any number of identifiers as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(BigInteger))

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return orjson.dumps(value).decode()


class TextList(TypeDecorator[list[str]]):
    """Any number of texts as one parameter, as `IdentifierList`."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(String))

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return orjson.dumps(value).decode()


class OneOf(ColumnElement[bool]):
    """The condition that a column is one of the identifiers in the parameter of this name; or of
    the texts, with the type `TextList`. The statement is the same for any number of them, so it can
    be `Compiled`."""

    inherit_cache = False
    type = Boolean()

    def __init__(
        self, column: Any, name: str, of: Callable[[], TypeDecorator[Any]] = IdentifierList
    ) -> None:
        self.column = coercions.expect(roles.ExpressionElementRole, column)
        self.ids = bindparam(name, type_=of())

    def self_group(self, against: Any = None) -> Any:
        """It is a condition as it stands: the `= 1` with which SQLAlchemy makes one of a column
        would keep SQLite from its indexes."""
        return self

    @property
    def _from_objects(self) -> Any:
        return self.column._from_objects


@compiles(OneOf)
def _one_of(condition: OneOf, compiler: SQLCompiler, **given: Any) -> str:
    column, ids = (compiler.process(one, **given) for one in (condition.column, condition.ids))
    if compiler.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - compiled parts
    return f"{column} = ANY ({ids})"


class Base(DeclarativeBase):
    """The base of all table classes. Every `int` column has 64 bits; names of indexes and
    constraints follow one pattern, so that migrations can name them."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {int: Identifier}  # 64 bits everywhere
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def only_where(condition: str) -> dict[str, Any]:
    """Of an index: it has only the rows that fulfil this condition, on either database."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


def placed(moment: datetime, id_: int) -> Tuple:
    """A place in a list that is ordered by moments, and by ids where they are alike."""
    return tuple_(literal(moment, Instant), literal(id_, Identifier))


def dialect_of(session: Session) -> Literal["sqlite", "postgresql"]:
    """Which database the session uses, for the few functions that need a way of their own for
    each."""
    name: Literal["sqlite", "postgresql"] = session.get_bind().dialect.name  # type: ignore[assignment]
    return name


def batched(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in parts of at most `MOST_ROWS`: both databases limit the parameters of one
    statement."""
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]


def insert_or(session: Session, table: Table | type[Base]) -> Any:
    """An INSERT in the dialect of this session, which can say what to do on a conflict."""
    return INSERTS[dialect_of(session)](table)


def detached(kind: type[R], facts: Mapping[str, Any]) -> R:
    """A row as an object that is only to be read: no session tracks it. It is built without the
    constructor, which would cost more than the query."""
    made: R = kind.__mapper__.class_manager.new_instance()
    made.__dict__.update(facts)
    return made
