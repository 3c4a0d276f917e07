"""Coupons in the console: looked up by what a scanner reads, used once, and all that is done with
them; those of one offer."""

import csv
import io
import re
from typing import Any

import pytest
from phones import Phone
from visitors import Visitor, signed_in

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.installation import Installation
from wallet.passes import codes

BASE = "/console/programmes/demo/messages"
FORM = {
    "name": "Friday",
    "text_ru": "Для вас купон.",
    "text_en": "",
    "allow": "any",
    "whom": "everyone",
    "when": "now",
    "do": "next",
}


@pytest.fixture
def offer(api) -> dict:
    body = {"programme": "demo", "title": "Латте −20 %", "text": "С собой"}
    return api.post("offers", body).get_json()


@pytest.fixture
def coupon(api, offer, anna) -> str:
    return api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]}).get_json()["id"]


@pytest.fixture
def manager(client, installation) -> Visitor:
    return signed_in(client, installation, "manager")


def state(api, coupon: str) -> str:
    return api.get(f"passes/{coupon}").get_json()["state"]


def looked_up(visitor: Visitor, code: str) -> Any:
    return visitor.get(f"{BASE}/coupons?code={code}")


class TestLookUp:
    def test_a_scan_leads_to_the_coupon(self, manager, anna, coupon) -> None:
        scanned = codes.of_coupon(coupon, anna["card"]["number"])
        for code in (scanned, coupon, coupon.upper()):
            answer = looked_up(manager, code)
            assert answer.status_code == 303, code
            assert answer.location.endswith(f"/coupons/{coupon}")
        page = manager.read(f"{BASE}/coupons/{coupon}")
        for words in ("Анна Ёлкина", "Латте −20 %", "С собой", "can be used", "in no phone"):
            assert words in page

    def test_a_card_leads_to_the_coupons_of_its_member(self, manager, anna, coupon) -> None:
        page = looked_up(manager, anna["card"]["number"])
        assert page.status_code == 200
        assert "Coupons of" in page.text and "Латте −20 %" in page.text

    @pytest.mark.parametrize("code", ["nonsense", "0" * 32, "964" + "1" * 60, "9" * 300])
    def test_what_nobody_knows_is_said_at_the_field(self, manager, coupon, code) -> None:
        answer = looked_up(manager, code)
        assert answer.status_code == 404
        assert "Nothing here has this code" in answer.text
        assert code in answer.text

    def test_another_programme_does_not_know_it(self, installation, manager, anna, coupon) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, Terms("other", "Другая"), installation.clock())
        there = "/console/programmes/other/messages/coupons?code="
        for code in (coupon, anna["card"]["number"]):
            assert manager.get(there + code).status_code == 404


