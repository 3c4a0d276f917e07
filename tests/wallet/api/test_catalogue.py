"""The catalogue of goods by the API: products, categories, prices and floors."""

from datetime import timedelta

import pytest

from wallet.access.changes import RecordedChange

EAN = "4006381333931"


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


@pytest.fixture
def put(api):
    def put(path: str, body: dict | None = None, status: int = 200, **headers: str):
        answer = api.call("PUT", path, {"programme": "demo", **(body or {})}, **headers)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return put


@pytest.fixture
def batch(api):
    def batch(path: str, *items: object):
        answer = api.post(f"{path}/batch", {"programme": "demo", "items": list(items)})
        assert answer.status_code == 200, answer.text
        return answer.get_json()["items"]

    return batch


@pytest.fixture
def listed(api):
    def listed(query: str):
        answer = api.get(f"products?programme=demo&{query}").get_json()
        return [one["sku"] for one in answer["items"]], answer

    return listed


def test_a_product_is_put_whole_and_read_again(api, put) -> None:
    put("categories/goods")
    put("categories/shoes", {"name": {"ru": "Обувь"}, "parent": "goods"})
    made = put(
        "products/SHOE-38",
        {
            "name": {"ru": "Кеды", "en": "Sneakers"},
            "category": "shoes",
            "properties": {"size": "38"},
            "kind": "service",
            "treatment": {"earns": False},
            "barcodes": [EAN, f"{EAN}\r\n"],
            "price": rub("4990"),
        },
    )
    assert (made["name"], made["revision"], made["barcodes"]) == ("Кеды", 1, [EAN])
    assert (made["price"], made["lowest_30d"]) == (rub("4990.00"), rub("4990.00"))
    assert made["category_path"] == ["goods", "shoes"]
    assert made["treatment"]["earns"] is False and made["treatment"]["counts"] is True
    again = api.get("products/SHOE-38?programme=demo").get_json()
    assert again == made
    # What is read can be sent as it is: nothing changes.
    taken = {name: made[name] for name in ("category", "properties", "kind", "treatment")}
    taken |= {"name": made["names"], "barcodes": made["barcodes"], "price": made["price"]}
    assert put("products/SHOE-38", taken)["revision"] == 1
    bare = put("products/SHOE-38")
    assert (bare["name"], bare["category"], bare["barcodes"]) == ("SHOE-38", None, [])
    assert (bare["revision"], bare["price"]) == (2, rub("4990.00"))


def test_if_match_tells_who_came_second(put) -> None:
    for path in ("products/A", "categories/a"):
        put(path)
        put(path, {"name": "first"}, **{"If-Match": '"1"'})
        late = put(path, {"name": "b"}, status=412, **{"If-Match": '"1"'})
        assert (late["code"], late["revision"]) == ("changed_meanwhile", 2)
        put(path, {"name": "b"}, **{"If-Match": "*"})
    put("products/B", status=412, **{"If-Match": "*"})


def test_products_are_found_by_what_they_are(api, put, batch, listed) -> None:
    put("categories/food")
    put("categories/fruit", {"parent": "food"})
    made = batch(
        "products",
        {"sku": "A/1", "category": "food"},
        {"sku": "APPLES", "category": "fruit", "unit": "kg", "barcodes": ["2100123"]},
        {"sku": "OLD", "archived": True},
    )
    assert [(one["outcome"], one["revision"]) for one in made] == [("created", 1)] * 3
    assert listed("category=food")[0] == ["A/1", "APPLES"]
    assert listed("category=fruit")[0] == ["APPLES"]
    assert listed("archived=false")[0] == ["A/1", "APPLES"]
    assert listed("sku=A%2F1")[0] == ["A/1"]
    assert listed("sku=none")[0] == []
    weighed, answer = listed("barcode=2100123003501")
    assert (weighed, answer["quantity"]) == (["APPLES"], "0.350")
    assert listed("barcode=4006381333931")[0] == []
    assert api.get("products/A%2F1?programme=demo").status_code == 404
    first = api.get("products?programme=demo&limit=2").get_json()
    rest = api.get(f"products?programme=demo&limit=2&cursor={first['next_cursor']}").get_json()
    assert [one["sku"] for one in rest["items"]] == ["OLD"]
    unknown = api.get("products?programme=demo&category=none")
    assert unknown.get_json()["code"] == "unknown_category"


def test_each_of_a_batch_has_an_outcome_of_its_own(batch) -> None:
    batch("products", {"sku": "A", "barcodes": [EAN]})
    items = [
        {"sku": "A", "barcodes": [EAN]},
        {"sku": "B", "barcodes": [EAN]},
        {"sku": "C", "unit": "dozen"},
        {"name": "без артикула"},
        {"sku": "D", "picture": "http://shop.example.com/d.png"},
        {"sku": "E", "revision": 3},
        {"sku": "F", "stores": {"nowhere": "in_stock"}},
    ]
    told = [(one["key"], one["outcome"], one["code"]) for one in batch("products", *items)]
    assert told == [
        ("A", "unchanged", None),
        ("B", None, "barcode_taken"),
        ("C", None, "invalid_request"),
        (None, None, "invalid_request"),
        ("D", None, "product_refused"),
        ("E", None, "changed_meanwhile"),
        ("F", None, "unknown_store"),
    ]


