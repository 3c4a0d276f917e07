"""The table of days: each posting once, whatever dies; and made anew, the same."""

import random
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from dayfigures import Days
from sqlalchemy import func, select, text, update

from ledger.database.engine import Database
from ledger.errors import Refusal
from ledger.money import Money
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from ledger.reports import days, tallies
from ledger.reports.days import DayPlace
from ledger.reports.tallies import TallyRow
from ledger.settings import LedgerSettings

TODAY = date(2026, 5, 20)


@pytest.fixture
def table(database, clock) -> Days:
    return Days(database, clock)


def test_a_day_says_what_became_of_points(club, anna, boris, table) -> None:
    club.grant(anna, 100, purchase=Money("500.00", "RUB"))
    undone = club.grant(anna, 20, purchase=Money("80.00", "RUB"))
    spent = club.redeem(anna, 30)
    club.transfer(anna, boris, 10)
    club.reverse(undone, 5)
    club.reverse(spent, 12)
    club.grant(boris, 7, expires=1)
    table.run()
    assert table.on(TODAY) == {
        "joined": 2,
        "issued": 127,
        "spent": 30,
        "taken_back": 5,
        "given_back": 12,
        "owed": 104,
        "purchases RUB": 2,
        "paid RUB": 580_00,
        "returned RUB": 20_00,
    }
    club.turn(days=2)
    table.run()
    assert table.on(TODAY + timedelta(days=2)) == {"expired": 7, "owed": -7}
    assert table.sums()[1, "owed", "points"] == 97


def test_hours_are_those_of_the_programmes_clock(club, anna, table) -> None:
    club.grant(anna, 1)  # at noon in Greenwich, at three in Moscow
    club.clock.now = datetime(2026, 5, 20, 21, 30, tzinfo=UTC)
    club.grant(anna, 2)
    table.run()
    issued = {key[1:3]: amount for key, amount in table.table().items() if key[3] == "issued"}
    assert issued == {(date(2026, 5, 20), 15): 1, (date(2026, 5, 21), 0): 2}
    with table.database.reading() as session:
        until_three = days.of_days(session, 1, [TODAY], before_hour=15, figures=["issued"])
        until_four = days.of_days(session, 1, [TODAY], before_hour=16, figures=["issued"])
    assert until_three == {}
    assert list(until_four[TODAY].values()) == [1]


def test_a_posting_counts_on_the_day_it_was_written_not_on_the_one_it_is_dated_to(
    club, anna, table
) -> None:
    club.grant(anna, 5, occurred_at=club.days(-40))
    table.run()
    assert table.on(TODAY)["issued"] == 5
    assert {key[1] for key in table.table()} == {TODAY}


def test_what_stood_at_the_end_of_a_day_follows_from_what_stands_now(club, anna, table) -> None:
    for points in (10, 20, 40):
        club.grant(anna, points)
        club.turn(days=1)
    table.run()
    owed = days.FigureOf("owed", "points")
    with table.database.reading() as session:
        now_owed = days.sums(session, 1)[owed]
        by_day = days.between(session, 1, TODAY, TODAY + timedelta(days=9), ["owed"])
    assert now_owed == 70
    ends = [days.at_the_end(now_owed, by_day, owed, TODAY + timedelta(days=n)) for n in range(4)]
    assert ends == [10, 30, 70, 70]


def test_each_posting_counts_once_in_batches_of_any_size(club, anna, table) -> None:
    for points in range(1, 12):
        club.grant(anna, points)
    table.seal()
    assert table.turn(limit=4)
    with table.database.reading() as session:
        assert days.waiting(session) == days.waiting(session, 1) == 7
    table.run(limit=4)
    with table.database.reading() as session:
        assert days.waiting(session) == 0
    assert table.on(TODAY)["issued"] == 66
    table.run()
    assert table.on(TODAY)["issued"] == 66


