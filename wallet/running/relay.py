"""Which function hears which event. The relay claims events from the outbox and hands them to their
subscribers, all in one transaction: subscribers write rows and call no vendor."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ledger import erasure
from ledger.database import outbox
from ledger.database.engine import Database, wake_after_commit
from ledger.database.outbox import Waiting
from ledger.events import (
    CardOutdated,
    Event,
    MemberChanged,
    MemberJoined,
    MemberMerged,
    OfferTurned,
    PersonErased,
    PointsAccrued,
    PointsHeld,
    PointsMoved,
    PointsRedeemed,
    PointsReversed,
    PointsTurned,
    ReceiptConfirmed,
)
from ledger.people import members
from ledger.seals import sealing
from wallet import happenings
from wallet.delivery.refresh import MakeDue, refresh, remind
from wallet.delivery.waves import start
from wallet.happenings import HappeningType, Note
from wallet.outreach import answers
from wallet.passes import issued

BATCH = 200  # events in one transaction
LONGEST_WAIT = timedelta(hours=1)  # until an event is tried again that a subscriber failed on

log = structlog.get_logger()


def relay(database: Database, make_due: Sequence[MakeDue], now: datetime) -> bool:
    """Carry one batch of events on; True if there may be more.

    If a subscriber fails, each event of the batch is heard on its own. One that fails is put off,
    for longer after each failure; the others are done."""
    try:
        with database.transaction() as session:
            waiting = outbox.claim(session, now, BATCH)
            _hear(session, [one.event for one in waiting], make_due, now)
            outbox.forget(session, [one.id for one in waiting])
    except Exception as error:
        log.error("relay_batch_failed", error=type(error).__name__)
        return _one_by_one(database, make_due, now)
    return len(waiting) == BATCH


def _one_by_one(database: Database, make_due: Sequence[MakeDue], now: datetime) -> bool:
    with database.transaction() as session:
        waiting = outbox.claim(session, now, BATCH)
        for one in waiting:
            try:
                with session.begin_nested():
                    _hear(session, [one.event], make_due, now)
                    outbox.forget(session, [one.id])
            except Exception as error:
                log.exception("event_failed", kind=type(one.event).__name__, outbox_id=one.id)
                outbox.postpone(session, one, now + _wait(one), type(error).__name__)
    return len(waiting) == BATCH


def _wait(waiting: Waiting) -> timedelta:
    return min(timedelta(seconds=2 ** min(waiting.attempts, 12)), LONGEST_WAIT)


def _hear(
    session: Session, events: Sequence[Event], make_due: Sequence[MakeDue], now: datetime
) -> None:
    """Let subscribers hear these events. So far every kind of event concerns what cards show."""
    concerned = sorted({event.member_id for event in events if event.member_id is not None})
    if concerned:
        erasure.take_late_words(session, concerned)
        sharing = [member.id for member in members.using_accounts_of(session, concerned)]
        pass_ids = issued.ids_of_members(session, sharing)
        written = answers.hear(session, events, pass_ids, now)
        refresh(session, pass_ids, make_due, now)
        answers.settle(session, written, now)
    outdated = sorted({one.member_id for one in events if isinstance(one, CardOutdated)})
    if outdated:
        remind(session, issued.ids_of_members(session, outdated), make_due, now)
    for programme_id, offer_id in _many(events):
        start(session, programme_id, now, offer_id)
    _tell_receivers(session, events, now)


TOLD: Mapping[type[Event], HappeningType] = {
    MemberJoined: "member.joined",
    MemberChanged: "member.changed",
    MemberMerged: "member.merged",
    PersonErased: "member.erased",
    PointsHeld: "balance.changed",
    PointsTurned: "balance.changed",
}
POSTED = (PointsAccrued, PointsRedeemed, PointsReversed, PointsMoved, PointsTurned)


def _tell_receivers(session: Session, events: Sequence[Event], now: datetime) -> None:
    """Note what receivers outside are told of. Of postings they are told by their seals, which
    come soon when they are asked for."""
    if not happenings.is_listened_to(session):
        return
    found: dict[HappeningType, dict[int, Note]] = {}
    for event in events:
        kind = TOLD.get(type(event))
        if kind is not None and event.member_id is not None:
            about = {"into": event.into_id} if isinstance(event, MemberMerged) else {}
            found.setdefault(kind, {})[event.member_id] = Note(event.member_id, about)
    for kind, notes in found.items():
        happenings.note(session, kind, notes.values(), now)
    sold = [one for one in events if isinstance(one, ReceiptConfirmed)]
    happenings.note(session, "receipt.confirmed", map(_of_receipt, sold), now)
    if any(isinstance(event, POSTED) for event in events):
        wake_after_commit(session, sealing.PUMP)


def _of_receipt(event: ReceiptConfirmed) -> Note:
    about = {"programme": event.programme_id, "month": event.month, "receipt": event.receipt_id}
    return Note(event.member_id, about)


def _many(events: Iterable[Event]) -> list[tuple[int, int | None]]:
    """Programmes in which something happened to all members; with an offer, to its audience."""
    turned = {
        (event.programme_id, event.offer_id)
        for event in events
        if isinstance(event, OfferTurned) and event.member_id is None
    }
    of_all = {programme_id for programme_id, offer_id in turned if offer_id is None}
    return [
        *((programme_id, None) for programme_id in sorted(of_all)),
        *sorted((one, offer_id) for one, offer_id in turned if offer_id and one not in of_all),
    ]
