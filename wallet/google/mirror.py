"""What Google has of ours, and the writes that wait: a class for each programme, an object for each
card that a person wanted there.

A waiting write has no content: the newest version is read when it is sent. While a worker has the
lease, no other writes this object, so an older version never comes after a newer one. Classes are
leased in the same way.

Lock order: passes, classes and objects, and waiting writes last, by pass."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.engine import wake_after_commit
from ledger.database.leases import LeasedQueue, LeasedRow
from ledger.database.tables import EPOCH, Base, Identifier, Instant, insert_or
from ledger.reports import tallies
from ledger.reports.figures import TalliedFigure
from wallet import happenings
from wallet.happenings import HappeningType, Note
from wallet.passes import issued

PUMP = "google"
LONGEST_ID = 120  # characters
LONGEST_REASON = 300  # characters
# A card is read for the first time so long after it was asked for. Most people save it within
# minutes; if the callback of that was lost, we find out then.
FIRST_CHECK = timedelta(hours=1)


class GoogleClass(Base):
    """A class, for the cards of a programme or the coupons of an offer. `template_id` is the
    revision of the design from which it was last written, null before the first time;
    `offer_revision` that of the offer. It may be written by the worker that has leased it until
    `lease_until`."""

    __tablename__ = "google_class"

    class_id: Mapped[str] = mapped_column(String(LONGEST_ID), primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_template.id"))
    lease_until: Mapped[datetime] = mapped_column(Instant)
    offer_revision: Mapped[int] = mapped_column(default=0, server_default="0")


@dataclass(frozen=True, slots=True)
class ClassRevision:
    """What a class is written from: a revision of the design, and of the offer if it is for
    coupons."""

    template_id: int
    offer_revision: int = 0


class GoogleObject(Base):
    """The object of a card. `version`, `template_id` and `points` are what was last written; null
    before the first time, and where they are not known. `saved`: whether a person has it in a
    wallet, as far as Google told us; `heard_at` is the moment of the event that said so. `problem`
    is why Google refuses the card as it is. `silenced_at`: when a change was last written without
    an alert because none was left. `check_at`: when it is to be read again."""

    __tablename__ = "google_object"
    __table_args__ = (Index("ix_google_object_check_at", "check_at"),)

    pass_id: Mapped[int] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(LONGEST_ID), unique=True)
    template_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_template.id"))
    version: Mapped[int | None]
    points: Mapped[int | None]
    saved: Mapped[bool | None]
    heard_at: Mapped[datetime | None] = mapped_column(Instant)
    problem: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    silenced_at: Mapped[datetime | None] = mapped_column(Instant)
    check_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)


class DueRow(LeasedRow, Base):
    """One waiting write per card."""

    __tablename__ = "google_due"
    __table_args__ = (Index("ix_google_due_due", "due_at"),)

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    last_reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed write."""

    pass_id: int
    generation: int
    attempts: int
    lease_until: datetime


WRITES = LeasedQueue(DueRow, Due)


@dataclass(frozen=True, slots=True)
class Copy:
    """What Google has of a card after a write."""

    pass_id: int
    object_id: str
    template_id: int
    version: int
    points: int | None


def add(
    session: Session, pass_id: int, object_id: str, now: datetime, head_start: timedelta
) -> None:
    """A person wants this card at Google: from now on it is kept up to date there. The caller
    writes it as well; if that fails, the pump does it after the head start. Nothing is to be
    written if Google has the object by now: people press the button twice.

    If the object is known under another id, that one belongs to an issuer that we no longer are."""
    # Two statements: ON CONFLICT names one of the two keys, and PostgreSQL may fail on the other
    # when several requests add the same object at once.
    session.execute(
        insert_or(session, GoogleObject)
        .values(pass_id=pass_id, object_id=object_id, created_at=now, check_at=now + FIRST_CHECK)
        .on_conflict_do_nothing()
    )
    # Read under its lock: another request may just be noting that it wrote the object.
    known = session.get_one(GoogleObject, pass_id, with_for_update=True, populate_existing=True)
    if known.object_id != object_id:
        if known.saved:
            _tally(session, "card_removed", pass_id, now)
        known.object_id = object_id
        known.version = known.template_id = known.points = known.saved = None
        known.heard_at = known.silenced_at = None
        known.check_at = now + FIRST_CHECK
        session.flush()
    if known.version is None:
        WRITES.add(session, [pass_id], now + head_start)


def is_written(session: Session, pass_id: int, object_id: str) -> bool:
    """Whether Google has the object, in any version."""
    found = select(GoogleObject.pass_id).where(
        GoogleObject.pass_id == pass_id,
        GoogleObject.object_id == object_id,
        GoogleObject.version.is_not(None),
    )
    return session.execute(found).first() is not None


def is_saved(session: Session, pass_id: int) -> bool | None:
    """Whether a person has the pass at Google; None if Google never said."""
    return session.scalar(select(GoogleObject.saved).where(GoogleObject.pass_id == pass_id))


