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
        (Terms("club", "Клуб", locale="ru_RU"), "languages"),
        (Terms("club", "Клуб", languages=("ru", "Kazakh language")), "languages"),
        (Terms("club", "Клуб", languages=("en", "EN")), "languages"),
        (Terms("club", "Клуб", languages=tuple(f"a{n:02}" for n in range(21))), "languages"),
    ],
)
def test_terms_that_cannot_be_are_refused(database: Database, clock, terms, field) -> None:
    with pytest.raises(TermsRefused) as refusal, database.transaction() as session:
        programmes.create(session, terms, clock())
    assert refusal.value.field == field


class TestLanguages:
    @pytest.mark.parametrize(
        ("locale", "named", "spoken"),
        [
            ("ru", (), ["ru", "en"]),
            ("en-GB", (), ["en-GB", "ru"]),
            ("kk", (), ["kk", "en", "ru"]),
            ("kk", ("ru",), ["kk", "ru"]),
            ("ru", ("en", "ru", "kk"), ["en", "ru", "kk"]),
        ],
    )
    def test_its_own_is_among_them_and_by_default_all_of_ours_are(
        self, database: Database, clock, locale, named, spoken
    ) -> None:
        with database.transaction() as session:
            terms = Terms("club", "Клуб", locale, languages=named)
            assert programmes.create(session, terms, clock()).languages == spoken

    def test_they_can_be_changed(self, database: Database, clock) -> None:
        with database.transaction() as session:
            club = programmes.create(session, Terms("club", "Клуб"), clock())
            programmes.change_terms(session, club, None, None, ("kk", "en"))
        with database.transaction() as session:
            club = programmes.by_code(session, "club")
            assert club.languages == ["ru", "kk", "en"]
            programmes.change_terms(session, club, 5, None)
            assert club.languages == ["ru", "kk", "en"]
            with pytest.raises(TermsRefused):
                programmes.change_terms(session, club, None, None, ("k",))

    def test_it_says_nothing_of_itself_in_any_other(self, database: Database, clock) -> None:
        with database.transaction() as session:
            terms = Terms("club", "Клуб", languages=("ru", "kk"))
            club = programmes.create(session, terms, clock())
            programmes.say(session, club.id, "name", "kk-KZ", "Клуб", clock())
            with pytest.raises(TermsRefused, match="in ru, kk"):
                programmes.say(session, club.id, "name", "en", "Club", clock())
