"""Cards: the numbers by which a till names members."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, String, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.tables import Base, Identifier, Instant, batched, detached, insert_or
from ledger.errors import CardBlocked, UnknownCard
from ledger.people import members
from ledger.people.members import Member

CARD_DIGITS = 16
# Cards that a shop had before it came here keep their numbers: any characters a barcode can carry.
OTHER_CARD = re.compile(r"[!-~]{4,32}")


class Card(Base):
    """One card number of a member, and since when it is blocked; blocked numbers stay, so that they
    are recognised. An erasure replaces the number."""

    __tablename__ = "ledger_card"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    blocked_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class CardOwner:
    """The member whom a card means today, and whether the card was replaced by another one."""

    member: Member
    card_id: int
    blocked: bool = False

    def require_open(self) -> None:
        """Raises `CardBlocked` if the card was replaced."""
        if self.blocked:
            raise CardBlocked


def check_digit(digits: str) -> str:
    """The Luhn digit (ISO/IEC 7812-1 annex B): it finds every single mistyped digit and nearly
    every swap of two neighbours."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        doubled = int(character) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def new_card_number() -> str:
    """A number of 16 digits. The first is not 0, which spreadsheets drop; 15 come from the system's
    random source, so that no number can be guessed from another; the last is the check digit."""
    digits = str(secrets.randbelow(9) + 1)
    digits += "".join(str(secrets.randbelow(10)) for _ in range(CARD_DIGITS - 2))
    return digits + check_digit(digits)


def normalise(number: str) -> str:
    """A card number without the spaces that it is printed with."""
    return "".join(number.split())


def is_possible(number: str) -> bool:
    """Whether `number` can be a card at all, made by us or by the shop before."""
    return OTHER_CARD.fullmatch(number) is not None


def is_own(number: str) -> bool:
    """Whether `number` can be a card that we made. A till may check this without a network."""
    return (
        len(number) == CARD_DIGITS
        and number.isascii()
        and number.isdigit()
        and check_digit(number[:-1]) == number[-1]
    )


def issue_all(session: Session, wanted: Sequence[tuple[int, str | None]], now: datetime) -> None:
    """Issue cards to many members: with the number that a member has already, or with a new one for
    None."""
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


def issue(session: Session, member: Member, now: datetime) -> Card:
    """Issue a card with a number that no other card has."""
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


def replace(session: Session, member: Member, now: datetime) -> Card:
    """Issue another card to the member and block those given before. Raises `MemberErased`."""
    members.lock_present(session, member.id)
    session.execute(
        update(Card)
        .where(Card.member_id == member.id, Card.blocked_at.is_(None))
        .values(blocked_at=now)
        .execution_options(synchronize_session=False)
    )
    return issue(session, member, now)


_BY_NUMBER = Compiled(
    select(Card.id.label("card_id"), Card.blocked_at, *Member.__table__.c)
    .join(Member, Member.id == Card.member_id)
    .where(Card.number == bindparam("number"))
)


def owner(session: Session, number: str) -> CardOwner:
    """The member whom this card means; the spaces that it is printed with do not count. The member
    object is only to be read: no session tracks it. Raises `UnknownCard`, `CardBlocked`."""
    rows = _BY_NUMBER.execute(session, number=normalise(number))
    if not rows:
        raise UnknownCard
    columns = rows[0]._asdict()
    card_id, blocked_at = columns.pop("card_id"), columns.pop("blocked_at")
    if blocked_at is not None:
        raise CardBlocked
    return CardOwner(members.resolve_merged(session, detached(Member, columns)), card_id)


def owners(session: Session, numbers: Sequence[str]) -> dict[str, CardOwner]:
    """The members whom these cards mean, by the number without spaces. Unknown cards are left out,
    blocked ones are not."""
    found: dict[str, CardOwner] = {}
    for part in batched(sorted({normalise(number) for number in numbers})):
        rows = session.execute(
            select(Member, Card.number, Card.id, Card.blocked_at)
            .join(Card, Card.member_id == Member.id)
            .where(Card.number.in_(part))
            .execution_options(populate_existing=True)
        )
        for member, number, card_id, blocked_at in rows:
            today = members.resolve_merged(session, member)
            found[number] = CardOwner(today, card_id, blocked_at is not None)
    return found


def numbers_of(session: Session, member_ids: Sequence[int]) -> dict[int, str]:
    """The newest card number of each of these members, blocked or not."""
    found: dict[int, str] = {}
    for part in batched(member_ids):
        rows = session.execute(
            select(Card.member_id, Card.number).where(Card.member_id.in_(part)).order_by(Card.id)
        )
        found |= {row.member_id: row.number for row in rows}
    return found


def newest_of(session: Session, member_id: int) -> Card:
    """The newest card of the member, blocked or not."""
    return session.scalars(
        select(Card).where(Card.member_id == member_id).order_by(Card.id.desc()).limit(1)
    ).one()
