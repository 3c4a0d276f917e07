"""Conditions in words, in both languages, and as forms: what a form makes is said as it was
chosen."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from ledger.programmes.units import Unit
from ledger.segments import documents
from wallet.console.members import conditions
from wallet.console.members.conditions import Reading

POINTS = Unit(code="points", kind="points", scale=0, currency=None)
MONEY = Unit(code="cashback", kind="money", scale=2, currency="RUB")
SINCE = datetime(2026, 5, 1, tzinfo=UTC).isoformat()
VALUES = {"number": 500, "days": 21, "store": "Арбат", "amount": "5000", "wallet": "any"}

SAID = [
    ({"kind": "everyone"}, "everyone", "все"),
    ({"kind": "balance", "at_least": 501}, "balance from 501", "баланс от 501"),
    ({"kind": "balance", "at_most": 5}, "balance up to 5", "баланс до 5"),
    (
        {"kind": "balance", "at_least": 100, "at_most": 1500},
        "balance from 100 to 1,500",
        "баланс от 100 до 1\u00a0500",
    ),
    ({"kind": "purchase", "days": 21}, "bought within 21 days", "покупали за 21 день"),
    (
        {"kind": "not", "of": {"kind": "purchase", "days": 90, "store": "Арбат"}},
        "no purchase within 90 days in store Арбат",
        "не покупали 90 дней (точка «Арбат»)",
    ),
    (
        {
            "kind": "purchase",
            "since": SINCE,
            "at_least": {"amount": "5000", "currency": "RUB"},
        },
        "paid RUB\u00a05,000.00 or more since 1 May 2026",
        None,
    ),
    ({"kind": "not", "of": {"kind": "activity", "days": 1}}, None, None),
    ({"kind": "card", "wallet": "apple"}, "card in Apple Wallet", "карта в Apple Wallet"),
    ({"kind": "not", "of": {"kind": "card"}}, "no card in a phone", "карты нет в телефоне"),
    ({"kind": "joined", "days": 3}, "joined within 3 days", "вступили за 3 дня"),
    ({"kind": "consent"}, "agreed to messages", "согласны на сообщения"),
    (
        {"kind": "any", "of": [{"kind": "consent"}, {"kind": "card"}]},
        "agreed to messages or card in a phone",
        "согласны на сообщения или карта в телефоне",
    ),
    (
        {"kind": "not", "of": {"kind": "not", "of": {"kind": "everyone"}}},
        "everyone",
        "все",
    ),
]


@pytest.fixture(params=["en", "ru"])
def speaks(request: pytest.FixtureRequest, app: Flask) -> Iterator[str]:
    with app.test_request_context("/console/", headers={"Accept-Language": request.param}):
        yield request.param


def test_trees_are_said(speaks: str) -> None:
    reading = Reading(POINTS, "Europe/Moscow")
    for document, english, russian in SAID:
        said = conditions.in_words(documents.read(document), reading)
        expected = english if speaks == "en" else russian
        assert expected is None or said == expected
        assert said


@pytest.mark.parametrize("unit", [POINTS, MONEY])
def test_what_a_form_makes_survives_an_address_and_is_said(speaks: str, unit: Unit) -> None:
    reading = Reading(unit, "Europe/Moscow")
    trees = []
    for kind in conditions.kinds(unit):
        tree = documents.read(kind.document(VALUES))
        assert conditions.read(conditions.written(tree)) == tree
        assert conditions.in_words(tree, reading)
        trees.append(tree)
    both = conditions.of_parts(trees[:2])
    (first, second) = conditions.chips(both, reading)
    assert (first.without, second.without) == (trees[1], trees[0])
    assert conditions.sentence(both, reading) == f"{first.words} · {second.words}"
    assert conditions.of_parts([]) == documents.EVERYONE
    assert conditions.chips(documents.EVERYONE, reading) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "nothing"}', "x" * 5000, "null"])
def test_what_is_no_tree_is_none(app: Flask, text: str) -> None:
    assert conditions.read(text) is None
