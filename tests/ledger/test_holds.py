"""Points set aside for a sale: captured, released or timed out, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.errors import CaptureTooLarge, HoldClosed, HoldExpired, InsufficientPoints


def test_held_points_cannot_be_spent_elsewhere(club, anna) -> None:
    club.grant(anna, 100)
    club.hold(anna, 70)
    assert club.has(anna) == (30, 0, 70, 0)
    with pytest.raises(InsufficientPoints):
        club.redeem(anna, 31)
    club.redeem(anna, 30)


def test_capture_spends_what_was_held_and_frees_the_rest(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 70)
    club.capture(hold, 50)
    assert club.has(anna) == (50, 0, 0, 0)
    assert club.story(anna)[-1] == ("redemption", -50, 50)


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
    with pytest.raises(CaptureTooLarge):
        club.capture(hold, 71)
    assert club.has(anna) == (30, 0, 70, 0)


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
