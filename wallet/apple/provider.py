"""Apple as a provider: who is to be told of a change, and the telling."""

import functools
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ledger.database import Database
from wallet.apple import arrivals, devices, shelf
from wallet.apple.devices import DuePush
from wallet.apple.rotation import Senders
from wallet.keyring import KeyRing
from wallet.outcome import Deferred, Outcome, Rejected, Sent
from wallet.passes.issuing import Pass
from wallet.providers import MOST_COUNTED, Clock, Lag

BATCH = 2000
LONGEST_WAIT = timedelta(hours=1)

# The token is no good any more, as opposed to a push that was wrong in itself.
DEAD_TOKEN = frozenset({"Unregistered", "ExpiredToken", "BadDeviceToken"})

log = structlog.get_logger()


class AppleProvider:
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
        """The address that answers the bundle itself."""
        return f"{self._public_url}/card/{self._keys.card_token(pass_.serial)}/apple.pkpass"

    def make_due(self, session: Session, pass_ids: Sequence[int], now: datetime) -> None:
        devices.make_due(session, pass_ids, now)

    def deliver(self, clock: Clock) -> bool:
        """Push to the devices that are due; one push per token, however many of its passes
        changed, since it carries no content."""
        now = clock()
        paused = [name for name, until in self._paused_until.items() if now < until]
        claimed = self._database.run(
            lambda session: devices.claim(session, paused, now, BATCH, self._lease)
        )
        again = False
        for pass_type in sorted({push.pass_type for push in claimed}):
            theirs = [push for push in claimed if push.pass_type == pass_type]
            outcomes = self._push(pass_type, theirs, clock())
            record = functools.partial(self._record, pushes=theirs, outcomes=outcomes, now=clock())
            # Whoever makes pushes due meanwhile takes the same rows in an order of its own.
            again |= self._database.run(record)
        return again or len(claimed) >= BATCH

    @staticmethod
    def lag(session: Session, now: datetime) -> Lag:
        """How far phones are behind, for waves to keep their pace by."""
        due = devices.number_due(session, now, MOST_COUNTED)
        return Lag(due, shelf.fetched_after_s(session, now))

    def close(self) -> None:
        self._senders.close()

    def _push(self, pass_type: str, pushes: Sequence[DuePush], now: datetime) -> dict[str, Outcome]:
        """Outcomes by token."""
        tokens = sorted({push.token for push in pushes})
        sender = self._senders.get(pass_type)
        if sender is None:
            log.error("pass_type_without_certificate", pass_type=pass_type)
            return dict.fromkeys(tokens, Deferred(now + LONGEST_WAIT, "NoCertificate"))
        outcomes = dict(zip(tokens, sender.push(tokens, now), strict=True))
        sent = sum(isinstance(outcome, Sent) for outcome in outcomes.values())
        log.info("pushed", pass_type=pass_type, sent=sent, other=len(outcomes) - sent)
        return outcomes

    def _record(
        self,
        session: Session,
        pushes: Sequence[DuePush],
        outcomes: dict[str, Outcome],
        now: datetime,
    ) -> bool:
        """True if a change came in while its push was on its way: then the row is due again."""
        done: list[DuePush] = []
        for push in sorted(pushes, key=lambda push: (push.device_id, push.pass_id)):
            match outcomes[push.token]:
                case Rejected(reason, gone_at) if reason in DEAD_TOKEN:
                    gone = devices.forget(session, push.device_id, push.token, gone_at or now)
                    arrivals.happened(session, gone, "device_gone", now, reason)
                    done.append(push)
                case Rejected(reason):
                    arrivals.happened(session, [push.pass_id], "push_refused", now, reason)
                    done.append(push)
                case Sent():
                    done.append(push)
                case Deferred():
                    pass
        again = devices.settled(session, done)
        for push in pushes:
            outcome = outcomes[push.token]
            if isinstance(outcome, Deferred):
                self._defer(session, push, outcome, now)
        return again

    def _defer(self, session: Session, push: DuePush, outcome: Deferred, now: datetime) -> None:
        if outcome.pause:
            self._paused_until[push.pass_type] = until = outcome.until
        else:
            wait = min((outcome.until - now) * 2 ** min(push.attempts, 10), LONGEST_WAIT)
            until = now + wait * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all come back at once
        devices.deferred(session, push, until, outcome.reason)