class TestActs:
    def test_it_is_used_once_and_the_second_is_told_who_was_first(
        self, api, manager, coupon
    ) -> None:
        page = f"{BASE}/coupons/{coupon}"
        for _ in range(2):
            assert manager.send(page, f"{page}/use").status_code == 303
            assert state(api, coupon) == "used"
            shown = manager.read(page)
        assert "It was used already: today at" in shown
        assert "manager@example.com" in shown
        assert api.get(f"passes/{coupon}").get_json()["used_at"] is not None

    def test_a_till_that_took_it_is_named_too(self, api, manager, coupon) -> None:
        assert api.post(f"passes/{coupon}/use", {}).status_code == 201
        assert "Used: today at" in manager.read(f"{BASE}/coupons/{coupon}")

    def test_a_use_is_taken_back(self, api, manager, coupon, noted) -> None:
        page = f"{BASE}/coupons/{coupon}"
        manager.send(page, f"{page}/use")
        manager.send(page, f"{page}/unuse")
        found = api.get(f"passes/{coupon}").get_json()
        assert (found["state"], found["used_at"]) == ("active", None)
        assert noted()[-1] == ("pass.restored", "employee", "manager@example.com")
        # Who presses it once more, on a page that is old, undoes nothing else.
        manager.send(page, f"{page}/void")
        manager.send(page, f"{page}/unuse")
        assert state(api, coupon) == "void"

    def test_it_is_made_void_and_good_again(self, api, manager, coupon, noted) -> None:
        page = f"{BASE}/coupons/{coupon}"
        asked = manager.read(f"{page}/void")
        assert "Анна Ёлкина cannot use it any more" in asked
        manager.send(f"{page}/void")
        assert state(api, coupon) == "void"
        assert "not valid" in manager.read(page)
        manager.send(page, f"{page}/use")
        assert state(api, coupon) == "void"
        manager.send(page, f"{page}/restore")
        assert state(api, coupon) == "active"
        assert [one[0] for one in noted()[-2:]] == ["pass.voided", "pass.restored"]

    def test_one_that_was_used_meanwhile_is_not_made_void(self, api, manager, coupon) -> None:
        page = f"{BASE}/coupons/{coupon}"
        asked = manager.get(f"{page}/void").text
        assert "Make it void" in asked
        assert api.post(f"passes/{coupon}/use", {}).status_code == 201
        manager.send(f"{page}/void")
        assert state(api, coupon) == "used"
        assert "It was used already" in manager.read(page)

    def test_a_blocked_card_is_said_beforehand(self, api, manager, anna, coupon) -> None:
        api.post(f"members/{anna['id']}/block", {})
        assert "Tills refuse it for now" in manager.read(f"{BASE}/coupons/{coupon}")

    def test_nobody_sees_a_button_that_is_not_theirs(
        self, client, installation: Installation, coupon
    ) -> None:
        viewer = signed_in(client, installation, "viewer")
        page = viewer.read(f"{BASE}/coupons/{coupon}")
        assert "Use the coupon" not in page and "Make it void" not in page
        editor = signed_in(client, installation, "card_editor")
        page = editor.read(f"{BASE}/coupons/{coupon}")
        assert "Use the coupon" not in page and "Make it void" in page

    def test_the_members_page_has_the_same_acts(self, api, manager, anna, coupon) -> None:
        record = f"/console/programmes/demo/members/{anna['id']}"
        assert "Латте −20 %" in manager.read(record)
        answer = manager.send(record, f"{BASE}/coupons/{coupon}/use", then="member")
        assert answer.location.endswith(record)
        assert state(api, coupon) == "used"
        assert "manager@example.com" in manager.read(record)


class TestOfAnOffer:
    def test_it_counts_and_lists_them_by_state(self, api, join, manager, offer, coupon) -> None:
        boris = join(name="Борис")
        path = f"offers/{offer['id']}/passes"
        other = api.post(path, {"member": boris["id"]}).get_json()["id"]
        api.post(f"passes/{other}/use", {})
        page = f"{BASE}/offers/{offer['id']}/coupons"
        whole = manager.read(page)
        assert "All 2" in whole and "used up 1" in whole and "can be used 1" in whole
        used = manager.read(f"{page}?state=used")
        assert "Борис" in used and "Анна Ёлкина" not in used

    def test_pages_follow_each_other(self, api, join, manager, offer, monkeypatch) -> None:
        monkeypatch.setattr("wallet.console.listing.ROWS", 2)
        for number in range(3):
            member = join(name=f"Гость {number}")
            api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
        first = manager.read(f"{BASE}/offers/{offer['id']}/coupons")
        assert "Гость 2" in first and "Гость 1" in first and "Гость 0" not in first
        (following,) = {part for part in first.split('"') if "after=" in part}
        assert "Гость 0" in manager.read(following)

    def test_one_is_given_to_somebody_once(self, api, manager, anna, offer) -> None:
        page = f"{BASE}/offers/{offer['id']}/coupons"
        assert "Анна Ёлкина" in manager.read(f"{page}?q=Анна")
        assert manager.send(page, member=anna["id"]).status_code == 303
        shown = manager.read(page)
        assert "Анна Ёлкина has the coupon" in shown and "All 1" in shown
        manager.send(page, member=anna["id"])
        assert "has a coupon of this already" in manager.read(page)
        passes = api.get(f"members/{anna['id']}/passes").get_json()["items"]
        assert len(passes) == 2

    def test_who_is_given_one_is_shown_the_offer(self, api, house, manager, anna) -> None:
        """It was for others; whoever hands a coupon out says for whom it is."""
        nobody = {"kind": "balance", "at_least": 1_000_000}
        body = {"programme": "demo", "title": "Торт", "audience": nobody}
        offer = api.post("offers", body).get_json()
        house.run("upkeep", "relay", "waves")
        page = f"{BASE}/offers/{offer['id']}/coupons"
        manager.send(page, member=anna["id"])
        scanned = api.post("scans", {"barcode": anna["card"]["number"]}).get_json()
        assert [one["title"] for one in scanned["offers"]] == ["Торт"]

    def test_none_is_given_of_one_that_is_over(self, api, manager, anna, offer) -> None:
        page = f"{BASE}/offers/{offer['id']}/coupons"
        form = manager.read(page)
        assert "Give it to one member" in form
        api.call("post", f"offers/{offer['id']}/withdraw")
        token = manager.send(page, member=anna["id"])
        assert token.status_code == 303
        assert "All 0" in manager.read(page)

    def test_the_table_is_in_the_record_of_exports(
        self, api, manager, anna, offer, coupon, noted
    ) -> None:
        page = f"{BASE}/offers/{offer['id']}/coupons"
        api.post(f"passes/{coupon}/use", {})
        answer = manager.send(page, f"{page}/export")
        rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
        assert rows[0][:4] == ["Coupon", "The member", "Card number", "State"]
        assert rows[1][:4] == [coupon, anna["id"], anna["card"]["number"], "used up"]
        assert "Анна" not in answer.text
        assert noted()[-1][0] == "export.began"


