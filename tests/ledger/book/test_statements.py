"""The newest postings on accounts: what a member did just now."""

from datetime import datetime

from clubs import Club
from sqlalchemy import false

from ledger.book import statements
from ledger.book.journal import Posting
from ledger.book.statements import AccountPosting
from ledger.people import cards
from ledger.people.members import Member
from ledger.programmes import units

NOTHING = false()


def newest(
    club: Club,
    holders: list[Member],
    *kinds: str,
    since: datetime | None = None,
    limit: int = 100,
    unless=NOTHING,
) -> list[AccountPosting]:
    with club.database.reading() as session:
        unit = units.named(session, holders[0].programme_id, None)
        return statements.newest(
            session,
            unit.id,
            [holder.id for holder in holders],
            kinds or ("accrual", "redemption"),
            since or club.days(-1),
            limit,
            unless=unless,
        )


def facts(postings: list[AccountPosting]) -> list[tuple[str, int, int]]:
    return [(posting.kind, posting.member_id, posting.points) for posting in postings]


def test_the_newest_come_first_and_points_have_no_sign(club, anna, boris) -> None:
    club.grant(anna, 10)
    club.grant(boris, 20)
    spent = club.redeem(anna, 3)
    postings = newest(club, [anna, boris])
    assert facts(postings) == [
        ("redemption", anna.id, 3),
        ("accrual", boris.id, 20),
        ("accrual", anna.id, 10),
    ]
    assert postings[0].id == spent
    assert newest(club, [anna, boris], limit=2) == postings[:2]
    assert newest(club, [anna]) == [postings[0], postings[2]]


def test_other_kinds_and_older_ones_are_left_out(club, anna) -> None:
    club.grant(anna, 10)
    noon = club.clock.advance(hours=1)
    club.grant(anna, 20)
    club.redeem(anna, 5)
    assert facts(newest(club, [anna], "accrual", since=noon)) == [("accrual", anna.id, 20)]


def test_those_that_a_condition_holds_for_are_left_out_before_they_are_counted(club, anna) -> None:
    for points in (1, 2, 3):
        club.grant(anna, points)
    last, *_ = newest(club, [anna])
    left = newest(club, [anna], limit=2, unless=Posting.public_id == last.id)
    assert [posting.points for posting in left] == [2, 1]


def test_a_posting_belongs_to_the_member_who_presented_a_card(club, anna, boris) -> None:
    club.household(boris, anna)
    with club.database.reading() as session:
        card = cards.newest_of(session, boris.id)
    club.grant(boris, 10, card_id=card.id)
    club.grant(boris, 20)
    assert facts(newest(club, [anna])) == [("accrual", anna.id, 20), ("accrual", boris.id, 10)]
