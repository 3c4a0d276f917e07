"""Members and what identifies them: a card with a random number, and their personal data.

A member is an opaque id. Everything about the person stands in one table, `Person`, so that erasing
somebody is erasing one row."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    false,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger import outbox
from ledger.database import Base, Identifier, Instant, batched, detached, insert_or
from ledger.errors import (
    CardBlocked,
    EmailTaken,
    ExternalIdTaken,
    MemberErased,
    PhoneTaken,
    UnknownCard,
    UnknownMember,
)
from ledger.events import MemberChanged
from ledger.prepared import Prepared
from ledger.programmes import Programme

CARD_DIGITS = 16
# Cards that a shop had before it came here keep their numbers: any signs that a barcode can carry.
OTHER_CARD = re.compile(r"[!-~]{4,32}")


class Member(Base):
    __tablename__ = "ledger_member"
    __table_args__ = (
        Index(
            "ix_ledger_member_erased_at",
            "erased_at",
            postgresql_where=text("erased_at IS NOT NULL"),
            sqlite_where=text("erased_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # The head of the household whose accounts this member uses; null: their own.
    household_id: Mapped[int | None] = mapped_column(index=True)
    merged_into_id: Mapped[int | None] = mapped_column(index=True)
    # Since when the id stands for nobody. Never taken back.
    erased_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def holder_id(self) -> int:
        """The member whose accounts this one uses."""
        return self.household_id or self.id


def _unless(marker: str) -> dict[str, Any]:
    return {"sqlite_where": text(f"NOT {marker}"), "postgresql_where": text(f"NOT {marker}")}


class Person(Base):
    """All that is known of the person behind a member, and nothing of it anywhere else.

    A phone number belongs to one member of a programme, and so does an address. Who comes later
    with the same one, unchecked, is marked as sharing it: see `add_unchecked`."""

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


class Card(Base):
    __tablename__ = "ledger_card"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    blocked_at: Mapped[datetime | None] = mapped_column(Instant)


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


def may_be_card(number: str) -> bool:
    """Whether `number` can be a card at all, ours or one from before."""
    return OTHER_CARD.fullmatch(number) is not None


def is_card_number(number: str) -> bool:
    """Whether `number` can be one that we made: what a till may check without asking anyone."""
    return (
        len(number) == CARD_DIGITS
        and number.isascii()
        and number.isdigit()
        and check_digit(number[:-1]) == number[-1]
    )


def add(session: Session, programme_id: int, profile: Profile, now: datetime) -> Member:
    """Raises `ExternalIdTaken`, `PhoneTaken`, `EmailTaken`."""
    member = _new(session, programme_id, now)
    # Two systems may add one person at once: the unique keys decide.
    while not _put_down(session, member, profile):
        _refuse_taken(session, member, profile)
    return member


def add_unchecked(session: Session, programme_id: int, profile: Profile, now: datetime) -> Member:
    """The same for a person who writes down a phone number or an address that nobody has checked.
    What another member has already is kept beside theirs and marked as shared, so that the answer
    tells nobody who is a member. Raises `ExternalIdTaken`."""
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


def change(session: Session, member: Member, changes: Mapping[str, Any], now: datetime) -> bool:
    """Correct what is known of the person: `changes` by the names of `Profile`; None forgets.
    False if nothing differs. Raises `UnknownMember` once the person was erased, `ExternalIdTaken`,
    `PhoneTaken`, `EmailTaken`."""
    row = session.scalar(select(Person).where(Person.member_id == member.id).with_for_update())
    if row is None:
        raise UnknownMember
    before = _profile(row)
    after = replace(before, **changes)
    if after == before:
        return False
    left = [
        (column, marker, value)
        for column, marker, value, kept, shared in (
            (Person.phone, Person.phone_shared, before.phone, after.phone, row.phone_shared),
            (Person.email, Person.email_shared, before.email, after.email, row.email_shared),
        )
        if value is not None and value != kept and not shared
    ]
    try:
        with session.begin_nested():
            session.execute(
                update(Person)
                .where(Person.member_id == member.id)
                .values(
                    **asdict(after),
                    phone_shared=row.phone_shared and after.phone == before.phone,
                    email_shared=row.email_shared and after.email == before.email,
                )
            )
    except IntegrityError:
        _refuse_taken(session, member, after)
        raise
    for column, marker, value in left:
        _hand_on(session, member, column, marker, value)
    outbox.append(session, [MemberChanged(member.id)], now)
    return True


def introduce(session: Session, member: Member, said: Profile, now: datetime) -> None:
    """A member of whom nothing was known says who they are; nobody has checked it, see
    `add_unchecked`. Raises `UnknownMember` once the person was erased."""
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
            continue  # somebody wrote the same down at this moment: now it is shared
        break
    outbox.append(session, [MemberChanged(member.id)], now)


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
    """False if something of it belongs to another member."""
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
    return added is not None


def _refuse_taken(session: Session, member: Member, profile: Profile) -> None:
    """Say what it is that belongs to another member; nothing, should they have just let go."""
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
    """Whether another member of the programme has this already."""
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
    """What `member` had is from now on the oldest sharer's."""
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
    """Many members at once; their ids in the order of the profiles."""
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
        member_ids += added
    return member_ids


