"""The cashier's page without a browser: guests are found, served, and what was done is undone; what
devices send late and twice; PINs; and what those who run the programme are told."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from visitors import Visitor, signed_in

from ledger.money import Money
from ledger.people import members
from ledger.programmes import base_terms, programmes, stores
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.stores import StoreTerms, TillTerms
from wallet.access import pins
from wallet.access.counter_deeds import CounterDeed
from wallet.access.staff import Employee
from wallet.counter import spend_codes

COUNTER = "/console/programmes/demo/counter"
TOKEN = re.compile(r'X-CSRFToken": "([^"]+)"')
WHO = re.compile(r'name="who" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')


class Cashier:
    """Somebody at the counter: forms go with the token of the page, as its script sends them."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.refresh()

    def refresh(self) -> None:
        self.csrf = TOKEN.search(unescape(self.visitor.read(COUNTER)))[1]

    def post(self, path: str, **entries: object):
        return self.visitor.post(f"{COUNTER}/{path}", csrf_token=self.csrf, **entries)

    def guest(self, code: str) -> str:
        answer = self.post("guest", scan=code)
        assert answer.status_code == 200, answer.text
        return answer.text

    def sell(self, panel: str, amount: str, points: int = 0, **more: object):
        form = {"who": WHO.search(panel)[1], "key": KEY.search(panel)[1], **more}
        return self.post("earn", amount=amount, points=points, **form)

    def queue(self, *entries: dict, now: str):
        return self.visitor.client.post(
            f"{COUNTER}/queue",
            json={"now": now, "entries": list(entries)},
            headers={"X-CSRFToken": self.csrf, "Accept-Language": "en"},
        )


@pytest.fixture
def demo(installation) -> int:
    """The programme gives 5 % back and lets points pay 30 %."""
    with installation.database.transaction() as session:
        id_ = programmes.by_code(session, "demo").id
        base_terms.put(session, id_, BaseTerms(500, 3_000, Money("1", "RUB")))
    return id_


@pytest.fixture
def cashier(client, installation, demo) -> Cashier:
    return Cashier(signed_in(client, installation, "cashier", demo))


@pytest.fixture
def anna(api) -> dict:
    body = {"programme": "demo", "name": "Анна", "phone": "+79165550010"}
    member = api.post("/members", body).get_json()
    api.post("/accruals", {"member": member["id"], "points": 200})
    return member


def balance(api, member: dict) -> int:
    return api.get(f"/members/{member['id']}").get_json()["balance"]["available"]


def said(answer) -> str:
    return " ".join(unescape(answer.text).replace("\xa0", " ").split())


class TestAGuest:
    def test_is_found_by_card_and_by_phone(self, cashier, anna) -> None:
        by_card = cashier.guest(anna["card"]["number"])
        assert "Анна" in by_card and ">200 <" in by_card.replace("\xa0", " ")
        assert "Анна" in cashier.guest("8 916 555-00-10")

    def test_who_named_a_phone_number_is_not_told_the_number_of_the_card(
        self, cashier, anna
    ) -> None:
        assert anna["card"]["number"] not in cashier.guest("8 916 555-00-10").replace("\xa0", "")

    def test_of_another_programme_is_nobody(self, cashier, installation, api, anna) -> None:
        answer = cashier.post("guest", scan="4242424242424242")
        assert answer.status_code == 422 and "data-bad" in answer.text

    def test_whose_card_is_blocked_is_not_served(self, cashier, api, anna) -> None:
        panel = cashier.guest(anna["card"]["number"])
        api.post(f"/members/{anna['id']}/block", {})
        assert cashier.post("guest", scan=anna["card"]["number"]).status_code == 422
        assert cashier.sell(panel, "1000").status_code == 422
        assert balance(api, anna) == 200


