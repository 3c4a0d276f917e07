"""Whom a request means, the unit that it counts in, and the accounts between which its points run.
Every door that moves points asks here: API, webhooks, batches, holds, transfers. All of it is one
statement. A caller that only wants the member of a card number asks `people.cards.owner`."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Label,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    func,
    null,
    select,
)
from sqlalchemy.orm import Session

from ledger.book import accounts
from ledger.book.accounts import AccountClosed, Holder
from ledger.database.compiled import Compiled
from ledger.database.tables import Base, Identifier, detached
from ledger.errors import (
    MemberErased,
    MemberUnconfirmed,
    Refusal,
    UnknownCard,
    UnknownMember,
    UnknownUnit,
)
from ledger.people import cards, members, persons
from ledger.people.cards import Card, CardOwner
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes.programmes import Programme
from ledger.programmes.units import MEANT, Unit

R = TypeVar("R", bound=Base)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Whom:
    """How a request names a member. Exactly one of three is given: the number of the card that was
    shown (spaces do not count), the member's public id, or what another system calls them, in
    `programme_id`. If `programme_id` is given, members of other programmes are not found."""

    card: str | None = None
    member: str | None = None
    external_id: str | None = None
    programme_id: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The member whom a request means, and the card by which it named them, if it did. A card or an
    external id means the member who stands for the person today. An id means exactly that member,
    even if they were merged into another one."""

    member: Member
    card_id: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a posting is made to. `zone` is the programme's time zone, by whose calendar points
    live. `member` and `unit` are only to be read: no session tracks them."""

    member: Member
    card_id: int | None
    unit: Unit
    zone: str
    holder: Holder


def resolve(session: Session, whom: Whom, now: datetime) -> Resolved:
    """The member whom a request means. Raises `UnknownCard`, `CardBlocked`, `CardVoid`,
    `CardExpired`, `UnknownMember`, `MemberErased`."""
    outcome = resolve_all(session, [whom], now)[whom]
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def resolve_all(
    session: Session, wanted: Collection[Whom], now: datetime
) -> dict[Whom, Resolved | Refusal]:
    """The members whom many requests mean, in one query for each kind of name. What `resolve` would
    raise is the outcome."""
    owners = cards.owners(session, [one.card for one in wanted if one.card is not None], now)
    ids = members.by_public_ids(session, [one.member for one in wanted if one.member is not None])
    outcomes: dict[Whom, Resolved | Refusal] = {}
    for one in wanted:
        try:
            if one.card is not None:
                outcomes[one] = _by_card(one, owners.get(cards.normalise(one.card)))
            elif one.member is not None:
                outcomes[one] = _by_id(one, ids.get(one.member))
            else:
                outcomes[one] = _by_external_id(session, one)
        except Refusal as refusal:
            outcomes[one] = refusal
    return outcomes


def _by_card(whom: Whom, owner: CardOwner | None) -> Resolved:
    if owner is None or not _is_meant(whom, owner.member):
        raise UnknownCard
    owner.require_open()
    return Resolved(owner.member, owner.card_id)


def _by_id(whom: Whom, member: Member | None) -> Resolved:
    if member is None or not _is_meant(whom, member):
        raise UnknownMember
    if member.erased_at is not None:
        raise MemberErased
    return Resolved(member)


def _by_external_id(session: Session, whom: Whom) -> Resolved:
    member = persons.member_by_external_id(session, whom.programme_id or 0, whom.external_id or "")
    if member is None:
        raise UnknownMember
    return Resolved(member)


def require_confirmed(member: Member) -> None:
    """Every door by which a member spends asks this. Raises `MemberUnconfirmed`."""
    if member.unconfirmed:
        raise MemberUnconfirmed


def _is_meant(whom: Whom, member: Member) -> bool:
    return whom.programme_id in (None, member.programme_id)


# --- With unit and accounts, in one query: it is made whenever points move ----------------------


def with_target(
    session: Session,
    whom: Whom | Member,
    code: str | None,
    deed: Callable[[Target], T],
    now: datetime,
) -> T:
    """Do `deed` with the accounts of the member who is meant, in the unit with this code (None: the
    programme's main unit). The member may be merged or join a household while the deed waits for a
    lock: then it is done again with the accounts that they use from then on. Raises `UnknownUnit`,
    and what `resolve` raises."""
    while True:
        try:
            return deed(target(session, whom, code, now))
        except AccountClosed:
            whom = members.reread(session, whom) if isinstance(whom, Member) else whom


def target(session: Session, whom: Whom | Member, code: str | None, now: datetime) -> Target:
    """The member who is meant, with unit and accounts; nothing is locked. Raises `UnknownUnit`,
    what `resolve` raises, and `AccountClosed`."""
    if isinstance(whom, Member):
        (row,) = _OF_MEMBER.execute(
            session, code=code, programme=whom.programme_id, holder=whom.holder_id
        )
        return _target(session, whom, None, row, code)
    question, name = _question(whom)
    rows = question.execute(session, code=code, programme=whom.programme_id, name=name)
    if not rows:
        raise UnknownMember if whom.card is None else UnknownCard
    (row,) = rows
    if whom.card is not None and (refused := cards.objection(row, now)) is not None:
        raise refused
    member = _read(Member, row)
    if whom.member is not None:
        if member.erased_at is not None:
            raise MemberErased
    elif member.merged_into_id is not None:
        found = target(session, members.resolve_merged(session, member), code, now)
        return replace(found, card_id=row.card_id)
    return _target(session, member, row.card_id, row, code)


def _question(whom: Whom) -> tuple[Compiled, str | None]:
    if whom.card is not None:
        return _BY_CARD, cards.normalise(whom.card)
    if whom.member is not None:
        return _BY_ID, whom.member
    return _BY_EXTERNAL_ID, whom.external_id


def _labelled(table: type[Base]) -> list[Label[Any]]:
    return [column.label(f"{table.__name__}_{column.key}") for column in table.__table__.c]


def _read(table: type[R], row: Any) -> R:
    names = table.__table__.c.keys()
    return detached(table, {name: getattr(row, f"{table.__name__}_{name}") for name in names})


def _asked(
    programme: SQLColumnExpression[int],
    holder: SQLColumnExpression[int],
    *others: SQLColumnExpression[Any],
) -> Select[Any]:
    """A query for unit, zone and accounts, and for `others`. It has a row for the programme even if
    there is no such unit: then the unit's columns are null."""
    return (
        select(
            *_labelled(Unit),
            Programme.timezone.label("zone"),
            accounts.as_text(Unit.id, holder).label("accounts"),
            *others,
        )
        .select_from(Programme)
        .outerjoin(Unit, and_(Unit.programme_id == Programme.id, MEANT))
        .where(Programme.id == programme)
    )


def _named(*of_the_card: SQLColumnExpression[Any]) -> Select[Any]:
    """The query of `_asked` for a member who is to be named, within one programme if that is
    given."""
    meant = bindparam("programme", type_=Identifier)
    return (
        _asked(
            Member.programme_id,
            func.coalesce(Member.household_id, Member.id),
            *_labelled(Member),
            *of_the_card,
        )
        .join(Member, Member.programme_id == Programme.id)
        .where(meant.is_(None) | (Member.programme_id == meant))
    )


_NO_CARD = null().label("card_id")
_NAME: BindParameter[str] = bindparam("name")
_OF_MEMBER = Compiled(_asked(bindparam("programme"), bindparam("holder")))
_BY_CARD = Compiled(
    _named(Card.id.label("card_id"), *cards.MARKS)
    .join(Card, Card.member_id == Member.id)
    .where(Card.number == _NAME)
)
_BY_ID = Compiled(_named(_NO_CARD).where(Member.public_id == _NAME))
_BY_EXTERNAL_ID = Compiled(
    _named(_NO_CARD)
    .join(Person, Person.member_id == Member.id)
    .where(
        Person.external_id == _NAME,
        Person.programme_id == bindparam("programme", type_=Identifier),
    )
)


def _target(
    session: Session, member: Member, card_id: int | None, row: Any, code: str | None
) -> Target:
    unit = _read(Unit, row)
    if unit.id is None:
        raise UnknownUnit(code or "")
    holder = accounts.from_text(
        session, member.programme_id, unit.id, member.holder_id, row.accounts
    )
    return Target(member, card_id, unit, row.zone, holder)
