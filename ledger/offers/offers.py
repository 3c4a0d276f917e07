"""Offers: what a member is shown. For all members of a programme, for one, or for an audience.

The audience of an offer is written down when the offer begins (see `audiences`), and nobody is
shown the offer before the list is complete. Lock order: an offer, then members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger import languages
from ledger.database import outbox
from ledger.database.compiled import Compiled
from ledger.database.engine import wake_after_commit
from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    JsonDocument,
    OptionalDocument,
    insert_or,
)
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    LanguageNotSpoken,
    OfferBegun,
    OfferOver,
    TitleMissing,
    UnknownOffer,
)
from ledger.events import OfferTurned
from ledger.languages import Texts
from ledger.limits import EARLIEST, LATEST, NEVER
from ledger.people import members
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.segments import named

PUMP = "upkeep"  # writes audiences down, and tells when offers begin and end


class Offer(Base):
    """One offer: for all members of the programme, for one (`member_id`), or for an `audience`, as
    a document of `ledger.segments`. It is shown from `starts_at` until before `ends_at`, unless it
    was withdrawn. `turns_at` is the next of these moments that was not told yet; `NEVER` if there
    is none. `revision` counts its wordings.

    An audience is written down as it was at `begun_at`: it has come up to and with member
    `after_id`, ends with member `last_id`, and is complete since `frozen_at`."""

    __tablename__ = "ledger_offer"
    __table_args__ = (Index("ix_ledger_offer_shown", "programme_id", "member_id", "ends_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_member.id"))
    titles: Mapped[dict[str, str]] = mapped_column(JsonDocument)
    texts: Mapped[dict[str, str]] = mapped_column(JsonDocument, server_default="{}")
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    turns_at: Mapped[datetime] = mapped_column(Instant, index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    audience: Mapped[dict[str, Any] | None] = mapped_column(OptionalDocument)
    begun_at: Mapped[datetime | None] = mapped_column(Instant)
    after_id: Mapped[int] = mapped_column(default=0, server_default="0")
    last_id: Mapped[int] = mapped_column(default=0, server_default="0")
    frozen_at: Mapped[datetime | None] = mapped_column(Instant)

    def is_for_all(self) -> bool:
        """Whether all members of the programme are meant."""
        return self.member_id is None and self.audience is None

    def is_shown(self, now: datetime) -> bool:
        """Whether those for whom it is are shown it now."""
        is_listed = self.audience is None or self.frozen_at is not None
        is_current = self.starts_at <= now < self.ends_at
        return is_listed and is_current and self.withdrawn_at is None


class OfferMember(Base):
    """A member for whom an offer is: one of its audience, or one with whom the member was merged
    whom it was for."""

    __tablename__ = "ledger_offer_member"

    offer_id: Mapped[int] = mapped_column(ForeignKey("ledger_offer.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_member.id"), primary_key=True, index=True
    )


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """An offer to be published: `titles` and `texts` by language, at least one title. Without dates
    it is shown at once, and until it is withdrawn. `audience` is the document of a segment."""

    titles: Texts
    texts: Texts = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    audience: dict[str, Any] | None = None


def publish(
    session: Session, programme_id: int, member_id: int | None, draft: OfferDraft, now: datetime
) -> Offer:
    """Publish an offer, for one member if there is a `member_id`, which excludes an audience.
    Raises `LanguageNotSpoken`, `TitleMissing`, `DatesOutOfOrder`, `DateOutOfRange`,
    `MemberErased`, `UnknownSegment`."""
    if draft.audience is not None:
        named.hold(session, programme_id, draft.audience)
    member = None if member_id is None else members.lock_present(session, member_id)
    _check_texts(programmes.by_id(session, programme_id), draft.titles, draft.texts)
    starts_at, ends_at = draft.starts_at or now, draft.ends_at or NEVER
    _check_dates(starts_at, ends_at, now)
    offer = Offer(
        public_id=str(uuid7()),
        programme_id=programme_id,
        member_id=member_id,
        titles=dict(draft.titles),
        texts=dict(draft.texts),
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=now,
        audience=draft.audience,
    )
    offer.turns_at = _next_turn(offer, now)
    session.add(offer)
    session.flush()
    if member is not None and member.merged_into_id is not None:
        hand_on(session, member.id, member.merged_into_id)
    if offer.is_shown(now):
        tell(session, offer, now)
    elif offer.turns_at <= now:
        wake_after_commit(session, PUMP)
    return offer


def change(session: Session, public_id: str, changes: Mapping[str, Any], now: datetime) -> Offer:
    """Change what an offer says, or its dates; `changes` by the names of `titles`, `texts`,
    `starts_at` and `ends_at` (`NEVER`: it does not end). What is past stays: the begin of an offer
    that has begun, and all of one that is over. If nothing differs, nothing happens. Raises
    `UnknownOffer`, `OfferOver`, `OfferBegun`, and what `publish` raises for texts and dates."""
    offer = _locked(session, public_id)
    differing = {name: value for name, value in changes.items() if getattr(offer, name) != value}
    if not differing:
        return offer
    require_open(offer, now)
    if "starts_at" in differing and offer.starts_at <= now:
        raise OfferBegun
    was_shown = offer.is_shown(now)
    for name, value in differing.items():
        setattr(offer, name, value)
    programme = programmes.by_id(session, offer.programme_id)
    _check_texts(programme, offer.titles, offer.texts)
    _check_dates(offer.starts_at, offer.ends_at, now)
    if {"titles", "texts"} & set(differing):
        offer.revision += 1
    offer.turns_at = _next_turn(offer, now)
    session.flush()
    if was_shown or offer.is_shown(now):
        tell(session, offer, now)
    elif offer.turns_at <= now:
        wake_after_commit(session, PUMP)
    return offer


def withdraw(session: Session, public_id: str, now: datetime) -> Offer:
    """Take an offer off all cards. If it is withdrawn already, nothing changes. Raises
    `UnknownOffer`."""
    offer = _locked(session, public_id)
    if offer.withdrawn_at is None:
        was_shown = offer.is_shown(now)
        offer.withdrawn_at, offer.turns_at = now, NEVER
        session.flush()
        if was_shown:
            tell(session, offer, now)
    return offer


def by_public_id(session: Session, public_id: str) -> Offer:
    """The offer with this public id, withdrawn or not. Raises `UnknownOffer`."""
    found = session.scalar(select(Offer).where(Offer.public_id == public_id))
    if found is None:
        raise UnknownOffer
    return found


def that_wait_for(session: Session, programme_id: int, segment: str) -> Sequence[Offer]:
    """The offers that are for a saved segment and have not begun."""
    waiting = (Offer.begun_at.is_(None), Offer.turns_at < NEVER)
    query = select(Offer).where(Offer.programme_id == programme_id, *waiting)
    return session.scalars(query.where(named.means(Offer.audience, segment))).all()


def programme_of(session: Session, public_id: str) -> int:
    """The programme of the offer with this public id. Raises `UnknownOffer`."""
    found = session.scalar(select(Offer.programme_id).where(Offer.public_id == public_id))
    if found is None:
        raise UnknownOffer
    return found


def that_gather(session: Session, programme_id: int) -> Sequence[Offer]:
    """Offers for an audience that is not written down yet."""
    return session.scalars(
        select(Offer)
        .where(
            Offer.programme_id == programme_id,
            Offer.member_id.is_(None),
            Offer.audience.is_not(None),
            Offer.frozen_at.is_(None),
            Offer.withdrawn_at.is_(None),
        )
        .order_by(Offer.id)
    ).all()


def between(
    session: Session, programme_id: int, since: datetime, until: datetime, limit: int
) -> Sequence[Offer]:
    """Offers that are for more than one member and are shown at some moment of this time, the
    earliest first; those that were withdrawn are left out."""
    return session.scalars(
        select(Offer)
        .where(
            Offer.programme_id == programme_id,
            Offer.member_id.is_(None),
            Offer.ends_at > since,
            Offer.starts_at < until,
            Offer.withdrawn_at.is_(None),
        )
        .order_by(Offer.starts_at, Offer.id)
        .limit(limit)
    ).all()


def listed(
    session: Session, programme_id: int, member_id: int | None, before_id: int | None, limit: int
) -> Sequence[Offer]:
    """All offers of a programme, also those that are over or have not begun, newest first, from
    before offer `before_id`. With a member: offers for all members, and those for this one."""
    query = select(Offer).where(Offer.programme_id == programme_id)
    if member_id is not None:
        theirs = select(OfferMember.offer_id).where(OfferMember.member_id == member_id)
        query = query.where(or_(_for_all_or_one_of([member_id]), Offer.id.in_(theirs)))
    if before_id is not None:
        query = query.where(Offer.id < before_id)
    return session.scalars(query.order_by(Offer.id.desc()).limit(limit)).all()


def open_for_many(
    session: Session, programme_id: int, now: datetime, limit: int
) -> Sequence[Offer]:
    """Offers of a programme that are for more than one member and not over, newest first: on the
    cards, or to come."""
    return session.scalars(
        select(Offer)
        .where(
            Offer.programme_id == programme_id,
            Offer.member_id.is_(None),
            Offer.withdrawn_at.is_(None),
            Offer.ends_at > now,
        )
        .order_by(Offer.id.desc())
        .limit(limit)
    ).all()


def shown(
    session: Session, programme_id: int, member_ids: Sequence[int], now: datetime
) -> dict[int, list[Offer]]:
    """What each of these members of one programme is shown now, newest first. This is the one rule
    of who sees an offer: cards, pages, tills and coupons ask it."""
    current = (
        Offer.programme_id == programme_id,
        Offer.starts_at <= now,
        Offer.ends_at > now,
        Offer.withdrawn_at.is_(None),
    )
    rows = session.scalars(select(Offer).where(*current, _for_all_or_one_of(member_ids))).all()
    listed_for = _listed_for(session, member_ids)
    listed_ids = {offer_id for _, offer_id in listed_for}
    complete = or_(Offer.audience.is_(None), Offer.frozen_at.is_not(None))
    query = select(Offer).where(*current, Offer.id.in_(listed_ids), complete)
    among = {offer.id: offer for offer in session.scalars(query)} if listed_ids else {}
    found = {
        member_id: {offer.id: offer for offer in rows if offer.member_id in (None, member_id)}
        for member_id in member_ids
    }
    for member_id, offer_id in listed_for:
        if offer_id in among:
            found[member_id][offer_id] = among[offer_id]
    return {
        member_id: sorted(theirs.values(), key=lambda one: (one.starts_at, one.id), reverse=True)
        for member_id, theirs in found.items()
    }


_LISTED_FOR_ONE = Compiled(
    select(OfferMember.member_id, OfferMember.offer_id).where(
        OfferMember.member_id == bindparam("member", type_=Identifier)
    )
)


def _listed_for(session: Session, member_ids: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Pairs of these members and offers that are for them. A till asks for one member."""
    if len(member_ids) == 1:
        return _LISTED_FOR_ONE.execute(session, member=member_ids[0])
    pairs = select(OfferMember.member_id, OfferMember.offer_id)
    rows = session.execute(pairs.where(OfferMember.member_id.in_(member_ids)))
    return [(row.member_id, row.offer_id) for row in rows]


