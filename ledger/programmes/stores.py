"""Where a programme is at home: its stores, and the tills in them, by the codes that tills and
accounting systems name them by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, false, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.contacts import Unfit, readable
from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.errors import (
    ChangedMeanwhile,
    StoreNotNamed,
    StoreRefused,
    UnknownStore,
    UnknownTill,
)
from ledger.programmes import programmes

LONGEST_CODE = 40
LONGEST_NAME = 100
LONGEST_GROUP = 60


class Store(Base):
    """A place where a programme is at home. `code` never changes. `group` is a word of the shop's
    own, such as a city or a format. `timezone`: an IANA name, by whose clock its days go. What is
    `closed` stays with all that happened there. `revision` counts its changes."""

    __tablename__ = "ledger_store"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    group: Mapped[str | None] = mapped_column(String(LONGEST_GROUP))
    timezone: Mapped[str] = mapped_column(String(60))
    closed: Mapped[bool] = mapped_column(default=False, server_default=false())
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Till(Base):
    """A till of a store. Stores number their tills alike, so a code is one within its store. The
    rest as in `Store`."""

    __tablename__ = "ledger_till"
    __table_args__ = (UniqueConstraint("store_id", "code"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("ledger_store.id"))
    code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    closed: Mapped[bool] = mapped_column(default=False, server_default=false())
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


R = TypeVar("R", Store, Till)


@dataclass(frozen=True, slots=True)
class StoreTerms:
    """A store as it is wanted. Without a name it is called by its code, without a `timezone` its
    days go by the programme's."""

    code: str
    name: str = ""
    group: str | None = None
    timezone: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class TillTerms:
    """A till as it is wanted, in the store with the code `store`. Without a name it is called by
    its code."""

    code: str
    store: str
    name: str = ""
    closed: bool = False


def put_store(
    session: Session,
    programme_id: int,
    terms: StoreTerms,
    now: datetime,
    known: int | None = None,
) -> Store:
    """Make this store, or change it to be so; the same again changes nothing. `known`: the revision
    that the caller read, 0 for none. Raises `StoreRefused`, `ChangedMeanwhile`."""
    code = checked_code(terms.code)
    zone = terms.timezone or programmes.by_id(session, programme_id).timezone
    if not programmes.is_timezone(zone):
        raise StoreRefused("timezone", "'{zone}' is not one, such as Europe/Moscow.", zone=zone)
    wanted = {
        "name": _checked_name(terms.name, code),
        "group": _checked_group(terms.group),
        "timezone": zone,
        "closed": terms.closed,
    }
    made = _made(session, Store, {"programme_id": programme_id, "code": code}, wanted, known, now)
    if made is not None:
        return session.get_one(Store, made)
    query = select(Store).where(Store.programme_id == programme_id, Store.code == code)
    return _changed(session, query, wanted, known, now)


def put_till(
    session: Session,
    programme_id: int,
    terms: TillTerms,
    now: datetime,
    known: int | None = None,
) -> Till:
    """Make this till, or change it to be so; the same again changes nothing. `known`: as in
    `put_store`. Raises `StoreRefused`, `UnknownStore`, `ChangedMeanwhile`."""
    code = checked_code(terms.code)
    store = store_named(session, programme_id, terms.store)
    wanted = {"name": _checked_name(terms.name, code), "closed": terms.closed}
    key = {"programme_id": programme_id, "store_id": store.id, "code": code}
    made = _made(session, Till, key, wanted, known, now)
    if made is not None:
        return session.get_one(Till, made)
    query = select(Till).where(Till.store_id == store.id, Till.code == code)
    return _changed(session, query, wanted, known, now)


def _made(
    session: Session,
    table: type[Store | Till],
    key: Mapping[str, object],
    wanted: Mapping[str, object],
    known: int | None,
    now: datetime,
) -> int | None:
    """The id of a new row; None if it is there already. Raises `ChangedMeanwhile` for one that the
    caller has read, and that is not there."""
    if known is not None and known > 0:
        return None
    id_: int | None = session.execute(
        insert_or(session, table)
        .values(**key, **wanted, revision=1, created_at=now, changed_at=now)
        .on_conflict_do_nothing()
        .returning(table.id)
    ).scalar_one_or_none()
    return id_


