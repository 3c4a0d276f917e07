"""The nightly inspection: the rules of the book, and the seals since the last night. Its outcome is
kept for operators. `wallet ledger verify` walks everything, from the first posting on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book import audit
from ledger.database.engine import Database
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, insert_or
from ledger.programmes import programmes
from ledger.seals import verification
from ledger.seals.sealing import Signatures
from ledger.seals.verification import Strays, Walk

ONLY = 1  # there is one row
LONGEST = timedelta(hours=6)  # after that the process that began it must have died


class Inspection(Base):
    """The last inspection; there is one row. `findings` are sentences, none if all was well; an
    inspection replaces them only when it has ended. `ended_at` earlier than `begun_at`: one is
    under way."""

    __tablename__ = "ledger_inspection"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    begun_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    findings: Mapped[list[Any]] = mapped_column(JsonDocument)


def begin(session: Session, now: datetime) -> bool:
    """Take the inspection of this day; False if it is taken. Days are those of UTC, so that it
    begins during the night in Russia and Europe. An inspection that did not end may be taken again
    after `LONGEST`."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if session.execute(
        insert_or(session, Inspection)
        .values(id=ONLY, begun_at=now, ended_at=None, findings=[])
        .on_conflict_do_nothing()
        .returning(Inspection.id)
    ).first():
        return True
    taken = session.execute(
        update(Inspection)
        .where(
            or_(
                Inspection.begun_at < midnight,
                (Inspection.begun_at < now - LONGEST)
                & (Inspection.ended_at.is_(None) | (Inspection.ended_at < Inspection.begun_at)),
            )
        )
        .values(begun_at=now)
        .returning(Inspection.id)
        .execution_options(synchronize_session=False)
    ).first()
    return taken is not None


def last(session: Session) -> Inspection | None:
    """The inspection's row, if any inspection has ended yet."""
    return session.scalar(select(Inspection).where(Inspection.ended_at.is_not(None)))


def carry_out(database: Database, signatures: Signatures) -> list[str]:
    """Inspect everything and return what is not well, in English sentences. Notes how far each
    chain was found whole."""
    damage = database.damage()
    if damage is not None:
        # Nothing else can be trusted now, and much cannot even be read.
        return [f"The database's file is damaged: {damage}. `wallet restore` brings a backup back."]
    with database.reading() as session:
        findings = [
            f"Rule broken: {one.rule} (for example {', '.join(map(str, one.examples))})."
            for one in audit.check(session)
        ]
        chains = [
            (programme, verification.verified(session, programme))
            for programme in programmes.every(session)
        ]
    for programme, whole in chains:
        walk = Walk(programme, signatures, whole + 1)
        go(database, walk)
        if walk.fault is not None:
            findings.append(str(walk.fault))
        database.run(lambda session, walk=walk: verification.remember(session, walk))  # type: ignore[misc]
    strays = Strays()
    go(database, strays)
    if strays.fault is not None:
        findings.append(str(strays.fault))
    return findings


class Stepwise(Protocol):
    """A walk in steps of bounded size."""

    def step(self, session: Session) -> bool:
        """Go one step further; True if there is more."""
        ...


def go(database: Database, walk: Stepwise) -> None:
    """Walk to the end, or to the first fault; each step has a session of its own."""
    more = True
    while more:
        with database.reading() as session:
            more = walk.step(session)


def end(session: Session, findings: Sequence[str], now: datetime) -> None:
    """Store the outcome of the inspection that was begun."""
    session.execute(
        update(Inspection)
        .where(Inspection.id == ONLY)
        .values(ended_at=now, findings=list(findings))
        .execution_options(synchronize_session=False)
    )