class TestAPurchase:
    def test_says_its_result_before(self, cashier, anna) -> None:
        panel = cashier.guest(anna["card"]["number"])
        deal = said(cashier.post("deal", who=WHO.search(panel)[1], amount="1 000,00"))
        assert "Earn 50 points" in deal
        assert "Spend 200 points and earn 40 points" in deal
        assert "Points pay RUB 200.00, left to pay: RUB 800.00." in deal
        fewer = said(cashier.post("deal", who=WHO.search(panel)[1], amount="1000", spend="50"))
        assert "Spend 50 points and earn 47 points" in fewer
        for nonsense in ("0", "201", "abc", "-5", "9" * 40):
            form = {"who": WHO.search(panel)[1], "amount": "1000", "spend": nonsense}
            refused = said(cashier.post("deal", **form))
            assert "From 1 to 200 points can be spent here." in refused
            assert "data-spends" not in refused and "Earn 50 points" in refused

    def test_earns(self, cashier, api, anna) -> None:
        done = said(cashier.sell(cashier.guest(anna["card"]["number"]), "1000"))
        assert "+50 points" in done and "On the card now: 250 points" in done
        assert balance(api, anna) == 250

    def test_spends_and_earns_at_once(self, cashier, api, anna) -> None:
        cashier.sell(cashier.guest(anna["card"]["number"]), "1000", 200)
        assert balance(api, anna) == 40  # 5 % of the 800 that were paid

    def test_spends_no_more_than_may_be_paid(self, cashier, api, anna) -> None:
        panel = cashier.guest(anna["card"]["number"])
        refused = cashier.sell(panel, "100", 31)
        assert refused.status_code == 422
        assert "30" in said(refused)
        assert balance(api, anna) == 200

    def test_sent_twice_counts_once(self, cashier, api, anna) -> None:
        panel = cashier.guest(anna["card"]["number"])
        first, second = cashier.sell(panel, "1000"), cashier.sell(panel, "1000")
        assert first.status_code == second.status_code == 200
        assert balance(api, anna) == 250

    def test_sent_again_with_another_amount_is_not_taken_for_the_first(
        self, cashier, api, anna
    ) -> None:
        panel = cashier.guest(anna["card"]["number"])
        cashier.sell(panel, "1000")
        assert cashier.sell(panel, "2000").status_code == 422
        assert balance(api, anna) == 250

    def test_too_small_is_said(self, cashier, api, anna) -> None:
        panel = cashier.guest(anna["card"]["number"])
        assert "Too small" in said(cashier.post("deal", who=WHO.search(panel)[1], amount="1"))
        for amount in ("", "0", "x", "1e9", "-5", "NaN", "9" * 30):
            assert cashier.sell(panel, amount).status_code == 422, amount
        assert balance(api, anna) == 200

    def test_is_undone_whole(self, cashier, api, anna) -> None:
        done = cashier.sell(cashier.guest(anna["card"]["number"]), "1000", 200).text
        undo = re.search(rf"{COUNTER}/(deeds/[^\"]+/undo)", done)[1]
        assert "Undone" in said(cashier.post(undo))
        assert "Undone" in said(cashier.post(undo))
        assert balance(api, anna) == 200

    def test_of_somebody_else_is_not_undone(
        self, cashier, api, anna, app, installation, demo
    ) -> None:
        done = cashier.sell(cashier.guest(anna["card"]["number"]), "1000").text
        undo = re.search(rf"{COUNTER}/(deeds/[^\"]+/undo)", done)[1]
        other = Cashier(signed_in(app.test_client(), installation, "cashier", demo, "b@shop.ru"))
        assert other.post(undo).status_code == 422
        assert balance(api, anna) == 250

    def test_needs_the_panel_that_the_server_made(self, cashier, api, anna) -> None:
        assert cashier.post("earn", who="x", amount="1000", key="k").status_code == 422
        assert balance(api, anna) == 200


