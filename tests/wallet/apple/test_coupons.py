"""Offers as coupons, gift cards, and several passes in one file: what phones get."""

import io
import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cms
import pytest
from phones import Phone, opened, values

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.apple import bundle
from wallet.passes import codes, templates

LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def offer(api, clock_now) -> dict:
    until = (clock_now() + timedelta(days=7)).isoformat()
    body = {"programme": "demo", "title": "Латте −20 %", "text": "С собой", "until": until}
    return api.post("offers", body).get_json()


@pytest.fixture
def coupon(api, member, offer) -> dict:
    answer = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def fetched(client, link: str) -> Any:
    answer = client.get(link.removeprefix(LOCAL))
    assert answer.status_code == 200, answer.text
    return answer


def test_an_offer_is_a_coupon_beside_the_card(client, member, offer, coupon) -> None:
    shown = opened(fetched(client, coupon["apple"]).data)
    assert "storeCard" not in shown
    (title,) = shown["coupon"]["primaryFields"]
    assert title["value"] == "Латте −20 %"
    (until,) = shown["coupon"]["auxiliaryFields"]
    assert until["value"] == shown["expirationDate"] == coupon_end(offer)
    back = {field["key"]: field["value"] for field in shown["coupon"]["backFields"]}
    assert back["terms"].startswith("Латте −20 %\nС собой\nдо ")
    # A till reads which coupon it is, and whose.
    number = member["card"]["number"]
    assert codes.parted(shown["barcode"]["message"]) == (coupon["id"], number)
    assert shown["barcode"]["altText"] == number
    card = opened(fetched(client, member["links"]["apple"]).data)
    assert card["serialNumber"] != shown["serialNumber"] == coupon["id"]


def coupon_end(offer: dict) -> str:
    end = datetime.fromisoformat(offer["until"]).astimezone(ZoneInfo("Europe/Moscow"))
    return end.isoformat(timespec="seconds")


def test_a_wallet_is_given_a_moment_of_the_last_day_to_show(api, client, member) -> None:
    """It shows the day of the moment that it is given. The pass itself ends with the offer."""
    body = {"programme": "demo", "title": "Чай", "until": "2027-01-01T00:00:00+03:00"}
    offer = api.post("offers", body).get_json()
    coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).get_json()
    shown = opened(fetched(client, coupon["apple"]).data)
    (until,) = shown["coupon"]["auxiliaryFields"]
    assert until["value"] == "2026-12-31T23:59:59+03:00"
    assert shown["expirationDate"] == body["until"]
    back = {field["key"]: field["value"] for field in shown["coupon"]["backFields"]}
    assert back["terms"] == "Чай\nпо 31 декабря 2026\u202fг."


def test_there_is_one_coupon_of_an_offer_for_a_member(api, member, offer, coupon) -> None:
    again = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
    assert again.get_json()["id"] == coupon["id"]
    passes = api.get(f"members/{member['id']}/passes").get_json()["items"]
    assert [one["offer"] for one in passes] == [None, offer["id"]]


def test_a_withdrawn_offer_makes_its_coupons_void(client, api, house, offer, coupon) -> None:
    phone = Phone(client, opened(fetched(client, coupon["apple"]).data))
    assert phone.register().status_code == 201
    api.call("post", f"offers/{offer['id']}/withdraw")
    house.run()
    assert phone.updated().get_json()["serialNumbers"] == [phone.serial]
    assert opened(phone.fetch().data)["voided"] is True


def test_a_used_coupon_is_over_and_the_card_is_not(client, api, member, coupon) -> None:
    used = api.post(f"passes/{coupon['id']}/use", {})
    assert used.get_json()["state"] == "used"
    assert opened(fetched(client, coupon["apple"]).data)["voided"] is True
    assert "voided" not in opened(fetched(client, member["links"]["apple"]).data)


def test_points_do_not_concern_a_coupon(client, api, house, member, coupon) -> None:
    api.post("accruals", {"card": member["card"]["number"], "points": 5})
    house.run()
    passes = api.get(f"members/{member['id']}/passes").get_json()["items"]
    assert [one["version"] for one in passes] == [2, 1]


def test_nobody_gets_an_offer_that_is_not_theirs(api, join, member) -> None:
    other = join(name="Борис")
    body = {"programme": "demo", "title": "Торт", "member": other["id"]}
    offer = api.post("offers", body).get_json()
    refused = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "offer_not_shown")
    unknown = api.post("offers/nonsense/passes", {"member": member["id"]})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_offer")


