"""Lists of members, by name: whom somebody named one by one, in a file for example. A list does not
change once it is there; who is erased is taken off it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Select, String, UniqueConstraint, or_, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ledger.contacts import Unfit, not_empty, readable
from ledger.database.tables import Base, Identifier, Instant, batched, insert_or
from ledger.errors import ListExists, ListRefused, UnknownList
from ledger.people.members import Member
from ledger.programmes.programmes import Programme

LONGEST_NAME = 60  # characters
LONGEST_MAKER = 254  # characters


class MemberList(Base):
    """A list. `size`: how many members were on it when it was made; `left_out`: how many rows
    named nobody."""

    __tablename__ = "ledger_member_list"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    size: Mapped[int]
    left_out: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(LONGEST_MAKER))
    created_at: Mapped[datetime] = mapped_column(Instant)


class ListEntry(Base):
    """A member on a list."""

    __tablename__ = "ledger_member_list_entry"

    list_id: Mapped[int] = mapped_column(ForeignKey("ledger_member_list.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_member.id"), primary_key=True, index=True
    )


def make(
    session: Session,
    programme: Programme,
    name: str,
    member_ids: Sequence[int],
    left_out: int,
    by: str,
    now: datetime,
) -> MemberList:
    """Make a list of these members. `left_out`: how many rows named nobody. Raises `ListRefused`,
    and `ListExists` for a name that is taken."""
    name = _name(name)
    if not member_ids:
        raise ListRefused("none of the rows names a member of this programme.")
    made = session.scalar(
        insert_or(session, MemberList)
        .values(
            programme_id=programme.id,
            name=name,
            size=len(member_ids),
            left_out=left_out,
            made_by=by,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(MemberList.id)
    )
    if made is None:
        raise ListExists(name)
    for some in batched(list(member_ids)):
        rows = [{"list_id": made, "member_id": id_} for id_ in some]
        session.execute(insert_or(session, ListEntry).values(rows))
    return session.get_one(MemberList, made)


def find(session: Session, programme_id: int, name: str) -> MemberList | None:
    """The list of this name; None if there is none."""
    return session.scalar(_of_names(programme_id, [name]))


def named(session: Session, programme_id: int, name: str) -> MemberList:
    """The list of this name. Raises `UnknownList`."""
    return _there(find(session, programme_id, name), name)


def locked(session: Session, programme_id: int, name: str) -> MemberList:
    """The list of this name, locked until the transaction ends. Raises `UnknownList`."""
    query = _of_names(programme_id, [name]).with_for_update(key_share=True)
    return _there(session.scalar(query.execution_options(populate_existing=True)), name)


def hold(session: Session, programme_id: int, names: Collection[str]) -> None:
    """Keep the lists of these names, as far as they are there, from being deleted before the
    transaction ends."""
    if names:
        query = _of_names(programme_id, names).order_by(MemberList.id)
        session.scalars(query.with_for_update(read=True)).all()


def page(
    session: Session, programme_id: int, before_id: int | None, limit: int
) -> Sequence[MemberList]:
    """The lists of a programme, newest first; with `before_id`, those older than that one."""
    query = select(MemberList).where(MemberList.programme_id == programme_id)
    if before_id is not None:
        query = query.where(MemberList.id < before_id)
    return session.scalars(query.order_by(MemberList.id.desc()).limit(limit)).all()


def delete(session: Session, one: MemberList) -> None:
    """Delete a list, which the caller has locked. Whether somebody means it, the caller asks."""
    session.execute(sql_delete(ListEntry).where(ListEntry.list_id == one.id))
    session.delete(one)
    session.flush()


def has(programme_id: int, name: str) -> ColumnElement[bool]:
    """A condition on `Member`: they, or one who was merged into them, are on the list of this
    name. Nobody is on a list that is not there."""
    listed = aliased(Member)
    return (
        select(ListEntry.member_id)
        .join(MemberList, MemberList.id == ListEntry.list_id)
        .join(listed, listed.id == ListEntry.member_id)
        .where(
            MemberList.programme_id == programme_id,
            MemberList.name == name,
            or_(listed.id == Member.id, listed.merged_into_id == Member.id),
        )
        .correlate(Member)
        .exists()
    )


def _of_names(programme_id: int, names: Collection[str]) -> Select[MemberList]:
    return select(MemberList).where(
        MemberList.programme_id == programme_id, MemberList.name.in_(names)
    )


def _there(found: MemberList | None, name: str) -> MemberList:
    if found is None:
        raise UnknownList(name)
    return found


def _name(text: str) -> str:
    try:
        name = not_empty(readable(text))
    except Unfit:
        name = ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or "/" in name:
        raise ListRefused("a name is one line of up to 60 characters, without slashes.")
    return name
