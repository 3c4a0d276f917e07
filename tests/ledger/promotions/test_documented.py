"""docs/promotions.md does what it says: every document in it is read, priced and compared with the
result that stands below it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from selling import CLOCK, FIVE_PERCENT, line, promotion, quoted, totals

from ledger.languages import Language
from ledger.money import Money
from ledger.promotions import wording
from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.facts import PurchasesBefore
from ledger.promotions.promotions import Promotion, PromotionRules
from ledger.promotions.quotes import Quote
from ledger.promotions.rewards.registry import REWARDS
from ledger.promotions.sentences import sentence
from ledger.promotions.situations import SalePlace
from ledger.promotions.wording import TillReader
from ledger.segments.registry import name_of

PAGE = (Path(__file__).parents[3] / "docs" / "promotions.md").read_text()
KIND = re.compile(r"### `(\w+)`\n.*?```json\n(.*?)```\nResult: (.*?)\n", re.DOTALL)
ENGLISH = Language("en")
TEN = {"kind": "percent", "percent": "10"}


def chapter(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def examples(title: str) -> list[tuple[str, str, str]]:
    return KIND.findall(chapter(title))


CONDITIONS_TOLD = examples("Kinds of conditions")
REWARDS_TOLD = examples("Kinds of rewards")


def the_receipt(*promotions: Promotion) -> Quote:
    """The one of the chapter, as it tells it."""
    shoes = {"categories": ("shoes",), "brand": "Nord", "model": "OXFORD"}
    lines = [
        line("SHOE-38", "4000.00", **shoes),
        line("SHOE-40", "3000.00", **shoes),
        line("SOCKS", "300.00", "3", categories=("socks",), brand="Lelia"),
        line("BAG", "15.00", kind="bag"),
    ]
    asked = {fact.key: 1 for one in promotions for fact in one.rules.asks()}
    asked.pop("purchases today", None)
    return quoted(
        lines,
        *promotions,
        rates=FIVE_PERCENT,
        facts={**asked, PurchasesBefore().key: 2},
        place=SalePlace("centre", "Moscow", "1", "till"),
        codes=["spring"],
        paid_by=frozenset({"sbp"}),
    )


@pytest.mark.parametrize(("kind", "document", "result"), CONDITIONS_TOLD)
def test_a_condition_does_what_is_said(kind: str, document: str, result: str) -> None:
    told = json.loads(document)
    assert told["kind"] == kind
    quote = the_receipt(promotion("ten", TEN, when=told))
    (outcome,) = quote.promotions
    said = wording.outcome(outcome, TillReader(ENGLISH, "RUB", {"ten": "Ten percent"}))
    said = said.replace("\u00a0", " ")  # it keeps an amount together
    assert ("met" if outcome.outcome == "applied" else said) == result
    assert quote.discount == (79000 if result == "met" else 0)


@pytest.mark.parametrize(("kind", "document", "result"), REWARDS_TOLD)
def test_a_reward_does_what_is_said(kind: str, document: str, result: str) -> None:
    told = json.loads(document)
    assert told["kind"] == kind
    quote = the_receipt(promotion("p", told))
    lines = ", ".join(Money.of(total, 2, "RUB").amount for total in totals(quote))
    parts = [lines, f"{quote.earned} points"]
    parts += [f"hand out {one.present.units} x {one.present.sku}" for one in quote.presents]
    assert "; ".join(parts) == result


def test_every_kind_is_documented_once_and_in_order() -> None:
    assert [one[0] for one in CONDITIONS_TOLD] == [name_of(kind) for kind in CONDITIONS.kinds()]
    assert [one[0] for one in REWARDS_TOLD] == [name_of(kind) for kind in REWARDS.kinds()]


def test_every_field_of_every_kind_is_named_where_the_kind_is() -> None:
    by_family = {
        family: dict(re.findall(r"### `(\w+)`\n(.*?Result)", chapter(title), re.DOTALL))
        for family, title in (("c", "Kinds of conditions"), ("r", "Kinds of rewards"))
    }
    general = chapter("Kinds")
    missing = [
        (name_of(kind), info.alias or name)
        for family, kinds in (("c", CONDITIONS.kinds()), ("r", REWARDS.kinds()))
        for kind in kinds
        for name, info in kind.model_fields.items()  # type: ignore[attr-defined]
        if not re.search(rf'[`"]{info.alias or name}', by_family[family][name_of(kind)] + general)
    ]
    assert missing == []


def first_promotion() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        chapter("A first promotion").split("```json\n")[1].split("```")[0]
    )
    return document


def test_the_first_promotion_of_the_page_and_what_it_says() -> None:
    document = first_promotion()
    code = document.pop("code")
    del document["programme"]
    rules = PromotionRules.model_validate(document)
    assert f'"{sentence(rules, ENGLISH)}"' in " ".join(chapter("In words").split())
    second = Promotion(code, 1, rules)
    assert totals(the_receipt(second)) == [400000, 150000, 90000, 1500]
    club = promotion("club", {"kind": "percent", "percent": "5"}, priority=1)
    together = the_receipt(club, second)
    assert {one.promotion: (one.outcome, one.lost_to) for one in together.promotions} == {
        "club": ("applied", None),
        "second-pair": ("lost", "club"),
    }


def test_the_receipt_of_the_chapter_is_the_one_that_is_priced() -> None:
    rows = re.findall(r"^\| ([A-Z\d-]+) \| ([\d.]+) \| (\d) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    lines = the_receipt().lines
    assert [(sku, Money(total, "RUB").points(2)) for sku, _, _, total in rows] == [
        (one.id, one.full) for one in lines
    ]
    assert CLOCK.at.strftime("%A, %-d %B %Y, at %H:%M") in " ".join(chapter("Kinds").split())


def test_the_free_coffee_of_the_page_can_be_bought_twice() -> None:
    (told,) = re.findall(r"```json\n(.*?)```", chapter("How a receipt is priced"), re.DOTALL)[1:2]
    document = json.loads(told)
    code = document.pop("code")
    del document["programme"]
    coffee = Promotion(code, 1, PromotionRules.model_validate(document))
    lines = [line("COFFEE", "200.00", "2", categories=("coffee",)), line("BUN", "90.00")]
    quote = quoted(lines, coffee, available=300, rewards={code: 3})
    assert [(one.times, one.points) for one in quote.bought] == [(2, 200)]
    assert (quote.spent, quote.total) == (200, 9001)
    assert sentence(coffee.rules, ENGLISH).endswith("; for 100 points")