def audience(session: Session, offer_id: int, after_id: int, limit: int) -> Sequence[int]:
    """The next members for whom the offer was written down, by ascending id, from behind member
    `after_id`."""
    return session.scalars(
        select(OfferMember.member_id)
        .where(OfferMember.offer_id == offer_id, OfferMember.member_id > after_id)
        .order_by(OfferMember.member_id)
        .limit(limit)
    ).all()


def turn_due(session: Session, now: datetime, limit: int) -> int:
    """Append the events of offers that began or ended by now, but for those whose audience is yet
    to be written down. Returns how many there were, `limit` at most."""
    due = session.scalars(
        select(Offer)
        .where(
            Offer.turns_at <= now,
            or_(Offer.audience.is_(None), Offer.frozen_at.is_not(None)),
        )
        .order_by(Offer.turns_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    for offer in due:
        tell(session, offer, now)
        offer.turns_at = _next_turn(offer, now)
    session.flush()
    return len(due)


def tell(session: Session, offer: Offer, now: datetime) -> None:
    """Append the events that say: cards that show this offer, or no longer do, are to be looked
    at."""
    if offer.member_id is None:
        audience_of = None if offer.audience is None else offer.id
        outbox.append(session, [OfferTurned(offer.programme_id, None, audience_of)], now)
        return
    also = select(OfferMember.member_id).where(OfferMember.offer_id == offer.id)
    concerned = sorted({offer.member_id, *session.scalars(also)})
    outbox.append(session, [OfferTurned(offer.programme_id, id_) for id_ in concerned], now)


def hand_on(session: Session, from_id: int, to_id: int) -> None:
    """What was offered to one member is offered to another as well, who is the same person. The
    caller has locked both."""
    for offered in (
        select(OfferMember.offer_id, literal(to_id)).where(OfferMember.member_id == from_id),
        select(Offer.id, literal(to_id)).where(Offer.member_id == from_id),
    ):
        session.execute(
            insert_or(session, OfferMember)
            .from_select(["offer_id", "member_id"], offered)
            .on_conflict_do_nothing()
        )


def forget(session: Session, member_ids: Sequence[int], now: datetime) -> None:
    """Take the words out of what was offered to these members alone, since they may name them, and
    withdraw it. The rows stay: coupons refer to them."""
    session.execute(
        update(Offer)
        .where(Offer.member_id.in_(member_ids))
        .values(
            titles={},
            texts={},
            revision=Offer.revision + 1,
            withdrawn_at=func.coalesce(Offer.withdrawn_at, literal(now, Instant)),
            turns_at=NEVER,
        )
        .execution_options(synchronize_session=False)
    )


def write_down(session: Session, offer_id: int, meant: Select[int]) -> None:
    """Note that the offer is for the members of this query, which selects their ids."""
    members_of = select(literal(offer_id), meant.subquery().c[0]).where(true())
    session.execute(
        insert_or(session, OfferMember)
        .from_select(["offer_id", "member_id"], members_of)
        .on_conflict_do_nothing()
    )


def frozen(session: Session, offer: Offer, now: datetime) -> None:
    """The audience of this locked offer is complete: from now on its members are shown it."""
    offer.frozen_at = now
    offer.turns_at = _next_turn(offer, now)
    session.flush()
    tell(session, offer, now)


def _for_all_or_one_of(member_ids: Sequence[int]) -> Any:
    return or_(
        and_(Offer.member_id.is_(None), Offer.audience.is_(None)), Offer.member_id.in_(member_ids)
    )


def _locked(session: Session, public_id: str) -> Offer:
    """The offer, locked and read anew. Raises `UnknownOffer`."""
    offer = session.scalar(
        select(Offer)
        .where(Offer.public_id == public_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if offer is None:
        raise UnknownOffer
    return offer


def hold(session: Session, public_id: str) -> Offer:
    """The offer as it is, read anew: nobody changes or withdraws it until the transaction ends.
    Others may hold it as well. Raises `UnknownOffer`."""
    offer = session.scalar(
        select(Offer)
        .where(Offer.public_id == public_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if offer is None:
        raise UnknownOffer
    return offer


def require_open(offer: Offer, moment: datetime) -> None:
    """Raises `OfferOver` if the offer was withdrawn, or is over by this moment."""
    if offer.withdrawn_at is not None:
        raise OfferOver("withdrawn")
    if offer.ends_at <= moment:
        raise OfferOver("ended")


def _check_texts(programme: Programme, titles: Texts, texts: Texts) -> None:
    """A text in a language without a title would never be shown: the reader gets another
    language."""
    for tag in (*titles, *texts):
        if languages.best(programme.languages, tag) is None:
            raise LanguageNotSpoken(tag, programme.languages)
    for tag in texts:
        if languages.best(titles, tag) is None:
            raise TitleMissing(tag)


def _check_dates(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    for name, moment in (("from", starts_at), ("until", ends_at)):
        if moment != NEVER and not EARLIEST <= moment < LATEST:
            raise DateOutOfRange(name)
    if ends_at <= now:
        raise DatesOutOfOrder("now", "until")
    if ends_at <= starts_at:
        raise DatesOutOfOrder("from", "until")


def _next_turn(offer: Offer, now: datetime) -> datetime:
    """The next moment at which the offer begins or ends to be shown; `NEVER` if both are past. For
    an audience that is not complete, its begin, however long ago: then it is due."""
    if offer.audience is not None and offer.frozen_at is None:
        return offer.starts_at
    return next((moment for moment in (offer.starts_at, offer.ends_at) if moment > now), NEVER)