class TestSpendingWithoutACard:
    """Anna is found by her phone number."""

    PHONE = "+79165550010"

    def live(self, installation, anna) -> str:
        with installation.database.reading() as session:
            member = members.by_public_id(session, anna["id"])
            shown = spend_codes.shown(session, installation.keys, member, installation.clock())
            return shown.code

    def test_takes_the_code_that_her_card_shows(self, cashier, api, anna, installation) -> None:
        panel = cashier.guest(self.PHONE)
        asked = cashier.sell(panel, "1000", 200)
        assert "Code from the guest" in said(asked)
        assert balance(api, anna) == 200
        code = self.live(installation, anna)
        wrong = cashier.sell(panel, "1000", 200, code=f"{(int(code) + 1) % 10**6:06}")
        assert wrong.status_code == 422 and "Code from the guest" in said(wrong)
        assert balance(api, anna) == 200
        assert "Done" in said(cashier.sell(panel, "1000", 200, code=code))
        assert balance(api, anna) == 40

    def test_who_says_no_code_may_earn_all_the_same(self, cashier, api, anna) -> None:
        panel = cashier.guest(self.PHONE)
        cashier.sell(panel, "1000", 200)
        assert "Done" in said(cashier.sell(panel, "1000", 200, earn_only="yes"))
        assert balance(api, anna) == 250

    def test_a_code_opens_one_purchase(self, cashier, api, anna, installation) -> None:
        panel = cashier.guest(self.PHONE)
        cashier.sell(panel, "1000", 50)
        code = self.live(installation, anna)
        assert "Done" in said(cashier.sell(panel, "1000", 50, code=code))
        again = cashier.guest(self.PHONE)
        assert cashier.sell(again, "1000", 50, code=code).status_code == 422
        assert balance(api, anna) == 200 - 50 + 47

    def test_a_code_is_good_for_no_more_points(self, cashier, api, anna, installation) -> None:
        panel = cashier.guest(self.PHONE)
        cashier.sell(panel, "1000", 50)
        refused = cashier.sell(panel, "1000", 200, code=self.live(installation, anna))
        assert refused.status_code == 422
        assert balance(api, anna) == 200

    @pytest.mark.parametrize(("term", "left"), [("never", 200), ("allowed", 40)])
    def test_is_a_term_of_the_programme(
        self, term, left, cashier, api, anna, installation, demo
    ) -> None:
        with installation.database.transaction() as session:
            programme = programmes.by_id(session, demo)
            programmes.change_terms(session, programme, spend_by_phone=term)
        panel = cashier.guest(self.PHONE)
        deal = said(cashier.post("deal", who=WHO.search(panel)[1], amount="1000"))
        assert ("Spend 200 points" in deal) == (term == "allowed")
        cashier.sell(panel, "1000", 200)
        assert balance(api, anna) == left

    def test_a_new_guest_spends_once_confirmed(self, cashier, api) -> None:
        form = cashier.guest("+7 916 555-00-77")
        cashier.post("join", contact="+7 916 555-00-77", name="", key=KEY.search(form)[1])
        (member,) = api.get("/members?phone=%2B79165550077").get_json()["items"]
        cashier.sell(cashier.guest(member["card"]["number"]), "10000")
        panel = cashier.guest(member["card"]["number"])
        deal = said(cashier.post("deal", who=WHO.search(panel)[1], amount="1000"))
        assert "once they have accepted the rules" in deal and "Spend 300" not in deal
        assert cashier.sell(panel, "1000", 100).status_code == 422
        assert balance(api, member) == 500


class TestANewGuest:
    def test_gets_a_card_at_the_counter(self, cashier, api) -> None:
        form = cashier.guest("+7 916 555-00-77")
        assert "A new guest" in form
        made = cashier.post("join", contact="+7 916 555-00-77", name="", key=KEY.search(form)[1])
        assert "The card is made" in said(made) and "data:image/svg+xml" in made.text
        (member,) = api.get("/members?phone=%2B79165550077").get_json()["items"]
        assert member["card"]["number"] not in made.text  # it would spend in place of a code
        assert "Done" in said(cashier.sell(made.text, "1000"))
        assert balance(api, member) == 50

    def test_with_a_number_that_is_none_is_told_so(self, cashier) -> None:
        refused = cashier.post("join", contact="12", name="", key="k" * 8)
        assert refused.status_code == 422 and "no phone number" in said(refused)


class TestACoupon:
    def test_is_used_and_given_back(self, cashier, api, anna) -> None:
        offer = api.post("/offers", {"programme": "demo", "title": "Latte"}).get_json()
        api.post(f"/offers/{offer['id']}/passes", {"member": anna["id"]})
        panel = cashier.guest(anna["card"]["number"])
        assert "Coupon: Latte" in said_text(panel)
        serial = re.search(r'name="coupon" value="([^"]+)"', panel)[1]
        form = {"who": WHO.search(panel)[1], "coupon": serial}
        done = cashier.post("coupon", **form, key="k" * 9)
        assert "The coupon is used" in said(done)
        assert 'name="amount"' in done.text  # the guest goes on to be served
        assert cashier.post("coupon", **form, key="l" * 9).status_code == 422
        undo = re.search(rf"{COUNTER}/(deeds/[^\"]+/undo)", done.text)[1]
        assert cashier.post(undo).status_code == 200
        assert "Coupon: Latte" in said_text(cashier.guest(anna["card"]["number"]))


