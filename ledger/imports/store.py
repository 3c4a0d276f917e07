"""Imports as rows: what is known of each, its file until it is read, the parts that wait, and what
became of every row."""

import dataclasses
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    delete,
    false,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.engine import wake_after_commit
from ledger.database.tables import Base, Identifier, Instant, JsonDocument
from ledger.errors import (
    FileRefused,
    ImportHasBadRows,
    ImportNotReady,
    ImportRepeated,
    UnknownImport,
)
from ledger.imports.files import Format
from ledger.imports.headers import RowProblem
from ledger.imports.meanings import DecimalSign

IMPORTS = "imports"
ROWS_IN_PART = 500  # applied in one transaction
LONGEST_KEY = 200  # characters of what a thing is named by
LONGEST_FIELD = 120  # characters: one for each property of goods
UNAPPLIED_FOR = timedelta(days=7)  # after that a file that was not applied is forgotten

READING, REFUSED, CHECKED = "reading", "refused", "checked"
APPLYING, DONE = "applying", "done"
UNAPPLIED = (READING, REFUSED, CHECKED)


class Import(Base):
    """One file for one purpose. `state` goes from reading to checked, applying and done, or from
    reading to refused. Counts of rows and points: those up to `points_good` are what the check
    found, those from `applied` on grow with every part. `digest` is the SHA-256 of the file,
    `rows_digest` that over the rows applied so far."""

    __tablename__ = "ledger_import"
    __table_args__ = (
        UniqueConstraint("programme_id", "kind", "digest", "turn"),
        Index(
            "ix_ledger_import_open",
            "state",
            "id",
            postgresql_where=text("state <> 'done'"),
            sqlite_where=text("state <> 'done'"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("ledger_unit.id"))
    kind: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    # Which time it is that this file comes, where it may come again.
    turn: Mapped[int] = mapped_column(default=1, server_default="1")
    size: Mapped[int]
    format: Mapped[Format] = mapped_column(String(4))
    reason: Mapped[str | None] = mapped_column(String(300))
    # The decimal sign that the importer named.
    decimal: Mapped[DecimalSign | None] = mapped_column(String(5))
    # How the file was understood: its encoding or its sheet, the decimal sign that it has.
    facts: Mapped[dict[str, Any]] = mapped_column(JsonDocument, default=dict, server_default="{}")
    # Why it is refused: problem, reason and facts of a `FileRefused`.
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)
    # While the file is read: until when it is somebody's, how often that was tried, and how many
    # rows there are.
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_in_file: Mapped[int | None]
    # The file's own names of the fields, and the columns that are not imported.
    titles: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    left_aside: Mapped[list[Any]] = mapped_column(JsonDocument)
    state: Mapped[str] = mapped_column(String(10))
    skip_bad: Mapped[bool] = mapped_column(default=False)
    # Whether what was in the last file and is not in this one is put aside; which file that was.
    archive_gone: Mapped[bool] = mapped_column(default=False, server_default=false())
    previous_id: Mapped[int | None]
    rows: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    new_members: Mapped[int] = mapped_column(default=0)
    found_members: Mapped[int] = mapped_column(default=0)
    points_in_file: Mapped[int] = mapped_column(default=0)
    points_good: Mapped[int] = mapped_column(default=0)
    # Phone numbers without a plus that were read as those of another country.
    foreign_numbers: Mapped[int] = mapped_column(default=0, server_default="0")
    new_things: Mapped[int] = mapped_column(default=0, server_default="0")
    changed_things: Mapped[int] = mapped_column(default=0, server_default="0")
    same_things: Mapped[int] = mapped_column(default=0, server_default="0")
    gone_things: Mapped[int] = mapped_column(default=0, server_default="0")
    applied: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    joined: Mapped[int] = mapped_column(default=0)
    postings: Mapped[int] = mapped_column(default=0)
    points_applied: Mapped[int] = mapped_column(default=0)
    points_posted: Mapped[int] = mapped_column(default=0)
    balances_moved: Mapped[int] = mapped_column(default=0)
    things_added: Mapped[int] = mapped_column(default=0, server_default="0")
    things_changed: Mapped[int] = mapped_column(default=0, server_default="0")
    things_archived: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_digest: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    # Exactly the text that was signed.
    statement: Mapped[str | None] = mapped_column(Text)
    signed_by: Mapped[str | None] = mapped_column(String(8))
    signature: Mapped[str | None] = mapped_column(String(128))


class ImportFilePart(Base):
    """A piece of a file that was not read yet. All of them go when it is read."""

    __tablename__ = "ledger_import_file"

    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ImportPart(Base):
    """Up to `ROWS_IN_PART` rows that wait to be applied, as compressed JSON. The commit that
    applies them deletes the part: from then on names and phone numbers stand only with the
    members."""

    __tablename__ = "ledger_import_part"

    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"), primary_key=True)
    first_row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """A row that was applied: to which member, by which posting (its public id; null if the row had
    no points), and how many points."""

    __tablename__ = "ledger_import_row"

    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int]
    posting_id: Mapped[str | None] = mapped_column(String(36))
    points: Mapped[int]


