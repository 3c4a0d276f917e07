"""Receipts that were paid: put on record over the API, with their points, promotions and cards."""

from datetime import timedelta

import pytest
from books import check_books
from phones import Phone, opened, values
from sqlalchemy import select

from ledger.programmes import programmes, units
from ledger.programmes.units import UnitTerms
from ledger.sales.limits import PromotionCounter, PromotionUse
from ledger.sales.records import SoldReceipt
from tests.wallet.api.test_quotes import (
    BAG,
    SHOES,
    SOCKS,
    TEN_PERCENT,
    THREE_FOR_TWO,
    base_programme,
    publish,
    quote,
    rub,
    write,
)

__all__ = ["base_programme", "publish", "quote", "write"]


@pytest.fixture
def pay(api):
    """A receipt that was paid, sent to be put on record."""
    number = iter(range(1, 1000))

    def paid(*lines: dict, **receipt: object):
        told = {"id": f"r-{next(number)}", "programme": "demo", "lines": list(lines), **receipt}
        return api.post("receipts", {**told, "confirm": True})

    return paid


def booked(answer) -> dict:
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_the_one_receipt_of_the_documentation(api, base_programme, join, publish, pay) -> None:
    anna = join(name="Anna")
    api.post("accruals", {"member": anna["id"], "points": 500})
    publish("socks", THREE_FOR_TWO)
    sent = {"member": anna["id"], "pay": {"points": "most"}, "number": "17", "cashier": "olga"}
    found = booked(pay(SHOES, SOCKS, BAG, **sent))
    assert (found["state"], found["points"]) == ("confirmed", {"earned": 254, "spent": 500})
    assert found["balance"]["available"] == 254
    assert found["quote"]["total"] == rub("5103.00")
    assert found["quote"]["lines"][1]["pieces"] == [
        {"quantity": "2", "price": rub("181.50"), "total": rub("363.00")},
        {"quantity": "1", "price": rub("181.49"), "total": rub("181.49")},
    ]
    assert found["conflicts"] == []
    read = api.get(f"receipts/{found['id']}?programme=demo").get_json()
    assert read == found
    postings = api.get(f"members/{anna['id']}/postings").get_json()["items"]
    assert [(one["kind"], one["points"], one["receipt"]) for one in postings[:2]] == [
        ("accrual", 254, "17"),
        ("redemption", -500, "17"),
    ]
    assert postings[0]["purchase"] == rub("5103.00")
    assert postings[1]["purchase"] is None


def test_the_same_again_answers_the_same_and_does_nothing(api, base_programme, join, pay) -> None:
    anna = join(name="Anna")
    first = booked(pay(SHOES, id="a", member=anna["id"]))
    assert booked(pay(SHOES, id="a", member=anna["id"])) == first
    other = pay(SOCKS, id="a", member=anna["id"])
    assert (other.status_code, other.get_json()["code"]) == (409, "receipt_differs")
    balance = api.get(f"members/{anna['id']}").get_json()["balance"]
    assert balance["available"] == first["points"]["earned"] == 249


def test_without_an_id_it_is_known_by_store_till_day_and_number(api, base_programme, pay) -> None:
    api.call("PUT", "stores/centre", {"programme": "demo", "name": "Центр"})
    sent = {"id": None, "store": "centre", "till": "1", "number": "17"}
    first = booked(pay(SHOES, **sent))
    assert first["id"].startswith("centre:1:") and first["id"].endswith(":17")
    assert booked(pay(SHOES, **sent)) == first
    assert booked(pay(SHOES, **{**sent, "till": "2"}))["id"] != first["id"]
    nameless = pay(SHOES, id=None)
    assert (nameless.status_code, nameless.get_json()["code"]) == (422, "receipt_refused")


def test_an_anonymous_receipt_is_on_record_and_earns_nothing(base_programme, pay) -> None:
    found = booked(pay(SHOES))
    assert (found["member"], found["balance"]) == (None, None)
    assert found["points"] == {"earned": 0, "spent": 0}