def test_a_coupon_of_an_erased_member_names_nobody(client, api, member, coupon) -> None:
    token = opened(fetched(client, coupon["apple"]).data)
    phone = Phone(client, token)
    assert api.call("delete", f"members/{member['id']}").status_code == 200
    shown = phone.fetch()
    assert b"\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0" not in shown.data  # Анна
    assert member["card"]["number"].encode() not in shown.data
    assert opened(shown.data)["voided"] is True


class TestSeveral:
    """.pkpasses"""

    def test_all_that_count_come_in_one_file(self, client, api, member, coupon, chain) -> None:
        link = api.get(f"members/{member['id']}/passes").get_json()["bundle"]
        answer = fetched(client, link)
        assert answer.mimetype == "application/vnd.apple.pkpasses"
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == ["1.pkpass", "2.pkpass"]
            inner = [archive.read(name) for name in archive.namelist()]
        assert [style(opened(one)) for one in inner] == ["storeCard", "coupon"]
        # Each is whole: the same bytes as by itself.
        assert inner[1] == fetched(client, coupon["apple"]).data

    def test_what_is_over_is_not_among_them(self, client, api, member, coupon) -> None:
        link = api.get(f"members/{member['id']}/passes").get_json()["bundle"]
        api.post(f"passes/{coupon['id']}/use", {})
        with zipfile.ZipFile(io.BytesIO(fetched(client, link).data)) as archive:
            assert archive.namelist() == ["1.pkpass"]

    def test_there_are_ten_at_most(self, client, api, member) -> None:
        for number in range(12):
            body = {"programme": "demo", "title": f"№ {number}"}
            offer = api.post("offers", body).get_json()
            api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
        link = api.get(f"members/{member['id']}/passes").get_json()["bundle"]
        with zipfile.ZipFile(io.BytesIO(fetched(client, link).data)) as archive:
            found = [opened(archive.read(name)) for name in archive.namelist()]
        assert [style(one) for one in found] == ["storeCard", *["coupon"] * 9]
        newest = found[1]["coupon"]["primaryFields"][0]["value"]
        assert newest == "№ 11"

    @pytest.mark.parametrize("number", [0, 11])
    def test_no_other_number_is_a_bundle(self, number: int) -> None:
        with pytest.raises(ValueError, match="1 to 10"):
            bundle.several([b"pass"] * number)


def style(document: dict) -> str:
    return next(name for name in ("storeCard", "coupon", "generic") if name in document)


@pytest.fixture
def gift(house, api, clock_now) -> dict:
    """A gift card with 1,500.50 on it."""
    with house.installation.database.transaction() as session:
        terms = Terms("gifts", "Подарки", unit=UnitTerms("money", "money", 2, "RUB"))
        programme = programmes.create(session, terms, clock_now())
        design = templates.gift_cards("Подарки")
        templates.store(session, programme.id, design, {}, clock_now())
    card = api.post("members", {"programme": "gifts"}).get_json()
    number = card["card"]["number"]
    assert api.post("accruals", {"card": number, "points": 150_050}).status_code == 201
    house.run()
    return card


def test_a_gift_card_holds_money(client, api, house, gift) -> None:
    phone = Phone.with_card(client, gift)
    assert phone.register().status_code == 201
    (balance,) = phone.pass_json["storeCard"]["primaryFields"]
    assert (balance["value"], balance["currencyCode"]) == (1500.5, "RUB")
    assert "numberStyle" not in balance
    number = gift["card"]["number"]
    assert api.post("redemptions", {"card": number, "points": 50_050}).status_code == 201
    house.run()
    assert values(opened(phone.fetch().data))["balance"] == 1000.0
    page = client.get(gift["links"]["card"].removeprefix(LOCAL) + "?lang=en")
    assert "RUB" in page.text
    assert "1,000.00" in page.text


def test_openssl_believes_every_pass_of_a_bundle(
    client, api, member, coupon, chain: Path, tmp_path: Path
) -> None:
    link = api.get(f"members/{member['id']}/passes").get_json()["bundle"]
    with zipfile.ZipFile(io.BytesIO(fetched(client, link).data)) as archive:
        for name in archive.namelist():
            with zipfile.ZipFile(io.BytesIO(archive.read(name))) as pass_:
                manifest, signature = pass_.read("manifest.json"), pass_.read("signature")
                assert set(json.loads(manifest)) == set(pass_.namelist()) - {
                    "manifest.json",
                    "signature",
                }
            assert cms.verifies(signature, manifest, chain / "root.pem", tmp_path)
