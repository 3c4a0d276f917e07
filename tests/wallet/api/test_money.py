"""Money in the API: given in place of points, told beside them, and nothing new for whoever counts
in points."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from books import check_books
from phones import Phone
from standardwebhooks.webhooks import Webhook

from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.access import sources
from wallet.access.changes import Author
from wallet.api.bodies.batches import BatchIn
from wallet.api.bodies.corrections import ReversalIn, TransferIn
from wallet.api.bodies.holds import CaptureIn, HoldIn
from wallet.api.bodies.points import AccrualIn, RedemptionIn
from wallet.passes import templates

BY = Author("command", "wallet test")

CASHBACK = UnitTerms("cashback", "money", 2, "RUB")


@pytest.fixture(autouse=True)
def _books(installation):
    yield
    with installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def gifts(installation, house) -> None:
    """A programme of gift cards: what it counts is money."""
    with installation.database.transaction() as session:
        terms = Terms("gifts", "Подарки", unit=UnitTerms("money", "money", 2, "RUB"))
        programme = programmes.create(session, terms, house.clock())
        templates.store(session, programme.id, templates.gift_cards("Подарки"), {}, house.clock())


@pytest.fixture
def card(api, gifts) -> dict:
    answer = api.post("members", {"programme": "gifts", "name": "Анна"})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


@pytest.fixture
def cashback(installation) -> None:
    """The demo programme counts money besides its points."""
    with installation.database.transaction() as session:
        units.add(session, programmes.by_code(session, "demo").id, CASHBACK)


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


def standing(available: int, money: str, held: int = 0, held_money: str = "0.00") -> dict:
    return {
        "available": available,
        "pending": 0,
        "held": held,
        "debt": 0,
        "debt_money": rub("0.00"),
        "available_money": rub(money),
        "pending_money": rub("0.00"),
        "held_money": rub(held_money),
    }


class TestEveryAnswer:
    def test_of_a_card_that_is_filled_and_spent(self, api, card) -> None:
        assert card["balance"] == standing(0, "0.00")
        wish = {"member": card["id"], "money": rub("199.90"), "receipt": "1"}
        filled = api.post("accruals", wish).get_json()
        assert (filled["points"], filled["money"]) == (19990, rub("199.90"))
        assert filled["balance"] == standing(19990, "199.90")
        spent = api.post("redemptions", {"member": card["id"], "money": rub("50")}).get_json()
        assert (spent["points"], spent["money"]) == (5000, rub("50.00"))
        assert spent["balance"] == standing(14990, "149.90")

    def test_of_money_and_of_its_pieces_is_the_same(self, api, card) -> None:
        """Whoever counts in pieces goes on as before."""
        answers = [
            api.post("accruals", {"member": card["id"], **how}).get_json()
            for how in ({"points": 19990}, {"money": rub("199.90")})
        ]
        assert [one["points"] for one in answers] == [19990, 19990]
        assert [one["balance"]["available"] for one in answers] == [19990, 39980]

    def test_of_holds(self, api, card) -> None:
        api.post("accruals", {"member": card["id"], "money": rub("100")})
        hold = api.post("holds", {"member": card["id"], "money": rub("60.50")}).get_json()
        assert (hold["points"], hold["money"]) == (6050, rub("60.50"))
        assert hold["captured_money"] == rub("0.00")
        assert hold["balance"] == standing(3950, "39.50", 6050, "60.50")
        captured = api.post(f"holds/{hold['id']}/capture", {"money": rub("0.50")}).get_json()
        assert captured["money"] == rub("0.50")
        read = api.get(f"holds/{hold['id']}").get_json()
        assert (read["captured"], read["captured_money"]) == (50, rub("0.50"))
        rest = api.post("holds", {"member": card["id"], "points": 1}).get_json()
        released = api.call("POST", f"holds/{rest['id']}/release").get_json()
        assert released["balance"] == standing(9950, "99.50")

    def test_of_reversals_and_transfers(self, api, card) -> None:
        other = api.post("members", {"programme": "gifts"}).get_json()
        posting = api.post("accruals", {"member": card["id"], "money": rub("100")}).get_json()
        undone = api.post(f"postings/{posting['id']}/reverse", {"money": rub("10.01")}).get_json()
        assert (undone["points"], undone["money"]) == (1001, rub("10.01"))
        assert undone["members"][0]["balance"] == standing(8999, "89.99")
        wish = {
            "from": {"member": card["id"]},
            "to": {"member": other["id"]},
            "money": rub("0.99"),
        }
        given = api.post("transfers", wish).get_json()
        assert given["money"] == rub("0.99")
        assert given["from"]["balance"] == standing(8900, "89.00")
        assert given["to"]["balance"] == standing(99, "0.99")

    def test_of_statements_balances_and_liability(self, api, card) -> None:
        api.post("accruals", {"member": card["id"], "money": rub("100")})
        api.post("redemptions", {"member": card["id"], "money": rub("30.05")})
        path = f"members/{card['id']}"
        lines = api.get(f"{path}/postings").get_json()["items"]
        assert [(one["points"], one["money"]) for one in lines] == [
            (-3005, rub("-30.05")),
            (10000, rub("100.00")),
        ]
        assert lines[0]["balance_after_money"] == rub("69.95")
        balance = api.get(f"{path}/balances").get_json()["items"][0]
        assert (balance["total"], balance["total_money"]) == (6995, rub("69.95"))
        assert balance["debt_money"] == rub("0.00")
        at = datetime.now(UTC).isoformat().replace("+", "%2B")
        then = api.get(f"{path}/balances?at={at}").get_json()["items"][0]
        assert then["total_money"] == rub("69.95")
        assert "available_money" not in then
        owed = api.get("programmes/gifts/liability").get_json()
        assert owed["total_money"] == rub("69.95")
        assert owed["months"][0]["money"] == rub("69.95")
        assert owed["months"][0]["pending_money"] == rub("0.00")
        assert api.get(path).get_json()["balance"] == standing(6995, "69.95")

    def test_of_a_scan(self, api, card) -> None:
        seen = api.post("scans", {"barcode": card["card"]["number"]}).get_json()
        assert seen["balance"] == standing(0, "0.00")

    def test_of_a_statement_between_sums(self, api, card) -> None:
        for amount in ("1", "2.50", "3"):
            api.post("accruals", {"member": card["id"], "money": rub(amount)})
        path = f"members/{card['id']}/postings"
        found = api.get(f"{path}?at_least_money=2.50+RUB&at_most_money=2.99+RUB").get_json()
        assert [one["points"] for one in found["items"]] == [250]
        answer = api.get(f"{path}?at_least_money=2.50+EUR")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "wrong_currency")
        for query in ("at_least_money=2.50", "at_least_money=2,5+RUB", "at_most_money=-1+RUB"):
            assert api.get(f"{path}?{query}").get_json()["code"] == "invalid_request"
        both = api.get(f"{path}?at_least=1&at_least_money=1+RUB").get_json()
        assert both["errors"][0]["code"] == "points_or_money"

    def test_of_another_unit_of_a_programme(self, api, member, cashback) -> None:
        wish = {"member": member["id"], "unit": "cashback", "money": rub("1.05")}
        assert api.post("accruals", wish).get_json()["points"] == 105
        main, other = api.get(f"members/{member['id']}/balances").get_json()["items"]
        assert not any(name.endswith("_money") for name in main)
        assert other["available_money"] == rub("1.05")

    def test_of_batches(self, api, card) -> None:
        items = [
            {"key": "1", "type": "accrual", "member": card["id"], "money": rub("10")},
            {"key": "2", "type": "redemption", "member": card["id"], "money": rub("2.50")},
            {"key": "3", "type": "redemption", "member": card["id"], "money": rub("99")},
            {"key": "4", "type": "accrual", "member": card["id"], "money": rub("0.001")},
            {"key": "5", "type": "accrual", "member": card["id"], "points": 1},
        ]
        first = api.post("batches", {"items": items}).get_json()["items"]
        assert [one["status"] for one in first] == [201, 201, 409, 422, 201]
        assert first[1]["posting"]["money"] == rub("2.50")
        assert first[1]["posting"]["balance"] == standing(750, "7.50")
        assert [one["code"] for one in first[2:4]] == ["insufficient_points", "too_many_decimals"]
        assert first[2]["detail"] == "RUB\u00a099.00 was asked for and RUB\u00a07.50 can be spent."
        assert api.post("batches", {"items": items[:2]}).get_json()["items"] == first[:2]

    def test_of_imports(self, client, api, house, gifts) -> None:
        answer = client.post(
            "/api/v1/imports?programme=gifts&kind=members",
            data=b"phone;balance\n+79990000001;12,50\n",
            headers={
                "Authorization": "Bearer sandbox-test-key-of-32-characters",
                "Content-Type": "text/csv",
            },
        )
        house.run("imports")
        preview = api.get(f"imports/{answer.get_json()['id']}").get_json()
        assert (preview["points_good"], preview["points_good_money"]) == (1250, rub("12.50"))
        assert preview["points_applied_money"] == rub("0.00")

    def test_of_gifts_for_birthdays(self, api, gifts) -> None:
        terms = {"on": False, "gift_money": rub("5.50")}
        put = api.call("PUT", "programmes/gifts/messages/birthday", terms).get_json()
        assert (put["gift"], put["gift_money"]) == (550, rub("5.50"))
        kept = api.get("programmes/gifts/messages").get_json()["items"]
        assert next(one for one in kept if one["gift"])["gift_money"] == rub("5.50")
        both = {**terms, "gift": 550}
        answer = api.call("PUT", "programmes/gifts/messages/birthday", both).get_json()
        assert answer["errors"][0]["code"] == "points_or_money"


class TestRefusals:
    @pytest.mark.parametrize(
        ("money", "code", "english", "russian"),
        [
            (
                {"amount": "1", "currency": "EUR"},
                "wrong_currency",
                "The currency here is RUB, not EUR.",
                "Валюта здесь — RUB, а не EUR.",
            ),
            (
                rub("1.005"),
                "too_many_decimals",
                "An amount has at most 2 decimal places here.",
                "В сумме здесь не больше 2 знаков после точки.",
            ),
            (
                rub("90071992547409.92"),
                "amount_too_large",
                "An amount is at most 90071992547409.91.",
                "Сумма не может быть больше 90071992547409.91.",
            ),
        ],
    )
    def test_of_money_that_the_unit_has_not(
        self, api, card, money: dict, code: str, english: str, russian: str
    ) -> None:
        wish = {"member": card["id"], "money": money}
        for path in ("accruals", "redemptions", "holds"):
            for language, words in (("en", english), ("ru", russian)):
                answer = api.call("POST", path, wish, **{"Accept-Language": language})
                assert (answer.status_code, answer.get_json()["code"]) == (422, code)
                assert answer.get_json()["detail"] == words

    def test_of_money_for_points(self, api, member) -> None:
        wish = {"member": member["id"], "money": rub("1")}
        answer = api.call("POST", "accruals", wish, **{"Accept-Language": "ru"}).get_json()
        assert (answer["status"], answer["code"]) == (422, "not_money")
        assert answer["detail"] == "Единица «points» — не деньги: укажите points."

    @pytest.mark.parametrize(
        ("money", "field", "code"),
        [
            (rub("-1"), "money.amount", "amount_negative"),
            (rub("-0.00"), "money.amount", "amount_negative"),
            (rub("0"), "money.amount", "amount_zero"),
            (rub("0.00"), "money.amount", "amount_zero"),
            (rub("1,50"), "money.amount", "amount_malformed"),
            (rub("1e3"), "money.amount", "amount_malformed"),
            (rub("+1"), "money.amount", "amount_malformed"),
            (rub("01"), "money.amount", "amount_malformed"),
            (rub("1."), "money.amount", "amount_malformed"),
            (rub("٣"), "money.amount", "amount_malformed"),
            (rub("9" * 41), "money.amount", "too_long"),
            ({"amount": 1.5, "currency": "RUB"}, "money.amount", "not_text"),
            ({"amount": "1", "currency": "rub"}, "money.currency", "currency_malformed"),
            ({"amount": "1"}, "money.currency", "required"),
            ({"amount": "1", "currency": "RUB", "cents": 1}, "money.cents", "unknown_field"),
            ("1 RUB", "money", "not_an_object"),
        ],
    )
    def test_of_what_is_not_money_at_all(
        self, api, card, money: object, field: str, code: str
    ) -> None:
        wish = {"member": card["id"], "money": money}
        for language in ("en", "ru"):
            answer = api.call("POST", "accruals", wish, **{"Accept-Language": language}).get_json()
            assert answer["code"] == "invalid_request"
            assert [(one["field"], one["code"]) for one in answer["errors"]] == [(field, code)]
            assert answer["errors"][0]["message"] not in ("does not fit", "не подходит")

    def test_of_both_and_of_neither(self, api, card) -> None:
        both = {"member": card["id"], "points": 1, "money": rub("1")}
        error = api.post("accruals", both).get_json()["errors"]
        assert [(one["field"], one["code"]) for one in error] == [("points", "points_or_money")]
        error = api.post("accruals", {"member": card["id"]}).get_json()["errors"]
        assert [(one["field"], one["code"]) for one in error] == [("points", "required")]
        hold = api.post("holds", {"member": card["id"], "points": 1})
        assert hold.get_json()["code"] == "insufficient_points"
        answer = api.post("holds/x/capture", {"points": 1, "money": rub("1")}).get_json()
        assert answer["errors"][0]["code"] == "points_or_money"

    def test_count_in_money_where_it_is_counted(self, api, card, member) -> None:
        wish = {"member": card["id"], "points": 19990}
        answer = api.call("POST", "redemptions", wish, **{"Accept-Language": "ru"}).get_json()
        assert answer["detail"] == "Запрошено 199,90\u00a0₽, доступно 0,00\u00a0₽."
        assert (answer["asked"], answer["asked_money"]) == (19990, rub("199.90"))
        assert (answer["available"], answer["available_money"]) == (0, rub("0.00"))
        other = api.post("redemptions", {"member": member["id"], "points": 3}).get_json()
        assert other["detail"] == "3 points were asked for and 0 can be spent."
        assert not any(name.endswith("_money") for name in other)


class TestWebhooks:
    @pytest.fixture
    def send(self, client, installation, house, gifts) -> Callable[[str, dict], dict]:
        secret = sources.new_secret()
        with installation.database.transaction() as session:
            programme_id = programmes.by_code(session, "gifts").id
            for name, kind in (("till", "generic"), ("onec", "1c")):
                sources.add(
                    session, installation.keys, name, kind, programme_id, secret, BY, house.clock()
                )

        def sent(name: str, message: dict) -> dict:
            payload, moment = json.dumps(message), datetime.now(UTC)
            headers = {
                "webhook-id": str(len(payload)),
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": Webhook(secret).sign(str(len(payload)), moment, payload),
                "Content-Type": "application/json",
            }
            return client.post(f"/webhooks/{name}", data=payload, headers=headers).get_json()

        return sent

    def test_bring_money_in_our_words(self, send, card) -> None:
        data = {"card": card["card"]["number"], "money": rub("7.05")}
        message = {
            "type": "points.accrued",
            "timestamp": "2026-11-24T12:00:00Z",
            "data": data,
        }
        assert send("till", message)["balance"] == standing(705, "7.05")
        message["data"] = {**data, "points": 1}
        assert send("till", message)["errors"][0]["code"] == "points_or_money"

    def test_bring_money_in_the_words_of_1c(self, send, card) -> None:
        message = {"Вид": "Начисление", "Карта": card["card"]["number"], "Сумма": "7.05"}
        assert send("onec", message)["errors"][0]["code"] == "sum_and_currency"
        assert send("onec", {**message, "Валюта": "EUR"})["code"] == "wrong_currency"
        assert send("onec", {**message, "Валюта": "RUB "})["code"] == "invalid_request"
        answer = send("onec", {**message, "Валюта": "RUB", "Документ": "Чек 1"})
        assert answer["balance"] == standing(705, "7.05")


class TestThoseWhoCountInPoints:
    """Requests are known by the hash of their dump: it must stay as it was before there was money,
    or what was answered then would be refused as another request under the same key."""

    @pytest.mark.parametrize(
        ("model", "sent", "dump"),
        [
            (
                AccrualIn,
                {"card": "1", "points": 5},
                '{"reason":null,"receipt":null,"store":null,"promotion":null,"occurred_at":null,'
                '"card":"1","member":null,"points":5,"unit":null,"activates_at":null,'
                '"expires_at":null}',
            ),
            (
                RedemptionIn,
                {"member": "1", "points": 5},
                '{"reason":null,"receipt":null,"store":null,"promotion":null,"occurred_at":null,'
                '"card":null,"member":"1","points":5,"unit":null}',
            ),
            (
                HoldIn,
                {"card": "1", "points": 5},
                '{"reason":null,"receipt":null,"store":null,"promotion":null,"occurred_at":null,'
                '"card":"1","member":null,"points":5,"unit":null,"lasts_seconds":1800}',
            ),
            (CaptureIn, {}, '{"points":null}'),
            (
                ReversalIn,
                {"points": 5},
                '{"reason":null,"receipt":null,"store":null,"promotion":null,"occurred_at":null,'
                '"points":5,"expires_at":null}',
            ),
            (
                TransferIn,
                {"from": {"card": "1"}, "to": {"card": "2"}, "points": 5},
                '{"reason":null,"receipt":null,"store":null,"promotion":null,"occurred_at":null,'
                '"giver":{"card":"1","member":null},"taker":{"card":"2","member":null},"points":5,'
                '"unit":null}',
            ),
            (
                BatchIn,
                {"items": [{"key": "k", "type": "accrual", "card": "1", "points": 5}]},
                '{"items":[{"reason":null,"receipt":null,"store":null,"promotion":null,'
                '"occurred_at":null,"card":"1","member":null,"key":"k","type":"accrual","points":5,'
                '"unit":null,"activates_at":null,"expires_at":null}]}',
            ),
        ],
    )
    def test_are_known_by_the_same_hash(self, model: type, sent: dict, dump: str) -> None:
        assert model.model_validate(sent).model_dump_json() == dump

    def test_are_answered_as_before(self, api, member) -> None:
        answer = api.post("accruals", {"member": member["id"], "points": 5}).get_json()
        assert set(answer) == {"id", "member", "points", "balance"}
        assert answer["balance"] == {"available": 5, "pending": 0, "held": 0, "debt": 0}
        line = api.get(f"members/{member['id']}/postings").get_json()["items"][0]
        assert not any("money" in name for name in line)
        owed = api.get("programmes/demo/liability").get_json()
        assert set(owed) == {"programme", "unit", "total", "months"}
        assert set(owed["months"][0]) == {"month", "points", "pending", "lots"}


def test_messages_of_a_gift_card_speak_of_money(api, card, house, client) -> None:
    answer = api.call("PUT", "programmes/gifts/messages/accrued", {"on": True})
    assert answer.get_json()["texts"]["ru"] == "Начислено {{accrued}}. Теперь на карте {{points}}."
    assert Phone.with_card(client, card).register().status_code == 201
    body = {"member": card["id"], "money": {"amount": "1250.50", "currency": "RUB"}}
    assert api.post("accruals", body).status_code == 201
    house.run()
    told = api.get(f"members/{card['id']}/messages").get_json()["items"]
    assert [one["text"] for one in told] == [
        "Начислено 1\u00a0250,50\u00a0₽. Теперь на карте 1\u00a0250,50\u00a0₽."
    ]
