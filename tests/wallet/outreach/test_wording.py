"""The words of messages: what can be named, and what stands where nothing is known."""

import pytest

from ledger.money import Money
from ledger.programmes.units import Unit
from wallet.errors import LanguageNotSpoken, PlaceholderMalformed, TextMissing, UnknownPlaceholder
from wallet.outreach import terms, wording
from wallet.passes.content import LONGEST_MESSAGE

ANNA = {"name": "Анна", "points": "1 250"}


@pytest.mark.parametrize(
    ("text", "known", "filled"),
    [
        ("{{name}}, у вас {{points}}", ANNA, "Анна, у вас 1 250"),
        ("{{ name | друг }}, у вас {{points}}", ANNA, "Анна, у вас 1 250"),
        ("{{name|друг}}, привет", {}, "друг, привет"),
        ("Здравствуйте, {{name}}!", {}, "Здравствуйте!"),
        ("Hello, {{name}}! You have {{points}}.", {"points": "7"}, "Hello! You have 7."),
        ("Ключ {name} не место", ANNA, "Ключ {name} не место"),
        ("{{name}}", {"name": "{{points}}", "points": "7"}, "{{points}}"),
        ("Сгорят {{day}}.", {"day": "3 марта 2027 г."}, "Сгорят 3 марта 2027 г."),
    ],
)
def test_a_text_is_filled(text, known, filled) -> None:
    assert wording.fill(text, known) == filled


def test_what_is_filled_fits_the_card() -> None:
    assert len(wording.fill("{{name}}" * 60, {"name": "Ы" * 100})) == LONGEST_MESSAGE


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
    ],
)
def test_a_text_that_people_would_read_wrong_is_refused(texts, refusal) -> None:
    with pytest.raises(refusal):
        wording.check(texts, wording.PERSONAL, ("ru", "en"))


def test_what_comes_with_the_service_is_right() -> None:
    for kind in terms.KINDS:
        for unit in (Unit(currency=None), Unit(currency="RUB")):
            for spoken, ours in ((("ru", "en"), ["ru", "en"]), (("kk", "ru"), ["ru"])):
                texts = terms.standard(kind, unit, spoken).texts
                wording.check(texts, terms.PLACES[kind], spoken)
                assert list(texts) == ours
            (text,) = terms.standard(kind, unit, ("kk",)).texts.items()
            assert text == ("kk", terms.standard(kind, unit, ("en",)).texts["en"])


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
        (Money("-0.05", "EUR"), "-0,05\u00a0€", "-€0.05"),
    ],
)
def test_money_is_written_as_people_write_it(value, russian: str, english: str) -> None:
    assert wording.amount(value, "ru") == russian
    assert wording.amount(value, "en") == english
