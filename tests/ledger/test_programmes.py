"""New programmes."""

import pytest

from ledger.database.engine import Database
from ledger.errors import ProgrammeExists, TermsRefused, UnknownProgramme
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms


def test_a_code_is_taken_once(database: Database, clock) -> None:
    with database.transaction() as session:
        programmes.create(session, Terms("club", "Клуб"), clock())
    with pytest.raises(ProgrammeExists), database.transaction() as session:
        programmes.create(session, Terms("club", "Другой"), clock())
    with database.reading() as session:
        assert programmes.by_code(session, "club").name == "Клуб"
        with pytest.raises(UnknownProgramme):
            programmes.by_code(session, "Club")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms("", "Клуб"), "code"),
        (Terms("a b", "Клуб"), "code"),
        (Terms("клуб", "Клуб"), "code"),
        (Terms("x" * 41, "Клуб"), "code"),
        (Terms("club", " "), "name"),
        (Terms("club", "я" * 101), "name"),
        (Terms("club", "Клуб", timezone="Moscow"), "timezone"),
    ],
)
def test_terms_that_cannot_be_are_refused(database: Database, clock, terms, field) -> None:
    with pytest.raises(TermsRefused) as refusal, database.transaction() as session:
        programmes.create(session, terms, clock())
    assert refusal.value.field == field
