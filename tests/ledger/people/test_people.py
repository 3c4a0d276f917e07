"""One phone number and one address a member, corrections, and what was agreed to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from clocks import StoppedClock
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.database import outbox
from ledger.database.engine import Database
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    EmailTaken,
    ExternalIdTaken,
    PhoneTaken,
    Refusal,
    TermsRefused,
    UnknownMember,
)
from ledger.people import consents, persons
from ledger.people.consents import Consent, ConsentText, Decision
from ledger.people.members import Member
from ledger.people.persons import Person, Profile, Search
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms

PHONE = "+79991234567"
OTHER = "+79990000000"
EMAIL = "anna@example.com"

Add = Callable[..., Member]


@pytest.fixture
def database(database: Database, clock: StoppedClock) -> Database:
    with database.transaction() as session:
        for code in ("demo", "tea"):
            programmes.create(session, Terms(code, code), clock())
    return database


@pytest.fixture
def add(database: Database, clock: StoppedClock) -> Add:
    def added(programme_id: int = 1, *, checked: bool = True, **profile: str) -> Member:
        way = persons.add if checked else persons.add_unchecked
        return database.run(lambda session: way(session, programme_id, Profile(**profile), clock()))

    return added


@pytest.fixture
def change(database: Database, clock: StoppedClock) -> Callable[..., bool]:
    return lambda member, **changes: database.run(
        lambda session: persons.change(session, member, changes, clock())
    )


def person(database: Database, member: Member) -> Person:
    with database.reading() as session:
        return session.get_one(Person, member.id)


class TestOneEach:
    @pytest.mark.parametrize(
        ("contact", "refusal"),
        [
            ({"phone": PHONE}, PhoneTaken),
            ({"email": EMAIL}, EmailTaken),
            ({"external_id": "c-1"}, ExternalIdTaken),
        ],
    )
    def test_what_belongs_to_a_member_is_refused_to_the_next(self, add, contact, refusal) -> None:
        add(**contact)
        with pytest.raises(refusal):
            add(name="Ева", **contact)
        add(2, **contact)  # another programme, another matter
        add(name="Ева")
        add(name="Ева")

    def test_of_many_at_once_one_gets_it(self, add, database: Database) -> None:
        def attempt(_: int) -> bool:
            try:
                add(phone=PHONE, email=EMAIL)
            except PhoneTaken:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(24))) == 1
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Member)) == 1

    def test_of_many_unchecked_ones_one_has_it_and_the_others_share(
        self, add, database: Database
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: add(checked=False, phone=PHONE), range(16)))
        assert [person(database, one).phone for one in made] == [PHONE] * 16
        assert sum(not person(database, one).phone_shared for one in made) == 1
        with pytest.raises(PhoneTaken):
            add(phone=PHONE)

    def test_a_search_finds_who_had_it_first_first(self, add, database: Database) -> None:
        first, second = add(phone=PHONE), add(checked=False, phone=PHONE)
        with database.reading() as session:
            found = persons.search(session, Search(phones=(PHONE,)), 0, 10)
        assert [one.id for one in found] == [first.id, second.id]


class TestCorrections:
    def test_named_fields_change_and_the_others_stay(self, add, change, database) -> None:
        member = add(name="Ана", phone=PHONE, email=EMAIL)
        assert change(member, name="Анна", email=None)
        row = person(database, member)
        assert (row.name, row.phone, row.email) == ("Анна", PHONE, None)

    def test_only_a_difference_is_news(self, add, change, database, clock) -> None:
        member = add(name="Анна")
        assert not change(member, name="Анна")
        with database.transaction() as session:
            assert outbox.claim(session, clock(), 10) == []
        assert change(member, name="Аня")
        with database.transaction() as session:
            assert len(outbox.claim(session, clock(), 10)) == 1

    @pytest.mark.parametrize(
        ("contact", "refusal"),
        [
            ({"phone": PHONE}, PhoneTaken),
            ({"email": EMAIL}, EmailTaken),
            ({"external_id": "c-1"}, ExternalIdTaken),
        ],
    )
    def test_what_belongs_to_another_cannot_be_taken(
        self, add, change, database, contact, refusal
    ) -> None:
        add(**contact)
        member = add(name="Ева")
        with pytest.raises(refusal):
            change(member, name="Эва", **contact)
        assert person(database, member).name == "Ева"

    def test_of_many_who_change_to_one_number_one_gets_it(self, add, change, database) -> None:
        crowd = [add(name=str(number)) for number in range(12)]

        def attempt(member: Member) -> bool:
            try:
                return bool(change(member, phone=PHONE))
            except PhoneTaken:
                return False

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(attempt, crowd)) == 1
        assert sum(person(database, one).phone == PHONE for one in crowd) == 1

    def test_a_number_left_is_free(self, add, change, database) -> None:
        change(add(phone=PHONE), phone=OTHER)
        assert person(database, add(phone=PHONE)).phone == PHONE

    def test_a_number_left_goes_to_who_shared_it(self, add, change, database) -> None:
        first = add(phone=PHONE)
        second, third = (add(checked=False, phone=PHONE) for _ in range(2))
        change(first, phone=None)
        assert not person(database, second).phone_shared
        assert person(database, third).phone_shared
        with pytest.raises(PhoneTaken):
            add(phone=PHONE)
        change(third, phone=OTHER)
        assert not person(database, third).phone_shared

    def test_somebody_erased_cannot_be_corrected(self, add, change, database) -> None:
        member = add(name="Анна")
        with database.transaction() as session:
            session.delete(session.get_one(Person, member.id))
        with pytest.raises(UnknownMember):
            change(member, name="Анна")


class TestConsents:
    @pytest.fixture
    def decide(self, database: Database, clock: StoppedClock) -> Callable[..., None]:
        def decided(member: Member, *decisions: Decision) -> None:
            database.run(
                lambda session: consents.record(session, member, decisions, "api", clock())
            )

        return decided

    def kept(self, session: Session, member: Member) -> list[tuple[str, bool, str | None]]:
        return [
            (row.purpose, row.given, row.text_version)
            for row in consents.history(session, member.id)
        ]

    def test_a_later_decision_holds_and_the_earlier_stays(
        self, add, decide, database, clock
    ) -> None:
        member = add()
        decide(
            member,
            Decision("personal_data", given=True, text_version="1"),
            Decision("marketing", given=True, text_version="1"),
        )
        clock.advance(days=1)
        decide(member, Decision("marketing", given=False))
        with database.reading() as session:
            assert self.kept(session, member) == [
                ("personal_data", True, "1"),
                ("marketing", True, "1"),
                ("marketing", False, None),
            ]
            held = consents.current(session, member.id)
        assert (held["personal_data"].given, held["marketing"].given) == (True, False)
        assert (held["marketing"].happened_at, held["marketing"].source) == (clock(), "api")

    def test_a_decision_told_late_does_not_undo_a_newer_one(
        self, add, decide, database, clock
    ) -> None:
        member = add()
        decide(member, Decision("marketing", given=False))
        earlier = clock() - timedelta(days=3)
        decide(member, Decision("marketing", given=True, text_version="paper", happened_at=earlier))
        with database.reading() as session:
            assert not consents.current(session, member.id)["marketing"].given
            assert len(consents.history(session, member.id)) == 2

    def test_the_same_told_again_adds_nothing_and_a_new_text_does(
        self, add, decide, database
    ) -> None:
        member = add()
        for version in ("1", "1", "2"):
            decide(member, Decision("personal_data", given=True, text_version=version))
        with database.reading() as session:
            assert [version for _, _, version in self.kept(session, member)] == ["1", "2"]

    def test_a_button_pressed_twice_at_once_is_one_decision(self, add, decide, database) -> None:
        member = add()
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda _: decide(member, Decision("marketing", given=True, text_version="1")),
                    range(16),
                )
            )
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Consent)) == 1

    @pytest.mark.parametrize(
        ("days", "refusal"), [(1, DatesOutOfOrder), (-365 * 100, DateOutOfRange)]
    )
    def test_a_day_that_cannot_be_is_refused(
        self, add, decide, clock, days: int, refusal: type[Refusal]
    ) -> None:
        with pytest.raises(refusal):
            decide(
                add(),
                Decision(
                    "marketing",
                    given=True,
                    text_version="1",
                    happened_at=clock() + timedelta(days=days),
                ),
            )

    def test_a_text_is_kept_once(self, database, clock) -> None:
        with database.transaction() as session:
            one, again = (consents.keep_text(session, "Согласен", clock()) for _ in range(2))
            other = consents.keep_text(session, "Agreed", clock())
            kept = {row.digest: row.text for row in session.scalars(select(ConsentText))}
        assert one == again
        assert kept == {one: "Согласен", other: "Agreed"}


class TestWords:
    def test_the_newest_in_the_language_asked_for_holds_else_any(self, database, clock) -> None:
        with database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            assert programmes.said(session, programme.id, "operator", "en") is None
            for language, text in (("ru", "ООО «1»"), ("ru", "ООО «2»"), ("en", "Two Ltd")):
                programmes.say(session, programme.id, "operator", language, text, clock())
            found = [
                programmes.said(session, programme.id, "operator", language).text
                for language in ("ru", "en")
            ]
            programmes.say(session, programme.id, "privacy", "ru", "Данные", clock())
            assert programmes.said(session, programme.id, "privacy", "en").language == "ru"
        assert found == ["ООО «2»", "Two Ltd"]

    def test_a_name_is_for_its_language_only(self, database, clock) -> None:
        with database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            programmes.say(session, programme.id, "name", "en", "Demo Club", clock())
            assert programmes.name_in(session, programme, "en") == "Demo Club"
            assert programmes.name_in(session, programme, "ru") == "demo"

    @pytest.mark.parametrize("text", ["", "  ", "x" * 101, "a\x07b"])
    def test_a_name_that_cannot_be_is_refused(self, database, clock, text: str) -> None:
        with pytest.raises(TermsRefused) as refusal, database.transaction() as session:
            programmes.say(session, 1, "name", "en", text, clock())
        assert refusal.value.field == "name"
