"""Units, statements, what is owed to members, and what the database itself refuses."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book import accounts, audit, balances, statements
from ledger.book.accounts import Account, Balance, ProgrammeAccountKind
from ledger.book.statements import Filter, StatementLine
from ledger.database import compiled
from ledger.database.tables import MICROSECOND
from ledger.errors import InsufficientPoints, TermsRefused, UnitExists, UnknownUnit
from ledger.limits import NEVER
from ledger.money import Money
from ledger.people.cards import newest_of
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes import programmes, units
from ledger.programmes.units import UnitTerms

STAMPS = UnitTerms("stamps", "stamps")
CASHBACK = UnitTerms("cashback", "money", scale=2, currency="RUB", live_days=30)


def test_units_never_mix(club, anna) -> None:
    club.add_unit(STAMPS)
    club.add_unit(CASHBACK)
    club.grant(anna, 100)
    club.grant(anna, 3, unit="stamps")
    club.grant(anna, 19990, unit="cashback")
    with pytest.raises(InsufficientPoints):
        club.redeem(anna, 4, unit="stamps")
    club.redeem(anna, 3, unit="stamps")
    assert [club.balance(anna, unit).available for unit in (None, "stamps", "cashback")] == [
        100,
        0,
        19990,
    ]
    club.turn(days=31)
    assert club.balance(anna, "cashback").available == 0
    assert club.balance(anna).available == 100


def test_many_who_join_at_once_have_an_empty_account_each(club, anna) -> None:
    club.grant(anna, 1)  # so that accounts and balances are not numbered alike by chance
    with club.database.transaction() as session:
        programme = programmes.by_code(session, "club")
        people = [(Profile(name=name), None) for name in ("Вера", "Глеб", "Дина")]
        ids = enrolment.join_all(session, programme, people, club.clock())
        unit = units.named(session, programme.id, None)
    with club.database.reading() as session:
        members = [session.get_one(Member, member_id) for member_id in ids]
        found = [
            session.get_one(Account, accounts.account_id_of(session, unit.id, member_id))
            for member_id in ids
        ]
    assert [(one.programme_id, one.unit_id, one.member_id, one.kind) for one in found] == [
        (programme.id, unit.id, member_id, "member") for member_id in ids
    ]
    for account, member in zip(found, members, strict=True):
        assert club.balance(member) == Balance(account.id, 0, 0, 0, 0, NEVER)
    for number, member in enumerate(members):
        club.grant(member, number + 1)
    assert [club.has(member) for member in members] == [(1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0)]


def test_an_account_is_a_members_in_one_unit(club, anna, boris) -> None:
    club.add_unit(STAMPS)
    club.grant(boris, 1)
    earned = club.grant(anna, 5)
    club.redeem(anna, 5)
    club.reverse(earned)  # she has an account of debts now
    with club.database.reading() as session:
        points, stamps = units.of_programme(session, anna.programme_id)
        assert accounts.account_id_of(session, stamps.id, anna.id) is None
        account_id = accounts.account_id_of(session, points.id, anna.id)
        assert balances.of_account(session, account_id, club.clock()) == club.balance(anna)
        assert accounts.holder_of(session, account_id).member_id == anna.id
    assert club.balance(anna).debt == 5


def test_accounts_that_are_open_are_found_in_one_query(club, anna, boris, monkeypatch) -> None:
    """A posting makes few trips to the database, a batch no more than one posting."""
    club.add_unit(STAMPS)
    for one in (anna, boris):
        club.grant(one, 3, unit="stamps", expires=1)
        earned = club.grant(one, 10, expires=1)
        club.redeem(one, 5)
        club.reverse(earned)
    with club.database.transaction() as session:
        unit = units.named(session, anna.programme_id, None)
        # Opens the one account that nothing was posted to so far.
        accounts.holders(session, anna.programme_id, unit.id, [anna.id, boris.id])
    asked: list[str] = []
    event.listen(
        club.database.engine,
        "before_cursor_execute",
        lambda *told: asked.append(told[2]) if told[2].startswith("SELECT") else None,
    )
    execute = compiled.DriverConnection.execute

    def noted(line, words, *values, reads):
        if words.startswith("SELECT"):
            asked.append(words)
        return execute(line, words, *values, reads=reads)

    monkeypatch.setattr(compiled.DriverConnection, "execute", noted)
    with club.database.reading() as session:
        many = accounts.holders(session, anna.programme_id, unit.id, [boris.id, anna.id])
        assert len(asked) == 1
        assert [one.member_id for one in many] == [anna.id, boris.id]
        for one in many:
            assert accounts.holder(session, anna.programme_id, unit.id, one.member_id) == one
            for kind in get_args(ProgrammeAccountKind):
                assert accounts.programme_account(session, one, kind) == one.others[kind]
            assert accounts.debt_account(session, one) == one.others["debt"]
        assert len(asked) == 3
        kinds = dict(session.execute(select(Account.id, Account.kind)).all())
    for one in many:
        assert kinds[one.account_id] == "member"
        assert sorted(one.others) == sorted(kinds[of] for of in one.others.values())


def test_a_balance_is_read_past_whoever_is_about_to_change_it(club, anna) -> None:
    club.grant(anna, 10)
    before = club.balance(anna)
    with club.database.transaction() as writer, Session(club.database.engine) as reader:
        accounts.lock(writer, [before.account_id])
        accounts.change(writer, before.account_id, available=1)
        if not club.database.is_sqlite:
            reader.execute(text("SET lock_timeout = '2s'"))
        assert balances.of_account(reader, before.account_id, club.clock()) == before
        if not club.database.is_sqlite:
            with pytest.raises(DBAPIError, match="lock timeout"):
                accounts.lock(reader, [before.account_id])
        writer.rollback()


def test_accounts_whose_time_has_come_are_due_the_oldest_first(club, anna, boris) -> None:
    vera = club.join("Вера")
    for one, days in ((anna, 3), (boris, 1), (vera, 2)):
        club.grant(one, 1, expires=days)
    wanted = [club.balance(one).account_id for one in (boris, vera, anna)]
    with club.database.reading() as session:
        assert accounts.due(session, club.days(1) - MICROSECOND, 9) == []
        assert accounts.due(session, club.days(2), 9) == wanted[:2]
        assert accounts.due(session, club.days(3), 2) == wanted[:2]
        assert accounts.due(session, club.days(3), 9) == wanted


@pytest.mark.parametrize(
    "terms",
    [
        UnitTerms("Points!"),
        UnitTerms("x", "money"),
        UnitTerms("x", "money", currency="rub"),
        UnitTerms("x", "money", currency="XQZ"),
        UnitTerms("x", currency="RUB"),
        UnitTerms("x", "nuts"),
        UnitTerms("x", scale=7),
        UnitTerms("x", live_days=0),
    ],
)
def test_units_that_cannot_be_are_refused(club, terms) -> None:
    with pytest.raises(TermsRefused):
        club.add_unit(terms)


def test_a_unit_has_one_name(club, anna) -> None:
    with pytest.raises(UnitExists):
        club.add_unit(UnitTerms())
    with pytest.raises(UnknownUnit):
        club.grant(anna, 1, unit="nuts")


def test_a_statement_is_filtered(club, anna) -> None:
    club.grant(anna, 10, store="Arbat", promotion="spring", receipt="1")
    club.redeem(anna, 4, store="Arbat")
    club.clock.advance(days=1)
    club.grant(anna, 7, store="Tverskaya")

    def points(**wanted) -> list[int]:
        return [line.points for line in club.lines(anna, Filter(**wanted))]

    assert points() == [7, -4, 10]
    assert points(store="Arbat") == [-4, 10]
    assert points(promotion="spring") == points(receipt="1") == [10]
    assert points(kind="redemption") == [-4]
    assert points(at_least=5) == points(at_least=7) == [7, 10]
    assert points(at_most=7) == [7, -4]
    assert points(since=club.clock()) == [7]
    assert points(until=club.clock()) == [-4, 10]


def test_a_statement_says_what_was_told_and_is_read_in_pages(club, anna, boris) -> None:
    told = {"reason": "cake", "receipt": "7", "store": "Arbat", "promotion": "spring"}
    paid = Money("199.90", "RUB")
    with club.database.reading() as session:
        card = newest_of(session, anna.id)
    at = club.clock() - timedelta(days=2)
    first = club.grant(anna, 10, occurred_at=at, card_id=card.id, purchase=paid, **told)
    club.clock.advance(minutes=1)
    second, third = club.redeem(anna, 4), club.grant(anna, 5)
    newest, between, oldest = club.lines(anna)
    assert [newest.id, between.id, oldest.id] == [third, second, first]
    assert oldest == StatementLine(
        oldest.posting_id,
        first,
        "accrual",
        10,
        10,
        **told,
        card=card.number,
        occurred_at=at,
        posted_at=club.clock() - timedelta(minutes=1),
        paid=19_990,
        currency="RUB",
    )
    assert (oldest.purchase, between.purchase) == (paid, None)
    account_id = club.balance(anna).account_id
    with club.database.reading() as session:

        def page(before: StatementLine | None, limit: int) -> list[StatementLine]:
            before_id = None if before is None else before.posting_id
            return statements.statement(session, account_id, Filter(), before_id, limit)

        assert page(None, 2) == [newest, between]
        assert page(newest, 9) == [between, oldest]
        assert page(between, 1) == [oldest]
        assert page(oldest, 9) == []


def test_the_balance_of_a_moment(club, anna, boris) -> None:
    before = club.clock()
    club.grant(anna, 10)
    club.grant(boris, 99)
    club.clock.advance(days=1)
    club.redeem(anna, 4)
    club.redeem(anna, 1)
    club.redeem(boris, 1)
    account_id = club.balance(anna).account_id
    with club.database.reading() as session:
        assert statements.balance_at(session, account_id, before) == 10
        assert statements.balance_at(session, account_id, club.clock()) == 5
        assert statements.balance_at(session, account_id, datetime(2020, 1, 1, tzinfo=UTC)) == 0


def test_balances_of_many_members_are_those_of_each(club, anna, boris) -> None:
    club.add_unit(STAMPS)
    vera, gleb = club.join("Вера"), club.join("Глеб")
    for number, one in enumerate((anna, boris, vera), start=1):
        club.grant(one, number)
        club.grant(one, 50, unit="stamps")
    club.household(boris, anna)
    with club.database.reading() as session:
        people = [session.get_one(Member, one.id) for one in (anna, boris, gleb)]
        found = statements.main_balances(session, anna.programme_id, people, club.clock())
    assert {of: one.available for of, one in found.items()} == {anna.id: 3, boris.id: 3, gleb.id: 0}


def test_what_is_owed_by_month(club, anna, boris) -> None:
    end_of_may = datetime(2026, 5, 31, 21, tzinfo=UTC)  # midnight in Moscow: June begins
    club.add_unit(STAMPS)
    club.grant(anna, 500, unit="stamps", expires_at=end_of_may)
    club.grant(anna, 10, expires_at=end_of_may)
    club.grant(boris, 20, expires_at=end_of_may)
    club.grant(boris, 3, expires_at=end_of_may, activates=1)
    club.grant(boris, 4, expires_at=end_of_may - timedelta(days=1), activates=1)
    club.grant(anna, 7, expires_at=datetime(2026, 6, 30, 21, 30, tzinfo=UTC))  # July in Moscow
    club.grant(anna, 5, expires_at=datetime(2026, 6, 1, 21, tzinfo=UTC), activates=1)
    club.redeem(boris, 20)  # nothing is left of that lot
    club.grant(anna, 1)
    with club.database.reading() as session:
        programme = programmes.by_code(session, "club")
        unit = units.named(session, programme.id, None)
        found = statements.liability(session, unit, programme.timezone, club.clock())
    assert [(one.month, one.points, one.pending, one.lots) for one in found] == [
        (date(2026, 5, 1), 17, 7, 3),
        (date(2026, 6, 1), 5, 5, 1),
        (date(2026, 7, 1), 7, 0, 1),
        (None, 1, 0, 1),
    ]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ledger_posting SET receipt = 'x'",
        "UPDATE ledger_posting SET reason = 'x'",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_entry SET amount = amount + 1",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_lot_move SET amount = 0",
        "DELETE FROM ledger_lot_move",
    ],
)
def test_the_database_refuses_to_change_what_was_posted(club, anna, deed) -> None:
    club.grant(anna, 10, reason="Анна пришла")
    club.redeem(anna, 1)
    with (
        pytest.raises(DBAPIError, match="append-only"),
        club.database.transaction() as session,
    ):
        session.execute(text(deed))


def test_only_the_words_of_a_posting_can_be_taken_off(club, anna) -> None:
    club.grant(anna, 10, reason="Анна пришла")
    with club.database.transaction() as session:
        session.execute(text("UPDATE ledger_posting SET reason = NULL"))
    assert [line.reason for line in club.lines(anna)] == [None]


def test_entries_that_do_not_sum_to_zero_are_refused_or_found(club, anna) -> None:
    """SQLite has no triggers for whole statements; there the audit finds it."""
    club.grant(anna, 10)
    stray = text("INSERT INTO ledger_entry (posting_id, line, account_id, amount) VALUES (1,7,1,5)")
    with club.database.transaction() as session:
        if club.database.is_sqlite:
            session.execute(stray)
            broken = [breach.rule for breach in audit.check(session)]
            assert "the entries of a posting sum to zero" in broken
        else:
            with pytest.raises(DBAPIError, match="sum to zero"):
                session.execute(stray)
        session.rollback()


# What somebody could do to the tables, and the rule that finds it.
DAMAGE = {
    "UPDATE ledger_balance SET available = available + 1": "a balance equals its entries",
    "UPDATE ledger_balance SET held = held + 1": "a balance holds what its holds say",
    "UPDATE ledger_balance SET debt = debt + 1": "a debt equals its entries",
    "UPDATE ledger_balance SET next_change_at = (SELECT max(expires_at) FROM ledger_lot)": (
        "an account is looked at when its lots are due"
    ),
    "UPDATE ledger_lot SET remaining = remaining - 1 WHERE remaining > held": (
        "what left a lot is on record"
    ),
    "UPDATE ledger_lot SET held = held - 1 WHERE held > 0": "a lot holds what its holds say",
    "UPDATE ledger_hold SET captured = 1, state = 'captured'": (
        "a hold is captured once and at most in full"
    ),
    "UPDATE ledger_account SET unit_id = unit_id + 1 WHERE kind = 'issued'": (
        "a posting stays within one programme and one unit"
    ),
    "DELETE FROM ledger_account WHERE kind = 'issued'": "an entry has an account",
    "DELETE FROM ledger_balance": "a member account has a balance",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_audit_finds_what_is_broken(club, anna, damage) -> None:
    club.grant(anna, 10, expires=5)
    club.grant(anna, 10)
    club.redeem(anna, 3)
    club.hold(anna, 2)
    with club.database.transaction() as session:
        assert audit.check(session) == []
        session.execute(text(damage))
        assert DAMAGE[damage] in [breach.rule for breach in audit.check(session)]
        session.rollback()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_audit_looks_nothing_up_row_by_row(database) -> None:
    """Where tables have grown since PostgreSQL last counted them, it would never be done."""
    with database.reading() as session:
        assert audit.check(session) == []
        plans = {
            rule: "\n".join(session.scalars(text(f"EXPLAIN {query} LIMIT 5")))
            for rule, query in audit.RULES.items()
        }
    assert [rule for rule, plan in plans.items() if "Nested Loop" in plan] == []
