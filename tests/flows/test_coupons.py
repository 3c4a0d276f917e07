"""A coupon at the till: which it is and whose, used once, on both databases."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from phones import Phone, opened

from wallet.access import apikeys
from wallet.api.bodies.passes import COUPON_USED
from wallet.api.bodies.scans import SCAN
from wallet.passes import codes

CHECKER = Path(__file__).parents[2] / "docs" / "check_code.py"
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def offer(api, clock_now) -> dict:
    until = (clock_now() + timedelta(days=7)).isoformat()
    body = {"programme": "demo", "title": "Латте −20 %", "text": "С собой", "until": until}
    return api.post("offers", body).get_json()


@pytest.fixture
def give(api, client, offer) -> Callable[[dict], Phone]:
    """The coupon of the offer, in a phone of its member."""

    def given(member: dict) -> Phone:
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).get_json()
        bundle = client.get(coupon["apple"].removeprefix(LOCAL)).data
        phone = Phone(client, opened(bundle))
        assert phone.register().status_code == 201
        return phone

    return given


@pytest.fixture
def coupon(give, member) -> Phone:
    return give(member)


@pytest.fixture(params=["plain", "hmac", "ed25519"])
def kind(request, api, house) -> str:
    api.call("PATCH", "programmes/demo/card-code", {"kind": request.param})
    house.run()
    return str(request.param)


def on_phone(phone: Phone) -> str:
    return str(opened(phone.fetch().data)["barcodes"][0]["message"])


def scanned(api, barcode: str, key: str | None = None) -> tuple[int, dict]:
    answer = api.post("scans", {"barcode": barcode}, key)
    return answer.status_code, answer.get_json()


def used(api, phone: Phone, key: str | None = None) -> tuple[int, dict]:
    answer = api.post(f"passes/{phone.serial}/use", None, key)
    return answer.status_code, answer.get_json()


def test_a_till_learns_which_coupon_it_is_and_whose(kind, member, give, api, offer) -> None:
    coupon = give(member)
    status, seen = scanned(api, on_phone(coupon))
    assert status == 200
    assert (seen["id"], seen["name"]) == (member["id"], "Анна")
    assert seen["card"]["number"] == member["card"]["number"]
    told = seen["coupon"]
    assert set(told) == set(SCAN["coupon"])
    assert told["until"][-6:] == "+03:00"
    assert told | {"until": None} == {
        "id": coupon.serial,
        "offer": offer["id"],
        "title": "Латте −20 %",
        "text": "С собой",
        "state": "active",
        "until": None,
    }


def test_a_card_is_no_coupon(kind, api, client, join, coupon) -> None:
    phone = Phone.with_card(client, join(name="Борис"))
    status, seen = scanned(api, on_phone(phone))
    assert (status, seen["name"], seen["coupon"]) == (200, "Борис", None)
    status, refused = used(api, phone)
    assert (status, refused["code"]) == (409, "not_a_coupon")


def test_a_scan_does_not_use_it_up_and_a_use_does_once(coupon, api, house) -> None:
    barcode = on_phone(coupon)
    for _ in range(2):
        assert scanned(api, barcode)[1]["coupon"]["state"] == "active"
    status, told = used(api, coupon)
    assert (status, told["state"]) == (201, "used")
    assert set(told) == set(COUPON_USED)
    assert scanned(api, barcode)[1]["coupon"]["state"] == "used"
    status, refused = used(api, coupon)
    assert (status, refused["code"]) == (409, "coupon_used")
    assert coupon.updated().get_json()["serialNumbers"] == [coupon.serial]
    assert opened(coupon.fetch().data)["voided"] is True


def test_of_ten_tills_one_takes_it(coupon, app, api) -> None:
    def till(_: int) -> int:
        return used(type(api)(app.test_client()), coupon)[0]

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(till, range(10))) == [201, *[409] * 9]


def test_a_till_that_repeats_its_request_has_used_it_once(coupon, app, api) -> None:
    """Its answer was lost; the same key, even at once, is the same use. Another till is refused."""

    def till(_: int) -> tuple[int, dict]:
        return used(type(api)(app.test_client()), coupon, key="receipt-17")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(till, range(6)))
    assert answers == [answers[0]] * 6
    assert answers[0][0] == 201
    assert used(api, coupon, key="receipt-18")[1]["code"] == "coupon_used"


def test_it_ends_with_its_offer_unless_another_end_is_set(coupon, api, offer, member) -> None:
    address = f"passes/{coupon.serial}"

    def ends() -> datetime | None:
        said = api.get(address).get_json()["expires_at"]
        return None if said is None else datetime.fromisoformat(said)

    assert ends() == datetime.fromisoformat(offer["until"])
    later = "2099-01-01T00:00:00+03:00"
    api.call("PATCH", f"offers/{offer['id']}", {"until": later})
    assert ends() == datetime.fromisoformat(later)
    api.call("PATCH", f"offers/{offer['id']}", {"until": None})
    assert ends() is None
    api.post(f"{address}/expire", {"at": later})
    assert ends() == datetime.fromisoformat(later)


def test_what_was_taken_back_can_be_used_again(coupon, api) -> None:
    assert used(api, coupon)[0] == 201
    assert api.post(f"passes/{coupon.serial}/restore", {}).status_code == 201
    assert scanned(api, on_phone(coupon))[1]["coupon"]["state"] == "active"
    assert used(api, coupon)[0] == 201


@pytest.mark.parametrize(
    ("end", "state"), [("withdraw", "void"), ("void", "void"), ("expire", "expired"), ("", "")]
)
def test_one_that_is_over_says_so_at_once(coupon, api, offer, member, house, end, state) -> None:
    """Even while the phone shows it as good: nothing was pumped."""
    barcode = on_phone(coupon)
    if end == "withdraw":
        api.call("post", f"offers/{offer['id']}/withdraw")
    elif end:
        api.post(f"passes/{coupon.serial}/{end}", {})
    else:
        house.clock.advance(days=7)
    state = state or "expired"
    seen = scanned(api, barcode)[1]["coupon"]
    [listed] = (
        one
        for one in api.get(f"members/{member['id']}/passes").get_json()["items"]
        if one["id"] == coupon.serial
    )
    assert (seen["state"], listed["state"]) == (state, state)
    assert listed["expires_at"] == seen["until"] is not None
    status, refused = used(api, coupon)
    assert (status, refused["code"], refused["state"]) == (409, "coupon_over", state)


def test_the_coupon_of_another_is_forged(kind, member, give, join, api, client, house) -> None:
    """A thief puts somebody's coupon before the code of an own card. It costs no code."""
    coupon = give(member)
    own = Phone.with_card(client, join(name="Вор"))
    before = on_phone(own)
    for serial in (coupon.serial, own.serial, "0" * 32):
        status, refused = scanned(api, codes.of_coupon(serial, before))
        assert (status, refused["code"]) == (409, "code_forged")
    assert on_phone(own) == before
    assert scanned(api, before)[0] == 200
    assert scanned(api, codes.of_coupon(coupon.serial, "4242424242424242"))[0] == 404


