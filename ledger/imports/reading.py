"""Files that were sent: kept in pieces, and read by whoever has claimed them.

A file lies in the database until it is read, so that any machine can read it. Who reads it has a
claim for a time. If the reader is killed, the file is read again from its beginning by whoever
claims it next: parts and problems that were kept go with the new claim."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from ledger.database.engine import wake_after_commit
from ledger.database.tables import insert_or
from ledger.errors import FileRefused, ImportNotReady, ImportReplaced
from ledger.imports import store
from ledger.imports.files import Format
from ledger.imports.headers import Layout
from ledger.imports.store import (
    CHECKED,
    IMPORTS,
    READING,
    REFUSED,
    ErasedMark,
    Import,
    ImportFilePart,
    ImportPart,
    ImportProblem,
    ImportRequest,
    Row,
    Tally,
)

# How long a file is its reader's; a reader that lives renews its claim long before.
CLAIM = timedelta(seconds=60)
MOST_READINGS = 5  # a file that ended its reader so often is not read again


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file: SHA-256 (in hex) and size in bytes of its content, and its format."""

    digest: str
    size: int
    format: Format


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to read a file. `attempt` counts the claims on it: so this one differs from later
    ones."""

    import_id: int
    attempt: int


def begin(
    session: Session,
    programme_id: int,
    unit_id: int,
    order: ImportRequest,
    source: SourceFile,
    now: datetime,
    *,
    comes_again: bool = False,
) -> Import:
    """Add an import whose file is about to be kept, piece by piece; nobody else reads it before it
    is whole. An earlier import of the same file that was not applied is replaced; one that was
    stays, if files of this kind come again (`comes_again`). Raises
    `ImportRepeated`, `ImportNotReady`."""
    earlier = store.known(session, programme_id, order.kind, source.digest)
    turn = 1
    if earlier is not None and (earlier := store.locked(session, earlier.id)) is not None:
        store.require_new(earlier, comes_again=comes_again)
        turn = earlier.turn
        if earlier.state == store.DONE:
            turn += 1
        else:
            store.forget(session, earlier.id)
    added = session.execute(
        insert_or(session, Import)
        .values(
            public_id=str(uuid7()),
            programme_id=programme_id,
            unit_id=unit_id,
            kind=order.kind,
            digest=source.digest,
            turn=turn,
            size=source.size,
            format=source.format,
            reason=order.reason,
            decimal=order.decimal,
            titles={},
            left_aside=[],
            state=READING,
            lease_until=now + CLAIM,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Import.id)
    ).scalar_one_or_none()
    if added is None:  # the very same file, at the very same moment
        raise ImportNotReady(READING)
    return session.get_one(Import, added)


def keep_piece(session: Session, import_id: int, number: int, body: bytes, now: datetime) -> None:
    """Keep a piece of a file that was sent. Raises `ImportReplaced`."""
    found = store.locked(session, import_id)
    if found is None:
        raise ImportReplaced
    found.lease_until = now + CLAIM
    session.add(ImportFilePart(import_id=import_id, number=number, body=body))
    session.flush()


def let_read(session: Session, import_id: int) -> Import:
    """The file is whole: from now on it is read by whoever comes first. Raises `ImportReplaced`."""
    found = store.locked(session, import_id)
    if found is None:
        raise ImportReplaced
    found.lease_until = None
    wake_after_commit(session, IMPORTS)
    return found


def claim(session: Session, import_id: int | None, now: datetime) -> Claim | None:
    """Claim this file to read it, or the oldest that nobody reads; None if there is none. What an
    earlier reader kept of it is deleted."""
    is_free = Import.lease_until.is_(None) | (Import.lease_until <= now)
    query = select(Import).where(Import.state == READING, is_free)
    if import_id is not None:
        query = query.where(Import.id == import_id)
    found = session.scalar(
        query.order_by(Import.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        return None
    for table in (ImportProblem, ImportPart):
        session.execute(delete(table).where(table.import_id == found.id))
    for name, value in asdict(Tally()).items():
        setattr(found, name, value)
    found.left_out = 0
    found.attempts += 1
    found.lease_until = now + CLAIM
    session.flush()
    return Claim(found.id, found.attempts)


def renew(session: Session, claimed: Claim, now: datetime) -> None:
    """Keep a claim for another while; nothing happens if it was lost."""
    session.execute(update(Import).where(_is_claimed(claimed)).values(lease_until=now + CLAIM))


def pieces(session: Session, import_id: int, after: int) -> Sequence[bytes]:
    """The next piece of a file, as a list of one; empty at the end."""
    return session.scalars(
        select(ImportFilePart.body).where(
            ImportFilePart.import_id == import_id, ImportFilePart.number == after
        )
    ).all()


def understood(
    session: Session, claimed: Claim, layout: Layout, facts: dict[str, Any], rows: int
) -> None:
    """Note how the file was understood, before its rows are checked. Raises `ImportReplaced`."""
    found = held(session, claimed)
    found.titles = dict(layout.titles)
    found.left_aside = [{"column": column, "code": code} for column, code in layout.left_aside]
    found.facts = facts
    found.rows_in_file = rows
    session.flush()


def refuse(session: Session, claimed: Claim, refusal: FileRefused) -> Import:
    """The file is no table, or not one that can be imported; nothing of it is kept but the reason.
    Raises `ImportReplaced`."""
    found = held(session, claimed)
    store.delete_contents(session, found.id)
    for name, value in asdict(Tally()).items():
        setattr(found, name, value)
    found.state, found.left_out = REFUSED, 0
    found.refusal = {"reason": refusal.told, **refusal.facts()}
    return found


def give_up(session: Session, claimed: Claim) -> None:
    """Delete an import whose file was never sent to its end. Raises `ImportReplaced`."""
    store.forget(session, held(session, claimed).id)


def keep(
    session: Session,
    claimed: Claim,
    good: Sequence[Row],
    bad: Sequence[Row],
    tally: Tally,
) -> None:
    """Store one part of a file that is being read, and the counts so far. Raises
    `ImportReplaced`."""
    found = held(session, claimed)
    for name, value in asdict(tally).items():
        setattr(found, name, value)
    if good:
        session.add(
            ImportPart(import_id=found.id, first_row=good[0].number, body=store.packed(good))
        )
    store.add_problems(session, found.id, bad)
    session.flush()


def finish(session: Session, claimed: Claim) -> Import:
    """The whole file was read: the import is checked now, and the file is not kept any longer.
    Raises `ImportReplaced`."""
    found = held(session, claimed)
    for table in (ImportFilePart, ErasedMark):
        session.execute(delete(table).where(table.import_id == found.id))
    found.state, found.lease_until = CHECKED, None
    return found


def held(session: Session, claimed: Claim) -> Import:
    """The import whose file this claim is for, locked until the transaction ends. Raises
    `ImportReplaced` if it was withdrawn or sent again, or is read by somebody else now."""
    found = store.locked(session, claimed.import_id)
    if found is None or found.state != READING or found.attempts != claimed.attempt:
        raise ImportReplaced
    return found


def _is_claimed(claimed: Claim) -> ColumnElement[bool]:
    return (
        (Import.id == claimed.import_id)
        & (Import.state == READING)
        & (Import.attempts == claimed.attempt)
    )
