"""Whom a card or an id means, in which unit, and between which accounts: one question."""

import pytest
from sqlalchemy import select

from ledger import erasure
from ledger.errors import (
    CardBlocked,
    MemberErased,
    Refusal,
    UnknownCard,
    UnknownMember,
    UnknownUnit,
)
from ledger.people import cards, persons
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.points import resolving
from ledger.points.resolving import Target, Whom
from ledger.programmes.units import UnitTerms


def find(club, whom: Member | Whom, code: str | None = None) -> Target:
    with club.database.transaction() as session:
        return resolving.target(session, whom, code, club.clock())


def card_of(club, member: Member) -> Card:
    with club.database.reading() as session:
        return session.scalars(select(Card).where(Card.member_id == member.id)).one()


def facts(found: Target) -> tuple:
    return found.member.id, found.unit.code, found.zone, found.holder


def test_a_card_and_its_member_stand_at_the_same_place(club, anna, boris) -> None:
    club.grant(anna, 10)
    card = card_of(club, anna)
    by_card, by_member = find(club, Whom(card.number)), find(club, anna)
    assert facts(by_card) == facts(by_member)
    assert (by_card.card_id, by_member.card_id) == (card.id, None)
    assert by_card.member.public_id == anna.public_id
    assert by_card.unit.points(7) == 7
    assert set(by_card.holder.others) == {"issued"}
    assert by_card.holder.account_id != find(club, boris).holder.account_id


def test_nobody_looks_after_what_it_gives(club, anna) -> None:
    with club.database.transaction() as session:
        found = resolving.target(session, Whom(card_of(club, anna).number), None, club.clock())
        assert found.member not in session
        assert found.unit not in session


def test_a_household_stands_at_the_accounts_of_its_head(club, anna, boris) -> None:
    club.household(boris, anna)
    found = find(club, Whom(card_of(club, boris).number))
    assert (found.member.id, found.holder) == (boris.id, find(club, anna).holder)


def test_the_card_of_who_was_merged_stands_where_they_went(club, anna, boris) -> None:
    card = card_of(club, boris)
    club.merge(boris, anna)
    found = find(club, Whom(card.number))
    assert facts(found) == facts(find(club, anna))
    assert found.card_id == card.id


def test_a_unit_that_a_member_never_had_gets_an_account(club, anna) -> None:
    club.add_unit(UnitTerms("stamps", "stamps"))
    found = find(club, anna, "stamps")
    assert found.unit.code == "stamps"
    assert find(club, Whom(card_of(club, anna).number), "stamps").holder == found.holder
    assert found.holder.account_id != find(club, anna).holder.account_id


def test_what_is_not_there_is_said(club, anna) -> None:
    number = card_of(club, anna).number
    with pytest.raises(UnknownCard):
        find(club, Whom("4000000000000002"))
    for whom in (anna, Whom(number)):
        with pytest.raises(UnknownUnit):
            find(club, whom, "stamps")
    with club.database.transaction() as session:
        cards.replace(session, session.get_one(Member, anna.id), club.clock())
    with pytest.raises(CardBlocked):
        find(club, Whom(number))


def asked(club, whom: Whom) -> list[tuple[str, object, object]]:
    """What the three ways of asking answer: alone, among others, with the accounts."""
    now = club.clock()
    with club.database.transaction() as session:
        answers: list[object] = []
        for ask in (
            lambda: resolving.resolve(session, whom, now),
            lambda: resolving.resolve_all(session, [Whom("4000000000000002"), whom], now)[whom],
            lambda: resolving.target(session, whom, None, now),
        ):
            try:
                answers.append(ask())
            except Refusal as refusal:
                answers.append(refusal)
    return [
        ("refused", type(one), None)
        if isinstance(one, Refusal)
        else ("found", one.member.id, one.card_id)
        for one in answers
    ]


def test_every_way_of_asking_finds_the_same(club, anna, boris) -> None:
    with club.database.transaction() as session:
        for member, name in ((anna, "A-1"), (boris, "B-1")):
            again = session.get_one(Member, member.id)
            persons.change(session, again, {"external_id": name}, club.clock())
    here = anna.programme_id
    card, gone = card_of(club, anna), card_of(club, boris)

    def all_answer(whom: Whom, *answer: object) -> None:
        assert asked(club, whom) == [answer] * 3, whom

    all_answer(Whom(card=f" {card.number[:4]} {card.number[4:]}"), "found", anna.id, card.id)
    all_answer(Whom(member=anna.public_id), "found", anna.id, None)
    all_answer(Whom(external_id="A-1", programme_id=here), "found", anna.id, None)
    all_answer(Whom(card=card.number, programme_id=here), "found", anna.id, card.id)
    all_answer(Whom(card=card.number, programme_id=here + 1), "refused", UnknownCard, None)
    all_answer(Whom(member=anna.public_id, programme_id=here + 1), "refused", UnknownMember, None)
    all_answer(Whom(external_id="A-1", programme_id=here + 1), "refused", UnknownMember, None)
    for nobody in (Whom(member="x"), Whom(external_id="C-1", programme_id=here)):
        all_answer(nobody, "refused", UnknownMember, None)
    club.merge(boris, anna)
    all_answer(Whom(card=gone.number), "found", anna.id, gone.id)
    all_answer(Whom(external_id="B-1", programme_id=here), "found", anna.id, None)
    all_answer(Whom(member=boris.public_id), "found", boris.id, None)
    assert find(club, Whom(member=boris.public_id)).holder == find(club, anna).holder
    with club.database.transaction() as session:
        cards.replace(session, session.get_one(Member, anna.id), club.clock())
    all_answer(Whom(card=card.number), "refused", CardBlocked, None)
    with club.database.transaction() as session:
        erasure.erase(session, anna.public_id, club.clock())
    all_answer(Whom(member=anna.public_id), "refused", MemberErased, None)
    all_answer(Whom(member=boris.public_id), "refused", MemberErased, None)
    all_answer(Whom(external_id="A-1", programme_id=here), "refused", UnknownMember, None)
    all_answer(Whom(card=card.number), "refused", UnknownCard, None)
