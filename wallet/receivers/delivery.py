"""Events on their way to receivers.

One worker has a receiver at a time, by a lease on its row: it sends what is due again and what is
next in the log, a few at once, and then notes in one transaction what came of it and how far the
receiver has come. A worker that dies in between is followed by another, which sends the same again
under the same ids: at least once, and a receiver that remembers `webhook-id` is told exactly once.

No receiver waits for another: each has a window of its own, and work for others is looked for while
a slow one has not answered. A receiver that fails many times in a row pauses, longer each time;
then one event is tried before the others."""

import os
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook

from ledger.database.engine import Database
from ledger.database.tables import EPOCH, insert_or
from ledger.people import persons
from ledger.programmes.programmes import Programme
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.happenings import ListeningRow
from wallet.receivers import describing, log, receivers, types
from wallet.receivers.calling import Poster, Result
from wallet.receivers.log import LONGEST_ANSWER, LoggedEvent, TriedEvent, Undelivered
from wallet.receivers.receivers import GONE, Receiver

BATCH = 500  # events of one receiver in one lease
RECEIVERS = 32  # in one claim
WINDOW = 8  # events on their way to one receiver at once
ATTEMPT_LIMIT_S = 10.0
STRETCH_S = 5.0  # after it others get their turn, see `wallet.running.pumps`
LONGER_S = 10.0  # for so long after it others are still begun while one is slow
LOOK_S = 0.2  # while one is slow, so often work for others is looked for
SLOW_S = 0.5

# Before the second try, the third and so on; three days in all.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# After so many failures in a row a receiver pauses.
PAUSES_AFTER = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
STATUS_GONE = 410

# Makes the transport, given the limit of one attempt in seconds.
NewPoster = Callable[[float], Poster]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Due:
    """An event to send. `attempts` is how often it was tried; None: it is next in the log.
    `is_test`: somebody looks at what comes of it, so it is tried once."""

    event_id: int
    body: bytes
    attempts: int | None
    is_test: bool


@dataclass(slots=True)
class _Lane:
    """A receiver that is ours until `lease_until`, with what it is sent meanwhile. `exhausted`: the
    id up to which nothing more is in the log for it. Nothing is begun after `begin_before`."""

    receiver_id: int
    name: str
    url: str
    personal: bool
    signers: Sequence[Webhook]
    due: Sequence[_Due]
    position: int
    exhausted: int | None
    lease_until: datetime
    begin_before: float
    failures: int
    begun: int = 0
    results: list[tuple[_Due, Result, datetime]] = field(default_factory=list)

    def may_begin(self) -> bool:
        """Whether one more event may be sent now. Of a receiver that fails all the time, none until
        the one on its way has been taken."""
        on_their_way = self.begun - len(self.results)
        window = WINDOW if self.failures < PAUSES_AFTER else 1 if self.begun == 0 else 0
        return (
            self.begun < len(self.due)
            and on_their_way < window
            and time.monotonic() < self.begin_before
        )

    def note(self, due: _Due, result: Result, now: datetime) -> None:
        self.results.append((due, result, now))
        if result.problem is None:
            self.failures = 0
        elif not due.is_test:
            self.failures += 1

    @property
    def is_done(self) -> bool:
        return self.begun == len(self.results) and not self.may_begin()

    @property
    def is_through(self) -> bool:
        """Whether all that was claimed was tried."""
        return self.begun == len(self.due)

    def reached(self) -> int:
        """How far the receiver has come in the log: what was begun was tried, in the log's
        order."""
        if self.is_through and self.exhausted is not None:
            return self.exhausted
        tried = [due.event_id for due in self.due[: self.begun] if due.attempts is None]
        return max([self.position, *tried])


