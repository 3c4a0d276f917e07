"""Categories: a tree that stays one."""

from functools import partial

import pytest
from interleaving import stage

from ledger.catalogue import categories
from ledger.catalogue.categories import DEEPEST
from ledger.errors import (
    CategoryCycle,
    CategoryRefused,
    ChangedMeanwhile,
    LanguageNotSpoken,
    UnknownCategory,
)
from ledger.programmes import programmes


def test_a_category_lies_in_another_and_can_move(shop, database) -> None:
    shop.category("goods")
    shop.category("shoes", "goods", ru="Обувь", en="Shoes")
    shop.category("boots", "shoes")
    assert shop.category("boots", "shoes").revision == 1  # the same again changes nothing
    shop.put("B", category="boots")
    assert shop.known("B").category_path == ("goods", "shoes", "boots")
    with pytest.raises(ChangedMeanwhile):
        shop.category("shoes", known=2)
    assert shop.category("shoes", known=1, ru="Обувь").revision == 2
    assert shop.known("B").category_path == ("shoes", "boots")
    with database.reading() as session:
        programme_id = programmes.by_code(session, shop.code).id
        tree = categories.tree(session, programme_id)
        shoes = categories.named(session, programme_id, "shoes")
        assert {one.code for one in tree.under(shoes.id)} == {"shoes", "boots"}


def test_no_category_lies_in_itself_however_deep(shop) -> None:
    shop.category("a")
    shop.category("b", "a")
    shop.category("c", "b")
    for parent in ("a", "b", "c"):
        with pytest.raises(CategoryCycle):
            shop.category("a", parent)
    with pytest.raises(UnknownCategory):
        shop.category("a", "nowhere")
    with pytest.raises(LanguageNotSpoken):
        shop.category("a", de="A")
    for code in ("", "x" * 101, "a\nb"):
        with pytest.raises(CategoryRefused):
            shop.category(code)


def test_a_tree_is_so_deep_and_no_deeper(shop) -> None:
    for level in range(DEEPEST):
        shop.category(f"l{level}", f"l{level - 1}" if level else None)
    with pytest.raises(CategoryRefused) as refused:
        shop.category("deeper", f"l{DEEPEST - 1}")
    assert refused.value.field == "parent"
    shop.category("top")
    with pytest.raises(CategoryRefused):
        shop.category("l0", "top")  # with all that lies in it


def test_two_at_once_who_move_categories_into_each_other_make_no_circle(shop, database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    for at in range(1, 40):
        shop.category(f"a{at}")
        shop.category(f"b{at}")
        first = partial(shop.category, f"a{at}", f"b{at}")
        second = partial(shop.category, f"b{at}", f"a{at}")
        with stage(database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        outcomes = [met.first, met.second]
        assert sum(isinstance(one, CategoryCycle) for one in outcomes) == 1, met
    assert at > 3
