"""A card changes in the phone while pushes show a .p8 key's tokens instead of the certificate."""

from pathlib import Path

import pushkeys
import pytest
from clocks import StoppedClock
from phones import Phone
from sqlalchemy import func, select

from wallet.apple.devices import PushRow
from wallet.apple.pushkey import PushKey
from wallet.sandbox.apns import PushStandIn, RunningApns, TeamKey

TOKENS = [f"{number:064x}" for number in range(20)]


@pytest.fixture
def p8(tmp_path: Path) -> Path:
    return pushkeys.make(tmp_path)


@pytest.fixture
def apple_clock(clock_now: StoppedClock) -> StoppedClock:
    return StoppedClock(clock_now())


@pytest.fixture
def push_stand_in(p8: Path, apple_clock: StoppedClock) -> PushStandIn:
    public = PushKey.load(p8, pushkeys.KEY_ID, pushkeys.TEAM).public
    return PushStandIn(keys=[TeamKey(pushkeys.KEY_ID, pushkeys.TEAM, public)], clock=apple_clock)


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, p8: Path) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, "WALLET_APNS_KEY": str(p8)}


@pytest.fixture(autouse=True)
def _phones(client, join) -> None:
    for number, token in enumerate(TOKENS):
        Phone.with_card(client, join(), device=f"{number:032x}").register(token)


def heard(pushes: RunningApns) -> list[int]:
    return [pushes.stand_in.heard(token).count for token in TOKENS]


def waiting(house) -> list[str]:
    with house.installation.database.reading() as session:
        return list(session.scalars(select(func.coalesce(PushRow.last_reason, ""))))


def change(api, house) -> None:
    api.post("offers", {"programme": "demo", "title": "Латте −20 %"})
    house.run()


def test_every_phone_hears_of_a_change(api, house, pushes) -> None:
    change(api, house)
    assert (heard(pushes), waiting(house)) == ([1] * 20, [])
    assert pushes.stand_in.stats().refused == 0


def test_a_token_that_apple_calls_expired_costs_no_phone_its_news(
    api, house, pushes, apple_clock
) -> None:
    apple_clock.advance(minutes=59, seconds=30)  # ours is nearly an hour late
    change(api, house)
    assert (heard(pushes), waiting(house)) == ([1] * 20, [])
    assert pushes.stand_in.stats().refused == 1


def test_a_key_that_apple_refuses_keeps_every_row_and_is_left_alone(
    api, house, pushes, apple_clock
) -> None:
    pushes.stand_in.fail(403, "InvalidProviderToken")
    change(api, house)
    assert waiting(house) == ["InvalidProviderToken"] * 20
    refused = pushes.stand_in.stats().refused
    house.run()
    assert pushes.stand_in.stats().refused == refused == 1
    pushes.stand_in.clear()
    for clock in (house.clock, apple_clock):
        clock.advance(minutes=16)
    house.run()
    assert (heard(pushes), waiting(house)) == ([1] * 20, [])