def _changed(
    session: Session,
    query: Select[R],
    wanted: Mapping[str, object],
    known: int | None,
    now: datetime,
) -> R:
    """The row that this query finds, changed under its lock if it differs from what is wanted.
    Raises `ChangedMeanwhile`."""
    locked = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(locked)
    if row is None:
        raise ChangedMeanwhile(0)
    if known is not None and row.revision != known:
        raise ChangedMeanwhile(row.revision)
    if any(getattr(row, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(row, name, value)
        row.revision += 1
        row.changed_at = now
        session.flush()
    return row


def checked_code(code: str) -> str:
    """A code as it is kept. Raises `StoreRefused`."""
    try:
        found = readable(code)
    except Unfit:
        found = ""
    is_word = "/" not in found and found.strip(".") and found.isprintable()
    if not is_word or len(found) > LONGEST_CODE:
        raise StoreRefused(
            "code", "from 1 to {most} characters that can be printed, without /.", most=LONGEST_CODE
        )
    return found


def _checked_name(name: str, code: str) -> str:
    try:
        found = readable(name) or code
    except Unfit:
        raise StoreRefused("name", "must not contain control characters.") from None
    if len(found) > LONGEST_NAME:
        raise StoreRefused("name", "at most {most} characters.", most=LONGEST_NAME)
    return found


def _checked_group(group: str | None) -> str | None:
    try:
        found = readable(group or "") or None
    except Unfit:
        raise StoreRefused("group", "must not contain control characters.") from None
    if found is not None and len(found) > LONGEST_GROUP:
        raise StoreRefused("group", "at most {most} characters.", most=LONGEST_GROUP)
    return found


def store_named(session: Session, programme_id: int, code: str) -> Store:
    """The store with this code. Raises `UnknownStore`."""
    found = find_store(session, programme_id, code)
    if found is None:
        raise UnknownStore(code)
    return found


def find_store(session: Session, programme_id: int, code: str) -> Store | None:
    """The store with this code; None if there is none."""
    return session.scalar(
        select(Store).where(Store.programme_id == programme_id, Store.code == code)
    )


def find_till(session: Session, store_id: int, code: str) -> Till | None:
    """The till of this store with this code; None if there is none."""
    return session.scalar(select(Till).where(Till.store_id == store_id, Till.code == code))


def till_named(session: Session, programme_id: int, code: str, store: str | None = None) -> Till:
    """The till with this code, in the store with the code `store`; without that, in the only one
    that has such a till. Raises `UnknownTill`, `UnknownStore`, `StoreNotNamed`."""
    query = select(Till).where(Till.programme_id == programme_id, Till.code == code)
    if store is not None:
        query = query.where(Till.store_id == store_named(session, programme_id, store).id)
    found = session.scalars(query.order_by(Till.id).limit(2)).all()
    if not found:
        raise UnknownTill(code)
    if len(found) > 1:
        stores = session.scalars(
            select(Store.code)
            .join(Till, Till.store_id == Store.id)
            .where(Till.programme_id == programme_id, Till.code == code)
            .order_by(Store.code)
            .limit(20)
        )
        raise StoreNotNamed(code, list(stores))
    return found[0]


def store_of(session: Session, till: Till) -> Store:
    """The store that this till stands in."""
    return session.get_one(Store, till.store_id)


def listed(session: Session, programme_id: int, after_id: int, limit: int) -> Sequence[Store]:
    """Stores in the order in which they were made, from behind store `after_id`; the closed ones
    among them."""
    return session.scalars(
        select(Store)
        .where(Store.programme_id == programme_id, Store.id > after_id)
        .order_by(Store.id)
        .limit(limit)
    ).all()


def tills(
    session: Session,
    programme_id: int,
    after_id: int,
    limit: int,
    store_id: int | None = None,
) -> Sequence[tuple[Till, str]]:
    """Tills with the codes of their stores, of the programme or of one store, in the order in which
    they were made, from behind till `after_id`."""
    query = (
        select(Till, Store.code)
        .join(Store, Store.id == Till.store_id)
        .where(Till.programme_id == programme_id, Till.id > after_id)
        .order_by(Till.id)
        .limit(limit)
    )
    if store_id is not None:
        query = query.where(Till.store_id == store_id)
    return [(till, code) for till, code in session.execute(query)]


def numbers_of_tills(session: Session, store_ids: Sequence[int]) -> dict[int, int]:
    """How many tills that are not closed each of these stores has; those without one are left
    out."""
    rows = session.execute(
        select(Till.store_id, func.count().label("number"))
        .where(Till.store_id.in_(store_ids), ~Till.closed)
        .group_by(Till.store_id)
    )
    return {row.store_id: row.number for row in rows}