def test_a_thousand_products_in_one_batch_and_not_one_more(api, batch) -> None:
    items = [{"sku": f"S{number}", "price": rub("1.00")} for number in range(1_000)]
    assert {one["outcome"] for one in batch("products", *items)} == {"created"}
    assert {one["outcome"] for one in batch("products", *items)} == {"unchanged"}
    more = api.post("products/batch", {"programme": "demo", "items": [*items, {"sku": "x"}]})
    assert more.status_code == 422


def test_categories_stay_a_tree(api, put) -> None:
    put("categories/a")
    put("categories/b", {"parent": "a", "name": "Б"})
    assert put("categories/a", {"parent": "b"}, status=409)["code"] == "category_cycle"
    assert put("categories/c", {"parent": "x"}, status=404)["code"] == "unknown_category"
    assert put("categories/c", {"name": {"de": "C"}}, 422)["code"] == "language_not_spoken"
    told = api.get("categories?programme=demo").get_json()["items"]
    assert [(one["code"], one["name"], one["parent"]) for one in told] == [
        ("a", "a", None),
        ("b", "Б", "a"),
    ]


def test_prices_are_of_groups_and_of_times(api, put, batch, clock_now) -> None:
    put("products/MILK", {"price": rub("199.90")})
    tomorrow = (clock_now() + timedelta(days=1)).isoformat()
    items = [
        {"sku": "MILK", "group": "Аэропорт", "price": rub("219.90")},
        {"sku": "MILK", "price": rub("189.90"), "from": tomorrow},
        {"sku": "BREAD", "price": rub("1.00")},
        {"sku": "MILK", "price": rub("1.005")},
        {"sku": "MILK"},
        {"sku": "MILK", "price": {"amount": "1.00", "currency": "EUR"}, "group": "Аэропорт"},
    ]
    told = [(one["outcome"], one["code"]) for one in batch("prices", *items)]
    assert told == [
        ("noted", None),
        ("noted", None),
        (None, "unknown_product"),
        (None, "too_many_decimals"),
        (None, "invalid_request"),
        (None, "wrong_currency"),
    ]
    assert {one["outcome"] for one in batch("prices", *items[:2])} == {"unchanged"}
    history = api.get("prices?programme=demo&sku=MILK").get_json()["items"]
    assert [(one["group"], one["price"]["amount"]) for one in history] == [
        (None, "199.90"),
        ("Аэропорт", "219.90"),
        (None, "189.90"),
    ]
    assert put("products/MILK")["price"] == rub("199.90")
    clock_now.advance(days=1)
    now = api.get("products/MILK?programme=demo").get_json()
    assert (now["price"], now["lowest_30d"]) == (rub("189.90"), rub("189.90"))
    clock_now.advance(seconds=1)
    (late,) = batch("prices", {"sku": "MILK", "price": rub("1.00"), "from": tomorrow})
    assert (late["status"], late["code"]) == (409, "price_is_history")
    assert "2026" in late["detail"]


def test_a_floor_is_of_a_product_or_of_a_category(api, put, batch) -> None:
    put("categories/vodka")
    put("products/V05", {"category": "vodka", "kind": "alcohol"})
    items = [
        {"category": "vodka", "price": rub("409.00")},
        {"sku": "V05", "category": "vodka", "price": rub("1.00")},
        {"price": rub("1.00")},
        {"category": "none", "price": rub("1.00")},
    ]
    told = batch("floors", *items)
    assert [(one["key"], one["code"]) for one in told] == [
        ("vodka", None),
        ("V05", "invalid_request"),
        (None, "invalid_request"),
        ("none", "unknown_category"),
    ]
    assert told[1]["errors"][0]["code"] == "sku_or_category"
    assert api.get("products/V05?programme=demo").get_json()["floor"] == rub("409.00")
    (floor,) = api.get("floors?programme=demo").get_json()["items"]
    assert (floor["sku"], floor["category"], floor["price"]) == (None, "vodka", rub("409.00"))


def test_what_is_changed_is_noted_and_the_same_again_is_not(api, put, batch, installation) -> None:
    for turn in range(2):
        put("categories/a")
        put("products/A", {"price": rub("1.00")})
        batch("products", {"sku": "A", "category": "a", "treatment": {"earns": False}})
        batch("prices", {"sku": "A", "group": "Москва", "price": rub("2.00")})
        batch("floors", {"category": "a", "price": rub("1.00")}, {"sku": "A", "price": None})
        if turn == 0:
            put(
                "products/A", {"category": "a", "treatment": {"earns": False}, "price": rub("1.00")}
            )
    with installation.database.reading() as session:
        rows = session.query(RecordedChange).order_by(RecordedChange.id)
        noted = [(one.code, one.of_id, one.fields) for one in rows]
    assert [(code, of) for code, of, _ in noted][:5] == [
        ("category.added", "a"),
        ("product.added", "A"),
        ("product.changed", "A"),
        ("product.priced", "A"),
        ("category.floor_set", "a"),
    ]
    assert noted[1][2]["price"] == [None, "1.00 RUB"]
    assert noted[2][2] == {"category": [None, "a"], "earns_points": [None, False]}
    assert noted[3][2]["price"] == [None, "2.00 RUB"] and noted[3][2]["group"] == [None, "Москва"]
