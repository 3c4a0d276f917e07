"""Members are found while somebody types: by the beginning of a name, a phone number, the last four
digits of one, a card number, an address or another system's name for them. Every way has an index,
and each statement reads a bounded number of rows of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ledger.contacts import Unfit, digits_of, email_address, phone_beginnings, visible
from ledger.database.compiled import Compiled, Fetching
from ledger.people import cards, search_words
from ledger.people.cards import Card
from ledger.people.persons import Person
from ledger.people.search_words import LAST_DIGITS, SearchWord

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


class SearchWay(NamedTuple):
    """A statement that finds members, with its values."""

    by: FoundBy
    statement: Compiled
    values: dict[str, object]


def find(
    fetch: Fetching, programme_id: int, country: str, text: str, limit: int, *, people: bool
) -> Sequence[FoundMember]:
    """Members of the programme who may be meant by what was typed so far, at most `limit`: by the
    surest ways first. `country` is that of the programme. `people`: also by what is known of them;
    else by card and external id. `fetch` carries out a statement that reads."""
    typed = visible(text)[:LONGEST_SEARCH].strip()
    found: dict[int, FoundBy] = {}
    for by, statement, values in _ways(typed, country, people=people):
        if len(found) >= limit:
            break
        # A member may stand under several words, or have several cards, that begin so.
        for row in fetch(statement, programme=programme_id, most=2 * limit, **values):
            found.setdefault(row.member_id, by)
    return [FoundMember(*one) for one in list(found.items())[:limit]]


def _ways(typed: str, country: str, *, people: bool) -> Iterator[SearchWay]:
    if not typed:
        return
    if (digits := digits_of(typed)) is not None:
        yield from _by_digits(typed, digits, country, people=people)
    elif cards.OTHER_CARD.fullmatch(cards.normalise(typed)):
        yield SearchWay("card", _CARD, {"number": cards.normalise(typed)})
    yield SearchWay("external_id", _EXTERNAL_ID, {"external_id": typed})
    if people and digits is None:
        yield from _by_letters(typed)


def _by_digits(typed: str, digits: str, country: str, *, people: bool) -> Iterator[SearchWay]:
    if people and len(digits) == LAST_DIGITS:
        yield SearchWay("last_digits", _with_words(1, exactly=True), {"word_0": digits})
    if people and len(digits) >= LEAST_DIGITS:
        for beginning in phone_beginnings(typed, country):
            yield _begins("phone", beginning)
    if len(digits) >= LEAST_OF_CARD:
        yield _begins("card", digits)


def _by_letters(typed: str) -> Iterator[SearchWay]:
    if "@" in typed:
        if (address := _address(typed)) is not None:
            yield SearchWay("email", _EMAIL, {"email": address})
        return
    # The longest word is looked up, as the rarest.
    words = sorted(search_words.in_text(typed)[:MOST_COMPARED], key=len, reverse=True)
    if words and len(words[0]) >= LEAST_LETTERS:
        values: dict[str, object] = {}
        for number, word in enumerate(words):
            values |= {f"word_{number}": word, f"end_{number}": search_words.behind(word)}
        yield SearchWay("name", _with_words(len(words)), values)


def _address(typed: str) -> str | None:
    try:
        return email_address(typed)
    except Unfit:
        return None


def _begins(by: FoundBy, digits: str) -> SearchWay:
    """Whose number begins with these digits. Bounds are numbers too, since languages sort digits
    alike and all other signs each in their own way."""
    plus, bare = ("+", digits[1:]) if digits.startswith("+") else ("", digits)
    following = str(int(bare) + 1).rjust(len(bare), "0")
    if len(following) > len(bare):  # behind 99… nothing begins otherwise
        return SearchWay(by, _numbers(by, is_bounded=False), {"first": digits})
    return SearchWay(
        by, _numbers(by, is_bounded=True), {"first": digits, "behind": plus + following}
    )


def _of(table: type[Person] | type[Card]) -> Select[int]:
    """Of one programme. An expression, not the column: SQLite, which does not know how large a
    programme is, would rather read all of it than the few that begin so."""
    return select(table.member_id).where(table.programme_id + 0 == bindparam("programme"))


def _some(query: Select[int]) -> Compiled:
    return Compiled(query.limit(bindparam("most")))


# Who finds while somebody types asks again with each letter: each statement is built once.


@cache
def _numbers(by: FoundBy, *, is_bounded: bool) -> Compiled:
    table, column = (Person, Person.phone) if by == "phone" else (Card, Card.number)
    query = _of(table).where(column >= bindparam("first"))
    if is_bounded:
        query = query.where(column < bindparam("behind"))
    return _some(query.order_by(column))


@cache
def _with_words(number: int, *, exactly: bool = False) -> Compiled:
    """Members who have a word for each of so many beginnings. The first is looked up, the others
    are looked for among the words of whoever has it."""
    is_first = (
        SearchWord.word == bindparam("word_0") if exactly else _has_beginning(SearchWord.word, 0)
    )
    query = select(SearchWord.member_id).where(
        SearchWord.programme_id == bindparam("programme"), is_first
    )
    for place in range(1, number):
        beside = aliased(SearchWord)
        query = query.where(
            select(beside.member_id)
            .where(
                beside.member_id == SearchWord.member_id,
                _has_beginning(beside.word, place),
            )
            .exists()
        )
    return _some(query.order_by(SearchWord.word, SearchWord.member_id))


def _has_beginning(column: InstrumentedAttribute[str], place: int) -> ColumnElement[bool]:
    return and_(column >= bindparam(f"word_{place}"), column < bindparam(f"end_{place}"))


_CARD = _some(_of(Card).where(Card.number == bindparam("number")))
_EMAIL = _some(_of(Person).where(Person.email == bindparam("email")))
_EXTERNAL_ID = _some(
    select(Person.member_id).where(
        Person.programme_id == bindparam("programme"),
        Person.external_id == bindparam("external_id"),
    )
)
