"""Who was made at a counter earns, and spends by no door until they are confirmed."""

import hashlib
from datetime import timedelta

import pytest

from ledger import enrolment
from ledger.database.idempotency import StoredAnswer
from ledger.errors import MemberUnconfirmed, Refusal
from ledger.people import cards, consents, members
from ledger.people.consents import Decision
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, adjusting, batches, redemptions, told
from ledger.points.accruals import Grant
from ledger.points.batches import Item, PostedItem
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.points.told import BalanceIs
from ledger.programmes import programmes


def said(_done: PostedItem) -> StoredAnswer:
    return StoredAnswer(201, b"")


@pytest.fixture
def made(club):
    """Makes a member at a counter, who then earns 100."""

    def make(name: str) -> Member:
        with club.database.transaction() as session:
            programme = programmes.by_code(session, club.code)
            told_of = Profile(name=name, external_id=name)
            joined = enrolment.join(session, programme, told_of, club.clock(), unconfirmed=True)
        club.grant(joined.member, 100)
        return joined.member

    return make


@pytest.fixture
def vera(made) -> Member:
    return made("Вера")


def may_spend(club, member: Member) -> bool:
    try:
        club.redeem(member, 1)
    except MemberUnconfirmed:
        return False
    return True


def confirm(club, member: Member) -> bool:
    return club.database.run(lambda session: members.confirm(session, member) is not None)


@pytest.mark.parametrize("named_by", ["member", "card", "external_id"])
def test_whoever_is_not_confirmed_spends_by_no_name(club, vera, named_by) -> None:
    with club.database.reading() as session:
        card, programme = cards.newest_of(session, vera.id).number, vera.programme_id
    names = {"member": vera.public_id, "card": card, "external_id": "Вера"}
    whom = Whom(**{named_by: names[named_by]}, programme_id=programme)
    club.database.run(lambda session: accruals.grant(session, whom, Grant(5), club.clock()))
    digest = hashlib.sha256(b"").digest()
    items = [Item("a", digest, whom, Grant(3)), Item("b", digest, whom, Spend(1))]
    with pytest.raises(MemberUnconfirmed):
        club.database.run(lambda s: redemptions.redeem(s, whom, Spend(1), club.clock()))
    with pytest.raises(MemberUnconfirmed):
        club.database.run(
            lambda s: redemptions.hold(s, whom, Spend(1), timedelta(minutes=1), club.clock())
        )
    outcomes = club.database.run(lambda s: batches.post(s, "test", items, said, club.clock()))
    assert [isinstance(one, MemberUnconfirmed) for one in outcomes] == [False, True]
    assert club.has(vera) == (108, 0, 0, 0)
    assert confirm(club, vera)
    (done,) = club.database.run(lambda s: batches.post(s, "test", items[1:], said, club.clock()))
    assert not isinstance(done, Refusal)
    assert club.has(vera) == (107, 0, 0, 0)


def test_whoever_is_not_confirmed_gives_nothing_away_and_may_be_given(club, anna, vera) -> None:
    club.grant(anna, 10)
    club.transfer(anna, vera, 10)
    with pytest.raises(MemberUnconfirmed):
        club.transfer(vera, anna, 1)
    assert club.has(vera) == (110, 0, 0, 0)


def test_the_shop_puts_a_balance_right_all_the_same(club, vera) -> None:
    def work(session):
        member = session.get_one(Member, vera.id)
        adjusting.adjust(session, member, -30, "typed twice", club.clock())
        is_there = BalanceIs(50, "till", Cause(occurred_at=club.clock()))
        return told.hear(session, Whom(member=vera.public_id), is_there, club.clock())

    club.database.run(work)
    assert club.has(vera) == (50, 0, 0, 0)


def test_whoever_is_confirmed_once_is_not_confirmed_again(club, anna, vera) -> None:
    assert not confirm(club, anna)
    assert confirm(club, vera)
    assert not confirm(club, vera)
    assert may_spend(club, vera)


def test_a_household_lends_nobody_its_confirmation(club, anna, vera) -> None:
    """They use one account, and stay two persons."""
    club.household(vera, anna)
    assert (may_spend(club, anna), may_spend(club, vera)) == (True, False)


@pytest.mark.parametrize("into_the_confirmed", [True, False])
def test_of_two_who_are_one_person_one_is_enough(
    club, anna, vera, made, into_the_confirmed
) -> None:
    earlier = made("Вера из кассы")
    club.merge(earlier, vera)
    assert not may_spend(club, vera)
    club.merge(*((vera, anna) if into_the_confirmed else (anna, vera)))
    for one in (anna, vera, earlier):
        assert may_spend(club, one)


def test_to_confirm_one_card_confirms_the_person(club, vera, made) -> None:
    earlier = made("Вера из кассы")
    club.merge(earlier, vera)
    assert confirm(club, earlier)
    assert (may_spend(club, vera), may_spend(club, earlier)) == (True, True)


def test_whoever_is_not_confirmed_has_agreed_to_no_news(club, anna, vera) -> None:
    def agreed() -> dict[int, bool]:
        with club.database.reading() as session:
            return consents.agreed_to_news(session, [anna.id, vera.id])

    assert agreed() == {vera.id: False}
    yes = [Decision("marketing", given=True)]
    with club.database.transaction() as session:
        consents.record(session, vera, yes, "page", club.clock())
    assert agreed() == {vera.id: True}
