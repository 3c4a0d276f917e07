"""A change for all cards of a programme, or of an audience: a row that remembers how far it came,
advanced in bounded steps. After each step as many phones may ask for their cards, so steps keep a
pace: it grows while phones fetch at once, and shrinks when they fetch late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.engine import wake_after_commit
from ledger.database.tables import Base, Identifier, Instant
from ledger.offers import offers
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.delivery.refresh import MakeDue, refresh
from wallet.errors import UnknownWave, WaveOver
from wallet.passes import issued

WAVES = "waves"

RUNNING, PAUSED, DONE, CANCELLED = "running", "paused", "done", "cancelled"

# In passes a second.
FIRST_PACE = 250
SLOWEST_PACE = 20
LOOK_EVERY = timedelta(seconds=5)  # at how far phones are behind
LONGEST_BURST = timedelta(seconds=10)  # a wave that fell behind its pace makes up for no more
LATE_S = 15.0  # from a change to its fetch, for phones that are quick
# How far phones are behind.
LookAtLag = Callable[[Session, datetime], Lag]


class Wave(Base):
    """A refresh of all passes of a programme; or, with an `offer_id`, of the members for whom that
    offer was written down. It has come up to and with pass `after_id`, or member. Of `total` passes
    it has looked at `seen`, and `changed` of them differed. `pace` is in passes a second; its next
    step is not due before `next_at`."""

    __tablename__ = "wallet_wave"
    __table_args__ = (Index("ix_wallet_wave_state", "state", "next_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_offer.id"))
    after_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16))
    total: Mapped[int]
    seen: Mapped[int]
    changed: Mapped[int]
    pace: Mapped[int]
    next_at: Mapped[datetime] = mapped_column(Instant)
    looked_at: Mapped[datetime] = mapped_column(Instant)
    expected_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast waves go: at most `most` passes a second; `look` tells how far phones are behind."""

    most: int
    look: LookAtLag

    def after(self, pace: int, lag: Lag) -> int:
        """The next pace, in passes a second: 0 while pushes pile up, half when fetches are late,
        otherwise a quarter more. After 0 it begins again at the slowest."""
        if lag.pushes_due >= MOST_COUNTED:
            return 0
        if fetches_are_late(lag):
            return max(SLOWEST_PACE, pace // 2)
        return min(self.most, max(SLOWEST_PACE, pace + pace // 4))


def fetches_are_late(lag: Lag) -> bool:
    """Whether even the quick phones fetch their cards more than `LATE_S` after a change."""
    return lag.fetched_after_s is not None and lag.fetched_after_s > LATE_S


def start(session: Session, programme_id: int, now: datetime, offer_id: int | None = None) -> Wave:
    """Begin a wave: all passes of the programme may have changed, or with an `offer_id` those of
    the members whom this offer is for."""
    total = (
        issued.number_in_programme(session, programme_id)
        if offer_id is None
        else issued.number_of_audience(session, offer_id)
    )
    wave = Wave(
        public_id=str(uuid7()),
        programme_id=programme_id,
        offer_id=offer_id,
        after_id=0,
        created_at=now,
        state=RUNNING,
        total=total,
        seen=0,
        changed=0,
        pace=FIRST_PACE,
        next_at=now - LOOK_EVERY,
        looked_at=now,
    )
    session.add(wave)
    wake_after_commit(session, WAVES)
    return wave


def advance(
    session: Session, make_due: Sequence[MakeDue], pace: Pace, now: datetime, limit: int = 200
) -> bool:
    """One step of the wave whose turn it is; False if there is none, if it is not due yet, or if
    another worker is at it. Waves share the pace: with two under way each goes half as fast."""
    turns = select(Wave.id).where(Wave.state == RUNNING).order_by(Wave.next_at, Wave.id)
    under_way = session.scalars(turns).all()
    wave = _lock(session, under_way[0], now) if under_way else None
    if wave is None:
        return False
    if now - wave.looked_at >= LOOK_EVERY:
        wave.pace, wave.looked_at = pace.after(wave.pace, pace.look(session, now)), now
    rate = min(wave.pace, pace.most) / len(under_way)
    if rate == 0:
        wave.next_at, wave.expected_at = now + LOOK_EVERY, None
        return True
    limit = min(limit, max(1, int(rate)))
    pass_ids, is_last = _next(session, wave, limit)
    if pass_ids:
        wave.seen += len(pass_ids)
        wave.changed += refresh(session, pass_ids, make_due, now)
        wave.next_at = max(wave.next_at, now - LONGEST_BURST) + timedelta(
            seconds=len(pass_ids) / rate
        )
    left = max(0, wave.total - wave.seen)
    wave.expected_at = max(now, wave.next_at) + timedelta(seconds=left / rate)
    if is_last:
        _end(wave, DONE, now)
    return True


def _next(session: Session, wave: Wave, limit: int) -> tuple[Sequence[int], bool]:
    """The passes that come next, and whether they are the last; the wave remembers how far it
    came."""
    if wave.offer_id is None:
        found = pass_ids = issued.in_programme(session, wave.programme_id, wave.after_id, limit)
    else:
        found = offers.audience(session, wave.offer_id, wave.after_id, limit)
        pass_ids = issued.ids_of_members(session, found)
    if found:
        wave.after_id = found[-1]
    return pass_ids, len(found) < limit


def _lock(session: Session, wave_id: int, now: datetime) -> Wave | None:
    return session.scalar(
        select(Wave)
        .where(Wave.id == wave_id, Wave.state == RUNNING, Wave.next_at <= now)
        .with_for_update(skip_locked=True)
    )


def find(session: Session, public_id: str) -> Wave:
    """The wave of this id. Raises `UnknownWave`."""
    found = session.scalar(select(Wave).where(Wave.public_id == public_id))
    if found is None:
        raise UnknownWave
    return found


def of_designs(session: Session, programme_id: int) -> Wave | None:
    """The wave that brings all cards of a programme up to date and has some left; None if none
    does."""
    return session.scalar(
        select(Wave)
        .where(
            Wave.programme_id == programme_id,
            Wave.offer_id.is_(None),
            Wave.state.in_((RUNNING, PAUSED)),
            Wave.seen < Wave.total,
        )
        .order_by(Wave.id.desc())
        .limit(1)
    )


def listed(
    session: Session,
    programme_id: int | None,
    before: int | None,
    limit: int,
    *,
    on_their_way: bool = False,
) -> Sequence[Wave]:
    """Waves of one programme, or of all, newest first; with `before`, those older than that one;
    `on_their_way`: without those that are over."""
    query = select(Wave).order_by(Wave.id.desc()).limit(limit)
    if programme_id is not None:
        query = query.where(Wave.programme_id == programme_id)
    if before is not None:
        query = query.where(Wave.id < before)
    if on_their_way:
        query = query.where(Wave.finished_at.is_(None))
    return session.scalars(query).all()


def pause(session: Session, public_id: str) -> Wave:
    """Stop a wave until it is resumed: cards that it has not reached keep what they show. Raises
    `UnknownWave`, `WaveOver`."""
    found = _under_way(session, public_id)
    found.state, found.expected_at = PAUSED, None
    return found


def resume(session: Session, public_id: str, now: datetime) -> Wave:
    """Let a paused wave go on, at the first pace. Raises `UnknownWave`, `WaveOver`."""
    found = _under_way(session, public_id)
    if found.state == PAUSED:
        found.state, found.pace = RUNNING, FIRST_PACE
        found.next_at = found.looked_at = now
        wake_after_commit(session, WAVES)
    return found


def cancel(session: Session, public_id: str, now: datetime) -> Wave:
    """End a wave for good: cards that it has not reached keep what they show until something else
    changes them. Raises `UnknownWave`, `WaveOver`."""
    found = _under_way(session, public_id)
    _end(found, CANCELLED, now)
    return found


def _under_way(session: Session, public_id: str) -> Wave:
    """The wave, locked: none of its steps is under way, and none begins before we commit. Raises
    `UnknownWave`, `WaveOver`."""
    found = session.scalar(
        select(Wave)
        .where(Wave.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownWave
    if found.state not in (RUNNING, PAUSED):
        raise WaveOver(found.state)
    return found


def _end(wave: Wave, state: str, now: datetime) -> None:
    wave.state, wave.finished_at, wave.expected_at = state, now, None
