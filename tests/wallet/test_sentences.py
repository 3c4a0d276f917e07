"""What the API says to people: in the language that they ask for, and in our own words."""

import ast
import re
from pathlib import Path

import pytest

import ledger
import wallet
from ledger import fields
from ledger.languages import Language
from wallet import sentences
from wallet.sentences import KINDS, PYDANTICS

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# How pydantic speaks to those who program in Python.
PYDANTIC = re.compile(
    r"input should|instance of|\bitems?\b|valid (string|integer)|extra input", re.I
)


def test_what_pydantic_is_given_to_say_is_what_the_catalogue_says() -> None:
    checked = set()
    packages = (Path(package.__file__).parent for package in (ledger, wallet))
    for file in (file for package in packages for file in package.glob("**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PydanticCustomError":
                code, english = node.args[:2]
                if isinstance(code, ast.Constant) and isinstance(english, ast.Constant):
                    text = sentences.CATALOGUE.text(Language("en"), code.value, "field")
                    assert text == english.value
                    checked.add(code.value)
    assert len(checked) > 5
    either = fields.either("points_or_money", "points", "money")
    assert either.message() == "give either points or money"


def test_each_kind_that_pydantic_has_is_one_that_it_knows() -> None:
    assert set(KINDS) <= PYDANTICS


@pytest.mark.parametrize(
    ("path", "body", "russian", "english"),
    [
        ("accruals", [], "нужен объект JSON", "must be a JSON object"),
        ("accruals", {"card": "1"}, "points: нужно указать", "points: is required"),
        ("accruals", {"card": "1", "points": "5"}, "нужно целое", "must be a whole number"),
        ("accruals", {"card": "1", "points": 0}, "не меньше 1", "at least 1"),
        ("accruals", {"card": "1", "points": 1, "x": 1}, "x: здесь такого нет", "x: is not known"),
        ("accruals", {"points": 1}, "либо card, либо member", "either card or member"),
        ("accruals", {"card": 1, "points": 1}, "нужен текст", "must be text"),
        (
            "accruals",
            {"card": "1", "points": 1, "reason": "x" * 301},
            "слишком длинно: не больше 300",
            "is too long: 300 at most",
        ),
        (
            "accruals",
            {"card": "1", "points": 1, "occurred_at": "2026-01-01T12:00:00"},
            "нужен момент",
            "must be a moment",
        ),
        (
            "members",
            {"programme": "demo", "locale": "de_AT"},
            "locale: нужен код языка",
            "locale: must be a language",
        ),
        (
            "members",
            {"programme": "demo", "phone": "12"},
            "нужен номер телефона",
            "must be a phone number",
        ),
        (
            "members",
            {"programme": "demo", "consents": [{"purpose": "marketing", "given": 1}]},
            "consents.0.given: нужно true",
            "consents.0.given: must be true",
        ),
        ("members", {"programme": "nowhere"}, "Программы «nowhere» нет", "There is no programme"),
        ("scans", {"barcode": "1"}, "Карты с таким номером нет", "There is no card"),
    ],
)
def test_a_refusal_speaks_the_language_that_was_asked_for(
    api, path: str, body: object, russian: str, english: str
) -> None:
    for accepted, tongue, words in (
        ("ru-RU,ru;q=0.9,en;q=0.5", "ru", russian),
        ("en-GB", "en", english),
        ("de", "en", english),
    ):
        answer = api.call("POST", path, body, **{"Accept-Language": accepted})
        assert answer.headers["Content-Language"] == tongue
        assert "Accept-Language" in answer.headers["Vary"]
        problem = answer.get_json()
        assert words in problem["detail"]
        for said in [problem["detail"], *[one["message"] for one in problem.get("errors", [])]]:
            assert not PYDANTIC.search(said)
            assert bool(CYRILLIC.search(said)) == (tongue == "ru")


def test_what_may_stand_there_is_listed_in_the_readers_language(api) -> None:
    for accepted, words in (("ru", "lang: должно быть 'en' или 'ru'."), ("en", "'en' or 'ru'.")):
        answer = api.call("GET", "imports/x/rows?lang=de", **{"Accept-Language": accepted})
        assert words in answer.get_json()["detail"]


def test_what_the_framework_refuses_is_said_in_russian_too(client, api) -> None:
    headers = {"Accept-Language": "ru"}
    for answer in (
        client.get("/api/v1/nothing", headers=headers),
        client.put("/api/v1/accruals", headers=headers),
        client.get("/api/v1/members/x", headers=headers),
        api.call("GET", "members?card=1&cursor=x", **headers),
    ):
        assert CYRILLIC.search(answer.get_json()["detail"])
