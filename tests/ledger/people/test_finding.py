"""Members are found while somebody types, and nobody is found by what is not theirs any more."""

from dataclasses import replace
from datetime import date

import pytest
from clocks import StoppedClock
from sqlalchemy import select

from ledger import enrolment, erasure
from ledger.contacts import phone_beginnings
from ledger.database.compiled import within
from ledger.database.engine import Database
from ledger.people import cards, doubles, finding, members, persons, search_words
from ledger.people.finding import FoundBy
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.people.search_words import SearchWord
from ledger.points import households
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms

PEOPLE = (
    Profile(name="Анна Ёлкина", phone="+79161234509", email="anna.e@example.com"),
    Profile(name="Антон Мамин-Сибиряк", phone="+79161239999", external_id="c-17"),
    Profile(name="Zoë Ångström", phone="+4915112345678"),
    Profile(name="Йорик"),
)


class Street:
    """A programme with members, and what one finds of them."""

    def __init__(self, database: Database, clock: StoppedClock) -> None:
        self.database, self.clock = database, clock
        with database.transaction() as session:
            for code in ("demo", "tea"):
                programmes.create(session, Terms(code, code), clock())
        self.people = [self.join(one) for one in PEOPLE]

    def join(self, profile: Profile, code: str = "demo", *, checked: bool = True) -> Member:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, code)
            joined = enrolment.join(session, programme, profile, self.clock(), checked=checked)
            return joined.member

    def find(self, text: str, *, people: bool = True, limit: int = 10) -> list[tuple[str, FoundBy]]:
        with self.database.reading() as session:
            one = programmes.by_code(session, "demo")
            fetch = within(session)
            found = finding.find(fetch, one.id, one.country, text, limit, people=people)
            names = {
                one.member_id: persons.profile_of(session, one.member_id).name for one in found
            }
        return [((names[one.member_id] or "").split(" ")[0], one.by) for one in found]

    def words(self, member: Member) -> set[str]:
        with self.database.reading() as session:
            query = select(SearchWord.word).where(SearchWord.member_id == member.id)
            return set(session.scalars(query))


@pytest.fixture
def street(database: Database, clock: StoppedClock) -> Street:
    return Street(database, clock)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ан", [("Анна", "name"), ("Антон", "name")]),
        ("АННА", [("Анна", "name")]),
        ("елк", [("Анна", "name")]),
        ("Ёлкина анна", [("Анна", "name")]),
        ("ан сиб", [("Антон", "name")]),
        ("ан сиб куз", []),
        ("zoe ang", [("Zoë", "name")]),
        ("иорик", []),
        ("йо", [("Йорик", "name")]),
        ("а", []),
        ("8 916 123", [("Анна", "phone"), ("Антон", "phone")]),
        ("+7 (916) 123-45", [("Анна", "phone")]),
        ("916123 45", [("Анна", "phone")]),
        ("4509", [("Анна", "last_digits")]),
        ("450", []),
        ("+49151", [("Zoë", "phone")]),
        ("Anna.E@Example.com", [("Анна", "email")]),
        ("anna@example.com", []),
        ("c-17", [("Антон", "external_id")]),
        ("c-1", []),
        ("%", []),
        ("", []),
        ("999999999999999999999999", []),
    ],
)
def test_what_is_typed_finds_who_is_meant(street: Street, text: str, found: object) -> None:
    assert street.find(text) == found


def test_a_card_is_found_by_its_first_digits_and_as_it_is_printed(street: Street) -> None:
    with street.database.reading() as session:
        number = cards.newest_of(session, street.people[3].id).number
    printed = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    for text in (number, printed, number[:9]):
        assert street.find(text) == [("Йорик", "card")], text


def test_without_the_right_to_see_people_only_numbers_of_ours_find_somebody(
    street: Street,
) -> None:
    for text in ("анна", "4509", "8 916 123 45 09", "anna.e@example.com"):
        assert street.find(text, people=False) == []
    assert street.find("c-17", people=False) == [("Антон", "external_id")]


def test_another_programme_has_its_own_people(street: Street) -> None:
    street.join(Profile(name="Антонина", phone="+79161234500"), "tea")
    assert street.find("антонина") == street.find("8 916 123 45 00") == []


