"""Google as a provider: which cards are to be written, the writing, and the save link."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.reports.figures import TalliedFigure
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import GoogleSettings
from wallet.delivery.outcome import Deferred, Rejected, Sent
from wallet.google import budget, links, mirror
from wallet.google.account import ServiceAccount
from wallet.google.client import Google, is_down
from wallet.google.mirror import WRITES, Due
from wallet.google.reconciling import Reconciler
from wallet.google.writing import (
    CARD_GONE,
    CLASS_BUSY,
    NO_BUDGET,
    OUT_OF_TIME,
    WriteBudget,
    Writer,
    WriteResult,
)
from wallet.passes import issued
from wallet.passes.issued import Pass

BATCH = budget.A_SECOND  # cards in one claim; more than a second's requests would wait leased
WRITERS = 10  # calls at once, so that a second's budget is spent within it: docs/decisions/0006
LONGEST_WAIT = timedelta(hours=1)  # before another attempt
AFTER_A_BUG = timedelta(minutes=1)  # the wait after an exception
PAUSED = "paused"
# Reasons that do not count as an attempt: other writes were first, nothing is wrong with this one.
NOBODYS_FAULT = frozenset({NO_BUDGET, CLASS_BUSY, OUT_OF_TIME, PAUSED})

# A person waits for the link: for so long at most, with so many looks whether Google has the card.
CLICK_LIMIT = timedelta(seconds=5)
CLICK_LOOKS = 25

Pause = Callable[[float], None]
# Whether Google has a card now, would not have it, or did not answer.
Brought = Literal["there", "refused", "no_answer"]

log = structlog.get_logger()


class GoogleProvider:
    """What waves, pumps and pages know of Google; one object in each process. `lease` is for how
    long a batch of writes is ours."""

    name = mirror.PUMP

    def __init__(
        self,
        database: Database,
        settings: GoogleSettings,
        account: ServiceAccount,
        keys: KeyRing,
        public_url: str,
        lease: timedelta,
        pause: Pause = time.sleep,
    ) -> None:
        self.settings = settings
        self._database = database
        self._account = account
        self._google = Google(settings.api_url, account)
        self._writer = Writer(database, self._google, keys, settings.issuer, public_url, lease)
        self._reconciler = Reconciler(
            database,
            self._google,
            self._writer,
            settings.issuer,
            timedelta(seconds=settings.check_s),
            lease,
            pause,
        )
        self._keys = keys
        self._public_url = public_url
        self._lease = lease
        self._pause = pause
        self._paused_until: datetime | None = None

    def link(self, pass_: Pass) -> str:
        """The address that writes the card to Google and then redirects to the save link."""
        return f"{self._public_url}/card/{self._keys.link_token(pass_.link)}/google"

    def make_due(self, session: Session, pass_ids: Sequence[int], now: datetime) -> None:
        """Write those of these passes that are at Google, and the cards of their members: if a
        coupon changed, the card to which it is linked may have to change too."""
        cards = issued.cards_with_coupons(session, pass_ids)
        mirror.make_due(session, [*pass_ids, *cards], now)

    def deliver(self, clock: Clock) -> bool:
        """Write the cards that are due, each in its newest version. True if there may be more to do
        at once."""
        now = clock()
        if self._paused_until is not None and now < self._paused_until:
            return False
        with self._database.transaction() as session:
            claimed = WRITES.claim(session, now, BATCH, self._lease)
        if not claimed:
            return False
        with ThreadPoolExecutor(WRITERS) as pool:
            results = list(pool.map(lambda due: self._deliver_one(due, clock), claimed))
        again = self._record(claimed, results, clock)
        if any(_is_out_of_budget(written) for written in results):
            return self._wait_for_budget(clock)
        return again or len(claimed) == BATCH

    def reconcile(self, clock: Clock) -> bool:
        """Read the card that was not read for the longest time, and correct what is wrong. True if
        there may be more."""
        return self._reconciler.turn(clock)

    def save_link(self, pass_: Pass, clock: Clock) -> str | None:
        """The address where the person adds the card. It is made at this moment, after Google has
        the card. If Google's API does not answer while the person waits, the link brings the card
        itself, where that is short enough. None if Google refuses the card, or there is no such
        link."""
        object_id = self._writer.object_id(pass_)
        if not self._is_written(pass_, object_id):
            with self._database.transaction() as session:
                mirror.add(session, pass_.id, object_id, clock(), CLICK_LIMIT)
            match self._bring(pass_, object_id, clock):
                case "refused":
                    return None
                case "no_answer":
                    return self._link_that_brings(pass_, clock)
        with self._database.reading() as session:
            class_id = self._writer.class_id(session, pass_)
            kind = self._writer.kind(session, pass_)
        return links.save_link(
            self.settings.save_url, self._account, kind, object_id, class_id, clock()
        )

    def close(self) -> None:
        """Close the connections to Google."""
        self._google.close()

    def _link_that_brings(self, pass_: Pass, clock: Clock) -> str | None:
        """A link with the card in it. The write that waits finds the card there, once the API
        answers again."""
        with self._database.reading() as session:
            found = self._writer.in_whole(session, pass_, clock())
            kind = self._writer.kind(session, pass_)
        if found is None:
            return None
        link = links.link_that_brings(self.settings.save_url, self._account, kind, *found, clock())
        log.warning("google_link_in_whole", pass_id=pass_.id, fits=link is not None)
        return link

    def _bring(self, pass_: Pass, object_id: str, clock: Clock) -> Brought:
        """Write the card now, or wait until another worker has: people press the button twice."""
        until = clock() + CLICK_LIMIT
        for _ in range(CLICK_LOOKS):
            now = clock()
            if now >= until:
                break
            with self._database.transaction() as session:
                due = WRITES.claim_one(session, [pass_.id], now, until - now)
            if due is not None:
                written = self._write(due, clock)
                self._record([due], [written], clock)
                if isinstance(written.outcome, Sent):
                    return "there"
                if not _is_nobodys_fault(written):
                    return "no_answer" if is_down(written.outcome.reason) else "refused"
            elif self._is_written(pass_, object_id):
                return "there"
            self._pause(CLICK_LIMIT.total_seconds() / CLICK_LOOKS)
        return "no_answer"

    def _is_written(self, pass_: Pass, object_id: str) -> bool:
        with self._database.reading() as session:
            return mirror.is_written(session, pass_.id, object_id)

    def _deliver_one(self, due: Due, clock: Clock) -> WriteResult:
        """Write one card of a batch. If an earlier one found that Google does not accept any now,
        the others are not tried."""
        if self._paused_until is not None and clock() < self._paused_until:
            return WriteResult(Deferred(self._paused_until, PAUSED))
        return self._write(due, clock)

    def _write(self, due: Due, clock: Clock) -> WriteResult:
        try:
            written = self._writer.write(due, WriteBudget(clock, due.lease_until))
        except Exception as error:
            # A card whose write raises must not hold up the others of its batch for ever.
            log.exception("google_write_failed", pass_id=due.pass_id)
            return WriteResult(Deferred(clock() + AFTER_A_BUG, type(error).__name__))
        if isinstance(written.outcome, Deferred) and written.outcome.pause:
            self._paused_until = written.outcome.until
        return written

    def _record(self, writes: Sequence[Due], results: Sequence[WriteResult], clock: Clock) -> bool:
        """Store what became of these writes. True if one of them is due again."""
        return self._database.run(lambda session: self._note(session, writes, results, clock()))

    def _note(
        self, session: Session, writes: Sequence[Due], results: Sequence[WriteResult], now: datetime
    ) -> bool:
        """Record the results. True if a change came in while its write was on its way: then its row
        is due again."""
        done: list[Due] = []
        new: list[int] = []
        _tally(session, writes, results, now)
        for due, written in zip(writes, results, strict=True):
            match written.outcome:
                case Sent():
                    if written.copy is not None and mirror.written(session, written.copy):
                        new.append(due.pass_id)
                    done.append(due)
                case Rejected(reason):
                    mirror.refused(session, due.pass_id, reason)
                    done.append(due)
                case Deferred():
                    pass
        for due, written in zip(writes, results, strict=True):
            if isinstance(written.outcome, Deferred):
                _defer(session, due, written.outcome, now)
        # A card links to a coupon as soon as Google has the coupon, and not before.
        if cards := issued.cards_with_coupons(session, new):
            mirror.make_due(session, cards, now)
        return WRITES.finish(session, done)

    def _wait_for_budget(self, clock: Clock) -> bool:
        """Wait until the second is over. This is the ordinary pace of the pump and not a retry: if
        it were left to the rows and the beat, twenty cards would be written every few seconds
        instead of every second."""
        now = clock()
        self._pause((budget.next_second(now) - now).total_seconds())
        return clock() > now


def _tally(
    session: Session, writes: Sequence[Due], results: Sequence[WriteResult], now: datetime
) -> None:
    """Count what Google answered; what was not asked of it at all is nothing."""
    answered: dict[TalliedFigure, list[int]] = {}
    for due, written in zip(writes, results, strict=True):
        match written.outcome:
            case Sent():
                answered.setdefault("push_accepted", []).append(due.pass_id)
            case Rejected(reason) if reason != CARD_GONE:
                answered.setdefault("push_failed", []).append(due.pass_id)
            case Deferred(_, reason) if reason not in NOBODYS_FAULT:
                answered.setdefault("push_deferred", []).append(due.pass_id)
    issued.tally(session, mirror.PUMP, answered, now)


def _defer(session: Session, due: Due, outcome: Deferred, now: datetime) -> None:
    if outcome.reason in NOBODYS_FAULT:
        WRITES.defer(session, due, outcome.until, outcome.reason, due.attempts)
        return
    until = outcome.until
    if not outcome.pause:
        wait = min((until - now) * 2 ** min(due.attempts, 10), LONGEST_WAIT)
        until = now + wait * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all are due at once
    WRITES.defer(session, due, until, outcome.reason, due.attempts + 1)


def _is_nobodys_fault(written: WriteResult) -> bool:
    return isinstance(written.outcome, Deferred) and written.outcome.reason in NOBODYS_FAULT


def _is_out_of_budget(written: WriteResult) -> bool:
    return isinstance(written.outcome, Deferred) and written.outcome.reason == NO_BUDGET
