"""Whom a card or an id means, in which unit, and between which accounts: one question."""

import pytest
from sqlalchemy import select

from ledger import members, standing
from ledger.errors import CardBlocked, UnknownCard, UnknownUnit
from ledger.members import Card, Member, Shown
from ledger.standing import Standing
from ledger.units import UnitTerms


def find(club, whom: Member | Shown, code: str | None = None) -> Standing:
    with club.database.transaction() as session:
        return standing.find(session, whom, code)


def card_of(club, member: Member) -> Card:
    with club.database.reading() as session:
        return session.scalars(select(Card).where(Card.member_id == member.id)).one()


def facts(found: Standing) -> tuple:
    return found.member.id, found.unit.code, found.zone, found.chart


def test_a_card_and_its_member_stand_at_the_same_place(club, anna, boris) -> None:
    club.grant(anna, 10)
    card = card_of(club, anna)
    by_card, by_member = find(club, Shown(card.number)), find(club, anna)
    assert facts(by_card) == facts(by_member)
    assert (by_card.card_id, by_member.card_id) == (card.id, None)
    assert by_card.member.public_id == anna.public_id
    assert by_card.unit.points(7) == 7
    assert set(by_card.chart.others) == {"issued"}
    assert by_card.chart.member != find(club, boris).chart.member


def test_nobody_looks_after_what_it_gives(club, anna) -> None:
    with club.database.transaction() as session:
        found = standing.find(session, Shown(card_of(club, anna).number), None)
        assert found.member not in session
        assert found.unit not in session


def test_a_household_stands_at_the_accounts_of_its_head(club, anna, boris) -> None:
    club.household(boris, anna)
    found = find(club, Shown(card_of(club, boris).number))
    assert (found.member.id, found.chart) == (boris.id, find(club, anna).chart)


def test_the_card_of_who_was_merged_stands_where_they_went(club, anna, boris) -> None:
    card = card_of(club, boris)
    club.merge(boris, anna)
    found = find(club, Shown(card.number))
    assert facts(found) == facts(find(club, anna))
    assert found.card_id == card.id


def test_a_unit_that_a_member_never_had_gets_an_account(club, anna) -> None:
    club.add_unit(UnitTerms("stamps", "stamps"))
    found = find(club, anna, "stamps")
    assert found.unit.code == "stamps"
    assert find(club, Shown(card_of(club, anna).number), "stamps").chart == found.chart
    assert found.chart.member != find(club, anna).chart.member


def test_what_is_not_there_is_said(club, anna) -> None:
    number = card_of(club, anna).number
    with pytest.raises(UnknownCard):
        find(club, Shown("4000000000000002"))
    for whom in (anna, Shown(number)):
        with pytest.raises(UnknownUnit):
            find(club, whom, "stamps")
    with club.database.transaction() as session:
        members.replace_card(session, session.get_one(Member, anna.id), club.clock())
    with pytest.raises(CardBlocked):
        find(club, Shown(number))
