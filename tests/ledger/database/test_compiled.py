"""Statements that go to the driver directly: what comes and goes is as SQLAlchemy has it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import String, bindparam, literal, literal_column, null, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.database import compiled
from ledger.database.compiled import Compiled, Question
from ledger.database.engine import Database
from ledger.database.idempotency import Request
from ledger.database.outbox import OutboxRow
from ledger.database.tables import OneOf
from ledger.people.cards import Card
from ledger.people.members import Member

NOON = datetime(2026, 2, 28, 12, 0, 0, 123_456, UTC)
MOSCOW = timezone(timedelta(hours=3))

ADD = Compiled(
    lambda insert: insert(Request).on_conflict_do_nothing().returning(Request.key),
    ["scope", "key", "body_hash", "created_at"],
)
ADD_ANYWAY = Compiled(lambda insert: insert(Request), ["scope", "key", "body_hash", "created_at"])
FIND = Compiled(
    select(Request.body_hash, Request.status, Request.created_at).where(
        Request.scope == "test", Request.key == bindparam("key")
    )
)


def add(session, key: str, order: Compiled = ADD) -> list:
    moment = NOON.astimezone(MOSCOW)
    return order.execute(session, scope="test", key=key, body_hash=b"\x00\xff", created_at=moment)


def session_has(session, key: str) -> bool:
    return session.scalar(select(Request.key).where(Request.key == key)) is not None


def test_values_come_back_as_they_went_in(database: Database) -> None:
    with database.transaction() as session:
        assert [row.key for row in add(session, "one")] == ["one"]
        assert add(session, "one") == []
        [inside] = FIND.execute(session, key="one")
        [through_sqlalchemy] = session.execute(
            select(Request.body_hash, Request.status, Request.created_at)
        ).all()
    [row] = database.fetch(FIND, key="one")
    assert row == inside == tuple(through_sqlalchemy)
    assert (row.body_hash, row.status, row.created_at) == (b"\x00\xff", None, NOON)
    assert row.created_at.tzinfo is UTC


def test_a_document_is_read_as_one(database: Database) -> None:
    payload = {"member": 5, "words": ["да", None]}
    with database.transaction() as session:
        session.add(
            OutboxRow(kind="x", payload=payload, created_at=NOON, not_before=NOON, attempts=0)
        )
    found = database.fetch(Compiled(select(OutboxRow.payload).where(OutboxRow.kind == "x")))
    assert [row.payload for row in found] == [payload]


def test_columns_without_a_name_or_with_the_same_one_are_read_by_place(database: Database) -> None:
    twice = select(null(), literal("a", String).label("id"), literal("b", String).label("id"))
    [row] = database.fetch(Compiled(twice))
    assert tuple(row) == (None, "a", "b")


def test_it_belongs_to_the_transaction_of_the_session(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        add(session, "one")
        raise ZeroDivisionError
    assert database.fetch(FIND, key="one") == []
    assert [row.key for row in database.run_one(ADD, **_values("two"))] == ["two"]
    assert len(database.fetch(FIND, key="two")) == 1


def test_an_error_is_sqlalchemys_and_tells_no_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        add(session, "one", ADD_ANYWAY)
        add(session, "one", ADD_ANYWAY)
    assert caught.value.params is None
    assert "xff" not in str(caught.value)
    assert not caught.value.connection_invalidated
    assert database.fetch(FIND, key="one") == []
    database.run_one(ADD, **_values("one"))  # whatever connection it was still works


def test_a_transaction_begins_with_its_first_statement_whoever_carries_it_out(
    database: Database,
) -> None:
    query = select(Request.key).where(Request.key == "one")
    for first, second in ((add, session_has), (session_has, add)):
        with pytest.raises(ZeroDivisionError), database.transaction() as session:
            first(session, "one")
            second(session, "one")
            add(session, "two")
            raise ZeroDivisionError
        with database.reading() as session:
            assert session.scalars(query).all() == []
        assert database.fetch(FIND, key="two") == []


def test_a_transaction_without_a_statement_leaves_nothing_begun(database: Database) -> None:
    with database.transaction() as session:
        session.connection()
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        session.connection()
        raise ZeroDivisionError
    database.run_one(ADD, **_values("one"))
    with database.reading() as session:
        assert session.scalars(select(Request.key)).all() == ["one"]


def test_a_statement_is_put_together_once(database: Database, monkeypatch) -> None:
    made = []
    form = compiled._DialectForm
    monkeypatch.setattr(compiled, "_DialectForm", lambda *given: made.append(given) or form(*given))
    question = Compiled(select(Card.number).join(Member, Member.id == Card.member_id))
    for _ in range(3):
        assert database.fetch(question) == []
    assert len(made) == 1


def _values(key: str) -> dict:
    return {"scope": "test", "key": key, "body_hash": b"x", "created_at": NOON}


class TestQuestions:
    """Several questions of one moment."""

    @staticmethod
    def found(key: str) -> Question[int]:
        return Question(FIND, {"key": key}, len)

    def test_each_gets_its_own_answer(self, database: Database) -> None:
        with database.transaction() as session:
            add(session, "one")
        asked = [self.found(key) for key in ("one", "two", "one")]
        assert database.answers(*asked) == [1, 0, 1]
        assert [one.answer(database.fetch) for one in asked] == [1, 0, 1]

    def test_one_that_cannot_be_answered_fails_all_and_the_connection_goes_on(
        self, database: Database
    ) -> None:
        wrong = Question(Compiled(select(literal(1) / literal_column("nothing"))), {}, len)
        with pytest.raises(DBAPIError):
            database.answers(self.found("one"), wrong, self.found("two"))
        assert database.answers(self.found("one"), self.found("two")) == [0, 0]

    def test_a_column_is_one_of_any_number_of_ids(self, database: Database) -> None:
        with database.transaction() as session:
            for kind in ("a", "b", "c"):
                session.add(OutboxRow(kind=kind, payload={}, created_at=NOON, not_before=NOON))
            session.flush()
            ids = list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
        some = Compiled(select(OutboxRow.kind).where(OneOf(OutboxRow.id, "ids")))
        for chosen, kinds in (([], set()), (ids[:1], {"a"}), ([*ids[1:], 2**62], {"b", "c"})):
            assert {row.kind for row in database.fetch(some, ids=chosen)} == kinds
