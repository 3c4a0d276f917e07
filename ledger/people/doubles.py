"""Members who may be one person: the same phone number or address, perhaps in another spelling, or
the same name and birthday. Only suggested; people of the shop decide."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.people import search_words
from ledger.people.members import Member, in_state
from ledger.people.persons import Person
from ledger.people.search_words import LAST_DIGITS, SearchWord

Likeness = Literal["phone", "email", "name_and_birthday"]

ALIKE_DIGITS = 9  # at the end of two numbers that are written differently
SAME_HOSTS = {"googlemail.com": "gmail.com"}
MOST_LOOKED_AT = 500  # of those who share a word


@dataclass(frozen=True, slots=True)
class LikelyDouble:
    """Another member who may be the same person, and why it seems so."""

    member: Member
    name: str | None
    because: tuple[Likeness, ...]


def of(session: Session, member: Member, limit: int = 5) -> list[LikelyDouble]:
    """Who may be the same person as this member, those first for whom most speaks."""
    one = session.get(Person, member.id)
    if one is None:
        return []
    found: dict[int, list[Likeness]] = {}
    people: dict[int, Person] = {}
    for other, likeness in _alike(session, one):
        people[other.member_id] = other
        reasons = found.setdefault(other.member_id, [])
        if likeness not in reasons:
            reasons.append(likeness)
    if not found:
        return []
    known = session.scalars(select(Member).where(Member.id.in_(sorted(found)), in_state("active")))
    doubles = [
        LikelyDouble(one, people[one.id].name, tuple(found[one.id]))
        for one in known
        if one.holder_id != member.holder_id
    ]
    return sorted(doubles, key=lambda one: (-len(one.because), one.member.id))[:limit]


def _alike(session: Session, one: Person) -> Iterator[tuple[Person, Likeness]]:
    if one.phone is not None:
        for other in _sharing(session, one, one.phone[-LAST_DIGITS:]):
            if (other.phone or "")[-ALIKE_DIGITS:] == one.phone[-ALIKE_DIGITS:]:
                yield other, "phone"
    if one.email is not None:
        for other in _sharing(session, one, search_words.mailbox(one.email)):
            if other.email is not None and _address(other.email) == _address(one.email):
                yield other, "email"
    words = search_words.in_text(one.name or "")
    if one.birthday is not None and words:
        for other in _sharing(session, one, max(words, key=len)):
            same_day = other.birthday == one.birthday
            if same_day and set(search_words.in_text(other.name or "")) == set(words):
                yield other, "name_and_birthday"


def _sharing(session: Session, one: Person, word: str) -> Iterator[Person]:
    """Others of the programme who have this word. With very many of them it proves nothing."""
    yield from session.scalars(
        select(Person)
        .join(SearchWord, SearchWord.member_id == Person.member_id)
        .where(
            SearchWord.programme_id == one.programme_id,
            SearchWord.word == word,
            SearchWord.member_id != one.member_id,
        )
        .limit(MOST_LOOKED_AT)
    )


def _address(email: str) -> tuple[str, str]:
    host = email.rpartition("@")[2].casefold()
    return search_words.mailbox(email), SAME_HOSTS.get(host, host)
