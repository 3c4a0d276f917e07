"""What two cashiers do at once, on PostgreSQL, in every order that matters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from books import check_books
from interleaving import Stage, stage
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.errors import PhoneTaken, Refusal
from ledger.money import Money
from ledger.people import cards, members
from ledger.people.persons import Profile
from ledger.points import accruals, households
from ledger.points.accruals import Grant
from ledger.programmes import base_terms, programmes
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.programmes import Programme
from wallet.access import counter_deeds, staff
from wallet.access.changes import Author
from wallet.access.counter_deeds import AtCounter, CounterDeed
from wallet.counter import serving
from wallet.counter.serving import SaleWish
from wallet.installation import Installation

BY = Author("employee", "olga@shop.ru")


@dataclass
class Shop:
    """Two cashiers, and a guest with 1,000 points; 5 % back, and points may pay all."""

    house: Installation
    programme_id: int
    olga: AtCounter
    ivan: AtCounter
    member_id: int
    card: str

    def run(self, work: Callable[[Session, Programme], Any]) -> Any:
        return self.house.database.run(
            lambda session: work(session, programmes.by_id(session, self.programme_id))
        )

    def sell(self, key: str, points: int = 0, by: AtCounter | None = None) -> CounterDeed:
        wish = SaleWish(self.card, "card", Money("1000", "RUB"), points)
        keys, now = self.house.keys, self.house.clock()
        return self.run(
            lambda session, demo: serving.sell(session, keys, demo, key, wish, by or self.olga, now)
        )

    def undo(self, deed: CounterDeed) -> CounterDeed:
        def work(session: Session, demo: Programme) -> CounterDeed:
            found = counter_deeds.find(session, demo.id, deed.public_id)
            now = self.house.clock()
            return serving.undo(session, found, self.house.make_due, self.olga, BY, now)

        return self.run(work)

    def enrol(self, key: str, phone: str) -> CounterDeed:
        house, profile = self.house, Profile(phone=phone)

        def work(session: Session, demo: Programme) -> CounterDeed:
            return serving.enrol(
                session,
                demo,
                key,
                profile,
                house.pass_type,
                house.keys,
                self.olga,
                BY,
                house.clock(),
            )

        return self.run(work)

    @property
    def balance(self) -> int:
        def work(session: Session, demo: Programme) -> int:
            member = members.resolve_merged(session, members.by_id(session, self.member_id))
            found = statements.main_balances(session, demo.id, [member], self.house.clock())
            return found[member.id].available

        return self.run(work)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def shop(installation, api) -> Iterator[Shop]:
    body = {"programme": "demo", "name": "Анна"}
    anna = api.post("/members", body).get_json()
    now = installation.clock()
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        base_terms.put(session, demo.id, BaseTerms(500, 10_000, Money("1", "RUB")))
        who = [staff.welcomed(session, f"{one}@shop.ru", now).id for one in ("olga", "ivan")]
        member = members.by_public_id(session, anna["id"])
        accruals.grant(session, member, Grant(1_000), now)
        card = cards.newest_of(session, member.id).number
        olga, ivan = (AtCounter(one, demo.id) for one in who)
        made = Shop(installation, demo.id, olga, ivan, member.id, card)
    yield made
    with installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def scene(installation) -> Iterator[Stage]:
    with stage(installation.database) as there:
        yield there


def key() -> str:
    return str(uuid4())


def test_one_receipt_that_is_sent_twice_counts_once(shop: Shop, scene: Stage) -> None:
    for at in range(1, scene.statements_of(lambda: shop.sell(key())) + 1):
        before, same = shop.balance, key()
        met = scene.meet(lambda: shop.sell(same), lambda: shop.sell(same), at)  # noqa: B023
        assert met.first.public_id == met.second.public_id
        assert shop.balance == before + 50


def test_two_cashiers_spend_no_point_twice(shop: Shop, scene: Stage) -> None:
    shop.undo(shop.sell(key(), 600))  # accounts are opened by the first
    places = scene.statements_of(lambda: shop.sell(key(), 600))
    shop.run(_undo_all(shop))
    for at in range(1, places + 1):
        met = scene.meet(
            lambda: shop.sell(key(), 600), lambda: shop.sell(key(), 600, shop.ivan), at
        )
        done = [one for one in (met.first, met.second) if isinstance(one, CounterDeed)]
        assert len(done) == 1, (met.first, met.second)
        assert done[0].odd is None
        shop.run(_undo_all(shop))
        assert shop.balance == 1_000


def _undo_all(shop: Shop) -> Callable[[Session, Programme], None]:
    def work(session: Session, demo: Programme) -> None:
        for one in counter_deeds.listed(session, demo.id, None, 100):
            found, now = counter_deeds.find(session, demo.id, one.public_id), shop.house.clock()
            serving.undo(session, found, shop.house.make_due, shop.olga, BY, now, any_ones=True)

    return work


def test_purchases_at_once_see_each_other(shop: Shop, scene: Stage) -> None:
    """The fifth purchase of a card in a day is odd, whoever makes it."""
    for _time in range(3):
        shop.sell(key())
    met = scene.meet(lambda: shop.sell(key()), lambda: shop.sell(key(), 0, shop.ivan), 4)
    assert sorted("many_purchases" in (one.odd or ()) for one in (met.first, met.second)) == [
        False,
        True,
    ]


def test_undone_twice_at_once_is_undone_once(shop: Shop, scene: Stage) -> None:
    shop.undo(shop.sell(key(), 500))  # accounts are opened by the first
    first = shop.sell(key(), 500)
    for at in range(1, scene.statements_of(lambda: shop.undo(first)) + 1):
        deed = shop.sell(key(), 500)
        met = scene.meet(lambda: shop.undo(deed), lambda: shop.undo(deed), at)  # noqa: B023
        assert (met.first.state, met.second.state) == ("undone", "undone")
        assert shop.balance == 1_000


def test_a_purchase_and_a_merge_lose_no_point(shop: Shop, scene: Stage, api) -> None:
    places = scene.statements_of(lambda: shop.sell(key()))
    for at in range(1, places + 1):
        other = api.post("/members", {"programme": "demo"}).get_json()
        shop.sell(key())
        before = shop.balance

        def merge(id_: str = other["id"]) -> None:
            def work(session: Session, demo: Programme) -> None:
                old = members.resolve_merged(session, members.by_id(session, shop.member_id))
                households.merge(
                    session, old, members.by_public_id(session, id_), shop.house.clock()
                )

            shop.run(work)

        met = scene.meet(lambda: shop.sell(key()), merge, at)
        assert not isinstance(met.first, Exception), met.first
        assert not isinstance(met.second, Exception), met.second
        assert shop.balance == before + 50


def test_two_make_a_card_for_one_phone(shop: Shop, scene: Stage) -> None:
    number = iter(range(100))

    def phone() -> str:
        return f"+79991230{next(number):03d}"

    for at in range(1, scene.statements_of(lambda: shop.enrol(key(), phone())) + 1):
        theirs = phone()
        met = scene.meet(
            lambda: shop.enrol(key(), theirs),  # noqa: B023
            lambda: shop.enrol(key(), theirs),  # noqa: B023
            at,
        )
        refused = [one for one in (met.first, met.second) if isinstance(one, Refusal)]
        assert [type(one) for one in refused] == [PhoneTaken]


def test_a_form_that_is_sent_twice_makes_one_member(shop: Shop, scene: Stage) -> None:
    met = scene.meet(
        lambda: shop.enrol("k" * 9, "+79991234567"), lambda: shop.enrol("k" * 9, "+79991234567"), 5
    )
    assert met.first.public_id == met.second.public_id
    with shop.house.database.reading() as session:
        assert session.scalars(select(func.count()).where(CounterDeed.kind == "joined")).one() == 1