def test_coupons_follow_the_card_to_its_next_code(api, house, client, member, give) -> None:
    api.call("PATCH", "programmes/demo/card-code", {"kind": "hmac"})
    house.run()
    card, coupon = Phone.with_card(client, member), give(member)
    picture = on_phone(coupon)
    assert scanned(api, on_phone(card))[0] == 200
    # The phone was offline for a moment.
    assert scanned(api, picture)[1]["coupon"]["state"] == "active"
    house.run("relay")
    assert coupon.updated().get_json()["serialNumbers"] == [coupon.serial]
    serial, code = codes.parted(on_phone(coupon))
    assert (serial, code) == (coupon.serial, on_phone(card))
    status, refused = scanned(api, picture)
    assert (status, refused["code"]) == (409, "code_outdated")
    assert scanned(api, on_phone(coupon))[0] == 200


def test_a_till_that_repeats_its_scan_has_scanned_once(api, house, member, give) -> None:
    api.call("PATCH", "programmes/demo/card-code", {"kind": "hmac"})
    house.run()
    coupon = give(member)
    barcode = on_phone(coupon)
    answers = [scanned(api, barcode, key="till-1") for _ in range(3)]
    assert [status for status, _ in answers] == [200] * 3
    assert answers[2][1]["coupon"]["id"] == coupon.serial
    # One scan, so that the code before is good once more.
    assert [scanned(api, barcode)[0] for _ in range(2)] == [200, 409]


def test_who_became_one_member_shows_the_coupons_of_both(api, join, give, member) -> None:
    coupon, other = give(member), join(name="Анна Б.")
    answer = api.post(f"members/{member['id']}/merge", {"into": other["id"]})
    assert answer.status_code == 201, answer.text
    status, seen = scanned(api, on_phone(coupon))
    assert (status, seen["id"], seen["coupon"]["id"]) == (200, other["id"], coupon.serial)


def test_a_key_for_tills_may_use_coupons_and_make_nothing_void(house, client, coupon) -> None:
    with house.installation.database.transaction() as session:
        key = apikeys.issue(session, "till", ["scans:write", "coupons:use"], house.clock())
    headers = {"Authorization": f"Bearer {key}"}

    def ask(path: str, body: object = None) -> int:
        return client.post(f"/api/v1/{path}", json=body, headers=headers).status_code

    assert ask("scans", {"barcode": on_phone(coupon)}) == 200
    assert ask(f"passes/{coupon.serial}/void") == 403
    assert ask(f"passes/{coupon.serial}/use") == 201


def test_a_till_without_a_network_checks_the_cards_part(
    api, house, client, member, give, tmp_path
) -> None:
    api.call("PATCH", "programmes/demo/card-code", {"kind": "ed25519"})
    house.run()
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(client.get("/codes/demo/keys").get_json()))
    genuine = on_phone(give(member))
    forged = genuine[:-1] + str((int(genuine[-1]) + 1) % 10)
    command = [sys.executable, CHECKER, "--keys", file]
    good = subprocess.run([*command, genuine], capture_output=True, text=True)
    number = member["card"]["number"]
    assert (good.returncode, good.stdout) == (0, f"genuine      card {number}, generation 1\n")
    assert subprocess.run([*command, forged], capture_output=True).returncode == 1
