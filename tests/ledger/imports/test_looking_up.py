"""That a part of an import costs the same however many members there are: SQLite, which has no
statistics, finds people by what rows name, and never by reading a whole programme."""

from typing import Any

import pytest
from clocks import StoppedClock
from sqlalchemy import event

from ledger.contacts import PhoneNumber
from ledger.database.engine import Database
from ledger.imports.checking import Aim, judge
from ledger.imports.columns import RowContent
from ledger.imports.store import Row
from ledger.people import persons
from ledger.people.persons import Search
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms

TABLES = ("ledger_person", "ledger_member", "ledger_card")
# What says no more than this of whom it looks for goes through everybody.
TOO_LITTLE = ("SCAN ledger_", "(programme_id=?)", "(rowid>?)")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def plans(database: Database) -> list[str]:
    """How SQLite looked for people, step by step."""
    found: list[str] = []

    def note(_c: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT") and any(name in statement for name in TABLES):
            explained = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            found.extend(step[3] for step in explained)

    event.listen(database.engine, "before_cursor_execute", note)
    return found


def test_people_of_a_part_are_found_by_what_they_are_named(
    database: Database, plans: list[str], clock: StoppedClock
) -> None:
    wishes = [
        RowContent(
            phone=f"+7999000000{n}", email=f"{n}@example.com", card=f"4000{n}", external_id=f"{n}"
        )
        for n in range(9)
    ]
    with database.transaction() as session:
        programme = programmes.create(session, Terms("club", "Клуб"), clock())
        aim = Aim(programme, units.named(session, programme.id, None), "members")
        plans.clear()
        judge(session, aim, [Row(n, wish) for n, wish in enumerate(wishes)], None, clock())
    assert len(plans) >= 4
    assert [plan for plan in plans if any(little in plan for little in TOO_LITTLE)] == []


@pytest.mark.parametrize(
    "search",
    [
        Search(card="40000001"),
        Search(phones=(PhoneNumber("+79990000001"),)),
        Search(email="anna@example.com"),
        Search(external_id="c-1"),
        Search(card="40000001", programme_id=1),
        Search(phones=(PhoneNumber("+79990000001"),), programme_id=1),
        Search(email="anna@example.com", programme_id=1),
        Search(external_id="c-1", programme_id=1),
    ],
)
def test_a_member_is_found_by_what_is_asked(
    database: Database, plans: list[str], search: Search
) -> None:
    with database.reading() as session:
        persons.search(session, search, 0, 50)
    steps = [plan for plan in plans if "ledger_programme" not in plan]
    assert steps
    # Behind the person comes the member, by their id.
    assert [step for step in steps if any(little in step for little in TOO_LITTLE)] == []