class EventSender:
    """What pumps know of receivers; one object in each process."""

    def __init__(
        self, database: Database, keys: KeyRing, poster: NewPoster, lease: timedelta
    ) -> None:
        """`lease` is for how long a receiver is ours; `poster` makes the transport, given the limit
        of one attempt in seconds."""
        self._database = database
        self._keys = keys
        self._new_poster = poster
        self._lease = lease
        self._poster: Poster | None = None
        self._inherited: list[Poster] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    def deliver(self, clock: Clock) -> bool:
        """Send what is due. True if there may be more to do at once. In one process one call
        follows the other."""
        self._notice_fork()
        with self._lock:
            if self._poster is None:
                self._poster = self._new_poster(
                    min(ATTEMPT_LIMIT_S, self._lease.total_seconds() / 2)
                )
            try:
                return self._deliver(self._poster, clock)
            except BaseException:
                # An exception, such as a task's time limit, may come anywhere: the next call must
                # not find half of this one.
                self._disconnect()
                raise

    def close(self) -> None:
        """End the connections to receivers. A later call connects again."""
        self._notice_fork()
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._poster is not None:
            self._poster.close()
            self._poster = None

    def _notice_fork(self) -> None:
        if self._process == os.getpid():
            return
        # What the parent had is never touched: its sockets are still in use there. A thread of the
        # parent, which does not exist here, may have held the lock at the fork.
        if self._poster is not None:
            self._inherited.append(self._poster)
            self._poster = None
        self._lock, self._process = threading.Lock(), os.getpid()

    def _deliver(self, poster: Poster, clock: Clock) -> bool:
        lanes: dict[int, _Lane] = {}
        stop_at = time.monotonic() + STRETCH_S
        # Receivers that are slow by turns must not keep us for ever.
        end_at = stop_at + LONGER_S
        look_at, more = 0.0, False
        while True:
            done = [lane for lane in lanes.values() if lane.is_done]
            for lane in done:
                del lanes[lane.receiver_id]
            moment = time.monotonic()
            # One that is slow must not keep the others waiting, even when our time is over.
            is_slow = moment < end_at and poster.oldest_s() > SLOW_S
            may_claim = moment < stop_at or is_slow
            if may_claim and moment >= look_at:
                self._describe(clock)
            if done or (may_claim and moment >= look_at):
                found = self._record_and_claim(done, lanes if may_claim else None, end_at, clock)
                lanes |= {lane.receiver_id: lane for lane in found}
                look_at = moment if found else moment + LOOK_S
                more = not may_claim
            for lane in lanes.values():
                while lane.may_begin():
                    self._begin(poster, lane, clock())
            if not poster.on_their_way and not any(lane.is_done for lane in lanes.values()):
                return more
            for (lane, due), result in poster.advance():
                lane.note(due, result, clock())
            if not any(lane.is_done or lane.may_begin() for lane in lanes.values()):
                poster.wait()

    def _describe(self, clock: Clock) -> None:
        """Have events made of what happened, batch by batch."""
        until = time.monotonic() + LOOK_S
        while (
            self._database.run(lambda session: describing.turn(session, clock()))
            and time.monotonic() < until
        ):
            pass

    def _begin(self, poster: Poster, lane: _Lane, now: datetime) -> None:
        due = lane.due[lane.begun]
        lane.begun += 1
        id_ = f"evt_{due.event_id}"
        text = due.body.decode()
        signatures = " ".join(signer.sign(id_, now, text) for signer in lane.signers)
        headers = (
            "Content-Type: application/json",
            f"webhook-id: {id_}",
            f"webhook-timestamp: {int(now.timestamp())}",
            f"webhook-signature: {signatures}",
        )
        poster.begin((lane, due), lane.url, headers, due.body)

    def _record_and_claim(
        self,
        done: Sequence[_Lane],
        busy: Collection[int] | None,
        begin_before: float,
        clock: Clock,
    ) -> list[_Lane]:
        """Note what came of these lanes, and claim the next ones unless `busy` is None: receivers
        that are being served at this moment. The new ones begin nothing after `begin_before`."""
        now = clock()

        def work(session: Session) -> list[_Lane]:
            for lane in done:
                _record(session, lane, now)
            if busy is None:
                return []
            return _claim(session, self._keys, busy, now, self._lease)

        claimed = self._database.run(work)
        for lane in claimed:
            lane.begin_before = min(lane.begin_before, begin_before)
        return claimed


# --- Claiming ---------------------------------------------------------------------------------


