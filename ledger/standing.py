"""Where somebody stands: who it is, the unit that is counted, and the accounts its points run
between. One question, for it is asked whenever points move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, bindparam, func, select
from sqlalchemy.orm import Session

from ledger import members
from ledger.book import accounts
from ledger.book.accounts import AccountClosed, Chart
from ledger.database import detached
from ledger.errors import CardBlocked, UnknownCard, UnknownUnit
from ledger.members import Card, Member, Shown
from ledger.prepared import Prepared
from ledger.programmes import Programme
from ledger.units import MEANT, Unit

Whom = Member | Shown
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """`zone` is the programme's, whose calendar points go by; `card_id` the card that was shown, if
    one was. `member` and `unit` are to read: no session looks after them."""

    member: Member
    card_id: int | None
    unit: Unit
    zone: str
    chart: Chart


_MEMBER, _UNIT = list(Member.__table__.c), list(Unit.__table__.c)


def _asked(
    programme: SQLColumnExpression[int],
    holder: SQLColumnExpression[int],
    *others: SQLColumnExpression[Any],
) -> Select[Any]:
    """Unit, zone and accounts, and whatever else: of a programme, if it has the unit or not."""
    chart = accounts.listed(Unit.id, holder)
    return (
        select(*_UNIT, Programme.timezone, chart, *others)
        .select_from(Programme)
        .outerjoin(Unit, and_(Unit.programme_id == Programme.id, MEANT))
        .where(Programme.id == programme)
    )


_OF_MEMBER = Prepared(_asked(bindparam("programme"), bindparam("holder")))
_OF_CARD = Prepared(
    _asked(
        Member.programme_id,
        func.coalesce(Member.household_id, Member.id),
        *_MEMBER,
        Card.id,
        Card.blocked_at,
    )
    .join(Member, Member.programme_id == Programme.id)
    .join(Card, Card.member_id == Member.id)
    .where(Card.number == bindparam("number"))
)


def with_accounts(
    session: Session, whom: Whom, code: str | None, deed: Callable[[Standing], T]
) -> T:
    """Do something with the accounts of whoever is meant, in the unit with this code, the
    programme's main one without. While it waits for them they may be merged or join a household:
    then it is done with the accounts that they use from then on. Raises `UnknownCard`,
    `CardBlocked`, `UnknownUnit`."""
    while True:
        try:
            return deed(find(session, whom, code))
        except AccountClosed:
            whom = members.reread(session, whom) if isinstance(whom, Member) else whom


def find(session: Session, whom: Whom, code: str | None) -> Standing:
    """As `with_accounts`, to look at them. Raises `AccountClosed`, too."""
    if isinstance(whom, Member):
        values = {"programme": whom.programme_id, "holder": whom.holder}
        (row,) = _OF_MEMBER.execute(session, code=code, **values)
        return _standing(session, whom, None, row, code)
    rows = _OF_CARD.execute(session, number=members.plain(whom.card), code=code)
    if not rows:
        raise UnknownCard
    *facts, card_id, blocked_at = rows[0][len(_UNIT) + 2 :]
    if blocked_at is not None:
        raise CardBlocked
    member = detached(Member, _named(_MEMBER, facts))
    if member.merged_into_id is not None:
        return replace(find(session, members.today(session, member), code), card_id=card_id)
    return _standing(session, member, card_id, rows[0], code)


def _standing(
    session: Session, member: Member, card_id: int | None, row: Sequence[Any], code: str | None
) -> Standing:
    unit = detached(Unit, _named(_UNIT, row))
    if unit.id is None:
        raise UnknownUnit(code or "")
    zone, listed = row[len(_UNIT) : len(_UNIT) + 2]
    chart = accounts.of_list(session, member.programme_id, unit.id, member.holder, listed)
    return Standing(member, card_id, unit, zone, chart)


def _named(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> dict[str, Any]:
    return {str(column.key): value for column, value in zip(columns, values, strict=False)}
