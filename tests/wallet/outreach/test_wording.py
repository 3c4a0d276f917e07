"""The words of messages: what can be named, and what stands where nothing is known."""

from datetime import UTC, datetime

import pytest

from ledger.errors import LanguageNotSpoken
from ledger.money import Money
from ledger.programmes.units import Unit
from wallet.errors import (
    PlaceholderMalformed,
    PluralFormsWrong,
    TextMissing,
    UnknownPlaceholder,
)
from wallet.outreach import terms, wording
from wallet.outreach.wording import LastDay
from wallet.passes.content import LONGEST_MESSAGE

ANNA = {"name": "Анна", "points": 1250}


@pytest.mark.parametrize(
    ("text", "known", "filled"),
    [
        ("{{name}}, у вас {{points}}", ANNA, "Анна, у вас 1\u00a0250"),
        ("{{ name | друг }}, у вас {{points}}", ANNA, "Анна, у вас 1\u00a0250"),
        ("{{name|друг}}, привет", {}, "друг, привет"),
        ("Здравствуйте, {{name}}!", {}, "Здравствуйте!"),
        ("Hello, {{name}}! You have {{points}}.", {"points": 7}, "Hello! You have 7."),
        ("Ключ {name} не место", ANNA, "Ключ {name} не место"),
        ("{{name}}", {"name": "{{points}}", "points": 7}, "{{points}}"),
        ("У вас {{points}}", {"points": 0}, "У вас 0"),
        (
            "Сгорят {{day}}.",
            {"day": LastDay(datetime(2027, 3, 4, tzinfo=UTC))},
            "Сгорят 3 марта 2027\u202fг.",
        ),
    ],
)
def test_a_text_is_filled(text, known, filled) -> None:
    assert wording.fill(text, known, "ru") == filled


def test_what_is_filled_fits_the_card() -> None:
    assert len(wording.fill("{{name}}" * 60, {"name": "Ы" * 100}, "ru")) == LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("texts", "refusal"),
    [
        ({}, TextMissing),
        ({"de": "Hallo"}, LanguageNotSpoken),
        ({"ru": "Да", "de": "Ja"}, LanguageNotSpoken),
        ({"ru": "  "}, TextMissing),
        ({"ru": "x" * 501}, TextMissing),
        ({"ru": "{{tier}}"}, UnknownPlaceholder),
        ({"en": "Hello, {{name"}, PlaceholderMalformed),
        ({"en": "Hello, {{Name}}"}, PlaceholderMalformed),
        ({"en": "{{name|}}}}"}, PlaceholderMalformed),
        ({"ru": "{{points:балл|балла}}"}, PluralFormsWrong),
        ({"en": "{{points:point|points|pointses}}"}, PluralFormsWrong),
        ({"en": "{{points:}}"}, PluralFormsWrong),
        ({"en": "{{name:friend|friends}}"}, UnknownPlaceholder),
        ({"en": "{{points|none:a|b}}"}, PlaceholderMalformed),
    ],
)
def test_a_text_that_people_would_read_wrong_is_refused(texts, refusal) -> None:
    with pytest.raises(refusal):
        wording.check(texts, wording.PERSONAL, ("ru", "en"))


@pytest.mark.parametrize("with_gift", [False, True])
def test_what_comes_with_the_service_is_right(*, with_gift: bool) -> None:
    for kind in terms.KINDS:
        for unit in (Unit(currency=None), Unit(currency="RUB")):
            for spoken, ours in ((("ru", "en"), ["ru", "en"]), (("kk", "ru"), ["ru"])):
                texts = terms.standard(kind, unit, spoken, with_gift=with_gift).texts
                wording.check(texts, terms.PLACES[kind], spoken)
                assert list(texts) == ours
                assert wording.mentions(texts, "gift") is with_gift
            (text,) = terms.standard(kind, unit, ("kk",)).texts.items()
            assert text == ("kk", terms.standard(kind, unit, ("en",)).texts["en"])


@pytest.mark.parametrize(
    ("language", "forms", "said"),
    [
        ("ru", "балл|балла|баллов", {1: "балл", 2: "балла", 5: "баллов", 11: "баллов", 21: "балл"}),
        (
            "ru",
            "балл|балла|баллов",
            {0: "баллов", 1001: "балл", 112: "баллов", 10**6: "баллов"},
        ),
        ("en", "point|points", {0: "points", 1: "point", 2: "points", 21: "points"}),
        ("de-AT", "Punkt|Punkte", {1: "Punkt", 3: "Punkte"}),
        ("kk", "ұпай|ұпай", {1: "ұпай", 7: "ұпай"}),
        ("pl", "punkt|punkty|punktów", {1: "punkt", 3: "punkty", 5: "punktów", 22: "punkty"}),
        ("pl", "point|points", {1: "point", 3: "points"}),  # our own words, in English
        ("ja", "ポイント", {1: "ポイント", 9: "ポイント"}),
    ],
)
def test_the_word_beside_a_number_has_the_form_that_the_number_asks_for(
    language: str, forms: str, said: dict[int, str]
) -> None:
    for number, word in said.items():
        filled = wording.fill(f"{{{{points:{forms}}}}}", {"points": number}, language)
        assert filled == word, number


def test_verbs_agree_too_and_what_is_not_there_leaves_no_word() -> None:
    text = "{{gift:Начислен|Начислено|Начислено}} {{gift}} {{gift:балл|балла|баллов}}."
    assert wording.fill(text, {"gift": 21}, "ru") == "Начислен 21 балл."
    assert wording.fill(f"Привет! {text}", {"gift": None}, "ru") == "Привет!."


@pytest.mark.parametrize(
    ("amount", "word"), [("1.00", "рубль"), ("1.50", "рубля"), ("5.00", "рублей"), ("21", "рубль")]
)
def test_money_has_its_word_too(amount: str, word: str) -> None:
    known = {"points": Money(amount, "RUB")}
    assert wording.fill("{{points:рубль|рубля|рублей}}", known, "ru") == word


def test_the_members_language_then_the_programmes_then_any() -> None:
    assert wording.language_for({"ru": "", "en": ""}, "en", "ru") == "en"
    assert wording.language_for({"ru": ""}, "en", "ru") == "ru"
    assert wording.language_for({"en": ""}, None, "ru") == "en"
    assert wording.language_for({"en": "", "kk": ""}, "kk-KZ", "ru") == "kk"


def test_a_place_is_mentioned_in_any_language_however_it_is_spaced() -> None:
    texts = {"ru": "Привет!", "en": "You have {{ points | no }} points"}
    assert wording.mentions(texts, "points")
    assert not wording.mentions(texts, "name")
    assert not wording.mentions({"en": "points and more points"}, "points")


@pytest.mark.parametrize(
    ("value", "russian", "english"),
    [
        (1250, "1\u00a0250", "1,250"),
        (Money("1250.50", "RUB"), "1\u00a0250,50\u00a0₽", "RUB\u00a01,250.50"),
        (Money("-0.05", "EUR"), "\u22120,05\u00a0€", "\u2212€0.05"),
    ],
)
def test_money_is_written_as_people_write_it(value, russian: str, english: str) -> None:
    assert wording.fill("{{points}}", {"points": value}, "ru") == russian
    assert wording.fill("{{points}}", {"points": value}, "en") == english
