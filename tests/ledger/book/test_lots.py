"""What is read of lots, and what is not: rows of two accounts, laid out by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import lots
from ledger.book.drafts import Withdrawal
from ledger.book.lots import Lot, LotMove
from ledger.database.engine import Database
from ledger.limits import NEVER
from ledger.settings import LedgerSettings

OURS, THEIRS = 7, 6  # the other account comes first wherever rows stand in order
NOW = datetime(2026, 3, 1, tzinfo=UTC)

Lay = Callable[..., int]


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """No books are checked after it: these lots belong to no balance."""
    database = Database(LedgerSettings(database_url))
    with database.transaction() as session:
        yield session
    database.close()


@pytest.fixture
def lay(session: Session) -> Lay:
    """Make a lot; days are counted from now."""

    def made(
        remaining: int,
        *,
        expires: int | None = 10,
        activates: int = -1,
        active: bool = True,
        held: int = 0,
        account: int = OURS,
        posting: int = 1,
    ) -> int:
        lot = Lot(
            account_id=account,
            posting_id=posting,
            activates_at=NOW + timedelta(days=activates),
            expires_at=NEVER if expires is None else NOW + timedelta(days=expires),
            amount=100,
            remaining=remaining,
            held=held,
            active=active,
        )
        session.add(lot)
        session.flush()
        return lot.id

    return made


@pytest.fixture
def many(lay: Lay) -> dict[str, int]:
    """One lot of every kind, the last to be spent laid first."""
    return {
        "endless": lay(5, expires=None),
        "twin": lay(6, expires=20),
        "younger twin": lay(7, expires=20),
        "soon": lay(8, expires=2),
        "asleep": lay(9, expires=30, activates=1, active=False),
        "empty": lay(0, expires=3),
        "held": lay(4, expires=4, held=4),
        "partly held": lay(10, expires=5, held=9),
        "theirs": lay(50, expires=1, account=THEIRS),
    }


AWAKE = ["soon", "partly held", "twin", "younger twin", "endless"]


def test_points_are_spent_in_order_of_expiry(session, many) -> None:
    found = list(lots.spendable(session, OURS))
    assert [stock.lot_id for stock in found] == [many[name] for name in AWAKE]
    assert [stock.free for stock in found] == [8, 1, 6, 7, 5]


def test_more_lots_than_a_page_are_each_read_once(session, lay) -> None:
    laid = [lay(1, expires=day) for day in (3, 2, 2, 1) for _ in range(lots.PAGE)]
    found = [stock.lot_id for stock in lots.spendable(session, OURS)]
    assert sorted(found) == laid
    assert len(found) == len(laid)
    last_day, two_days, first_day = laid[:16], laid[16:48], laid[48:]
    assert found == first_day + two_days + last_day


def test_all_open_lots_by_account(session, many) -> None:
    assert lots.open_in(session, [OURS, THEIRS, 9]).keys() == {OURS, THEIRS, 9}
    found = lots.open_in(session, [OURS])
    order = ["soon", "partly held", "twin", "younger twin", "asleep", "endless"]
    assert [stock.lot_id for stock in found[OURS]] == [many[name] for name in order]
    sleeper = found[OURS][4]
    assert (sleeper.active, sleeper.bucket, sleeper.withdraw(3)) == (
        False,
        "pending",
        Withdrawal(many["asleep"], 3, "pending"),
    )
    assert [stock.lot_id for stock in lots.open_in(session, [THEIRS])[THEIRS]] == [many["theirs"]]
    assert lots.open_in(session, [9]) == {9: []}


def test_what_a_posting_made_on_an_account(session, lay) -> None:
    later, sooner = lay(1, expires=9, posting=5), lay(2, expires=3, posting=5)
    lay(3, posting=5, account=THEIRS)
    lay(4, posting=6)
    assert [stock.lot_id for stock in lots.made_by(session, 5, OURS)] == [later, sooner]


def test_what_a_posting_took_comes_in_the_order_in_which_it_was_taken(session, lay) -> None:
    first, second, third, other = lay(1), lay(2), lay(3), lay(4, account=THEIRS)
    for lot_id, line in ((third, 0), (first, 1), (second, 1), (other, 2)):
        session.add(LotMove(posting_id=8, lot_id=lot_id, amount=10 + lot_id, line=line))
    session.add(LotMove(posting_id=9, lot_id=first, amount=99, line=0))
    session.flush()
    taken = [(stock.lot_id, amount) for stock, amount in lots.taken_by(session, 8, OURS)]
    assert taken == [(one, 10 + one) for one in (third, first, second)]


def test_only_lots_whose_time_has_come_become_active(session, lay) -> None:
    due, due_now = lay(3, active=False, activates=-1), lay(4, active=False, activates=0)
    later, theirs = lay(5, active=False, activates=1), lay(6, active=False, account=THEIRS)
    empty, awake = lay(0, active=False), lay(7)
    assert lots.activate_due(session, OURS, NOW) == 7
    rows = session.execute(select(Lot.id, Lot.active)).all()
    assert {row.id: row.active for row in rows} == {
        due: True,
        due_now: True,
        later: False,
        theirs: False,
        empty: False,
        awake: True,
    }
    assert lots.activate_due(session, OURS, NOW) == 0


def test_what_has_run_out_is_what_no_hold_has_set_aside(session, lay) -> None:
    today, before = lay(3, expires=0), lay(4, expires=-2)
    younger, partly = lay(5, expires=-2), lay(6, expires=-1, held=2)
    lay(0, expires=-1), lay(7, expires=-1, held=7), lay(8, expires=1), lay(9, expires=None)
    lay(10, expires=-1, account=THEIRS)
    assert lots.expired(session, OURS, NOW) == (
        Withdrawal(before, 4),
        Withdrawal(younger, 5),
        Withdrawal(partly, 4),
        Withdrawal(today, 3),
    )


@pytest.mark.parametrize(
    ("lot", "day"),
    [
        ({"expires": 3}, 3),
        ({"expires": 3, "activates": 2, "active": False}, 2),
        ({"remaining": 1, "expires": 3}, 3),
        ({"remaining": 0, "expires": 3}, 8),
        ({"held": 20, "expires": 3}, 8),
        ({"held": 19, "expires": 3}, 3),
        ({"account": THEIRS, "expires": 3}, 8),
        ({"expires": None}, 8),
    ],
)
def test_when_an_account_changes_next(session, lay, lot, day) -> None:
    lay(5, expires=8)
    lay(**{"remaining": 20} | lot)
    assert lots.next_change(session, OURS) == NOW + timedelta(days=day)


def test_an_account_without_lots_never_changes(session, lay) -> None:
    lay(5, account=THEIRS)
    assert lots.next_change(session, OURS) == NEVER
    lay(5, expires=None)
    assert lots.next_change(session, OURS) == NEVER
