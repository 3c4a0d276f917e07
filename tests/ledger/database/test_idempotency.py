"""The same request asked twice: one effect and one answer, in both ways that there are to it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from clocks import StoppedClock
from interleaving import stage
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.database import idempotency, outbox
from ledger.database.engine import Database
from ledger.database.idempotency import Repeatable, Repeated, Request, StoredAnswer
from ledger.database.outbox import OutboxRow
from ledger.errors import CardBlocked, IdempotencyConflict, MemberErased, Refusal
from ledger.events import MemberChanged

ASKED = Repeatable("till", "receipt-1", idempotency.digest("/accruals", '{"points":5}'))
OTHER = Repeatable("till", "receipt-1", idempotency.digest("/accruals", '{"points":6}'))
ANSWER = StoredAnswer(201, b'{"id": "p-1"}')

Ask = Callable[..., StoredAnswer | Refusal]


def effect(session: Session, now: datetime) -> StoredAnswer:
    """Leaves a trace that can be counted."""
    outbox.append(session, [MemberChanged(1)], now)
    return ANSWER


def refusing(session: Session, now: datetime) -> Refusal:
    """Has an effect, and refuses all the same."""
    outbox.append(session, [MemberChanged(1)], now)
    return CardBlocked("replaced")


def failing(session: Session, now: datetime) -> StoredAnswer:
    outbox.append(session, [MemberChanged(1)], now)
    raise CardBlocked("replaced")


@pytest.fixture
def key_first(database: Database, clock: StoppedClock) -> Ask:
    def asked(request: Repeatable = ASKED, work: Callable = effect) -> StoredAnswer | Refusal:
        return database.run(
            lambda session: idempotency.key_first(session, request, work, clock()), idempotent=True
        )

    return asked


@pytest.fixture
def key_last(database: Database, clock: StoppedClock) -> Ask:
    def asked(request: Repeatable = ASKED, work: Callable = effect) -> StoredAnswer | Refusal:
        try:
            return database.run(
                lambda session: idempotency.key_last(session, request, work, clock()),
                idempotent=True,
            )
        except Repeated:
            with database.reading() as session:
                first = idempotency.first_answer(session, request)
            assert first is not None
            return first

    return asked


@pytest.fixture(params=["key_first", "key_last"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.getfixturevalue(request.param)


@pytest.fixture
def effects(database: Database) -> Callable[[], int]:
    def counted() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(OutboxRow)) or 0

    return counted


def test_a_repeated_request_gets_its_first_answer_and_does_nothing(ask: Ask, effects) -> None:
    assert [ask(), ask(), ask()] == [ANSWER] * 3
    assert effects() == 1


def test_another_request_under_the_key_is_a_conflict(ask: Ask, effects) -> None:
    ask()
    with pytest.raises(IdempotencyConflict):
        ask(OTHER)
    assert effects() == 1


def test_a_key_means_something_else_in_another_scope(ask: Ask, effects) -> None:
    ask()
    assert ask(Repeatable("other till", OTHER.key, OTHER.digest)) == ANSWER
    assert effects() == 2


def test_what_raises_is_undone_with_its_key(ask: Ask, effects) -> None:
    with pytest.raises(CardBlocked):
        ask(ASKED, failing)
    assert effects() == 0
    assert ask(OTHER) == ANSWER


def test_a_refusal_that_is_returned_keeps_its_effect_and_frees_its_key(ask: Ask, effects) -> None:
    assert isinstance(ask(ASKED, refusing), CardBlocked)
    assert effects() == 1
    assert ask(OTHER) == ANSWER
    assert effects() == 2


def test_an_answer_about_somebody_who_is_erased_is_not_given_again(
    ask: Ask, database: Database, effects
) -> None:
    ask()
    with database.transaction() as session:
        idempotency.redact(session, ["p-1"], ["nothing of the key"])
    for request in (ASKED, OTHER):
        with pytest.raises(MemberErased):
            ask(request)
    assert effects() == 1


def test_twins_have_one_effect_and_one_answer(ask: Ask, database: Database, effects) -> None:
    together = Barrier(8)

    def twin(_: int) -> StoredAnswer | Refusal:
        together.wait()
        return ask()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(twin, range(8)))
    assert answers == [ANSWER] * 8
    assert effects() == 1
    with database.reading() as session:
        (row,) = session.scalars(select(Request)).all()
    assert (row.scope, row.key, row.body_hash) == (ASKED.scope, ASKED.key, ASKED.digest)


def test_with_the_key_first_a_repeated_request_never_begins(key_first: Ask) -> None:
    key_first()
    assert key_first(ASKED, failing) == ANSWER


class TestAKeyThatIsFreedMeanwhile:
    """An erasure deletes the row of a request whose key names the person, at the moment when the
    request comes again: it found the row in its way, and then finds none."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def meet(self, database: Database, key_first: Ask) -> Callable[[Callable[[], object]], None]:
        key_first()

        def freed() -> None:
            with database.transaction() as session:
                idempotency.redact(session, ["p-1"], [ASKED.key])

        def met(asked: Callable[[], object], at: int = 2) -> None:
            with stage(database) as there:
                outcome = there.meet(asked, freed, at)
            for result in (outcome.first, outcome.second):
                assert not isinstance(result, Exception), result

        return met

    def test_is_taken(self, meet, key_first: Ask, effects) -> None:
        meet(key_first)
        assert effects() == 2
        assert key_first(ASKED, failing) == ANSWER  # it is known again

    def test_is_taken_by_a_batch(
        self, meet, key_first: Ask, database: Database, clock: StoppedClock
    ) -> None:
        def batch() -> None:
            with database.transaction() as session:
                keys = {ASKED.key: ASKED.digest}
                assert idempotency.claim_keys(session, ASKED.scope, keys, clock()) == {}
                idempotency.store_answers(session, ASKED.scope, {ASKED.key: ANSWER})

        meet(batch, 3)  # behind its INSERT, before its SELECT
        assert key_first(ASKED, failing) == ANSWER


def test_a_request_is_known_by_its_lines_byte_for_byte() -> None:
    """Rows of earlier releases hold these. Never change one."""
    assert idempotency.digest("/api/v1/holds", "{}").hex() == (
        "aae8cd6740cde774cf7bf924fa4241876f58b94e5efdf7ecd1c419ac7eedf5ab"
    )
    assert idempotency.digest("Чек", b"\x00\xff", "").hex() == (
        "bbe3163d35fb09c8745de6714475da5d542fad9e3fa4c4e539d3c7bf561fd14c"
    )
