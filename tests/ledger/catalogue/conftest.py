"""A shop whose catalogue is written: each call is a transaction of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from clocks import StoppedClock
from clubs import Club
from sqlalchemy.orm import Session

from ledger.catalogue import categories, completing, price_lists, putting
from ledger.catalogue.categories import Category, CategoryTerms
from ledger.catalogue.completing import KnownProduct
from ledger.catalogue.price_lists import FloorWish, PriceWish
from ledger.catalogue.putting import ProductTerms, ProductWish, PutProduct
from ledger.database.engine import Database
from ledger.errors import Refusal
from ledger.money import Money
from ledger.programmes import programmes, stores
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store, StoreTerms


@dataclass
class Shop:
    """What people do to a catalogue."""

    database: Database
    clock: StoppedClock
    code: str

    def _run(self, work: Any, *args: Any) -> Any:
        def within(session: Session) -> Any:
            return work(session, programmes.by_code(session, self.code), *args)

        return self.database.run(within)

    def put(self, sku: str, known: int | None = None, **terms: Any) -> PutProduct:
        wish = ProductWish(ProductTerms(sku, **terms), known)
        return self._run(putting.put, wish, self.clock())

    def put_many(self, *terms: ProductTerms) -> list[PutProduct | Refusal]:
        wishes = [ProductWish(one) for one in terms]
        return self._run(putting.put_many, wishes, self.clock())

    def category(
        self, code: str, parent: str | None = None, known: int | None = None, **names: str
    ) -> Category:
        terms = CategoryTerms(code, names, parent)
        return self._run(categories.put, terms, self.clock(), known)

    def price(
        self,
        sku: str,
        amount: str | None,
        group: str | None = None,
        since: datetime | None = None,
        currency: str = "RUB",
    ) -> Any:
        money = None if amount is None else Money(amount, currency)
        (found,) = self._run(
            price_lists.put_prices, [PriceWish(sku, money, group, since)], self.clock()
        )
        return found

    def floor(self, amount: str | None, since: datetime | None = None, **of: str) -> Any:
        money = None if amount is None else Money(amount, "RUB")
        wish = FloorWish(money, since=since, **of)
        (found,) = self._run(price_lists.put_floors, [wish], self.clock())
        return found

    def store(self, code: str, group: str) -> Store:
        terms = StoreTerms(code, group=group)

        def made(session: Session, programme: Programme) -> Store:
            return stores.put_store(session, programme.id, terms, self.clock())

        return self._run(made)

    def known(
        self, sku: str, store: Store | None = None, moment: datetime | None = None
    ) -> KnownProduct:
        with self.database.reading() as session:
            programme = programmes.by_code(session, self.code)
            at = moment or self.clock()
            return completing.known(session, programme.id, store, at, [sku]).by_sku[sku]


@pytest.fixture
def shop(club: Club, database: Database, clock: StoppedClock) -> Iterator[Shop]:
    return Shop(database, clock, club.code)
