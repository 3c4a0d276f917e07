"""What is known of the person behind a member. All of it stands in one table, so that to erase a
person is to delete one row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.contacts import PhoneNumber
from ledger.database import outbox
from ledger.database.tables import Base, batched, insert_or
from ledger.errors import (
    EmailTaken,
    ExternalIdTaken,
    PersonalDataNotKept,
    PhoneTaken,
    UnknownMember,
)
from ledger.events import MemberChanged
from ledger.people import cards, members, search_words
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme


def _unless(marker: str) -> dict[str, Any]:
    return {"sqlite_where": text(f"NOT {marker}"), "postgresql_where": text(f"NOT {marker}")}


class Person(Base):
    """All that is known of the person behind a member; it stands nowhere else.

    In a programme a phone number belongs to one member, and so does a mail address. A person who
    later enters the same one without a check is marked as sharing it (`phone_shared`,
    `email_shared`): see `add_unchecked`."""

    __tablename__ = "ledger_person"
    __table_args__ = (
        UniqueConstraint("programme_id", "external_id"),
        Index(
            "uq_ledger_person_phone",
            "programme_id",
            "phone",
            unique=True,
            **_unless("phone_shared"),
        ),
        Index(
            "uq_ledger_person_email",
            "programme_id",
            "email",
            unique=True,
            **_unless("email_shared"),
        ),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    name: Mapped[str | None] = mapped_column(String(300))
    phone: Mapped[str | None] = mapped_column(String(20), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    birthday: Mapped[date | None] = mapped_column(Date)
    locale: Mapped[str | None] = mapped_column(String(10))
    external_id: Mapped[str | None] = mapped_column(String(100))
    phone_shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    email_shared: Mapped[bool] = mapped_column(default=False, server_default=false())


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person tells about themselves. `phone` is as `contacts.phone_number` reads it,
    `locale` is the tag of a language, `external_id` is what another system calls the person."""

    name: str | None = None
    phone: PhoneNumber | None = None
    email: str | None = None
    birthday: date | None = None
    locale: str | None = None
    external_id: str | None = None


# What is personal in a profile.
PERSONAL = ("name", "phone", "email", "birthday")


@dataclass(frozen=True, slots=True)
class Search:
    """What members are searched by; exactly one of the first four is set. `phones` are all numbers
    that may be meant: one without a country code may be of any country with a programme. With
    `programme_id`, members of other programmes are not found."""

    card: str | None = None
    phones: tuple[PhoneNumber, ...] = ()
    email: str | None = None
    external_id: str | None = None
    programme_id: int | None = None


def personal_of(profile: Profile) -> list[str]:
    """The names of what is personal in this profile. A language, and the number by which another
    system calls somebody, say nothing about them to who has not that system."""
    return [name for name in PERSONAL if getattr(profile, name) is not None]


def add(session: Session, programme_id: int, profile: Profile, now: datetime) -> Member:
    """Add a member with this profile, which a shop vouches for. Raises `PersonalDataNotKept`,
    `ExternalIdTaken`, `PhoneTaken`, `EmailTaken`."""
    _require_kept(session, programme_id, profile)
    member = _new(session, programme_id, now)
    # Two systems may add one person at once: the unique keys decide.
    while not _put_down(session, member, profile):
        _refuse_taken(session, member, profile)
    return member


def add_unchecked(session: Session, programme_id: int, profile: Profile, now: datetime) -> Member:
    """Add a member for a person who enters a phone number or an address that nobody has checked. If
    another member has it already, it is kept for both and marked as shared here. So the answer
    never tells whether somebody is a member. Raises `PersonalDataNotKept`, `ExternalIdTaken`."""
    _require_kept(session, programme_id, profile)
    member = _new(session, programme_id, now)
    while True:
        phone_shared, email_shared = (
            _has(session, member, column, value)
            for column, value in ((Person.phone, profile.phone), (Person.email, profile.email))
        )
        if _put_down(
            session, member, profile, phone_shared=phone_shared, email_shared=email_shared
        ):
            return member
        if _has(session, member, Person.external_id, profile.external_id):
            raise ExternalIdTaken(profile.external_id or "")


