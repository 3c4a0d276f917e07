"""What tables are declared and filled with: column types, the base of table classes, INSERTs that
know what to do on a conflict. The same on SQLite and PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from ledger.database.compiled import INSERTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_ROWS = 500

Identifier = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys
JsonDocument = JSON().with_variant(JSONB(), "postgresql")

T = TypeVar("T")
R = TypeVar("R", bound="Base")


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, integer microseconds on SQLite, where a
    text would sort well and lose its zone at the first careless hand."""

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

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return EPOCH + timedelta(microseconds=value)
        moment: datetime = value
        return moment.astimezone(UTC)


class Base(DeclarativeBase):
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


def dialect_of(session: Session) -> Literal["sqlite", "postgresql"]:
    """Which database the session is at, for the few who have to do it in two ways."""
    name: Literal["sqlite", "postgresql"] = session.get_bind().dialect.name  # type: ignore[assignment]
    return name


def batched(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that fit into one statement: neither database takes any number of parameters."""
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]


def insert_or(session: Session, table: Table | type[Base]) -> Any:
    """An INSERT for the database of this session that can say what to do on a conflict."""
    return INSERTS[dialect_of(session)](table)


def detached(kind: type[R], facts: Mapping[str, Any]) -> R:
    """A row as an object to read: no session looks after it. Made without the constructor, which
    costs more than the query."""
    made: R = kind.__mapper__.class_manager.new_instance()
    made.__dict__.update(facts)
    return made
