"""Jobs: what takes long and is under way, or was over lately, whatever it is: one view over
imports, campaigns, changes of all cards, and exports. Nothing is kept twice: each has its own row,
and says itself how far it came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger.imports import store
from ledger.imports.store import Import
from ledger.offers.offers import Offer
from wallet.access.changes import Author, RecordedChange
from wallet.access.exports import Export
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.outreach.campaigns import Campaign

LATELY = timedelta(days=7)
MOST = 50  # of each kind
# An export whose process died never ends in its row.
EXPORT_LASTS = timedelta(hours=6)

JobKind = Literal["import", "campaign", "wave", "export"]
# waiting: it is for a person to go on. planned: it begins by itself, later.
JobState = Literal["planned", "running", "paused", "waiting", "done", "cancelled", "failed"]
OPEN: frozenset[JobState] = frozenset({"planned", "running", "paused", "waiting"})

# The change with which each kind begins: its author began it. A change of all cards is begun by
# another change, of a design or an offer.
BEGUN_BY: Mapping[JobKind, str] = {
    "import": "import.applied",
    "campaign": "campaign.started",
    "export": "export.began",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. `name`: what people call it, empty if it has no name of its own.
    `of`: the kind of rows it counts, of `total` of which `done` are done; `total` is None while
    nobody knows. `ends_about`: by its own pace, None if that is not known. `rows_left_out`: those
    of an import that were not taken. `by`: who began it, as far as the record of changes tells."""

    kind: JobKind
    id: str
    name: str
    state: JobState
    step: str
    done: int
    total: int | None
    began_at: datetime
    ended_at: datetime | None
    ends_about: datetime | None
    rows_left_out: int = 0
    by: Author | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in OPEN

    @property
    def percent(self) -> int | None:
        """How much of it is done; None while that is not known."""
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)


def running(session: Session, programme_id: int, now: datetime) -> int:
    """How many jobs of the programme are at work at this moment: asked by every page, so by four
    small queries on indexes of what is open."""
    newest = (
        select(Export.id, Export.ended_at, Export.started_at)
        .where(Export.programme_id == programme_id)
        .order_by(Export.id.desc())
        .limit(MOST)
        .subquery()
    )
    at_work = (
        select(Import.id).where(
            Import.programme_id == programme_id,
            Import.state.in_((store.READING, store.APPLYING)),
            Import.state != store.DONE,
        ),
        select(Campaign.id).where(
            Campaign.programme_id == programme_id, Campaign.state == "running"
        ),
        select(Wave.id).where(Wave.programme_id == programme_id, Wave.state == waves.RUNNING),
        select(newest.c.id).where(
            newest.c.ended_at.is_(None), newest.c.started_at > now - EXPORT_LASTS
        ),
    )
    return sum(len(session.scalars(query.limit(MOST)).all()) for query in at_work)


def listed(session: Session, programme_id: int, now: datetime) -> list[Job]:
    """The jobs of a programme that are open, or were over within `LATELY`: those at work first,
    then the newest."""
    found = [
        *_imports(session, programme_id, now),
        *_campaigns(session, programme_id, now),
        *_waves(session, programme_id, now),
        *_exports(session, programme_id, now),
    ]
    found.sort(key=lambda job: job.began_at, reverse=True)
    found.sort(key=lambda job: (job.state != "running", not job.is_open))
    return found


def _imports(session: Session, programme_id: int, now: datetime) -> Iterator[Job]:
    rows = session.scalars(
        select(Import)
        .where(
            Import.programme_id == programme_id,
            or_(Import.finished_at.is_(None), Import.finished_at > now - LATELY),
        )
        .order_by(Import.id.desc())
        .limit(MOST)
    ).all()
    authors = _authors(session, "import", [one.public_id for one in rows])
    states: Mapping[str, JobState] = {
        store.READING: "running",
        store.REFUSED: "failed",
        store.CHECKED: "waiting",
        store.APPLYING: "running",
        store.DONE: "done",
    }
    for one in rows:
        is_read = one.state != store.READING
        done = one.applied + one.left_out if one.state in (store.APPLYING, store.DONE) else one.rows
        total = one.rows if is_read else one.rows_in_file
        yield Job(
            "import",
            one.public_id,
            "",
            states[one.state],
            one.state,
            done,
            total,
            one.created_at,
            one.finished_at,
            _at_this_pace(done, total, one.started_at, now)
            if one.state == store.APPLYING
            else None,
            one.bad if one.state == store.CHECKED else one.left_out,
            authors.get(one.public_id),
        )


