"""The log of events: each once, with an id that grows; and what became of it at each receiver.

Ids are given under one lock, that of the row of `ListeningRow`, which is held until the commit. So
whoever sees an event sees all events with smaller ids, and a receiver's place in the log is one
number.

Lock order: the row of `ListeningRow`, then receivers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Index, String, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    JsonDocument,
    dialect_of,
    insert_or,
)
from ledger.seals.sealing import Chain
from wallet.errors import UnknownEvent
from wallet.happenings import ONLY_ROW, HappeningRow, ListeningRow
from wallet.receivers import types

KEPT_FOR = timedelta(days=30)
LONGEST_ANSWER = 200  # characters of an answer that are kept
CONTEXT = "problem of an attempt"  # in which the catalogue names them

# What went wrong with an attempt.
AttemptProblem = Literal[
    "address_refused",
    "timed_out",
    "unreachable",
    "tls_failed",
    "redirected",
    "refused",
    "broken_off",
]
PROBLEMS: tuple[AttemptProblem, ...] = get_args(AttemptProblem)


class LoggedEvent(Base):
    """An event as receivers are told of it. `data` has ids of the API and no personal data.
    `receiver_id`: it is for this receiver alone."""

    __tablename__ = "wallet_event"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(40))
    programme_id: Mapped[int | None]
    member_id: Mapped[int | None] = mapped_column(index=True)
    receiver_id: Mapped[int | None]
    data: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    happened_at: Mapped[datetime] = mapped_column(Instant)


class ToldPostings(Base):
    """Up to which seal the postings of a programme stand in the log."""

    __tablename__ = "wallet_event_postings"

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    number: Mapped[int]


class Undelivered(Base):
    """An event that a receiver did not take, or is to be sent once more. It is due at `due_at`.
    `attempts` counts the tries since it was last asked for; once they are used up it is given up,
    and waits for a person."""

    __tablename__ = "wallet_event_undelivered"
    __table_args__ = (Index("ix_wallet_event_undelivered_due", "receiver_id", "due_at"),)

    receiver_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    due_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int]
    given_up_at: Mapped[datetime | None] = mapped_column(Instant)


class Attempt(Base):
    """One try to send an event. `status` is null if no answer came; `problem` is our word for what
    went wrong. `answer`: the beginning of an answer that was no success."""

    __tablename__ = "wallet_event_attempt"
    __table_args__ = (Index("ix_wallet_event_attempt_receiver", "receiver_id", "id"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    receiver_id: Mapped[int]
    event_id: Mapped[int] = mapped_column(index=True)
    sent_at: Mapped[datetime] = mapped_column(Instant)
    took_ms: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(String(40))
    answer: Mapped[str | None] = mapped_column(String(LONGEST_ANSWER))


@dataclass(frozen=True, slots=True)
class Described:
    """An event before it has its id."""

    type: str
    programme_id: int | None
    member_id: int | None
    data: Mapping[str, Any]
    happened_at: datetime
    receiver_id: int | None = None


# --- Writing ----------------------------------------------------------------------------------


def lock(session: Session) -> ListeningRow:
    """The row of `ListeningRow`, locked: nobody else gives ids, or begins to listen."""
    return session.scalars(
        select(ListeningRow)
        .where(ListeningRow.id == ONLY_ROW)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def write(session: Session, listening: ListeningRow, described: Sequence[Described]) -> None:
    """Give ids to these events, in this order, and store them. The caller has the lock."""
    if not described:
        return
    first = listening.last_event + 1
    rows = [
        {
            "id": id_,
            "type": one.type,
            "programme_id": one.programme_id,
            "member_id": one.member_id,
            "receiver_id": one.receiver_id,
            "data": dict(one.data),
            "happened_at": one.happened_at,
        }
        for id_, one in enumerate(described, first)
    ]
    session.execute(insert(LoggedEvent), rows)
    listening.last_event += len(rows)
    session.flush()


def write_test(session: Session, receiver_id: int, programme_id: int | None, now: datetime) -> int:
    """Store an event that only says that it arrived, and return its id."""
    listening = lock(session)
    event = Described(types.TEST, programme_id, None, {}, now, receiver_id)
    write(session, listening, [event])
    return listening.last_event


def begin(session: Session, now: datetime) -> int:
    """Somebody begins to listen. If nobody did, the log goes on from here: what happened while
    nobody listened is told to nobody. Returns the id of the newest event."""
    listening = lock(session)
    if not listening.is_on:
        session.execute(delete(ToldPostings))
        session.execute(
            insert(ToldPostings).from_select(
                ["programme_id", "number"], select(Chain.programme_id, Chain.number)
            )
        )
        session.execute(delete(HappeningRow))
        listening.fetched_until = now
        listening.is_on = True
        session.flush()
    return listening.last_event


def listen(session: Session, *, on: bool) -> None:
    """Note whether anybody listens. The caller has the lock."""
    session.execute(update(ListeningRow).values(is_on=on))


def leap(session: Session, now: datetime) -> None:
    """A backup was restored: ids go on beyond all that can have been given out since it was made.
    They count events, and nobody counts a million of them a second."""
    beyond = int(now.timestamp() * 1_000_000)
    listening = lock(session)
    listening.last_event = max(listening.last_event, beyond)
    session.flush()


# In the order of `TriedEvent`.
_ATTEMPT = "receiver_id, event_id, sent_at, took_ms, status, problem, answer"
_ATTEMPT_ARRAYS = (
    "%s::bigint[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::text[],"
    " %s::text[]"
)


class TriedEvent(NamedTuple):
    """One try, by the columns of `Attempt`."""

    receiver_id: int
    event_id: int
    sent_at: datetime
    took_ms: int
    status: int | None
    problem: str | None
    answer: str | None


def note_attempts(session: Session, tried: Sequence[TriedEvent]) -> None:
    """Store what was tried. There are many: PostgreSQL gets them as arrays, which costs a tenth of
    one row after another."""
    if not tried:
        return
    if dialect_of(session) == "sqlite":
        session.execute(insert(Attempt), [one._asdict() for one in tried])
        return
    session.connection().exec_driver_sql(
        f"INSERT INTO wallet_event_attempt ({_ATTEMPT})"  # noqa: S608 - our own names
        f" SELECT * FROM unnest({_ATTEMPT_ARRAYS})",
        tuple(map(list, zip(*tried, strict=True))),
    )


# --- What is to be sent once more -------------------------------------------------------------


def require(session: Session, receiver_id: int, programme_id: int | None, event_id: int) -> None:
    """Raises `UnknownEvent` if the log has no such event that this receiver may be told of."""
    event = session.get(LoggedEvent, event_id)
    if (
        event is None
        or event.receiver_id not in (None, receiver_id)
        or programme_id not in (None, event.programme_id)
    ):
        raise UnknownEvent


def send_again(session: Session, receiver_id: int, event_id: int, now: datetime) -> None:
    """This event is to be sent to the receiver at once, with all tries before it."""
    anew = {"due_at": now, "attempts": 0, "given_up_at": None}
    session.execute(
        insert_or(session, Undelivered)
        .values(receiver_id=receiver_id, event_id=event_id, **anew)
        .on_conflict_do_update(index_elements=["receiver_id", "event_id"], set_=anew)
    )


def send_given_up_again(session: Session, receiver_id: int, now: datetime) -> None:
    """All that was given up for the receiver is to be sent at once."""
    session.execute(
        update(Undelivered)
        .where(Undelivered.receiver_id == receiver_id, Undelivered.given_up_at.is_not(None))
        .values(due_at=now, attempts=0, given_up_at=None)
    )


# --- Reading ----------------------------------------------------------------------------------


def attempts(
    session: Session,
    receiver_id: int,
    before_id: int | None,
    limit: int,
    *,
    event_id: int | None = None,
    failed: bool = False,
) -> Sequence[tuple[Attempt, LoggedEvent | None]]:
    """Attempts to reach a receiver, newest first, each with its event as long as that is kept."""
    query = (
        select(Attempt, LoggedEvent)
        .outerjoin(LoggedEvent, LoggedEvent.id == Attempt.event_id)
        .where(Attempt.receiver_id == receiver_id)
        .order_by(Attempt.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(Attempt.id < before_id)
    if event_id is not None:
        query = query.where(Attempt.event_id == event_id)
    if failed:
        query = query.where(Attempt.problem.is_not(None))
    return [(row[0], row[1]) for row in session.execute(query)]


def undelivered(
    session: Session, receiver_id: int, after_event: int, limit: int
) -> Sequence[tuple[Undelivered, LoggedEvent]]:
    """What a receiver did not take so far, oldest event first."""
    rows = session.execute(
        select(Undelivered, LoggedEvent)
        .join(LoggedEvent, LoggedEvent.id == Undelivered.event_id)
        .where(Undelivered.receiver_id == receiver_id, Undelivered.event_id > after_event)
        .order_by(Undelivered.event_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def given_up(session: Session) -> dict[int, int]:
    """How many events were given up, by receiver."""
    rows = session.execute(
        select(Undelivered.receiver_id, func.count())
        .where(Undelivered.given_up_at.is_not(None))
        .group_by(Undelivered.receiver_id)
    )
    return {row[0]: row[1] for row in rows}


# --- Forgetting -------------------------------------------------------------------------------


def forget_receiver(session: Session, receiver_id: int) -> None:
    """Delete what was kept of a receiver."""
    session.execute(delete(Undelivered).where(Undelivered.receiver_id == receiver_id))
    session.execute(delete(Attempt).where(Attempt.receiver_id == receiver_id))
    session.execute(delete(LoggedEvent).where(LoggedEvent.receiver_id == receiver_id))


def forget_answers(session: Session, member_ids: Sequence[int]) -> None:
    """Delete what receivers answered to events of these members: they may have repeated what they
    were told. Events themselves have ids alone, and stay."""
    theirs = select(LoggedEvent.id).where(LoggedEvent.member_id.in_(member_ids))
    session.execute(
        update(Attempt)
        .where(Attempt.event_id.in_(theirs), Attempt.answer.is_not(None))
        .values(answer=None)
        .execution_options(synchronize_session=False)
    )


def sweep(session: Session, now: datetime, limit: int = 1000) -> bool:
    """Delete events and attempts that are older than `KEPT_FOR`, up to `limit` of each; True if
    there may be more."""
    before = now - KEPT_FOR
    events = _oldest(session, LoggedEvent, LoggedEvent.happened_at, before, limit)
    tries = _oldest(session, Attempt, Attempt.sent_at, before, limit)
    if events:
        session.execute(delete(Undelivered).where(Undelivered.event_id.in_(events)))
        session.execute(delete(LoggedEvent).where(LoggedEvent.id.in_(events)))
    if tries:
        session.execute(delete(Attempt).where(Attempt.id.in_(tries)))
    return limit in (len(events), len(tries))


def _oldest(
    session: Session,
    table: type[LoggedEvent | Attempt],
    moment: Any,
    before: datetime,
    limit: int,
) -> list[int]:
    """Ids of the first rows, as far as they are older than `before`. Rows come in the order of
    their ids nearly by age, so only the first ones are looked at; mostly the very first says that
    there is nothing to do."""
    in_order = select(table.id, moment).order_by(table.id)
    first = session.execute(in_order.limit(1)).first()
    if first is None or first[1] >= before:
        return []
    return [row[0] for row in session.execute(in_order.limit(limit)) if row[1] < before]
