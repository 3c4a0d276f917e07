"""What needs a hand in a programme: values, to be said in words by whoever shows them. `doctor`
tells operators more, in English; what both know comes from the same questions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger.imports import store
from ledger.imports.store import Import
from ledger.seals import inspection
from wallet import presence
from wallet.access import counter_deeds
from wallet.apple import judging
from wallet.installation import Installation
from wallet.outreach.campaigns import Campaign
from wallet.receivers import log as receiver_log
from wallet.receivers import receivers
from wallet.receivers.receivers import Receiver
from wallet.running.pumps import WATCHED

MOST = 5  # of one kind

ConcernKind = Literal[
    "nobody_works",
    "pushes_refused",
    "certificate_ends",
    "book_unsound",
    "receiver_off",
    "receiver_fails",
    "events_given_up",
    "import_refused",
    "import_has_bad_rows",
    "import_waits",
    "campaign_paused",
    "odd_at_counter",
]


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that a person should look at, the most pressing kinds first. `id` is the public id
    of what it is about, `name` what people call it, `number` how many of what the kind counts (days
    left, bad rows, events), `since` from when on."""

    kind: ConcernKind
    id: str = ""
    name: str = ""
    number: int = 0
    since: datetime | None = None


def concerns(
    session: Session, house: Installation, programme_id: int, may: Callable[[str], bool]
) -> list[Concern]:
    """What needs a hand, as far as somebody with these rights in the programme is told of it. What
    concerns the whole installation is for those who look after the company's data."""
    now = house.clock()
    found: list[Concern] = []
    if may("company:write"):
        found += _of_the_installation(session, house, now)
    if may("receivers:write"):
        found += _of_receivers(session, programme_id, now)
    if may("imports:write"):
        found += _of_imports(session, programme_id)
    if may("campaigns:read"):
        found += _of_campaigns(session, programme_id)
    if may("changes:read"):
        found += _of_counters(session, programme_id, now)
    return found


def _of_the_installation(session: Session, house: Installation, now: datetime) -> Iterator[Concern]:
    patience = presence.patience(house.settings.beat_s)
    at_work = presence.look(session, WATCHED, now, patience)
    if not at_work.is_well:
        seen = [at for at in (at_work.beat_at, at_work.worker_at) if at is not None]
        yield Concern("nobody_works", since=max(seen, default=None))
    for topic in judging.faults(session):
        yield Concern("pushes_refused", topic.pass_type, topic.pass_type, since=topic.fault_since)
    for signer, _ in house.certificates.reminders(now):
        days_left = signer.days_left(now)
        yield Concern("certificate_ends", signer.pass_type, signer.pass_type, days_left)
    last = inspection.last(session)
    if last is not None and last.findings:
        yield Concern("book_unsound", number=len(last.findings), since=last.ended_at)


def _of_receivers(session: Session, programme_id: int, now: datetime) -> Iterator[Concern]:
    theirs = session.scalars(
        select(Receiver)
        .where(or_(Receiver.programme_id.is_(None), Receiver.programme_id == programme_id))
        .order_by(Receiver.name)
    ).all()
    given_up = receiver_log.given_up(session) if theirs else {}
    for one in theirs:
        if one.disabled_because in (receivers.GONE, receivers.RESTORED):
            yield Concern("receiver_off", one.public_id, one.name)
        elif one.enabled and one.paused_until > now:
            yield Concern("receiver_fails", one.public_id, one.name, since=one.failing_since)
        if one.id in given_up:
            yield Concern("events_given_up", one.public_id, one.name, given_up[one.id])


def _of_imports(session: Session, programme_id: int) -> Iterator[Concern]:
    """Files that were read, and wait for somebody to say what becomes of them."""
    waiting = session.scalars(
        select(Import)
        .where(
            Import.programme_id == programme_id,
            Import.state.in_((store.REFUSED, store.CHECKED)),
            Import.state != store.DONE,
        )
        .order_by(Import.id.desc())
        .limit(MOST)
    )
    for one in waiting:
        kind: ConcernKind = "import_waits"
        number = one.rows
        if one.state == store.REFUSED:
            kind, number = "import_refused", 0
        elif one.bad:
            kind, number = "import_has_bad_rows", one.bad
        yield Concern(kind, one.public_id, number=number, since=one.created_at)


def _of_counters(session: Session, programme_id: int, now: datetime) -> Iterator[Concern]:
    """What cashiers did since yesterday that somebody should look at."""
    if number := counter_deeds.number_odd(session, programme_id, now - timedelta(days=1)):
        yield Concern("odd_at_counter", number=number)


def _of_campaigns(session: Session, programme_id: int) -> Iterator[Concern]:
    paused = session.scalars(
        select(Campaign)
        .where(Campaign.programme_id == programme_id, Campaign.state == "paused")
        .order_by(Campaign.id.desc())
        .limit(MOST)
    )
    for one in paused:
        yield Concern("campaign_paused", one.public_id, one.name)
