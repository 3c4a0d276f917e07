"""Cards: the numbers by which a till names members, and whether they count.

A number counts unless it is blocked, void or expired. `objection` is that rule, and every door asks
it. Blocking is about the number being in wrong hands: for good when the number was replaced or
lost, until the owner comes when it is only blocked. Void and expired are decisions about the card
itself, which can be taken back. One does not undo the other."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Row,
    String,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    batched,
    detached,
    insert_or,
    only_where,
    placed,
)
from ledger.errors import CardBlocked, CardExpired, CardVoid, Refusal, UnknownCard
from ledger.people import members
from ledger.people.members import Member

CARD_DIGITS = 16
# Cards that a shop had before it came here keep their numbers: any characters a barcode can carry.
OTHER_CARD = re.compile(r"[!-~]{4,32}")


# Why a number is blocked, see `CardBlocked`. Only "blocked" can be taken back.
BlockReason = Literal["replaced", "lost", "blocked"]
CardStatus = Literal["active", "blocked", "void", "expired"]
_BLOCKED = "blocked_for IS NOT NULL"


class Card(Base):
    """One card number of a member, whose programme stands beside it for lists. Since when it is
    blocked, and why; since when it is void; from when on it is expired. Numbers stay, so that they
    are recognised. An erasure replaces the number."""

    __tablename__ = "ledger_card"
    __table_args__ = (
        Index("ix_ledger_card_member", "member_id", "id"),
        # For lists of a programme. Most cards count; each kind of those that do not has its own.
        Index("ix_ledger_card_listed", "programme_id", "created_at", "id"),
        *(
            Index(f"ix_ledger_card_{name}", "programme_id", "created_at", "id", **only_where(which))
            for name, which in (
                ("blocked", _BLOCKED),
                ("void", "void_at IS NOT NULL"),
                ("ending", "expires_at IS NOT NULL"),
            )
        ),
        Index(
            "ix_ledger_card_blocked_for",
            "programme_id",
            "blocked_for",
            "created_at",
            "id",
            **only_where(_BLOCKED),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"))
    programme_id: Mapped[int]  # the member's
    created_at: Mapped[datetime] = mapped_column(Instant)
    blocked_at: Mapped[datetime | None] = mapped_column(Instant)
    blocked_for: Mapped[BlockReason | None] = mapped_column(String(10))
    void_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)


# What decides whether a number counts: for queries that read a card beside other things.
MARKS = (Card.blocked_for, Card.void_at, Card.expires_at)


@dataclass(frozen=True, slots=True)
class NewestCard:
    """The newest number of a member, and what decides whether it counts. `withheld`: the member is
    blocked until they come, even if this number was given since (an import brought it) and counts:
    the card in their phone must not show it."""

    number: str
    blocked_for: BlockReason | None
    void_at: datetime | None
    expires_at: datetime | None
    withheld: bool


@dataclass(frozen=True, slots=True)
class CardOwner:
    """The member whom a card means today, and why the card is refused; None if it counts."""

    member: Member
    card_id: int
    objection: Refusal | None = None

    def require_open(self) -> None:
        """Raises `CardBlocked`, `CardVoid`, `CardExpired` for a card that does not count."""
        if self.objection is not None:
            raise self.objection


def objection(card: Card | NewestCard | Row[Any], now: datetime) -> Refusal | None:
    """Why this number is refused at this moment: `CardBlocked`, `CardVoid` or `CardExpired`. None
    if it counts. A row has `MARKS`."""
    match state(card, now):
        case "blocked":
            return CardBlocked(card.blocked_for or "")
        case "void":
            return CardVoid()
        case "expired":
            return CardExpired()
    return None


def state(card: Card | NewestCard | Row[Any], now: datetime) -> CardStatus:
    """The state of a card in one word. A row has `MARKS`."""
    return state_of(card.blocked_for, card.void_at, card.expires_at, now)


def state_of(
    blocked_for: str | None, void_at: datetime | None, expires_at: datetime | None, now: datetime
) -> CardStatus:
    """The state of a card with these marks: the one rule, which every door asks."""
    if blocked_for is not None:
        return "blocked"
    if void_at is not None:
        return "void"
    if expires_at is not None and expires_at <= now:
        return "expired"
    return "active"


def in_state(wanted: CardStatus, now: datetime) -> ColumnElement[bool]:
    """The condition that a row of `Card` is in this state by now, see `state`."""
    blocked, void = Card.blocked_for.is_not(None), Card.void_at.is_not(None)
    match wanted:
        case "blocked":
            return blocked
        case "void":
            return and_(~blocked, void)
        case "expired":
            ended = and_(Card.expires_at.is_not(None), Card.expires_at <= now)
            return and_(~blocked, ~void, ended)
    return and_(~blocked, ~void, or_(Card.expires_at.is_(None), Card.expires_at > now))


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Which cards a list has: those of a programme, or of one member; with `state`, those that are
    in it by now; with `blocked_for`, those that are blocked for this reason."""

    programme_id: int
    member_id: int | None = None
    state: CardStatus | None = None
    blocked_for: BlockReason | None = None