def test_programmes_are_counted_apart(database, make_club, clock) -> None:
    clubs = make_club(database)
    first, second = next(clubs), next(clubs)
    table = Days(database, clock)
    for club, points in ((first, 3), (second, 5)):
        club.open(timezone="Asia/Kathmandu" if club is second else "Europe/Moscow")
        club.grant(club.join(), points)
    table.run()
    assert table.on(TODAY, 1) == {"joined": 1, "issued": 3, "owed": 3}
    assert table.on(TODAY, 2) == {"joined": 1, "issued": 5, "owed": 5}
    assert {key[2] for key in table.table() if key[0] == 2} == {17}


def test_a_turn_that_dies_moves_neither_sums_nor_places(club, anna, table) -> None:
    club.grant(anna, 9)
    with table.database.transaction() as session:
        tallies.note(session, "card_added", "apple", {1: 1}, club.clock())
    table.seal()
    with pytest.raises(RuntimeError), table.database.transaction() as session:
        days.turn(session, [], club.clock())
        raise RuntimeError("kill -9")
    assert table.table() == {}
    table.run()
    assert table.on(TODAY) == {"joined": 1, "issued": 9, "owed": 9, "card_added apple": 1}


def live(club, members, chance: random.Random, steps: int) -> None:
    """A random history; what the book refuses is left out."""
    postings: list[str] = []
    for _ in range(steps):
        member = chance.choice(members)
        points = chance.randint(1, 60)
        try:
            match chance.randint(0, 7):
                case 0 | 1 | 2:
                    paid = chance.choice([None, Money(f"{points}.50", "RUB"), Money("3.00", "EUR")])
                    terms = chance.choice(
                        [{}, {"expires": 2}, {"occurred_at": club.days(-9)}, {"activates": 1}]
                    )
                    postings.append(club.grant(member, points, purchase=paid, **terms))
                case 3 | 4:
                    postings.append(club.redeem(member, points))
                case 5 if postings:
                    club.reverse(chance.choice(postings), chance.choice([None, 1, 5]))
                case 6:
                    club.transfer(member, chance.choice(members), points)
                case 7:
                    members.append(club.join())
        except Refusal:
            pass
        club.turn(minutes=chance.randint(0, 600))


@pytest.mark.parametrize("seed", range(3))
def test_made_anew_it_is_the_same(club, anna, boris, table, seed) -> None:
    chance = random.Random(seed)  # noqa: S311
    members = [anna, boris]
    for _ in range(6):
        live(club, members, chance, 12)
        table.seal()
        table.turn(limit=chance.randint(1, 30))
    table.clock.advance(minutes=1)
    table.run()
    kept, sums = table.table(), table.sums()
    assert len(kept) > 30
    table.rebuild(limit=7)
    assert (table.table(), table.sums()) == (kept, sums)
    own = club.own()
    of_points = {figure: amount for (_, figure, of), amount in sums.items() if of == "points"}
    assert of_points["issued"] - of_points.get("taken_back", 0) == -own["issued"]
    assert of_points.get("spent", 0) - of_points.get("given_back", 0) == own.get("redeemed", 0)
    assert of_points.get("expired", 0) == own.get("expired", 0)
    assert of_points["owed"] - of_points.get("debt", 0) == -sum(own.values())


