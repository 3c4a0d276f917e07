"""What a cashier reads: every code that the engine has, in both languages, at most 40 signs."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from selling import line, promotion, quoted, rub, terms

import ledger.promotions
from ledger.languages import LANGUAGES, Language
from ledger.money import Money
from ledger.promotions import wording
from ledger.promotions.paying import StoredPaid
from ledger.promotions.quotes import (
    EnteredCode,
    LineReason,
    PointsReason,
    PromisedPresent,
    PromotionOutcome,
    Quote,
    ReasonCode,
)
from ledger.promotions.rewards.registry import Present
from ledger.promotions.situations import UnmetAs
from ledger.promotions.stacking import Fate
from ledger.promotions.wording import Purse, TillReader
from ledger.promotions.worksheet import Limit

EN, RU = Language("en"), Language("ru")
LONG = {
    "en": "Second pair of shoes for half the price on all days of the winter sale",
    "ru": "Вторая пара обуви за полцены во все дни большой зимней распродажи",
}
NAMES = {"p": LONG, "q": "Кофе"}
# The largest that shops meet.
FACTS: dict[str, Any] = {
    "missing": Money("9999999.99", "RUB"),
    "number": 1_000_000,
    "begin": "09:00",
    "end": "12:00",
    "day": date(2026, 12, 20),
    "percent": 3333,
    "limit": "floor",
    "to": "p",
    "off": 999_999_999,
}


def reader(language: Language) -> TillReader:
    return TillReader(language, "RUB", NAMES)


def unmet_codes() -> set[str]:
    """The codes of `Unmet` as the source has them."""
    found = set()
    for file in Path(ledger.promotions.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Unmet":
                assert isinstance(node.args[1], ast.Constant), file
                found.add(node.args[1].value)
    return found


def outcomes() -> Iterator[PromotionOutcome]:
    """Every outcome with every code that it can have."""
    for fate in get_args(Fate):
        if fate in get_args(UnmetAs):
            codes = [*unmet_codes(), "a_code_of_a_package"]
        else:
            codes = [None, *get_args(Limit)]
        for code in codes:
            for amount in (0, 999_999_999) if fate == "applied" else (0,):
                yield PromotionOutcome("p", 1, fate, amount, "p", code, FACTS)


def rich_quote() -> Quote:
    """One of which there is all to say."""
    quote = quoted([line("X", "9999999.99")], promotion("p", {"kind": "percent", "percent": "99"}))
    stored = StoredPaid("4485", 1, 2, 5, 999_999_999)
    return replace(quote, spent=99_999_999, earned=99_999_999, stored=[stored])


def everything(language: Language) -> Iterator[str]:
    who = reader(language)
    for told in outcomes():
        yield wording.outcome(told, who)
    for code in get_args(ReasonCode):
        for limit in get_args(Limit):
            reason = LineReason(code, "p", 999_999_999, {**FACTS, "limit": limit})
            yield wording.line_reason(reason, who)
    for code in (*unmet_codes(), "a_code_of_a_package"):
        yield wording.line_reason(LineReason("close", "p", 0, {**FACTS, "code": code}), who)
    for promotion_code in (None, "p"):
        yield wording.points_reason(PointsReason(promotion_code, 7), who)
    yield wording.present(PromisedPresent(Present("SOCKS", 1), "p"), who)
    for kind, currency in (("points", None), ("money", "RUB"), ("stamps", None)):
        yield from wording.slip(rich_quote(), Purse(kind, 2, currency, 999_999_999), who)
    for entered in (EnteredCode("X" * 100, state, "p") for state in ("applied", "unknown")):
        yield wording.entered_code(entered, [], who)
    for known in ([], [next(outcomes())]):
        yield wording.entered_code(EnteredCode("X", "unused", "p"), known, who)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_longer_than_40_signs_or_without_words(language: Language) -> None:
    for text in everything(language):
        assert 0 < len(text) <= 40, text
        assert "_" not in text, text
        assert "{" not in text, text
        assert text == text.strip(), text


def test_every_code_of_the_engine_has_words() -> None:
    assert unmet_codes() == {*wording.UNMET, *wording.UNMET_COUNTING}
    for language in LANGUAGES:
        said = {
            code: wording.outcome(
                PromotionOutcome("p", 1, "not_met", code=code, facts=FACTS), reader(language)
            )
            for code in unmet_codes()
        }
        assert len(set(said.values())) == len(said)


def test_a_name_is_cut_behind_a_word() -> None:
    cut = wording.points_reason(PointsReason("p", 7), reader(EN))
    assert cut == "Second pair of shoes for half the price…"
    cut = wording.line_reason(LineReason("gave", "p", 29900), reader(RU))
    assert cut == "Вторая пара обуви за полцены во…: \N{MINUS SIGN}299\u00a0₽"


@pytest.mark.parametrize(
    ("number", "russian", "english"),
    [
        (1, "До «Кофе» ещё 1 товар", "1 more until Кофе"),
        (2, "До «Кофе» ещё 2 товара", "2 more until Кофе"),
        (5, "До «Кофе» ещё 5 товаров", "5 more until Кофе"),
    ],
)
def test_who_is_close_is_told_what_is_missing(number: int, russian: str, english: str) -> None:
    told = PromotionOutcome("q", 1, "close", code="too_few_units", facts={"number": number})
    assert wording.outcome(told, reader(RU)) == russian
    assert wording.outcome(told, reader(EN)) == english


def test_a_receipt_says_what_happened_to_it() -> None:
    """As the engine gives it, without a fact made up."""
    half = promotion("half", {"kind": "percent", "percent": "60"}, priority=1)
    more = {"kind": "amount", "at_least": rub("1300")}
    gift = promotion("gift", {"kind": "gift", "sku": "SOCKS"}, when=more)
    coded = promotion(
        "coded", {"kind": "percent", "percent": "5"}, when={"kind": "code", "codes": ["SPRING"]}
    )
    quote = quoted(
        [line("X", "1000.00")],
        *(half, gift, coded),
        terms=terms(ceilings={"line": "50"}),
        codes=["spring", "autumn"],
    )
    names = {"half": "Чёрная пятница", "gift": "Носки в подарок", "coded": "Весна"}
    who = TillReader(RU, "RUB", names)
    assert [wording.line_reason(one, who) for one in quote.lines[0].reasons] == [
        "Чёрная пятница: \N{MINUS SIGN}500\u00a0₽",
        "Ограничено потолком 50\u00a0%",
    ]
    assert {one.promotion: wording.outcome(one, who) for one in quote.promotions} == {
        "half": "Ограничено потолком 50\u00a0%",
        "gift": "До «Носки в подарок» ещё 300\u00a0₽",
        "coded": "Потолок 50\u00a0% уже достигнут",
    }
    assert [wording.entered_code(one, quote.promotions, who) for one in quote.codes] == [
        "Потолок 50\u00a0% уже достигнут",
        "Такого кода нет",
    ]


@pytest.mark.parametrize(
    ("code", "facts", "said"),
    [
        ("not_yet", {"day": date(2026, 12, 20)}, "Begins on 20 Dec"),
        ("costs_too_little", {"missing": Money("300.00", "RUB")}, "RUB\u00a0300 more is needed"),
        ("too_few_units", {"number": 1}, "1 more unit is needed"),
    ],
)
def test_facts_that_were_kept_as_json_say_the_same(
    code: str, facts: dict[str, Any], said: str
) -> None:
    for known in (facts, orjson.loads(orjson.dumps(facts))):
        told = PromotionOutcome("q", 1, "not_met", code=code, facts=known)
        assert wording.outcome(told, reader(EN)) == said
