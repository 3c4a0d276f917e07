"""Members and what identifies them: a card with a random number, and their personal data.

A member is an opaque id. Everything about the person stands in one table, `Person`, so that erasing
somebody is erasing one row."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database import Base, Identifier, Instant, insert_or
from ledger.errors import ExternalIdTaken, UnknownCard, UnknownMember

CARD_DIGITS = 16
PUBLIC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Member(Base):
    __tablename__ = "ledger_member"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Person(Base):
    """All that is known of the person behind a member, and nothing of it anywhere else."""

    __tablename__ = "ledger_person"
    __table_args__ = (UniqueConstraint("programme_id", "external_id"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    name: Mapped[str | None] = mapped_column(String(300))
    phone: Mapped[str | None] = mapped_column(String(20), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    birthday: Mapped[date | None] = mapped_column(Date)
    locale: Mapped[str | None] = mapped_column(String(10))
    external_id: Mapped[str | None] = mapped_column(String(100))


class Card(Base):
    __tablename__ = "ledger_card"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person tells of themselves; phone as `+` and digits, locale as a language code."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birthday: date | None = None
    locale: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Exactly one of these is set."""

    card: str | None = None
    phone: str | None = None
    email: str | None = None
    external_id: str | None = None


def check_digit(digits: str) -> str:
    """The Luhn digit (ISO/IEC 7812-1 annex B): it finds every single mistyped digit and nearly
    every swap of two neighbours."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        doubled = int(character) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def new_card_number() -> str:
    """16 digits: never a leading zero (spreadsheets drop it), 14 of them from the system's random
    source, so that a number cannot be guessed from another, and the check digit."""
    digits = str(secrets.randbelow(9) + 1)
    digits += "".join(str(secrets.randbelow(10)) for _ in range(CARD_DIGITS - 2))
    return digits + check_digit(digits)


def plain(number: str) -> str:
    """A card number without the spaces that people read it by."""
    return "".join(number.split())


def is_card_number(number: str) -> bool:
    """Whether `number` can be a card at all: what a till may check without asking anyone."""
    return (
        len(number) == CARD_DIGITS
        and number.isascii()
        and number.isdigit()
        and check_digit(number[:-1]) == number[-1]
    )


def add(session: Session, programme_id: int, profile: Profile, now: datetime) -> Member:
    """Raises `ExternalIdTaken`."""
    member = Member(public_id=str(uuid7()), programme_id=programme_id, created_at=now)
    session.add(member)
    session.flush()
    # Two systems may add one person at once: the unique key decides.
    added = session.execute(
        insert_or(session, Person)
        .values(
            member_id=member.id,
            programme_id=programme_id,
            name=profile.name,
            phone=profile.phone,
            email=profile.email,
            birthday=profile.birthday,
            locale=profile.locale,
            external_id=profile.external_id,
        )
        .on_conflict_do_nothing(index_elements=["programme_id", "external_id"])
        .returning(Person.member_id)
    ).first()
    if added is None:
        raise ExternalIdTaken(profile.external_id or "")
    return member


def give_card(session: Session, member: Member, now: datetime) -> Card:
    """A new card with a number that no other card has."""
    while True:
        number = new_card_number()
        card_id = session.execute(
            insert_or(session, Card)
            .values(number=number, member_id=member.id, created_at=now)
            .on_conflict_do_nothing()
            .returning(Card.id)
        ).scalar_one_or_none()
        if card_id is not None:
            return session.get_one(Card, card_id)


def by_public_id(session: Session, public_id: str) -> Member:
    """Raises `UnknownMember`."""
    if not PUBLIC_ID.fullmatch(public_id):  # not everything can be asked of a database
        raise UnknownMember
    member = session.scalar(select(Member).where(Member.public_id == public_id))
    if member is None:
        raise UnknownMember
    return member


def by_card(session: Session, number: str) -> Member:
    """The member with this card; the spaces it is printed with do not count. Raises
    `UnknownCard`."""
    member = session.scalar(
        select(Member).join(Card, Card.member_id == Member.id).where(Card.number == plain(number))
    )
    if member is None:
        raise UnknownCard
    return member


def by_external_id(session: Session, programme_id: int, external_id: str) -> Member | None:
    """The member whom another system knows by this number; None if there is none."""
    return session.scalar(
        select(Member)
        .join(Person, Person.member_id == Member.id)
        .where(Person.programme_id == programme_id, Person.external_id == external_id)
    )


def by_id(session: Session, member_id: int) -> Member:
    return session.get_one(Member, member_id)


def find(session: Session, search: Search, after_id: int, limit: int) -> Sequence[Member]:
    """Members that fit, oldest first, from behind member `after_id`."""
    query = select(Member).where(Member.id > after_id).order_by(Member.id).limit(limit)
    if search.card is not None:
        query = query.join(Card).where(Card.number == plain(search.card))
    else:
        query = query.join(Person)
        if search.phone is not None:
            query = query.where(Person.phone == search.phone)
        elif search.email is not None:
            query = query.where(Person.email == search.email)
        else:
            query = query.where(Person.external_id == search.external_id)
    return session.scalars(query).all()


def has_person(session: Session, programme_id: int, profile: Profile) -> bool:
    """Whether somebody in the programme has this phone number or this e-mail address already."""
    for column, value in ((Person.phone, profile.phone), (Person.email, profile.email)):
        if value is not None:
            found = select(Person.member_id).where(
                Person.programme_id == programme_id, column == value
            )
            if session.execute(found.limit(1)).first() is not None:
                return True
    return False


def person(session: Session, member_id: int) -> Profile:
    """What is known of the person; an empty profile once it was erased."""
    row = session.get(Person, member_id)
    if row is None:
        return Profile()
    return Profile(row.name, row.phone, row.email, row.birthday, row.locale, row.external_id)


def card_of(session: Session, member_id: int) -> Card:
    """The member's card; the newest, should there be several."""
    return session.scalars(
        select(Card).where(Card.member_id == member_id).order_by(Card.id.desc()).limit(1)
    ).one()
