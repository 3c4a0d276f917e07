"""Points in, points out, and what time does to them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from clocks import StoppedClock
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book import statements
from ledger.book.accounts import Balance
from ledger.book.statements import Filter
from ledger.database.engine import Database
from ledger.errors import (
    BalanceTooLarge,
    DateOutOfRange,
    DatesOutOfOrder,
    ExternalIdTaken,
    InsufficientPoints,
    UnknownCard,
    UnknownMember,
)
from ledger.limits import MOST_POINTS
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, redemptions, upkeep
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms


@pytest.fixture
def member(database: Database, clock: StoppedClock) -> Member:
    with database.transaction() as session:
        programme = programmes.create(session, Terms("club", "Клуб"), clock())
        return enrolment.join(session, programme, Profile(name="Анна"), clock()).member


Do = Callable[..., object]


def granted(points: int, occurred_at: datetime | None = None, **terms: datetime) -> Grant:
    return Grant(points, Cause(occurred_at=occurred_at), **terms)


@pytest.fixture
def grant(database: Database, member: Member, clock: StoppedClock) -> Do:
    return lambda points, **terms: database.run(
        lambda session: accruals.grant(session, member, granted(points, **terms), clock())
    )


@pytest.fixture
def redeem(database: Database, member: Member, clock: StoppedClock) -> Do:
    return lambda points: database.run(
        lambda session: redemptions.redeem(session, member, Spend(points), clock())
    )


@pytest.fixture
def balance(database: Database, member: Member, clock: StoppedClock) -> Callable[[], Balance]:
    def read() -> Balance:
        with database.reading() as session:
            return statements.all_balances(session, member, clock())[0][1]

    return read


@pytest.fixture
def turn(database: Database, clock: StoppedClock) -> Callable[[], None]:
    def until_done() -> None:
        while database.run(lambda session: upkeep.turn(session, clock(), limit=2)):
            pass

    return until_done


def kinds(session: Session, member: Member, now: datetime) -> list[tuple[str, int, int]]:
    account_id = statements.all_balances(session, member, now)[0][1].account_id
    lines = statements.statement(session, account_id, Filter(), None, 100)
    return [(line.kind, line.points, line.balance_after) for line in lines]


def test_points_come_and_go(grant: Do, redeem: Do, balance, database, member, clock) -> None:
    grant(100)
    redeem(30)
    assert balance().available == 70
    with database.reading() as session:
        assert kinds(session, member, clock()) == [("redemption", -30, 70), ("accrual", 100, 100)]


def test_more_than_there_is_cannot_be_spent(grant: Do, redeem: Do, balance) -> None:
    grant(10)
    with pytest.raises(InsufficientPoints) as refusal:
        redeem(11)
    assert (refusal.value.asked, refusal.value.available) == (11, 10)
    assert balance().available == 10


def test_points_that_run_out_first_are_spent_first(
    grant: Do, redeem: Do, balance, clock: StoppedClock, turn
) -> None:
    later, sooner = clock() + timedelta(days=20), clock() + timedelta(days=10)
    grant(50, expires_at=later)
    grant(50, expires_at=sooner)
    redeem(60)
    clock.advance(days=11)
    turn()
    assert balance().available == 40
    clock.advance(days=10)
    turn()
    assert balance().available == 0


def test_a_redemption_walks_over_many_small_lots(grant: Do, redeem: Do, balance) -> None:
    for _ in range(40):
        grant(1)
    redeem(37)
    assert balance().available == 3


def test_many_lots_are_spent_in_the_order_in_which_they_run_out(
    grant: Do, redeem: Do, balance, clock: StoppedClock, turn
) -> None:
    """More of them than are read at a time, and several that run out together."""
    for number in range(40):
        grant(2, expires_at=clock() + timedelta(days=40 - number // 3))
    redeem(69)
    assert balance().available == 11
    for days, left in ((37, 11), (1, 11), (1, 6), (1, 0)):
        clock.advance(days=days)
        turn()
        assert balance().available == left


def test_pending_points_cannot_be_spent_before_their_day(
    grant: Do, redeem: Do, balance, clock: StoppedClock
) -> None:
    grant(100, activates_at=clock() + timedelta(days=14))
    assert (balance().available, balance().pending) == (0, 100)
    with pytest.raises(InsufficientPoints):
        redeem(1)
    clock.advance(days=14)
    redeem(1)  # no sweep has run: the redemption itself looks at the clock
    assert (balance().available, balance().pending) == (99, 0)


def test_points_that_ran_out_cannot_be_spent_before_the_sweep_comes(
    grant: Do, redeem: Do, balance, clock: StoppedClock, database, member
) -> None:
    grant(100, expires_at=clock() + timedelta(days=1))
    grant(5)
    clock.advance(days=1)
    with pytest.raises(InsufficientPoints) as refusal:
        redeem(6)
    assert refusal.value.available == 5
    redeem(5)
    assert balance().available == 0
    with database.reading() as session:
        assert kinds(session, member, clock())[1] == ("expiry", -100, 5)


def test_a_sweep_is_not_repeated(grant: Do, balance, clock: StoppedClock, turn, database, member):
    grant(7, expires_at=clock() + timedelta(hours=1))
    clock.advance(hours=1)
    turn()
    turn()
    with database.reading() as session:
        assert kinds(session, member, clock()) == [("expiry", -7, 0), ("accrual", 7, 7)]


def test_points_live_to_the_end_of_the_day_in_the_programmes_zone(database: Database) -> None:
    now = datetime(2026, 2, 27, 22, tzinfo=UTC)  # already the 28th in Moscow
    with database.transaction() as session:
        terms = Terms("year", "Год", timezone="Europe/Moscow", points_live_days=365)
        programme = programmes.create(session, terms, now)
        unit = units.named(session, programme.id, None)
        assert unit.expiry(now, programme.timezone) == datetime(2027, 2, 28, 21, tzinfo=UTC)


def test_a_leap_day_counts_as_a_day(database: Database) -> None:
    now = datetime(2028, 2, 28, 12, tzinfo=UTC)
    with database.transaction() as session:
        terms = Terms("day", "День", timezone="UTC", points_live_days=1)
        programme = programmes.create(session, terms, now)
        unit = units.named(session, programme.id, None)
        assert unit.expiry(now, "UTC") == datetime(2028, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "earned_at", "runs_out_at"),
    [
        # The year ends in Vladivostok seven hours before it does in Moscow.
        ("Asia/Vladivostok", "2026-12-31T13:59Z", "2027-01-01T14:00Z"),
        ("Asia/Vladivostok", "2026-12-31T14:00Z", "2027-01-02T14:00Z"),
        ("Europe/Moscow", "2026-12-31T14:00Z", "2027-01-01T21:00Z"),
        # A day of 23 hours, and one of 25.
        ("Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T23:00Z"),
        # Clocks go from 24:00 to 1:00: the day after has no midnight, and begins when it ends.
        ("America/Santiago", "2026-09-04T12:00Z", "2026-09-06T04:00Z"),
        # In Havana midnight comes twice on 1 November: the day before ends at the first.
        ("America/Havana", "2026-10-30T12:00Z", "2026-11-01T04:00Z"),
    ],
)
def test_points_are_spent_until_the_last_moment_of_the_day_where_the_programme_is(
    club, zone: str, earned_at: str, runs_out_at: str
) -> None:
    club.code, club.clock.now = "abroad", datetime.fromisoformat(earned_at)
    club.open(timezone=zone, points_live_days=1)
    anna = club.join()
    club.grant(anna, 7)
    club.clock.now = datetime.fromisoformat(runs_out_at) - timedelta(microseconds=1)
    club.turn()
    club.redeem(anna, 1)
    club.clock.advance(microseconds=1)
    with pytest.raises(InsufficientPoints):
        club.redeem(anna, 1)
    club.turn()
    assert club.story(anna) == [("accrual", 7, 7), ("redemption", -1, 6), ("expiry", -6, 0)]


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"activates_at": 5, "expires_at": 5}, DatesOutOfOrder),
        ({"activates_at": 5, "expires_at": 4}, DatesOutOfOrder),
        ({"expires_at": 0}, DatesOutOfOrder),
        ({"occurred_at": -366 * 50}, DateOutOfRange),
        ({"expires_at": 366 * 300}, DateOutOfRange),
    ],
)
def test_dates_that_cannot_be_are_refused(grant, balance, clock, terms, refusal) -> None:
    moments = {name: clock() + timedelta(days=days) for name, days in terms.items()}
    with pytest.raises(refusal):
        grant(1, **moments)
    assert balance().total == 0


def test_a_balance_stays_exact_in_json(grant: Do, balance) -> None:
    grant(MOST_POINTS)
    with pytest.raises(BalanceTooLarge) as refusal:
        grant(1)
    assert refusal.value.facts() == {"largest": MOST_POINTS}
    assert balance().available == MOST_POINTS


def test_what_runs_out_makes_room_for_more(grant: Do, balance, clock: StoppedClock) -> None:
    grant(MOST_POINTS - 6)
    grant(1, expires_at=clock() + timedelta(days=1))
    clock.advance(days=1)
    with pytest.raises(BalanceTooLarge):
        grant(7)
    grant(6)
    assert balance().available == MOST_POINTS


def test_sixteen_threads_spend_each_point_once(
    grant: Do, redeem: Do, balance, database: Database
) -> None:
    for _ in range(10):
        grant(10)

    def attempt(_: int) -> int:
        try:
            redeem(3)
        except InsufficientPoints:
            return 0
        return 3

    with ThreadPoolExecutor(16) as pool:
        spent = sum(pool.map(attempt, range(80)))
    assert (spent, balance().available) == (99, 1)


def test_an_external_id_belongs_to_one_member_of_a_programme(database: Database, clock) -> None:
    with database.transaction() as session:
        one = programmes.create(session, Terms("one", "1"), clock())
        two = programmes.create(session, Terms("two", "2"), clock())
        enrolment.join(session, one, Profile(external_id="c-1"), clock())
        enrolment.join(session, two, Profile(external_id="c-1"), clock())
        enrolment.join(session, one, Profile(), clock())
        enrolment.join(session, one, Profile(), clock())
    with pytest.raises(ExternalIdTaken), database.transaction() as session:
        programme = programmes.by_code(session, "one")
        enrolment.join(session, programme, Profile(external_id="c-1"), clock())


def test_unknown_members_and_cards_are_refused(database: Database, clock) -> None:
    with database.reading() as session:
        for public_id in ("", "x", "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(UnknownMember):
                members.by_public_id(session, public_id)
        with pytest.raises(UnknownCard):
            cards.owner(session, "4000000000000002", clock())


class TestWhatRunsOutSoon:
    """Read by those who warn of it."""

    @pytest.fixture
    def soon(self, club, database) -> Callable[..., list[tuple[int, datetime, int]]]:
        """What runs out within five days, in the main unit."""

        def read(after: int = 0, limit: int = 10) -> list[tuple[int, datetime, int]]:
            with database.reading() as session:
                programme = programmes.by_code(session, club.code)
                unit = units.find(session, programme.id, None)
                found = statements.running_out(
                    session, unit.id, club.clock(), club.days(5), after, limit
                )
            return [(one.member_id, one.expires_at, one.points) for one in found]

        return read

    def test_all_of_it_for_each_member_and_the_soonest_first(self, club, anna, boris, soon) -> None:
        club.grant(boris, 7, expires=2)
        club.grant(anna, 10, expires=3)
        club.grant(anna, 20, expires=1)
        club.grant(anna, 30, expires=3)
        assert soon() == [
            (anna.id, club.days(1), 20),
            (anna.id, club.days(3), 40),
            (boris.id, club.days(2), 7),
        ]
        assert soon(limit=1) == soon()[:2]
        assert soon(after=anna.id) == soon()[2:]
        assert soon(after=boris.id) == []

    def test_neither_earlier_nor_later_nor_held_nor_spent_nor_asleep(
        self, club, anna, boris, soon
    ) -> None:
        club.grant(boris, 9, expires=0.1)
        club.clock.advance(days=0.1)  # its time is over, and nobody has taken it away yet
        club.grant(anna, 5, expires=5)  # the last moment is within
        club.grant(anna, 6, expires=5.1)
        club.grant(anna, 8, expires=4, activates=1)
        club.grant(boris, 3, expires=4)
        club.redeem(boris, 2)
        assert soon() == [(anna.id, club.days(5), 5), (boris.id, club.days(4), 1)]
        club.hold(boris, 1)
        club.hold(anna, 2)
        assert soon() == [(anna.id, club.days(5), 3)]

    def test_of_the_unit_that_was_asked_for(self, club, anna, soon) -> None:
        club.add_unit(units.UnitTerms("stamps", "stamps"))
        club.grant(anna, 4, expires=2, unit="stamps")
        assert soon() == []
