"""Who is at work: the beat and the pumps leave a sign every few seconds, so that it can be said in
words which of them is missing, and for how long work has waited."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from babel.dates import format_timedelta
from sqlalchemy import String, case, delete, func, literal, select, true
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.engine import Database
from ledger.database.outbox import RELAY, OutboxRow
from ledger.database.tables import Base, Instant, insert_or
from wallet.access import letters
from wallet.access.letters import StaffLetter
from wallet.apple.devices import PUSH, PushRow
from wallet.configuration.clock import Clock
from wallet.finding import codes
from wallet.finding.codes import CodeRequest
from wallet.google import mirror
from wallet.google.mirror import DueRow

BEAT = "beat"
WRITE_EVERY_S = 10.0
# Who left no sign for so long is missing, with a slow beat for ten beats.
PATIENCE = timedelta(minutes=2)
BEATS_MISSED = 10
# Work is long overdue if it has waited for so long where nobody was seen at all.
AT_ONCE = timedelta(seconds=15)

log = structlog.get_logger()


class Heartbeat(Base):
    """The last sign of the beat, or of a pump by the name of its queue. They have come without a
    long pause since `since`."""

    __tablename__ = "wallet_heartbeat"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    since: Mapped[datetime] = mapped_column(Instant)


class Pulse:
    """Leaves signs for the pumps of one process: the first of each at once, later ones together and
    not more often than every `WRITE_EVERY_S`. Safe to share between threads."""

    def __init__(self, database: Database, clock: Clock, patience: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._patience = patience
        self._turn = threading.Lock()
        self._seen: set[str] = set()
        self._written: set[str] = set()
        self._write_at = 0.0

    def note(self, name: str) -> None:
        """The beat, or this pump, is at work. It never fails: what cannot be written is logged."""
        with self._turn:
            self._seen.add(name)
            if name in self._written and time.monotonic() < self._write_at:
                return
            names, self._seen = sorted(self._seen), set()
            self._written.update(names)
            self._write_at = time.monotonic() + WRITE_EVERY_S
        try:
            with self._database.transaction() as session:
                leave(session, names, self._clock(), self._patience)
        except SQLAlchemyError as error:
            log.warning("heartbeat_not_written", error=type(error).__name__)


def leave(session: Session, names: Sequence[str], now: datetime, patience: timedelta) -> None:
    """Leave a sign of each of these, in the order of their names."""
    for name in names:
        session.execute(
            insert_or(session, Heartbeat)
            .values(name=name, at=now, since=now)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "at": now,
                    "since": case(
                        (Heartbeat.at < now - patience, literal(now, Instant)),
                        else_=Heartbeat.since,
                    ),
                },
            )
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits for a queue: how many rows, and since when the oldest is due; None if none
    is."""

    what: str
    queue: str
    number: int
    due_since: datetime | None

    def due_for(self, now: datetime) -> timedelta:
        """For how long the oldest row has been due."""
        if self.due_since is None:
            return timedelta()
        return max(now - self.due_since, timedelta())


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is at work and what waits. `beat_at`, `worker_at`: the last signs of the beat and of any
    pump. `unworked`: queues that nobody works although the beat calls. `overdue`: work that has
    waited for long and whose pump is silent."""

    beat_at: datetime | None
    beat_is_missing: bool
    worker_at: datetime | None
    worker_is_missing: bool
    unworked: tuple[str, ...]
    waiting: tuple[Backlog, ...]
    overdue: tuple[Backlog, ...]

    @property
    def is_at_rest(self) -> bool:
        """Nobody is at work, and nothing has waited for it: not started, or stopped."""
        return self.beat_is_missing and self.worker_is_missing and not self.overdue

    @property
    def is_well(self) -> bool:
        """Whether nobody is missing, or nobody is missed."""
        nobody_missing = not (self.beat_is_missing or self.unworked or self.overdue)
        return nobody_missing or self.is_at_rest


def forget(session: Session) -> None:
    """Forget who was at work. In a database that was restored nobody has been yet."""
    session.execute(delete(Heartbeat))


def patience(beat_s: float) -> timedelta:
    """For how long the beat and the pumps may be silent where the beat comes every `beat_s`."""
    return max(PATIENCE, BEATS_MISSED * timedelta(seconds=beat_s))


def look(session: Session, queues: Sequence[str], now: datetime, silence: timedelta) -> Presence:
    """Who is at work on these queues. `silence`: after so long somebody is missing."""
    signs = {sign.name: sign for sign in session.scalars(select(Heartbeat))}

    def is_silent(name: str) -> bool:
        return name not in signs or now - signs[name].at > silence

    beat = signs.get(BEAT)
    beat_is_missing = is_silent(BEAT)
    # A beat that began a moment ago may not have been heard by all.
    called = beat is not None and not beat_is_missing and now - beat.since > silence
    silent = tuple(name for name in queues if is_silent(name))
    worker_is_missing = len(silent) == len(queues)
    waiting = tuple(_waiting(session, now))
    patience_for_work = AT_ONCE if worker_is_missing and beat_is_missing else silence
    return Presence(
        beat_at=beat.at if beat is not None else None,
        beat_is_missing=beat_is_missing,
        worker_at=max((sign.at for name, sign in signs.items() if name != BEAT), default=None),
        worker_is_missing=worker_is_missing,
        unworked=silent if called else (),
        waiting=waiting,
        overdue=tuple(
            one for one in waiting if one.queue in silent and one.due_for(now) > patience_for_work
        ),
    )


def _waiting(session: Session, now: datetime) -> Iterator[Backlog]:
    for what, queue, due_at, condition in (
        ("events", RELAY, OutboxRow.not_before, true()),
        ("pushes", PUSH, PushRow.due_at, true()),
        ("google", mirror.PUMP, DueRow.due_at, true()),
        ("letters", letters.PUMP, StaffLetter.due_at, true()),
        ("codes", codes.PUMP, CodeRequest.due_at, CodeRequest.sealed.is_not(None)),
    ):
        query = select(func.count(), func.min(due_at)).where(condition)
        number, oldest = session.execute(query).one()
        yield Backlog(what, queue, number, oldest if oldest and oldest <= now else None)


def said(time_: timedelta) -> str:
    """So long, in words: "5 minutes"."""
    return str(format_timedelta(time_, threshold=1.5, locale="en"))