def said_text(page: str) -> str:
    return " ".join(unescape(page).replace("\xa0", " ").split())


class TestWithoutANetwork:
    def test_receipts_that_waited_earn_once(self, cashier, api, anna, clock) -> None:
        now = clock().isoformat()
        kept = {"key": str(uuid4()), "card": anna["card"]["number"], "amount": "1000", "at": now}
        for _time in range(2):
            (outcome,) = cashier.queue(kept, now=now).get_json()["outcomes"]
            assert outcome == {"key": kept["key"], "outcome": "done", "words": ""}
        assert balance(api, anna) == 250

    def test_what_cannot_be_booked_is_refused_and_listed(
        self, cashier, api, anna, clock, app, installation, demo
    ) -> None:
        now = clock().isoformat()
        good = {"key": str(uuid4()), "card": anna["card"]["number"], "amount": "100", "at": now}
        bad = {"key": str(uuid4()), "card": "4242424242424242", "amount": "500", "at": now}
        first, second = cashier.queue(bad, good, now=now).get_json()["outcomes"]
        assert (first["outcome"], second["outcome"]) == ("refused", "done")
        assert first["words"]
        again = cashier.queue(bad, now=now).get_json()["outcomes"][0]
        assert again["outcome"] == "refused"
        boss = signed_in(app.test_client(), installation, "manager", demo, "boss@shop.ru")
        odd = said_text(boss.read("/console/programmes/demo/cashiers?only=odd"))
        assert odd.count("sent late, and refused") == 1
        assert "should be looked at" in said_text(boss.read("/console/programmes/demo/"))

    def test_a_colleague_may_send_what_the_first_one_kept(
        self, cashier, api, anna, clock, app, installation, demo
    ) -> None:
        now = clock().isoformat()
        kept = {"key": str(uuid4()), "card": anna["card"]["number"], "amount": "1000", "at": now}
        cashier.queue(kept, now=now)
        other = Cashier(signed_in(app.test_client(), installation, "cashier", demo, "b@shop.ru"))
        (again,) = other.queue(kept, now=now).get_json()["outcomes"]
        (changed,) = other.queue({**kept, "amount": "2000"}, now=now).get_json()["outcomes"]
        assert (again["outcome"], changed["outcome"]) == ("done", "refused")
        assert balance(api, anna) == 250

    def test_a_clock_that_is_an_hour_off_is_put_right(
        self, cashier, api, anna, installation
    ) -> None:
        now = installation.clock()
        device = now + timedelta(days=365)
        at = device.isoformat()
        kept = {"key": str(uuid4()), "card": anna["card"]["number"], "amount": "1000", "at": at}
        cashier.queue(kept, now=at)
        with installation.database.reading() as session:
            deed = session.scalars(select(CounterDeed)).one()
            assert abs((deed.happened_at - now).total_seconds()) < 60
            assert deed.offline

    def test_what_no_page_sends_is_refused_whole(self, cashier, api, anna, clock) -> None:
        now = clock().isoformat()
        one = {"key": str(uuid4()), "card": anna["card"]["number"], "amount": "NaN", "at": now}
        assert cashier.queue(one, now=now).status_code == 422
        many = [{**one, "key": str(uuid4()), "amount": "1000"} for _ in range(51)]
        assert cashier.queue(*many, now=now).status_code == 422
        assert balance(api, anna) == 200