class ImportProblem(Base):
    """Why a row cannot be applied, or was not applied after all."""

    __tablename__ = "ledger_import_problem"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"), index=True)
    row: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    field: Mapped[str | None] = mapped_column(String(LONGEST_FIELD))
    facts: Mapped[dict[str, Any]] = mapped_column(JsonDocument)


class ImportedThing(Base):
    """A product, a price or a store that files name, by its code: which import had it last. So it
    is known what is gone from one file to the next. `key` is what the kind names it by."""

    __tablename__ = "ledger_import_thing"
    __table_args__ = (Index("ix_ledger_import_thing_import", "import_id", "key"),)

    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"))


class ErasedMark(Base):
    """A person was erased after a file was sent that is not read yet and may name them. The mark is
    a digest of what named the person; it is made for this import alone."""

    __tablename__ = "ledger_import_erased"

    import_id: Mapped[int] = mapped_column(ForeignKey("ledger_import.id"), primary_key=True)
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """How a file is to be read. `reason` is written on every posting whose row has none of its
    own. `decimal`: the decimal sign of its numbers; None if they say it themselves."""

    programme: str
    kind: str
    unit: str | None = None
    reason: str | None = None
    decimal: DecimalSign | None = None


@dataclass(slots=True)
class Tally:
    """What the check has counted so far: rows, members, and points in pieces of the unit; of goods
    and stores those that are new, would change, are so already, and were in the last file only."""

    rows: int = 0
    bad: int = 0
    new_members: int = 0
    found_members: int = 0
    points_in_file: int = 0
    points_good: int = 0
    foreign_numbers: int = 0
    new_things: int = 0
    changed_things: int = 0
    same_things: int = 0
    gone_things: int = 0


class RowSaid(Protocol):
    """What a row says, as its kind of import reads it."""

    def plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> Self:
        """What `plain` made."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file as it was read; `wish` is of the type that its kind has. `is_foreign`: its
    phone number had no plus and was read as one of another country."""

    number: int
    wish: Any
    problems: list[RowProblem] = dataclasses.field(default_factory=list)
    is_foreign: bool = False


def known(session: Session, programme_id: int, kind: str, digest: str) -> Import | None:
    """The newest import of a file with this SHA-256, for this kind and programme, in any state;
    None if there is none."""
    return session.scalar(
        select(Import)
        .where(Import.programme_id == programme_id, Import.kind == kind, Import.digest == digest)
        .order_by(Import.turn.desc())
        .limit(1)
    )


def last_applied(session: Session, programme_id: int, kind: str) -> int | None:
    """The id of the import of this kind that was finished last; None if there is none."""
    return session.scalar(
        select(Import.id)
        .where(Import.programme_id == programme_id, Import.kind == kind, Import.state == DONE)
        .order_by(Import.finished_at.desc(), Import.id.desc())
        .limit(1)
    )


def require_new(earlier: Import, *, comes_again: bool) -> None:
    """Raises `ImportRepeated` if the earlier import was applied and files of its kind do not come
    again, `ImportNotReady` if it is being applied."""
    if earlier.state == DONE and not comes_again:
        raise ImportRepeated(earlier.public_id)
    if earlier.state == APPLYING:
        raise ImportNotReady(APPLYING)


def refusal_of(import_: Import) -> FileRefused:
    """Why a file was refused."""
    facts = dict(import_.refusal or {})
    return FileRefused(facts.pop("problem"), facts.pop("reason"), **facts)


def withdraw(session: Session, import_id: int) -> Import:
    """Delete an import that is not wanted any more, with all that was kept of its file. Raises
    `UnknownImport`, and `ImportNotReady` if it is being applied, or was."""
    found = locked(session, import_id)
    if found is None:
        raise UnknownImport
    if found.state not in UNAPPLIED:
        raise ImportNotReady(found.state)
    forget(session, import_id)
    return found


def forget(session: Session, import_id: int) -> None:
    """Delete an import of which nothing was applied, with all that was kept of its file. The caller
    has locked it: nobody adds to it meanwhile."""
    delete_contents(session, import_id)
    session.execute(delete(Import).where(Import.id == import_id))


def delete_contents(session: Session, import_id: int) -> None:
    """Delete all that was kept of a file."""
    for table in (ImportProblem, ImportPart, ImportFilePart, ErasedMark):
        session.execute(delete(table).where(table.import_id == import_id))


def add_problems(session: Session, import_id: int, rows: Iterable[Row]) -> None:
    """Store the problems of these rows, one row of the table for each."""
    problems = [
        {
            "import_id": import_id,
            "row": row.number,
            "code": problem.code,
            "field": problem.field,
            "facts": dict(problem.facts),
        }
        for row in rows
        for problem in row.problems
    ]
    if problems:
        session.execute(insert(ImportProblem), problems)


