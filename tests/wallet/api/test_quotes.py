"""Promotions written, tried and published, and receipts priced by them, over the API."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from phones import Phone, opened
from statements import recorded

from ledger.programmes import programmes, units
from ledger.programmes.units import UnitTerms

DOCUMENTS = re.findall(
    r"```json\n(.*?)```",
    (Path(__file__).parents[3] / "docs" / "promotions.md").read_text(),
    re.DOTALL,
)

SHOES = {"id": "1", "sku": "SHOE-38", "price": {"amount": "4990.00", "currency": "RUB"}}
SOCKS = {
    "id": "2",
    "sku": "SOCKS",
    "quantity": "3",
    "price": {"amount": "299.00", "currency": "RUB"},
}
BAG = {"id": "3", "sku": "BAG", "price": {"amount": "15.00", "currency": "RUB"}, "kind": "bag"}
THREE_FOR_TWO = {
    "name": {"ru": "Носки 3 по цене 2", "en": "Socks 3 for 2"},
    "gives": [{"kind": "nth_unit", "every": 3, "goods": {"skus": ["SOCKS"]}}],
}
TEN_PERCENT = {"name": "Sale", "gives": [{"kind": "percent", "percent": "10"}]}


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


@pytest.fixture
def base_programme(api) -> None:
    """5 % back, points pay everything and are worth 1.00 each."""
    terms = {
        "percent_back": "5",
        "percent_payable": "100",
        "point_worth": rub("1.00"),
        "live_days": 365,
    }
    answer = api.call("PUT", "programmes/demo/base", terms)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def write(api):
    def written(code: str, rules: dict = TEN_PERCENT, **more: object) -> dict:
        answer = api.post("promotions", {"programme": "demo", "code": code, **rules, **more})
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    return written


@pytest.fixture
def publish(api, write):
    def published(code: str, rules: dict = TEN_PERCENT, *, where: dict | None = None) -> dict:
        write(code, rules)
        answer = api.post(f"promotions/{code}/publish", {"programme": "demo", **(where or {})})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    return published


@pytest.fixture
def quote(api):
    def quoted(*lines: dict, **receipt: object) -> dict:
        answer = api.post("quotes", {"programme": "demo", "lines": list(lines), **receipt})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    return quoted


def terms(api, **wanted: object) -> None:
    answer = api.call("PUT", "promotions/terms", {"programme": "demo", **wanted})
    assert answer.status_code == 200, answer.text


def outcomes(quote: dict) -> dict[str, str]:
    return {one["promotion"]: one["outcome"] for one in quote["promotions"]}


def test_the_one_receipt_of_the_documentation(api, base_programme, join, publish, quote) -> None:
    member = join(name="Anna")
    api.post("accruals", {"member": member["id"], "points": 500})
    publish("socks", THREE_FOR_TWO)
    found = quote(SHOES, SOCKS, BAG, member=member["id"], pay={"points": "most"})
    assert [
        (line["discount"]["amount"], line["points"]["amount"], line["total"]["amount"])
        for line in found["lines"]
    ] == [("0.00", "446.49", "4543.51"), ("299.00", "53.51", "544.49"), ("0.00", "0.00", "15.00")]
    assert found["lines"][1]["pieces"] == [
        {"quantity": "2", "price": rub("181.50"), "total": rub("363.00")},
        {"quantity": "1", "price": rub("181.49"), "total": rub("181.49")},
    ]
    assert (found["points"]["earned"], found["points"]["spent"]) == (254, 500)
    assert (found["list"], found["total"], found["due"]) == (
        rub("5902.00"),
        rub("5103.00"),
        rub("5103.00"),
    )
    assert outcomes(found) == {"socks": "applied"}
    assert [text.replace("\u00a0", " ") for text in found["slip"]] == [
        "Вы сэкономили 299 ₽",
        "Списано баллов: 500",
        "Начислено баллов: 254",
        "Осталось баллов: 0",
    ]
    balance = api.get(f"members/{member['id']}").get_json()["balance"]
    assert balance["available"] == 500, "a quote changes nothing"


def test_the_catalogue_completes_what_the_till_leaves_out(api, publish, quote) -> None:
    answer = api.call("PUT", "categories/shoes", {"programme": "demo", "name": "Shoes"})
    assert answer.status_code == 200, answer.text
    product = {
        "programme": "demo",
        "name": "Keds",
        "category": "shoes",
        "barcodes": ["4006381333931"],
        "price": rub("4990.00"),
    }
    assert api.call("PUT", "products/SHOE-38", product).status_code == 200
    publish(
        "shoes",
        {
            **TEN_PERCENT,
            "gives": [{"kind": "percent", "percent": "10", "goods": {"categories": ["shoes"]}}],
        },
    )
    found = quote({"id": "1", "barcode": "4006381333931"}, {**SOCKS, "quantity": 1})
    assert [line["total"]["amount"] for line in found["lines"]] == ["4491.00", "299.00"]


class TestVersions:
    def test_a_draft_gives_nothing_but_in_a_check(self, api, write, quote) -> None:
        write("sale")
        assert quote(SHOES)["total"] == rub("4990.00")
        receipt = {"programme": "demo", "lines": [SHOES]}
        tried = {"code": "other", **TEN_PERCENT}
        answer = api.post("promotions/check", {"receipt": receipt, "with": [tried]}).get_json()
        assert answer["quote"]["total"] == rub("4491.00")
        assert outcomes(answer["trace"]) == {"other": "applied"}

    def test_what_was_published_stays_until_the_next_publishing(self, api, publish, quote) -> None:
        assert publish("sale")["version"] == 1
        half = {"name": "Sale", "gives": [{"kind": "percent", "percent": "50"}]}
        changed = api.call("PUT", "promotions/sale", {"programme": "demo", **half}).get_json()
        assert (changed["revision"], changed["version"]) == (2, 1)
        assert quote(SHOES)["total"] == rub("4491.00")
        api.post("promotions/sale/publish", {"programme": "demo"})
        assert quote(SHOES)["total"] == rub("2495.00")
        told = api.get("promotions/sale/versions?programme=demo").get_json()
        assert [one["number"] for one in told["items"]] == [1, 2]
        assert [one["version"] for one in told["stages"]] == [1, 2]
        assert api.post("promotions/sale/end", {"programme": "demo"}).get_json()["stage"] == "ended"
        assert quote(SHOES)["total"] == rub("4990.00")

    def test_a_pilot_is_on_in_its_stores_and_the_version_before_elsewhere(
        self, api, publish, quote
    ) -> None:
        for code in ("centre", "airport"):
            assert api.call("PUT", f"stores/{code}", {"programme": "demo"}).status_code == 200
        publish("sale")
        half = {"name": "Sale", "gives": [{"kind": "percent", "percent": "50"}]}
        api.call("PUT", "promotions/sale", {"programme": "demo", **half})
        where = {"programme": "demo", "stage": "pilot", "stores": ["airport"]}
        assert api.post("promotions/sale/publish", where).status_code == 200
        assert quote(SHOES, store="airport")["total"] == rub("2495.00")
        assert quote(SHOES, store="centre")["total"] == rub("4491.00")

    def test_one_that_begins_later_is_on_by_the_clock(self, api, house, publish, quote) -> None:
        later = (house.clock() + timedelta(days=1)).isoformat()
        publish("sale", where={"from": later})
        assert quote(SHOES)["total"] == rub("4990.00")
        house.clock.advance(days=2)
        assert quote(SHOES)["total"] == rub("4491.00")

    def test_two_who_write_at_once_are_told(self, api, write) -> None:
        write("sale")
        body = {"programme": "demo", **TEN_PERCENT, "priority": 5}
        first = api.call("PUT", "promotions/sale", body, **{"If-Match": '"1"'})
        second = api.call("PUT", "promotions/sale", body, **{"If-Match": '"1"'})
        assert (first.status_code, second.status_code) == (200, 412)


class TestWhoBuys:
    def test_a_phone_number_that_nobody_has_is_no_member(self, api, join, publish, quote) -> None:
        publish("club", {**TEN_PERCENT, "when": {"kind": "member"}})
        join(name="Anna", phone="+79991234567")
        assert quote(SHOES, phone="8 999 123-45-67")["total"] == rub("4491.00")
        assert quote(SHOES, phone="+79990000000")["total"] == rub("4990.00")

    def test_who_says_a_phone_number_needs_a_code_to_spend(
        self, api, base_programme, join, quote
    ) -> None:
        member = join(name="Anna", phone="+79991234567")
        api.post("accruals", {"member": member["id"], "points": 500})
        spoken = quote(SHOES, phone="+79991234567", pay={"points": "most"})
        assert spoken["points"]["spend_needs"] == "code"
        shown = quote(SHOES, card=member["card"]["number"], pay={"points": "most"})
        assert (shown["points"]["spend_needs"], shown["points"]["spent"]) == (None, 500)

    def test_the_first_purchase_is_one_that_was_not_undone(
        self, api, base_programme, join, publish, quote
    ) -> None:
        member = join(name="Anna")
        publish("first", {**TEN_PERCENT, "when": {"kind": "purchase_number", "is": 1}})
        assert quote(SHOES, member=member["id"])["total"] == rub("4491.00")
        bought = {"member": member["id"], "points": 5, "purchase": rub("100.00")}
        posting = api.post("accruals", bought).get_json()
        assert quote(SHOES, member=member["id"])["total"] == rub("4990.00")
        api.post(f"postings/{posting['id']}/reverse", {})
        assert quote(SHOES, member=member["id"])["total"] == rub("4491.00")

    def test_an_audience_is_asked_of_the_member(self, api, join, publish, quote) -> None:
        anna, boris = join(name="Anna"), join(name="Boris")
        api.post("accruals", {"member": anna["id"], "points": 700})
        rich = {"kind": "audience", "segment": {"kind": "balance", "at_least": 500}}
        publish("rich", {**TEN_PERCENT, "when": rich})
        assert quote(SHOES, member=anna["id"])["total"] == rub("4491.00")
        assert quote(SHOES, member=boris["id"])["total"] == rub("4990.00")

    @pytest.mark.parametrize("kind", ["hmac", "ed25519"])
    def test_a_quote_checks_the_code_of_a_card_and_leaves_it_good(
        self, api, client, house, join, publish, quote, kind
    ) -> None:
        publish("club", {**TEN_PERCENT, "when": {"kind": "member"}})
        assert api.call("PATCH", "programmes/demo/card-code", {"kind": kind}).status_code == 200
        house.run()
        phone = Phone.with_card(client, join(name="Anna"))
        phone.register()
        shown = opened(phone.fetch().data)["barcodes"][0]["message"]
        for _ in range(3):
            assert quote(SHOES, barcode=shown)["total"] == rub("4491.00")
        house.run()
        assert opened(phone.fetch().data)["barcodes"][0]["message"] == shown
        assert api.post("scans", {"barcode": shown}).status_code == 200
        forged = {"programme": "demo", "lines": [SHOES], "barcode": f"{shown[:-4]}AAAA"}
        answer = api.post("quotes", forged)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "code_forged")


class TestTerms:
    def test_ceilings_hold_whatever_meets(self, api, publish, quote) -> None:
        terms(api, lanes=[{"code": "main", "mode": "all"}])
        for code, size in (("a", "50"), ("b", "60"), ("c", "50")):
            publish(code, {"name": code, "gives": [{"kind": "percent", "percent": size}]})
        thing = {"id": "1", "sku": "X", "price": rub("1000.00")}
        assert quote(thing)["total"] == rub("100.00")
        terms(api, lanes=[{"code": "main", "mode": "all"}], ceilings={"line": "50"})
        assert quote(thing)["total"] == rub("500.00")

    def test_a_lane_that_promotions_name_stays(self, api, write) -> None:
        terms(api, lanes=[{"code": "main", "mode": "all"}, {"code": "club", "mode": "best"}])
        write("sale", lane="club")
        answer = api.call(
            "PUT",
            "promotions/terms",
            {"programme": "demo", "lanes": [{"code": "x", "mode": "all"}]},
        )
        assert (answer.status_code, answer.get_json()["code"]) == (422, "promotion_refused")


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        ({"lines": [{"id": "1", "sku": "X"}]}, "price_missing"),
        ({"lines": [SHOES, SHOES]}, "receipt_refused"),
        ({"lines": [{**SHOES, "quantity": "-1"}]}, "invalid_request"),
        ({"lines": [{**SHOES, "quantity": "NaN"}]}, "invalid_request"),
        ({"lines": [{**SHOES, "quantity": "1.2345"}]}, "invalid_request"),
        (
            {"lines": [{**SHOES, "price": {"amount": "1", "currency": "EUR"}}, SOCKS]},
            "wrong_currency",
        ),
        ({"lines": [{**SHOES, "given": rub("5000.00")}]}, "receipt_refused"),
        ({"lines": [{**SHOES, "marked": "01046", "quantity": 2}]}, "receipt_refused"),
        ({"lines": [{"id": "1", "barcode": "4006381333931"}]}, "receipt_refused"),
        ({"lines": [{**SHOES, "id": str(n)} for n in range(1001)]}, "too_many_lines"),
        (
            {"lines": [{**SHOES, "price": {"amount": "1.234", "currency": "RUB"}}]},
            "too_many_decimals",
        ),
        ({"lines": [SHOES], "card": "1", "phone": "+79991234567"}, "invalid_request"),
        ({"lines": [SHOES], "store": "nowhere"}, "unknown_store"),
        ({"lines": [{**SHOES, "price": rub("90071992547409.92")}]}, "amount_too_large"),
        (
            {"lines": [{**SHOES, "price": rub("90071992547409.91"), "quantity": 2}]},
            "receipt_refused",
        ),
        (
            {"lines": [{**SHOES, "id": str(n), "price": rub("90071992547409.91")} for n in (1, 2)]},
            "receipt_refused",
        ),
        ({"lines": [{**SHOES, "quantity": 10**9}]}, "invalid_request"),
        ({"lines": [{**SHOES, "quantity": "9" * 5000}]}, "invalid_request"),
        ({"lines": [{**SHOES, "id": "a\u0000"}]}, "invalid_request"),
        ({"lines": [{**SHOES, "vat": "x" * 21}]}, "invalid_request"),
        ({"lines": [{**SHOES, "properties": {str(n): "x" for n in range(51)}}]}, "invalid_request"),
        ({"lines": [{**SHOES, "parent": "1"}]}, "receipt_refused"),
        ({"lines": []}, "invalid_request"),
    ],
)
def test_a_receipt_that_cannot_be_is_refused(api, receipt, code) -> None:
    answer = api.post("quotes", {"programme": "demo", **receipt})
    assert (answer.status_code // 100, answer.get_json()["code"]) == (4, code), answer.text


@pytest.mark.parametrize(
    ("drafts", "words"),
    [
        ([{"code": "a", **TEN_PERCENT, "lane": "club"}], "there is no lane 'club', only main."),
        ([{"code": "a", **TEN_PERCENT}] * 2, "'a' stands there twice."),
        ([{"code": "terms", **TEN_PERCENT}], "'terms' cannot be a code."),
    ],
)
def test_what_could_not_be_published_cannot_be_tried(api, drafts, words) -> None:
    receipt = {"programme": "demo", "lines": [SHOES]}
    answer = api.post("promotions/check", {"receipt": receipt, "with": drafts})
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "promotion_refused")
    assert words in told["detail"]


def test_a_receipt_may_be_long_and_in_any_script(api, publish, quote) -> None:
    publish("sale")
    found = quote(*({**BAG, "id": f"строка 袜子 {n}", "kind": "goods"} for n in range(1000)))
    assert (len(found["lines"]), found["total"]) == (1000, rub("13500.00"))


def test_a_longer_receipt_asks_the_database_no_more(api, house, join, publish) -> None:
    member = join(name="Anna", birthday="1990-02-28")
    when = [
        {"kind": "audience", "segment": {"kind": "balance", "at_least": 500}},
        {"kind": "purchase_number", "is": 1},
        {"kind": "birthday", "before": 3, "after": 3},
        {"kind": "birthday", "before": 7, "after": 7},
    ]
    for number, one in enumerate(when):
        publish(f"p{number}", {**TEN_PERCENT, "when": one})
    items = [{"sku": f"S{n}", "price": rub("100.00")} for n in range(200)]
    assert api.post("products/batch", {"programme": "demo", "items": items}).status_code == 200
    counted = []
    for most in (1, 1, 200):
        lines = [{"id": str(n), "sku": f"S{n}"} for n in range(most)]
        with recorded(house.installation.database) as statements:
            body = {"programme": "demo", "member": member["id"], "lines": lines}
            assert api.post("quotes", body).status_code == 200
        counted.append(len(statements))
    assert counted[1] == counted[2] <= counted[0]


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"gives": [{"kind": "percent", "percent": "101"}]}, "gives.0.percent.percent"),
        ({"gives": [{"kind": "nonsense"}]}, "gives.0"),
        ({"gives": []}, "gives"),
        ({"gives": TEN_PERCENT["gives"], "budget": {"money": rub("0")}}, "budget.money.amount"),
        (
            {
                "gives": TEN_PERCENT["gives"],
                "from": "2026-12-02T00:00:00Z",
                "until": "2026-12-01T00:00:00Z",
            },
            "",
        ),
    ],
)
def test_a_promotion_that_cannot_be_is_refused_at_the_field(api, rules, field) -> None:
    answer = api.post("promotions", {"programme": "demo", "code": "x", "name": "X", **rules})
    told = answer.get_json()
    assert answer.status_code == 422, told
    assert any(one["field"].startswith(field) for one in told["errors"]), told


def test_a_code_that_nobody_knows_is_explained_and_no_error(publish, quote) -> None:
    publish("spring", {**TEN_PERCENT, "when": {"kind": "code", "codes": ["SPRING"]}})
    found = quote(SHOES, codes=[" spring", "AUTUMN"])
    assert [(one["code"], one["state"]) for one in found["codes"]] == [
        ("spring", "applied"),
        ("AUTUMN", "unknown"),
    ]
    assert found["total"] == rub("4491.00")


class TestWords:
    """What tills and marketers read is in their language."""

    def test_a_till_reads_why_in_its_language(self, api, write, quote, publish) -> None:
        publish("socks", THREE_FOR_TWO)
        answers = [
            api.call(
                "POST",
                "quotes",
                {"programme": "demo", "lines": [SOCKS]},
                **{"Accept-Language": language},
            ).get_json()
            for language in ("ru", "en")
        ]
        told = [answer["lines"][0]["reasons"][0]["text"] for answer in answers]
        assert "Носки 3 по цене 2" in told[0]
        assert "Socks 3 for 2" in told[1]
        assert all(len(text) <= 40 for text in told)

    def test_every_kind_has_words_an_example_and_a_schema(self, api) -> None:
        russian, english = (
            api.call("GET", "promotions/kinds", **{"Accept-Language": language}).get_json()
            for language in ("ru", "en")
        )
        by_kind = {one["kind"]: one for one in english["kinds"]}
        assert {"nth_unit", "percent", "amount", "birthday"} <= set(by_kind)
        assert by_kind["nth_unit"]["part"]["definition"] in english["$defs"]
        names = [
            {one["kind"]: one["part"]["name"] for one in told["kinds"]}
            for told in (russian, english)
        ]
        assert all(names[0][kind] != names[1][kind] for kind in names[0])
        rewards = [one["example"] for one in english["kinds"] if one["family"] != "condition"]
        body = {"programme": "demo", "code": "all", "name": "All", "gives": rewards[:10]}
        assert api.post("promotions", body).status_code == 201


def test_whole_documents_of_the_documentation_are_taken(api) -> None:
    told = [json.loads(document) for document in DOCUMENTS]
    promotions = [one for one in told if "gives" in one]
    terms_ = [one for one in told if "lanes" in one]
    assert (len(promotions), len(terms_)) == (3, 1)
    for one in promotions:
        assert api.post("promotions", one).status_code == 201, one
    assert api.call("PUT", "promotions/terms", terms_[0]).status_code == 200


def test_a_promotion_in_another_currency_than_the_programme(api, base_programme, write) -> None:
    euros = {"gives": [{"kind": "amount", "amount": {"amount": "5", "currency": "EUR"}}]}
    write("euros", {"name": "Euros", **euros})
    for path, body in (
        ("promotions/euros/publish", {"programme": "demo"}),
        (
            "promotions/check",
            {
                "receipt": {"programme": "demo", "lines": [SHOES]},
                "with": [{"code": "euros", "name": "Euros", **euros}],
            },
        ),
    ):
        answer = api.post(path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "promotion_refused"), path
    mixed = {"kind": "amount", "at_least": rub("100")}
    body = {"programme": "demo", "code": "x", "name": "X", "when": mixed, **euros}
    answer = api.post("promotions", body)
    assert answer.status_code == 422
    assert "two_currencies" in answer.text
    stays = {"paying": {"stays": {"amount": "1", "currency": "EUR"}}}
    answer = api.call("PUT", "promotions/terms", {"programme": "demo", **stays})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "promotion_refused")


def test_a_receipt_in_another_currency_than_a_promotion(publish, quote) -> None:
    """A programme without a worth of its points takes receipts in any currency."""
    gives = [{"kind": "amount", "amount": {"amount": "5", "currency": "EUR"}}]
    publish("euros", {"name": "Euros", "gives": gives})
    found = quote(SHOES)
    assert (found["discount"], found["promotions"]) == (rub("0.00"), [])
    line = {**SHOES, "price": {"amount": "49.90", "currency": "EUR"}}
    assert quote(line)["discount"] == {"amount": "5.00", "currency": "EUR"}


def test_what_modifies_a_line_hangs_on_one(api, quote) -> None:
    def line(name: str, parent: str | None) -> dict:
        return {"id": name, "sku": name, "price": rub("10.00"), "parent": parent}

    for lines in (
        [line("a", "nobody")],
        [line("a", "a")],
        [line("a", "b"), line("b", "a")],
        [line("a", "b"), line("b", "c"), line("c", "b")],
    ):
        answer = api.post("quotes", {"programme": "demo", "lines": lines})
        found = (answer.status_code, answer.get_json()["code"])
        assert found == (422, "receipt_refused"), lines
    assert quote(line("a", None), line("b", "a"), line("c", "b"))["total"] == rub("30.00")


def test_a_reward_is_bought_with_points(api, base_programme, join, publish, quote) -> None:
    member = join(name="Anna")
    api.post("accruals", {"member": member["id"], "points": 500})
    first = {"kind": "percent", "percent": "100", "pick": {"cheapest": 1}}
    publish("free", {"name": "Free", "gives": [first], "costs": {"points": 100}})
    wished = {"rewards": [{"promotion": "free", "times": 2}], "points": 50}
    found = quote(SHOES, SOCKS, member=member["id"], pay=wished)
    assert found["discount"] == rub("598.00")
    assert found["points"]["rewards"] == [{"promotion": "free", "times": 2, "points": 200}]
    assert (found["points"]["spent"], found["points"]["paid"]) == (250, rub("50.00"))
    offered = quote(SHOES, SOCKS, member=member["id"])["promotions"]
    assert [(one["outcome"], one["text"]) for one in offered] == [("close", "«Free» за 100 баллов")]
    twice = {"rewards": [{"promotion": "free"}, {"promotion": "free"}]}
    answer = api.post("quotes", {"programme": "demo", "lines": [SHOES], "pay": twice})
    assert answer.status_code == 422
    assert "reward_twice" in answer.text
    points = {"gives": [{"kind": "points_fixed", "points": 5}], "costs": {"points": 1}}
    answer = api.post("promotions", {"programme": "demo", "code": "x", "name": "X", **points})
    assert "points_for_points" in answer.text


def test_a_gift_card_pays_what_is_due(api, installation, join, quote) -> None:
    """What stands on it in a unit of money, of which points are another."""
    with installation.database.transaction() as session:
        gift = UnitTerms("gift", "money", 2, "RUB")
        units.add(session, programmes.by_code(session, "demo").id, gift)
    owner = join(name="Card")
    sold = {"member": owner["id"], "unit": "gift", "money": rub("1000.00")}
    assert api.post("accruals", sold).status_code == 201
    card = owner["card"]["number"]

    def paying(amount: object) -> dict:
        return {"pay": {"gift_cards": [{"card": card, "amount": amount}]}}

    found = quote(SHOES, **paying("most"))
    paid = {"kind": "gift_card", "amount": rub("1000.00"), "card": card}
    assert (found["total"], found["due"]) == (rub("4990.00"), rub("3990.00"))
    assert found["paid_by"] == [paid]
    assert [one.replace("\u00a0", " ") for one in found["slip"]] == ["На подарочных картах: 0 ₽"]
    assert quote(SHOES, **paying(rub("10.00")))["due"] == rub("4980.00")
    certificate = {**SHOES, "kind": "certificate"}
    assert quote(certificate, **paying("most"))["due"] == rub("4990.00")
    body = {"programme": "demo", "lines": [SHOES]}
    for wrong, code in (
        ([{"card": "1", "amount": "most"}], "unknown_card"),
        ([{"card": card, "amount": {"amount": "1", "currency": "EUR"}}], "wrong_currency"),
        ([{"card": card, "amount": "most"}] * 2, "card_twice"),
    ):
        answer = api.post("quotes", {**body, "pay": {"gift_cards": wrong}})
        assert answer.status_code in (404, 422)
        assert code in answer.text, answer.text