def change(
    session: Session,
    member: Member,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    checked: bool = True,
) -> bool:
    """Correct what is known of the person. `changes` has the names of `Profile`; None removes a
    value. False if nothing differs. `checked`: somebody vouches for the phone number and the
    address, so one that another member has is refused. Otherwise it is marked as shared, as in
    `add_unchecked`, and the answer tells nobody whose it is. Raises `PersonalDataNotKept`
    for what is new, also `ExternalIdTaken`, `PhoneTaken`, `EmailTaken`, and `UnknownMember` if the
    person was erased."""
    row = session.scalar(select(Person).where(Person.member_id == member.id).with_for_update())
    if row is None:
        raise UnknownMember
    before = _profile(row)
    after = replace(before, **changes)
    if after == before:
        return False
    same = {name: None for name in PERSONAL if getattr(after, name) == getattr(before, name)}
    _require_kept(session, member.programme_id, replace(after, **same))
    left = [
        (column, marker, value)
        for column, marker, value, kept, shared in (
            (Person.phone, Person.phone_shared, before.phone, after.phone, row.phone_shared),
            (Person.email, Person.email_shared, before.email, after.email, row.email_shared),
        )
        if value is not None and value != kept and not shared
    ]
    shared = (row.phone_shared, row.email_shared)
    while not _put_right(session, member, before, after, shared, checked=checked):
        if checked:
            _refuse_taken(session, member, after)
        elif _has(session, member, Person.external_id, after.external_id):
            raise ExternalIdTaken(after.external_id or "")
    for column, marker, value in left:
        _hand_on(session, member, column, marker, value)
    search_words.renew(session, member.programme_id, member.id, after)
    outbox.append(session, [MemberChanged(member.id)], now)
    return True


def _put_right(
    session: Session,
    member: Member,
    before: Profile,
    after: Profile,
    shared: tuple[bool, bool],
    *,
    checked: bool,
) -> bool:
    """Write the profile in the place of the one before, of which phone and address were `shared`
    or not; False if a part of it belongs to another member, of whom we did not know."""
    phone_shared, email_shared = (
        was_shared if value == was else not checked and _has(session, member, column, value)
        for was_shared, was, value, column in (
            (shared[0], before.phone, after.phone, Person.phone),
            (shared[1], before.email, after.email, Person.email),
        )
    )
    try:
        with session.begin_nested():
            session.execute(
                update(Person)
                .where(Person.member_id == member.id)
                .values(**asdict(after), phone_shared=phone_shared, email_shared=email_shared)
            )
    except IntegrityError:
        return False
    return True


def introduce(session: Session, member: Member, said: Profile, now: datetime) -> None:
    """A member of whom nothing was known tells who they are, and nobody has checked it: values that
    another member has are marked as shared, as in `add_unchecked`. Raises `PersonalDataNotKept`,
    and `UnknownMember` if the person was erased."""
    _require_kept(session, member.programme_id, said)
    row = session.scalar(select(Person).where(Person.member_id == member.id).with_for_update())
    if row is None:
        raise UnknownMember
    values = {name: value for name, value in asdict(said).items() if value is not None}
    while True:
        shared = {
            "phone_shared": _has(session, member, Person.phone, said.phone),
            "email_shared": _has(session, member, Person.email, said.email),
        }
        try:
            with session.begin_nested():
                session.execute(
                    update(Person).where(Person.member_id == member.id).values(**values, **shared)
                )
        except IntegrityError:
            continue  # another person entered the same at this moment: now it is shared
        break
    search_words.renew(session, member.programme_id, member.id, replace(_profile(row), **values))
    outbox.append(session, [MemberChanged(member.id)], now)


def _require_kept(session: Session, programme_id: int, *told: Profile) -> None:
    """Raises `PersonalDataNotKept` if the programme stores no personal data and some was given."""
    sent = {name for profile in told for name in personal_of(profile)}
    if sent and not programmes.keeps_personal(session, programme_id):
        raise PersonalDataNotKept(", ".join(name for name in PERSONAL if name in sent))


def _new(session: Session, programme_id: int, now: datetime) -> Member:
    member = Member(public_id=str(uuid7()), programme_id=programme_id, created_at=now)
    session.add(member)
    session.flush()
    return member


def _put_down(
    session: Session,
    member: Member,
    profile: Profile,
    *,
    phone_shared: bool = False,
    email_shared: bool = False,
) -> bool:
    """Add the profile; False if a part of it belongs to another member."""
    added = session.execute(
        insert_or(session, Person)
        .values(
            member_id=member.id,
            programme_id=member.programme_id,
            **asdict(profile),
            phone_shared=phone_shared,
            email_shared=email_shared,
        )
        .on_conflict_do_nothing()
        .returning(Person.member_id)
    ).first()
    if added is None:
        return False
    search_words.add_all(session, member.programme_id, {member.id: profile})
    return True


def _refuse_taken(session: Session, member: Member, profile: Profile) -> None:
    """Raise the refusal for the part that belongs to another member. Returns if that member has
    given it up meanwhile."""
    if _has(session, member, Person.phone, profile.phone):
        raise PhoneTaken
    if _has(session, member, Person.email, profile.email):
        raise EmailTaken
    if _has(session, member, Person.external_id, profile.external_id):
        raise ExternalIdTaken(profile.external_id or "")


