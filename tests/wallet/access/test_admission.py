"""How people of the staff come in, and go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from ledger.contacts import Unfit
from ledger.database.engine import Database
from ledger.programmes import programmes
from wallet.access import admission, passwords, sign_in_delays, staff, staff_sessions
from wallet.access.rights import may
from wallet.access.roles import OF_PEOPLE, RIGHTS_OF, ROLES
from wallet.errors import EmployeeRefused, StaffLinkClosed, UnknownEmployee

PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
OTHER = "another long one"  # pragma: allowlist secret
ANNA = "anna@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def door(installation, house):
    return Door(installation, house)


class Door:
    """What the console asks of the staff's modules."""

    def __init__(self, installation, house) -> None:
        self.database, self.keys, self.clock = installation.database, installation.keys, house.clock

    def add(self, email: str = ANNA, role: str = "marketer", programme: str | None = None) -> str:
        with self.database.transaction() as session:
            only = None if programme is None else programmes.by_code(session, programme).id
            return admission.add(session, email, role, self.clock(), only)

    def set_password(self, token: str, password: str = PASSWORD) -> None:
        digest = admission.hashed(password)
        with self.database.transaction() as session:
            admission.set_password(session, token, digest, self.clock())

    def sign_in(self, email: str = ANNA, password: str = PASSWORD) -> str | None:
        return admission.sign_in(self.database, email, password, self.clock())

    def who(self, token: str) -> staff_sessions.SignedIn | None:
        return staff_sessions.recognise(self.database, token, self.clock())

    def first(self, token: str, email: str = ANNA) -> None:
        digest = admission.hashed(PASSWORD)
        with self.database.transaction() as session:
            admission.make_first(session, token, email, digest, self.clock())

    def first_link(self) -> str | None:
        with self.database.transaction() as session:
            return admission.first_link(session, self.clock())


@contextmanager
def no_writes(database: Database) -> Iterator[None]:
    """The database as one that was replaced by a copy which only reads."""
    setting = "PRAGMA query_only" if database.is_sqlite else "SET default_transaction_read_only"

    def bound(connection: Any, *_: object) -> None:
        connection.execute(f"{setting} = on")

    event.listen(database.engine, "checkout", bound)
    yield
    event.remove(database.engine, "checkout", bound)
    database.engine.dispose()


def test_who_was_invited_sets_a_password_and_signs_in(door) -> None:
    link = door.add()
    assert door.sign_in() is None
    door.set_password(link)
    signed_in = door.who(door.sign_in())
    assert signed_in.email == ANNA
    assert signed_in.may("campaigns:write")
    assert not signed_in.may("staff:write")
    assert door.sign_in(password=OTHER) is None
    assert door.sign_in("nobody@example.com") is None


def test_a_link_works_once_and_for_three_days(door, house) -> None:
    link = door.add()
    with door.database.reading() as session:
        assert admission.whose_link(session, link, door.clock()).email == ANNA
    door.set_password(link)
    with pytest.raises(StaffLinkClosed):
        door.set_password(link, OTHER)
    late = door.add("late@example.com")
    house.clock.advance(seconds=admission.LINK_LIVES.total_seconds())
    with pytest.raises(StaffLinkClosed), door.database.reading() as session:
        admission.whose_link(session, late, door.clock())
    with pytest.raises(StaffLinkClosed):
        door.set_password(late)


def test_a_newer_link_ends_the_older(door) -> None:
    older, newer = door.add(), door.add()
    with pytest.raises(StaffLinkClosed):
        door.set_password(older)
    door.set_password(newer)


def test_of_two_who_use_a_link_at_once_one_does(door) -> None:
    link = door.add()

    def take(password: str) -> bool:
        try:
            door.set_password(link, password)
        except StaffLinkClosed:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(take, (PASSWORD, OTHER)))
    assert sorted(done) == [False, True]
    wins, loses = (PASSWORD, OTHER) if done[0] else (OTHER, PASSWORD)
    assert door.sign_in(password=wins)
    assert door.sign_in(password=loses) is None


