"""Points by hand: up to a limit at once, above it with a second person, and given once whoever
decides at the same moment."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clocks import StoppedClock
from interleaving import Stage, stage
from sqlalchemy import select

from ledger import enrolment
from ledger.book import statements
from ledger.database.engine import Database
from ledger.errors import InsufficientPoints, MemberErased
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.segments import documents, membership, scope
from wallet.access import adjustments, admission
from wallet.access.adjustments import Adjustment, AdjustmentWish
from wallet.access.changes import Author, PersonalChange, RecordedChange
from wallet.access.staff import Employee
from wallet.access.staff_sessions import SignedIn
from wallet.errors import AdjustmentDecided, OwnAdjustment, UnknownAdjustment
from wallet.people import erasure


class Office:
    """Two managers and a member of the demo programme."""

    def __init__(self, database: Database, clock: StoppedClock) -> None:
        self.database, self.clock = database, clock
        with database.transaction() as session:
            for name in ("olga", "ivan"):
                admission.add(session, f"{name}@example.com", "manager", clock())
            found = session.scalars(select(Employee).order_by(Employee.id))
            self.olga, self.ivan = (SignedIn(one.id, one.email, (), ()) for one in found)
            programme = programmes.by_code(session, "demo")
            joined = enrolment.join(session, programme, Profile(name="Анна"), clock())
            self.anna: Member = joined.member

    def limit(self, points: int | None) -> None:
        with self.database.transaction() as session:
            programmes.limit_adjusting(session, programmes.by_code(session, "demo"), points)

    def adjust(self, points: int, by: SignedIn | None = None) -> Adjustment:
        wish = AdjustmentWish(points, "Ошибка кассы")
        return self.database.run(
            lambda session: adjustments.adjust(
                session, self.anna, wish, by or self.olga, self.clock()
            )
        )

    def approve(self, row: Adjustment, by: SignedIn | None = None) -> Adjustment:
        return self.database.run(
            lambda session: adjustments.approve(
                session, row.public_id, by or self.ivan, self.clock()
            )
        )

    def decline(self, row: Adjustment, by: SignedIn | None = None) -> Adjustment:
        return self.database.run(
            lambda session: adjustments.decline(
                session, row.public_id, "Нет чека", by or self.ivan, self.clock()
            )
        )

    @property
    def balance(self) -> int:
        with self.database.reading() as session:
            member = session.get_one(Member, self.anna.id)
            ((_, balance),) = statements.all_balances(session, member, self.clock())
            return balance.available

    @property
    def noted(self) -> list[str]:
        with self.database.reading() as session:
            rows = session.scalars(
                select(RecordedChange.code)
                .where(RecordedChange.of_id == self.anna.public_id)
                .order_by(RecordedChange.id)
            )
            return list(rows)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def office(database: Database, clock: StoppedClock) -> Office:
    return Office(database, clock)


def test_within_the_limit_it_is_done_at_once(office: Office) -> None:
    office.limit(100)
    done = office.adjust(100)
    assert (done.state, done.asked_by, done.decided_by) == ("posted", "olga@example.com", None)
    assert office.balance == 100
    with office.database.reading() as session:
        assert adjustments.of_postings(session, [done.posting or ""]).keys() == {done.posting}
    assert office.noted == ["adjustment.made"]


def test_without_a_limit_any_number_is(office: Office) -> None:
    assert office.adjust(10_000_000).state == "posted"


def test_points_are_taken_away_as_well_and_never_more_than_there_are(office: Office) -> None:
    office.adjust(50)
    assert office.adjust(-20).state == "posted"
    assert office.balance == 30
    with pytest.raises(InsufficientPoints):
        office.adjust(-31)
    assert office.balance == 30
    assert office.noted == ["adjustment.made"] * 2


def test_above_the_limit_a_second_person_decides(office: Office) -> None:
    office.limit(100)
    asked = office.adjust(101)
    assert (asked.state, asked.posting, office.balance) == ("waiting", None, 0)
    with pytest.raises(OwnAdjustment):
        office.approve(asked, office.olga)
    done = office.approve(asked)
    assert (done.state, done.decided_by) == ("posted", "ivan@example.com")
    assert office.balance == 101
    for decide in (office.approve, office.decline):
        with pytest.raises(AdjustmentDecided) as told:
            decide(asked)
        assert told.value.state == "posted"
    assert office.balance == 101
    assert office.noted == ["adjustment.asked", "adjustment.approved"]


def test_a_limit_is_not_passed_in_small_pieces(office: Office) -> None:
    office.limit(100)
    assert [office.adjust(40).state for _ in range(3)] == ["posted", "posted", "waiting"]
    assert office.adjust(-40).state == "waiting"  # taking away counts alike
    assert office.adjust(100, office.ivan).state == "posted"  # another person has their own
    office.clock.advance(days=1, seconds=1)
    assert office.adjust(100).state == "posted"
    assert office.balance == 280


def test_what_was_approved_does_not_use_the_limit_up(office: Office) -> None:
    office.limit(100)
    office.approve(office.adjust(1000))
    assert office.adjust(100).state == "posted"


def test_a_request_is_declined_with_a_reason_or_taken_back(office: Office) -> None:
    office.limit(0)
    refused = office.decline(office.adjust(5))
    assert (refused.state, refused.answer) == ("declined", "Нет чека")
    taken_back = office.decline(office.adjust(6), office.olga)
    assert taken_back.state == "withdrawn"
    assert office.balance == 0
    with office.database.reading() as session:
        assert adjustments.waiting(session, 1, office.clock()) == []
        assert [one.points for one in adjustments.listed(session, 1, None, 9)] == [6, 5]
    assert office.noted[1::2] == ["adjustment.declined", "adjustment.withdrawn"]


def test_a_request_that_nobody_decides_expires(office: Office) -> None:
    office.limit(0)
    asked = office.adjust(5)
    office.clock.advance(days=7)
    assert asked.state_at(office.clock()) == "expired"
    with office.database.reading() as session:
        assert adjustments.waiting(session, 1, office.clock()) == []
    with pytest.raises(AdjustmentDecided) as told:
        office.approve(asked)
    assert told.value.state == "expired"


def test_what_cannot_be_done_when_it_is_approved_waits_on(office: Office) -> None:
    office.adjust(10)
    office.limit(0)
    asked = office.adjust(-10)
    office.limit(None)
    office.adjust(-5)
    with pytest.raises(InsufficientPoints):
        office.approve(asked)
    with office.database.reading() as session:
        assert adjustments.find(session, asked.public_id).state == "waiting"
        with pytest.raises(UnknownAdjustment):
            adjustments.find(session, "nothing")


def test_it_is_no_purchase(office: Office) -> None:
    office.adjust(10)
    with office.database.reading() as session:
        programme = programmes.by_code(session, "demo")
        within = scope.in_main_unit(session, programme, office.clock())
        bought = documents.read({"kind": "purchase"})
        assert membership.which(session, within, office.anna, [bought]) == (False,)


def test_what_was_said_of_an_erased_member_goes(office: Office) -> None:
    office.limit(10)
    office.adjust(10)
    asked = office.adjust(11)
    with office.database.transaction() as session:
        by = Author("command", "wallet test")
        erasure.erase(session, office.anna.public_id, (), office.clock(), by=by)
    with office.database.reading() as session:
        rows = adjustments.of_member(session, office.anna.id)
        assert [(one.state, one.reason) for one in rows] == [("withdrawn", None), ("posted", None)]
        assert session.scalars(select(PersonalChange)).all() == []
    with pytest.raises(MemberErased):
        office.approve(asked)
    with pytest.raises(MemberErased):
        office.adjust(1)


class TestAtOnce:
    """On PostgreSQL, in every order that matters."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def scene(self, database: Database) -> Iterator[Stage]:
        with stage(database) as there:
            yield there

    def race(
        self,
        office: Office,
        scene: Stage,
        first: Callable[[Adjustment], Any],
        second: Callable[[Adjustment], Any],
    ) -> None:
        office.limit(0)
        office.approve(office.adjust(7))  # accounts are opened by the first
        asked = office.adjust(7)
        places = scene.statements_of(lambda: first(asked))
        before = office.balance
        for at in range(1, places + 1):
            asked = office.adjust(7)
            met = scene.meet(lambda: first(asked), lambda: second(asked), at)  # noqa: B023
            outcomes = [met.first, met.second]
            done = [one for one in outcomes if isinstance(one, Adjustment)]
            refused = [one for one in outcomes if isinstance(one, AdjustmentDecided)]
            assert (len(done), len(refused)) == (1, 1), outcomes
            before += 7 * (done[0].state == "posted")
            assert office.balance == before

    def test_two_approve(self, office: Office, scene: Stage) -> None:
        self.race(office, scene, office.approve, office.approve)

    def test_one_approves_and_one_declines(self, office: Office, scene: Stage) -> None:
        self.race(office, scene, office.approve, office.decline)

    def test_one_declines_and_one_approves(self, office: Office, scene: Stage) -> None:
        self.race(office, scene, office.decline, office.approve)
