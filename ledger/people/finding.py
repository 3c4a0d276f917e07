"""Members are found while somebody types: by the beginning of a name, a phone number, the last four
digits of one, a card number, an address or another system's name for them. Every way has an index,
and each statement reads a bounded number of rows of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ledger.contacts import Unfit, digits_of, email_address, phone_beginnings, visible
from ledger.people import cards, search_words
from ledger.people.cards import Card
from ledger.people.persons import Person
from ledger.people.search_words import LAST_DIGITS, SearchWord
from ledger.programmes.programmes import Programme

FoundBy = Literal["card", "phone", "last_digits", "email", "external_id", "name"]

LEAST_LETTERS = 2  # of a name: one letter is the beginning of too many
LEAST_DIGITS = 3  # of a phone number
LEAST_OF_CARD = 4
LONGEST_SEARCH = 100  # characters
MOST_COMPARED = 4  # words of one search


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member who may be meant, and by what they were found."""

    member_id: int
    by: FoundBy


def find(
    session: Session, programme: Programme, text: str, limit: int, *, people: bool
) -> Sequence[FoundMember]:
    """Members of the programme who may be meant by what was typed so far, at most `limit`: by the
    surest ways first. `people`: also by what is known of them; else by card and external id."""
    typed = visible(text)[:LONGEST_SEARCH].strip()
    found: dict[int, FoundBy] = {}
    for by, query in _ways(programme, typed, people=people):
        if len(found) >= limit:
            break
        # A member may stand under several words, or have several cards, that begin so.
        for member_id in session.scalars(query.limit(2 * limit)):
            found.setdefault(member_id, by)
    return [FoundMember(*one) for one in list(found.items())[:limit]]


def _ways(
    programme: Programme, typed: str, *, people: bool
) -> Iterator[tuple[FoundBy, Select[int]]]:
    if not typed:
        return
    if (digits := digits_of(typed)) is not None:
        yield from _by_digits(programme, typed, digits, people=people)
    elif cards.OTHER_CARD.fullmatch(cards.normalise(typed)):
        yield "card", _of(programme.id, Card).where(Card.number == cards.normalise(typed))
    yield (
        "external_id",
        select(Person.member_id).where(
            Person.programme_id == programme.id, Person.external_id == typed
        ),
    )
    if people and digits is None:
        yield from _by_letters(programme, typed)


def _by_digits(
    programme: Programme, typed: str, digits: str, *, people: bool
) -> Iterator[tuple[FoundBy, Select[int]]]:
    if people and len(digits) == LAST_DIGITS:
        yield "last_digits", _with_words(programme.id, [digits], exactly=True)
    if people and len(digits) >= LEAST_DIGITS:
        for beginning in phone_beginnings(typed, programme.country):
            yield "phone", _people(programme.id, Person.phone, beginning)
    if len(digits) >= LEAST_OF_CARD:
        yield "card", _cards(programme.id, Card.number, digits)


def _by_letters(programme: Programme, typed: str) -> Iterator[tuple[FoundBy, Select[int]]]:
    if "@" in typed:
        if (address := _address(typed)) is not None:
            yield "email", _of(programme.id, Person).where(Person.email == address)
        return
    words = search_words.in_text(typed)[:MOST_COMPARED]
    if any(len(word) >= LEAST_LETTERS for word in words):
        yield "name", _with_words(programme.id, words)


def _address(typed: str) -> str | None:
    try:
        return email_address(typed)
    except Unfit:
        return None


def _of(programme_id: int, table: type[Person] | type[Card]) -> Select[int]:
    """Of one programme. An expression, not the column: SQLite, which does not know how large a
    programme is, would rather read all of it than the few that begin so."""
    return select(table.member_id).where(table.programme_id + 0 == programme_id)


def _cards(programme_id: int, column: InstrumentedAttribute[str], digits: str) -> Select[int]:
    return _of(programme_id, Card).where(*_begins(column, digits)).order_by(column)


def _people(
    programme_id: int, column: InstrumentedAttribute[str | None], beginning: str
) -> Select[int]:
    return _of(programme_id, Person).where(*_begins(column, beginning)).order_by(column)


def _begins(column: InstrumentedAttribute[Any], digits: str) -> list[ColumnElement[bool]]:
    """Conditions that a number begins with these digits. Bounds are numbers too, since languages
    sort digits alike and all other signs each in their own way."""
    plus, bare = ("+", digits[1:]) if digits.startswith("+") else ("", digits)
    following = str(int(bare) + 1).rjust(len(bare), "0")
    bounds = [column >= digits]
    if len(following) == len(bare):  # behind 99… nothing begins otherwise
        bounds.append(column < plus + following)
    return bounds


def _with_words(programme_id: int, words: Sequence[str], *, exactly: bool = False) -> Select[int]:
    """Members who have a word for each of these beginnings. The longest is looked up, as the
    rarest; the others are looked for among the words of whoever has it."""
    first, *others = sorted(words, key=len, reverse=True)
    is_first = SearchWord.word == first if exactly else search_words.begins(SearchWord.word, first)
    query = select(SearchWord.member_id).where(SearchWord.programme_id == programme_id, is_first)
    for other in others:
        beside = aliased(SearchWord)
        query = query.where(
            select(beside.member_id)
            .where(
                beside.member_id == SearchWord.member_id,
                search_words.begins(beside.word, other),
            )
            .exists()
        )
    return query.order_by(SearchWord.word, SearchWord.member_id)