class TestInACampaign:
    """Written in the form, said before it goes, and followed to who used it."""

    def test_it_goes_with_the_words_and_its_uses_are_counted(
        self, api, client, manager, anna, offer, house
    ) -> None:
        phone = Phone.with_card(client, anna)
        assert phone.register().status_code == 201
        form = manager.read(f"{BASE}/new?coupon={offer['id']}")
        assert f'<option value="{offer["id"]}" selected>Латте −20 %' in form
        entries = {**FORM, "gift": "coupon", "coupon": offer["id"]}
        shown = manager.send(f"{BASE}/new", f"{BASE}/preview", **entries)
        assert "1 coupon" in shown.text
        made = manager.send(f"{BASE}/new", **entries)
        draft = made.location.removesuffix("/send")
        said = manager.read(made.location)
        assert "With it comes a coupon “Латте −20 %”, one for each who is told: at most 1" in said
        opened = re.search(r'name="opened" value="(\d+)"', said)[1]
        manager.send(f"{draft}/send", opened=opened)
        house.run("messages", "relay")
        (coupon,) = [
            one
            for one in api.get(f"members/{anna['id']}/passes").get_json()["items"]
            if one["offer"]
        ]
        api.post(f"passes/{coupon['id']}/use", {})
        page = manager.read(draft)
        assert "Got the coupon" in page and "Used the coupon" in page
        assert "Анна Ёлкина" in manager.read(f"{draft}/members?of=coupon.used")
        assert "Coupons;Used the coupon;1" in manager.read(f"{draft}/results.csv").replace("\r", "")
        assert api.get(f"campaigns/{draft.rpartition('/')[2]}").get_json()["gift"] == {
            "points": None,
            "live_days": None,
            "expires_at": None,
            "coupon": offer["id"],
        }

    def test_a_form_without_one_says_so_at_the_field(self, manager, offer) -> None:
        answer = manager.send(f"{BASE}/new", **FORM, gift="coupon", coupon="")
        assert answer.status_code == 422
        assert "Choose an announcement." in answer.text
        assert "Для вас купон." in answer.text

    def test_one_that_is_over_is_an_obstacle_before_it_goes(self, api, manager, offer) -> None:
        made = manager.send(f"{BASE}/new", **FORM, gift="coupon", coupon=offer["id"])
        api.call("post", f"offers/{offer['id']}/withdraw")
        assert "was taken off the cards. Choose another gift." in manager.read(made.location)
