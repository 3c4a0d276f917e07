"""Programmes: a loyalty scheme, its language, its clock and how long its points live; and what it
says of itself in each language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.contacts import readable
from ledger.database import Base, Identifier, Instant, insert_or
from ledger.errors import ProgrammeExists, TermsRefused, UnknownProgramme
from ledger.points import NEVER

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_NAME = 100

# name: how pages in this language call the programme. operator: who runs it and answers for
# people's data, with an address to write to. privacy: what happens to that data.
Kind = Literal["name", "operator", "privacy"]
LONGEST: dict[Kind, int] = {"name": LONGEST_NAME, "operator": 500, "privacy": 100_000}


class Programme(Base):
    __tablename__ = "ledger_programme"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    locale: Mapped[str] = mapped_column(String(10), default="ru")
    timezone: Mapped[str] = mapped_column(String(60), default="Europe/Moscow")
    points_live_days: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant)

    def expiry(self, activates_at: datetime) -> datetime:
        """When points that become active at `activates_at` run out by the programme's terms: at the
        end of a calendar day in the programme's zone. `NEVER` if they live for ever."""
        if self.points_live_days is None:
            return NEVER
        zone = ZoneInfo(self.timezone)
        last_day = (activates_at.astimezone(zone) + timedelta(days=self.points_live_days)).date()
        midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
        return midnight.astimezone(NEVER.tzinfo)


class ProgrammeText(Base):
    """What a programme says of itself. Never edited: the newest holds."""

    __tablename__ = "ledger_programme_text"
    __table_args__ = (Index("ix_ledger_programme_text_newest", "programme_id", "kind"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new programme is made of."""

    code: str
    name: str
    locale: str = "ru"
    timezone: str = "Europe/Moscow"
    points_live_days: int | None = None


def create(session: Session, terms: Terms, now: datetime) -> Programme:
    """Raises `TermsRefused`, `ProgrammeExists`."""
    _check(terms)
    programme_id = session.execute(
        insert_or(session, Programme)
        .values(
            code=terms.code,
            name=terms.name,
            locale=terms.locale,
            timezone=terms.timezone,
            points_live_days=terms.points_live_days,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Programme.id)
    ).scalar_one_or_none()
    if programme_id is None:
        raise ProgrammeExists(terms.code)
    return by_id(session, programme_id)


def _check(terms: Terms) -> None:
    if not CODE.fullmatch(terms.code):
        raise TermsRefused(
            "code", "it stands in addresses: small Latin letters, digits and dashes, up to 40."
        )
    if not 0 < len(terms.name.strip()) <= LONGEST_NAME:
        raise TermsRefused("name", f"from 1 to {LONGEST_NAME} characters.")
    if terms.timezone not in available_timezones():
        raise TermsRefused("timezone", f"{terms.timezone!r} is not one, such as Europe/Moscow.")


def by_code(session: Session, code: str) -> Programme:
    """Raises `UnknownProgramme`."""
    programme = session.scalar(select(Programme).where(Programme.code == code))
    if programme is None:
        raise UnknownProgramme(code)
    return programme


def by_id(session: Session, programme_id: int) -> Programme:
    return session.get_one(Programme, programme_id)


def listed(session: Session, after_id: int, limit: int) -> Sequence[Programme]:
    """Programmes in the order they were made, from behind programme `after_id`."""
    query = select(Programme).where(Programme.id > after_id).order_by(Programme.id).limit(limit)
    return session.scalars(query).all()


def say(
    session: Session, programme_id: int, kind: Kind, language: str, text: str, now: datetime
) -> None:
    """From now on the programme says this in that language. Raises `TermsRefused`."""
    try:
        text = readable(text)
    except ValueError as error:
        raise TermsRefused(kind, f"{error}.") from None
    if not 0 < len(text) <= LONGEST[kind]:
        raise TermsRefused(kind, f"from 1 to {LONGEST[kind]} characters.")
    session.add(
        ProgrammeText(
            programme_id=programme_id, kind=kind, language=language, text=text, created_at=now
        )
    )
    session.flush()


def said(session: Session, programme_id: int, kind: Kind, language: str) -> ProgrammeText | None:
    """The newest text in this language; failing that, the newest in any."""
    return session.scalar(
        select(ProgrammeText)
        .where(ProgrammeText.programme_id == programme_id, ProgrammeText.kind == kind)
        .order_by((ProgrammeText.language == language).desc(), ProgrammeText.id.desc())
        .limit(1)
    )


def name_in(session: Session, programme: Programme, language: str) -> str:
    """How pages in this language call the programme."""
    text = said(session, programme.id, "name", language)
    return text.text if text is not None and text.language == language else programme.name
