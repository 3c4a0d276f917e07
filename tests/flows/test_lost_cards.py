"""A phone is lost: who has it can show nothing any more, and its owner has lost nothing. On both
databases, at every door."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import googles
import pytest
import requests
from interleaving import stage
from phones import Phone, opened, values
from sqlalchemy import select

from ledger.errors import Refusal
from ledger.imports import store
from ledger.people import cards, members
from ledger.people.cards import Card
from ledger.points import accruals, households, redemptions
from ledger.points.accruals import Grant
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from wallet.access.changes import Author
from wallet.apple import devices
from wallet.apple.devices import PushRow
from wallet.apple.signed_passes import SealedPass
from wallet.passes import coupons, issued
from wallet.passes.issued import Pass
from wallet.people import erasure, lost_cards
from wallet.sandbox.google import RunningGoogle
from wallet.sandbox.google.resources import OBJECT

BY = Author("command", "wallet test")

LOCAL = "http://127.0.0.1:8080"
serials = itertools.count(1000)
NAME = "Анна Потеряева"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {
        **environment,
        **googles.environment_of(google),
        "WALLET_WEBHOOK_SECRET": SECRET,
    }


@pytest.fixture
def anna(join, api) -> dict:
    member = join(name=NAME, phone="+79161234509")
    api.post("accruals", {"member": member["id"], "points": 100})
    return member


def path(link: str) -> str:
    return link.removeprefix(LOCAL)


@pytest.fixture
def lock_out(api):
    """The one call; returns what it answers."""

    def done(member: dict, **options: str) -> dict:
        answer = api.post(f"members/{member['id']}/cards", {"lost": True}, **options)
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    return done


@pytest.fixture
def webhook(client):
    """Post a signed change of points; returns status and code."""

    def posted(card: str, kind: str) -> tuple[int, str]:
        body = json.dumps(
            {
                "type": kind,
                "timestamp": "2026-11-24T12:00:00Z",
                "data": {"card": card, "points": 1},
            }
        )
        stamp, id_ = str(int(time.time())), f"msg-{next(serials)}"
        mac = hmac.new(b"k" * 32, f"{id_}.{stamp}.{body}".encode(), hashlib.sha256).digest()
        answer = client.post(
            "/webhooks/demo",
            data=body,
            content_type="application/json",
            headers={
                "webhook-id": id_,
                "webhook-timestamp": stamp,
                "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
            },
        )
        return answer.status_code, answer.get_json().get("code", "")

    return posted


@pytest.fixture
def doors(api, webhook, join, house) -> Callable[[str], dict[str, tuple[int, str]]]:
    """What every door answers to a card number: status and code."""
    other = join(name="Борис")
    api.post("accruals", {"member": other["id"], "points": 50})

    def told(answer: Any) -> tuple[int, str]:
        return answer.status_code, (answer.get_json() or {}).get("code", "")

    def asked(number: str) -> dict[str, tuple[int, str]]:
        card, points = {"card": number}, {"points": 1}
        us, them = {"card": number}, {"member": other["id"]}
        (item,) = api.post(
            "batches",
            {"items": [{"key": f"b-{next(serials)}", "type": "accrual", **card, **points}]},
        ).get_json()["items"]
        file = f"card;points;external_id\n{number};1;\n{next(serials)};1;\n".encode()
        headers = {
            "Authorization": f"Bearer {'sandbox-test-key-of-32-characters'}",
            "Content-Type": "application/octet-stream",
        }
        imported = api.client.post(
            "/api/v1/imports?programme=demo&kind=accrual", data=file, headers=headers
        ).get_json()
        house.run(store.IMPORTS)
        rows = api.get(f"imports/{imported['id']}/rows").get_json()["items"]
        return {
            "scan": told(api.post("scans", {"barcode": number})),
            "accrual": told(api.post("accruals", {**card, **points})),
            "redemption": told(api.post("redemptions", {**card, **points})),
            "hold": told(api.post("holds", {**card, **points})),
            "batch": (item["status"], item.get("code") or ""),
            "gift from": told(api.post("transfers", {"from": us, "to": them, **points})),
            "gift to": told(api.post("transfers", {"from": them, "to": us, **points})),
            "webhook in": webhook(number, "points.accrued"),
            "webhook out": webhook(number, "points.redeemed"),
            "import": (409, rows[0]["code"]) if len(rows) == 2 else (200, ""),
        }

    return asked


@pytest.fixture
def balance(api):
    return lambda member: api.get(f"members/{member['id']}").get_json()["balance"]["available"]


def says_nothing(page: str, number: str) -> bool:
    """No code, no points, no name, no number, and nothing to put into a wallet."""
    fours = "\u00a0".join(number[i : i + 4] for i in range(0, len(number), 4))
    gone = (NAME, NAME.split()[0], number, fours, "<svg", "apple.pkpass", "/google", "100")
    return not [word for word in gone if word in page]


def test_who_found_the_phone_can_show_nothing_at_any_door(
    anna, doors, lock_out, client, balance
) -> None:
    old = anna["card"]["number"]
    assert {status for status, _ in doors(old).values()} <= {200, 201}
    before = balance(anna)
    new = lock_out(anna)
    assert set(doors(old).values()) == {(409, "card_blocked")}
    assert new["card"]["number"] != old and new["card"]["state"] == "active"
    assert new["id"] == anna["id"] and balance(anna) == new["balance"]["available"] == before
    assert not {*anna["links"].values()} & {*new["links"].values()}
    for link in anna["links"].values():
        for address in (path(link), f"{path(anna['links']['card'])}/state"):
            answer = client.get(address, headers={"Accept-Language": "en"})
            assert answer.status_code == 410
            assert "Кофейня «Копилка»" in answer.text or "Kopilka Coffee House" in answer.text
            assert "This card is blocked" in answer.text and "at the till" in answer.text
            assert says_nothing(answer.text, old) and says_nothing(
                answer.text, new["card"]["number"]
            )
            assert "no-store" in answer.headers["Cache-Control"]
    page = client.get(path(new["links"]["card"]))
    assert page.status_code == 200 and NAME in page.text
    assert {status for status, _ in doors(new["card"]["number"]).values()} <= {200, 201}


def test_the_page_of_a_lost_card_speaks_russian_too(anna, lock_out, client) -> None:
    lock_out(anna)
    page = client.get(path(anna["links"]["card"]), headers={"Accept-Language": "ru"}).text
    assert "Эта карта заблокирована" in page and "Попросите новую" in page


def test_the_finders_phones_are_told_and_get_a_void_pass_without_a_name(
    anna, lock_out, client, house, google, api
) -> None:
    saved = requests.get(client.get(path(anna["links"]["google"])).location, timeout=5).json()
    (object_id,) = saved["objectIds"]
    phone = Phone.with_card(client, anna)
    assert phone.register().status_code == 201
    tag = phone.updated().get_json()["lastUpdated"]
    new = lock_out(anna)
    with house.installation.database.reading() as session:
        assert len(session.scalars(select(PushRow)).all()) == 1
        lost = issued.by_serial(session, phone.serial)
        assert session.get(SealedPass, lost.id) is None
    assert phone.updated(tag).get_json()["serialNumbers"] == [phone.serial]
    answer = phone.fetch()
    shown = opened(answer.data)
    assert answer.status_code == 200 and shown["voided"] is True
    assert "barcodes" not in shown and "barcode" not in shown
    text = json.dumps(shown, ensure_ascii=False)
    assert NAME not in text and anna["card"]["number"] not in text
    assert new["card"]["number"] not in text and 100 not in values(shown).values()
    # Later changes of the member do not reach it.
    api.post("accruals", {"member": anna["id"], "points": 7})
    house.run()
    assert 107 not in values(opened(phone.fetch().data)).values()
    house.run("relay", "google")
    at_google = google.stand_in.resources.get(OBJECT, object_id)
    assert at_google["state"] == "INACTIVE" and "barcode" not in at_google
    assert NAME not in json.dumps(at_google, ensure_ascii=False)
    # Nobody revives it, by any call.
    for call in ("void", "expire", "restore", "link"):
        refused = api.post(f"passes/{phone.serial}/{call}", {})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "pass_lost")
    told = api.get(f"passes/{phone.serial}").get_json()
    assert (told["state"], told["apple"], told["google"]) == ("lost", None, None)
    # The owner's new phone has all of it.
    fresh = Phone.with_card(client, api.get(f"members/{anna['id']}").get_json())
    assert fresh.serial != phone.serial and fresh.register("f" * 64).status_code == 201
    assert 107 in values(fresh.pass_json).values() and "voided" not in fresh.pass_json


def test_a_phone_that_takes_the_lost_pass_again_is_told_again(
    anna, lock_out, client, house
) -> None:
    """From a bundle that was kept: Apple lets it register, with its own token."""
    phone = Phone.with_card(client, anna)
    lock_out(anna)
    assert phone.register().status_code == 201
    with house.installation.database.reading() as session:
        assert len(session.scalars(select(PushRow)).all()) == 1
    assert opened(phone.fetch().data)["voided"] is True


def test_codes_of_the_lost_card_are_refused_and_the_new_one_has_its_own(
    anna, lock_out, api, client, house
) -> None:
    api.call("PATCH", "programmes/demo/card-code", {"kind": "ed25519", "numbers": "refuse"})
    house.run()
    phone = Phone.with_card(client, anna)
    code = phone.pass_json["barcodes"][0]["message"]
    new = lock_out(anna)
    refused = api.post("scans", {"barcode": code})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "card_blocked")
    fresh = Phone.with_card(client, new)
    assert api.post(
        "scans", {"barcode": fresh.pass_json["barcodes"][0]["message"]}
    ).status_code == (200)


@pytest.mark.parametrize("change", ["cards", "block"])
def test_a_scan_that_is_repeated_shows_nothing_of_a_card_that_was_locked_out_since(
    anna, api, client, house, change: str
) -> None:
    api.call("PATCH", "programmes/demo/card-code", {"kind": "ed25519"})
    house.run()
    code = {"barcode": Phone.with_card(client, anna).pass_json["barcodes"][0]["message"]}
    for _ in range(2):
        assert api.post("scans", code, key="once").get_json()["name"] == NAME
    api.post(f"members/{anna['id']}/{change}", {"lost": True} if change == "cards" else None)
    refused = api.post("scans", code, key="once")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "card_blocked")


def test_coupons_come_along_and_what_was_used_stays_used(anna, lock_out, api, client) -> None:
    offers = [
        api.post("offers", {"programme": "demo", "title": title}).get_json()["id"]
        for title in ("Латте", "Кекс")
    ]
    unused, used = (
        api.post(f"offers/{offer}/passes", {"member": anna["id"]}).get_json() for offer in offers
    )
    barcode = opened(client.get(path(unused["apple"])).data)["barcodes"][0]["message"]
    assert api.post(f"passes/{used['id']}/use", None).status_code == 201
    lock_out(anna)
    assert api.post("scans", {"barcode": barcode}).get_json()["code"] == "card_blocked"
    gone = api.post(f"passes/{unused['id']}/use", None)
    assert (gone.status_code, gone.get_json()["code"]) == (409, "pass_lost")
    assert client.get(path(unused["apple"])).status_code == 410
    again = [
        api.post(f"offers/{offer}/passes", {"member": anna["id"]}).get_json() for offer in offers
    ]
    assert [one["state"] for one in again] == ["active", "used"]
    assert {one["id"] for one in again}.isdisjoint({unused["id"], used["id"]})
    shown = opened(client.get(path(again[0]["apple"])).data)
    seen = api.post("scans", {"barcode": shown["barcodes"][0]["message"]}).get_json()
    assert seen["coupon"]["id"] == again[0]["id"]
    refused = api.post(f"passes/{again[1]['id']}/use", None)
    assert refused.get_json()["code"] == "coupon_used"


def test_history_consents_and_messages_stay_with_the_member(anna, lock_out, api) -> None:
    api.call(
        "PATCH", f"members/{anna['id']}", {"consents": [{"purpose": "marketing", "given": True}]}
    )
    before = {
        what: api.get(f"members/{anna['id']}/{what}").get_json()
        for what in ("postings", "balances")
    }
    person = api.get(f"members/{anna['id']}").get_json()
    lock_out(anna)
    assert before == {what: api.get(f"members/{anna['id']}/{what}").get_json() for what in before}
    after = api.get(f"members/{anna['id']}").get_json()
    changed = {name for name in person if person[name] != after[name]}
    assert changed == {"card", "links"}


def test_all_cards_of_a_person_who_was_merged_are_locked_out(anna, join, api, client) -> None:
    double = join(name=NAME)
    api.post(f"members/{double['id']}/merge", {"into": anna["id"]})
    answer = api.post(f"members/{double['id']}/cards", {"lost": True})
    assert answer.status_code == 201
    for member in (anna, double):
        refused = api.post("scans", {"barcode": member["card"]["number"]})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "card_blocked")
        assert client.get(path(member["links"]["card"])).status_code == 410
        now = api.get(f"members/{member['id']}").get_json()
        seen = api.post("scans", {"barcode": now["card"]["number"]}).get_json()
        assert seen["id"] == anna["id"] and seen["balance"]["available"] == 100
    assert answer.get_json()["id"] == double["id"]


def test_the_same_call_twice_is_one_new_card(anna, lock_out, api) -> None:
    first = lock_out(anna, key="lost-1")
    assert lock_out(anna, key="lost-1") == first
    assert lock_out(anna)["card"] != first["card"]
    refused = api.post("scans", {"barcode": first["card"]["number"]})
    assert refused.get_json()["code"] == "card_blocked"


@pytest.mark.parametrize("body", [{"lost": "maybe"}, {"stolen": True}, []])
def test_a_body_that_does_not_fit_replaces_nothing(anna, api, body) -> None:
    answer = api.post(f"members/{anna['id']}/cards", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert api.post("scans", {"barcode": anna["card"]["number"]}).status_code == 200


class TestBlocked:
    def test_a_blocked_card_waits_for_its_owner(self, anna, doors, api, client, house) -> None:
        number, card = anna["card"]["number"], path(anna["links"]["card"])
        phone = Phone.with_card(client, anna)
        phone.register()
        blocked = api.post(f"members/{anna['id']}/block", None)
        assert (blocked.status_code, blocked.get_json()["card"]["state"]) == (201, "blocked")
        assert set(doors(number).values()) == {(409, "card_blocked")}
        refused = api.post("scans", {"barcode": number}).get_json()
        assert refused["state"] == "blocked"
        page = client.get(card, headers={"Accept-Language": "en"})
        assert page.status_code == 403 and "until its owner comes" in page.text
        assert says_nothing(page.text, number)
        assert client.get(f"{card}/apple.pkpass").status_code == 403
        shown = opened(phone.fetch().data)
        assert shown["voided"] is True and "barcodes" not in shown
        assert NAME not in json.dumps(shown, ensure_ascii=False)
        # Points go on by the member's id, and the phone that has the card sees nothing of it.
        assert api.post("accruals", {"member": anna["id"], "points": 5}).status_code == 201
        house.run()
        assert NAME not in json.dumps(opened(phone.fetch().data), ensure_ascii=False)
        again = api.post(f"members/{anna['id']}/unblock", None)
        assert (again.status_code, again.get_json()["card"]["state"]) == (201, "active")
        assert NAME in client.get(card).text
        shown = opened(phone.fetch().data)
        assert "voided" not in shown and shown["barcodes"][0]["message"] == number
        assert {status for status, _ in doors(number).values()} <= {200, 201}

    def test_another_number_is_no_way_out_of_a_block(self, anna, api) -> None:
        api.post(f"members/{anna['id']}/block", None)
        refused = api.post(f"members/{anna['id']}/cards", None)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "card_blocked")
        lost = api.post(f"members/{anna['id']}/cards", {"lost": True}).get_json()
        assert lost["card"]["state"] == "active"
        # What was lost stays lost.
        assert api.post(f"members/{anna['id']}/unblock", None).status_code == 201
        refused = api.post("scans", {"barcode": anna["card"]["number"]}).get_json()
        assert (refused["code"], refused["state"]) == ("card_blocked", "lost")

    def test_blocking_and_making_void_do_not_undo_each_other(self, anna, api) -> None:
        (pass_,) = api.get(f"members/{anna['id']}/passes").get_json()["items"]
        number = anna["card"]["number"]

        def code() -> str:
            return str(api.post("scans", {"barcode": number}).get_json().get("code"))

        api.post(f"passes/{pass_['id']}/void", None)
        api.post(f"members/{anna['id']}/block", None)
        assert code() == "card_blocked"
        api.post(f"passes/{pass_['id']}/restore", None)
        assert code() == "card_blocked"
        api.post(f"passes/{pass_['id']}/void", None)
        api.post(f"members/{anna['id']}/unblock", None)
        assert code() == "card_void"
        api.post(f"passes/{pass_['id']}/restore", None)
        assert code() == "None"

    def test_a_number_from_a_file_does_not_show_on_a_blocked_card(
        self, anna, api, client, house
    ) -> None:
        """The plastic card is in other hands than the phone."""
        phone = Phone.with_card(client, anna)
        phone.register()
        api.post(f"members/{anna['id']}/block", None)
        with house.installation.database.transaction() as session:
            member = members.by_public_id(session, anna["id"])
            numbers = [(member.id, "4000123412341234")]
            cards.issue_all(session, member.programme_id, numbers, house.clock())
        api.post("accruals", {"member": anna["id"], "points": 5})
        house.run()
        assert "4000123412341234" not in json.dumps(opened(phone.fetch().data))
        assert client.get(path(anna["links"]["card"])).status_code == 403
        assert api.post("scans", {"barcode": "4000123412341234"}).status_code == 200

    def test_no_message_is_written_on_a_blocked_card(self, anna, api, house, client) -> None:
        phone = Phone.with_card(client, anna)
        phone.register()
        api.call("PUT", "programmes/demo/messages/accrued", {"on": True})
        house.run()
        api.post(f"members/{anna['id']}/block", None)
        api.post("accruals", {"member": anna["id"], "points": 5})
        house.run()
        message = api.get(f"members/{anna['id']}/messages").get_json()["items"][0]
        assert message["state"] == "no_card"


class TestVoid:
    @pytest.fixture
    def pass_(self, anna, api) -> dict:
        return api.get(f"members/{anna['id']}/passes").get_json()["items"][0]

    @pytest.mark.parametrize(
        ("call", "code", "words"),
        [
            ("void", "card_void", "This card is not valid any more"),
            ("expire", "card_expired", "This card has expired"),
        ],
    )
    def test_such_a_card_neither_scans_nor_earns_nor_looks_alive(
        self, anna, pass_, api, doors, client, call: str, code: str, words: str
    ) -> None:
        number, card = anna["card"]["number"], path(anna["links"]["card"])
        assert api.post(f"passes/{pass_['id']}/{call}", {}).status_code == 201
        assert set(doors(number).values()) == {(409, code)}
        page = client.get(card, headers={"Accept-Language": "en"})
        assert words in page.text and says_nothing(page.text, number)
        for below in ("/state", "/barcode.svg", "/apple.pkpasses"):
            assert client.get(card + below).status_code == 410
        # A wallet that takes it all the same shows that it is void.
        assert opened(client.get(f"{card}/apple.pkpass").data)["voided"] is True
        assert api.post(f"passes/{pass_['id']}/restore", {}).status_code == 201
        assert {status for status, _ in doors(number).values()} <= {200, 201}
        assert NAME in client.get(card).text

    def test_a_card_expires_at_the_moment_that_was_named(
        self, anna, pass_, api, clock_now, client
    ) -> None:
        later = clock_now() + timedelta(days=3)
        api.post(f"passes/{pass_['id']}/expire", {"at": later.isoformat()})
        number = {"barcode": anna["card"]["number"]}
        assert api.post("scans", number).status_code == 200
        clock_now.advance(days=3)
        assert api.post("scans", number).get_json()["code"] == "card_expired"
        assert client.get(path(anna["links"]["card"])).status_code == 410
        # The end is a term of the membership, and a new card does not move it.
        lost = api.post(f"members/{anna['id']}/cards", {"lost": True}).get_json()
        assert lost["card"]["state"] == "expired"

    def test_another_number_of_the_member_goes_on_and_the_pass_does_not_show_it(
        self, anna, pass_, api, house, client
    ) -> None:
        phone = Phone.with_card(client, anna)
        phone.register()
        api.post(f"passes/{pass_['id']}/void", {})
        other = api.post(f"members/{anna['id']}/cards", None).get_json()
        assert other["card"]["state"] == "active"
        number = other["card"]["number"]
        house.run()
        assert api.post("accruals", {"card": number, "points": 1}).status_code == 201
        assert number not in json.dumps(opened(phone.fetch().data))
        assert client.get(path(anna["links"]["card"])).status_code == 410
        api.post(f"passes/{pass_['id']}/restore", {})
        assert opened(phone.fetch().data)["barcodes"][0]["message"] == number

    def test_a_coupon_is_no_card(self, anna, api) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]}).get_json()
        api.post(f"passes/{coupon['id']}/void", None)
        assert api.post("scans", {"barcode": anna["card"]["number"]}).status_code == 200

    def test_who_cannot_show_the_card_cannot_use_a_coupon(self, anna, pass_, api) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]}).get_json()
        use = f"passes/{coupon['id']}/use"
        api.post(f"passes/{pass_['id']}/void", {})
        assert api.post(use, None).get_json()["code"] == "card_void"
        api.post(f"passes/{pass_['id']}/restore", {})
        api.post(f"members/{anna['id']}/block", None)
        assert api.post(use, None).get_json()["code"] == "card_blocked"
        api.post(f"members/{anna['id']}/unblock", None)
        assert api.post(use, None).status_code == 201


class TestLinks:
    def test_a_renewed_link_ends_the_one_before_and_the_pass_stays(self, anna, api, client) -> None:
        phone = Phone.with_card(client, anna)
        phone.register()
        (pass_,) = api.get(f"members/{anna['id']}/passes").get_json()["items"]
        for _ in range(2):
            before = api.get(f"members/{anna['id']}").get_json()["links"]
            renewed = api.post(f"passes/{pass_['id']}/link", None)
            assert (renewed.status_code, renewed.get_json()["id"]) == (201, pass_["id"])
            for link in before.values():
                answer = client.get(path(link), headers={"Accept-Language": "en"})
                assert answer.status_code == 410
                assert "This link is not valid any more" in answer.text
                assert says_nothing(answer.text, anna["card"]["number"])
            now = api.get(f"members/{anna['id']}").get_json()["links"]
            assert NAME in client.get(path(now["card"])).text
            assert now["apple"] == renewed.get_json()["apple"]
        assert "voided" not in opened(phone.fetch().data)
        assert api.post("scans", {"barcode": anna["card"]["number"]}).status_code == 200

    def test_a_link_of_a_coupon_opens_the_coupon_alone(self, anna, api, client) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]}).get_json()
        assert client.get(path(coupon["apple"])).status_code == 200
        link = path(coupon["apple"]).removesuffix("/apple.pkpass")
        for below in ("/state", "/apple.pkpasses", "/offers/", "/offers/{}/apple.pkpass"):
            address = link + below.format(offer["id"])
            assert client.get(address).status_code == 404, below
        page = client.get(link)
        assert "Кекс" in page.text and NAME not in page.text
        assert path(anna["links"]["card"]) not in page.text
        assert client.post(f"{link}/messages", data={"wish": "yes"}).status_code == 404

    def test_links_of_coupons_that_earlier_releases_made_go_on(
        self, anna, api, client, installation
    ) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
        coupon = api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]}).get_json()
        proof = installation.keys.first.derive("card link", coupon["id"])[:22]
        link = f"/card/{coupon['id']}.{proof}/apple.pkpass"
        assert client.get(link).status_code == 200
        api.post(f"passes/{coupon['id']}/link", None)
        assert client.get(link).status_code == 410


class TestAtOnce:
    """Beside a lock-out: what comes of both is what would have come of one after the other."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        """SQLite has one writer, so nothing happens at once there."""
        return postgres_url

    @pytest.fixture
    def race(self, house, anna) -> Iterator[Callable[..., Any]]:
        database, keys = house.installation.database, house.installation.keys

        def lock_out() -> None:
            def work(session: Any) -> None:
                member = members.by_public_id(session, anna["id"])
                lost_cards.replace(
                    session, member, keys, house.installation.make_due, house.clock()
                )

            database.run(work)

        with stage(database) as there:

            def met(other: Callable[[Any], Any], at: int, *, first: str) -> Any:
                def run_other() -> Any:
                    return database.run(other)

                if first == "lock-out":
                    return there.meet(lock_out, run_other, at)
                return there.meet(run_other, lock_out, at)

            yield met

    @pytest.fixture
    def whole(self, house, anna) -> Callable[[], Card]:
        """Checks that one card alone is alive, with one pass of the same number; returns it."""

        def checked() -> Card:
            with house.installation.database.reading() as session:
                member = members.by_public_id(session, anna["id"], include_erased=True)
                numbers = session.scalars(select(Card).where(Card.member_id == member.id)).all()
                (live,) = [one for one in numbers if one.blocked_for is None]
                passes = session.scalars(select(Pass).where(Pass.member_id == member.id)).all()
                (shown,) = [one for one in passes if one.lost_at is None and one.offer_id is None]
                assert issued.content(shown).card_number == live.number
                for one in passes:
                    if one.lost_at is not None:
                        content = issued.content(one)
                        assert content.voided and not content.barcode
                        assert NAME not in json.dumps(one.content, ensure_ascii=False)
                return live

        return checked

    @pytest.mark.parametrize("first", ["lock-out", "other"])
    @pytest.mark.parametrize("at", [1, 4, 8])
    @pytest.mark.parametrize("wish", ["accrual", "redemption"])
    def test_points_are_posted_before_it_or_refused_after_it(
        self, race, whole, anna, house, balance, wish: str, at: int, first: str
    ) -> None:
        whom = Whom(card=anna["card"]["number"])

        def post(session: Any) -> Any:
            if wish == "accrual":
                return accruals.grant(session, whom, Grant(5), house.clock())
            return redemptions.redeem(session, whom, Spend(5), house.clock())

        met = race(post, at if first == "lock-out" else min(at, 2), first=first)
        posted = met.second if first == "lock-out" else met.first
        moved = 0
        if isinstance(posted, Refusal):
            assert posted.code == "card_blocked"
        else:
            moved = 5 if wish == "accrual" else -5
        assert balance(anna) == 100 + moved
        whole()

    @pytest.mark.parametrize("first", ["lock-out", "other"])
    # Of a registration the last is its commit.
    @pytest.mark.parametrize("at", [1, 5, 7])
    def test_a_phone_that_registers_meanwhile_is_told(
        self, race, whole, client, anna, house, at: int, first: str
    ) -> None:
        phone = Phone.with_card(client, anna)

        def register(session: Any) -> bool:
            pass_ = issued.by_serial(session, phone.serial)
            return devices.register(
                session, house.installation.keys, pass_, "d" * 32, "a" * 64, house.clock()
            )

        race(register, at, first=first)
        whole()
        with house.installation.database.reading() as session:
            assert len(session.scalars(select(PushRow)).all()) == 1
        assert opened(phone.fetch().data)["voided"] is True

    @pytest.mark.parametrize("first", ["lock-out", "other"])
    @pytest.mark.parametrize("at", [1, 4, 9])
    def test_a_coupon_that_is_issued_meanwhile_is_one_good_coupon(
        self, race, whole, api, anna, house, at: int, first: str
    ) -> None:
        offer_id = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()["id"]

        def issue(session: Any) -> Any:
            member = members.by_public_id(session, anna["id"])
            offer = coupons.offers.by_public_id(session, offer_id)
            key = house.installation.keys.first.id
            return coupons.issue(
                session, member, offer, house.installation.pass_type, key, house.clock()
            ).id

        race(issue, at, first=first)
        live = whole()
        with house.installation.database.reading() as session:
            passes = session.scalars(select(Pass).where(Pass.offer_id.is_not(None))).all()
            (good,) = [one for one in passes if one.lost_at is None]
            assert issued.content(good).card_number == live.number

    @pytest.fixture
    def overtaken(self, app, house, anna) -> Callable[..., Any]:
        """Ask for something by a link of the card, and lock the card out before the statement `at`
        of that. Returns the answer, or None if the lock-out had to wait for it."""
        database = house.installation.database

        def asked(locking_out: Callable[..., Any], ask: Callable[[Any], Any], at: int) -> Any:
            def lock_out() -> None:
                def work(session: Any) -> None:
                    locking_out(session, members.by_public_id(session, anna["id"]))

                database.run(work)

            with stage(database) as there:
                met = there.meet(lambda: ask(app.test_client()), lock_out, at)
            assert not isinstance(met.second, Exception)
            return None if met.waited else met.first

        return asked

    @pytest.fixture
    def lockings_out(self, house) -> dict[str, Callable[..., Any]]:
        where, now = house.installation, house.clock()
        return {
            "lost": lambda session, member: lost_cards.replace(
                session, member, where.keys, where.make_due, now
            ),
            "blocked": lambda session, member: lost_cards.block(
                session, member, where.make_due, now
            ),
        }

    @pytest.mark.parametrize("at", [3, 6])
    @pytest.mark.parametrize("how", ["lost", "blocked"])
    @pytest.mark.parametrize("wallet", ["apple.pkpass", "google"])
    def test_an_old_link_that_is_overtaken_leads_to_no_coupon(
        self, overtaken, lockings_out, api, client, anna, wallet: str, how: str, at: int
    ) -> None:
        offer_id = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()["id"]
        offer = f"{path(anna['links']['card'])}/offers/{offer_id}/{wallet}"
        answer = overtaken(lockings_out[how], lambda browser: browser.get(offer), at)
        if answer is not None and answer.status_code == 303:
            shown = client.get(path(answer.headers["Location"]))
            assert shown.status_code in (403, 410)

    @pytest.mark.parametrize("at", [4, 7])
    @pytest.mark.parametrize("how", ["lost", "blocked"])
    def test_an_old_link_that_is_overtaken_decides_nothing(
        self, overtaken, lockings_out, api, anna, how: str, at: int
    ) -> None:
        button = f"{path(anna['links']['card'])}/messages"
        ours = {"Origin": LOCAL, "Sec-Fetch-Site": "same-origin"}
        answer = overtaken(
            lockings_out[how],
            lambda browser: browser.post(button, data={"wish": "no"}, headers=ours),
            at,
        )
        if answer is not None:
            assert answer.status_code in (403, 410)
            assert api.get(f"members/{anna['id']}").get_json()["consents"] == []

    @pytest.mark.parametrize("first", ["lock-out", "other"])
    @pytest.mark.parametrize("at", [1, 3, 6])
    def test_a_merge_meanwhile_leaves_no_number_that_was_lost(
        self, race, join, api, anna, house, at: int, first: str
    ) -> None:
        double = join(name=NAME)

        def merge(session: Any) -> None:
            one, into = (members.by_public_id(session, who["id"]) for who in (double, anna))
            households.merge(session, one, into, house.clock())

        race(merge, at, first=first)
        refused = api.post("scans", {"barcode": anna["card"]["number"]})
        assert refused.get_json()["code"] == "card_blocked"
        now = api.get(f"members/{anna['id']}").get_json()
        seen = api.post("scans", {"barcode": now["card"]["number"]}).get_json()
        assert seen["balance"]["available"] == 100

    @pytest.mark.parametrize("first", ["lock-out", "other"])
    @pytest.mark.parametrize("at", [1, 4, 9])
    def test_an_erasure_meanwhile_leaves_nothing_of_the_person(
        self, race, api, client, anna, house, at: int, first: str
    ) -> None:
        def erase(session: Any) -> None:
            make_due = house.installation.make_due
            erasure.erase(session, anna["id"], make_due, house.clock(), by=BY)

        met = race(erase, at, first=first)
        erased = met.second if first == "lock-out" else met.first
        assert not isinstance(erased, Exception)
        with house.installation.database.reading() as session:
            for one in session.scalars(select(Pass)):
                assert issued.content(one).voided
                assert NAME not in json.dumps(one.content, ensure_ascii=False)
            assert all(
                one.number.startswith("erased-") and one.blocked_for is not None
                for one in session.scalars(select(Card))
            )
        assert client.get(path(anna["links"]["card"])).status_code == 410

    @pytest.mark.parametrize("at", [1, 5, 12])
    def test_two_at_once_leave_one_live_card(self, race, whole, anna, house, at: int) -> None:
        def again(session: Any) -> None:
            member = members.by_public_id(session, anna["id"])
            lost_cards.replace(
                session,
                member,
                house.installation.keys,
                house.installation.make_due,
                house.clock(),
            )

        race(again, at, first="lock-out")
        whole()
