"""Apple as a provider: which devices are told of a change, the telling, and its retries."""

import functools
import random
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.database.index_only import by_index
from ledger.database.tables import EPOCH
from wallet.apple import arrivals, devices, signed_passes
from wallet.apple.devices import PUSHES, DuePush
from wallet.apple.rotation import Senders
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.passes.issued import Pass

# Pushes in one claim. With the newest that a claim adds, these are as many as Apple may be asked at
# once (`push.MAX_STREAMS`): a larger batch would not be faster, but one would wait longer for it.
BATCH = 800
LONGEST_WAIT = timedelta(hours=1)  # before another attempt, and for a missing certificate

# Reasons that mean that the token is dead. Others mean that this one push was wrong.
DEAD_TOKEN = frozenset({"Unregistered", "ExpiredToken", "BadDeviceToken"})

# For so long batch follows batch before the other pumps of this process get a turn.
STRETCH_S = 2.0

Outcomes = dict[str, Outcome]  # by token

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _ClaimedBatch:
    """Pushes that are leased to us, in the order of locks. None of them is begun after
    `begin_before`: it could end after the lease, when another worker may have claimed it."""

    pushes: list[DuePush]
    begin_before: datetime

    @property
    def is_full(self) -> bool:
        return len(self.pushes) >= BATCH


@dataclass(frozen=True, slots=True)
class _Part:
    """The pushes of one pass type, and their outcomes by token. None: they were not begun, since
    Apple turned away others meanwhile."""

    pushes: list[DuePush]
    outcomes: Outcomes | None


NOTHING = _ClaimedBatch([], EPOCH)


