"""Phone numbers and addresses that are stored, read again by today's rules.

Earlier releases took any 7 to 15 digits for a number: 9165550012, written by a Russian, was kept as
an Indian one and never found again. What is certainly another number is mended, where nobody has
that number yet; what cannot be a number, and what another member has already, is reported. Members
are never merged here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.contacts import PhoneNumber, Unfit, email_address, is_valid, phone_number
from ledger.errors import EmailTaken, PhoneTaken
from ledger.people import members, persons
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes import programmes

ContactKind = Literal["phone", "email"]


@dataclass(frozen=True, slots=True)
class Reread:
    """A stored value that is not as it would be stored today. `read`: what it means; None: it
    cannot be one, and only the person knows. `taken_by`: the public id of the member who has that
    already."""

    member: Member
    field: ContactKind
    read: str | None
    taken_by: str | None = None


def page(session: Session, after_id: int, limit: int) -> tuple[list[Reread], int | None]:
    """What is to be said of the next `limit` people behind member `after_id`; the id to go on from,
    None at the end."""
    rows = session.scalars(
        select(Person).where(Person.member_id > after_id).order_by(Person.member_id).limit(limit)
    ).all()
    countries = {one.id: one.country for one in programmes.every(session)}
    found = [one for row in rows for one in _differences(session, row, countries[row.programme_id])]
    return found, rows[-1].member_id if len(rows) == limit else None


def mend(session: Session, reread: Reread, now: datetime) -> bool:
    """Store what the value means. False where another member has it by now."""
    if reread.read is None or reread.taken_by is not None:
        return False
    try:
        return persons.change(session, reread.member, {reread.field: reread.read}, now)
    except (PhoneTaken, EmailTaken):
        return False


def _differences(session: Session, row: Person, country: str) -> Iterator[Reread]:
    values: Sequence[tuple[ContactKind, str | None, str | None]] = (
        ("phone", row.phone, _phone(row.phone, country)),
        ("email", row.email, _email(row.email)),
    )
    for field, stored, read in values:
        if stored != read:
            member = members.by_id(session, row.member_id)
            yield Reread(member, field, read, _owner(session, row, field, read))


def _phone(stored: str | None, country: str) -> PhoneNumber | None:
    """The number as it was written, without the plus that was put in front of it; or without the
    zero that a data frame had left behind."""
    if stored is None or is_valid(stored):
        return None if stored is None else PhoneNumber(stored)
    digits = stored.removeprefix("+")
    for written in (digits, digits.removesuffix("0")):
        try:
            return phone_number(written, country)
        except Unfit:
            continue
    return None


def _email(stored: str | None) -> str | None:
    try:
        return None if stored is None else email_address(stored)
    except Unfit:
        return None


def _owner(session: Session, row: Person, field: ContactKind, value: str | None) -> str | None:
    if value is None:
        return None
    column = Person.phone if field == "phone" else Person.email
    return session.scalar(
        select(Member.public_id)
        .join(Person, Person.member_id == Member.id)
        .where(
            Person.programme_id == row.programme_id,
            column == value,
            Person.member_id != row.member_id,
        )
        .order_by(Member.id)
        .limit(1)
    )