def known_ids(session: Session, pass_ids: Sequence[int], issuer: str) -> Sequence[str]:
    """The object ids of those of these passes that Google has, of this issuer; the newest first."""
    return session.scalars(
        select(GoogleObject.object_id)
        .where(
            GoogleObject.pass_id.in_(pass_ids),
            GoogleObject.version.is_not(None),
            GoogleObject.object_id.startswith(f"{issuer}.", autoescape=True),
        )
        .order_by(GoogleObject.pass_id.desc())
    ).all()


def make_due(session: Session, pass_ids: Sequence[int], now: datetime) -> None:
    """Write those of these cards that are at Google."""
    wanted = (
        select(GoogleObject.pass_id)
        .where(GoogleObject.pass_id.in_(pass_ids))
        .order_by(GoogleObject.pass_id)
    )
    WRITES.make_due(session, wanted, now)
    wake_after_commit(session, PUMP)


def is_due(session: Session, pass_id: int) -> bool:
    """Whether a write of this card waits or is on its way."""
    return session.get(DueRow, pass_id) is not None


def written(session: Session, copy: Copy) -> bool:
    """Note that Google has this version now. True if it is the first."""
    before = session.scalar(
        select(GoogleObject.version).where(GoogleObject.pass_id == copy.pass_id)
    )
    session.execute(
        update(GoogleObject)
        .where(GoogleObject.pass_id == copy.pass_id)
        .values(
            object_id=copy.object_id,
            template_id=copy.template_id,
            version=copy.version,
            points=copy.points,
            problem=None,
        )
    )
    return before is None


def refused(session: Session, pass_id: int, reason: str) -> None:
    """Google will never accept the card as it is. `reason` is kept for the operator."""
    session.execute(
        update(GoogleObject)
        .where(GoogleObject.pass_id == pass_id)
        .values(problem=reason[:LONGEST_REASON])
    )


def class_is_due(session: Session, class_id: str, wanted: ClassRevision) -> bool:
    """Whether the class must be written before an object of this revision can be."""
    found = select(GoogleClass.class_id).where(
        GoogleClass.class_id == class_id,
        GoogleClass.template_id >= wanted.template_id,
        GoogleClass.offer_revision >= wanted.offer_revision,
    )
    return session.execute(found).first() is None


def lease_class(
    session: Session, programme_id: int, class_id: str, now: datetime, lease: timedelta
) -> datetime | None:
    """Lease the class to this worker. Returns the end of the lease; None while another worker has
    it."""
    until = now + lease
    row = session.execute(
        insert_or(session, GoogleClass)
        .values(programme_id=programme_id, class_id=class_id, lease_until=until)
        .on_conflict_do_update(
            index_elements=["class_id"],
            set_={"lease_until": until},
            where=GoogleClass.lease_until <= now,
        )
        .returning(GoogleClass.class_id)
    ).first()
    return until if row is not None else None


def release_class(
    session: Session, class_id: str, lease_until: datetime, written: ClassRevision | None
) -> None:
    """End the lease. `written` is what the class was written from, None if it was not."""
    values: dict[str, object] = {"lease_until": EPOCH}
    if written is not None:
        values |= asdict(written)
    session.execute(
        update(GoogleClass)
        .where(GoogleClass.class_id == class_id, GoogleClass.lease_until == lease_until)
        .values(**values)
    )


def heard(
    session: Session, object_id: str, moment: datetime, now: datetime, *, saved: bool
) -> None:
    """Google told us that a person saved the object, or removed it. An event that is older than the
    last one changes nothing. `moment`: by which such events are put in order."""
    known = session.scalar(
        select(GoogleObject)
        .where(
            GoogleObject.object_id == object_id,
            or_(GoogleObject.heard_at.is_(None), GoogleObject.heard_at <= moment),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if known is not None:
        known.heard_at = moment
        believe(session, known, now, saved=saved)


def believe(session: Session, known: GoogleObject, now: datetime, *, saved: bool) -> None:
    """From now on we hold that a person has this card in Google Wallet, or has it no more. The
    caller has locked its row."""
    before, known.saved = known.saved, saved
    session.flush()
    if bool(before) is not saved:
        about = {"pass": known.pass_id, "wallet": "google"}
        kind: HappeningType = "card.added" if saved else "card.removed"
        happenings.note(session, kind, [Note(None, about)], now)
        _tally(session, "card_added" if saved else "card_removed", known.pass_id, now)


def _tally(session: Session, figure: TalliedFigure, pass_id: int, now: datetime) -> None:
    cards = issued.programmes_of(session, [pass_id], cards_only=True)
    tallies.note(session, figure, PUMP, tallies.counted(cards.values()), now)


def mistrust(session: Session) -> None:
    """A backup was restored, so what we believe that Google has may be outdated. Classes are
    written again, balances are written without relying on the last one, and leases end, since the
    workers that had them do not exist any more."""
    session.execute(update(GoogleClass).values(template_id=None, lease_until=EPOCH))
    session.execute(update(GoogleObject).values(points=None))
    WRITES.end_leases(session)


def forget_words(session: Session, pass_ids: Sequence[int]) -> None:
    """Delete Google's words about these cards: they may repeat what we sent."""
    for column in (GoogleObject.problem, DueRow.last_reason):
        table = column.class_
        session.execute(update(table).where(table.pass_id.in_(pass_ids)).values({column.key: None}))
