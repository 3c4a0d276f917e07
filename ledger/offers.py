"""Offers: what a member is shown. For all members of a programme, or for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database import outbox
from ledger.database.tables import Base, Identifier, Instant
from ledger.errors import DateOutOfRange, DatesOutOfOrder, UnknownOffer
from ledger.events import OfferTurned
from ledger.limits import EARLIEST, LATEST, NEVER
from ledger.people import members


class Offer(Base):
    """One offer: for all members of the programme (`member_id` is null) or for one. It is shown
    from `starts_at` until before `ends_at`, unless it was withdrawn. `turns_at` is the next of
    these moments that was not told yet; `NEVER` if there is none."""

    __tablename__ = "ledger_offer"
    __table_args__ = (Index("ix_ledger_offer_shown", "programme_id", "member_id", "ends_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_member.id"))
    title: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(2000))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    turns_at: Mapped[datetime] = mapped_column(Instant, index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """An offer to be published. Without dates it is shown at once, and until it is withdrawn."""

    title: str
    text: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def publish(
    session: Session, programme_id: int, member_id: int | None, draft: OfferDraft, now: datetime
) -> Offer:
    """Publish an offer, for one member if there is a `member_id`. Raises `DatesOutOfOrder`,
    `DateOutOfRange`, `MemberErased`."""
    if member_id is not None:
        members.lock_present(session, member_id)
    starts_at, ends_at = draft.starts_at or now, draft.ends_at or NEVER
    for name, moment in (("from", starts_at), ("until", ends_at)):
        if moment != NEVER and not EARLIEST <= moment < LATEST:
            raise DateOutOfRange(name)
    if ends_at <= starts_at:
        raise DatesOutOfOrder("from", "until")
    if ends_at <= now:
        raise DatesOutOfOrder("now", "until")
    offer = Offer(
        public_id=str(uuid7()),
        programme_id=programme_id,
        member_id=member_id,
        title=draft.title,
        text=draft.text,
        starts_at=starts_at,
        ends_at=ends_at,
        turns_at=_next_turn(starts_at, ends_at, now),
        created_at=now,
    )
    session.add(offer)
    session.flush()
    if starts_at <= now:
        outbox.append(session, [OfferTurned(programme_id, member_id)], now)
    return offer


def withdraw(session: Session, public_id: str, now: datetime) -> Offer:
    """Take an offer off all cards. If it is withdrawn already, nothing changes. Raises
    `UnknownOffer`."""
    offer = session.scalar(select(Offer).where(Offer.public_id == public_id).with_for_update())
    if offer is None:
        raise UnknownOffer
    if offer.withdrawn_at is None:
        offer.withdrawn_at, offer.turns_at = now, NEVER
        if offer.starts_at <= now < offer.ends_at:
            outbox.append(session, [OfferTurned(offer.programme_id, offer.member_id)], now)
    return offer


def by_public_id(session: Session, public_id: str) -> Offer:
    """The offer with this public id, withdrawn or not. Raises `UnknownOffer`."""
    found = session.scalar(select(Offer).where(Offer.public_id == public_id))
    if found is None:
        raise UnknownOffer
    return found


def listed(
    session: Session, programme_id: int, member_id: int | None, before_id: int | None, limit: int
) -> Sequence[Offer]:
    """All offers of a programme, also those that are over or have not begun, newest first, from
    before offer `before_id`. With a member: offers for all members, and those for this one."""
    query = select(Offer).where(Offer.programme_id == programme_id)
    if member_id is not None:
        query = query.where(or_(Offer.member_id.is_(None), Offer.member_id == member_id))
    if before_id is not None:
        query = query.where(Offer.id < before_id)
    return session.scalars(query.order_by(Offer.id.desc()).limit(limit)).all()


def shown(
    session: Session, programme_id: int, member_ids: Sequence[int], now: datetime
) -> dict[int, list[Offer]]:
    """What each of these members of one programme is shown now, newest first."""
    rows = session.scalars(
        select(Offer)
        .where(
            Offer.programme_id == programme_id,
            or_(Offer.member_id.is_(None), Offer.member_id.in_(member_ids)),
            Offer.starts_at <= now,
            Offer.ends_at > now,
            Offer.withdrawn_at.is_(None),
        )
        .order_by(Offer.starts_at.desc(), Offer.id.desc())
    ).all()
    return {
        member_id: [offer for offer in rows if offer.member_id in (None, member_id)]
        for member_id in member_ids
    }


def turn_due(session: Session, now: datetime, limit: int) -> int:
    """Append the events of offers that began or ended by now. Returns how many there were, `limit`
    at most."""
    due = session.scalars(
        select(Offer)
        .where(Offer.turns_at <= now)
        .order_by(Offer.turns_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for offer in due:
        outbox.append(session, [OfferTurned(offer.programme_id, offer.member_id)], now)
        session.execute(
            update(Offer)
            .where(Offer.id == offer.id)
            .values(turns_at=_next_turn(offer.starts_at, offer.ends_at, now))
        )
    return len(due)


def _next_turn(starts_at: datetime, ends_at: datetime, now: datetime) -> datetime:
    """The next moment at which the offer begins or ends to be shown; `NEVER` if both are past."""
    return next((moment for moment in (starts_at, ends_at) if moment > now), NEVER)
