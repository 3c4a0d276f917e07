"""Stores and tills: made, changed, told from each other, changed by two at once."""

from functools import partial

import pytest
from interleaving import stage
from sqlalchemy import select

from ledger.errors import (
    ChangedMeanwhile,
    StoreNotNamed,
    StoreRefused,
    UnknownStore,
    UnknownTill,
)
from ledger.programmes import programmes, stores
from ledger.programmes.stores import Store, StoreTerms, TillTerms


@pytest.fixture
def shop(club, database, clock):
    """Puts stores and tills of the club, each in a transaction of its own."""

    class Shop:
        def __init__(self) -> None:
            with database.reading() as session:
                self.id = programmes.by_code(session, club.code).id

        def put(self, terms, known=None):
            put = stores.put_store if isinstance(terms, StoreTerms) else stores.put_till
            return database.run(lambda session: put(session, self.id, terms, clock(), known))

    return Shop()


def test_a_store_is_made_once_and_changed_afterwards(shop, database) -> None:
    made = shop.put(StoreTerms("centre"))
    assert (made.name, made.timezone, made.revision, made.closed) == (
        "centre",
        "Europe/Moscow",
        1,
        False,
    )
    again = shop.put(StoreTerms("centre"))
    assert (again.id, again.revision) == (made.id, 1)  # the same again changes nothing
    changed = shop.put(
        StoreTerms("centre", "Тверская, 7", "Москва", "Asia/Vladivostok", closed=True)
    )
    assert (changed.id, changed.revision, changed.group) == (made.id, 2, "Москва")
    with database.reading() as session:
        assert [one.code for one in stores.listed(session, shop.id, 0, 10)] == ["centre"]


def test_who_read_an_older_revision_is_refused(shop) -> None:
    shop.put(StoreTerms("centre"))
    shop.put(StoreTerms("centre", "Тверская"), known=1)
    with pytest.raises(ChangedMeanwhile) as refused:
        shop.put(StoreTerms("centre", "Арбат"), known=1)
    assert refused.value.revision == 2
    with pytest.raises(ChangedMeanwhile):
        shop.put(StoreTerms("centre"), known=0)  # it had to be new
    with pytest.raises(ChangedMeanwhile):
        shop.put(StoreTerms("nowhere"), known=1)


def test_stores_number_their_tills_alike(shop, database) -> None:
    shop.put(StoreTerms("centre"))
    shop.put(StoreTerms("airport"))
    shop.put(TillTerms("1", "centre", "У окна"))
    with database.reading() as session:
        assert stores.till_named(session, shop.id, "1").name == "У окна"
    shop.put(TillTerms("1", "airport"))
    with database.reading() as session:
        assert stores.till_named(session, shop.id, "1", "airport").name == "1"
        with pytest.raises(StoreNotNamed) as refused:
            stores.till_named(session, shop.id, "1")
        assert refused.value.stores == ["airport", "centre"]
        with pytest.raises(UnknownTill):
            stores.till_named(session, shop.id, "9")
        listed = stores.tills(session, shop.id, 0, 10)
        assert [(till.code, store) for till, store in listed] == [("1", "centre"), ("1", "airport")]
        ids = list(session.scalars(select(Store.id)))
        assert stores.numbers_of_tills(session, ids) == dict.fromkeys(ids, 1)
    with pytest.raises(UnknownStore):
        shop.put(TillTerms("2", "nowhere"))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (StoreTerms(""), "code"),
        (StoreTerms("a/b"), "code"),
        (StoreTerms(".."), "code"),
        (StoreTerms("x" * 41), "code"),
        (StoreTerms("a\nb"), "code"),
        (StoreTerms("a", "я" * 101), "name"),
        (StoreTerms("a", "\x07"), "name"),
        (StoreTerms("a", group="я" * 61), "group"),
        (StoreTerms("a", timezone="Moscow"), "timezone"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(shop, terms, field) -> None:
    with pytest.raises(StoreRefused) as refusal:
        shop.put(terms)
    assert refusal.value.field == field


@pytest.mark.parametrize("known", [0, 1])
def test_of_two_at_once_who_read_the_same_one_is_refused(shop, database, known: int) -> None:
    """Two who add a store with one code, or change one at one revision, however they meet."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    for at in range(1, 20):
        if known:
            shop.put(StoreTerms(f"s{at}"))
        first = partial(shop.put, StoreTerms(f"s{at}", "Арбат"), known)
        second = partial(shop.put, StoreTerms(f"s{at}", "Тверская"), known)
        with stage(database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        outcomes = [met.first, met.second]
        assert sum(isinstance(one, ChangedMeanwhile) for one in outcomes) == 1, met
        with database.reading() as session:
            store = stores.store_named(session, shop.id, f"s{at}")
            assert store.revision == known + 1
    assert at > 2
