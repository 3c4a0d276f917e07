"""Segments with names: a tree that was saved to be used again, in lists, messages and offers. Who
uses one by its name means whatever it says when the use begins, and keeps that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Select,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from ledger.contacts import Unfit, not_empty, readable
from ledger.database.compiled import Compiled, Question
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, insert_or
from ledger.errors import SegmentChanged, SegmentRefused, UnknownSegment
from ledger.programmes.programmes import Programme
from ledger.segments import documents, lists
from ledger.segments.registry import KINDS, Segment, TreeOr

LONGEST_NAME = 60  # characters
LONGEST_MAKER = 254  # characters
MOST_SEGMENTS = 200  # of one programme: they stand as tabs and in menus


class SavedSegment(Base):
    """A named tree. `revision` counts what it meant, from 1; `made_by` is who saved it last."""

    __tablename__ = "ledger_segment"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    tree: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    revision: Mapped[int] = mapped_column(default=1)
    made_by: Mapped[str] = mapped_column(String(LONGEST_MAKER))
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def meaning(self) -> Segment:
        """The tree, read."""
        return documents.read(self.tree)


class NamedSegment(BaseModel):
    """The members whom a saved segment means when what is for them begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["segment"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]


TreeOrNamed = Annotated[Segment | NamedSegment, TreeOr(KINDS, NamedSegment)]


def stored(whom: Segment | NamedSegment) -> dict[str, Any]:
    """What means members, as a document."""
    return whom.model_dump() if isinstance(whom, NamedSegment) else documents.stored(whom)


def require_shallow(whom: Segment | NamedSegment) -> None:
    """What `documents.require_shallow` is for trees."""
    if not isinstance(whom, NamedSegment):
        documents.require_shallow(whom)


def hold(session: Session, programme_id: int, document: dict[str, Any]) -> None:
    """Keep the segment that a document names, or else the lists that it means, from being deleted
    before the transaction ends. Raises `UnknownSegment`."""
    if document["kind"] != "segment":
        lists.hold(session, programme_id, documents.lists_of(documents.read(document)))
        return
    query = _named(programme_id, document["name"]).with_for_update(read=True)
    if session.scalar(query) is None:
        raise UnknownSegment(document["name"])


def meaning(session: Session, programme_id: int, document: dict[str, Any]) -> Segment:
    """The tree that a document is, or names, as it is now. Raises `UnknownSegment`."""
    if document["kind"] != "segment":
        return documents.read(document)
    return named(session, programme_id, document["name"]).meaning


def means(document: InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """A condition: this column's document names this segment."""
    return and_(document["kind"].as_string() == "segment", document["name"].as_string() == name)


def names(programme_id: int) -> Question[list[str]]:
    """The names of all segments of a programme, in their order."""
    return Question(_NAMES, {"programme": programme_id}, lambda rows: [row.name for row in rows])


def page(session: Session, programme_id: int, after_id: int, limit: int) -> Sequence[SavedSegment]:
    """The next segments of a programme behind this id, oldest first."""
    return session.scalars(
        select(SavedSegment)
        .where(SavedSegment.programme_id == programme_id, SavedSegment.id > after_id)
        .order_by(SavedSegment.id)
        .limit(limit)
    ).all()


def find(session: Session, programme_id: int, name: str) -> SavedSegment | None:
    """The segment of this name; None if there is none."""
    return session.scalar(_named(programme_id, name))


def named(session: Session, programme_id: int, name: str) -> SavedSegment:
    """The segment of this name. Raises `UnknownSegment`."""
    found = find(session, programme_id, name)
    if found is None:
        raise UnknownSegment(name)
    return found


def locked(session: Session, programme_id: int, name: str) -> SavedSegment | None:
    """The segment of this name as it is now, locked until the transaction ends; None if there is
    none."""
    query = _named(programme_id, name).with_for_update(key_share=True)
    return session.scalar(query.execution_options(populate_existing=True))


def save(
    session: Session,
    programme: Programme,
    name: str,
    tree: Segment,
    by: str,
    now: datetime,
    *,
    revision: int | None = None,
) -> SavedSegment:
    """Save what a name means from now on. With a `revision`, only if that is the one there is now
    (0: none is there); saved again with the same tree, nothing changes. Raises `SegmentRefused`,
    `SegmentChanged`."""
    name = _name(name)
    lists.hold(session, programme.id, documents.lists_of(tree))
    document = documents.stored(tree)
    found = locked(session, programme.id, name)
    if found is None and revision in (None, 0):
        if _number(session, programme.id) >= MOST_SEGMENTS:
            raise SegmentRefused("a programme has at most {most} segments.", most=MOST_SEGMENTS)
        session.execute(
            insert_or(session, SavedSegment)
            .values(
                programme_id=programme.id,
                name=name,
                tree=document,
                revision=1,
                made_by=by,
                created_at=now,
                changed_at=now,
            )
            .on_conflict_do_nothing()
        )
        found = locked(session, programme.id, name)  # two may save one name at once
    if found is None:
        raise SegmentChanged(name)
    if found.tree == document:
        return found
    if revision not in (None, found.revision):
        raise SegmentChanged(name, found.made_by)
    found.tree, found.made_by, found.changed_at = document, by, now
    found.revision += 1
    session.flush()
    return found


def delete(session: Session, segment: SavedSegment) -> None:
    """Delete a segment, which the caller has locked. Whether somebody uses it, the caller asks."""
    session.delete(segment)
    session.flush()


_NAMES = Compiled(
    select(SavedSegment.name)
    .where(SavedSegment.programme_id == bindparam("programme"))
    .order_by(SavedSegment.name)
)


def _named(programme_id: int, name: str) -> Select[SavedSegment]:
    return select(SavedSegment).where(
        SavedSegment.programme_id == programme_id, SavedSegment.name == name
    )


def _number(session: Session, programme_id: int) -> int:
    query = select(func.count()).where(SavedSegment.programme_id == programme_id)
    return session.scalars(query).one()


def _name(text: str) -> str:
    try:
        name = not_empty(readable(text))
    except Unfit:
        name = ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or "/" in name:
        raise SegmentRefused("a name is one line of up to 60 characters, without slashes.")
    return name