def _campaigns(session: Session, programme_id: int, now: datetime) -> Iterator[Job]:
    rows = session.scalars(
        select(Campaign)
        .where(
            Campaign.programme_id == programme_id,
            Campaign.state != "draft",
            or_(Campaign.finished_at.is_(None), Campaign.finished_at > now - LATELY),
        )
        .order_by(Campaign.id.desc())
        .limit(MOST)
    ).all()
    authors = _authors(session, "campaign", [one.public_id for one in rows])
    states: Mapping[str, JobState] = {
        "scheduled": "planned",
        "running": "running",
        "paused": "paused",
        "done": "done",
        "cancelled": "cancelled",
    }
    for one in rows:
        is_frozen = one.frozen_at is not None
        yield Job(
            "campaign",
            one.public_id,
            one.name,
            states[one.state],
            "telling" if is_frozen else "gathering",
            one.done,
            one.recipients if is_frozen else None,
            one.started_at or one.starts_at or one.created_at,
            one.finished_at,
            one.ends_about,
            by=authors.get(one.public_id),
        )


def _waves(session: Session, programme_id: int, now: datetime) -> Iterator[Job]:
    rows = session.execute(
        select(Wave, Offer.public_id)
        .outerjoin(Offer, Offer.id == Wave.offer_id)
        .where(
            Wave.programme_id == programme_id,
            or_(Wave.finished_at.is_(None), Wave.finished_at > now - LATELY),
        )
        .order_by(Wave.id.desc())
        .limit(MOST)
    ).all()
    states: Mapping[str, JobState] = {
        waves.RUNNING: "running",
        waves.PAUSED: "paused",
        waves.DONE: "done",
        waves.CANCELLED: "cancelled",
    }
    for one, offer in rows:
        yield Job(
            "wave",
            one.public_id,
            "",
            states[one.state],
            "offer" if offer is not None else "cards",
            one.seen,
            one.total,
            one.created_at,
            one.finished_at,
            one.expected_at,
        )


def _exports(session: Session, programme_id: int, now: datetime) -> Iterator[Job]:
    rows = session.scalars(
        select(Export)
        .where(Export.programme_id == programme_id, Export.started_at > now - LATELY)
        .order_by(Export.id.desc())
        .limit(MOST)
    ).all()
    authors = _authors(session, "export", [one.public_id for one in rows])
    for one in rows:
        state: JobState = "done" if one.complete else "failed"
        if one.ended_at is None and one.started_at > now - EXPORT_LASTS:
            state = "running"
        yield Job(
            "export",
            one.public_id,
            "",
            state,
            one.what,
            one.rows,
            one.rows if one.complete else None,
            one.started_at,
            one.ended_at,
            None,
            by=authors.get(one.public_id),
        )


def _at_this_pace(
    done: int, total: int | None, since: datetime | None, now: datetime
) -> datetime | None:
    if since is None or not total or not done or done >= total or now <= since:
        return None
    return now + (now - since) * ((total - done) / done)


def _authors(session: Session, kind: JobKind, ids: Sequence[str]) -> dict[str, Author]:
    """Who began these, by their ids: as far as the record of changes tells."""
    if not ids:
        return {}
    rows = session.execute(
        select(RecordedChange.of_id, RecordedChange.author_kind, RecordedChange.author_name)
        .where(
            RecordedChange.of_kind == kind,
            RecordedChange.of_id.in_(ids),
            RecordedChange.code == BEGUN_BY[kind],
        )
        .order_by(RecordedChange.at, RecordedChange.id)
    )
    return {row[0]: Author(row[1], row[2]) for row in rows}
