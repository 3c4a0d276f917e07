"""Reading cards again at Google, because what we believe of them may be wrong. Callbacks are lost,
at times for weeks; and others who have the key of the service account can change a card there.

Cards are read one at a time, the one that waited longest first. Deliveries come before: nothing is
read while a card is to be written, and of each second's requests only a few are used. If reading a
card fails or its reader dies, the card comes again when its lease is over. So no state is needed
between turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from wallet.configuration.clock import Clock
from wallet.delivery.outcome import Deferred, Sent
from wallet.google import budget, mirror, objects
from wallet.google.client import ANSWER_LIMIT_S, Google, Reply
from wallet.google.mirror import WRITES, GoogleObject
from wallet.google.writing import OBJECTS, Writer

PUMP = "google-check"
MOST_A_SECOND = 5  # a card is read only if all workers have taken fewer requests of this second

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """A card to read, as we knew it before. If `heard_at` has changed afterwards, a callback came
    meanwhile, and that is right."""

    pass_id: int
    object_id: str
    heard_at: datetime | None


class Reconciler:
    """Reads cards and corrects what we believe of them. Safe to run in several processes at once.
    `every` is the time between two readings of a card, `lease` the time for one."""

    def __init__(
        self,
        database: Database,
        google: Google,
        writer: Writer,
        issuer: str,
        every: timedelta,
        lease: timedelta,
        pause: Callable[[float], None],
    ) -> None:
        self._database = database
        self._google = google
        self._writer = writer
        self._issuer = issuer
        self._every = every
        self._lease = lease
        self._pause = pause
        self._paused_until: datetime | None = None

    def turn(self, clock: Clock) -> bool:
        """Read the next card and correct what is wrong. True if there may be more."""
        now = clock()
        if self._paused_until is not None and now < self._paused_until:
            return False
        with self._database.transaction() as session:
            if WRITES.number_due(session, now, 1):
                return False
            check = _oldest(session, self._issuer, now)
            if check is None:
                return False
            kind = self._writer.kind_of(session, check.pass_id)
            granted = budget.take(session, self._issuer, now, MOST_A_SECOND)
            if granted:
                _move(session, check, now + self._lease)
        if not granted:
            self._pause((budget.next_second(now) - now).total_seconds())
            return clock() > now
        reply = self._google.get(
            OBJECTS[kind],
            check.object_id,
            ("hasUsers", *objects.OURS[kind]),
            now,
            ANSWER_LIMIT_S,
        )
        if isinstance(reply.outcome, Deferred):
            if reply.outcome.pause:
                self._paused_until = reply.outcome.until
            return not reply.outcome.pause
        with self._database.transaction() as session:
            if reply.missing or isinstance(reply.outcome, Sent):
                self._put_right(session, check, reply, clock())
            _move(session, check, clock() + self._every)
        return True

    def _put_right(self, session: Session, check: Check, reply: Reply, now: datetime) -> None:
        known = session.get_one(GoogleObject, check.pass_id, with_for_update=True)
        saved = reply.found.get("hasUsers") is True
        if known.heard_at == check.heard_at and known.saved is not saved:
            log.info("google_saved_corrected", pass_id=check.pass_id, saved=saved)
            mirror.believe(session, known, now, saved=saved)
        differing = self._differing(session, check, reply, now)
        if differing:
            log.warning("google_drift", pass_id=check.pass_id, fields=differing)
            # It is unknown which balance is there now: the next write replaces it, of any kind.
            known.points = None
            session.flush()
            mirror.make_due(session, [check.pass_id], now)

    def _differing(
        self, session: Session, check: Check, reply: Reply, now: datetime
    ) -> Sequence[str]:
        """The fields that are different at Google from what was last written. None are named if a
        newer version is to be written anyway."""
        if reply.missing:
            return ["id"]
        body = self._writer.last_written(session, check.pass_id, now)
        kind = self._writer.kind_of(session, check.pass_id)
        return [] if body is None else objects.differing(kind, body, reply.found)


def _oldest(session: Session, issuer: str, now: datetime) -> Check | None:
    row = session.execute(
        select(GoogleObject.pass_id, GoogleObject.object_id, GoogleObject.heard_at)
        .where(
            GoogleObject.check_at <= now,
            GoogleObject.version.is_not(None),
            # Google would refuse to read cards of an issuer that we no longer are.
            GoogleObject.object_id.startswith(f"{issuer}.", autoescape=True),
        )
        .order_by(GoogleObject.check_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    return Check(*row) if row is not None else None


def _move(session: Session, check: Check, check_at: datetime) -> None:
    session.execute(
        update(GoogleObject)
        .where(GoogleObject.pass_id == check.pass_id)
        .values(check_at=check_at)
        .execution_options(synchronize_session=False)
    )