def _claim(
    session: Session, keys: KeyRing, busy: Collection[int], now: datetime, lease: timedelta
) -> list[_Lane]:
    """Lease receivers for which there is something to send, those first that were served longest
    ago."""
    # Read before the log: all events up to here are committed.
    newest = session.scalars(select(ListeningRow.last_event)).one()
    due_again = (
        select(Undelivered.event_id)
        .where(
            Undelivered.receiver_id == Receiver.id,
            Undelivered.due_at <= now,
            Undelivered.given_up_at.is_(None),
        )
        .exists()
    )
    found = session.scalars(
        select(Receiver)
        .where(
            Receiver.enabled,
            Receiver.lease_until <= now,
            Receiver.paused_until <= now,
            Receiver.id.not_in(busy),
            or_(Receiver.position < newest, due_again),
        )
        .order_by(Receiver.lease_until, Receiver.id)
        .limit(RECEIVERS)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    lanes = []
    for receiver in found:
        try:
            lane = _lane(session, keys, receiver, newest, now, now + lease)
        except InvalidToken:
            _leave_alone(receiver, now)
            continue
        if lane.due:
            receiver.lease_until = lane.lease_until
            lanes.append(lane)
        else:
            receiver.position = newest
    session.flush()
    return lanes


def _leave_alone(receiver: Receiver, now: datetime) -> None:
    """Nothing can be signed for this receiver: its secrets were sealed by a key that is not in the
    ring any more. That is for the operator to mend, and stops no other receiver."""
    receiver.failing_since = receiver.failing_since or now
    receiver.paused_until = now + LONGEST_PAUSE
    logger.error(
        "receiver_secrets_unreadable",
        meaning="WALLET_SECRET_KEY lacks the key that sealed them: put it back, or `rotate` and"
        " `retire`",
        receiver=receiver.public_id,
    )


# What is read of an event: columns, since objects would cost as much as sending them.
_TOLD = (
    LoggedEvent.id,
    LoggedEvent.type,
    LoggedEvent.programme_id,
    LoggedEvent.member_id,
    LoggedEvent.data,
    LoggedEvent.happened_at,
)


def _lane(
    session: Session,
    keys: KeyRing,
    receiver: Receiver,
    newest: int,
    now: datetime,
    lease_until: datetime,
) -> _Lane:
    limit = BATCH if receiver.failures < PAUSES_AFTER else 1
    again = session.execute(
        select(*_TOLD, Undelivered.attempts)
        .join(Undelivered, Undelivered.event_id == LoggedEvent.id)
        .where(
            Undelivered.receiver_id == receiver.id,
            Undelivered.due_at <= now,
            Undelivered.given_up_at.is_(None),
        )
        .order_by(Undelivered.due_at, Undelivered.event_id)
        .limit(limit)
    ).all()
    limit -= len(again)
    fresh = _next_in_log(session, receiver, newest, limit) if limit else []
    codes: dict[int | None, str | None] = {None: None}
    due = [
        _Due(event.id, _body(session, receiver, event, codes), attempts, event.type == types.TEST)
        for event, attempts in [(row, row.attempts) for row in again]
        + [(row, None) for row in fresh]
    ]
    return _Lane(
        receiver.id,
        receiver.name,
        receiver.url,
        receiver.personal,
        [Webhook(secret) for secret in receivers.secrets_of(session, keys, receiver.id)],
        due,
        receiver.position,
        newest if limit and len(fresh) < limit else None,
        lease_until,
        time.monotonic() + (lease_until - now).total_seconds() / 2,
        receiver.failures,
    )


def _next_in_log(session: Session, receiver: Receiver, newest: int, limit: int) -> Sequence[Any]:
    query = select(*_TOLD).where(
        LoggedEvent.id > receiver.position,
        LoggedEvent.id <= newest,
        LoggedEvent.receiver_id.is_(None),
    )
    if receiver.programme_id is not None:
        query = query.where(LoggedEvent.programme_id == receiver.programme_id)
    if receiver.types is not None:
        query = query.where(LoggedEvent.type.in_(types.meant(receiver.types)))
    return session.execute(query.order_by(LoggedEvent.id).limit(limit)).all()


def _body(
    session: Session, receiver: Receiver, event: Any, codes: dict[int | None, str | None]
) -> bytes:
    """What is posted. Personal data is read at this moment and stands in no row of ours: of a
    person who was erased meanwhile nothing is left to send."""
    if event.programme_id not in codes:
        codes[event.programme_id] = session.get_one(Programme, event.programme_id).code
    data: dict[str, Any] = dict(event.data)
    if receiver.personal and event.type in types.WITH_PERSON and event.member_id is not None:
        data["person"] = persons.profile_of(session, event.member_id)
    return orjson.dumps(
        {
            "type": event.type,
            "id": event.id,
            "timestamp": event.happened_at,
            "programme": codes[event.programme_id],
            "data": data,
        },
        option=orjson.OPT_UTC_Z,
    )


# --- Recording --------------------------------------------------------------------------------


def _record(session: Session, lane: _Lane, now: datetime) -> None:
    """Note every attempt; and how far the receiver has come, if it is still ours. It is not if the
    lease ran out, or if somebody changed the receiver meanwhile."""
    log.note_attempts(session, [_tried(lane, *one) for one in lane.results])
    receiver = session.scalar(
        select(Receiver)
        .where(Receiver.id == lane.receiver_id, Receiver.lease_until == lane.lease_until)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if receiver is None:
        return
    over = []
    for due, result, _ in lane.results:
        if result.problem is not None and not due.is_test:
            _put_off(session, lane, due, result, now)
        elif due.attempts is not None:
            over.append(due.event_id)
    if over:
        session.execute(
            delete(Undelivered).where(
                Undelivered.receiver_id == receiver.id, Undelivered.event_id.in_(over)
            )
        )
    receiver.position = max(receiver.position, lane.reached())
    receiver.lease_until = now
    _judge(receiver, lane, now)
    session.flush()


def _tried(lane: _Lane, due: _Due, result: Result, now: datetime) -> TriedEvent:
    # Of a receiver that is told of people, no word is kept: it may have repeated what it was told.
    is_kept = result.problem is not None and not lane.personal and result.answer
    return TriedEvent(
        lane.receiver_id,
        due.event_id,
        now - timedelta(milliseconds=result.took_ms),
        result.took_ms,
        result.status,
        result.problem,
        _readable(result.answer) if is_kept else None,
    )


def _readable(answer: bytes) -> str:
    text = answer[: 4 * LONGEST_ANSWER].decode("utf-8", "replace")
    return "".join(one if one.isprintable() else " " for one in text)[:LONGEST_ANSWER]


def _put_off(session: Session, lane: _Lane, due: _Due, result: Result, now: datetime) -> None:
    """The event is tried again later, or given up after the last wait."""
    tried = due.attempts or 0
    values: dict[str, Any] = {"attempts": tried + 1, "due_at": now, "given_up_at": now}
    if tried < len(WAITS):
        wait = WAITS[tried] * random.uniform(1, 1.1)  # noqa: S311 - so that not all are due at once
        asked = timedelta(seconds=result.retry_after_s or 0)
        values |= {"due_at": now + max(wait, min(asked, LONGEST_PAUSE)), "given_up_at": None}
    session.execute(
        insert_or(session, Undelivered)
        .values(receiver_id=lane.receiver_id, event_id=due.event_id, **values)
        .on_conflict_do_update(index_elements=["receiver_id", "event_id"], set_=values)
    )


def _judge(receiver: Receiver, lane: _Lane, now: datetime) -> None:
    """Whether the receiver is well, and if not, for how long it is left alone."""
    receiver.failures = lane.failures
    succeeded = any(result.problem is None for _, result, _ in lane.results)
    if succeeded:
        receiver.succeeded_at = now
    if not lane.failures:
        receiver.failing_since, receiver.paused_until = None, EPOCH
        return
    if receiver.failing_since is None or succeeded:
        receiver.failing_since = now
    if any(result.status == STATUS_GONE for _, result, _ in lane.results):
        # Standard Webhooks: such a receiver wants no more of them.
        receiver.enabled, receiver.disabled_because = False, GONE
        logger.warning("receiver_gone", receiver=receiver.public_id)
    elif lane.failures >= PAUSES_AFTER:
        pause = min(FIRST_PAUSE * 2 ** min(lane.failures - PAUSES_AFTER, 10), LONGEST_PAUSE)
        receiver.paused_until = now + pause
        logger.warning(
            "receiver_paused",
            receiver=receiver.public_id,
            failures=lane.failures,
            seconds=int(pause.total_seconds()),
        )