def give_cards(session: Session, wanted: Sequence[tuple[int, str | None]], now: datetime) -> None:
    """Cards for many members: the number that one has already, a new one for whoever has none."""
    for part in batched(wanted):
        session.execute(
            insert(Card),
            [
                {
                    "number": number or new_card_number(),
                    "member_id": member_id,
                    "created_at": now,
                    "blocked_at": None,
                }
                for member_id, number in part
            ],
        )


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


def replace_card(session: Session, member: Member, now: datetime) -> Card:
    """Another card for the member; those given before are not accepted any more."""
    session.execute(
        update(Card)
        .where(Card.member_id == member.id, Card.blocked_at.is_(None))
        .values(blocked_at=now)
        .execution_options(synchronize_session=False)
    )
    return give_card(session, member, now)


def by_public_id(session: Session, public_id: str) -> Member:
    """Raises `UnknownMember`, `MemberErased`."""
    member = known(session, public_id)
    if member.erased_at is not None:
        raise MemberErased
    return member


def known(session: Session, public_id: str) -> Member:
    """The member with this id, erased or not. Raises `UnknownMember`."""
    member = session.scalar(select(Member).where(Member.public_id == public_id))
    if member is None:
        raise UnknownMember
    return member


_BY_CARD = Prepared(
    select(Card.id.label("card_id"), Card.blocked_at, *Member.__table__.c)
    .join(Member, Member.id == Card.member_id)
    .where(Card.number == bindparam("number"))
)


def by_card(session: Session, number: str) -> Member:
    """The member with this card; the spaces it is printed with do not count. To read: no session
    looks after the object. Raises `UnknownCard`, `CardBlocked`."""
    return shown(session, number)[0]


def shown(session: Session, number: str) -> tuple[Member, int]:
    """As `by_card`, with the id of the card."""
    rows = _BY_CARD.execute(session, number=plain(number))
    if not rows:
        raise UnknownCard
    found = rows[0]._asdict()
    card_id, blocked_at = found.pop("card_id"), found.pop("blocked_at")
    if blocked_at is not None:
        raise CardBlocked
    return today(session, detached(Member, found)), card_id


def card_numbers(session: Session, member_ids: Sequence[int]) -> dict[int, str]:
    """The number on each one's card; of several the newest."""
    found: dict[int, str] = {}
    for part in batched(member_ids):
        rows = session.execute(
            select(Card.member_id, Card.number).where(Card.member_id.in_(part)).order_by(Card.id)
        )
        found |= {row.member_id: row.number for row in rows}
    return found


def today(session: Session, member: Member) -> Member:
    """Who is meant by this member now: themselves, or whom they were merged into."""
    if member.merged_into_id is None:
        return member
    return session.get_one(Member, member.merged_into_id, populate_existing=True)


def lock(session: Session, member_ids: Collection[int]) -> list[int]:
    """Lock these members until the transaction ends, in ascending order, against whoever merges
    them or changes their household. Returns their ids."""
    return list(
        session.scalars(
            select(Member.id)
            .where(Member.id.in_(member_ids))
            .order_by(Member.id)
            .with_for_update(key_share=True)
        )
    )