class TestPins:
    @pytest.fixture
    def olga(self, cashier, app, installation, demo) -> int:
        signed_in(app.test_client(), installation, "manager", demo, "olga@shop.ru")
        with installation.database.transaction() as session:
            id_ = session.scalars(select(Employee.id).where(Employee.email == "olga@shop.ru")).one()
            pins.choose(session, installation.keys, id_, "Ольга", "8072")
        return id_

    def test_a_colleague_takes_over_and_opens_the_counter_alone(self, cashier, olga) -> None:
        answer = cashier.post("cashier", employee=olga, pin="8072")
        assert (answer.status_code, answer.location) == (303, COUNTER)
        assert "Ольга" in cashier.visitor.read(COUNTER)
        assert cashier.visitor.get("/console/programmes/demo/members").status_code in (403, 404)
        assert cashier.visitor.get("/console/me/pin").status_code == 303  # asks for the password

    def test_a_wrong_one_counts_and_waits(self, cashier, olga) -> None:
        for _time in range(5):
            assert cashier.post("cashier", employee=olga, pin="1111").status_code == 422
        waits = cashier.post("cashier", employee=olga, pin="8072")
        assert waits.status_code == 429 and int(waits.headers["Retry-After"]) > 0
        assert "Ольга" not in said_text(cashier.visitor.read(COUNTER).split("colleague")[0])

    def test_nobody_takes_over_who_does_not_serve(self, cashier, installation, olga) -> None:
        with installation.database.transaction() as session:
            session.execute(
                update(Employee).where(Employee.id == olga).values(removed_at=Employee.created_at)
            )
        assert cashier.post("cashier", employee=olga, pin="8072").status_code == 422

    @pytest.mark.parametrize("pin", ["123", "1234", "0000", "9876", "12a4", "123456789"])
    def test_what_everybody_would_try_is_no_pin(self, pin, client, installation, demo) -> None:
        visitor = signed_in(client, installation, "cashier", demo)
        answer = visitor.send("/console/me/pin", counter_name="Анна", pin=pin)
        assert answer.status_code == 422
        with installation.database.reading() as session:
            assert session.scalars(select(Employee.pin)).all() == [None]


class TestPlaces:
    def test_deeds_say_where(self, cashier, api, anna, installation, demo, clock) -> None:
        with installation.database.transaction() as session:
            stores.put_store(session, demo, StoreTerms("centre", "Центр"), clock())
            stores.put_store(session, demo, StoreTerms("north", "Север"), clock())
            stores.put_till(session, demo, TillTerms("2", "north", "Касса 2"), clock())
        cashier.post("place", place="north/2")
        assert "Север, Касса 2" in cashier.visitor.read(COUNTER)
        cashier.sell(cashier.guest(anna["card"]["number"]), "1000")
        (posting, *_rest) = api.get(f"/members/{anna['id']}/postings").get_json()["items"]
        assert posting["store"] == "north"


class TestWhatIsOdd:
    def test_is_marked_and_told_and_nothing_is_refused(
        self, cashier, api, anna, app, installation, demo
    ) -> None:
        for _time in range(3):
            assert cashier.sell(cashier.guest(anna["card"]["number"]), "1000").status_code == 200
        boss = signed_in(app.test_client(), installation, "manager", demo, "boss@shop.ru")
        odd = said_text(boss.read("/console/programmes/demo/cashiers?only=odd"))
        assert odd.count("often the same card with this cashier") == 1

    def test_limits_are_set(self, client, installation, demo) -> None:
        boss = signed_in(client, installation, "manager", demo)
        page = "/console/programmes/demo/cashiers"
        saved = boss.send(page, f"{page}/limits", purchases="9", same_cashier="", amount="5000,50")
        assert saved.status_code == 303
        shown = boss.read(page)
        assert 'value="9"' in shown and 'value="5000.50"' in shown
        for wrong in ({"purchases": "0"}, {"purchases": "x"}, {"amount": "-1"}):
            refused = boss.send(page, f"{page}/limits", **wrong)
            assert 'class="k-problem"' in refused.text


def test_the_shift_lists_what_was_done(cashier, api, anna) -> None:
    cashier.sell(cashier.guest(anna["card"]["number"]), "1000")
    cashier.sell(cashier.guest(anna["card"]["number"]), "500", 20)
    shift = said_text(cashier.visitor.read(f"{COUNTER}/shift"))
    assert "2 purchases · RUB 1,500.00" in shift
    assert "earned: 74 points · spent: 20 points" in shift


def test_who_only_serves_begins_at_the_counter(client, installation, demo) -> None:
    cashier = signed_in(client, installation, "cashier", demo)
    assert cashier.get("/console/").location == COUNTER