def start(
    session: Session, import_id: int, now: datetime, *, skip_bad: bool, archive_gone: bool = False
) -> Import:
    """Have an import applied, without its bad rows if `skip_bad`; `archive_gone`: and with what was
    in the last file and is not in this one put aside. An import that is being applied or is done
    stays as it is. Raises `UnknownImport`, `ImportNotReady`, `ImportHasBadRows`."""
    found = locked(session, import_id)
    if found is None:
        raise UnknownImport
    if found.state == DONE:
        return found
    if found.state in (READING, REFUSED):
        raise ImportNotReady(found.state)
    if found.state == CHECKED:
        if found.bad and not skip_bad:
            raise ImportHasBadRows(found.bad, found.rows)
        found.state, found.skip_bad, found.started_at = APPLYING, skip_bad, now
        found.archive_gone = archive_gone
        found.previous_id = last_applied(session, found.programme_id, found.kind)
        found.left_out += found.bad  # to those who were erased since
    wake_after_commit(session, IMPORTS)
    return found


def locked(session: Session, import_id: int) -> Import | None:
    """The import, locked until the transaction ends and read anew; None if it was forgotten."""
    return session.scalar(
        select(Import)
        .where(Import.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def next_to_apply(session: Session, import_id: int | None) -> Import | None:
    """The import to be applied next, locked: the given one if it is still being applied, or else
    the oldest that no other worker has locked. None if there is none."""
    query = select(Import).where(Import.state == APPLYING).order_by(Import.id).limit(1)
    if import_id is not None:
        query = query.where(Import.id == import_id).with_for_update()
    else:
        query = query.with_for_update(skip_locked=True)
    return session.scalar(query.execution_options(populate_existing=True))


def take_part(session: Session, import_id: int, content: type[RowSaid]) -> list[Row]:
    """The rows of the next part, which is deleted by this transaction. Empty if no part is left."""
    part = session.scalar(
        select(ImportPart)
        .where(ImportPart.import_id == import_id)
        .order_by(ImportPart.first_row)
        .limit(1)
    )
    if part is None:
        return []
    session.delete(part)
    return unpacked(part.body, content)


def first_rows(session: Session, import_id: int, most: int, content: type[RowSaid]) -> list[Row]:
    """The first rows that wait to be applied."""
    part = session.scalar(
        select(ImportPart.body)
        .where(ImportPart.import_id == import_id)
        .order_by(ImportPart.first_row)
        .limit(1)
    )
    return [] if part is None else unpacked(part, content)[:most]


def find(session: Session, public_id: str) -> Import:
    """The import with this public id. Raises `UnknownImport`."""
    found = session.scalar(select(Import).where(Import.public_id == public_id))
    if found is None:
        raise UnknownImport
    return found


def listed(
    session: Session,
    programme_id: int | None = None,
    before_id: int | None = None,
    limit: int | None = None,
) -> Sequence[Import]:
    """Imports of one programme, or of all, newest first, from before import `before_id`."""
    query = select(Import).order_by(Import.id.desc()).limit(limit)
    if programme_id is not None:
        query = query.where(Import.programme_id == programme_id)
    if before_id is not None:
        query = query.where(Import.id < before_id)
    return session.scalars(query).all()


def problems(
    session: Session, import_id: int, after_id: int, limit: int
) -> Sequence[ImportProblem]:
    """Problems of an import in the order in which they were found: first by the check, then when
    rows were applied."""
    return session.scalars(
        select(ImportProblem)
        .where(ImportProblem.import_id == import_id, ImportProblem.id > after_id)
        .order_by(ImportProblem.id)
        .limit(limit)
    ).all()


def wrong_rows(session: Session, import_id: int) -> Iterator[tuple[int, list[ImportProblem]]]:
    """The rows that were left out, in the order of the file, each with all its problems."""
    found = session.scalars(
        select(ImportProblem)
        .where(ImportProblem.import_id == import_id)
        .order_by(ImportProblem.row, ImportProblem.id)
        .execution_options(yield_per=ROWS_IN_PART)
    )
    for row, theirs in itertools.groupby(found, key=lambda one: one.row):
        yield row, list(theirs)


def forget_stale(session: Session, now: datetime) -> int:
    """Forget imports that were not applied for `UNAPPLIED_FOR`, since their files hold personal
    data. Returns how many they were."""
    stale = session.scalars(
        select(Import.id)
        .where(Import.state.in_(UNAPPLIED), Import.created_at < now - UNAPPLIED_FOR)
        .with_for_update(skip_locked=True)
    ).all()
    for import_id in stale:
        forget(session, import_id)
    return len(stale)


def packed(rows: Sequence[Row]) -> bytes:
    """Rows as the body of a part."""
    plain = [[row.number, row.wish.plain()] for row in rows]
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 1)


def unpacked(body: bytes, content: type[RowSaid]) -> list[Row]:
    """The rows in the body of a part, each with what it says as `content`."""
    return [
        Row(number, content.of_plain(values))
        for number, values in json.loads(zlib.decompress(body))
    ]
