"""Prices and floors: what holds when, in which store, and what has held."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from statements import recorded

from ledger.catalogue import completing
from ledger.catalogue.dated import ProductPrice
from ledger.catalogue.putting import ProductTerms
from ledger.errors import (
    DateOutOfRange,
    PriceIsHistory,
    ProductRefused,
    TooManyDecimals,
    UnknownCategory,
    UnknownProduct,
    WrongCurrency,
)
from ledger.money import Money
from ledger.programmes import programmes


@pytest.fixture
def written(database):
    """How many prices are on record."""

    def count() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(ProductPrice))

    return count


def test_a_price_holds_everywhere_but_where_a_group_has_its_own(shop, written) -> None:
    airport, centre = shop.store("airport", "Аэропорт"), shop.store("centre", "Москва")
    shop.put("MILK", price=Money("199.90", "RUB"))
    shop.price("MILK", "219.90", "Аэропорт")
    assert [shop.known("MILK", store).price for store in (None, centre, airport)] == [
        19990,
        19990,
        21990,
    ]
    before = written()
    shop.clock.advance(seconds=60)
    shop.put("MILK", price=Money("199.9", "RUB"))
    assert shop.price("MILK", "219.90", "Аэропорт").noted.since is None
    shop.put("MILK")  # a product that names no price keeps the one that it has
    assert written() == before
    shop.price("MILK", None, "Аэропорт")
    assert shop.known("MILK", airport).price == 19990
    shop.price("MILK", None)
    assert (shop.known("MILK").price, shop.known("MILK").lowest_30d) == (None, 19990)


def test_a_price_to_come_holds_by_the_clock(shop) -> None:
    now = shop.clock()
    shop.put("MILK", price=Money("100", "RUB"))
    shop.price("MILK", "120", since=now + timedelta(days=1))
    shop.price("MILK", "125", since=now + timedelta(days=1))  # it is not history yet
    shop.put("MILK", price=Money("90", "RUB"))
    assert shop.known("MILK").price == 9000
    shop.clock.advance(days=1)
    assert shop.known("MILK").price == 12500
    assert shop.known("MILK", moment=now).price == 9000


def test_what_has_held_stays(shop, written) -> None:
    now = shop.clock()
    began = now - timedelta(days=3)
    shop.put("MILK")
    shop.price("MILK", "100", since=began)
    assert shop.known("MILK", moment=began).price == 10000
    before = written()
    assert shop.price("MILK", "100", since=began).noted.since is None  # the same file again
    assert isinstance(shop.price("MILK", "90", since=began), PriceIsHistory)
    assert isinstance(shop.price("MILK", "90", since=began - timedelta(days=1)), PriceIsHistory)
    assert written() == before
    shop.price("MILK", "90", since=now - timedelta(days=1))
    assert shop.known("MILK", moment=now - timedelta(days=2)).price == 10000


def test_the_lowest_of_thirty_days_is_known(shop) -> None:
    airport = shop.store("airport", "Аэропорт")
    shop.put("MILK", price=Money("100", "RUB"))
    for days, amount in ((10, "80"), (5, "120"), (20, "110")):
        shop.clock.advance(days=days)
        shop.put("MILK", price=Money(amount, "RUB"))
    shop.price("MILK", "70", "Аэропорт")
    assert shop.known("MILK").lowest_30d == 8000  # 25 days ago, and for five days
    assert shop.known("MILK", airport).lowest_30d == 7000
    shop.clock.advance(days=10)
    assert shop.known("MILK").lowest_30d == 11000  # 80 was over 30 days ago
    shop.clock.advance(days=400)
    assert shop.known("MILK").lowest_30d == 11000  # it holds still


def test_the_nearest_floor_holds_from_its_day_on(shop) -> None:
    now = shop.clock()
    shop.category("alcohol")
    shop.category("vodka", "alcohol")
    shop.put("V05", category="vodka", kind="alcohol", price=Money("449.00", "RUB"))
    assert shop.known("V05").floor is None
    shop.floor("100", category="alcohol")
    assert shop.known("V05").floor == 10000
    shop.floor("349", category="vodka")
    shop.floor("409", category="vodka", since=now + timedelta(days=30))
    assert shop.known("V05").floor == 34900
    assert shop.known("V05", moment=now + timedelta(days=30)).floor == 40900
    shop.floor("205", sku="V05")
    assert shop.known("V05").floor == 20500
    shop.clock.advance(seconds=60)
    shop.floor(None, sku="V05")
    assert shop.known("V05").floor == 34900
    assert isinstance(shop.floor("1", category="nowhere"), UnknownCategory)
    assert isinstance(shop.floor("1", sku="nowhere"), UnknownProduct)
    assert isinstance(shop.floor("1", category="vodka", since=now), PriceIsHistory)


def test_what_cannot_be_a_price_is_refused(shop) -> None:
    shop.put("MILK", price=Money("100", "RUB"))
    assert isinstance(shop.price("BREAD", "1"), UnknownProduct)
    assert isinstance(shop.price("MILK", "1.005"), TooManyDecimals)
    assert isinstance(shop.price("MILK", "1", currency="EUR"), WrongCurrency)
    assert isinstance(shop.price("MILK", "1", "я" * 61), ProductRefused)
    year_1 = shop.clock().replace(year=1)
    assert isinstance(shop.price("MILK", "1", since=year_1), DateOutOfRange)


def test_a_receipt_is_completed_in_four_statements_however_long(shop, database) -> None:
    centre = shop.store("centre", "Москва")
    shop.category("food")
    shop.category("fruit", "food")
    shop.floor("5", category="food")
    of_all = [
        ProductTerms(
            f"S{number}",
            category="fruit",
            price=Money(f"{number}.50", "RUB"),
            barcodes=(f"code-{number}",),
        )
        for number in range(120)
    ]
    shop.put_many(*of_all)
    shop.put("APPLES", unit="kg", barcodes=["2100123"], price=Money("100", "RUB"))
    with database.reading() as session:
        programme_id = programmes.by_code(session, shop.code).id

        def known(skus, codes=()):
            with recorded(database) as sent:
                found = completing.known(session, programme_id, centre, shop.clock(), skus, codes)
            return found, sent

        _, few = known(["S1"])
        codes = ["2100123003501", "code-7", "4006381333931", "S1"]
        found, many = known([*(f"S{number}" for number in range(120)), "S1", "unknown"], codes)
        assert len(few) == len(many) == 4
        if database.is_sqlite:  # it has no statistics, and must find each product by an index
            for sql in many:
                explained = text(f"EXPLAIN QUERY PLAN {sql.replace('?', 'NULL')}")
                plan = [row.detail for row in session.execute(explained)]
                assert not any("SCAN ledger_" in step for step in plan), plan
        assert known(["unknown"])[0].by_sku == {}
    assert len(found.by_sku) == 120
    product = found.by_sku["S119"]
    assert (product.price, product.floor, product.category_path) == (11950, 500, ("food", "fruit"))
    assert set(found.by_barcode) == {"2100123003501", "code-7"}
    apples = found.by_barcode["2100123003501"]
    assert (apples.product.sku, str(apples.quantity)) == ("APPLES", "0.350")
    assert found.by_barcode["code-7"].product == found.by_sku["S7"]
