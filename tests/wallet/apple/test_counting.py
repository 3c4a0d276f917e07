"""How many cards came to Apple Wallet and left it: each once, also where two phones of one card
come or go at the same moment, on PostgreSQL."""

from datetime import UTC, datetime
from functools import partial

import pytest
from interleaving import stage
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.database.engine import Database
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.reports.tallies import TallyRow
from wallet.apple import devices
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.passes import issuing
from wallet.passes.issued import Pass
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

KEYS = KeyRing(("a-key-for-the-tests-of-tokens",))
NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def card(database: Database) -> int:
    """The card of a new member; nothing is counted yet."""
    with database.transaction() as session:
        member = enrolment.join(session, programmes.by_code(session, DEMO), Profile(), NOW).member
        made = issuing.issue(session, member, SANDBOX_PASS_TYPE, KEYS, NOW).id
        session.execute(delete(TallyRow))
        return made


def come(database: Database, card: int, phone: int) -> None:
    def work(session: Session) -> None:
        pass_ = session.get_one(Pass, card)
        devices.register(session, KEYS, pass_, f"phone-{phone}", f"{phone:064x}", NOW)

    database.run(work)


def leave(database: Database, card: int, phone: int) -> None:
    database.run(
        lambda session: devices.unregister(
            session, KEYS, session.get_one(Pass, card), f"phone-{phone}", NOW
        )
    )


def counted(database: Database) -> dict[str, int]:
    with database.reading() as session:
        rows = session.execute(
            select(TallyRow.figure, func.sum(TallyRow.amount)).group_by(TallyRow.figure)
        )
        return {row[0]: int(row[1]) for row in rows}


def test_two_phones_that_come_at_once_are_one_card(database: Database) -> None:
    with stage(database) as there:
        steps = there.statements_of(partial(come, database, card(database), 1))
        for step in range(1, steps + 1):
            both, first = card(database), 1000 * step
            met = there.meet(
                partial(come, database, both, first), partial(come, database, both, first + 1), step
            )
            assert (met.first, met.second) == (None, None), step
            assert counted(database) == {"card_added": 1}, step


def test_two_phones_that_go_at_once_are_one_card(database: Database) -> None:
    with stage(database) as there:
        alone = card(database)
        come(database, alone, 1)
        come(database, alone, 2)
        steps = there.statements_of(partial(leave, database, alone, 1))
        for step in range(1, steps + 1):
            both, first = card(database), 1000 * step
            come(database, both, first)
            come(database, both, first + 1)
            met = there.meet(
                partial(leave, database, both, first),
                partial(leave, database, both, first + 1),
                step,
            )
            assert (met.first, met.second) == (None, None), step
            assert counted(database) == {"card_added": 1, "card_removed": 1}, step
