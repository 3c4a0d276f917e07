"""Whether rows can be applied: compared with each other, and with what the ledger knows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import accounts, balances
from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.errors import CardExpired, CardVoid, Refusal
from ledger.imports.columns import IDENTIFIERS, RowContent, RowsKind
from ledger.imports.headers import RowProblem
from ledger.imports.rows_before import RowsBefore
from ledger.imports.store import Row
from ledger.people import cards, members
from ledger.people.cards import CardOwner
from ledger.people.members import Member
from ledger.people.persons import PERSONAL, Person
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class Aim:
    """What rows are applied to: a programme and one of its units, for this kind of import."""

    programme: Programme
    unit: Unit
    kind: RowsKind


@dataclass(frozen=True, slots=True)
class Judged:
    """A row, the member whom it means (None: a new person), and the card of theirs that it names.
    It can be applied if it has no problems."""

    row: Row
    problems: list[RowProblem]
    member: Member | None = None
    card_id: int | None = None


def judge(
    session: Session, aim: Aim, rows: Sequence[Row], seen: RowsBefore | None, now: datetime
) -> list[Judged]:
    """Whether these rows can be applied now. `seen` compares them with the rows before; without it
    that was done earlier, when the file was checked."""
    repeated = seen.repeated(_named(rows)) if seen is not None else {}
    ledger = _KnownPeople(session, aim, rows, now)
    judged = []
    for row in rows:
        problems = list(row.problems)
        problems += [
            RowProblem("duplicate_in_file", name, {"first": repeated[row.number, name]})
            for name in IDENTIFIERS
            if (row.number, name) in repeated
        ]
        problems += _not_kept(aim, row)
        one = ledger.judge(row) if not problems else Judged(row, problems)
        judged.append(one)
    if seen is None:
        return judged
    # Two rows may name one member by different identifiers.
    twice = seen.repeated(
        (one.row.number, "member", str(one.member.id)) for one in judged if one.member is not None
    )
    return [
        Judged(one.row, [RowProblem("duplicate_in_file", None, {"first": first})])
        if not one.problems and (first := twice.get((one.row.number, "member"))) is not None
        else one
        for one in judged
    ]


def _not_kept(aim: Aim, row: Row) -> list[RowProblem]:
    """What a file of members says of them, for a programme that keeps nothing personal. In other
    files phone numbers and addresses only name members, and are not stored."""
    if aim.programme.keeps_personal or aim.kind != "members":
        return []
    return [
        RowProblem("personal_data_not_kept", name)
        for name in PERSONAL
        if getattr(row.wish, name) is not None
    ]


def _card_refused(objection: Refusal) -> RowProblem:
    match objection:
        case CardVoid():
            return RowProblem("card_void", "card")
        case CardExpired():
            return RowProblem("card_expired", "card")
    return RowProblem("card_blocked", "card")


def _named(rows: Iterable[Row]) -> Iterator[tuple[int, str, str]]:
    for row in rows:
        for name in IDENTIFIERS:
            value = getattr(row.wish, name)
            if value is not None:
                yield row.number, name, value


@dataclass(slots=True)
class _People:
    """Member ids by one kind of identifier. A phone number may belong to several members."""

    of: dict[str, list[int]] = field(default_factory=dict)

    def add(self, value: str | None, member_id: int) -> None:
        if value is not None:
            self.of.setdefault(value, []).append(member_id)


class _KnownPeople:
    """What the ledger knows of the people whom these rows name, looked up for all rows at once."""

    def __init__(self, session: Session, aim: Aim, rows: Sequence[Row], now: datetime) -> None:
        self._aim = aim
        wishes = [row.wish for row in rows if not row.problems]
        self._cards: dict[str, CardOwner] = cards.owners(
            session, [wish.card for wish in wishes if wish.card is not None], now
        )
        self._by = {name: _People() for name in ("phone", "email", "external_id")}
        found: dict[int, Person] = {}
        for name in self._by:
            values = sorted({value for one in wishes if (value := getattr(one, name)) is not None})
            for person in self._named_so(session, name, values):
                found[person.member_id] = person
                self._by[name].add(getattr(person, name), person.member_id)
        self._members = {one.id: one for one in members.by_ids(session, list(found))}
        elsewhere = {one.merged_into_id for one in self._members.values() if one.merged_into_id}
        elsewhere |= {known.member.id for known in self._cards.values()}
        self._members |= {
            one.id: one for one in members.by_ids(session, sorted(elsewhere - set(self._members)))
        }
        self._people = found | self._persons(session, sorted(set(self._members) - set(found)))
        holder_ids = sorted({one.holder_id for one in self._members.values()})
        self._opened = self._with_opening(session, holder_ids) if aim.kind == "members" else set()
        self._balances = (
            balances.of_members(session, [aim.unit.id], holder_ids, now)
            if aim.kind == "write_off"
            else {}
        )

    def judge(self, row: Row) -> Judged:
        wish = row.wish
        known = self._cards.get(wish.card) if wish.card is not None else None
        if known is not None and known.member.programme_id != self._aim.programme.id:
            return Judged(row, [RowProblem("card_taken", "card")])
        if known is not None and known.objection is not None:
            return Judged(row, [_card_refused(known.objection)])
        named = self._named(wish, known)
        candidates = {member_id for ids in named.values() for member_id in ids}
        if len(candidates) > 1:
            return Judged(row, [RowProblem("several_members")])
        if self._aim.kind != "members":
            missing = [name for name, ids in named.items() if not ids]
            if missing:
                return Judged(row, [RowProblem("unknown_member", missing[0])])
        if not candidates:
            return Judged(row, [])
        member = self._members[candidates.pop()]
        problems = self._problems(wish, member)
        return Judged(row, problems, member, None if known is None else known.card_id)

    def _named(self, wish: RowContent, known: CardOwner | None) -> dict[str, set[int]]:
        """The members whom each identifier of the row means today."""
        named: dict[str, set[int]] = {}
        for name, people in self._by.items():
            value = getattr(wish, name)
            if value is not None:
                ids = people.of.get(value, [])
                named[name] = {self._members[one].merged_into_id or one for one in ids}
        if wish.card is not None:
            named["card"] = set() if known is None else {known.member.id}
        return named

    def _problems(self, wish: RowContent, member: Member) -> list[RowProblem]:
        if self._aim.kind == "members":
            person = self._people.get(member.id)
            conflicts = [
                RowProblem("contact_conflict", name)
                for name in self._by
                if (value := getattr(wish, name)) is not None
                and person is not None
                and getattr(person, name) not in (None, value)
            ]
            if not conflicts and wish.points and member.holder_id in self._opened:
                return [RowProblem("opening_exists", "points")]
            return conflicts
        if self._aim.kind == "write_off":
            balance = self._balances.get((member.holder_id, self._aim.unit.id))
            available = 0 if balance is None else balance.available
            if available < (wish.points or 0):
                return [RowProblem("insufficient_points", "points", {"available": available})]
        return []

    def _named_so(self, session: Session, name: str, values: Sequence[str]) -> list[Person]:
        """People of the programme with one of these phone numbers, addresses or external ids."""
        if not values:
            return []
        query = select(Person).where(getattr(Person, name).in_(values))
        # Numbers and addresses have indexes of their own. With the programme in the condition,
        # SQLite, which does not know how large it is, would read all people of the programme.
        if name == "external_id":
            query = query.where(Person.programme_id == self._aim.programme.id)
        found = session.scalars(query)
        return [person for person in found if person.programme_id == self._aim.programme.id]

    def _persons(self, session: Session, member_ids: Sequence[int]) -> dict[int, Person]:
        rows = session.scalars(select(Person).where(Person.member_id.in_(member_ids)))
        return {person.member_id: person for person in rows}

    def _with_opening(self, session: Session, holders: Sequence[int]) -> set[int]:
        """The holders who had an opening balance in this unit before."""
        if not holders:
            return set()
        rows = session.scalars(
            select(Account.member_id)
            .join(Entry, Entry.account_id == Account.id)
            .join(Posting, Posting.id == Entry.posting_id)
            .where(
                Account.unit_id == self._aim.unit.id,
                Account.kind == accounts.MEMBER,
                Account.member_id.in_(holders),
                Posting.kind == "opening",
            )
        )
        return set(rows)