def test_nothing_comes_back_with_a_backup(door) -> None:
    door.set_password(door.add())
    token, link = door.sign_in(), door.add("boris@example.com")
    with door.database.transaction() as session:
        admission.close_all(session)
    assert door.who(token) is None
    with pytest.raises(StaffLinkClosed):
        door.set_password(link)
    assert door.sign_in()


@pytest.mark.parametrize("password", ["short", "x" * (passwords.LONGEST + 1)])
def test_a_password_that_does_not_fit_uses_no_link_up(door, password: str) -> None:
    link = door.add()
    with pytest.raises(EmployeeRefused):
        door.set_password(link, password)
    door.set_password(link)


def test_what_is_no_address_is_nobody(door) -> None:
    with pytest.raises(Unfit):
        door.add("anna at example")


def test_neither_passwords_nor_tokens_lie_in_the_database(door) -> None:
    link = door.add()
    door.set_password(link)
    token = door.sign_in()
    other_link = door.add("boris@example.com")
    with door.database.reading() as session:
        for table in ("wallet_employee", "wallet_staff_link", "wallet_staff_session"):
            rows = str(session.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608
            assert not [one for one in (PASSWORD, link, other_link, token) if one in rows]


class TestSessions:
    def test_one_ends_half_an_hour_after_its_last_request(self, door, house) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        for _ in range(3):
            house.clock.advance(minutes=29)
            assert door.who(token)
        house.clock.advance(seconds=staff_sessions.IDLE.total_seconds())
        assert door.who(token) is None

    def test_what_a_page_asks_for_by_itself_keeps_none_open(self, door, house) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        for _ in range(2):
            house.clock.advance(minutes=14)
            assert staff_sessions.recognise(door.database, token, house.clock(), by_hand=False)
        house.clock.advance(minutes=2)
        assert door.who(token) is None

    def test_none_lasts_longer_than_twelve_hours(self, door, house) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        for _ in range(28):
            house.clock.advance(minutes=25)
            assert door.who(token)
        house.clock.advance(minutes=20)
        assert door.who(token) is None
        door.sign_in()
        with door.database.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM wallet_staff_session")) == 1

    def test_one_goes_on_while_the_database_takes_no_writes(self, door, house) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        house.clock.advance(minutes=5)
        with no_writes(door.database):
            with pytest.raises(DBAPIError):
                door.add("boris@example.com")
            assert door.who(token)
        house.clock.advance(minutes=26)  # that it was seen could not be noted
        assert door.who(token) is None

    def test_another_password_signs_out_everywhere(self, door) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        with door.database.transaction() as session:
            link = admission.reset(session, ANNA, door.clock())
        assert door.who(token)
        door.set_password(link, OTHER)
        assert door.who(token) is None
        assert door.sign_in() is None
        assert door.sign_in(password=OTHER)

    def test_another_role_signs_out_everywhere(self, door) -> None:
        door.set_password(door.add())
        token = door.sign_in()
        door.add(role="viewer")
        assert door.who(token) is None
        assert not door.who(door.sign_in()).may("campaigns:write")

    def test_who_signs_out_is_out(self, door) -> None:
        door.set_password(door.add())
        token, elsewhere = door.sign_in(), door.sign_in()
        with door.database.transaction() as session:
            staff_sessions.end(session, token)
        assert door.who(token) is None
        assert door.who(elsewhere)


class TestRoles:
    def test_each_counts_in_its_own_programme(self, door) -> None:
        with door.database.transaction() as session:
            other = programmes.create(session, programmes.Terms("other", "O"), door.clock()).id
            demo = programmes.by_code(session, "demo").id
        door.add(role="marketer", programme="demo")
        door.set_password(door.add(role="viewer", programme="other"))
        signed_in = door.who(door.sign_in())
        assert signed_in.may("campaigns:write", demo)
        assert not signed_in.may("campaigns:write", other)
        assert signed_in.may("members:read", other)

    def test_an_administrator_may_everything(self, door) -> None:
        door.set_password(door.add(role="administrator"))
        signed_in = door.who(door.sign_in())
        assert all(signed_in.may(right) for right in OF_PEOPLE)

    @pytest.mark.parametrize(
        ("role", "may_", "may_not"),
        [
            ("viewer", "personal:read", "members:write"),
            ("card_editor", "members:write", "points:write"),
            ("marketer", "campaigns:write", "company:write"),
            ("manager", "company:write", "staff:write"),
            ("call_centre", "personal:read", "exports:read"),
            ("cashier", "scans:write", "members:read"),
        ],
    )
    def test_a_role_may_this_and_not_that(self, role: str, may_: str, may_not: str) -> None:
        assert may_ in RIGHTS_OF[role]
        assert may_not not in RIGHTS_OF[role]

    def test_only_an_administrator_makes_people_of_the_staff(self) -> None:
        actors = {role: RIGHTS_OF[role] for role in ROLES}
        from_role = {role for role, rights in actors.items() if {"staff:write", "*"} & rights}
        assert from_role == {"administrator"}


class TestTheFirst:
    def test_a_link_makes_the_first_administrator(self, door) -> None:
        link = door.first_link()
        with door.database.reading() as session:
            assert admission.whose_link(session, link, door.clock()) is None
        door.first(link)
        assert door.who(door.sign_in()).may("staff:write")
        assert door.first_link() is None
        with pytest.raises(StaffLinkClosed):
            door.first(link, "eve@example.com")

    def test_it_makes_nobody_once_there_is_one(self, door) -> None:
        link = door.first_link()
        door.set_password(door.add(role="administrator"))
        with pytest.raises(StaffLinkClosed):
            door.first(link, "eve@example.com")
        assert door.sign_in("eve@example.com") is None

    def test_it_works_no_more_once_somebody_else_came_in(self, door) -> None:
        link = door.first_link()
        door.set_password(door.add(role="administrator"))
        with pytest.raises(StaffLinkClosed), door.database.reading() as session:
            admission.whose_link(session, link, door.clock())

    def test_it_sets_nobodys_password(self, door) -> None:
        with pytest.raises(StaffLinkClosed):
            door.set_password(door.first_link())


class TestGoing:
    def test_who_goes_is_out_at_once(self, door) -> None:
        door.set_password(door.add("head@example.com", "administrator"))
        door.set_password(door.add())
        token = door.sign_in()
        link = door.add("late@example.com")
        with door.database.transaction() as session:
            admission.remove(session, ANNA, door.clock())
            admission.remove(session, "late@example.com", door.clock())
        assert door.who(token) is None
        assert door.sign_in() is None
        with pytest.raises(StaffLinkClosed):
            door.set_password(link)
        with door.database.reading() as session:
            assert [one.email for one in staff.listed(session)] == ["head@example.com"]

    def test_who_comes_back_begins_anew(self, door) -> None:
        door.set_password(door.add("head@example.com", "administrator"))
        door.set_password(door.add())
        with door.database.transaction() as session:
            admission.remove(session, ANNA, door.clock())
        link = door.add(role="viewer")
        assert door.sign_in() is None
        door.set_password(link, OTHER)
        assert not door.who(door.sign_in(password=OTHER)).may("campaigns:write")

    def test_the_last_administrator_stays(self, door) -> None:
        door.set_password(door.add(role="administrator"))
        with pytest.raises(EmployeeRefused), door.database.transaction() as session:
            admission.remove(session, ANNA, door.clock())
        assert door.sign_in()

    def test_the_last_administrator_keeps_the_role(self, door) -> None:
        door.set_password(door.add(role="administrator"))
        with pytest.raises(EmployeeRefused):
            door.add(role="viewer")
        assert door.who(door.sign_in()).may("staff:write")

    def test_who_never_came_in_can_go_before_there_is_an_administrator(self, door) -> None:
        link = door.add("mistyped@example.com", "administrator")
        with door.database.transaction() as session:
            admission.remove(session, "mistyped@example.com", door.clock())
        with pytest.raises(StaffLinkClosed):
            door.set_password(link)

    def test_of_two_administrators_who_go_at_once_one_stays(self, door) -> None:
        names = ("one@example.com", "two@example.com")
        for name in names:
            door.set_password(door.add(name, "administrator"))

        def go(name: str) -> bool:
            try:
                with door.database.transaction() as session:
                    admission.remove(session, name, door.clock())
            except EmployeeRefused:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(go, names)) == [False, True]
        with door.database.reading() as session:
            assert staff.has_administrator(session)

    def test_nobody_unknown_goes(self, door) -> None:
        with pytest.raises(UnknownEmployee), door.database.transaction() as session:
            admission.remove(session, ANNA, door.clock())


