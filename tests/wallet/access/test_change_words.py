"""The record of changes in words: nothing of the code's own language reaches a person."""

import re
from datetime import datetime

import pytest

from ledger.languages import LANGUAGES, Language
from wallet.access import change_words, changes
from wallet.access.change_words import NOTHING, ToldField
from wallet.access.changes import Author, RecordedChange

RUSSIAN, ENGLISH = Language("ru"), Language("en")
NAME_OF_THE_CODE = re.compile(r"[a-z]+[_.][a-z]+")


def moment(at: datetime) -> str:
    return f"{at:%H:%M}"


def told(field: str, before: object, after: object, language: Language = RUSSIAN) -> ToldField:
    (one,) = change_words.fields({field: [before, after]}, language, moment)
    return one


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_a_sentence(language) -> None:
    for code in change_words.CODES:
        change = RecordedChange(code=code, of_kind=code.partition(".")[0], of_id="IT")
        said = change_words.sentence(change, language)
        assert not NAME_OF_THE_CODE.search(said) and "{" not in said, said
        assert said[0].isupper() or said.startswith("IT")


def test_what_is_known_better_than_by_its_id_is_called_so() -> None:
    change = RecordedChange(code="receiver.added", of_kind="receiver", of_id="01a20f23")
    assert change_words.sentence(change, RUSSIAN, "CRM") == "Добавлен получатель событий «CRM»"
    assert change_words.sentence(change, ENGLISH) == "The event receiver “01a20f23” was added"


def test_a_code_of_a_later_release_is_told_by_its_kind() -> None:
    change = RecordedChange(code="receiver.praised", of_kind="receiver", of_id="CRM")
    assert change_words.sentence(change, RUSSIAN) == "Получатель событий CRM"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_that_is_recorded_has_a_name(language) -> None:
    for columns in changes.RECORDED.values():
        for column in columns:
            name = told(column, 1, 2, language).name
            assert name != column or language == ENGLISH, column
            assert "_" not in name


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("role", "call_centre", "Оператор колл-центра"),
        ("scopes", ["points:write", "coupons:use"], "начислять и списывать баллы, отмечать"),
        ("scopes", ["*"], "всё"),
        ("types", ["points.*", "member.joined"], "всё о баллах, новый клиент"),
        ("overdrawn", "refuse", "отказ"),
        ("listed", True, "да"),
        ("listed", False, "нет"),
        ("grace_days", 1250, "1\xa0250"),
        ("birthday", "1990-03-01", "1 марта 1990"),
        ("starts_at", "2026-11-24T12:30:00Z", "12:30"),
        ("titles", {"ru": "Кофе", "de": "Kaffee"}, "русский: Кофе; немецкий: Kaffee"),
        ("texts", {"ru": {"text": "Кофе"}}, "русский: Кофе"),
        ("languages", ["ru", "en"], "русский, английский"),
        ("audience", {"kind": "all", "of": []}, "условия"),
        ("kind", "1c", "1С"),
        ("state", "paused", "приостановлено"),
        ("name", "<b>Кот</b>", "<b>Кот</b>"),
        ("name", "", NOTHING),
    ],
)
def test_values_are_read_as_people_write_them(field, value, said) -> None:
    one = told(field, None, value)
    assert one.before == NOTHING
    assert one.after.startswith(said), one.after


def test_a_text_of_a_programme_says_in_which_language() -> None:
    one = told("privacy in en", None, "We keep …")
    assert one.name == "текст о персональных данных (английский)"


def test_authors() -> None:
    assert change_words.author(Author("key", "crm"), RUSSIAN) == "ключ API «crm»"
    assert change_words.author(Author("environment", "WALLET_API_KEY"), RUSSIAN) == (
        "ключ из окружения"
    )
    assert change_words.author(Author("employee", "a@b.ru"), ENGLISH) == "a@b.ru"


def test_a_tree_of_conditions_is_no_tree_to_a_person() -> None:
    tree, other = {"kind": "joined"}, '{"kind":"balance","at_least":500}'
    changed = told("tree", tree, {"kind": "card"})
    assert (changed.before, changed.after) == ("прежние условия", "другие условия")
    assert told("audience", None, tree).after == "условия"
    assert told("audience", None, other).after == "условия"
    assert "{" not in told("filters", None, {"audience": other}).after


def test_less_than_nothing_has_a_minus() -> None:
    assert told("points", None, -1_000).after == "−1\u00a0000"
    assert told("points", None, -1_000, ENGLISH).after == "−1,000"


def test_a_kind_of_entries_is_said() -> None:
    assert told("kind", None, "redemption").after == "списание"
