"""The members of a programme as lists: a page of them with card, balance and what is known of the
person, in one statement. To build one from rows of the session would cost several times as much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    join,
    literal,
    or_,
    outerjoin,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.orm import Session, aliased

from ledger.book import balances
from ledger.book.accounts import MEMBER, Account, Balance, BalanceRow
from ledger.database.compiled import Compiled, Fetching, Question, within
from ledger.database.tables import (
    EPOCH,
    Identifier,
    Instant,
    OneOf,
    detached,
    dialect_of,
)
from ledger.errors import UnknownProgramme
from ledger.limits import NEVER
from ledger.people import cards, consents, members
from ledger.people.cards import Card, CardStatus
from ledger.people.consents import PURPOSES, Consent, Purpose
from ledger.people.members import Member, MemberState
from ledger.people.persons import Person
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """Which members a list has of the programme with this code. `since` and `until` bound when they
    joined; `since` is included, `until` is not. `household_id`: those who use the accounts of this
    member, and the member. `newest_first`: those who joined last come first."""

    programme: str
    state: MemberState | None = None
    since: datetime | None = None
    until: datetime | None = None
    household_id: int | None = None
    newest_first: bool = False


# Where in a list of members one stands: when they joined, and their id.
RosterPlace = tuple[datetime, int]
BEGINNING: RosterPlace = (EPOCH, 0)
END: RosterPlace = (NEVER, 0)

# How many members are looked at for those who fit: at first, each time so many times more, at most
# together, and at most for one page.
FIRST_LOOKED, LOOKED_GROWS, MOST_LOOKED_AT_ONCE, MOST_LOOKED = 400, 4, 6_400, 25_000


# What a list has of the people: nothing, what is known of them, or their decisions as well.
_Details = Literal["", "people", "consents"]


class HeldConsent(NamedTuple):
    """What the person decided about a purpose, as it holds now."""

    purpose: Purpose
    given: bool
    text_version: str | None
    source: str
    origin: str | None
    happened_at: datetime


class KnownPerson(NamedTuple):
    """What is known of the person behind a member, as it is stored. `consents` are there where they
    were asked for."""

    consents: Sequence[HeldConsent]
    name: str | None
    phone: str | None
    email: str | None
    birthday: date | None
    locale: str | None
    external_id: str | None


class ListedMember(NamedTuple):
    """A member in a list. `household`: the public id of the member whose accounts they use, if that
    is another; `merged_into`: of the one who they are now. `person` is there where it was asked
    for, with nothing in it once they were erased."""

    place: RosterPlace
    id: str
    state: MemberState
    household: str | None
    merged_into: str | None
    confirmed: bool
    card: str
    card_state: CardStatus
    balance: Balance
    person: KnownPerson | None


class RosterPage(NamedTuple):
    """Members of a list, and the unit in which their balances are: the main one of the
    programme."""

    unit: Unit
    members: list[ListedMember]


def page(
    fetch: Fetching,
    wanted: RosterFilter,
    after: RosterPlace | None,
    limit: int,
    now: datetime,
    *,
    people: bool,
    with_consents: bool = False,
) -> RosterPage:
    """Members that fit, in the order in which they joined, from behind `after`. `people`: with what
    is known of them; `with_consents`: and what they decided. `fetch` carries out a statement that
    reads. Raises `UnknownProgramme`."""
    return asked(wanted, after, limit, now, people=people, with_consents=with_consents).answer(
        fetch
    )


def asked(
    wanted: RosterFilter,
    after: RosterPlace | None,
    limit: int,
    now: datetime,
    *,
    people: bool,
    with_consents: bool = False,
) -> Question[RosterPage]:
    """The same as a question, to be asked together with others."""
    # The scan of the index begins at one place. With two such bounds PostgreSQL may begin at the
    # farther one and walk to the other through everybody in between.
    if wanted.newest_first:
        until: RosterPlace = END if wanted.until is None else (wanted.until, 0)
        after_at, after_id = min(after or END, until)
        bounds: dict[str, Any] = {"since": wanted.since, "household": wanted.household_id}
    else:
        since: RosterPlace = BEGINNING if wanted.since is None else (wanted.since, 0)
        after_at, after_id = max(after or BEGINNING, since)
        bounds = {"until": wanted.until, "household": wanted.household_id}
    given = {name: value for name, value in bounds.items() if value is not None}
    details = _details(people=people, with_consents=with_consents)
    return Question(
        _statement(wanted.state, frozenset(given), details, newest_first=wanted.newest_first),
        {
            "programme": wanted.programme,
            "after_at": after_at,
            "after_id": after_id,
            "most": limit,
            "now": now,
            **given,
        },
        lambda rows: _page_of(rows, wanted.programme, now, details),
    )


def _details(*, people: bool, with_consents: bool) -> _Details:
    if not people:
        return ""
    return "consents" if with_consents else "people"


def known(
    fetch: Fetching,
    programme: str,
    ids: Sequence[int],
    now: datetime,
    *,
    people: bool,
    with_consents: bool = False,
    newest_first: bool = True,
) -> RosterPage:
    """The same for these members of the programme with this code, and no others. Raises
    `UnknownProgramme`."""
    details = _details(people=people, with_consents=with_consents)
    statement = _statement_of_known(details, newest_first=newest_first)
    rows = fetch(statement, programme=programme, ids=list(ids), now=now)
    return _page_of(rows, programme, now, details)


@dataclass(frozen=True, eq=False)
class Sieve:
    """A condition on `Member` that is asked of lists again and again, at any moment. `ago`: by the
    name of each of its parameters, how long before that moment it is."""

    condition: ColumnElement[bool]
    ago: Mapping[str, timedelta]


class SiftedPage(NamedTuple):
    """Members of a list that is looked through for those who fit. `following`: where to look on, if
    so many were looked at that nobody should wait any longer; None where the page is full, or no
    more members are left."""

    unit: Unit
    members: list[ListedMember]
    following: RosterPlace | None


def sifted(
    session: Session,
    programme_id: int,
    programme: str,
    wanted: Sieve,
    after: RosterPlace | None,
    edge: RosterPlace | None,
    limit: int,
    now: datetime,
    *,
    people: bool,
    with_consents: bool = False,
    newest_first: bool = True,
) -> SiftedPage:
    """The same for a condition that may be true of one in a thousand active members of this
    programme, which is named by id and code. Members are looked at in the order of the list,
    some at a time, and the condition is asked of these alone: asked of all at once, PostgreSQL
    would first gather all that anybody ever bought. `edge`: what `first_edge` said of `after`."""
    fetch, found = within(session), list[int]()
    statement, moments = _sifting(wanted, newest_first=newest_first), _moments(wanted, now)
    looked, size, following = 0, FIRST_LOOKED, None
    while True:
        part = _part(after, edge, newest_first=newest_first)
        found += [row.id for row in fetch(statement, **part, **moments, most=limit - len(found))]
        if len(found) >= limit or edge is None:
            break
        after, looked, size = edge, looked + size, min(size * LOOKED_GROWS, MOST_LOOKED_AT_ONCE)
        if looked >= MOST_LOOKED:
            following = after
            break
        edge = _edge(programme_id, after, size, newest_first=newest_first).answer(fetch)
    page_ = known(
        fetch,
        programme,
        found,
        now,
        people=people,
        with_consents=with_consents,
        newest_first=newest_first,
    )
    return SiftedPage(page_.unit, page_.members, following)


def _moments(wanted: Sieve, now: datetime) -> dict[str, datetime]:
    return {name: now - ago for name, ago in wanted.ago.items()}


def _part(
    after: RosterPlace | None, edge: RosterPlace | None, *, newest_first: bool
) -> dict[str, Any]:
    """The part of a list behind `after` and up to `edge`, which is in it."""
    first, last = (END, BEGINNING) if newest_first else (BEGINNING, END)
    (after_at, after_id), (edge_at, edge_id) = after or first, edge or last
    return {"after_at": after_at, "after_id": after_id, "edge_at": edge_at, "edge_id": edge_id}


@lru_cache(1024)
def _sifting(wanted: Sieve, *, newest_first: bool) -> Compiled:
    """Members of a part of the list who fulfil the condition. The moment of the edge is said by
    itself as well: of a pair PostgreSQL does not know how many fulfil it, and this decides how it
    asks the rest."""
    order, place, edge = (Member.created_at, Member.id), _place("after"), _place("edge")
    edge_at = bindparam("edge_at", type_=Instant)
    if newest_first:
        part = (tuple_(*order) < place, Member.created_at >= edge_at, tuple_(*order) >= edge)
    else:
        part = (tuple_(*order) > place, Member.created_at <= edge_at, tuple_(*order) <= edge)
    query = select(Member.id).where(wanted.condition, *part)
    ordered = query.order_by(*(_backwards(order) if newest_first else order))
    return Compiled(ordered.limit(bindparam("most")))


def _place(name: str) -> Any:
    """A place in the list as parameters."""
    return tuple_(bindparam(f"{name}_at", type_=Instant), bindparam(f"{name}_id", type_=Identifier))


def first_edge(
    programme_id: int, after: RosterPlace | None, *, newest_first: bool = True
) -> Question[RosterPlace | None]:
    """Where those members end who are looked at first from behind `after`; None if no more are
    left. It is a question of its own, to be asked together with others."""
    return _edge(programme_id, after, FIRST_LOOKED, newest_first=newest_first)


def _edge(
    programme_id: int, after: RosterPlace | None, size: int, *, newest_first: bool
) -> Question[RosterPlace | None]:
    after_at, after_id = after or (END if newest_first else BEGINNING)
    return Question(
        _EDGES[newest_first],
        {"programme": programme_id, "after_at": after_at, "after_id": after_id, "before": size - 1},
        lambda rows: (rows[0].created_at, rows[0].id) if rows else None,
    )


def counted(session: Session, wanted: ColumnElement[bool], most: int) -> int:
    """How many members fulfil this condition; of more than `most`, one more than that. No more are
    read."""
    some = select(literal(1)).select_from(Member).where(wanted).limit(most + 1).subquery()
    return session.scalars(select(func.count()).select_from(some)).one()


def counted_in_state(programme_id: int, state: MemberState, most: int) -> Question[int]:
    """The same for the members of a programme in one state."""
    values = {"programme": programme_id, "most": most + 1}
    return Question(_counting(state), values, lambda rows: int(rows[0][0]))


@cache
def _counting(state: MemberState) -> Compiled:
    in_it = (Member.programme_id == bindparam("programme")) & members.in_state(state)
    some = select(literal(1)).select_from(Member).where(in_it).limit(bindparam("most")).subquery()
    return Compiled(select(func.count()).select_from(some))


def estimated(session: Session, wanted: ColumnElement[bool]) -> int:
    """About how many members fulfil this condition. PostgreSQL says what its statistics make it
    expect; SQLite, which has none, counts."""
    query = select(Member.id).where(wanted)
    if dialect_of(session) == "sqlite":
        return session.scalars(select(func.count()).select_from(query.subquery())).one()
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    (plan,) = session.execute(text(f"EXPLAIN (FORMAT JSON) {compiled}")).scalars()
    return int(plan[0]["Plan"]["Plan Rows"])


def _page_of(rows: Sequence[Any], programme: str, now: datetime, details: _Details) -> RosterPage:
    if not rows:
        raise UnknownProgramme(programme)
    unit = detached(Unit, dict(zip(_UNIT.keys(), rows[0][:_MEMBER], strict=True)))
    if rows[0].id is None:  # the unit stands alone: no member fits
        return RosterPage(unit, [])
    return RosterPage(unit, [_listed(row, now, details) for row in rows])


def _listed(row: Any, now: datetime, details: _Details) -> ListedMember:
    return ListedMember(
        (row.created_at, row.id),
        row.public_id,
        members.state_of(row.erased_at, row.merged_into_id),
        row.household,
        row.merged_into,
        not row.unconfirmed,
        row.number,
        cards.state_of(row.blocked_for, row.void_at, row.ends_at, now),
        balances.by_the_clock(row[_BALANCE:_PERSON], now),
        _person(row[_PERSON:], details) if details else None,
    )


def _person(row: Sequence[Any], details: _Details) -> KnownPerson:
    held = [
        HeldConsent(purpose, *row[place : place + _OF_CONSENT])
        for purpose, place in (_CONSENTS if details == "consents" else ())
        if row[place] is not None
    ]
    return KnownPerson(held, *row[: len(_OF_PERSON)])


_HEAD, _INTO = aliased(Member), aliased(Member)
_UNIT = Unit.__table__.c
# Where the columns of a row begin that are of the member and their card, the balance, the person.
_MEMBER = len(_UNIT)
_BALANCE = _MEMBER + 13
_PERSON = _BALANCE + len(balances.READ)
_OF_PERSON = (
    Person.name,
    Person.phone,
    Person.email,
    Person.birthday,
    Person.locale,
    Person.external_id,
)


@cache
def _statement(
    state: MemberState | None, bounds: frozenset[str], details: _Details, *, newest_first: bool
) -> Compiled:
    """Built once for each combination of filters: to build it costs more than to have it
    answered."""
    page_ = _page(state, bounds, newest_first=newest_first)
    return Compiled(_selected(page_, details, newest_first=newest_first))


@cache
def _statement_of_known(details: _Details, *, newest_first: bool) -> Compiled:
    page_ = _of_programme().where(OneOf(Member.id, "ids")).subquery("page")
    return Compiled(_selected(page_, details, newest_first=newest_first))


def _selected(page_: Subquery, details: _Details, *, newest_first: bool) -> Select[Any]:
    """The page is taken first, from an index of members; all else is looked up for its rows alone.
    Beside each of them stands the main unit, and it stands alone where there is none: a statement
    less than to look for it before."""
    unit = _main_unit()
    newest = (
        select(func.max(Card.id)).where(Card.member_id == page_.c.id).correlate(page_)
    ).scalar_subquery()
    decided = {each: aliased(Consent) for each in (PURPOSES if details == "consents" else ())}
    holder_id = func.coalesce(page_.c.household_id, page_.c.id)
    members_ = (
        join(page_, Card, and_(Card.member_id == page_.c.id, Card.id == newest))
        .join(
            Account,
            and_(
                Account.unit_id == select(_main_unit().c.unit_id).scalar_subquery(),
                Account.member_id == holder_id,
                Account.kind == MEMBER,
            ),
        )
        .join(BalanceRow, BalanceRow.account_id == Account.id)
        .outerjoin(_HEAD, _HEAD.id == page_.c.household_id)
        .outerjoin(_INTO, _INTO.id == page_.c.merged_into_id)
    )
    if details:
        members_ = members_.outerjoin(Person, Person.member_id == page_.c.id)
    for purpose, one in decided.items():
        members_ = members_.outerjoin(one, one.id == consents.newest_of(page_.c.id, purpose))
    order = (page_.c.created_at, page_.c.id)
    found: Select[Any] = (
        select(
            *unit.c,
            *page_.c,
            _HEAD.public_id.label("household"),
            _INTO.public_id.label("merged_into"),
            Card.number,
            Card.blocked_for,
            Card.void_at,
            Card.expires_at.label("ends_at"),
            *balances.READ,
            *(_OF_PERSON if details else ()),
            *(column for one in decided.values() for column in _decision(one)),
        )
        .select_from(outerjoin(unit, members_, true()))
        .order_by(*(_backwards(order) if newest_first else order))
    )
    return found


def _decision(one: type[Consent]) -> tuple[Any, ...]:
    return one.given, one.text_version, one.source, one.origin, one.happened_at


_OF_CONSENT = len(_decision(Consent))
# Where the decision about each purpose begins, behind the columns of the person.
_CONSENTS = tuple(
    (purpose, len(_OF_PERSON) + number * _OF_CONSENT) for number, purpose in enumerate(PURPOSES)
)


def _main_unit() -> Subquery:
    return (
        select(*(one.label(f"unit_{name}") for name, one in _UNIT.items()))
        .join(Programme, Programme.id == Unit.programme_id)
        .where(Programme.code == bindparam("programme"), Unit.main)
        .subquery()
    )


def _backwards(order: Sequence[Any]) -> list[Any]:
    return [one.desc() for one in order]


def _of_programme() -> Select[Any]:
    found: Any = select(
        Member.id,
        Member.public_id,
        Member.created_at,
        Member.household_id,
        Member.merged_into_id,
        Member.erased_at,
        Member.unconfirmed,
    ).where(
        Member.programme_id
        == select(Programme.id).where(Programme.code == bindparam("programme")).scalar_subquery()
    )
    return cast(Select[Any], found)


def _page(state: MemberState | None, bounds: frozenset[str], *, newest_first: bool) -> Subquery:
    order = (Member.created_at, Member.id)
    place = _place("after")
    query = _of_programme().where(
        tuple_(*order) < place if newest_first else tuple_(*order) > place
    )
    if state is not None:
        query = query.where(members.in_state(state))
    conditions: dict[str, ColumnElement[bool]] = {
        "since": Member.created_at >= bindparam("since"),
        "until": Member.created_at < bindparam("until"),
        "household": or_(
            Member.id == bindparam("household"), Member.household_id == bindparam("household")
        ),
    }
    query = query.where(*(conditions[name] for name in sorted(bounds)))
    ordered = query.order_by(*(_backwards(order) if newest_first else order))
    return ordered.limit(bindparam("most")).subquery("page")


def _edge_of(*, newest_first: bool) -> Compiled:
    order = (Member.created_at, Member.id)
    place = _place("after")
    query = select(*order).where(
        Member.programme_id == bindparam("programme"),
        members.in_state("active"),
        tuple_(*order) < place if newest_first else tuple_(*order) > place,
    )
    ordered = query.order_by(*(_backwards(order) if newest_first else order))
    return Compiled(ordered.offset(bindparam("before")).limit(1))


_EDGES = {newest_first: _edge_of(newest_first=newest_first) for newest_first in (True, False)}
