"""A code that Google Wallet draws anew every half minute: from the programme's choice to the till,
on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import googles
import pytest
import requests

from wallet.google.reading import AndroidCard
from wallet.passes import codes
from wallet.sandbox.android import VirtualAndroid
from wallet.sandbox.google import RunningGoogle
from wallet.sandbox.google.resources import OBJECT


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}


@pytest.fixture
def choose(api, house) -> Callable[..., None]:
    def chosen(**terms: object) -> None:
        answer = api.call("PATCH", "programmes/demo/card-code", terms)
        assert answer.status_code == 200, answer.text
        house.run("upkeep", "relay", "google")

    return chosen


@pytest.fixture
def android(google: RunningGoogle) -> VirtualAndroid:
    return VirtualAndroid(google.url.partition("/walletobjects")[0])


@pytest.fixture
def card(choose, client, member, android) -> Callable[[], AndroidCard]:
    """As the phone has it now, with all that Google has handed over."""
    choose(at_google="rotating")
    link = client.get(member["links"]["google"].removeprefix("http://127.0.0.1:8080")).location
    id_ = android.add(link).id

    def carried() -> AndroidCard:
        android.hear(0)
        found = android.carried(id_)
        assert found is not None
        return found

    return carried


@pytest.fixture
def scan(api) -> Callable[[str], tuple[int, str]]:
    def scanned(barcode: str) -> tuple[int, str]:
        answer = api.post("scans", {"barcode": barcode})
        found = answer.get_json()
        return answer.status_code, found["name"] if answer.status_code == 200 else found["code"]

    return scanned


def test_the_till_knows_the_card_and_takes_each_value_once(card, scan, house) -> None:
    drawn = card().drawn_at(house.clock())
    assert isinstance(codes.read(drawn), codes.RotatingCode)
    assert scan(drawn) == (200, "Анна")
    assert scan(drawn) == (409, "code_used")
    house.clock.advance(seconds=codes.PERIOD_S)
    assert scan(drawn) == (409, "code_used")
    later = card().drawn_at(house.clock())
    assert later != drawn
    assert scan(later) == (200, "Анна")


def test_one_period_to_each_side_and_no_more(card, scan, house) -> None:
    drawn = card().drawn_at(house.clock())
    house.clock.advance(seconds=2 * codes.PERIOD_S)
    assert scan(drawn) == (409, "code_outdated")
    soon = card().drawn_at(house.clock.now)
    house.clock.advance(seconds=-codes.PERIOD_S)  # the phone's clock is ahead
    assert scan(soon) == (200, "Анна")
    house.clock.advance(seconds=2 * codes.PERIOD_S)
    late = card().drawn_at(house.clock())
    house.clock.advance(seconds=codes.PERIOD_S)  # or behind
    assert scan(late) == (200, "Анна")
    far = AndroidCard.drawn_at(card(), datetime.fromtimestamp(2_000_000_000, house.clock().tzinfo))
    assert scan(far) == (409, "code_outdated")


def test_a_value_that_google_did_not_draw_is_forged(card, scan, house) -> None:
    drawn = card().drawn_at(house.clock())
    other = drawn[:-1] + str((int(drawn[-1]) + 1) % 10)
    assert scan(other) == (409, "code_forged")
    # A value of another second does not fit the second that the code names.
    house.clock.advance(hours=1)
    now = card().drawn_at(house.clock())
    assert scan(now[:-8] + drawn[-8:]) == (409, "code_forged")
    assert scan(now) == (200, "Анна")


def test_two_tills_at_once(card, house, api, app) -> None:
    drawn = card().drawn_at(house.clock())

    def till(_: int) -> int:
        return type(api)(app.test_client()).post("scans", {"barcode": drawn}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(till, range(8))) == [200, *[409] * 7]


def test_a_programme_that_wants_them_no_more(card, choose, scan, house, google) -> None:
    drawn = card().drawn_at(house.clock())
    choose(at_google="same", kind="ed25519")
    assert scan(drawn) == (409, "code_forged")
    assert "rotatingBarcode" not in google.stand_in.resources.get(OBJECT, card().id)
    fixed = card().drawn_at(house.clock())
    assert isinstance(codes.read(fixed), codes.SignedCode)
    assert scan(fixed) == (200, "Анна")
    house.run("relay", "google")
    assert card().drawn_at(house.clock()) != fixed  # renewed by the scan, at Google too


def test_whoever_got_another_card_number_has_another_secret(card, scan, house, api, member) -> None:
    before = card()
    api.post(f"members/{member['id']}/cards", None)
    house.run("relay", "google")
    old, new = (
        one.object_["rotatingBarcode"]["totpDetails"]["parameters"][0]["key"]
        for one in (before, card())
    )
    assert old != new
    assert scan(before.drawn_at(house.clock())) == (409, "card_blocked")
    assert scan(card().drawn_at(house.clock())) == (200, "Анна")


def test_the_secret_is_in_no_link(card, client, member) -> None:
    link = client.get(member["links"]["google"].removeprefix("http://127.0.0.1:8080")).location
    assert len(link) < 1200
    key = card().object_["rotatingBarcode"]["totpDetails"]["parameters"][0]["key"]
    assert key.lower() not in requests.get(link, timeout=5).text.lower()
