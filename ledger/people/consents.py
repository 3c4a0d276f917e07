"""What members have agreed to, and what they took back: a history to which rows are only added.

For each purpose the newest decision holds. A decision names the version of the text that the person
read. Texts of our own pages are kept here in full, under their digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.errors import DateOutOfRange, DatesOutOfOrder
from ledger.limits import EARLIEST
from ledger.people.members import Member

# personal_data: we may keep and use what the person told us. marketing: we may write to them.
Purpose = Literal["personal_data", "marketing"]
ConsentSource = Literal["page", "api", "import", "pass"]


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
    ours, or what another system calls its text."""

    purpose: Purpose
    given: bool
    text_version: str | None = None
    happened_at: datetime | None = None


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
    if not decisions:
        return
    # A person may press a button twice: this lock lets decisions of one member pass one by one.
    session.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    for decision in decisions:
        happened_at = decision.happened_at or now
        if happened_at < EARLIEST:
            raise DateOutOfRange("at")
        if happened_at > now:
            raise DatesOutOfOrder("at", "now")
        held = current(session, member.id).get(decision.purpose)
        if held and (held.given, held.text_version) == (decision.given, decision.text_version):
            continue
        session.add(
            Consent(
                member_id=member.id,
                purpose=decision.purpose,
                given=decision.given,
                text_version=decision.text_version,
                source=source,
                happened_at=happened_at,
                recorded_at=now,
            )
        )
        session.flush()


def history(session: Session, member_id: int) -> Sequence[Consent]:
    """All decisions of a member, in the order in which they happened."""
    return session.scalars(
        select(Consent)
        .where(Consent.member_id == member_id)
        .order_by(Consent.happened_at, Consent.id)
    ).all()


def current(session: Session, member_id: int) -> dict[Purpose, Consent]:
    """The decision that holds for each purpose that the member ever decided about."""
    return {cast(Purpose, row.purpose): row for row in history(session, member_id)}


def agreed_to_news(session: Session, member_ids: Sequence[int]) -> dict[int, bool]:
    """Whether each of these members agreed to receive messages. Members who were never asked are
    left out. Members who joined on a page of ours were asked there, and said no by leaving the box
    empty."""
    rows = session.execute(
        select(Consent.member_id, Consent.purpose, Consent.given, Consent.source)
        .where(Consent.member_id.in_(member_ids))
        .order_by(Consent.happened_at, Consent.id)
    ).all()
    asked = {row.member_id: False for row in rows if row.source == "page"}
    return asked | {row.member_id: row.given for row in rows if row.purpose == "marketing"}