def _has(
    session: Session,
    member: Member,
    column: InstrumentedAttribute[str | None],
    value: str | None,
) -> bool:
    """Whether another member of the programme has this value already."""
    if value is None:
        return False
    found = select(Person.member_id).where(
        Person.programme_id == member.programme_id, column == value, Person.member_id != member.id
    )
    return session.execute(found.limit(1)).first() is not None


def _hand_on(
    session: Session,
    member: Member,
    column: InstrumentedAttribute[str | None],
    marker: InstrumentedAttribute[bool],
    value: str,
) -> None:
    """Give the value that `member` had to the member who has shared it for longest."""
    oldest = (
        select(Person.member_id)
        .where(Person.programme_id == member.programme_id, column == value, marker)
        .order_by(Person.member_id)
        .limit(1)
    ).scalar_subquery()
    session.execute(update(Person).where(Person.member_id == oldest).values({marker: False}))


def add_all(
    session: Session, programme_id: int, profiles: Sequence[Profile], now: datetime
) -> list[int]:
    """Add many members at once. Returns their ids in the order of the profiles. Raises
    `PersonalDataNotKept`."""
    if profiles:
        _require_kept(session, programme_id, *profiles)
    member_ids: list[int] = []
    for part in batched(profiles):
        added = session.scalars(
            insert(Member).returning(Member.id, sort_by_parameter_order=True),
            [
                {"public_id": str(uuid7()), "programme_id": programme_id, "created_at": now}
                for _ in part
            ],
        ).all()
        session.execute(
            insert(Person),
            [
                {"member_id": member_id, "programme_id": programme_id, **asdict(profile)}
                for member_id, profile in zip(added, part, strict=True)
            ],
        )
        search_words.add_all(session, programme_id, dict(zip(added, part, strict=True)))
        member_ids += added
    return member_ids


def member_by_external_id(session: Session, programme_id: int, external_id: str) -> Member | None:
    """The member whom another system calls so, or the one they were merged into; None if there is
    none."""
    member = session.scalar(
        select(Member)
        .join(Person, Person.member_id == Member.id)
        .where(Person.programme_id == programme_id, Person.external_id == external_id)
        .execution_options(populate_existing=True)
    )
    return None if member is None else members.resolve_merged(session, member)


def owner_of_address(
    session: Session, programme_id: int, *, phone: str | None = None, email: str | None = None
) -> Member | None:
    """The member to whom this phone number or this address belongs, or the one they were merged
    into: of several who typed it the one who came first. None if there is none."""
    column, value, shared = (
        (Person.phone, phone, Person.phone_shared)
        if email is None
        else (Person.email, email, Person.email_shared)
    )
    member = session.scalar(
        select(Member)
        .join(Person, Person.member_id == Member.id)
        .where(Person.programme_id == programme_id, column == value)
        .order_by(shared, Person.member_id)
        .limit(1)
    )
    return None if member is None else members.resolve_merged(session, member)


def number_known(session: Session, programme_id: int) -> int:
    """Of how many members of the programme something personal is stored."""
    something = or_(*(getattr(Person, name).is_not(None) for name in PERSONAL))
    query = select(func.count()).where(Person.programme_id == programme_id, something)
    return session.scalars(query).one()


def search(session: Session, wanted: Search, after_id: int, limit: int) -> Sequence[Member]:
    """Members that fit, by ascending id, from behind member `after_id`."""
    query = select(Member).where(Member.id > after_id).order_by(Member.id).limit(limit)
    if wanted.programme_id is not None:
        # An expression, not the column: SQLite, which does not know how large a programme is, would
        # rather read all members of it than the few who fit.
        query = query.where(Member.programme_id + 0 == wanted.programme_id)
    if wanted.card is not None:
        query = query.join(Card).where(Card.number == cards.normalise(wanted.card))
    else:
        query = query.join(Person)
        if wanted.phones:
            query = query.where(Person.phone.in_(wanted.phones))
        elif wanted.email is not None:
            query = query.where(Person.email == wanted.email)
        else:
            # The index begins with the programme. There are few programmes: all are looked into.
            any_programme = Person.programme_id.in_(select(Programme.id))
            query = query.where(Person.external_id == wanted.external_id, any_programme)
    return session.scalars(query).all()


def profile_of(session: Session, member_id: int) -> Profile:
    """What is known of the person; an empty profile once they were erased."""
    row = session.get(Person, member_id)
    if row is None:
        return Profile()
    return _profile(row)


def _profile(row: Person) -> Profile:
    phone = None if row.phone is None else PhoneNumber(row.phone)
    return Profile(row.name, phone, row.email, row.birthday, row.locale, row.external_id)
