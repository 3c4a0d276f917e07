"""Products: made, changed, told from each other by their barcodes, changed by two at once."""

from functools import partial

import pytest
from interleaving import stage
from sqlalchemy import select
from statements import recorded

from ledger.catalogue import products
from ledger.catalogue.goods import Treatment
from ledger.catalogue.products import Product
from ledger.catalogue.putting import ProductTerms
from ledger.errors import (
    BarcodeTaken,
    ChangedMeanwhile,
    LanguageNotSpoken,
    ProductRefused,
    UnknownCategory,
    UnknownStore,
    WrongCurrency,
)
from ledger.money import Money
from ledger.programmes import programmes

COFFEE = "4006381333931"


def test_a_product_is_made_once_and_changed_afterwards(shop) -> None:
    made = shop.put("SHOE/38")
    assert (made.outcome, made.product.revision) == ("created", 1)
    assert made.product.names == {"ru": "SHOE/38"}
    again = shop.put("SHOE/38")
    assert (again.outcome, again.product.revision) == ("unchanged", 1)
    shop.category("shoes")
    said = {
        "names": {"ru": "Кеды", "en": "Sneakers"},
        "article": "K-1",
        "category": "shoes",
        "brand": "Ласточка",
        "model": "keds",
        "properties": {"size": "38", "colour": ""},
        "vat": "22 %",
        "marked": True,
        "picture": "https://shop.example.com/k.jpg",
        "barcodes": (COFFEE, "0042"),
        "treatment": {"earns": False, "counts": True},
    }
    changed = shop.put("SHOE/38", **said)
    assert (changed.outcome, changed.product.revision) == ("changed", 2)
    assert changed.before["names"] == {"ru": "SHOE/38"} and changed.after["category"] == "shoes"
    assert changed.product.properties == {"size": "38"}
    assert changed.product.otherwise == {"earns": False}  # what is usual for goods is not kept
    assert changed.product.treatment == Treatment(earns=False)
    assert shop.put("SHOE/38", **said).outcome == "unchanged"


def test_who_read_an_older_revision_is_refused(shop) -> None:
    shop.put("A", known=0)
    shop.put("A", known=1, article="x")
    for known in (0, 1):
        with pytest.raises(ChangedMeanwhile) as refused:
            shop.put("A", known=known, article="y")
        assert refused.value.revision == 2
    with pytest.raises(ChangedMeanwhile):
        shop.put("B", known=1)


def test_a_barcode_is_of_one_product_however_it_is_written(shop, database) -> None:
    shop.put("A", barcodes=["036000291452"])
    with pytest.raises(BarcodeTaken) as refused:
        shop.put("B", barcodes=["0036000291452"])
    assert (refused.value.barcode, refused.value.sku) == ("0036000291452", "A")
    # It can move within one batch, once the first has let it go.
    moved = shop.put_many(ProductTerms("A"), ProductTerms("B", barcodes=("036000291452",)))
    assert [one.outcome for one in moved] == ["changed", "created"]
    with database.reading() as session:
        programme_id = programmes.by_code(session, shop.code).id
        product, quantity = products.scanned(session, programme_id, "0036000291452")
        assert (product.sku, quantity) == ("B", None)
        assert products.scanned(session, programme_id, COFFEE) is None


def test_each_of_a_batch_has_an_outcome_of_its_own(shop) -> None:
    outcomes = shop.put_many(
        ProductTerms("A", barcodes=(COFFEE,)),
        ProductTerms("B", barcodes=(COFFEE,)),
        ProductTerms("A", article="second", barcodes=(COFFEE, "1")),
        ProductTerms("C", category="nowhere"),
        ProductTerms("D", price=Money("10.00", "EUR")),
        ProductTerms("E", price=Money("10.00", "RUB")),  # the first price says which money it is
        ProductTerms("F", price=Money("10.000", "EUR")),
    )
    told = [getattr(one, "outcome", None) or type(one) for one in outcomes]
    assert told == [
        "created",
        BarcodeTaken,
        "changed",
        UnknownCategory,
        "created",
        WrongCurrency,
        "created",
    ]
    assert shop.known("A").article == "second"
    assert (shop.known("F").price, shop.known("F").currency) == (1000, "EUR")


def test_a_batch_that_changes_nothing_takes_few_statements(shop, database) -> None:
    shop.category("goods")
    terms = [
        ProductTerms(
            f"S{number}",
            category="goods",
            barcodes=(f"code-{number}",),
            price=Money("10.00", "RUB"),
        )
        for number in range(300)
    ]
    assert {one.outcome for one in shop.put_many(*terms)} == {"created"}
    shop.clock.advance(seconds=1)
    with recorded(database) as few:
        shop.put_many(*terms[:2])
    with recorded(database) as many:
        assert {one.outcome for one in shop.put_many(*terms)} == {"unchanged"}
    assert len(many) == len(few) <= 10, many


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"sku": ""}, "sku"),
        ({"sku": "x" * 101}, "sku"),
        ({"sku": "a\nb"}, "sku"),
        ({"names": {"ru": "я" * 301}}, "name"),
        ({"article": "\x07"}, "article"),
        ({"properties": {"a": "я" * 201}}, "properties"),
        ({"properties": {" ": "x"}}, "properties"),
        ({"properties": {f"p{number}": "x" for number in range(51)}}, "properties"),
        ({"unit": "dozen"}, "unit"),
        ({"kind": "spice"}, "kind"),
        ({"vat": "x" * 21}, "vat"),
        ({"picture": "http://shop.example.com/a.png"}, "picture"),
        ({"availability": "soon"}, "availability"),
        ({"barcodes": [""]}, "barcodes"),
        ({"barcodes": [f"b{number}" for number in range(51)]}, "barcodes"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(shop, database, terms, field) -> None:
    with pytest.raises(ProductRefused) as refusal:
        shop.put(**{"sku": "A", **terms})
    assert refusal.value.field == field and refusal.value.sentence("ru")
    with database.reading() as session:
        assert session.scalars(select(Product)).all() == []


def test_only_what_the_programme_has_can_be_named(shop) -> None:
    with pytest.raises(LanguageNotSpoken):
        shop.put("A", names={"de": "Schuh"})
    with pytest.raises(UnknownStore):
        shop.put("A", stores={"centre": "in_stock"})
    shop.store("centre", "Москва")
    made = shop.put("A", stores={"centre": "out_of_stock"})
    assert made.product.stores == {"centre": "out_of_stock"}


@pytest.mark.parametrize("known", [0, 1])
def test_of_two_at_once_who_read_the_same_one_is_refused(shop, database, known: int) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    for at in range(1, 40):
        if known:
            shop.put(f"S{at}")
        first = partial(shop.put, f"S{at}", known, article="a")
        second = partial(shop.put, f"S{at}", known, article="b")
        with stage(database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        outcomes = [met.first, met.second]
        assert sum(isinstance(one, ChangedMeanwhile) for one in outcomes) == 1, met
        assert shop.put(f"S{at}", known + 1).product.revision == known + 2
    assert at > 3


def test_of_two_at_once_who_take_one_barcode_one_is_refused(shop, database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    for at in range(1, 40):
        first = partial(shop.put, f"A{at}", barcodes=[f"code-{at}"])
        second = partial(shop.put, f"B{at}", barcodes=[f"code-{at}"])
        with stage(database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        outcomes = [met.first, met.second]
        assert sum(isinstance(one, BarcodeTaken) for one in outcomes) == 1, met
    assert at > 3
