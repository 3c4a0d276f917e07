"""A purchase settled by the base programme: what is quoted is what happens, whatever the rates."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.book import statements
from ledger.book.purchases import PurchaseRow
from ledger.errors import NoPercentBack, NothingEarned, PayableExceeded, WrongCurrency
from ledger.money import Money, decimals
from ledger.people.members import Member
from ledger.points import checkout
from ledger.points.causes import Cause
from ledger.programmes import base_terms, programmes
from ledger.programmes.base_terms import BaseTerms


def rub(pieces: int) -> Money:
    return Money.of(pieces, decimals("RUB"), "RUB")


def terms(club, back: int, payable: int, worth: Money | None = None) -> None:
    with club.database.transaction() as session:
        id_ = programmes.by_code(session, club.code).id
        base_terms.put(session, id_, BaseTerms(back, payable, worth or Money("1", "RUB")))


def settle(club, member: Member, total: Money, points: int) -> checkout.CheckedOut:
    return club.database.run(
        lambda session: checkout.check_out(session, member, total, points, Cause(), club.clock())
    )


def quoted(club, member: Member, total: Money, wanted: int | None = None):
    with club.database.reading() as session:
        return checkout.quote(session, member, total, club.clock(), wanted)


def available(club, member: Member) -> int:
    with club.database.reading() as session:
        found = statements.main_balances(session, member.programme_id, [member], club.clock())
        return found[member.id].available


def paid(club) -> list[int]:
    with club.database.reading() as session:
        return [row.amount for row in session.query(PurchaseRow).order_by(PurchaseRow.posting_id)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    back=st.integers(0, 10_000),
    payable=st.integers(0, 10_000),
    worth=st.integers(1, 1_000),
    total=st.integers(1, 10_000_000),
)
def test_what_is_quoted_is_what_happens(club, back, payable, worth, total) -> None:
    terms(club, back, payable, rub(worth))
    member = club.join()
    club.grant(member, 1_000)
    said = quoted(club, member, rub(total))
    assert 0 <= said.spends <= 1_000
    assert said.pays.points(2) + said.due.points(2) == total
    # Of what points may pay, rounded down, and never more than the share.
    assert said.pays.points(2) * 10_000 <= total * payable
    if not said.spends and not said.earns_besides:
        with pytest.raises((NothingEarned, NoPercentBack)):
            settle(club, member, rub(total), said.spends)
        return
    done = settle(club, member, rub(total), said.spends)
    assert available(club, member) == 1_000 - said.spends + said.earns_besides
    assert done.paid == said.due


def test_it_is_one_purchase_with_what_was_paid_in_money(club) -> None:
    terms(club, 500, 3_000)
    member = club.join()
    club.grant(member, 300)
    settle(club, member, rub(100_000), 300)
    settle(club, member, rub(100_000), 0)
    assert paid(club) == [70_000, 100_000]


def test_it_is_one_purchase_also_where_nothing_is_earned(club) -> None:
    terms(club, 0, 10_000)
    member = club.join()
    club.grant(member, 300)
    settle(club, member, rub(40_000), 300)
    assert paid(club) == [10_000]


def test_points_pay_no_more_than_their_share(club) -> None:
    terms(club, 500, 3_000)
    member = club.join()
    club.grant(member, 1_000)
    with pytest.raises(PayableExceeded) as refused:
        settle(club, member, rub(100_000), 301)
    assert (refused.value.asked, refused.value.payable) == (301, 300)
    assert available(club, member) == 1_000


def test_who_asks_for_fewer_points_gets_fewer(club) -> None:
    terms(club, 500, 3_000)
    member = club.join()
    club.grant(member, 1_000)
    assert quoted(club, member, rub(100_000), 100).spends == 100
    assert quoted(club, member, rub(100_000), 10_000).spends == 300
    assert quoted(club, member, rub(100_000), -5).spends == 0


def test_without_a_base_programme_and_in_another_currency_nothing_is_settled(club) -> None:
    member = club.join()
    with pytest.raises(NoPercentBack):
        quoted(club, member, rub(100_000))
    terms(club, 500, 3_000)
    with pytest.raises(WrongCurrency):
        quoted(club, member, Money("10", "EUR"))
    with pytest.raises(NothingEarned):
        settle(club, member, rub(100), 0)