def reread(session: Session, member: Member) -> Member:
    """The member as they are at this moment."""
    return session.get_one(Member, member.id, populate_existing=True)


@dataclass(frozen=True, slots=True)
class Known:
    """A member, the card they were found by, and whether that card was replaced."""

    member: Member
    card_id: int | None = None
    blocked: bool = False

    def require_open(self) -> None:
        """Raises `CardBlocked`."""
        if self.blocked:
            raise CardBlocked


def by_cards(session: Session, numbers: Sequence[str]) -> dict[str, Known]:
    """Whoever is meant by these card numbers, by the number without spaces."""
    found: dict[str, Known] = {}
    for part in batched(sorted({plain(number) for number in numbers})):
        rows = session.execute(
            select(Member, Card.number, Card.id, Card.blocked_at)
            .join(Card, Card.member_id == Member.id)
            .where(Card.number.in_(part))
            .execution_options(populate_existing=True)
        )
        for member, number, card_id, blocked_at in rows:
            found[number] = Known(today(session, member), card_id, blocked_at is not None)
    return found


def by_public_ids(session: Session, public_ids: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for part in batched(sorted(set(public_ids))):
        found_now = session.scalars(
            select(Member)
            .where(Member.public_id.in_(part))
            .execution_options(populate_existing=True)
        )
        found |= {member.public_id: Known(member) for member in found_now}
    return found


def by_external_id(session: Session, programme_id: int, external_id: str) -> Member | None:
    """The member whom another system knows by this number; None if there is none."""
    member = session.scalar(
        select(Member)
        .join(Person, Person.member_id == Member.id)
        .where(Person.programme_id == programme_id, Person.external_id == external_id)
    )
    return None if member is None else today(session, member)


def by_id(session: Session, member_id: int) -> Member:
    return session.get_one(Member, member_id)


def by_ids(session: Session, member_ids: Sequence[int]) -> Sequence[Member]:
    return session.scalars(select(Member).where(Member.id.in_(member_ids))).all()


def holders(session: Session, member_ids: Sequence[int]) -> dict[int, int]:
    """Whose accounts each of these members uses at this moment."""
    found: dict[int, int] = {}
    for part in batched(member_ids):
        rows = session.execute(select(Member.id, Member.household_id).where(Member.id.in_(part)))
        found |= {row.id: row.household_id or row.id for row in rows}
    return found


def erased(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Which of these members are erased, as it stands at this moment."""
    return set(
        session.scalars(
            select(Member.id).where(Member.id.in_(member_ids), Member.erased_at.is_not(None))
        )
    )


def existing(session: Session, public_ids: Collection[str]) -> Sequence[str]:
    """Which of these ids there is a member of."""
    return session.scalars(
        select(Member.public_id).where(Member.public_id.in_(list(public_ids)))
    ).all()


def all_erased(session: Session) -> Sequence[Member]:
    """Everybody who was erased, first to last."""
    return session.scalars(
        select(Member).where(Member.erased_at.is_not(None)).order_by(Member.erased_at, Member.id)
    ).all()


def sharing(session: Session, member_ids: Sequence[int]) -> Sequence[Member]:
    """These members, and everybody who uses the accounts of one of them."""
    return session.scalars(
        select(Member)
        .where(or_(Member.id.in_(member_ids), Member.household_id.in_(member_ids)))
        .order_by(Member.id)
    ).all()


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
            # The index begins with the programme: each of the few is looked into.
            any_programme = Person.programme_id.in_(select(Programme.id))
            query = query.where(Person.external_id == search.external_id, any_programme)
    return session.scalars(query).all()


def person(session: Session, member_id: int) -> Profile:
    """What is known of the person; an empty profile once it was erased."""
    row = session.get(Person, member_id)
    if row is None:
        return Profile()
    return _profile(row)


def _profile(row: Person) -> Profile:
    return Profile(row.name, row.phone, row.email, row.birthday, row.locale, row.external_id)


def card_of(session: Session, member_id: int) -> Card:
    """The member's card; the newest, should there be several."""
    return session.scalars(
        select(Card).where(Card.member_id == member_id).order_by(Card.id.desc()).limit(1)
    ).one()
