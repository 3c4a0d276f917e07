"""A person who is erased is taken out of the imports that wait, or they would come back with them.

A file that was read lies in parts: their row is taken out of them. A file that is not read yet
cannot be looked into; until it is, digests of what named the person are kept beside it, and their
row is recognised when it is read."""

import hashlib
import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.database.tables import insert_or
from ledger.imports import store
from ledger.imports.columns import IDENTIFIERS, PEOPLE_KINDS, RowContent
from ledger.imports.headers import RowProblem
from ledger.imports.store import APPLYING, CHECKED, READING, ErasedMark, Import, ImportPart, Row

PERSON_ERASED = RowProblem("person_erased")

# What named a person, by the kind of identifier: values as rows have them.
Names = Mapping[str, Collection[str]]


def lock_waiting(session: Session, programme_id: int) -> Sequence[Import]:
    """The imports of a programme that name people and wait or are at work, locked until the
    transaction ends. An import at work locks members, so whoever needs both takes this lock
    first."""
    return session.scalars(
        select(Import)
        .where(
            Import.programme_id == programme_id,
            Import.kind.in_(PEOPLE_KINDS),
            Import.state.in_((READING, CHECKED, APPLYING)),
        )
        .order_by(Import.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def take_out(session: Session, waiting: Sequence[Import], names: Names) -> None:
    """Take the person whom these identifiers named out of all these imports, which the caller has
    locked. Their rows count as left out."""
    sought = {name: set(values) for name, values in names.items() if values}
    if not sought:
        return
    for import_ in waiting:
        if import_.state == READING:
            marks = {
                _mark(import_, name, value) for name, values in sought.items() for value in values
            }
            session.execute(
                insert_or(session, ErasedMark)
                .values([{"import_id": import_.id, "mark": mark} for mark in sorted(marks)])
                .on_conflict_do_nothing()
            )
        gone = list(_taken_out(session, import_.id, sought))
        store.add_problems(session, import_.id, gone)
        import_.left_out += len(gone)
    session.flush()


def without_erased(session: Session, import_: Import, rows: Sequence[Row]) -> list[Row]:
    """The rows of a file that is being read. A row that names a person who was erased after the
    file was sent becomes a bad row without content. The caller has locked the import."""
    marks = set(session.scalars(select(ErasedMark.mark).where(ErasedMark.import_id == import_.id)))
    if not marks:
        return list(rows)
    return [
        Row(row.number, RowContent(), [PERSON_ERASED])
        if any(_mark(import_, name, value) in marks for name, value in _named(row.wish))
        else row
        for row in rows
    ]


def _taken_out(
    session: Session, import_id: int, sought: Mapping[str, Collection[str]]
) -> Iterator[Row]:
    """The rows of the person, now without what they said; they are not in the parts any more."""
    # Parts are many and hits are few: packed texts are searched before they are read.
    needles = {
        json.dumps(value, ensure_ascii=False).encode()
        for values in sought.values()
        for value in values
    }
    after = -1
    while (part := _part_after(session, import_id, after)) is not None:
        after = part.first_row
        plain = zlib.decompress(part.body)
        if not any(needle in plain for needle in needles):
            session.expunge(part)
            continue
        rows = store.unpacked(part.body, RowContent)
        theirs = [row for row in rows if any(v in sought.get(n, ()) for n, v in _named(row.wish))]
        if not theirs:
            continue
        numbers = {row.number for row in theirs}
        if rest := [row for row in rows if row.number not in numbers]:
            part.body = store.packed(rest)
        else:
            session.delete(part)
        session.flush()
        yield from (Row(number, RowContent(), [PERSON_ERASED]) for number in sorted(numbers))


def _part_after(session: Session, import_id: int, after: int) -> ImportPart | None:
    return session.scalar(
        select(ImportPart)
        .where(ImportPart.import_id == import_id, ImportPart.first_row > after)
        .order_by(ImportPart.first_row)
        .limit(1)
    )


def _named(wish: RowContent) -> Iterator[tuple[str, str]]:
    for name in IDENTIFIERS:
        if (value := getattr(wish, name)) is not None:
            yield name, value


def _mark(import_: Import, name: str, value: str) -> str:
    return hashlib.sha256(f"{import_.public_id}\x1f{name}\x1f{value}".encode()).hexdigest()
