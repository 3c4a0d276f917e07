"""Apple as a provider: which devices are told of a change, the telling, and its retries."""

import functools
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.database.index_only import by_index_from_here
from ledger.database.tables import EPOCH
from ledger.reports.figures import TalliedFigure
from wallet.apple import arrivals, devices, judging, signed_passes
from wallet.apple.answers import DOUBTS, WAIT, PushVerdict
from wallet.apple.device_secrets import DeviceSecrets
from wallet.apple.devices import PUSHES, DuePush
from wallet.apple.judging import Judgement
from wallet.apple.push import NOT_SENT
from wallet.apple.rotation import Senders
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing, Undecipherable
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.passes import issued
from wallet.passes.issued import Pass

# Pushes in one claim. With the newest that a claim adds, these are as many as Apple may be asked at
# once (`streams.MAX_STREAMS`): a larger batch would be no faster, but one would wait longer for it.
BATCH = 800
LONGEST_WAIT = timedelta(hours=1)  # before another attempt, and for a missing certificate or key
# Before Apple is asked again where it calls tokens bad that are known to be good.
SUSPECTED_WAIT = WAIT[PushVerdict.OPERATOR_NEEDED]

# Why a push was not sent at all.
NO_CERTIFICATE, UNREADABLE = "NoCertificate", "TokenUnreadable"
UNSENT = frozenset({NO_CERTIFICATE, UNREADABLE, NOT_SENT})

# So many pushes find out whether Apple accepts again what it called bad.
PROBES = 5

# For so long batch follows batch before the other pumps of this process get a turn.
STRETCH_S = 2.0

Tokens = Mapping[int, str]  # by the id of the device
# What became of pushes that Apple did not accept, likewise.
Others = Mapping[int, Outcome]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _ClaimedBatch:
    """Pushes that are leased to us, in the order of locks. None of them is begun after
    `begin_before`: it could end after the lease, when another worker may have claimed it.
    `tokens`: those of their devices, by the id of the device, as far as they can be read.
    `suspected`: pass types of which Apple calls tokens bad that are known to be good."""

    pushes: list[DuePush]
    tokens: Tokens
    begin_before: datetime
    suspected: frozenset[str] = frozenset()

    @property
    def is_full(self) -> bool:
        return len(self.pushes) >= BATCH


@dataclass(frozen=True, slots=True)
class _Part:
    """The pushes of one pass type, and what became of those that Apple did not accept. None: they
    were not begun, since Apple turned away others."""

    pass_type: str
    pushes: list[DuePush]
    others: Others | None


NOTHING = _ClaimedBatch([], {}, EPOCH)


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
        self._secrets = DeviceSecrets(keys)
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

        def claimed(session: Session) -> tuple[list[DuePush], frozenset[str]]:
            pushes = devices.claim(session, paused, now, BATCH, self._lease)
            return pushes, judging.suspected(session) if pushes else frozenset()

        pushes, suspected = self._database.run(claimed)
        tokens = self._tokens(pushes)
        return _ClaimedBatch(sorted(pushes), tokens, now + self._lease / 2, suspected)

    def _tokens(self, pushes: Sequence[DuePush]) -> dict[int, str]:
        """The tokens of devices. Those that cannot be read are left out, and logged by their
        number."""
        found: dict[int, str] = {}
        unreadable: Counter[str] = Counter()
        for push in pushes:
            try:
                token = self._secrets.read_push_token(push.push_token, push.library_id)
            except Undecipherable:
                unreadable[push.pass_type] += 1
            else:
                found[push.device_id] = token
        for pass_type, number in unreadable.items():
            log.error("push_tokens_unreadable", pass_type=pass_type, pushes=number)
        return found

    def _push(self, batch: _ClaimedBatch, clock: Clock) -> list[_Part]:
        """Push the batch, one pass type after the other. Returns their parts."""
        parts: list[_Part] = []
        for pass_type in sorted({push.pass_type for push in batch.pushes}):
            pushes = [push for push in batch.pushes if push.pass_type == pass_type]
            now = clock()
            if now >= batch.begin_before:
                break  # these pushes stay leased until the lease runs out, which is soon
            if now < self._paused_until.get(pass_type, now):
                parts.append(_Part(pass_type, pushes, None))
            elif pass_type in batch.suspected:
                parts += self._probe(pass_type, pushes, batch.tokens, now)
            else:
                others = self._send(pass_type, pushes, batch.tokens, now)
                parts.append(_Part(pass_type, pushes, others))
        return parts

    def _probe(
        self, pass_type: str, pushes: Sequence[DuePush], tokens: Tokens, now: datetime
    ) -> Iterator[_Part]:
        """Push to a few tokens that are known to be good; to the others only if Apple accepts one
        of these. A batch without such a token proves nothing and is pushed as ever."""
        good = [push for push in pushes if push.is_proven][:PROBES]
        first = good or list(pushes)
        refused = self._send(pass_type, first, tokens, now)
        yield _Part(pass_type, first, refused)
        tried = set(first)
        if rest := [push for push in pushes if push not in tried]:
            accepted = any(push.device_id not in refused for push in first)
            yield _Part(
                pass_type, rest, self._send(pass_type, rest, tokens, now) if accepted else None
            )

    def _send(
        self, pass_type: str, pushes: Sequence[DuePush], tokens: Tokens, now: datetime
    ) -> Others:
        sender = self._senders.get(pass_type)
        if sender is None:
            log.error("pass_type_without_certificate", pass_type=pass_type)
            every = (push.device_id for push in pushes)
            return dict.fromkeys(every, Deferred(now + LONGEST_WAIT, NO_CERTIFICATE))
        readable = [push.device_id for push in pushes if push.device_id in tokens]
        asked = list(dict.fromkeys(tokens[device_id] for device_id in readable))
        answers = sender.push(asked, now) if asked else []
        turned_away = {
            token: answer
            for token, answer in zip(asked, answers, strict=True)
            if not isinstance(answer, Sent)
        }
        for outcome in turned_away.values():
            if isinstance(outcome, Deferred) and outcome.pause:
                self._paused_until[pass_type] = outcome.until
        other = len(turned_away)
        log.info("pushed", pass_type=pass_type, sent=len(asked) - other, other=other)
        unread = Deferred(now + LONGEST_WAIT, UNREADABLE)
        others: dict[int, Outcome] = {
            push.device_id: unread for push in pushes if push.device_id not in tokens
        }
        if turned_away:
            for device_id in readable:
                if (answer := turned_away.get(tokens[device_id])) is not None:
                    others[device_id] = answer
        return others

    def _record(self, parts: Sequence[_Part], clock: Clock) -> bool:
        """Record the outcomes. True if a change came in while its push was on its way: then its row
        is due again."""
        again = False
        for part in parts:
            # `run` repeats it after a deadlock: a transaction that makes pushes due at this moment
            # locks the same rows in another order.
            noted, judgement = self._database.run(
                functools.partial(_note, keys=self._keys, part=part, now=clock())
            )
            again |= noted
            if judgement.suspects is not None:
                self._paused_until[part.pass_type] = clock() + SUSPECTED_WAIT
            _alarm(part.pass_type, judgement)
        return again