class TestWhatCannotBeHad:
    def test_points_that_are_gone(self, api, base_programme, join, pay) -> None:
        anna = join(name="Anna")
        api.post("accruals", {"member": anna["id"], "points": 100})
        found = booked(pay(SHOES, member=anna["id"], pay={"points": 300}))
        assert found["points"]["spent"] == 100
        assert found["conflicts"] == [{"code": "points", "detail": "Баллами: только 100 из 300"}]

    def test_a_card_that_is_blocked(self, api, base_programme, join, pay) -> None:
        anna = join(name="Anna")
        number = anna["card"]["number"]
        blocked = api.post(f"members/{anna['id']}/block", {})
        assert blocked.status_code == 201, blocked.text
        found = booked(pay(SHOES, card=number))
        assert (found["member"], [one["code"] for one in found["conflicts"]]) == (None, ["card"])

    def test_a_card_that_never_was(self, base_programme, pay, house) -> None:
        unknown = pay(SHOES, card="4485000000000000")
        assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_card")
        with house.installation.database.reading() as session:
            assert session.scalars(select(SoldReceipt)).all() == []

    def test_a_clock_of_next_year(self, base_programme, pay, clock_now) -> None:
        later = (clock_now() + timedelta(days=365)).isoformat()
        found = booked(pay(SHOES, at=later))
        assert [one["code"] for one in found["conflicts"]] == ["clock"]
        assert found["at"] == clock_now().isoformat().replace("+00:00", "Z")

    def test_points_of_a_phone_number_that_needs_a_code(
        self, api, base_programme, join, pay
    ) -> None:
        anna = join(name="Anna", phone="+79165550012")
        api.post("accruals", {"member": anna["id"], "points": 100})
        found = booked(pay(SHOES, phone="+79165550012", pay={"points": 100}))
        assert (found["member"], found["points"]["spent"]) == (anna["id"], 0)
        assert [one["code"] for one in found["conflicts"]] == ["points"]


class TestStoredValue:
    @pytest.fixture
    def card(self, api, installation, join) -> str:
        """A gift card with 1000.00 on it."""
        with installation.database.transaction() as session:
            gift = UnitTerms("gift", "money", 2, "RUB")
            units.add(session, programmes.by_code(session, "demo").id, gift)
        owner = join(name="Card")
        sold = {"member": owner["id"], "unit": "gift", "money": rub("1000.00")}
        assert api.post("accruals", sold).status_code == 201
        return owner["card"]["number"]

    def test_a_gift_card_pays_and_is_empty_then(self, api, base_programme, join, pay, card) -> None:
        anna = join(name="Anna")
        paying = {"gift_cards": [{"card": card, "amount": rub("700.00")}]}
        found = booked(pay(SHOES, id="a", member=anna["id"], pay=paying))
        paid = {"kind": "gift_card", "amount": rub("700.00"), "card": f"…{card[-4:]}"}
        assert (found["quote"]["due"], found["quote"]["paid_by"]) == (rub("4290.00"), [paid])
        assert booked(pay(SHOES, id="a", member=anna["id"], pay=paying)) == found
        bought = api.get(f"members/{anna['id']}/postings").get_json()["items"][0]["purchase"]
        assert bought == rub("4990.00"), "a gift card is money"
        less = booked(pay(SHOES, pay=paying))
        assert less["quote"]["due"] == rub("4690.00")
        (conflict,) = less["conflicts"]
        said = conflict["detail"].replace("\u00a0", " ")
        assert (conflict["code"], said) == ("gift_cards", "С подарочных карт: 300 ₽ из 700 ₽")

    def test_one_that_is_blocked_does_not_refuse_the_sale(
        self, api, base_programme, pay, card
    ) -> None:
        owner = api.get(f"members?card={card}").get_json()["items"][0]
        assert api.post(f"members/{owner['id']}/block", {}).status_code == 201
        paying = {"gift_cards": [{"card": card, "amount": rub("700.00")}]}
        found = booked(pay(SHOES, pay=paying))
        assert [one["code"] for one in found["conflicts"]] == ["gift_cards"]
        assert found["quote"]["due"] == rub("4990.00")

    def test_points_buy_a_reward(self, api, base_programme, join, publish, pay) -> None:
        costs = {"costs": {"points": 100}, "gives": [{"kind": "gift", "sku": "BRUSH"}]}
        publish("brush", {"name": "Щётка", **costs})
        anna = join(name="Anna")
        api.post("accruals", {"member": anna["id"], "points": 150})
        wished = {"rewards": [{"promotion": "brush", "times": 2}]}
        found = booked(pay(SHOES, member=anna["id"], pay=wished))
        assert found["quote"]["points"]["rewards"] == [
            {"promotion": "brush", "times": 1, "points": 100}
        ]
        assert (found["points"]["spent"], found["quote"]["gifts"][0]["sku"]) == (100, "BRUSH")
        assert [one["code"] for one in found["conflicts"]] == ["rewards"]
        assert found["balance"]["available"] == 50 + found["points"]["earned"]


