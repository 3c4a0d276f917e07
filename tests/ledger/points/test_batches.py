"""Many postings in one call: each has a key and an outcome of its own."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.book import accounts
from ledger.book import batches as book
from ledger.book.batches import Credit, Debit
from ledger.book.drafts import NewLot, PostingHeader, Term
from ledger.database.idempotency import StoredAnswer
from ledger.errors import Refusal
from ledger.events import PointsAccrued, PointsRedeemed
from ledger.limits import MOST_POINTS
from ledger.people import cards, members
from ledger.points import batches
from ledger.points.accruals import Grant
from ledger.points.batches import Item, PostedItem
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.programmes import units
from ledger.programmes.units import UnitTerms


def said(done: PostedItem) -> StoredAnswer:
    balance = done.made.balance
    return StoredAnswer(201, f"{balance.available}/{balance.pending}".encode())


@pytest.fixture
def card(club, anna):
    with club.database.reading() as session:
        return cards.newest_of(session, anna.id).number


@pytest.fixture
def post(club, anna):
    def posted(*wishes, keys=None, member=anna, scope="test"):
        items = [
            Item(
                (keys or [f"k{number}" for number in range(len(wishes))])[number],
                hashlib.sha256(repr(wish).encode()).digest(),
                Whom(member=member.public_id),
                wish,
            )
            for number, wish in enumerate(wishes)
        ]
        outcomes = club.database.run(
            lambda session: batches.post(session, scope, items, said, club.clock())
        )
        return [one.code if isinstance(one, Refusal) else one.body.decode() for one in outcomes]

    return posted


def test_each_sees_what_those_before_it_did(post, club, anna) -> None:
    outcomes = post(Grant(100), Spend(30), Spend(80), Grant(20), Spend(90), Spend(1))
    assert outcomes == [
        "100/0",
        "70/0",
        "insufficient_points",
        "90/0",
        "0/0",
        "insufficient_points",
    ]
    assert club.story(anna) == [
        ("accrual", 100, 100),
        ("redemption", -30, 70),
        ("accrual", 20, 90),
        ("redemption", -90, 0),
    ]


def test_points_that_run_out_first_go_first(post, club, anna) -> None:
    post(
        Grant(10, expires_at=club.days(9)),
        Grant(10, expires_at=club.days(3)),
        Spend(5),
        Spend(10),
        Grant(1, activates_at=club.days(1), expires_at=club.days(2)),
    )
    assert club.has(anna) == (5, 1, 0, 0)
    club.turn(days=3)
    assert club.has(anna) == (5, 0, 0, 0)
    club.turn(days=6)
    assert club.has(anna) == (0, 0, 0, 0)


def test_a_batch_sent_again_is_answered_the_same_and_does_nothing(post, club, anna) -> None:
    first = post(Grant(10), Spend(20), Spend(4))
    assert first == ["10/0", "insufficient_points", "6/0"]
    assert post(Grant(10), Spend(20), Spend(4)) == first
    assert club.has(anna)[0] == 6
    club.grant(anna, 50)
    # A refusal is not kept: the same wish under the same key succeeds once it can.
    assert post(Grant(10), Spend(20), Spend(4)) == ["10/0", "36/0", "6/0"]


def test_a_key_stands_for_one_wish(post) -> None:
    assert post(Grant(1), Grant(2), Grant(1), keys=["a", "a", "a"]) == [
        "1/0",
        "idempotency_conflict",
        "1/0",
    ]
    assert post(Grant(2), keys=["a"]) == ["idempotency_conflict"]


def test_a_bad_item_leaves_the_others_alone(post, club, anna) -> None:
    assert post(
        Grant(1, unit="nuts"),
        Grant(2, expires_at=club.clock()),
        Grant(3, Cause(occurred_at=club.days(-366 * 50))),
        Grant(2**53 - 1),
        Grant(1),
        Spend(1),
    ) == [
        "unknown_unit",
        "dates_out_of_order",
        "date_out_of_range",
        "9007199254740991/0",
        "balance_too_large",
        "9007199254740990/0",
    ]


def test_unknown_and_replaced_cards_are_told(club, anna, card) -> None:
    with club.database.transaction() as session:
        cards.replace(session, members.by_id(session, anna.id), club.clock())
    items = [
        Item("a", b"a", Whom(card), Grant(1)),
        Item("b", b"b", Whom("4000000000000002"), Grant(1)),
        Item("c", b"c", Whom(member="nobody"), Grant(1)),
    ]
    outcomes = club.database.run(
        lambda session: batches.post(session, "test", items, said, club.clock())
    )
    assert [one.code for one in outcomes] == ["card_blocked", "unknown_card", "unknown_member"]


def test_a_card_is_on_the_statement(club, anna, card) -> None:
    item = Item("a", b"a", Whom(card), Grant(1, Cause(store="Arbat")))
    club.database.run(lambda session: batches.post(session, "t", [item], said, club.clock()))
    assert [(line.card, line.store) for line in club.lines(anna)] == [(card, "Arbat")]


def test_each_says_what_it_made_and_what_is_there_then(post, club, anna) -> None:
    later = club.days(1)
    assert post(Grant(10, activates_at=later), Grant(5, activates_at=later), Grant(2)) == [
        "0/10",
        "0/15",
        "2/15",
    ]
    with club.database.transaction() as session:
        unit = units.named(session, anna.programme_id, None)
        (holder,) = accounts.holders(session, anna.programme_id, unit.id, [anna.id])
        when = club.clock()
        wish = PostingHeader(anna.programme_id, "accrual", when)
        spend = PostingHeader(anna.programme_id, "redemption", when)
        made = book.post(
            session,
            [
                Credit(holder, wish, NewLot(7, Term(when)), PointsAccrued(anna.id), "opening"),
                Debit(holder, spend, 4, PointsRedeemed(anna.id)),
                Debit(holder, spend, 6, PointsRedeemed(anna.id)),
            ],
            when,
        )
        too_many = Credit(
            holder, wish, NewLot(MOST_POINTS, Term(when)), PointsAccrued(anna.id), "opening"
        )
        (too_large,) = book.post(session, [too_many], when)
    assert too_large.facts() == {"largest": MOST_POINTS}
    *done, refused = made
    assert [one.public_id for one in done] == [line.id for line in club.lines(anna)[1::-1]]
    assert refused.facts() == {"asked": 6, "available": 5}
    assert club.own() == {"issued": -17, "opening": -7, "redeemed": 4}


def test_a_batch_uses_up_one_lot_after_the_other(post, club, anna) -> None:
    for days in (3, 6, 9):
        club.grant(anna, 10, expires=days)
    assert post(Spend(5), Spend(20), Spend(4), Spend(1)) == ["25/0", "5/0", "1/0", "0/0"]
    assert club.lots(anna) == []


def test_single_points_are_found_too(post, club, anna) -> None:
    for _ in range(3):
        club.grant(anna, 1)
    assert post(Spend(2)) == ["1/0"]
    club.redeem(anna, 1)
    assert club.lots(anna) == []


def test_units_of_a_batch_do_not_mix(post, club, anna, boris) -> None:
    club.add_unit(UnitTerms("stamps", "stamps"))
    club.grant(boris, 1, unit="stamps")
    post(Grant(10), Grant(3, unit="stamps"), Spend(1, unit="stamps"), Spend(4))
    assert (club.has(anna)[0], club.balance(anna, "stamps").available) == (6, 2)
    assert (club.has(boris)[0], club.balance(boris, "stamps").available) == (0, 1)


def test_words_come_through_as_they_were(post, club, anna) -> None:
    """PostgreSQL is handed them in arrays, as one text."""
    words = [None, "NULL", "", "a,b", '"', "\\", '\\"', "{}", "'", " a ", "две\nстроки", "%s", ":a"]
    post(*(Grant(1, Cause(reason=one, store=one, promotion=one, receipt=one)) for one in words))
    lines = club.lines(anna)[::-1]
    assert [line.reason for line in lines] == words
    assert [(line.store, line.promotion, line.receipt) for line in lines] == [
        (one, one, one) for one in words
    ]


def test_a_debt_is_paid_by_a_batch(post, club, anna) -> None:
    accrual = club.grant(anna, 100)
    club.redeem(anna, 100)
    club.reverse(accrual)
    assert club.has(anna) == (0, 0, 0, 100)
    assert post(Grant(30), Spend(1), Grant(90), Spend(15)) == [
        "0/0",
        "insufficient_points",
        "20/0",
        "5/0",
    ]
    assert club.has(anna) == (5, 0, 0, 0)
    assert club.own() == {"issued": -120, "redeemed": 115}


def test_what_pays_a_debt_comes_from_where_it_was_said_to(post, club, anna) -> None:
    accrual = club.grant(anna, 100)
    club.redeem(anna, 100)
    club.reverse(accrual)
    with club.database.transaction() as session:
        unit = units.named(session, anna.programme_id, None)
        (holder,) = accounts.holders(session, anna.programme_id, unit.id, [anna.id])
        wish = PostingHeader(anna.programme_id, "opening", club.clock())
        event = PointsAccrued(anna.id)
        deed = Credit(holder, wish, NewLot(130, Term(club.clock())), event, "opening")
        (made,) = book.post(session, [deed], club.clock())
    assert made.balance.available == 30
    assert made.public_id == club.lines(anna)[1].id
    assert club.own() == {"issued": 0, "redeemed": 100, "opening": -130}


def test_what_is_due_is_done_first(post, club, anna) -> None:
    club.grant(anna, 10, expires=1)
    club.grant(anna, 7, activates=1)
    club.clock.advance(days=1)
    assert post(Spend(8), Spend(7)) == ["insufficient_points", "0/0"]


def test_batches_over_the_same_members_and_keys_at_once(club, post) -> None:
    people = [club.join(str(number)) for number in range(8)]
    items = [
        Item(f"{turn}-{one.id}", b"x", Whom(member=one.public_id), wish)
        for turn in range(4)
        for one in people
        for wish in [Grant(10) if turn % 2 == 0 else Spend(3)]
    ]

    def send(number: int) -> list[object]:
        mine = items[number % 3 :] + items[: number % 3]
        return club.database.run(
            lambda session: batches.post(session, "same", mine, said, club.clock())
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(24)))
    assert [club.has(one)[0] for one in people] == [14] * 8
