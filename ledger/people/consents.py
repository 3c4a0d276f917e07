"""What members have agreed to, and what they took back: a history to which rows are only added.

For each purpose the newest decision holds. A decision names the version of the text that the person
read. Texts of our own pages are kept here in full, under their digest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ledger.database.tables import Base, Identifier, Instant, batched, insert_or
from ledger.errors import DateOutOfRange, DatesOutOfOrder
from ledger.limits import EARLIEST
from ledger.people import members
from ledger.people.members import Member

# personal_data: we may keep and use what the person told us. marketing: we may write to them.
# rules: they take part on the conditions that the programme has written down.
Purpose = Literal["personal_data", "marketing", "rules"]
# Those about which a member can change their mind: lists and filters tell how it stands with them.
PURPOSES: tuple[Purpose, ...] = ("personal_data", "marketing")
ConsentSource = Literal["page", "api", "import", "pass", "console"]


class Consent(Base):
    """One decision of one member. Rows are never changed."""

    __tablename__ = "ledger_consent"
    __table_args__ = (Index("ix_ledger_consent_newest", "member_id", "purpose", "happened_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"))
    purpose: Mapped[str] = mapped_column(String(20))
    given: Mapped[bool]
    text_version: Mapped[str | None] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(10))
    # Where it was given, in the words of a file. It may name people, and goes with an erasure.
    origin: Mapped[str | None] = mapped_column(String(100))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class ConsentText(Base):
    """A text that members agreed to, under its SHA-256 in hex."""

    __tablename__ = "ledger_consent_text"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Decision:
    """A consent given or withdrawn. `happened_at` None means now. `text_version` is a digest of
    ours, or what another system calls its text. `origin` says where it was given. `undated`: it is
    not known when, so it counts only where nothing else is known."""

    purpose: Purpose
    given: bool
    text_version: str | None = None
    happened_at: datetime | None = None
    origin: str | None = None
    undated: bool = False


def digest(text: str) -> str:
    """The version of a text: its SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep_text(session: Session, text: str, now: datetime) -> str:
    """Keep the text that the person reads. Returns its version."""
    version = digest(text)
    session.execute(
        insert_or(session, ConsentText)
        .values(digest=version, text=text, created_at=now)
        .on_conflict_do_nothing()
    )
    return version


def record(
    session: Session,
    member: Member,
    decisions: Sequence[Decision],
    source: ConsentSource,
    now: datetime,
) -> None:
    """Add these decisions to the member's history; a decision that holds already is not written
    again. Raises `DatesOutOfOrder`, `DateOutOfRange`."""
    if decisions:
        record_all(session, {member.id: decisions}, source, now)


def record_all(
    session: Session,
    decisions: Mapping[int, Sequence[Decision]],
    source: ConsentSource,
    now: datetime,
) -> None:
    """The same for many members, by their ids. A decision that is older than the one that holds is
    added to the history and changes nothing. Raises `DatesOutOfOrder`, `DateOutOfRange`."""
    # A person may press a button twice: this lock lets decisions of one member pass one by one.
    members.lock(session, decisions)
    known = _histories(session, list(decisions))
    for member_id, theirs in decisions.items():
        history = known[member_id]
        for decision in theirs:
            added = _decided(history, member_id, decision, source, now)
            if added is not None:
                session.add(added)
                history.append(added)
                history.sort(key=lambda one: one.happened_at)
    session.flush()


def _decided(
    history: Sequence[Consent],
    member_id: int,
    decision: Decision,
    source: ConsentSource,
    now: datetime,
) -> Consent | None:
    """The row that this decision adds to the history; None if it says nothing new."""
    happened_at = decision.happened_at or now
    if happened_at < EARLIEST:
        raise DateOutOfRange("at")
    if happened_at > now:
        raise DatesOutOfOrder("at", "now")
    before = [one for one in history if one.purpose == decision.purpose]
    said = (decision.given, decision.text_version)
    if before and (decision.undated or (before[-1].given, before[-1].text_version) == said):
        return None
    # A file that is imported again tells of the past once more.
    known = {(one.given, one.text_version, one.happened_at) for one in before}
    if before and happened_at < before[-1].happened_at and (*said, happened_at) in known:
        return None
    return Consent(
        member_id=member_id,
        purpose=decision.purpose,
        given=decision.given,
        text_version=decision.text_version,
        source=source,
        origin=decision.origin,
        happened_at=happened_at,
        recorded_at=now,
    )


def forget_origins(session: Session, member_ids: Sequence[int]) -> None:
    """Members are erased: what others wrote about where they were asked goes; that they were asked
    stays, under their ids."""
    session.execute(
        update(Consent)
        .where(Consent.member_id.in_(member_ids), Consent.origin.is_not(None))
        .values(origin=None)
        .execution_options(synchronize_session=False)
    )


def _histories(session: Session, member_ids: Sequence[int]) -> dict[int, list[Consent]]:
    found: dict[int, list[Consent]] = {member_id: [] for member_id in member_ids}
    for part in batched(member_ids):
        rows = session.scalars(
            select(Consent)
            .where(Consent.member_id.in_(part))
            .order_by(Consent.happened_at, Consent.id)
        )
        for row in rows:
            found[row.member_id].append(row)
    return found


def history(session: Session, member_id: int) -> Sequence[Consent]:
    """All decisions of a member, in the order in which they happened."""
    return session.scalars(
        select(Consent)
        .where(Consent.member_id == member_id)
        .order_by(Consent.happened_at, Consent.id)
    ).all()


def current(session: Session, member_id: int) -> dict[Purpose, Consent]:
    """The decision that holds for each purpose that the member ever decided about, in the order of
    `PURPOSES`."""
    held = {cast(Purpose, row.purpose): row for row in history(session, member_id)}
    return {purpose: held[purpose] for purpose in PURPOSES if purpose in held}


def newest_of(member_id: ColumnElement[int], purpose: Purpose) -> ColumnElement[int]:
    """The id of the decision that holds, for queries that read it beside other things."""
    decided = aliased(Consent)
    return (
        select(decided.id)
        .where(decided.member_id == member_id, decided.purpose == purpose)
        .order_by(decided.happened_at.desc(), decided.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def agreed_to_news(session: Session, member_ids: Sequence[int]) -> dict[int, bool]:
    """Whether each of these members agreed to receive messages. Members who were never asked are
    left out. Members who joined on a page of ours were asked there, and said no by leaving the box
    empty. Who was made at a counter and is not confirmed has agreed to nothing."""
    rows = session.execute(
        select(Consent.member_id, Consent.purpose, Consent.given, Consent.source)
        .where(Consent.member_id.in_(member_ids))
        .order_by(Consent.happened_at, Consent.id)
    ).all()
    unconfirmed = session.scalars(
        select(Member.id).where(Member.id.in_(member_ids), Member.unconfirmed)
    )
    asked = dict.fromkeys(unconfirmed, False)
    asked |= {row.member_id: False for row in rows if row.source == "page"}
    return asked | {row.member_id: row.given for row in rows if row.purpose == "marketing"}