class TestLimits:
    def test_a_use_is_counted_and_the_last_is_the_last(
        self, api, base_programme, join, publish, pay, house
    ) -> None:
        publish("sale", {**TEN_PERCENT, "limits": {"member": 2, "total": 3}})
        anna, boris = join(name="Anna"), join(name="Boris")
        off = [
            booked(pay(SHOES, member=one["id"]))["quote"]["discount"]["amount"]
            for one in (anna, anna, anna, boris, boris)
        ]
        assert off == ["499.00", "499.00", "0.00", "499.00", "0.00"]
        with house.installation.database.reading() as session:
            counters = session.scalars(select(PromotionCounter)).all()
            assert sorted(one.uses for one in counters) == [1, 2, 3]
            assert len(session.scalars(select(PromotionUse)).all()) == 6
            check_books(session)

    def test_a_budget_in_money_ends(self, base_programme, publish, pay) -> None:
        publish("sale", {**TEN_PERCENT, "budget": {"money": rub("1000.00")}})
        off = [booked(pay(SHOES))["quote"]["discount"]["amount"] for _ in range(3)]
        assert off == ["499.00", "499.00", "0.00"]

    def test_a_quote_knows_what_is_left(self, base_programme, publish, pay, quote) -> None:
        publish("sale", {**TEN_PERCENT, "limits": {"total": 1}})
        booked(pay(SHOES))
        assert [one["outcome"] for one in quote(SHOES)["promotions"]] == ["limit_reached"]

    def test_a_new_version_goes_on_counting(self, api, base_programme, publish, pay) -> None:
        publish("sale", {**TEN_PERCENT, "limits": {"total": 1}})
        booked(pay(SHOES))
        rules = {"programme": "demo", **TEN_PERCENT, "limits": {"total": 2}}
        api.call("PUT", "promotions/sale", rules)
        api.post("promotions/sale/publish", {"programme": "demo"})
        off = [booked(pay(SHOES))["quote"]["discount"]["amount"] for _ in range(2)]
        assert off == ["499.00", "0.00"]

    def test_two_members_who_are_one_have_used_it_together(
        self, api, base_programme, join, publish, pay, house
    ) -> None:
        publish("sale", {**TEN_PERCENT, "limits": {"member": 2, "member_day": 2}})
        anna, again = join(name="Anna"), join(name="Anna")
        for one in (anna, again):
            booked(pay(SHOES, member=one["id"]))
        merged = api.post(f"members/{again['id']}/merge", {"into": anna["id"]})
        assert merged.status_code == 201, merged.text
        assert booked(pay(SHOES, member=anna["id"]))["quote"]["discount"]["amount"] == "0.00"
        listed = api.get(f"receipts?programme=demo&member={anna['id']}").get_json()["items"]
        assert len(listed) == 3
        with house.installation.database.reading() as session:
            check_books(session)


def test_the_first_purchase_is_the_first_even_where_it_earned_nothing(
    base_programme, join, publish, pay
) -> None:
    rules = {**TEN_PERCENT, "when": {"kind": "purchase_number", "is": 1}}
    publish("welcome", rules)
    anna = join(name="Anna")
    off = [
        booked(pay(line, member=anna["id"]))["quote"]["discount"]["amount"]
        for line in ({**BAG, "id": "1"}, SHOES)
    ]
    assert off[1] == "0.00"


def test_the_card_shows_the_points_of_a_receipt_in_one_version(
    client, base_programme, join, publish, pay, house
) -> None:
    anna = join(name="Anna")
    phone = Phone.with_card(client, anna)
    assert phone.register().status_code == 201
    house.run()
    before = phone.fetch()
    booked(pay(SHOES, member=anna["id"]))
    house.run()
    assert "249" in str(values(opened(phone.fetch().data)))
    assert before.data != phone.fetch().data


def test_who_is_erased_leaves_receipts_of_nobody(api, base_programme, join, pay, house) -> None:
    anna = join(name="Anna")
    found = booked(pay(SHOES, member=anna["id"]))
    assert api.call("DELETE", f"members/{anna['id']}").status_code == 200
    read = api.get(f"receipts/{found['id']}?programme=demo").get_json()
    assert (read["member"], read["balance"]) == (None, None)
    assert read["quote"]["total"] == found["quote"]["total"]


def test_receipts_are_found_by_what_they_are_called(api, base_programme, pay) -> None:
    booked(pay(SHOES, number="17", cashier="olga"))
    booked(pay(SHOES, number="18", cashier="olga"))
    booked(pay(SHOES, number="18", cashier="ivan"))

    def numbers(asked: str) -> list[str]:
        answer = api.get(f"receipts?programme=demo&{asked}")
        assert answer.status_code == 200, answer.text
        return [one["number"] for one in answer.get_json()["items"]]

    assert numbers("cashier=olga") == ["18", "17"]
    assert numbers("number=18&cashier=ivan") == ["18"]
    assert numbers("since=2020-01-01T00:00:00Z&limit=1") == ["18"]
    assert numbers("until=2020-01-01T00:00:00Z") == []
