"""Pumps: what carries waiting rows on. The rows are the queue; a task only says "look".

Each pump works in bounded batches until nothing is due. One of a kind runs at a time in a process;
if it is asked again meanwhile it looks once more after that, so no row is left lying."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

import structlog
from sqlalchemy.orm import Session

from ledger.database import outbox
from ledger.database.engine import wake_after_commit
from ledger.imports import store
from ledger.offers import offers
from ledger.points import upkeep
from ledger.reports import days
from ledger.reports.days import CountedAgain, MembersByDay
from ledger.sales import months
from ledger.seals import inspection, sealing
from wallet import happenings
from wallet.access import change_chain, letters
from wallet.access.change_chain import ChangeWalk
from wallet.apple import devices
from wallet.apple.arrivals import FetchesByDay
from wallet.delivery import waves
from wallet.finding import codes
from wallet.google import reconciling
from wallet.installation import Installation
from wallet.outreach import campaigns, rounds
from wallet.passes import renewal
from wallet.passes.coupons import CouponIssuer
from wallet.people import erasure, importing
from wallet.receivers import log as receiver_log
from wallet.running import relay

UPKEEP = offers.PUMP
SEALS = sealing.PUMP
INSPECTION = "inspection"
PUMP_NAMES = (
    outbox.RELAY,
    waves.WAVES,
    "apple",
    "google",
    reconciling.PUMP,
    UPKEEP,
    SEALS,
    INSPECTION,
    store.IMPORTS,
    campaigns.PUMP,
    happenings.PUMP,
    letters.PUMP,
    codes.PUMP,
    days.PUMP,
)

# The nightly inspection may be at work for hours, and its pump silent meanwhile.
WATCHED = tuple(name for name in PUMP_NAMES if name != INSPECTION)

# What the table of days counts again at each look.
COUNTED_AGAIN: tuple[CountedAgain, ...] = (MembersByDay(), FetchesByDay())

# A pump works for so long at a stretch; then others get their turn. A worker with few processes may
# have all pumps, and Google, which takes twenty calls a second, would keep each process for as long
# as there is work.
STRETCH_S = 5.0

log = structlog.get_logger()


class Pump:
    """Calls `step` for as long as it says that there may be more."""

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._asked = threading.Event()
        self._at_work = threading.Lock()

    def run(self) -> bool:
        """Work until nothing is due, or for `STRETCH_S`. True if there may be more: the caller is
        to ask again, behind the other pumps."""
        more = False
        self._asked.set()
        # A thread that finds the lock taken leaves: the thread that has it sees the flag, before or
        # after it lets go, and looks once more.
        while self._asked.is_set() and self._at_work.acquire(blocking=False):
            try:
                self._asked.clear()
                until = time.monotonic() + STRETCH_S
                while (more := self._step()) and time.monotonic() < until:
                    pass
            finally:
                self._at_work.release()
        return more


def pumps(installation: Installation) -> Mapping[str, Pump]:
    """Every pump of an installation, by the name of its queue."""
    database, clock = installation.database, installation.clock
    make_due = installation.make_due

    def carry_news() -> bool:
        return relay.relay(database, make_due, clock())

    def advance_waves() -> bool:
        pace = installation.pace
        return database.run(lambda session: waves.advance(session, make_due, pace, clock()))

    def keep_up() -> bool:
        more = database.run(lambda session: upkeep.turn(session, clock()))
        more = database.run(lambda session: upkeep.write_audiences(session, clock())) or more
        keys = installation.keys
        more = database.run(lambda session: renewal.turn(session, keys, clock())) or more
        more = database.run(lambda session: upkeep.release_stale_holds(session, clock())) or more
        more = database.run(lambda session: devices.renew_keys(session, keys, clock())) or more
        more = database.run(lambda session: months.open_ahead(session, clock())) or more
        more = database.run(lambda session: receiver_log.sweep(session, clock())) or more
        return database.run(lambda session: erasure.forget_devices(session, clock())) or more

    def seal() -> bool:
        more = database.run(lambda session: _seal(session, installation))
        roots = installation.keys.roots
        return database.run(lambda session: change_chain.turn(session, roots)) or more

    def inspect() -> bool:
        if database.run(lambda session: inspection.begin(session, clock())):
            findings = inspection.carry_out(database, installation.keys.roots)
            findings += _look_through_changes(installation)
            database.run(lambda session: inspection.end(session, findings, clock()))
            for finding in findings:
                log.error("ledger_unsound", finding=finding)
            log.info("ledger_inspected", findings=len(findings))
            _remind(installation)
        return False

    def reconcile() -> bool:
        return installation.google is not None and installation.google.reconcile(clock)

    def import_files() -> bool:
        return importing.work_off(installation.import_desk)

    return {
        # A provider that is not set up has a queue all the same, with nothing behind it.
        **{name: Pump(lambda: False) for name in PUMP_NAMES},
        outbox.RELAY: Pump(carry_news),
        waves.WAVES: Pump(advance_waves),
        UPKEEP: Pump(keep_up),
        store.IMPORTS: Pump(import_files),
        campaigns.PUMP: Pump(partial(_tell, installation)),
        happenings.PUMP: Pump(lambda: installation.events.deliver(clock)),
        letters.PUMP: Pump(partial(_send_letters, installation)),
        codes.PUMP: Pump(lambda: installation.codes.deliver(clock)),
        reconciling.PUMP: Pump(reconcile),
        SEALS: Pump(seal),
        INSPECTION: Pump(inspect),
        days.PUMP: Pump(partial(_count_days, installation)),
        **{
            provider.name: Pump(lambda provider=provider: provider.deliver(clock))  # type: ignore[misc]
            for provider in installation.providers
        },
    }


def _send_letters(house: Installation) -> bool:
    return house.letters is not None and house.letters.deliver(house.clock)


def _seal(session: Session, house: Installation) -> bool:
    more = sealing.turn(session, house.keys.roots, house.clock())
    # Receivers are told of postings by their seals.
    if happenings.is_listened_to(session):
        wake_after_commit(session, happenings.PUMP)
    return more


def _count_days(house: Installation) -> bool:
    return house.database.run(lambda session: days.turn(session, COUNTED_AGAIN, house.clock()))


def _look_through_changes(house: Installation) -> list[str]:
    """What is not well with the record of changes, in a sentence. Mostly only what came since the
    last night is walked."""
    with house.database.reading() as session:
        since = change_chain.begin_after(session, house.clock())
    walk = ChangeWalk(house.keys.roots, since)
    inspection.go(house.database, walk)
    house.database.run(lambda session: change_chain.remember(session, walk, house.clock()))
    return [] if walk.fault is None else [f"The record of changes: {walk.fault}"]


def _tell(house: Installation) -> bool:
    """One step of the open campaigns, and one of the rounds that this day brings. They take turns,
    so neither waits until the other has finished."""
    issuer = CouponIssuer(house.pass_type, house.keys.first.id)
    more = house.database.run(
        lambda session: campaigns.step(
            session, house.make_due, house.pace.look, house.clock(), issuer=issuer
        )
    )
    return (
        house.database.run(lambda session: rounds.step(session, house.make_due, house.clock()))
        or more
    )


def _remind(installation: Installation) -> None:
    """Log the certificates that end within thirty days; called every night."""
    now = installation.clock()
    for signer, words in installation.certificates.reminders(now):
        log.warning(
            "certificate_ends",
            pass_type=signer.pass_type,
            days_left=signer.days_left(now),
            advice=words,
        )