def test_made_anew_while_members_post_and_two_workers_count(
    club, anna, table, database_url
) -> None:
    for _ in range(40):
        club.grant(anna, 1)
    table.run()
    errors: list[BaseException] = []
    done = threading.Event()

    def count() -> None:
        other = Database(LedgerSettings(database_url))
        try:
            theirs = Days(other, club.clock)
            while not done.is_set():
                theirs.seal()
                theirs.turn(limit=3)
        except BaseException as error:
            errors.append(error)
        finally:
            other.close()

    workers = [threading.Thread(target=count) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(3):
        table.database.run(days.begin_anew)
        for _ in range(10):
            club.grant(anna, 1)
            table.turn(limit=5, wait=True)
    done.set()
    for worker in workers:
        worker.join()
    table.run()
    assert errors == []
    assert table.on(TODAY) == {"joined": 1, "issued": 70, "owed": 70}
    assert table.sums()[1, "issued", "points"] == 70


class TestMembers:
    def test_who_joined_late_in_a_long_transaction_is_found(self, club, anna, table) -> None:
        table.run()
        with table.database.transaction() as session:
            session.execute(  # as if it had been committed only now
                update(Member).values(created_at=club.clock() - timedelta(minutes=9))
            )
            for table_name in ("ledger_day", "ledger_day_sum", "ledger_day_counted"):
                session.execute(text(f"DELETE FROM {table_name}"))  # noqa: S608 - our own names
        table.clock.advance(minutes=1)
        table.run()
        assert table.on(TODAY)["joined"] == 1

    def test_nobody_is_counted_twice_however_often_it_looks(self, club, anna, table) -> None:
        for _ in range(5):
            table.run()
            table.clock.advance(seconds=40)
            club.join()
        table.run()
        assert table.on(TODAY)["joined"] == 6

    def test_after_a_pause_it_goes_on_from_where_it_looked(self, club, anna, table) -> None:
        table.run()
        for _ in range(3):
            table.clock.advance(days=1)
            club.join()
        table.run()
        joined = [table.on(TODAY + timedelta(days=n))["joined"] for n in range(4)]
        assert joined == [1, 1, 1, 1]

    def test_a_new_zone_loses_nobody_and_counts_nobody_twice(self, club, anna, table) -> None:
        table.run()
        for zone in ("Asia/Vladivostok", "America/New_York", "Asia/Kathmandu"):
            for _ in range(3):
                club.join()
                table.clock.advance(minutes=7)
                table.run()
            with table.database.transaction() as session:
                session.execute(update(Programme).values(timezone=zone))
            table.clock.advance(minutes=1)
            table.run()
        assert table.sums()[1, "joined", ""] == 10
        table.rebuild()
        assert table.sums()[1, "joined", ""] == 10

    def test_it_looks_no_more_often_than_it_must(self, club, anna, table) -> None:
        table.run()
        club.join()
        table.run()
        assert table.on(TODAY)["joined"] == 1
        table.clock.advance(seconds=30)
        table.run()
        assert table.on(TODAY)["joined"] == 2


class TestTallies:
    def test_they_are_added_up_and_gone(self, club, table) -> None:
        with table.database.transaction() as session:
            for _ in range(3):
                tallies.note(session, "push_accepted", "apple", {1: 40}, club.clock())
            tallies.note(session, "card_added", "google", {1: 0}, club.clock())
        assert table.turn(limit=2)
        table.run()
        assert table.on(TODAY) == {"push_accepted apple": 120}
        with table.database.reading() as session:
            assert session.scalar(select(func.count()).select_from(TallyRow)) == 0

    def test_they_stay_when_the_rest_is_made_anew(self, club, anna, table) -> None:
        with table.database.transaction() as session:
            tallies.note(session, "card_added", "apple", {1: 2}, club.clock())
        table.run()
        kept = table.table()
        table.rebuild()
        assert table.table() == kept
        assert table.on(TODAY)["card_added apple"] == 2


def test_a_new_zone_cuts_the_days_to_come_and_all_if_made_anew(club, anna, table) -> None:
    club.clock.now = datetime(2026, 5, 20, 22, tzinfo=UTC)
    club.grant(anna, 1)  # one o'clock of the 21st in Moscow
    table.run()
    with table.database.transaction() as session:
        session.execute(update(Programme).values(timezone="Europe/London"))
    club.grant(anna, 2)  # eleven in the evening of the 20th in London
    table.run()
    assert table.on(date(2026, 5, 21))["issued"] == 1
    assert table.on(date(2026, 5, 20))["issued"] == 2
    table.rebuild()
    assert table.on(date(2026, 5, 20))["issued"] == 3


def test_what_waits_is_counted_from_the_last_place(club, anna, table) -> None:
    club.grant(anna, 1)
    table.run()
    with table.database.reading() as session:
        places = {row.source: row.place for row in session.scalars(select(DayPlace))}
    assert places["seals"] == 1
    assert set(places) == {"turn", "seals", "joined"}
