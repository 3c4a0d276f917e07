"""What phones wrote to the log route. It is often the only place where a phone says what is wrong.

Anybody may write there, so little is kept: a few short lines of each request, without control
characters, and of all lines only the newest."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import String, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant
from wallet.passes.issued import Pass

MOST_LINES = 20  # of one request
MOST_CHARACTERS = 600  # of one line
KEPT = 1000  # lines in all

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# Device identifiers and tokens are secrets. They are found by their length: dates and numbers are
# shorter. Serial numbers are as long as identifiers, and are known.
NAMED = re.compile(r"\b[0-9A-Za-z_-]{32,}\b")


class Complaint(Base):
    """One line that a phone wrote, cleaned and shortened. No phone is named in it."""

    __tablename__ = "apple_complaint"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Instant)
    line: Mapped[str] = mapped_column(String(MOST_CHARACTERS))


def keep(session: Session, lines: Sequence[object], now: datetime) -> None:
    """Keep what is readable in these lines, and delete the oldest beyond `KEPT`."""
    readable = [
        _readable(line) for line in lines[:MOST_LINES] if isinstance(line, str) and line.strip()
    ]
    if not readable:
        return
    named = {name for line in readable for name in NAMED.findall(line)}
    serials = set(session.scalars(select(Pass.serial).where(Pass.serial.in_(named))))
    rows = [{"received_at": now, "line": _without_secrets(line, serials)} for line in readable]
    session.execute(insert(Complaint), rows)
    oldest_kept = session.scalar(
        select(Complaint.id).order_by(Complaint.id.desc()).offset(KEPT - 1).limit(1)
    )
    if oldest_kept is not None:
        session.execute(delete(Complaint).where(Complaint.id < oldest_kept))


def forget(session: Session, serials: Sequence[str]) -> None:
    """Delete the lines that name one of these serial numbers."""
    for serial in serials:
        session.execute(delete(Complaint).where(Complaint.line.contains(serial)))


def newest(session: Session, limit: int) -> Sequence[Complaint]:
    """The newest lines, the newest first."""
    return session.scalars(select(Complaint).order_by(Complaint.id.desc()).limit(limit)).all()


def _readable(line: str) -> str:
    return UNPRINTABLE.sub(" ", line[: 4 * MOST_CHARACTERS]).strip()


def _without_secrets(line: str, serials: Collection[str]) -> str:
    kept = NAMED.sub(lambda found: found[0] if found[0] in serials else "…", line)
    return kept[:MOST_CHARACTERS]