class TestDelays:
    def _wait(self, door, origin: str = "1.2.3.4") -> timedelta:
        with door.database.reading() as session:
            guesser = sign_in_delays.who(door.keys, ANNA, origin)
            return sign_in_delays.wait(session, guesser, door.clock())

    def _fail(self, door, origin: str = "1.2.3.4") -> None:
        with door.database.transaction() as session:
            guesser = sign_in_delays.who(door.keys, ANNA, origin)
            sign_in_delays.failed(session, guesser, door.clock())

    def test_they_grow_up_to_a_quarter_of_an_hour(self, door, house) -> None:
        waits = []
        for _ in range(16):
            self._fail(door)
            waits.append(self._wait(door))
        assert waits[: sign_in_delays.HERE.free - 1] == [timedelta()] * (
            sign_in_delays.HERE.free - 1
        )
        assert waits == sorted(waits)
        assert waits[-1] == sign_in_delays.HERE.longest
        house.clock.advance(seconds=sign_in_delays.HERE.longest.total_seconds())
        assert not self._wait(door)

    def test_a_stranger_keeps_nobody_else_out(self, door) -> None:
        for _ in range(20):
            self._fail(door, "6.6.6.6")
        assert not self._wait(door)

    def test_guesses_from_everywhere_slow_those_who_were_wrong_themselves(self, door) -> None:
        for number in range(100):
            self._fail(door, f"10.0.{number}.1")
        assert not self._wait(door)
        self._fail(door)
        assert self._wait(door) == sign_in_delays.EVERYWHERE.longest
        assert not self._wait(door, "5.6.7.8")

    def test_the_right_one_ends_them(self, door) -> None:
        for _ in range(8):
            self._fail(door)
        with door.database.transaction() as session:
            sign_in_delays.succeeded(session, sign_in_delays.who(door.keys, ANNA, "1.2.3.4"))
        assert not self._wait(door)

    def test_whoever_has_many_addresses_of_ipv6_is_one(self, door) -> None:
        for number in range(sign_in_delays.HERE.free):
            self._fail(door, f"2001:db8:0:1::{number}")
        assert self._wait(door, "2001:db8:0:1:ffff::1")
        assert not self._wait(door, "2001:db8:0:2::1")

    def test_what_is_counted_names_nobody(self, door) -> None:
        self._fail(door)
        with door.database.reading() as session:
            row = str(session.execute(text("SELECT who FROM wallet_sign_in_failure")).all())
        assert "anna" not in row
        assert "1.2.3.4" not in row


def test_rights_of_people_are_asked_by_the_one_function(door) -> None:
    door.set_password(door.add(role="viewer", programme="demo"))
    (actor,) = door.who(door.sign_in()).actors
    assert may(actor, "members:read")
    assert not may(actor, "members:write")
