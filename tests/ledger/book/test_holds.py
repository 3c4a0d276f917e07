"""Points set aside for a sale: captured, released or timed out, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.book import holds
from ledger.errors import CaptureTooLarge, HoldClosed, HoldExpired, InsufficientPoints
from ledger.people import cards


@pytest.fixture
def read(club):
    """A hold as it stands in the table."""

    def found(hold: str) -> holds.Hold:
        with club.database.reading() as session:
            return holds.find(session, hold)

    return found


def test_held_points_cannot_be_spent_elsewhere(club, anna) -> None:
    club.grant(anna, 100)
    club.hold(anna, 70)
    assert club.has(anna) == (30, 0, 70, 0)
    with pytest.raises(InsufficientPoints):
        club.redeem(anna, 31)
    club.redeem(anna, 30)


def test_no_more_is_held_than_is_there(club, anna) -> None:
    club.grant(anna, 100)
    club.hold(anna, 70)
    with pytest.raises(InsufficientPoints) as refusal:
        club.hold(anna, 31)
    assert refusal.value.facts() == {"asked": 31, "available": 30}
    club.hold(anna, 30)
    assert club.has(anna) == (0, 0, 100, 0)


def test_a_hold_keeps_what_it_was_told_and_its_redemption_too(club, anna, read) -> None:
    with club.database.reading() as session:
        card = cards.newest_of(session, anna.id)
    club.grant(anna, 100)
    told = {"receipt": "7", "store": "Arbat", "promotion": "spring"}
    placed = read(club.hold(anna, 70, reason="cake", card_id=card.id, **told))
    assert (placed.amount, placed.captured, placed.state) == (70, 0, "open")
    assert (placed.posting_id, placed.closed_at) == (None, None)
    assert (placed.placed_at, placed.expires_at) == (club.clock(), club.days(30 / 60 / 24))
    assert {name: getattr(placed, name) for name in told} == told
    club.capture(placed.public_id)
    line = club.lines(anna)[0]
    assert {name: getattr(line, name) for name in told} == told
    assert (line.reason, line.card) == ("cake", card.number)


def test_capture_spends_what_was_held_and_frees_the_rest(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 70)
    club.capture(hold, 50)
    assert club.has(anna) == (50, 0, 0, 0)
    assert club.story(anna)[-1] == ("redemption", -50, 50)


def test_a_hold_says_how_it_ended(club, anna, read) -> None:
    club.grant(anna, 100)
    captured, released, other = (club.hold(anna, points) for points in (20, 10, 5))
    club.clock.advance(minutes=5)
    posting = club.capture(captured, 15)
    club.release(released)
    found = [read(one) for one in (captured, released, other)]
    assert [(one.state, one.captured, one.posting_id, one.closed_at) for one in found] == [
        ("captured", 15, posting, club.clock()),
        ("released", 0, None, club.clock()),
        ("open", 0, None, None),
    ]


def test_what_runs_out_first_is_captured_first(club, anna) -> None:
    for days in (9, 3, 6, 6):
        club.grant(anna, 10, expires=days)
    hold = club.hold(anna, 35)
    assert club.lots(anna) == [(10, 5), (10, 10), (10, 10), (10, 10)]
    club.capture(hold, 25)
    assert club.lots(anna) == [(10, 0), (5, 0)]
    assert club.has(anna) == (15, 0, 0, 0)
    club.turn(days=6)
    assert club.has(anna) == (10, 0, 0, 0)


def test_points_that_are_free_again_pay_a_debt(club, anna) -> None:
    earned = club.grant(anna, 100)
    captured, released = club.hold(anna, 60), club.hold(anna, 30)
    club.redeem(anna, 10)
    club.reverse(earned)
    assert club.has(anna) == (0, 0, 90, 100)
    club.capture(captured, 45)
    assert club.has(anna) == (0, 0, 30, 85)
    club.release(released)
    assert club.has(anna) == (0, 0, 0, 55)
    assert [line.posted_at for line in club.lines(anna) if line.kind == "repayment"] == [
        club.clock(),
        club.clock(),
    ]


def test_a_hold_ends_once(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 70)
    club.capture(hold)
    for again in (club.capture, club.release):
        with pytest.raises(HoldClosed) as refusal:
            again(hold)
        assert refusal.value.state == "captured"
    assert club.has(anna) == (30, 0, 0, 0)


def test_no_more_is_captured_than_was_held(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 70)
    for asked in (71, 0, -1):
        with pytest.raises(CaptureTooLarge) as refusal:
            club.capture(hold, asked)
        assert refusal.value.facts() == {"asked": asked, "held": 70}
    assert club.has(anna) == (30, 0, 70, 0)
    club.capture(hold, 1)
    assert club.has(anna) == (99, 0, 0, 0)


def test_a_hold_times_out(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 70, minutes=30)
    club.clock.advance(minutes=30)
    with pytest.raises(HoldExpired):  # before any sweep came
        club.capture(hold)
    club.turn()
    assert club.has(anna) == (100, 0, 0, 0)
    with pytest.raises(HoldClosed) as refusal:
        club.capture(hold)
    assert refusal.value.state == "timed_out"


def test_a_lot_that_runs_out_under_a_hold_stays_for_that_hold(club, anna) -> None:
    club.grant(anna, 100, expires=1)
    hold = club.hold(anna, 60, minutes=60 * 48)
    club.turn(days=1)
    assert club.has(anna) == (0, 0, 60, 0)
    club.capture(hold, 45)
    # What the hold did not need is gone: its time was over.
    assert club.has(anna) == (0, 0, 0, 0)
    assert club.story(anna) == [
        ("accrual", 100, 100),
        ("expiry", -40, 60),
        ("redemption", -45, 15),
        ("expiry", -15, 0),
    ]


def test_released_points_that_ran_out_meanwhile_are_gone_at_once(club, anna) -> None:
    club.grant(anna, 100, expires=1)
    hold = club.hold(anna, 60, minutes=60 * 48)
    club.turn(days=1)
    club.release(hold)
    assert club.has(anna) == (0, 0, 0, 0)


def test_holds_whose_time_is_over_come_in_its_order_and_in_batches(club, anna) -> None:
    club.grant(anna, 100)
    late, early, middle, ended, open_ = (
        club.hold(anna, 1, minutes) for minutes in (30, 10, 20, 5, 31)
    )
    club.release(ended)
    club.clock.advance(minutes=30)
    with club.database.reading() as session:
        for limit, wanted in ((2, [early, middle]), (9, [early, middle, late])):
            found = holds.stale(session, club.clock(), limit)
            assert [hold.public_id for hold in found] == wanted
    club.turn()
    assert club.has(anna) == (99, 0, 1, 0)
    club.release(open_)


def test_holds_of_an_account_are_listed_newest_first(club, anna, boris) -> None:
    for member in (anna, boris):
        club.grant(member, 100)
    first, second, third = (club.hold(anna, points) for points in (1, 2, 3))
    club.hold(boris, 4)
    account_id = club.balance(anna).account_id
    with club.database.reading() as session:

        def listed(before_id: int | None, limit: int) -> list[str]:
            found = holds.of_account(session, account_id, before_id, limit)
            return [hold.public_id for hold in found]

        assert listed(None, 9) == [third, second, first]
        assert listed(None, 2) == [third, second]
        assert listed(holds.find(session, second).id, 9) == [first]


def test_two_tills_capture_one_hold_once(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 100)

    def attempt(number: int) -> str:
        try:
            club.capture(hold) if number % 2 else club.release(hold)
        except HoldClosed:
            return "closed"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(16)))
    assert outcomes == ["closed"] * 15 + ["done"]
    assert club.has(anna)[0] in (0, 100)
