"""Two tills at one moment, in every order that matters."""

from functools import partial
from typing import Any

import pytest
from books import check_books
from clubs import Club
from interleaving import meetings
from marketers import Marketer, percent
from sqlalchemy import select
from tills import Till

from ledger import erasure
from ledger.database.engine import Database
from ledger.errors import ReceiptDiffers
from ledger.money import WHOLE, Money
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.points import households
from ledger.programmes import base_terms, programmes, units
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.units import UnitTerms
from ledger.sales import limits
from ledger.sales.receipts import CardToPay
from ledger.sales.records import PurchaseOnRecord, SoldReceipt


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def till(club: Club, marketer: Marketer) -> Till:
    """Points pay everything, and nothing is earned."""
    with club.database.transaction() as session:
        id_ = programmes.by_code(session, club.code).id
        base_terms.put(session, id_, BaseTerms(0, WHOLE, Money("1", "RUB")))
    return Till(club.database, club.clock, club.code)


@pytest.fixture(autouse=True)
def _sound(database: Database) -> Any:
    yield
    with database.reading() as session:
        check_books(session)


def test_two_receipts_that_share_two_budgets(
    marketer: Marketer, till: Till, database: Database
) -> None:
    def pair(at: int) -> Any:
        for code in (f"a{at}", f"b{at}"):
            rules = percent(10, budget={"money": {"amount": "15.00", "currency": "RUB"}})
            marketer.put(code, rules.model_copy(update={"lane": None}))
            marketer.publish(code)
        return partial(till.discount, f"x{at}", 100), partial(till.discount, f"y{at}", 100)

    for at, met in meetings(database, pair):
        assert sorted([met.first, met.second]) == [0, 1000] or met.first + met.second == 2000, met
        for code in (f"a{at}", f"b{at}"):
            marketer.end(code)


def test_the_last_use_is_given_once(marketer: Marketer, till: Till, database: Database) -> None:
    def pair(at: int) -> Any:
        marketer.put(f"p{at}", percent(10, limits={"total": 1}))
        marketer.publish(f"p{at}")
        return partial(till.discount, f"x{at}", 100), partial(till.discount, f"y{at}", 100)

    for at, met in meetings(database, pair):
        assert sorted([met.first, met.second]) == [0, 1000], met
        marketer.end(f"p{at}")


def test_the_same_receipt_is_one(till: Till, club: Club, database: Database) -> None:
    anna = club.join()

    def pair(at: int) -> Any:
        return (partial(till.sell, f"x{at}", 100, anna),) * 2

    for _, met in meetings(database, pair):
        assert isinstance(met.first, PurchaseOnRecord) and isinstance(
            met.second, PurchaseOnRecord
        ), met
        assert met.first.receipt.id == met.second.receipt.id
        assert [met.first.is_repeated, met.second.is_repeated].count(True) == 1


def test_a_receipt_with_other_content_under_its_name_is_refused(
    till: Till, database: Database
) -> None:
    def pair(at: int) -> Any:
        return partial(till.sell, f"x{at}", 100), partial(till.sell, f"x{at}", 200)

    for _, met in meetings(database, pair):
        assert [type(met.first), type(met.second)].count(ReceiptDiffers) == 1, met


def test_one_first_purchase_is_given_the_welcome(
    marketer: Marketer, till: Till, club: Club, database: Database
) -> None:
    marketer.put("welcome", percent(10, when={"kind": "purchase_number", "is": 1}))
    marketer.publish("welcome")

    def pair(at: int) -> Any:
        member = club.join(f"Anna {at}")
        return tuple(partial(till.discount, f"{one}{at}", 100, member) for one in "xy")

    for _, met in meetings(database, pair):
        assert sorted([met.first, met.second]) == [0, 1000], met


def test_points_are_spent_once(till: Till, club: Club, database: Database) -> None:
    def pair(at: int) -> Any:
        member = club.join(f"Anna {at}")
        club.grant(member, 100)
        return tuple(partial(spent, till, f"{one}{at}", member) for one in "xy")

    for _, met in meetings(database, pair):
        assert met.first + met.second == 100, met


def spent(till: Till, id_: str, member: Member) -> int:
    return till.sell(id_, 100, member, pays="most").quote.spent


@pytest.mark.parametrize("merges_first", [True, False])
def test_a_use_while_two_members_become_one(
    marketer: Marketer, till: Till, club: Club, database: Database, *, merges_first: bool
) -> None:
    marketer.put("sale", percent(10, limits={"member": 1}))
    marketer.publish("sale")
    two: dict[int, tuple[Member, Member]] = {}

    def pair(at: int) -> Any:
        two[at] = member, into = club.join(f"Anna {at}"), club.join(f"Anna {at}")

        def merge() -> None:
            def work(session: Any) -> None:
                households.merge(session, member, into, club.clock())
                limits.hand_on(session, member.programme_id, member.id, into.id)

            database.run(work)

        both = merge, partial(till.discount, f"x{at}", 100, member)
        return both if merges_first else both[::-1]

    for at, met in meetings(database, pair):
        given = met.second if merges_first else met.first
        assert given == 1000, met
        assert till.discount(f"y{at}", 100, two[at][1]) == 0


@pytest.mark.parametrize("erases_first", [True, False])
def test_a_receipt_of_who_is_being_erased_is_nobodys(
    till: Till, club: Club, database: Database, *, erases_first: bool
) -> None:
    def pair(at: int) -> Any:
        member = club.join(f"Anna {at}")

        def erase() -> None:
            database.run(lambda session: erasure.erase(session, member.public_id, club.clock()))

        both = erase, partial(till.sell, f"x{at}", 100, member)
        return both if erases_first else both[::-1]

    for _, met in meetings(database, pair):
        assert not isinstance(met.first, Exception) and not isinstance(met.second, Exception), met
        with database.reading() as session:
            assert session.scalars(select(SoldReceipt.member_id).distinct()).all() == [None]


def test_a_gift_card_pays_once(till: Till, club: Club, database: Database) -> None:
    with database.transaction() as session:
        gift = UnitTerms("gift", "money", 2, "RUB")
        units.add(session, programmes.by_code(session, club.code).id, gift)

    def pair(at: int) -> Any:
        owner = club.join(f"Card {at}")
        club.grant(owner, 10_000, unit="gift")
        with database.reading() as session:
            (card,) = session.scalars(select(Card.number).where(Card.member_id == owner.id))
        return tuple(partial(stored, till, f"{one}{at}", card) for one in "12")

    for _, met in meetings(database, pair):
        assert sorted([met.first, met.second]) == [0, 10_000], met


def stored(till: Till, id_: str, card: str) -> int:
    paid = till.sell(id_, 100, gift_cards=[CardToPay(card, "most")]).quote.stored
    return sum(one.amount for one in paid)
