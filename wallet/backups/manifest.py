"""What a backup says of itself: who made it and when, what is in it, and checksums of each part and
of the book."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.book.accounts import BalanceRow
from ledger.book.journal import Entry, Posting
from ledger.errors import Invalid
from ledger.people.members import Member
from wallet.apple import devices
from wallet.errors import OfInstallation
from wallet.passes import issued
from wallet.passes.issued import Pass

NAME = "manifest.json"
DATABASE = "database"
SECRETS = "secrets/"
LARGEST_BYTES = 16 * 1024 * 1024  # of the manifest itself
CHUNK_BYTES = 1024 * 1024
ROWS_AT_ONCE = 10_000

# Names of parts. No path that leaves the folder fits.
PART_NAME = re.compile(r"database|secrets(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")

DatabaseKind = Literal["sqlite", "postgresql"]


class BackupRefused(OfInstallation, Invalid):
    """A backup cannot be made, or cannot be restored here. `problem` is the stable word for why."""

    code = "backup_refused"

    def __init__(self, problem: str, english: str) -> None:
        super().__init__(english)
        self.problem = problem


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BackupPart(_Document):
    """A file in the backup: its name there, its size in bytes, its SHA-256 in hexadecimal."""

    name: Annotated[str, Field(pattern=f"^({PART_NAME.pattern})$")]
    size: int
    sha256: str


class Book(_Document):
    """The book in a few figures: how many entries, their sum (which is zero), what members have in
    all, and a SHA-256 over all entries in the order of posting."""

    entries: int
    sum: int
    balances: int
    sha256: str


class Manifest(_Document):
    """`revision` is that of the schema. `keys` names the keys of the ring that passes were issued
    under or devices are encrypted with. `tool` is the major version of pg_dump, None for
    SQLite."""

    format: Literal[1] = 1
    made_at: datetime
    version: str
    kind: DatabaseKind
    tool: int | None
    revision: str
    members: int
    passes: int
    keys: tuple[str, ...]
    book: Book
    parts: tuple[BackupPart, ...]


def book(session: Session) -> Book:
    """The figures of the book in this database. They are the same in SQLite and in PostgreSQL."""
    digest, count, total = hashlib.sha256(), 0, 0
    rows = session.execute(
        select(
            Entry.posting_id,
            Entry.line,
            Entry.account_id,
            Entry.amount,
            Entry.balance_after,
            Posting.public_id,
            Posting.kind,
        )
        .join(Posting, Posting.id == Entry.posting_id)
        .order_by(Entry.posting_id, Entry.line)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row in rows:
        digest.update(orjson.dumps(tuple(row)) + b"\n")
        count += 1
        total += row.amount
    had = func.sum(BalanceRow.available + BalanceRow.pending + BalanceRow.held)
    balances = int(session.scalar(select(had)) or 0)
    return Book(entries=count, sum=total, balances=balances, sha256=digest.hexdigest())


def counts(session: Session) -> tuple[int, int]:
    """How many members there are, and how many passes."""
    members = session.scalar(select(func.count()).select_from(Member))
    passes = session.scalar(select(func.count()).select_from(Pass))
    return members or 0, passes or 0


def keys(session: Session) -> Sequence[str]:
    """The names of the keys that passes were issued under or devices are encrypted with."""
    return sorted({*issued.by_key(session), *devices.by_key(session)})


def part(name: str, path: Path) -> BackupPart:
    """What the manifest says of the file at `path`, which is called `name` in the backup."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackupPart(name=name, size=path.stat().st_size, sha256=digest)