def test_nobody_is_found_by_what_is_not_theirs_any_more(street: Street) -> None:
    anna = street.people[0]
    with street.database.transaction() as session:
        changes = {"name": "Анна Петрова", "phone": None, "email": "a@example.com"}
        persons.change(session, members.by_id(session, anna.id), changes, street.clock())
    assert street.words(anna) == {"анна", "петрова", "@a"}
    assert street.find("елкина") == street.find("4509") == []
    assert street.find("петр") == [("Анна", "name")]
    with street.database.transaction() as session:
        erasure.erase(session, anna.public_id, street.clock())
    assert street.words(anna) == set()
    assert street.find("анна") == []


def test_who_introduces_themselves_later_is_found(street: Street) -> None:
    unknown = street.join(Profile())
    with street.database.transaction() as session:
        told = Profile(name="Вера", phone="+79161234509")
        persons.introduce(session, members.by_id(session, unknown.id), told, street.clock())
    assert street.find("вер") == [("Вера", "name")]
    assert {name for name, _ in street.find("4509")} == {"Анна", "Вера"}


def test_everybody_of_a_file_is_found(street: Street) -> None:
    with street.database.transaction() as session:
        crowd = [Profile(name=f"Гость {number}") for number in range(600)]
        persons.add_all(session, 1, crowd, street.clock())
    assert len(street.find("гость", limit=700)) == 600
    assert street.find("гость 599") == [("Гость", "name")]


def test_a_limit_is_kept(street: Street) -> None:
    assert len(street.find("8916", limit=1)) == 1


@pytest.mark.parametrize(
    ("text", "country", "beginnings"),
    [
        ("8 916", "RU", ("+7916", "+78916")),
        ("7916", "RU", ("+7916", "+77916")),
        ("+7 916", "RU", ("+7916",)),
        ("0151", "DE", ("+49151", "+490151")),
        ("abc", "RU", ()),
    ],
)
def test_first_digits_are_read_as_people_of_the_country_write_them(
    text: str, country: str, beginnings: tuple[str, ...]
) -> None:
    assert phone_beginnings(text, country) == beginnings


def test_words_of_a_name_of_any_length_fit() -> None:
    told = Profile(name="Ё" * 300 + " " + " ".join(f"w{n}" for n in range(60)))
    found = search_words.words_of(told)
    assert len(found) == search_words.MOST_WORDS
    assert max(map(len, found)) == search_words.LONGEST_WORD


class TestDoubles:
    def likely(self, street: Street, member: Member) -> list[tuple[str | None, tuple[str, ...]]]:
        with street.database.reading() as session:
            one = members.by_id(session, member.id)
            return [(found.name, found.because) for found in doubles.of(session, one)]

    def test_they_share_a_number_an_address_or_a_name_with_a_birthday(self, street: Street) -> None:
        born = date(1990, 3, 1)
        anna = street.join(
            Profile("Анна Белова", "+79160000001", "a.belova+x@gmail.com", birthday=born)
        )
        street.join(Profile("Аня", "+79160000001"), checked=False)
        street.join(Profile("А. Белова", email="abelova@googlemail.com"))
        street.join(Profile("БЕЛОВА анна", birthday=born))
        street.join(Profile("Белова Анна", birthday=date(1990, 3, 2)))
        street.join(Profile("Кто-то", email="abelova@example.com"))
        assert self.likely(street, anna) == [
            ("Аня", ("phone",)),
            ("А. Белова", ("email",)),
            ("БЕЛОВА анна", ("name_and_birthday",)),
        ]

    def test_a_number_of_an_earlier_release_is_the_same_number(self, street: Street) -> None:
        old = street.join(replace(Profile("Старый"), phone="+9161234509"))
        assert ("Анна Ёлкина", ("phone",)) in self.likely(street, old)

    def test_who_was_merged_or_erased_is_nobodys_double(self, street: Street) -> None:
        twin = street.join(Profile("Анна", "+79161234509"), checked=False)
        with street.database.transaction() as session:
            one, other = (members.by_id(session, m.id) for m in (twin, street.people[0]))
            households.merge(session, one, other, street.clock())
        assert self.likely(street, street.people[0]) == []
        assert self.likely(street, street.people[3]) == []