@dataclass(frozen=True, slots=True)
class ListedCard:
    """A card with the public id of its member."""

    card: Card
    member: str


def listed(
    session: Session,
    wanted: CardFilter,
    after: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
) -> Sequence[ListedCard]:
    """Cards that fit, in the order in which they were issued, from behind the one that was issued
    then and has this id."""
    query = (
        select(Card, Member.public_id)
        .join(Member, Member.id == Card.member_id)
        .order_by(Card.created_at, Card.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Card.created_at, Card.id) > placed(*after))
    if wanted.member_id is None:
        query = query.where(Card.programme_id == wanted.programme_id)
    else:
        query = query.where(Card.member_id == wanted.member_id)
    if wanted.state is not None:
        query = query.where(in_state(wanted.state, now))
    if wanted.blocked_for is not None:
        query = query.where(Card.blocked_for == wanted.blocked_for)
    return [ListedCard(*row) for row in session.execute(query)]


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


def issue_all(
    session: Session,
    programme_id: int,
    wanted: Sequence[tuple[int, str | None]],
    now: datetime,
) -> None:
    """Issue cards to many members of a programme: with the number that a member has already, or
    with a new one for None."""
    for part in batched(wanted):
        session.execute(
            insert(Card),
            [
                {
                    "number": number or new_card_number(),
                    "member_id": member_id,
                    "programme_id": programme_id,
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
            .values(
                number=number,
                member_id=member.id,
                programme_id=member.programme_id,
                created_at=now,
            )
            .on_conflict_do_nothing()
            .returning(Card.id)
        ).scalar_one_or_none()
        if card_id is not None:
            return session.get_one(Card, card_id)


def replace(session: Session, member: Member, now: datetime) -> Card:
    """Issue another number to the member and refuse those given before. Raises `MemberErased`, and
    `CardBlocked` while a number is blocked because it may be in wrong hands: then a new number is
    no help, since it would appear wherever the old one did."""
    members.lock_present(session, member.id)
    if is_blocked(session, [member.id]):
        raise CardBlocked("blocked")
    return _replace(session, [member], "replaced", now)[0]


def replace_lost(session: Session, people: Sequence[Member], now: datetime) -> Sequence[Card]:
    """Refuse all numbers of these members for good, since they are in wrong hands, and issue a new
    one to each. The caller has locked them."""
    return _replace(session, people, "lost", now)


def _replace(
    session: Session, people: Sequence[Member], reason: BlockReason, now: datetime
) -> list[Card]:
    """A date of expiry is a term of the membership and goes over to the new number; that a number
    was void does not."""
    ends = {one.id: newest_of(session, one.id).expires_at for one in people}
    _block(session, list(ends), reason, now)
    fresh = [issue(session, one, now) for one in people]
    for card in fresh:
        card.expires_at = ends[card.member_id]
    session.flush()
    return fresh


def block(session: Session, member_ids: Sequence[int], now: datetime) -> None:
    """Refuse all numbers of these members until `unblock`. The caller has locked them."""
    _block(session, member_ids, "blocked", now)


def unblock(session: Session, member_ids: Sequence[int]) -> None:
    """Let numbers count again that were only blocked. Those that were replaced or lost stay
    refused. The caller has locked the members."""
    session.execute(
        update(Card)
        .where(Card.member_id.in_(member_ids), Card.blocked_for == "blocked")
        .values(blocked_at=None, blocked_for=None)
        .execution_options(synchronize_session=False)
    )


def _block(session: Session, member_ids: Sequence[int], reason: BlockReason, now: datetime) -> None:
    """Block what is not refused for good already."""
    session.execute(
        update(Card)
        .where(
            Card.member_id.in_(member_ids),
            Card.blocked_for.is_(None) | (Card.blocked_for == "blocked"),
        )
        .values(
            blocked_at=func.coalesce(Card.blocked_at, literal(now, Instant)), blocked_for=reason
        )
        .execution_options(synchronize_session=False)
    )


def is_blocked(session: Session, member_ids: Sequence[int]) -> bool:
    """Whether one of these members is blocked until they come."""
    return bool(blocked_of(session, member_ids))


def blocked_of(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Which of these members are blocked until they come, see `NewestCard`."""
    return set(
        session.scalars(
            select(Card.member_id).where(
                Card.member_id.in_(member_ids), Card.blocked_for == "blocked"
            )
        )
    )


def make_void(session: Session, member_id: int, now: datetime) -> None:
    """Refuse the newest number of the member, which is the one that their pass shows. Another
    number, of a plastic card that they have beside it, goes on. The caller has locked the
    member."""
    newest_of(session, member_id).void_at = now
    session.flush()


def end(session: Session, member_id: int, expires_at: datetime) -> None:
    """Refuse the newest number of the member from this moment on, as `make_void` does at once."""
    newest_of(session, member_id).expires_at = expires_at
    session.flush()


def restore(session: Session, member_id: int) -> None:
    """Let numbers of the member count again that were void or expired. The caller has locked the
    member."""
    session.execute(
        update(Card)
        .where(Card.member_id == member_id)
        .values(void_at=None, expires_at=None)
        .execution_options(synchronize_session=False)
    )


_BY_NUMBER = Compiled(
    select(Card.id.label("card_id"), *MARKS, *Member.__table__.c)
    .join(Member, Member.id == Card.member_id)
    .where(Card.number == bindparam("number"))
)


def owner(
    session: Session, number: str, now: datetime, programme_id: int | None = None
) -> CardOwner:
    """The member whom this card means; the spaces that it is printed with do not count. With
    `programme_id`, cards of other programmes are not found. The member object is only to be read:
    no session tracks it. Raises `UnknownCard`, `CardBlocked`,
    `CardVoid`, `CardExpired`."""
    rows = _BY_NUMBER.execute(session, number=normalise(number))
    if not rows or programme_id not in (None, rows[0].programme_id):
        raise UnknownCard
    (row,) = rows
    if (refused := objection(row, now)) is not None:
        raise refused
    names = [column.key for column in Member.__table__.c]
    member = detached(Member, {name: getattr(row, name) for name in names})
    return CardOwner(members.resolve_merged(session, member), row.card_id)


def owners(session: Session, numbers: Sequence[str], now: datetime) -> dict[str, CardOwner]:
    """The members whom these cards mean, by the number without spaces. Unknown cards are left out;
    those that do not count are not, see `CardOwner.objection`."""
    found: dict[str, CardOwner] = {}
    for part in batched(sorted({normalise(number) for number in numbers})):
        rows: Iterable[Row[Any]] = session.execute(
            select(Member, Card.number, Card.id, *MARKS)
            .join(Card, Card.member_id == Member.id)
            .where(Card.number.in_(part))
            .execution_options(populate_existing=True)
        )
        for row in rows:
            today = members.resolve_merged(session, row.Member)
            found[row.number] = CardOwner(today, row.id, objection(row, now))
    return found


def numbers_of(session: Session, member_ids: Sequence[int]) -> dict[int, str]:
    """The newest card number of each of these members, whether it counts or not."""
    return {member_id: card.number for member_id, card in newest(session, member_ids).items()}


def newest(session: Session, member_ids: Sequence[int]) -> dict[int, NewestCard]:
    """The newest card of each of these members, whether it counts or not."""
    found: dict[int, NewestCard] = {}
    withheld: set[int] = set()
    for part in batched(member_ids):
        rows: Iterable[Row[Any]] = session.execute(
            select(Card.member_id, Card.number, *MARKS)
            .where(Card.member_id.in_(part))
            .order_by(Card.id)
        )
        for row in rows:
            if row.blocked_for == "blocked":
                withheld.add(row.member_id)
            found[row.member_id] = NewestCard(
                row.number,
                row.blocked_for,
                row.void_at,
                row.expires_at,
                withheld=row.member_id in withheld,
            )
    return found


def require_open(session: Session, member_id: int, now: datetime) -> None:
    """Raises `CardBlocked`, `CardVoid` or `CardExpired` if the member's newest number does not
    count: for what is done with a card that is not named by its number."""
    if is_blocked(session, [member_id]):
        raise CardBlocked("blocked")
    refused = objection(newest_of(session, member_id), now)
    if refused is not None:
        raise refused


def newest_of(session: Session, member_id: int) -> Card:
    """The newest card of the member, whether it counts or not, read anew."""
    return session.scalars(
        select(Card)
        .where(Card.member_id == member_id)
        .order_by(Card.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one()