class AppleProvider:
    """What waves and pumps know of Apple; one object in each process. `lease` is for how long a
    batch of pushes is ours."""

    name = devices.PUSH

    def __init__(
        self,
        database: Database,
        senders: Senders,
        keys: KeyRing,
        public_url: str,
        lease: timedelta,
    ) -> None:
        self._database = database
        self._senders = senders
        self._keys = keys
        self._public_url = public_url
        self._lease = lease
        self._paused_until: dict[str, datetime] = {}

    def link(self, pass_: Pass) -> str:
        """The address from which a phone downloads the bundle."""
        return f"{self._public_url}/card/{self._keys.link_token(pass_.link)}/apple.pkpass"

    def make_due(self, session: Session, pass_ids: Sequence[int], now: datetime) -> None:
        """Tell every device that is registered for one of these passes. The pushes wait as rows."""
        devices.make_due(session, pass_ids, now)

    def deliver(self, clock: Clock) -> bool:
        """Send pushes to the devices that are due. A token gets one push, however many of its
        passes changed, since a push has no content. True if there may be more to do at once."""
        batch = self._claim(clock)
        if batch.is_full:
            return self._deliver_side_by_side(batch, clock)
        return self._record(self._push(batch, clock), clock)

    @staticmethod
    def lag(session: Session, now: datetime) -> Lag:
        """How far behind phones are; the pace of waves follows it."""
        due = PUSHES.number_due(session, now, MOST_COUNTED)
        return Lag(due, signed_passes.fetched_after_s(session, now))

    def close(self) -> None:
        """Close the connections to Apple. No more pushes may be sent afterwards."""
        self._senders.close()

    def _deliver_side_by_side(self, batch: _ClaimedBatch, clock: Clock) -> bool:
        """Deliver batch after batch for `STRETCH_S`. Apple and the database work at the same time:
        while one batch is pushed, a second thread records the batch before it and claims the
        next."""
        stop_at = time.monotonic() + STRETCH_S
        recorded: list[Future[bool]] = []
        with ThreadPoolExecutor(1, "apple-rows") as rows:
            while batch.pushes:
                may_be_more = batch.is_full
                next_batch = None
                if may_be_more and time.monotonic() < stop_at:
                    next_batch = rows.submit(self._claim, clock)
                parts = self._push(batch, clock)
                recorded.append(rows.submit(self._record, parts, clock))
                batch = next_batch.result() if next_batch is not None else NOTHING
                # The claim came after all recordings but the last: if one failed, it raises here.
                for recording in recorded[:-1]:
                    recording.result()
        is_due_again = [recording.result() for recording in recorded]
        return any(is_due_again) or may_be_more

    def _claim(self, clock: Clock) -> _ClaimedBatch:
        now = clock()
        # A copy: `_send`, in the other thread, may add to it.
        paused = [name for name, until in list(self._paused_until.items()) if now < until]
        pushes = self._database.run(
            lambda session: devices.claim(session, paused, now, BATCH, self._lease)
        )
        return _ClaimedBatch(sorted(pushes), now + self._lease / 2)

    def _push(self, batch: _ClaimedBatch, clock: Clock) -> list[_Part]:
        """Push the batch, one pass type after the other. Returns a part for each."""
        parts = []
        for pass_type in sorted({push.pass_type for push in batch.pushes}):
            pushes = [push for push in batch.pushes if push.pass_type == pass_type]
            now = clock()
            if now >= batch.begin_before:
                break  # these pushes stay leased until the lease runs out, which is soon
            is_paused = now < self._paused_until.get(pass_type, now)
            parts.append(_Part(pushes, None if is_paused else self._send(pass_type, pushes, now)))
        return parts

    def _send(self, pass_type: str, pushes: Sequence[DuePush], now: datetime) -> Outcomes:
        tokens = list(dict.fromkeys(push.token for push in pushes))
        sender = self._senders.get(pass_type)
        if sender is None:
            log.error("pass_type_without_certificate", pass_type=pass_type)
            return dict.fromkeys(tokens, Deferred(now + LONGEST_WAIT, "NoCertificate"))
        outcomes = dict(zip(tokens, sender.push(tokens, now), strict=True))
        others = [one for one in outcomes.values() if not isinstance(one, Sent)]
        for outcome in others:
            if isinstance(outcome, Deferred) and outcome.pause:
                self._paused_until[pass_type] = outcome.until
        log.info("pushed", pass_type=pass_type, sent=len(tokens) - len(others), other=len(others))
        return outcomes

    def _record(self, parts: Sequence[_Part], clock: Clock) -> bool:
        """Record the outcomes. True if a change came in while its push was on its way: then its row
        is due again."""
        again = False
        for part in parts:
            # `run` repeats it after a deadlock: a transaction that makes pushes due at this moment
            # locks the same rows in another order.
            again |= self._database.run(functools.partial(_note, part=part, now=clock()))
        return again


def _note(session: Session, part: _Part, now: datetime) -> bool:
    with by_index(session):
        if part.outcomes is None:
            return PUSHES.let_go(session, part.pushes) > 0
        done: list[DuePush] = []
        waiting: list[tuple[DuePush, Deferred]] = []
        for push in part.pushes:
            match part.outcomes[push.token]:
                case Sent():
                    done.append(push)
                case Rejected(reason, gone_at) if reason in DEAD_TOKEN:
                    gone = devices.forget(session, push.device_id, push.token, gone_at or now)
                    arrivals.happened(session, gone, "device_gone", now, reason)
                    done.append(push)
                case Rejected(reason):
                    arrivals.happened(session, [push.pass_id], "push_refused", now, reason)
                    done.append(push)
                case Deferred() as outcome:
                    waiting.append((push, outcome))
        again = PUSHES.finish(session, done)
        for push, outcome in waiting:
            until = _until(push, outcome, now)
            PUSHES.defer(session, push, until, outcome.reason, push.attempts + 1)
        return again


def _until(push: DuePush, outcome: Deferred, now: datetime) -> datetime:
    if outcome.pause:
        return outcome.until
    wait: timedelta = min((outcome.until - now) * 2 ** min(push.attempts, 10), LONGEST_WAIT)
    return now + wait * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all are due at once
