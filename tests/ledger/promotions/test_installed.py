"""Kinds from a package that is really installed, and promotions that outlive it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ledger.promotions import documents
from ledger.promotions.documents import KindNotInstalled

KIT = Path(__file__).parents[2] / "kit"
TOP = KIT.parents[1]
PROMOTION: dict[str, Any] = {
    "name": "Rain",
    "when": {"kind": "all", "of": [{"kind": "rainy"}, {"kind": "always"}]},
    "gives": [{"kind": "round_down", "to": 100}],
}
PRICED = """
import json, sys
from selling import line, quoted
from ledger.promotions import documents, wording
from ledger.promotions.describing import described
from ledger.promotions.promotions import Promotion
from ledger.promotions.sentences import sentence
from ledger.promotions.situations import SalePlace
from ledger.promotions.wording import TillReader

rules = documents.read(json.loads(sys.argv[1]))
promotion = Promotion("rain", 1, rules)
lines = [line("TEA", "149.90"), line("CUP", "99.90")]
wet = quoted(lines, promotion, place=SalePlace(channel="rain"))
dry = quoted(lines, promotion)
told = {one.kind: one for one in described("ru").kinds}
print(json.dumps({
    "wet": [one.total for one in wet.lines],
    "dry": [one.total for one in dry.lines],
    "dry_told": [wording.outcome(one, TillReader("ru", "RUB", {})) for one in dry.promotions],
    "ru": sentence(rules, "ru"),
    "en": sentence(rules, "en"),
    "stored": documents.stored(rules),
    "families": [told[kind].family for kind in ("rainy", "round_down")],
    "called": [told[kind].part.name for kind in ("rainy", "round_down")],
    "field": told["round_down"].part.fields[0].label,
}))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package is installed, by pip, as anybody would."""
    top = tmp_path_factory.mktemp("rainy")
    source = top / "source"
    shutil.copytree(KIT / "rainy_kinds", source)
    for text in source.rglob("*.po"):
        with text.open("rb") as told, text.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, read_po(told))
    command = ["install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run(
        [sys.executable, "-m", "pip", *command, str(top / "site"), str(source)],
        check=True,
        capture_output=True,
    )
    return top / "site"


def run(code: str, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A process of its own, since the kinds are read once in each."""
    paths = [str(one) for one in (path, KIT, TOP) if one is not None]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_kinds_of_an_installed_package_are_as_our_own(site: Path) -> None:
    done = run(PRICED, json.dumps(PROMOTION), path=site)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "wet": [12002, 7998],
        "dry": [14990, 9990],
        "dry_told": ["Сейчас не действует"],
        "ru": "Сумма округлена вниз до кратного 100; "
        "если выполнены все условия: (идёт дождь; это любая покупка)",
        "en": "Rounded down to a multiple of 100; "
        "if all of these hold: (it rains; on every purchase)",
        "stored": PROMOTION,
        "families": ["condition", "discount"],
        "called": ["Пока идёт дождь", "Округление вниз"],
        "field": "До кратного",
    }


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "No module named 'kopilka_broken'"),
        ("class Snow: ...", "it has no model_fields, WORDS, told"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_at_the_start(
    tmp_path: Path, code: str, why: str
) -> None:
    told = tmp_path / "kopilka_broken-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: kopilka-broken\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[kopilka.promotions]\nsnow = kopilka_broken:Snow\n")
    if code:
        (tmp_path / "kopilka_broken.py").write_text(code)
    done = run("import ledger.promotions.pricing", path=tmp_path)
    assert done.returncode != 0
    assert f"the kind snow of the package kopilka-broken: {why}" in done.stderr


def test_a_promotion_whose_kind_is_gone_is_refused_with_its_name() -> None:
    with pytest.raises(KindNotInstalled) as refused:
        documents.read(PROMOTION)
    assert refused.value.code == "kind_not_installed"
    assert refused.value.facts() == {"kinds": ["rainy", "round_down"]}
    assert refused.value.sentence() == (
        "This installation no longer has the kind rainy, round_down, which the promotion needs."
    )


def test_another_mistake_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="percent"):
        documents.read({"name": "x", "gives": [{"kind": "percent", "percent": "101"}]})


def test_what_is_stored_is_what_was_written() -> None:
    written = {
        "name": {"en": "Tea", "ru": "Чай"},
        "from": "2026-12-01T00:00:00Z",
        "when": {"kind": "any", "of": [{"kind": "dates", "from": "2026-12-01"}]},
        "gives": [
            {"kind": "points_fixed", "points": 5},
            {"kind": "percent", "percent": "5", "goods": {"skus": ["TEA"]}},
        ],
    }
    rules = documents.read(written)
    assert documents.stored(rules) == written
    assert documents.read(documents.stored(rules)) == rules