def _alarm(pass_type: str, judgement: Judgement) -> None:
    """Tell the operator of tokens that Apple calls bad, if it may not be the tokens: when that
    begins, and each time that all pushes wait for it."""
    if judgement.suspects is not None:
        log.error(
            "apns_fault",
            meaning="Apple calls tokens bad that it accepted before: look at environment, topic and"
            " certificate; pushes wait, and no phone is forgotten",
            reason=judgement.suspects,
            pass_type=pass_type,
        )
    elif judgement.unproven is not None and judgement.is_news:
        log.error(
            "apns_fault",
            meaning="Apple has accepted no push of this pass type yet and calls tokens bad: look at"
            " environment, topic and certificate; no phone is forgotten",
            reason=judgement.unproven,
            pass_type=pass_type,
        )


def _note(session: Session, keys: KeyRing, part: _Part, now: datetime) -> tuple[bool, Judgement]:
    by_index_from_here(session)
    if part.others is None:
        return PUSHES.let_go(session, part.pushes) > 0, Judgement()
    done, others = _accepted(part.pushes, part.others)
    _tally(session, done, others, now)
    judgement = judging.judge(session, keys, part.pass_type, done, others, now)
    waiting: list[tuple[DuePush, Deferred]] = []
    for push, outcome in others:
        match outcome:
            case Rejected(reason, datetime() as gone_at):
                _forget(session, push, gone_at, reason, now)
                done.append(push)
            case Deferred(_, reason) if push.device_id in judgement.dead:
                _forget(session, push, now, reason, now)
                done.append(push)
            case Rejected(reason):
                arrivals.happened(session, [push.pass_id], "push_refused", now, reason)
                done.append(push)
            case Deferred():
                if judgement.suspects is not None and outcome.reason in DOUBTS:
                    outcome = replace(outcome, until=now + SUSPECTED_WAIT, pause=True)
                waiting.append((push, outcome))
    again = PUSHES.finish(session, done)
    for push, deferred in waiting:
        until = _until(push, deferred, now)
        PUSHES.defer(session, push, until, deferred.reason, push.attempts + 1)
    return again, judgement


def _accepted(
    pushes: Sequence[DuePush], others: Others
) -> tuple[list[DuePush], list[tuple[DuePush, Outcome]]]:
    """The pushes that Apple accepted, and the others with what became of them."""
    if not others:
        return list(pushes), []
    accepted = [push for push in pushes if push.device_id not in others]
    refused = [(push, others[push.device_id]) for push in pushes if push.device_id in others]
    return accepted, refused


def _tally(
    session: Session,
    accepted: Sequence[DuePush],
    others: Sequence[tuple[DuePush, Outcome]],
    now: datetime,
) -> None:
    """Count what Apple answered; a push that had no certificate or token was not sent."""
    answered: dict[TalliedFigure, list[int]] = {
        "push_accepted": [push.pass_id for push in accepted],
        "push_failed": [push.pass_id for push, outcome in others if isinstance(outcome, Rejected)],
        "push_deferred": [
            push.pass_id
            for push, outcome in others
            if isinstance(outcome, Deferred) and outcome.reason not in UNSENT
        ],
    }
    issued.tally(session, devices.PUSH, answered, now)


def _forget(session: Session, push: DuePush, gone_at: datetime, reason: str, now: datetime) -> None:
    gone = devices.forget(session, push.device_id, push.push_token, gone_at)
    arrivals.happened(session, gone, "device_gone", now, reason)


def _until(push: DuePush, outcome: Deferred, now: datetime) -> datetime:
    if outcome.pause:
        return outcome.until
    wait: timedelta = min((outcome.until - now) * 2 ** min(push.attempts, 10), LONGEST_WAIT)
    return now + wait * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all are due at once
