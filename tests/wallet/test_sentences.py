"""What the API says to people: in both languages, and in our own words."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ledger.contacts
import ledger.errors
import ledger.fields
import ledger.segments
import wallet.api
import wallet.web.app
from ledger.errors import Refusal
from wallet import sentences

API = Path(wallet.api.__file__).parent
SEGMENTS = Path(ledger.segments.__file__).parent
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# How pydantic speaks to those who program in Python.
PYDANTIC = re.compile(
    r"input should|instance of|\bitems?\b|valid (string|integer)|extra input", re.I
)

# Said at the command line or on pages alone.
NOT_OF_THE_API = {"terms_refused"}


def errors() -> Iterator[Refusal]:
    """One of each refusal, with some facts."""
    for kind in vars(ledger.errors).values():
        if inspect.isclass(kind) and issubclass(kind, Refusal) and "code" in vars(kind):
            signature = inspect.signature(kind)
            yield kind(
                *(
                    7 if one.annotation is int else "x"
                    for one in signature.parameters.values()
                    if one.kind is not one.VAR_KEYWORD
                )
            )


def called_with_text(path: Path, names: set[str], place: int) -> Iterator[str]:
    """The literal that each call of one of `names` in the file has at this place."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            argument = node.args[place] if len(node.args) > place else None
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


@pytest.mark.parametrize("error", list(errors()), ids=lambda error: error.code)
def test_every_refusal_of_the_ledger_has_its_russian(error: Refusal) -> None:
    if error.code in NOT_OF_THE_API:
        return
    russian = sentences.of_refusal(error.code, str(error), error.facts(), "ru")
    assert CYRILLIC.search(russian)
    assert russian.endswith(".")
    for fact in error.facts().values():
        if error.code != "external_id_taken":
            assert str(fact) in russian
    assert sentences.of_refusal(error.code, str(error), error.facts(), "en") == str(error)


def test_every_refusal_of_the_api_has_its_russian() -> None:
    files = [*API.glob("**/*.py"), Path(wallet.web.app.__file__)]
    codes = {code for file in files for code in called_with_text(file, {"refuse", "problem"}, 1)}
    assert len(codes) > 10
    assert codes - set(sentences.RUSSIAN) == set()


def test_every_check_of_a_field_has_its_russian() -> None:
    files = [Path(module.__file__) for module in (ledger.contacts, ledger.fields)]
    said = {text for file in files for text in called_with_text(file, {"ValueError"}, 0)}
    for file in (*files, *API.glob("**/*.py"), *SEGMENTS.glob("*.py")):
        said |= set(called_with_text(file, {"PydanticCustomError"}, 1))
    assert len(said) > 8
    assert said == set(sentences.CHECKS)


@pytest.mark.parametrize(
    ("path", "body", "russian", "english"),
    [
        ("accruals", [], "должно быть объектом JSON", "must be a JSON object"),
        ("accruals", {"card": "1"}, "points: нужно указать", "points: is required"),
        ("accruals", {"card": "1", "points": "5"}, "должно быть целым", "must be a whole number"),
        ("accruals", {"card": "1", "points": 0}, "не меньше 1", "at least 1"),
        ("accruals", {"card": "1", "points": 1, "x": 1}, "x: здесь такого нет", "x: is not known"),
        ("accruals", {"points": 1}, "либо card, либо member", "either card or member"),
        ("accruals", {"card": 1, "points": 1}, "должно быть текстом", "must be text"),
        (
            "accruals",
            {"card": "1", "points": 1, "reason": "x" * 301},
            "слишком длинно: не больше 300",
            "is too long: 300 at most",
        ),
        (
            "accruals",
            {"card": "1", "points": 1, "occurred_at": "2026-01-01T12:00:00"},
            "должно быть датой",
            "must be a date",
        ),
        (
            "members",
            {"programme": "demo", "locale": "de"},
            "'ru' или 'en'",
            "'ru' or 'en'",
        ),
        (
            "members",
            {"programme": "demo", "phone": "12"},
            "номером телефона",
            "must be a phone number",
        ),
        (
            "members",
            {"programme": "demo", "consents": [{"purpose": "marketing", "given": 1}]},
            "consents.0.given: должно быть true",
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


def test_what_the_framework_refuses_is_said_in_russian_too(client, api) -> None:
    headers = {"Accept-Language": "ru"}
    for answer in (
        client.get("/api/v1/nothing", headers=headers),
        client.put("/api/v1/accruals", headers=headers),
        client.get("/api/v1/members/x", headers=headers),
        api.call("GET", "members?card=1&cursor=x", **headers),
    ):
        assert CYRILLIC.search(answer.get_json()["detail"])
